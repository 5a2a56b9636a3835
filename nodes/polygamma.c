/* The n-th derivative of digamma, itself the derivative of log gamma; n is a literal, the first operand.
 * Derivative polygamma(n + 1, x). special.c has the arithmetic and says what happens at the poles 0, -1, -2, ... */
#include "node.h"
#include "arithmetic/special.h"

POINTWISE2(polygamma, F(agi_psi)(a, b))

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    ag_node *next = ag_add(y->in[0], ag_number(y->graph, 1));
    gin[1] = ag_mul(gout, ag_binary(y->op, next, y->in[1]));
}

const ag_op agi_polygamma = { .name = "polygamma",
                              .formula = "derivative n of digamma(x)",
                              .inputs = 2,
                              .flags = AG_POINTWISE | AG_SMOOTH,
                              .code = POINTWISE_CODE,
                              .gradient = gradient };

ag_node *ag_polygamma(int n, ag_node *x)
{
    if (n < 0 || n > AGI_PSI_ORDERS)
        return ag_reject(x, &agi_polygamma, AG_EARG, "order %d is outside 0 to %d", n, AGI_PSI_ORDERS);
    return ag_is_bad(x) ? x : ag_binary(&agi_polygamma, ag_number(x->graph, n), x);
}
