/* asin(x);  derivative 1 / sqrt(1 - x^2). */
#include "shared/slopes.h"

POINTWISE1(asin, F(asin)(x))

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    ag_node *root = ag_sqrt(agi_new_one_minus_square(y->in[0]));
    gin[0] = ag_div(gout, root);
}

const ag_op agi_asin = { .name = "asin",
                         .formula = "asin(x)",
                         .inputs = 1,
                         .flags = AG_POINTWISE | AG_SMOOTH,
                         .code = POINTWISE_CODE,
                         .gradient = gradient };

ag_node *ag_asin(ag_node *x)
{
    return ag_unary(&agi_asin, x);
}
