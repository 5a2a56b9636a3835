/* a b (1 - b) with b = 1 / (1 + c): a times the slope of the sigmoid at t where c = e^-t and b = sigmoid(t). The
 * smaller of b and 1 - b has all its digits: where c <= 1 the latter is b c.  d/da = b (1 - b); d/db = a (1 - 2 b)
 * where c > 1, else 2 a b c, and d/dc = a b^2 there. */
#include "node.h"

POINTWISE3(sigmoid_slope_of_exp, a * (b * (c > 1 ? 1 - b : b * c)))

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    ag_node *a = y->in[0], *b = y->in[1], *c = y->in[2], *scaled = ag_mul(gout, a);
    ag_node *left = ag_greater(c, ag_number(y->graph, 1));
    if (ag_wanted(y, 0)) gin[0] = ag_apply(y->op, 3, (ag_node *[]){ gout, b, c }, NULL);
    if (ag_wanted(y, 1))
        gin[1] = ag_mul(scaled, ag_where(left, ag_one_minus(ag_scale(b, 2)), ag_scale(ag_mul(b, c), 2)));
    if (ag_wanted(y, 2)) gin[2] = ag_mul(scaled, ag_where(left, ag_number(y->graph, 0), ag_square(b)));
}

const ag_op agi_sigmoid_slope_of_exp = { .name = "sigmoid_slope_of_exp",
                                         .formula = "a b (1 - b), b = 1 / (1 + c)",
                                         .inputs = 3,
                                         .flags = AG_POINTWISE | AG_SMOOTH,
                                         .code = POINTWISE_CODE,
                                         .gradient = gradient };
