/* b / (a^2 + b^2), of numbers of any size; NaN where both are 0, 0 where one is infinite.  With x = (a / b) y, which is
 * a / (a^2 + b^2): d/da = -2 x y, d/db = x^2 - y^2. */
#include "shared/slopes.h"

POINTWISE2(polar, F(agi_polar_of)(a, b))

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    ag_node *x = agi_new_polar(y->in[1], y->in[0]);
    if (ag_wanted(y, 0)) gin[0] = ag_mul(ag_mul(ag_scale(gout, -2), x), y);
    if (ag_wanted(y, 1)) gin[1] = ag_mul(ag_mul(gout, ag_sub(x, y)), ag_add(x, y));
}

const ag_op agi_polar = { .name = "polar",
                          .formula = "b / (a^2 + b^2)",
                          .inputs = 2,
                          .flags = AG_POINTWISE | AG_SMOOTH,
                          .code = POINTWISE_CODE,
                          .gradient = gradient };

ag_node *agi_new_polar(ag_node *a, ag_node *b)
{
    return ag_binary(&agi_polar, a, b);
}
