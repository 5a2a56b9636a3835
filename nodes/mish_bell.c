/* The slope of t = tanh(softplus(x)), (1 - t^2) s(x) with s = sigmoid.  Derivative y (s(-x) - 2 t s(x)). */
#include "shared/slopes.h"

POINTWISE1(mish_bell, F(agi_mish_bell_of)(x))

ag_node *agi_mish_decay(ag_node *x)
{
    ag_node *t = ag_tanh(ag_softplus(x));
    return ag_sub(ag_sigmoid(ag_neg(x)), ag_mul(ag_scale(t, 2), ag_sigmoid(x)));
}

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    gin[0] = ag_mul(gout, ag_mul(y, agi_mish_decay(y->in[0])));
}

const ag_op agi_mish_bell = { .name = "mish_bell",
                              .formula = "slope of tanh(log(1 + e^x))",
                              .inputs = 1,
                              .flags = AG_POINTWISE | AG_SMOOTH,
                              .code = POINTWISE_CODE,
                              .gradient = gradient };

ag_node *agi_new_mish_bell(ag_node *x)
{
    return ag_unary(&agi_mish_bell, x);
}
