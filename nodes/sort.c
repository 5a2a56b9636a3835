/* The elements along an axis in order, as argsort has it: x taken at these positions, which is all that its gradient
 * needs. */
#include "shared/order.h"

static const ag_op sort = { .name = "sort" }; /* for messages */

ag_node *agi_take_sorted(ag_node *x, int axis, int descending, int64_t count)
{
    agi_sorting r = { .axis = axis, .descending = descending, .from = 0 };
    ag_node *at = ag_slice(agi_new_sorting(x, r), axis, 0, count, 1);
    return ag_gather(ag_reshape(x, AG_SHAPE(-1)), 0, at);
}

ag_node *ag_sort(ag_node *x, int axis, int descending)
{
    int counted = ag_axis(&x, &sort, axis);
    return ag_is_bad(x) ? x : agi_take_sorted(x, counted, descending != 0, x->dim[counted]);
}
