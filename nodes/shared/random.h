/* Random numbers as nodes: each is a draw of the graph's one stream, which dense/random.def defines.
 *
 * The seed and the number of the evaluation are parameters. A draw reads the seed and the assignment that adds one to
 * the other: so every plan that draws counts its evaluations, and all draws of one evaluation, computed again or not,
 * read one number. Draws differ by their numbers in the graph: no two are merged. */
#ifndef AGI_SHARED_RANDOM_H
#define AGI_SHARED_RANDOM_H

#include "dense/random.h"
#include "node.h"

/* The attribute of draws. */
typedef struct {
    int64_t dim[AG_MAX_RANK];
    int32_t rank, dtype;
    uint32_t number, zero;
} agi_draw_form;

ag_node *agi_begin_stream(ag_graph *, int64_t seed); /* the seed's parameter */
ag_node *agi_new_draw(ag_graph *, const ag_op *, ag_dtype, ag_shape); /* inputs: the seed, the evaluation */
void agi_each_drawn(void *attribute, ag_each_extent *each, void *context);
ag_status agi_infer_draw(ag_infer *);
ag_status agi_infer_real_draw(ag_infer *);
int64_t agi_count_draw_pieces(const ag_node *y);

typedef struct {
    const agi_dense *dense;
    agi_draw draw;
    int64_t first, end; /* elements to make */
} agi_drawing;
agi_drawing agi_drawing_of(const ag_kernel_call *);

void agi_write_words(ag_source *, const ag_node *y, const char *index); /* w of the group that holds element `index` */
void agi_write_draw(ag_source *, const ag_node *y, const char *function); /* which makes a group of elements of w */

#endif
