/* softmax(x), less 1 at each row's label: there it is minus the sum of the other classes' probabilities, which are not
 * lost beside 1. The gradient is softmax's. */
#include "shared/softmax.h"

agi_label_row agi_row_of_label(ag_node *x, ag_node *labels, const agi_label_form *f)
{
    const ag_axis_attribute rows = { .axis = 1, .keepdims = 1 };
    ag_node *max = ag_amax_axis(x, 1, 1);
    agi_label_row r = { .below = ag_sub(x, max) };
    r.power = ag_exp(r.below);
    r.total = agi_reduce(&agi_sum, r.power, rows);
    r.rest = agi_but_largest(r.below, r.power, r.total, rows);
    r.picked = ag_sub(ag_reshape(agi_new_pick(x, labels, f), AG_SHAPE(-1, 1)), max);
    return r;
}

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    gin[0] = agi_new_softmax_slope(ag_softmax(y->in[0], 1), gout, 1);
}

const ag_op agi_softmax_error = { .name = "softmax_error",
                                  .formula = "softmax(x), less 1 at the label",
                                  .inputs = 2,
                                  .flags = AG_ALIAS | AG_SMOOTH,
                                  .attribute_size = sizeof(agi_label_form),
                                  .gradient = gradient };

ag_node *agi_new_softmax_error(ag_node *x, ag_node *labels, const agi_label_form *f)
{
    agi_label_row r = agi_row_of_label(x, labels, f);
    ag_node *hot = agi_hot(labels, f, x->dim[1], (ag_dtype)x->dtype);
    ag_node *largest = ag_equal(r.picked, ag_number(x->graph, 0));
    ag_node *others = ag_where(largest, r.rest, ag_sub(r.total, ag_exp(r.picked)));
    ag_node *value = ag_div(ag_where(hot, ag_neg(others), r.power), r.total);
    return ag_define(&agi_softmax_error, 2, (ag_node *[]){ x, labels }, f, value);
}
