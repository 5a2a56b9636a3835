/* e^(-b a^2), b a literal power of two, with all digits where that is small.  d/da = -2 a b y. */
#include "shared/slopes.h"

POINTWISE2(bell, F(agi_bell_of)(a, b))

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    if (ag_wanted(y, 0)) gin[0] = ag_mul(ag_mul(gout, ag_scale(y->in[1], -2)), ag_mul(y->in[0], y));
}

const ag_op agi_bell = { .name = "bell",
                         .formula = "e^(-b a^2)",
                         .inputs = 2,
                         .flags = AG_POINTWISE | AG_SMOOTH,
                         .code = POINTWISE_CODE,
                         .gradient = gradient };

ag_node *agi_new_bell(ag_node *x, double factor)
{
    return ag_is_bad(x) ? x : ag_binary(&agi_bell, x, ag_number(x->graph, factor));
}
