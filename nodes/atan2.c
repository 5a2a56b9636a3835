/* The angle of the point (b, a), as atan2(y = a, x = b) in C;  d/da = b / (a^2 + b^2), d/db = -a / (a^2 + b^2). */
#include "shared/slopes.h"

POINTWISE2(atan2, F(atan2)(a, b))

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    ag_node *a = y->in[0], *b = y->in[1];
    if (ag_wanted(y, 0)) gin[0] = ag_mul(gout, agi_new_polar(a, b));
    if (ag_wanted(y, 1)) gin[1] = ag_neg(ag_mul(gout, agi_new_polar(b, a)));
}

const ag_op agi_atan2 = { .name = "atan2",
                          .formula = "angle of (b, a)",
                          .inputs = 2,
                          .flags = AG_POINTWISE | AG_SMOOTH,
                          .code = POINTWISE_CODE,
                          .gradient = gradient };

ag_node *ag_atan2(ag_node *y, ag_node *x)
{
    return ag_binary(&agi_atan2, y, x);
}
