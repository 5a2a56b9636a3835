/* x where x > 0, else alpha (e^x - 1), alpha being a literal, the second operand;  derivative 1 where x > 0, else
 * alpha e^x. The exponential is taken of 0 where x > 0: gradients of what is not chosen may not be infinite. */
#include "node.h"

POINTWISE2(elu, a > 0 ? a : b * F(expm1)(a))

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    ag_node *x = y->in[0], *zero = ag_number(y->graph, 0), *positive = ag_greater(x, zero);
    ag_node *power = ag_exp(ag_where(positive, zero, x));
    gin[0] = ag_where(positive, gout, ag_mul(ag_mul(gout, y->in[1]), power));
}

const ag_op agi_elu = { .name = "elu",
                        .formula = "x if x > 0 else alpha (e^x - 1)",
                        .inputs = 2,
                        .flags = AG_POINTWISE,
                        .code = POINTWISE_CODE,
                        .gradient = gradient };

ag_node *ag_elu(ag_node *x, double alpha)
{
    return ag_is_bad(x) ? x : ag_binary(&agi_elu, x, ag_number(x->graph, alpha));
}
