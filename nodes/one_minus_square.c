/* 1 - x^2, written (1 - x)(1 + x): exact near +-1.  Derivative -2 x. */
#include "shared/slopes.h"

POINTWISE1(one_minus_square, (1 - x) * (1 + x))

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    gin[0] = ag_mul(ag_scale(gout, -2), y->in[0]);
}

const ag_op agi_one_minus_square = { .name = "one_minus_square",
                                     .formula = "1 - x^2",
                                     .inputs = 1,
                                     .flags = AG_POINTWISE | AG_SMOOTH,
                                     .code = POINTWISE_CODE,
                                     .gradient = gradient };

ag_node *agi_new_one_minus_square(ag_node *x)
{
    return ag_unary(&agi_one_minus_square, x);
}
