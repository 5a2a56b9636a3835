/* e^(2|x|) - 1 with the sign of x: what tanh and its slope are made of.  Derivative 2 e^(2|x|) = 2 (|y| + 1). */
#include "node.h"

POINTWISE1(expm1_odd, F(copysign)(F(expm1)(2 * F(fabs)(x)), x))

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    gin[0] = ag_mul(ag_scale(gout, 2), ag_add(ag_abs(y), ag_number(y->graph, 1)));
}

const ag_op agi_expm1_odd = { .name = "expm1_odd",
                              .formula = "sign(x) (e^(2|x|) - 1)",
                              .inputs = 1,
                              .flags = AG_POINTWISE | AG_SMOOTH,
                              .code = POINTWISE_CODE,
                              .gradient = gradient };
