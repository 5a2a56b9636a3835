/* The slope of gelu_tanh, s(v) + x s(v) s(-v) v' with v(x) as there: 0 far left, 1 far right, also at the infinities.
 * Derivative s(v) s(-v) (2 v' + x v'' - x v'^2 tanh(v / 2)). */
#include "shared/slopes.h"

POINTWISE1(gelu_tanh_slope, F(agi_gelu_tanh_slope_of)(x))

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    agi_gelu_tanh_parts p = agi_parts_of_gelu_tanh(y->in[0]);
    ag_node *bend = ag_add(ag_scale(p.slope, 2), ag_mul(p.x, ag_sub(p.second, ag_mul(p.slope, p.decay))));
    gin[0] = ag_mul(gout, ag_mul(agi_new_gelu_tanh_bell(y->in[0]), bend));
}

const ag_op agi_gelu_tanh_slope = { .name = "gelu_tanh_slope",
                                    .formula = "slope of gelu_tanh",
                                    .inputs = 1,
                                    .flags = AG_POINTWISE | AG_SMOOTH,
                                    .code = POINTWISE_CODE,
                                    .gradient = gradient };

ag_node *agi_new_gelu_tanh_slope(ag_node *x)
{
    return ag_unary(&agi_gelu_tanh_slope, x);
}
