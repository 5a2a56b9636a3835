/* log softmax(x) = x - log(sum of e^x) along an axis;  the gradient is gout - e^y sum of gout. */
#include "softmax.h"

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    gin[0] = ag_sub(gout, ag_mul(ag_exp(y), ag_sum_axis(gout, *(const int *)y->attribute, 1)));
}

static ag_node *batch(const ag_node *y, ag_node *in[], const unsigned char batched[], int64_t count)
{
    (void)batched, (void)count;
    return ag_log_softmax(in[0], *(const int *)y->attribute + 1);
}

const ag_op agi_log_softmax = { .name = "log_softmax",
                                .formula = "x - log(sum of e^x)",
                                .inputs = 1,
                                .flags = AG_ALIAS | AG_SMOOTH,
                                .attribute_size = sizeof(int),
                                .gradient = gradient,
                                .batch = batch };

ag_node *ag_log_softmax(ag_node *x, int axis)
{
    int counted = ag_axis(&x, &agi_log_softmax, axis);
    x = ag_vet(&agi_log_softmax, 1, &x, &counted);
    if (ag_is_bad(x)) return x;
    ag_node *below = ag_below_max(x, counted);
    ag_node *y = ag_sub(below, ag_log(ag_sum_axis(ag_exp(below), counted, 1)));
    return ag_define(&agi_log_softmax, 1, &x, &counted, y);
}
