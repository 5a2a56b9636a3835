/* What the operations share that add tensors at regular places of another: ways over one, and over where it goes. */
#ifndef AGI_PATH_H
#define AGI_PATH_H

#include "graph/graph.h"

/* Over a tensor, and over the places of its elements in another, in step. */
typedef struct {
    int rank; /* at least 1 */
    int64_t dim[AG_MAX_RANK], to[AG_MAX_RANK], from[AG_MAX_RANK]; /* extents, and strides */
    int64_t offset;                                               /* where it goes */
} agi_path;

/* x lies in memory with the strides `from`, and goes to `to`; axes that are walked like one are one. */
agi_path agi_path_between(const ag_node *x, const ag_strides *from, const ag_strides *to);

void agi_path_swap(agi_path *, int a, int b); /* two of its axes: the same elements in another order */
int agi_path_longest(const agi_path *);       /* axis */

/* `to` and `from` of n elements, so far apart. */
typedef void agi_mover(int64_t n, void *to, int64_t to_stride, const void *from, int64_t from_stride);
typedef struct {
    agi_mover *copy, *add;
    size_t to, from; /* bytes of an element */
} agi_way;

agi_way agi_way_of(ag_dtype, int wide); /* wide: floats to doubles */
void agi_go(const agi_path *, const agi_way *, agi_mover *each, char *out, const char *in);
/* Only what goes to elements `first` to before `end`; no stride to there is negative. */
void agi_go_within(const agi_path *, const agi_way *, agi_mover *each, char *out, const char *in, int64_t first,
                   int64_t end);
/* All of it in C, from input k, and what is within the loop over its first axis: `takes` is "=" or "+=". They use
 * int64_t i[AG_MAX_RANK]. */
void agi_write_path(ag_source *, const agi_path *, uint32_t k, const char *to, const char *takes);
void agi_write_path_within(ag_source *, const agi_path *, uint32_t k, const char *to, const char *takes);

static inline int agi_is_nought(const ag_node *x) /* the number 0, repeated: it is not read */
{
    double value;
    return agi_is_number(x, &value) && value == 0;
}

#endif
