/* sigmoid(x) = 1 / (1 + e^-x), which saturates without overflow on either side;  derivative sigmoid_slope, which
 * computes with the same e^-x. The POINTWISE line is for who needs the value alone. */
#include "shared/slopes.h"

POINTWISE1(sigmoid, 1 / (1 + F(exp)(-x)))

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    gin[0] = agi_new_sigmoid_slope(gout, y->in[0]);
}

static ag_node *batch(const ag_node *y, ag_node *in[], const unsigned char batched[], int64_t count)
{
    (void)y, (void)batched, (void)count;
    return ag_sigmoid(in[0]);
}

const ag_op agi_sigmoid = { .name = "sigmoid",
                            .formula = "1 / (1 + e^-x)",
                            .inputs = 1,
                            .flags = AG_ALIAS | AG_SMOOTH,
                            .code = POINTWISE_CODE,
                            .gradient = gradient,
                            .batch = batch };

ag_node *ag_sigmoid(ag_node *x)
{
    x = ag_vet(&agi_sigmoid, 1, &x, NULL);
    if (ag_is_bad(x)) return x;
    return ag_define(&agi_sigmoid, 1, &x, NULL, ag_unary(&agi_sigmoid_of_exp, ag_unary(&agi_exp_neg, x)));
}
