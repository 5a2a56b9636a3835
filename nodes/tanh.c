/* tanh(x);  derivative tanh_slope, which computes with it. */
#include "shared/slopes.h"

POINTWISE1(tanh, F(tanh)(x))

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    gin[0] = agi_new_tanh_slope(gout, y->in[0]);
}

const ag_op agi_tanh = { .name = "tanh",
                         .formula = "tanh(x)",
                         .inputs = 1,
                         .flags = AG_POINTWISE | AG_SMOOTH,
                         .code = POINTWISE_CODE,
                         .gradient = gradient };

ag_node *ag_tanh(ag_node *x)
{
    return ag_unary(&agi_tanh, x);
}
