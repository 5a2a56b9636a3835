/* Means over as many windows as are asked for, whatever the image's size: window i of n, along an axis of `size`, is
 * from floor(i size / n) to before ceil((i + 1) size / n). Those that are alike are an avg_pool. */
#include "shared/extent.h"
#include "shared/pool.h"

static ag_node *check(const ag_op *op, ag_node *x, const int64_t *result)
{
    if (ag_is_bad(x)) return ag_vet(op, 1, &x, NULL);
    if (x->dtype == AG_I64)
        return ag_reject(x, op, AG_ETYPE, "there is no arithmetic on i64: make it real with ag_cast");
    if (x->rank < 3 || x->rank > 2 + AGI_POOL_AXES)
        return ag_reject(x, op, AG_ESHAPE, "images are [n, channels, *size] of 1 to %d spatial axes", AGI_POOL_AXES);
    if (!result) return ag_reject(x, op, AG_EARG, "the extents of the result are NULL");
    for (int i = 0; i < x->rank - 2; i++)
        if (agi_holds_extent(x->graph, x->dim[2 + i]))
            return ag_reject(x, op, AG_ESHAPE,
                             "spatial axis %d has an extent that plans choose, which cannot be divided", i);
    for (int i = 0; i < x->rank - 2; i++)
        if (result[i] < 1 || result[i] > AG_MOST_INPUTS)
            return ag_reject(x, op, AG_EARG, "spatial axis %d of the result is to have %lld elements: it is 1 to %d", i,
                             (long long)result[i], AG_MOST_INPUTS);
    return x;
}

static ag_node *window(ag_node *x, int axis, int64_t i, int64_t n)
{
    const int64_t size = x->dim[axis];
    return ag_mean_axis(ag_slice(x, axis, i * size / n, ((i + 1) * size + n - 1) / n, 1), axis, 1);
}

static ag_node *along(ag_node *x, int axis, int64_t n)
{
    ag_graph *g = x->graph;
    if (n == 1) return ag_mean_axis(x, axis, 1);
    ag_node **part = agi_allocate(&g->allocator, (size_t)n * sizeof *part);
    if (!part) return agi_fail(g, AG_EMEM, "adaptive_avg_pool: out of memory");
    for (int64_t i = 0; i < n; i++) part[i] = window(x, axis, i, n);
    ag_node *y = ag_concat((int)n, part, axis);
    agi_release(&g->allocator, part);
    return y;
}

ag_node *ag_adaptive_avg_pool(ag_node *x, const int64_t *result)
{
    static const ag_op adaptive_avg_pool = { .name = "adaptive_avg_pool" };
    ag_pool_options alike = { .kernel = { 1, 1, 1 } };
    int64_t elements = 1, others = 0;
    x = check(&adaptive_avg_pool, x, result);
    for (int i = 0; !ag_is_bad(x) && i < x->rank - 2; i++) {
        const int64_t size = x->dim[2 + i];
        if (result[i] == 1 || size % result[i]) x = along(x, 2 + i, result[i]), others++;
        else elements *= alike.kernel[i] = size / result[i];
    }
    return ag_is_bad(x) || (others && elements == 1) ? x : ag_avg_pool(x, &alike);
}
