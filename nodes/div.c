/* a / b;  d/da = 1 / b, d/db = -(a / b) / b.
 *
 * The rule divides but once, by making 1 / b, whose own slope, -1 / b^2, needs no division: so derivatives of every
 * order share one. Where 1 / b overflows, b being subnormal, so do they. */
#include "node.h"

POINTWISE2(div, a / b)

static int is_one(const ag_node *x)
{
    double value;
    if (x->op != &agi_number) return 0;
    memcpy(&value, x->attribute, sizeof value);
    return value == 1;
}

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    ag_node *inverse = ag_div(ag_number(y->graph, 1), y->in[1]), *scaled = ag_mul(gout, inverse);
    if (ag_wanted(y, 0)) gin[0] = scaled;
    if (ag_wanted(y, 1)) gin[1] = ag_neg(is_one(y->in[0]) ? ag_mul(gout, ag_square(y)) : ag_mul(scaled, y));
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
