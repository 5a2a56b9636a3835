/* log(1 + x);  derivative 1 / (1 + x). */
#include "node.h"

POINTWISE1(log1p, F(log1p)(x))

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    gin[0] = ag_div(gout, ag_add(ag_number(y->graph, 1), y->in[0]));
}

const ag_op agi_log1p = { .name = "log1p",
                          .formula = "log(1 + x)",
                          .inputs = 1,
                          .flags = AG_POINTWISE | AG_SMOOTH,
                          .code = POINTWISE_CODE,
                          .gradient = gradient };

ag_node *ag_log1p(ag_node *x)
{
    return ag_unary(&agi_log1p, x);
}
