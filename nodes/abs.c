/* |x|;  derivative sign(x), which is 0 at 0. */
#include "shared/integers.h"

POINTWISE1(abs, F(fabs)(x))

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    gin[0] = ag_mul(gout, ag_sign(y->in[0]));
}

const ag_op agi_abs = { .name = "abs",
                        .formula = "|x|",
                        .inputs = 1,
                        .flags = AG_POINTWISE,
                        .code = POINTWISE_CODE,
                        .integers = agi_integer_abs,
                        .gradient = gradient };

ag_node *ag_abs(ag_node *x)
{
    return ag_unary(&agi_abs, x);
}
