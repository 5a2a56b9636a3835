/* max(x, 0), NaN for NaN;  derivative 1 where x > 0, else 0. */
#include "node.h"

POINTWISE1(relu, x <= 0 ? 0 : x)

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    ag_node *zero = ag_number(y->graph, 0);
    gin[0] = ag_where(ag_greater(y, zero), gout, zero);
}

const ag_op agi_relu = { .name = "relu",
                         .formula = "max(x, 0)",
                         .inputs = 1,
                         .flags = AG_POINTWISE,
                         .code = POINTWISE_CODE,
                         .gradient = gradient };

ag_node *ag_relu(ag_node *x)
{
    return ag_unary(&agi_relu, x);
}
