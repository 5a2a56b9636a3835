/* x / (2 + |x|): the tanh of t where x = expm1_odd(t). Where that is near 1 it is 1 - 2 / (2 + |x|), also at Inf.
 * Derivative 2 / (2 + |x|)^2. */
#include "node.h"

POINTWISE1(tanh_of_expm1, F(agi_tanh_of)(x))

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    ag_node *two = ag_number(y->graph, 2), *w = ag_div(two, ag_add(two, ag_abs(y->in[0])));
    gin[0] = ag_mul(ag_scale(ag_mul(gout, w), 0.5), w);
}

const ag_op agi_tanh_of_expm1 = { .name = "tanh_of_expm1",
                                  .formula = "x / (2 + |x|)",
                                  .inputs = 1,
                                  .flags = AG_POINTWISE | AG_SMOOTH,
                                  .code = POINTWISE_CODE,
                                  .gradient = gradient };
