/* min(max(x, low), high), NaN for NaN; the bounds are literals, the other operands.  Derivative 1 from low to high,
 * the bounds included, else 0. */
#include "node.h"

POINTWISE3(clip, (a < b ? b : a) > c ? c : a < b ? b : a)

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    gin[0] = ag_where(ag_equal(y, y->in[0]), gout, ag_number(y->graph, 0));
}

const ag_op agi_clip = { .name = "clip",
                         .formula = "min(max(x, low), high)",
                         .inputs = 3,
                         .flags = AG_POINTWISE,
                         .code = POINTWISE_CODE,
                         .gradient = gradient };

ag_node *ag_clip(ag_node *x, double low, double high)
{
    if (!(low <= high))
        return ag_reject(x, &agi_clip, AG_EARG, "the bounds are %g and %g: a lower and an upper one are needed",
                         low, high);
    if (ag_is_bad(x)) return x;
    ag_node *in[] = { x, ag_number(x->graph, low), ag_number(x->graph, high) };
    return ag_apply(&agi_clip, 3, in, NULL);
}
