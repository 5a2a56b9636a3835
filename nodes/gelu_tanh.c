/* x s(v), s being the sigmoid and v = 2 sqrt(2 / pi) (x + 0.044715 x^3): x / 2 (1 + tanh(v / 2)), the approximation of
 * gelu by tanh. Far left it is 0, also at -Inf.  Derivative gelu_tanh_slope. */
#include "shared/slopes.h"

POINTWISE1(gelu_tanh, F(agi_gelu_tanh_of)(x))

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    gin[0] = ag_mul(gout, agi_new_gelu_tanh_slope(y->in[0]));
}

const ag_op agi_gelu_tanh = { .name = "gelu_tanh",
                              .formula = "x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2",
                              .inputs = 1,
                              .flags = AG_POINTWISE | AG_SMOOTH,
                              .code = POINTWISE_CODE,
                              .gradient = gradient };

ag_node *ag_gelu_tanh(ag_node *x)
{
    return ag_unary(&agi_gelu_tanh, x);
}
