/* acos(x);  derivative -1 / sqrt(1 - x^2). */
#include "shared/slopes.h"

POINTWISE1(acos, F(acos)(x))

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    ag_node *root = ag_sqrt(agi_new_one_minus_square(y->in[0]));
    gin[0] = ag_neg(ag_div(gout, root));
}

const ag_op agi_acos = { .name = "acos",
                         .formula = "acos(x)",
                         .inputs = 1,
                         .flags = AG_POINTWISE | AG_SMOOTH,
                         .code = POINTWISE_CODE,
                         .gradient = gradient };

ag_node *ag_acos(ag_node *x)
{
    return ag_unary(&agi_acos, x);
}
