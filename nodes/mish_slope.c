/* The slope of mish, t + x t' with t = tanh(softplus(x)): 0 far left, 1 far right, also at the infinities.
 * Derivative 2 t' + x t'' = t' (2 + x decay), see mish_bell. */
#include "shared/slopes.h"

POINTWISE1(mish_slope, F(agi_mish_slope_of)(x))

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    ag_node *x = ag_clip(y->in[0], -1000, 1000), *two = ag_number(y->graph, 2);
    ag_node *bend = ag_add(two, ag_mul(x, agi_mish_decay(y->in[0])));
    gin[0] = ag_mul(gout, ag_mul(agi_new_mish_bell(y->in[0]), bend));
}

const ag_op agi_mish_slope = { .name = "mish_slope",
                               .formula = "slope of mish",
                               .inputs = 1,
                               .flags = AG_POINTWISE | AG_SMOOTH,
                               .code = POINTWISE_CODE,
                               .gradient = gradient };

ag_node *agi_new_mish_slope(ag_node *x)
{
    return ag_unary(&agi_mish_slope, x);
}
