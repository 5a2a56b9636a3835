/* An axis moved on by `shift`, what leaves it at one end coming in at the other: two slices, one after the other. */
#include "node.h"

static const ag_op roll = { .name = "roll" }; /* for messages */

ag_node *ag_roll(ag_node *x, int axis, int64_t shift)
{
    int counted = ag_axis(&x, &roll, axis);
    if (ag_is_bad(x)) return x;
    const int64_t n = x->dim[counted], first = shift % n ? (n - shift % n) % n : 0; /* which comes to position 0 */
    if (!first) return ag_slice(x, counted, 0, n, 1);
    ag_node *part[] = { ag_slice(x, counted, first, n, 1), ag_slice(x, counted, 0, first, 1) };
    return ag_concat(2, part, counted);
}
