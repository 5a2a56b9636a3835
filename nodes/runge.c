/* 1 / (1 + x^2).  Derivative -2 x y^2, multiplied such that nothing is lost where y^2 is too small to be a number. */
#include "shared/slopes.h"

POINTWISE1(runge, F(agi_runge_of)(x))

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    gin[0] = ag_mul(ag_scale(gout, -2), ag_mul(ag_mul(y->in[0], y), y));
}

const ag_op agi_runge = { .name = "runge",
                          .formula = "1 / (1 + x^2)",
                          .inputs = 1,
                          .flags = AG_POINTWISE | AG_SMOOTH,
                          .code = POINTWISE_CODE,
                          .gradient = gradient };

ag_node *agi_new_runge(ag_node *x)
{
    return ag_unary(&agi_runge, x);
}
