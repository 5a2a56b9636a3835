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

/* Of `total`, the sum of `power`, which are e^below, all but one largest element, of which below is 0: if it alone adds
 * 1 to it, the sum of the others, which are not lost beside that. */
static inline ag_node *agi_but_largest(ag_node *below, ag_node *power, ag_node *total, ag_axis_attribute a)
{
    ag_node *zero = ag_number(total->graph, 0), *one = ag_number(total->graph, 1);
    ag_node *others = agi_reduce(&agi_sum, ag_where(ag_less(below, zero), power, zero), a);
    return ag_where(ag_equal(ag_floor(total), one), others, ag_sub(total, one));
}

static inline ag_node *agi_log_total(ag_node *below, ag_node *power, ag_node *total, ag_axis_attribute a)
{
    return ag_log1p(agi_but_largest(below, power, total, a));
}

/* ---- labels of rows: operands are sound, logits x [n, classes] and labels [n] ------------------------------------ */

typedef struct {
    int64_t ignored, ignores; /* a label that is no class but says that its row does not count; is there one? */
} agi_label_form;

/* A row of logits as cross-entropy sees it, an axis of 1 kept: x - max x, e^ of it, their sum; that without the largest
 * element; x - max x at the label. */
typedef struct {
    ag_node *below, *power, *total, *rest, *picked;
} agi_label_row;
agi_label_row agi_row_of_label(ag_node *x, ag_node *labels, const agi_label_form *);

ag_node *agi_new_pick(ag_node *x, ag_node *labels, const agi_label_form *);          /* [n]: x at the labels */
ag_node *agi_new_softmax_error(ag_node *x, ag_node *labels, const agi_label_form *); /* softmax(x), less 1 there */
ag_node *agi_hot(ag_node *labels, const agi_label_form *, int64_t classes, ag_dtype); /* [n, classes]: 1 there */

#endif
