/* x sigmoid(x), 0 far left, also at -Inf;  derivative silu_slope. */
#include "shared/slopes.h"

POINTWISE1(silu, F(agi_silu_of)(x))

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    gin[0] = ag_mul(gout, agi_new_silu_slope(y->in[0]));
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
