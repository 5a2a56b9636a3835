/* log softmax(x) = x - log(sum of e^x) along an axis;  the gradient is gout - p sum of gout, p being softmax(x): e^y
 * would have the rounding error of y, which may be large, as its relative error. Of a class whose p is nearly 1 both
 * keep their digits: the value is -log1p(the others), the gradient (1 - p) gout - p (the others' gout). */
#include "shared/softmax.h"

static ag_node *sum(ag_node *x, int axis)
{
    return ag_sum_axis(x, axis, 1);
}

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    int axis = *(const int *)y->attribute;
    ag_node *p = ag_softmax(y->in[0], axis), *most = ag_greater(p, ag_number(y->graph, 0.5));
    ag_node *zero = ag_number(y->graph, 0);
    ag_node *rest = sum(ag_where(most, zero, p), axis), *others = sum(ag_where(most, zero, gout), axis);
    ag_node *of_most = ag_sub(ag_mul(gout, rest), ag_mul(p, others));
    gin[0] = ag_where(most, of_most, ag_sub(gout, ag_mul(p, sum(gout, axis))));
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
    ag_node *below = agi_below_max(x, counted);
    ag_node *power = ag_exp(below), *total = sum(power, counted);
    ag_node *log = agi_log_total(below, power, total, (ag_axis_attribute){ .axis = counted, .keepdims = 1 });
    return ag_define(&agi_log_softmax, 1, &x, &counted, ag_sub(below, log));
}
