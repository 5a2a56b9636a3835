/* x Phi(x), Phi being the normal distribution. Far left it is 0, also at -Inf.
 * Derivative Phi(x) + x phi(x) with the density phi(x) = e^(-x^2 / 2) / sqrt(2 pi). */
#include "shared/slopes.h"

POINTWISE1(gelu, x < -40 ? 0 : x * F(agi_normal_of)(x))

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    ag_node *x = y->in[0], *density = ag_scale(agi_new_bell(x, 0.5), 0.39894228040143267794);
    gin[0] = ag_mul(gout, ag_add(agi_new_normal(x), ag_mul(x, density)));
}

const ag_op agi_gelu = { .name = "gelu",
                         .formula = "x Phi(x)",
                         .inputs = 1,
                         .flags = AG_POINTWISE | AG_SMOOTH,
                         .code = POINTWISE_CODE,
                         .gradient = gradient };

ag_node *ag_gelu(ag_node *x)
{
    return ag_unary(&agi_gelu, x);
}
