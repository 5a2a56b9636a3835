/* Product over an axis or everything.  The derivative by one element is the product of the others, zeros or not: a tree
 * of products of halves, log2 n levels high, is built, and gout goes down it, at each pair times the other one. */
#include "positions.h"
#include "reduction.h"

static ag_node *part(ag_node *x, int axis, int64_t start, int64_t count)
{
    if (ag_is_bad(x)) return x;
    ag_positions p = { .axis = axis, .start = start, .step = 1, .count = count, .size = x->dim[axis] };
    return ag_pick(x, &p);
}

/* The next level of n - n/2: first half times second half, then the element left over when n is odd. */
static ag_node *halve(ag_node *x, int axis, int64_t n)
{
    ag_node *level[] = { ag_mul(part(x, axis, 0, n / 2), part(x, axis, n / 2, n / 2)), part(x, axis, n - 1, 1) };
    return ag_concat(n % 2 ? 2 : 1, level, axis);
}

/* From the gradient of the next level to that of x. */
static ag_node *descend(ag_node *gout, ag_node *x, int axis, int64_t n)
{
    ag_node *products = part(gout, axis, 0, n / 2);
    ag_node *gin[] = { ag_mul(products, part(x, axis, n / 2, n / 2)), ag_mul(products, part(x, axis, 0, n / 2)),
                       part(gout, axis, n / 2 - 1 + n % 2, 1) };
    return ag_concat(n % 2 ? 3 : 2, gin, axis);
}

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    enum { HIGHEST = 64 };
    ag_node *x = y->in[0], *level[HIGHEST];
    int axis = ag_reduced(y), all = axis == AG_ALL, top = 0;
    int64_t n = ag_split_at(x, axis).extent, extent[HIGHEST];
    ag_shape flat = AG_SHAPE(n), one = AG_SHAPE(1);
    level[0] = all ? ag_reshape(x, flat) : x;
    if (all) axis = 0;
    for (extent[0] = n; extent[top] > 2; top++) {
        level[top + 1] = halve(level[top], axis, extent[top]);
        extent[top + 1] = extent[top] - extent[top] / 2;
    }
    ag_node *g = all ? ag_reshape(gout, one) : ag_spread(gout, y);
    for (int k = n > 1 ? top : -1; k >= 0; k--) g = descend(g, level[k], axis, extent[k]);
    gin[0] = all ? ag_reshape(g, ag_shape_in(x)) : g;
}

const ag_op agi_prod = { .name = "prod",
                         .formula = "product of x",
                         .inputs = 1,
                         .flags = AG_REDUCTION | AG_SMOOTH,
                         .fold = AG_FOLD_PROD,
                         .attribute_size = sizeof(ag_axis_attribute),
                         .shape = ag_infer_reduction,
                         .gradient = gradient };

ag_node *ag_prod(ag_node *x)
{
    return ag_reduce_all(&agi_prod, x);
}

ag_node *ag_prod_axis(ag_node *x, int axis, int keepdims)
{
    return ag_reduce_axis(&agi_prod, x, axis, keepdims);
}
