/* Products of all elements up to each along an axis, zeros or not: y[k] = x[k] y[k - 1], which is a recurrence that
 * starts with x[0]; so is the gradient. */
#include "shared/positions.h"
#include "shared/recur.h"

static const ag_op cumprod = { .name = "cumprod" }; /* for messages */

ag_node *ag_cumprod(ag_node *x, int axis)
{
    int counted = ag_axis(&x, &cumprod, axis);
    if (ag_is_bad(x)) return x;
    if (x->dtype == AG_I64)
        return ag_reject(x, &cumprod, AG_ETYPE, "there is no arithmetic on i64: make it real with ag_cast");
    agi_positions first = { .axis = counted, .step = 1, .count = 1, .size = x->dim[counted] };
    return agi_new_recur(x, agi_new_embed(agi_new_slice(x, &first), &first), counted);
}
