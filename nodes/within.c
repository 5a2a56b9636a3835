/* a, or the nearest of what lies between -b and b; a NaN stays one, b is none.  d/da = 1 inside, 0 outside; d/db = the
 * sign of a outside. */
#include "shared/steps.h"

POINTWISE2(within, -b > (b < a ? b : a) ? -b : b < a ? b : a)

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    ag_node *a = y->in[0], *outside = ag_greater(ag_abs(a), y->in[1]), *zero = ag_number(y->graph, 0);
    if (ag_wanted(y, 0)) gin[0] = ag_where(outside, zero, gout);
    if (ag_wanted(y, 1)) gin[1] = ag_where(outside, ag_mul(gout, ag_sign(a)), zero);
}

const ag_op agi_within = { .name = "within",
                           .formula = "a from -b to b",
                           .inputs = 2,
                           .flags = AG_POINTWISE,
                           .code = POINTWISE_CODE,
                           .gradient = gradient };

ag_node *agi_new_within(ag_node *x, double limit)
{
    return ag_is_bad(x) ? x : ag_binary(&agi_within, x, ag_number(x->graph, limit));
}
