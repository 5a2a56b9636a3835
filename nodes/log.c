/* Natural logarithm;  derivative 1 / x. */
#include "node.h"

POINTWISE1(log, F(log)(x))

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    gin[0] = ag_div(gout, y->in[0]);
}

const ag_op agi_log = { .name = "log",
                        .formula = "log(x)",
                        .inputs = 1,
                        .flags = AG_POINTWISE | AG_SMOOTH,
                        .code = POINTWISE_CODE,
                        .gradient = gradient };

ag_node *ag_log(ag_node *x)
{
    return ag_unary(&agi_log, x);
}
