/* log |gamma(x)|;  derivative polygamma(0, x). */
#include "node.h"

POINTWISE1(lgamma, F(agi_log_gamma)(x))

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    gin[0] = ag_mul(gout, ag_polygamma(0, y->in[0]));
}

const ag_op agi_lgamma = { .name = "lgamma",
                           .formula = "log |gamma(x)|",
                           .inputs = 1,
                           .flags = AG_POINTWISE | AG_SMOOTH,
                           .code = POINTWISE_CODE,
                           .gradient = gradient };

ag_node *ag_lgamma(ag_node *x)
{
    return ag_unary(&agi_lgamma, x);
}
