/* C's fmod, exact: a - n b, n = a / b towards zero; of the sign of a.  d/da = 1, d/db = -n, n being a multiple's
 * quotient, which is rounded to what it is. */
#include "shared/integers.h"

POINTWISE2(fmod, F(fmod)(a, b))

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    ag_node *a = y->in[0], *b = y->in[1];
    if (ag_wanted(y, 0)) gin[0] = gout;
    if (ag_wanted(y, 1)) gin[1] = ag_neg(ag_mul(gout, ag_round(ag_div(ag_sub(a, y), b))));
}

const ag_op agi_fmod = { .name = "fmod",
                         .formula = "a - trunc(a / b) b",
                         .inputs = 2,
                         .flags = AG_POINTWISE,
                         .code = POINTWISE_CODE,
                         .integers = agi_integer_fmod,
                         .gradient = gradient };

ag_node *ag_fmod(ag_node *a, ag_node *b)
{
    return ag_binary(&agi_fmod, a, b);
}
