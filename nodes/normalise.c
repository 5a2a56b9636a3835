/* (x - mean x) / sqrt(variance of x + epsilon), by rows or channels; or x / sqrt(mean of x^2 + epsilon).
 * The gradient is (g - mean g - y mean(g y)) / sqrt(variance + epsilon), or that without mean g.
 * The mean is rounded: what it misses is the mean of the differences from it, which is subtracted, too. So rows far
 * from 0 keep their digits, and all equal ones are 0. */
#include "shared/extent.h"
#include "shared/normalise.h"

int64_t agi_norm_count(const ag_node *x, const agi_norm_form *f)
{
    return f->channels ? x->dim[0] * x->dim[2] : x->dim[1];
}

ag_node *agi_norm_mean(ag_node *x, const agi_norm_form *f)
{
    if (ag_is_bad(x)) return x;
    if (!f->channels) return ag_mean_axis(x, 1, 1);
    ag_node *sum = ag_sum_axis(ag_sum_axis(x, 2, 1), 0, 1);
    return ag_div(sum, agi_extent_number(x->graph, (ag_dtype)x->dtype, agi_norm_count(x, f)));
}

/* x less its mean, as it was rounded; the mean of that; the variance; 1 / deviation. */
typedef struct {
    ag_node *mean, *below, *rest, *variance, *inverse;
} spread;

static spread spread_of(ag_node *x, const agi_norm_form *f)
{
    spread s = { .below = x };
    if (f->centred) {
        s.mean = agi_norm_mean(x, f);
        s.below = ag_sub(x, s.mean);
        s.rest = agi_norm_mean(s.below, f);
    }
    s.variance = agi_norm_mean(ag_square(s.below), f);
    if (s.rest) s.variance = ag_sub(s.variance, ag_square(s.rest));
    ag_node *deviation = ag_sqrt(ag_add(s.variance, ag_number(x->graph, f->epsilon)));
    s.inverse = ag_div(ag_number(x->graph, 1), deviation);
    return s;
}

ag_node *agi_norm_variance(ag_node *x, const agi_norm_form *f, ag_node **mean)
{
    spread s = spread_of(x, f);
    *mean = ag_add(s.mean, s.rest);
    return s.variance;
}

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    const agi_norm_form *f = y->attribute;
    ag_node *along = ag_mul(y, agi_norm_mean(ag_mul(gout, y), f));
    ag_node *rest = f->centred ? ag_sub(gout, agi_norm_mean(gout, f)) : gout;
    gin[0] = ag_mul(spread_of(y->in[0], f).inverse, ag_sub(rest, along));
}

const ag_op agi_normalise = { .name = "normalise",
                              .formula = "(x - mean) / deviation",
                              .inputs = 1,
                              .flags = AG_ALIAS | AG_SMOOTH,
                              .attribute_size = sizeof(agi_norm_form),
                              .gradient = gradient };

ag_node *agi_new_normalise(ag_node *x, const agi_norm_form *f)
{
    if (ag_is_bad(x)) return x;
    spread s = spread_of(x, f);
    ag_node *below = s.rest ? ag_sub(s.below, s.rest) : s.below;
    return ag_define(&agi_normalise, 1, &x, f, ag_mul(below, s.inverse));
}
