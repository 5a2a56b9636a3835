/* a / b;  d/da = 1 / b, d/db = -(a / b) / b.
 *
 * The rule divides but once, by making 1 / b, whose own slope, -(1 / b) / b, needs no division: so derivatives of every
 * order share one. Nothing is squared, which might over- or underflow on the way. Where 1 / b overflows, b being
 * subnormal, so do they. */
#include "node.h"

POINTWISE2(div, a / b)

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    ag_node *inverse = ag_div(ag_number(y->graph, 1), y->in[1]);
    if (ag_wanted(y, 0)) gin[0] = ag_mul(gout, inverse);
    if (ag_wanted(y, 1)) gin[1] = ag_neg(ag_mul(ag_mul(gout, y), inverse));
}

const ag_op agi_div = { .name = "div",
                        .formula = "a / b",
                        .inputs = 2,
                        .flags = AG_POINTWISE | AG_SMOOTH,
                        .code = POINTWISE_CODE,
                        .gradient = gradient };

ag_node *ag_div(ag_node *a, ag_node *b)
{
    return ag_binary(&agi_div, a, b);
}
