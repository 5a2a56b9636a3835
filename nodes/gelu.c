/* x Phi(x), Phi being the normal distribution, erfc(-x / sqrt(2)) / 2: erfc keeps the digits of the left tail. Far left
 * it is 0, also at -Inf.  Derivative Phi(x) + x phi(x) with the density phi(x) = e^(-x^2 / 2) / sqrt(2 pi). */
#include "node.h"

POINTWISE1(gelu, x < -40 ? 0 : K(0.5) * x * F(erfc)(x * K(-0.70710678118654752440)))

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    ag_node *x = y->in[0];
    ag_node *distribution = ag_scale(ag_erfc(ag_scale(x, -0.70710678118654752440)), 0.5);
    ag_node *density = ag_scale(ag_exp(ag_scale(ag_square(x), -0.5)), 0.39894228040143267794);
    gin[0] = ag_mul(gout, ag_add(distribution, ag_mul(x, density)));
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
