/* min(max(x, low), high) as clip, with other derivatives: 1 between the bounds, 0 at them and outside. */
#include "node.h"

POINTWISE3(hardtanh, (a < b ? b : a) > c ? c : a < b ? b : a)

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    ag_node *x = y->in[0], *zero = ag_number(y->graph, 0);
    gin[0] = ag_where(ag_greater(x, y->in[1]), ag_where(ag_less(x, y->in[2]), gout, zero), zero);
}

const ag_op agi_hardtanh = { .name = "hardtanh",
                             .formula = "min(max(x, low), high)",
                             .inputs = 3,
                             .flags = AG_POINTWISE,
                             .code = POINTWISE_CODE,
                             .gradient = gradient };

ag_node *ag_hardtanh(ag_node *x, double low, double high)
{
    if (!(low < high))
        return ag_reject(x, &agi_hardtanh, AG_EARG, "the bounds are %g and %g: a lower and an upper one are needed",
                         low, high);
    if (ag_is_bad(x)) return x;
    ag_node *in[] = { x, ag_number(x->graph, low), ag_number(x->graph, high) };
    return ag_apply(&agi_hardtanh, 3, in, NULL);
}
