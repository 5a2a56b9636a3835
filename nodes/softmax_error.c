/* softmax(a) - b by rows, b being 1 at one class of each and else 0: there it is minus the sum of the other classes'
 * probabilities, which are not lost beside 1. The gradient is softmax's, and -gout for b. */
#include "shared/softmax.h"

#include <math.h>

agi_label_split agi_split_label(ag_node *x, ag_node *hot)
{
    ag_node *below = agi_below_max(x, 1), *zero = ag_number(x->graph, 0); /* in this order it is one pass */
    agi_label_split s = { .picked = ag_amax_axis(ag_where(hot, below, ag_number(x->graph, -INFINITY)), 1, 1) };
    s.power = ag_exp(below);
    s.others = ag_sum_axis(ag_where(hot, zero, s.power), 1, 1);
    s.total = ag_add(s.others, ag_exp(s.picked));
    return s;
}

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    if (ag_wanted(y, 0)) gin[0] = agi_new_softmax_slope(ag_softmax(y->in[0], 1), gout, 1);
    if (ag_wanted(y, 1)) gin[1] = ag_neg(gout);
}

const ag_op agi_softmax_error = { .name = "softmax_error",
                                  .formula = "softmax(a) - b",
                                  .inputs = 2,
                                  .flags = AG_ALIAS | AG_SMOOTH,
                                  .gradient = gradient };

ag_node *agi_new_softmax_error(ag_node *x, ag_node *hot)
{
    agi_label_split s = agi_split_label(x, hot);
    ag_node *signed_power = ag_where(hot, ag_neg(s.others), s.power);
    return ag_define(&agi_softmax_error, 2, (ag_node *[]){ x, hot }, NULL, ag_div(signed_power, s.total));
}
