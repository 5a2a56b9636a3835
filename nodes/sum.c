/* Sum over an axis or everything;  derivative 1. */
#include "shared/algebra.h"
#include "shared/extent.h"
#include "shared/reduction.h"

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    gin[0] = agi_put_axis_back(gout, y);
}

static ag_node *sum_of_negative(const ag_infer *c)
{
    if (!agi_is_negative(c->in[0])) return NULL;
    return ag_neg(ag_unary_with(c->op, c->in[0]->in[0], c->attribute));
}

static ag_node *sum_of_repeated(const ag_infer *c)
{
    const ag_axis_attribute *a = c->attribute;
    const ag_node *all = c->in[0];
    if (!(all->op->flags & AG_REPEATS)) return NULL;
    ag_node *x = all->in[0], *sum;
    int64_t times;
    if (a->axis == AG_ALL) {
        times = ag_count(all) / ag_count(x);
        sum = ag_sum(x);
    } else {
        int own = a->axis - (all->rank - x->rank); /* the axis in x; below 0: x has none */
        times = all->dim[a->axis] / (own < 0 ? 1 : x->dim[own]);
        sum = own < 0 ? x : ag_sum_axis(x, own, a->keepdims);
    }
    return ag_broadcast_to(ag_mul(agi_extent_number(c->graph, c->dtype, times), sum), c->shape);
}

/* x, of which y is the sum along some axes, whose extents it keeps; the axes are added to `axes`. */
static const ag_node *sum_of(const ag_node *y, unsigned *axes)
{
    const ag_axis_attribute *a = y->attribute;
    for (; y->op == &agi_sum && a->axis != AG_ALL && a->keepdims; y = y->in[0], a = y->attribute)
        *axes |= 1u << a->axis;
    return y;
}

/* Over all of an image of what g gives to one element of each window: over all of g. */
static ag_node *sum_of_windows(const ag_infer *c)
{
    const ag_axis_attribute *a = c->attribute;
    unsigned axes = a->axis == AG_ALL ? 0 : 1u << a->axis;
    const ag_node *image = sum_of(c->in[0], &axes);
    if (image->op != &agi_max_pool_slope) return NULL;
    ag_node *g = image->in[1];
    if (a->axis == AG_ALL) return axes ? NULL : ag_sum(g);
    for (int i = 2; i < image->rank; i++)
        if (!(axes >> i & 1)) return NULL;
    for (int i = 0; i < image->rank; i++)
        if (axes >> i & 1 && i != a->axis) g = ag_sum_axis(g, i, 1);
    return ag_sum_axis(g, a->axis, a->keepdims);
}

static ag_node *simplify(const ag_infer *c)
{
    ag_node *y = agi_reduction_of_one(c); /* sum over an extent of 1 -> reshape */
    if (!y) y = sum_of_negative(c);      /* sum of -x -> -(sum of x) */
    if (!y) y = sum_of_repeated(c);      /* sum of n-fold repeated elements -> n times their sum */
    if (!y) y = sum_of_windows(c);
    return y;
}

const ag_op agi_sum = { .name = "sum",
                        .formula = "sum of x",
                        .inputs = 1,
                        .flags = AG_REDUCTION | AG_KEEPS_ZERO | AG_SMOOTH,
                        .fold = AG_FOLD_SUM,
                        .attribute_size = sizeof(ag_axis_attribute),
                        .shape = agi_infer_reduction,
                        .simplify = simplify,
                        .gradient = gradient };

ag_node *ag_sum(ag_node *x)
{
    return agi_reduce_all(&agi_sum, x);
}

ag_node *ag_sum_axis(ag_node *x, int axis, int keepdims)
{
    return agi_reduce_axis(&agi_sum, x, axis, keepdims);
}
