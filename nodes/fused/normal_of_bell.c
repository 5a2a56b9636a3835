/* Phi(a) from b = e^(-a^2 / 2): with q(z) = Phi(-z) e^(z^2 / 2), b q(-a) left of 0, 1 - b q(a) right of it.
 * d/da = b (1 / sqrt(2 pi) - |a| q(|a|)), d/db = q(|a|), less than 0 right of 0. */
#include "node.h"

POINTWISE2(normal_of_bell, F(agi_normal_beside)(a, b))

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    ag_graph *g = y->graph;
    ag_node *a = y->in[0], *b = y->in[1], *zero = ag_number(g, 0), *size = ag_abs(a);
    ag_node *q = ag_binary(&agi_normal_of_bell, ag_neg(size), ag_number(g, 1));
    if (ag_wanted(y, 0))
        gin[0] = ag_mul(ag_mul(gout, b), ag_sub(ag_number(g, 0.39894228040143267794), ag_mul(size, q)));
    if (ag_wanted(y, 1)) gin[1] = ag_mul(gout, ag_where(ag_less(a, zero), q, ag_neg(q)));
}

const ag_op agi_normal_of_bell = { .name = "normal_of_bell",
                                   .formula = "Phi(a), b = e^(-a^2 / 2)",
                                   .inputs = 2,
                                   .flags = AG_POINTWISE | AG_SMOOTH,
                                   .code = POINTWISE_CODE,
                                   .gradient = gradient };
