/* e^a / (e^a + e^b), with the digits that a - b loses; 1/2 for equal operands, also infinite ones.
 * d/da = y(a, b) y(b, a) = -d/db. */
#include "shared/slopes.h"

POINTWISE2(logaddexp_share, F(agi_share_of)(a, b))

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    ag_node *slope = ag_mul(ag_mul(gout, y), agi_new_logaddexp_share(y->in[1], y->in[0]));
    if (ag_wanted(y, 0)) gin[0] = slope;
    if (ag_wanted(y, 1)) gin[1] = ag_neg(slope);
}

const ag_op agi_logaddexp_share = { .name = "logaddexp_share",
                                    .formula = "e^a / (e^a + e^b)",
                                    .inputs = 2,
                                    .flags = AG_POINTWISE | AG_SMOOTH,
                                    .code = POINTWISE_CODE,
                                    .gradient = gradient };

ag_node *agi_new_logaddexp_share(ag_node *a, ag_node *b)
{
    return ag_binary(&agi_logaddexp_share, a, b);
}
