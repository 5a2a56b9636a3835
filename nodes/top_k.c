/* The k largest elements along an axis in descending order, and where they are: the first of what sort and argsort
 * give. */
#include "shared/order.h"

static const ag_op top_k = { .name = "top_k" }; /* for messages */

ag_node *ag_top_k(ag_node *x, int64_t k, int axis, ag_node **indices)
{
    int counted = ag_axis(&x, &top_k, axis);
    if (!ag_is_bad(x) && (k < 1 || k > x->dim[counted]))
        x = ag_reject(x, &top_k, AG_ESHAPE, "%lld of the %lld elements of axis %d", (long long)k,
                      (long long)x->dim[counted], counted);
    if (indices) *indices = x;
    if (ag_is_bad(x)) return x;
    if (indices) *indices = ag_slice(ag_argsort(x, counted, 1), counted, 0, k, 1);
    return agi_take_sorted(x, counted, 1, k);
}
