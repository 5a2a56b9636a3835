/* Mean over an axis or everything: sum / n;  derivative 1 / n. */
#include "reduction.h"

static int64_t extent(const ag_node *x, int axis)
{
    return ag_split_at(x, axis).extent;
}

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    int axis = ((const ag_axis_attribute *)y->attribute)->axis;
    ag_node *n = ag_number(y->graph, (double)extent(y->in[0], axis));
    gin[0] = ag_div(ag_spread(gout, y), n);
}

const ag_op agi_mean = { .name = "mean",
                         .formula = "sum of x / n",
                         .inputs = 1,
                         .flags = AG_ALIAS | AG_SMOOTH,
                         .attribute_size = sizeof(ag_axis_attribute),
                         .gradient = gradient };

ag_node *ag_mean(ag_node *x)
{
    if (ag_is_bad(x)) return x;
    ag_axis_attribute a = { .axis = AG_ALL };
    return ag_define(&agi_mean, x, &a, ag_div(ag_sum(x), ag_number(x->graph, (double)ag_count(x))));
}

ag_node *ag_mean_axis(ag_node *x, int axis, int keepdims)
{
    ag_axis_attribute a = { .axis = ag_axis(&x, &agi_mean, axis), .keepdims = keepdims != 0 };
    if (ag_is_bad(x)) return x;
    ag_node *n = ag_number(x->graph, (double)extent(x, a.axis));
    return ag_define(&agi_mean, x, &a, ag_div(ag_sum_axis(x, axis, keepdims), n));
}
