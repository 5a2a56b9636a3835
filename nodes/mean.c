/* Mean over an axis or everything: sum / n;  derivative 1 / n. */
#include "shared/extent.h"
#include "shared/reduction.h"

static ag_node *extent(const ag_node *x, int axis)
{
    return agi_extent_number(x->graph, (ag_dtype)x->dtype, ag_split_at(x, axis).extent);
}

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    gin[0] = ag_div(agi_put_axis_back(gout, y), extent(y->in[0], agi_reduced(y)));
}

const ag_op agi_mean = { .name = "mean",
                         .formula = "sum of x / n",
                         .inputs = 1,
                         .flags = AG_ALIAS | AG_SMOOTH,
                         .attribute_size = sizeof(ag_axis_attribute),
                         .shape = agi_infer_reduction,
                         .gradient = gradient };

static ag_node *define(ag_node *x, ag_axis_attribute a)
{
    x = ag_vet(&agi_mean, 1, &x, &a);
    if (ag_is_bad(x)) return x;
    return ag_define(&agi_mean, 1, &x, &a, ag_div(agi_reduce(&agi_sum, x, a), extent(x, a.axis)));
}

ag_node *ag_mean(ag_node *x)
{
    return define(x, agi_over_all());
}

ag_node *ag_mean_axis(ag_node *x, int axis, int keepdims)
{
    ag_axis_attribute a = agi_over_axis(&x, &agi_mean, axis, keepdims);
    return define(x, a);
}
