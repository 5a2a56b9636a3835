/* Sum over an axis or everything;  derivative 1. */
#include "shared/algebra.h"
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
    return ag_broadcast_to(ag_scale(sum, (double)times), c->shape);
}

static ag_node *simplify(const ag_infer *c)
{
    ag_node *y = agi_reduction_of_one(c); /* sum over an extent of 1 -> reshape */
    if (!y) y = sum_of_negative(c);      /* sum of -x -> -(sum of x) */
    if (!y) y = sum_of_repeated(c);      /* sum of n-fold repeated elements -> n times their sum */
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
