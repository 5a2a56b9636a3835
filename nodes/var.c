/* Variance over an axis or everything: the sum of the squared deviations from the mean / (n - correction), the mean
 * first, so that a mean far from 0 costs no digits;  derivative 2 (x - mean) / (n - correction). */
#include "shared/extent.h"
#include "shared/variance.h"

ag_status agi_infer_variance(ag_infer *c)
{
    const agi_variance *v = c->attribute;
    const int64_t n = ag_split_at(c->in[0], v->over.axis).extent;
    if (c->dtype != AG_I64 && (v->correction < 0 || v->correction >= n))
        return ag_refuse(c, AG_EARG, "a correction of %d for %lld elements: it is from 0 to less than these",
                         v->correction, (long long)n);
    return agi_infer_reduction(c);
}

ag_node *agi_deviations(ag_node *x, const agi_variance *v)
{
    int all = v->over.axis == AG_ALL;
    return ag_sub(x, all ? ag_mean(x) : ag_mean_axis(x, v->over.axis, 1));
}

ag_node *agi_freedom(const ag_node *x, const agi_variance *v)
{
    return agi_extent_number(x->graph, (ag_dtype)x->dtype, ag_split_at(x, v->over.axis).extent - v->correction);
}

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    const agi_variance *v = y->attribute;
    ag_node *each = ag_div(ag_scale(gout, 2), agi_freedom(y->in[0], v));
    gin[0] = ag_mul(agi_put_axis_back(each, y), agi_deviations(y->in[0], v));
}

const ag_op agi_var = { .name = "var",
                        .formula = "sum of (x - mean)^2 / (n - correction)",
                        .inputs = 1,
                        .flags = AG_ALIAS | AG_SMOOTH,
                        .attribute_size = sizeof(agi_variance),
                        .shape = agi_infer_variance,
                        .gradient = gradient };

static ag_node *define(ag_node *x, agi_variance v)
{
    x = ag_vet(&agi_var, 1, &x, &v);
    if (ag_is_bad(x)) return x;
    ag_node *sum = agi_reduce(&agi_sum, ag_square(agi_deviations(x, &v)), v.over);
    return ag_define(&agi_var, 1, &x, &v, ag_div(sum, agi_freedom(x, &v)));
}

ag_node *ag_var(ag_node *x, int correction)
{
    return define(x, (agi_variance){ agi_over_all(), correction });
}

ag_node *ag_var_axis(ag_node *x, int axis, int correction, int keepdims)
{
    ag_axis_attribute over = agi_over_axis(&x, &agi_var, axis, keepdims);
    return define(x, (agi_variance){ over, correction });
}
