/* An axis cut into parts that follow one another: slices. */
#include "shared/extent.h"

static const ag_op split = { .name = "split" }; /* for messages; what is made are slices */

/* x, or bad when the sizes do not make up the axis. */
static ag_node *check(ag_node *x, int axis, int n, const int64_t *sizes)
{
    if (n < 1) return ag_reject(x, &split, AG_EARG, "%d parts: there is one at least", n);
    const int64_t extent = x->dim[axis];
    int64_t left = extent;
    if (!sizes && n > 1 && agi_holds_extent(x->graph, extent))
        return ag_reject(x, &split, AG_ESHAPE, "axis %d has an extent that plans choose, which cannot be divided",
                         axis);
    if (!sizes && extent % n)
        return ag_reject(x, &split, AG_ESHAPE, "axis %d has %lld elements, which are not %d equal parts", axis,
                         (long long)extent, n);
    for (int k = 0; sizes && k < n; left -= sizes[k++])
        if (sizes[k] < 1 || sizes[k] > left)
            return ag_reject(x, &split, AG_ESHAPE, "part %d of axis %d would have %lld of %lld elements left", k, axis,
                             (long long)sizes[k], (long long)left);
    if (sizes && left)
        return ag_reject(x, &split, AG_ESHAPE, "the parts leave %lld of %lld elements of axis %d", (long long)left,
                         (long long)extent, axis);
    return x;
}

ag_status ag_split(ag_node *x, int axis, int n, const int64_t *sizes, ag_node *part[])
{
    int counted = ag_axis(&x, &split, axis);
    if (!part) x = ag_reject(x, &split, AG_EARG, "there is no room for the parts: NULL");
    if (!ag_is_bad(x)) x = check(x, counted, n, sizes);
    ag_status status = AG_OK;
    for (int64_t k = 0, start = 0, size; part && k < n; k++, start += size) {
        size = ag_is_bad(x) ? 0 : sizes ? sizes[k] : x->dim[counted] / n;
        part[k] = ag_is_bad(x) ? x : ag_slice(x, counted, start, start + size, 1);
        if (ag_is_bad(part[k])) status = AG_EARG;
    }
    if (!ag_is_bad(x) && status == AG_OK) return AG_OK;
    ag_graph *g = x ? x->graph : NULL;
    return g && ag_graph_status(g) ? ag_graph_status(g) : AG_EARG;
}
