/* -x;  derivative -1. */
#include "node.h"

POINTWISE1(neg, -x)

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    (void)y;
    gin[0] = ag_neg(gout);
}

const ag_op agi_neg = { .name = "neg",
                        .formula = "-x",
                        .inputs = 1,
                        .flags = AG_POINTWISE | AG_SMOOTH,
                        .code = POINTWISE_CODE,
                        .gradient = gradient };

ag_node *ag_neg(ag_node *x)
{
    return ag_unary(&agi_neg, x);
}
