/* What softmax, its logarithm and cross-entropy share: written alike, they merge and take one pass over a row. */
#ifndef AGI_SOFTMAX_H
#define AGI_SOFTMAX_H

#include "reduction.h"

static inline ag_node *agi_below_max(ag_node *x, int axis) /* x - max x <= 0: its exponentials do not overflow */
{
    return ag_sub(x, ag_amax_axis(x, axis, 1));
}

/* From the gradient g of y = softmax(x) to that of x: y (g - sum of g y), over an axis counted from 0, or AG_ALL. */
ag_node *agi_new_softmax_slope(ag_node *y, ag_node *g, int axis);

/* The log of `total`, the sum of `power`, which are e^below: if nothing but one largest element, of which below is 0,
 * adds 1 to it, then of the sum of the others, which are not lost beside that. */
static inline ag_node *agi_log_total(ag_node *below, ag_node *power, ag_node *total, ag_axis_attribute a)
{
    ag_node *zero = ag_number(total->graph, 0), *one = ag_number(total->graph, 1);
    ag_node *others = agi_reduce(&agi_sum, ag_where(ag_less(below, zero), power, zero), a);
    return ag_log1p(ag_where(ag_equal(ag_floor(total), one), others, ag_sub(total, one)));
}

/* A row of logits x as cross-entropy sees it, `hot` being 1 at its label: x - max x there; e^(x - max x), summed over
 * the other classes, and over all. */
typedef struct {
    ag_node *power, *picked, *others, *total;
} agi_label_split;
agi_label_split agi_split_label(ag_node *x, ag_node *hot);
ag_node *agi_new_softmax_error(ag_node *x, ag_node *hot); /* softmax(x) - hot, by rows */

/* The labels, which an evaluation finds to be from 0 to classes - 1, or fails. Sound operands. */
ag_node *agi_new_label(ag_node *labels, int64_t classes);

#endif
