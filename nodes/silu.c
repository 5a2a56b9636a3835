/* x sigmoid(x);  derivative s + y (1 - s) with s = sigmoid(x). Far left it is 0, also at -Inf. */
#include "node.h"

POINTWISE1(silu, x < -1000 ? 0 : x / (1 + F(exp)(-x)))

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    ag_node *s = ag_sigmoid(y->in[0]);
    gin[0] = ag_mul(gout, ag_add(s, ag_mul(y, ag_one_minus(s))));
}

const ag_op agi_silu = { .name = "silu",
                         .formula = "x / (1 + e^-x)",
                         .inputs = 1,
                         .flags = AG_POINTWISE | AG_SMOOTH,
                         .code = POINTWISE_CODE,
                         .gradient = gradient };

ag_node *ag_silu(ag_node *x)
{
    return ag_unary(&agi_silu, x);
}
