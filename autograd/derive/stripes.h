/* Products with all unit vectors at once, which are 0 but on diagonals: as long as they are, they are kept as those,
 * stripes, and no zero is computed, multiplied or added. */
#ifndef AGI_STRIPES_H
#define AGI_STRIPES_H

#include "derive.h"

/* Of a tensor [count, *shape], by direction: element j of the value, which has `shape`'s rank, is of the direction
 * along.offset + sum of along.stride[i] j[i], and lies at start[i] + step[i] j[i] of shape's axis i. Where the value's
 * extent is 1, its stride is 0 and its step 1; what lies behind its rank is 0. */
typedef struct {
    ag_node *value;
    ag_strides along;
    int64_t start[AG_MAX_RANK], step[AG_MAX_RANK];
} agi_stripe;

enum { AGI_MOST_STRIPES = 512 };

/* The sum of them, which lie differently, and of `rest`. */
typedef struct {
    ag_node *rest; /* [count, *shape], or NULL: 0 */
    int alone;     /* there is to be no rest */
    int n;
    agi_stripe *stripe;
} agi_stripes;

/* The unit vectors of x's shape are those of directions from `first` on. `out` here and below has room. */
void agi_unit_stripes(const ag_node *x, int64_t first, agi_stripes *);

/* What the operation y makes of its operands from `first` to before `end`, of which all[k] is NULL if it is not by
 * direction. out->rest is what is made of stripes; that of the operands' rests is still to be added. 0: they do not
 * stay stripes, or the graph has failed. */
int agi_through_stripes(const ag_node *y, uint32_t first, uint32_t end, agi_stripes *const all[], int64_t count,
                        agi_stripes *out);

ag_node *agi_tensor_of_stripes(const agi_stripes *, const ag_node *like, int64_t count); /* like: of `shape` */

/* batch.c: each of y[i], which are linear in the u, as stripes alone, in the arena; *stopped: they do not stay that.
 * Failures are those of the call `what`. */
ag_status agi_stripes_of(const char *what, agi_arena *, int nu, ag_node *const u[], int m, ag_node *const y[],
                         agi_stripes of_y[], int *stopped);

#endif
