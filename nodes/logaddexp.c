/* log(e^a + e^b) = max(a, b) + log(1 + e^-|a - b|);  derivatives logaddexp_share. */
#include "shared/slopes.h"

POINTWISE2(logaddexp, F(agi_logaddexp_of)(a, b))

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    if (ag_wanted(y, 0)) gin[0] = ag_mul(gout, agi_new_logaddexp_share(y->in[0], y->in[1]));
    if (ag_wanted(y, 1)) gin[1] = ag_mul(gout, agi_new_logaddexp_share(y->in[1], y->in[0]));
}

const ag_op agi_logaddexp = { .name = "logaddexp",
                              .formula = "log(e^a + e^b)",
                              .inputs = 2,
                              .flags = AG_POINTWISE | AG_SMOOTH,
                              .code = POINTWISE_CODE,
                              .gradient = gradient };

ag_node *ag_logaddexp(ag_node *a, ag_node *b)
{
    return ag_binary(&agi_logaddexp, a, b);
}
