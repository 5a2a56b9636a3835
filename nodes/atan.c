/* atan(x);  derivative 1 / (1 + x^2). */
#include "shared/slopes.h"

POINTWISE1(atan, F(atan)(x))

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    gin[0] = ag_mul(gout, agi_new_runge(y->in[0]));
}

const ag_op agi_atan = { .name = "atan",
                         .formula = "atan(x)",
                         .inputs = 1,
                         .flags = AG_POINTWISE | AG_SMOOTH,
                         .code = POINTWISE_CODE,
                         .gradient = gradient };

ag_node *ag_atan(ag_node *x)
{
    return ag_unary(&agi_atan, x);
}
