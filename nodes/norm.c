/* Norms over an axis or everything. p = 1: the sum of |x|; Inf: the largest |x|, equal ones share the gradient; 2: the
 * root of the sum of squares, in units of the largest |x|, so that nothing overflows or vanishes on the way.
 * Derivative of the latter x / y, 0 at 0, as those of the others. */
#include "shared/reduction.h"

#include <math.h>

static ag_node *one_where(ag_node *none, ag_node *x)
{
    return ag_where(none, ag_number(x->graph, 1), x);
}

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    ag_node *safe = one_where(ag_equal(y, ag_number(y->graph, 0)), y);
    gin[0] = ag_mul(agi_put_axis_back(gout, y), ag_div(y->in[0], agi_put_axis_back(safe, y)));
}

const ag_op agi_norm = { .name = "norm",
                         .formula = "square root of the sum of x^2",
                         .inputs = 1,
                         .flags = AG_ALIAS | AG_SMOOTH,
                         .attribute_size = sizeof(ag_axis_attribute),
                         .shape = agi_infer_reduction,
                         .gradient = gradient };

/* Of 0 and of Inf as it is. */
static ag_node *euclidean(ag_node *x, ag_axis_attribute a)
{
    ag_graph *g = x->graph;
    ag_node *most = agi_reduce(&agi_amax, ag_abs(x), a), *zero = ag_number(g, 0);
    ag_node *plain = ag_sub(ag_number(g, 1), ag_mul(ag_greater(most, zero), ag_less(most, ag_number(g, INFINITY))));
    ag_node *unit = one_where(plain, most), *scaled = ag_div(x, ag_keepdims(unit, x, a.axis));
    return ag_mul(unit, ag_sqrt(agi_reduce(&agi_sum, ag_square(scaled), a)));
}

static ag_node *define(ag_node *x, double p, ag_axis_attribute a)
{
    x = ag_vet(&agi_norm, 1, &x, &a);
    if (ag_is_bad(x)) return x;
    if (p == 1) return agi_reduce(&agi_sum, ag_abs(x), a);
    if (p == INFINITY) return agi_reduce(&agi_amax, ag_abs(x), a);
    if (p == 2) return ag_define(&agi_norm, 1, &x, &a, euclidean(x, a));
    return ag_reject(x, &agi_norm, AG_EARG, "there is no norm of order %g: 1, 2 or INFINITY", p);
}

ag_node *ag_norm(ag_node *x, double p)
{
    return define(x, p, agi_over_all());
}

ag_node *ag_norm_axis(ag_node *x, double p, int axis, int keepdims)
{
    ag_axis_attribute a = agi_over_axis(&x, &agi_norm, axis, keepdims);
    return define(x, p, a);
}
