/* Phi(x), the normal distribution, with the digits of its left tail.  Derivative e^(-x^2 / 2) / sqrt(2 pi). */
#include "shared/slopes.h"

POINTWISE1(normal, F(agi_normal_of)(x))

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    gin[0] = ag_mul(gout, ag_scale(agi_new_bell(y->in[0], 0.5), 0.39894228040143267794));
}

const ag_op agi_normal = { .name = "normal",
                           .formula = "Phi(x)",
                           .inputs = 1,
                           .flags = AG_POINTWISE | AG_SMOOTH,
                           .code = POINTWISE_CODE,
                           .gradient = gradient };

ag_node *agi_new_normal(ag_node *x)
{
    return ag_unary(&agi_normal, x);
}
