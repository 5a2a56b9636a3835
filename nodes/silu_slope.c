/* The slope of silu, s(x) (1 + x s(-x)) with s = sigmoid: 0 far left, 1 far right, also at the infinities.
 * Derivative s'(x) (2 - x tanh(x / 2)). */
#include "shared/slopes.h"

POINTWISE1(silu_slope, F(agi_silu_slope_of)(x))

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    ag_node *x = y->in[0], *two = ag_number(y->graph, 2);
    ag_node *bend = ag_sub(two, ag_mul(x, ag_tanh(ag_scale(x, 0.5))));
    gin[0] = ag_mul(gout, agi_new_sigmoid_slope(bend, x));
}

const ag_op agi_silu_slope = { .name = "silu_slope",
                               .formula = "s(x) (1 + x s(-x)), s = sigmoid",
                               .inputs = 1,
                               .flags = AG_POINTWISE | AG_SMOOTH,
                               .code = POINTWISE_CODE,
                               .gradient = gradient };

ag_node *agi_new_silu_slope(ag_node *x)
{
    return ag_unary(&agi_silu_slope, x);
}
