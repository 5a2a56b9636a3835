/* x min(max(x + 3, 0), 6) / 6;  derivative 0 up to -3, 1 from 3 on, (2 x + 3) / 6 between. */
#include "node.h"

POINTWISE1(hardswish, x <= -3 ? 0 : x >= 3 ? x : x * (x + 3) / 6)

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    ag_graph *g = y->graph;
    ag_node *x = y->in[0], *three = ag_number(g, 3), *zero = ag_number(g, 0);
    ag_node *between = ag_div(ag_mul(gout, ag_add(ag_scale(x, 2), three)), ag_number(g, 6));
    ag_node *right = ag_where(ag_greater_equal(x, three), gout, between);
    gin[0] = ag_where(ag_less_equal(x, ag_number(g, -3)), zero, right);
}

const ag_op agi_hardswish = { .name = "hardswish",
                              .formula = "x min(max(x + 3, 0), 6) / 6",
                              .inputs = 1,
                              .flags = AG_POINTWISE,
                              .code = POINTWISE_CODE,
                              .gradient = gradient };

ag_node *ag_hardswish(ag_node *x)
{
    return ag_unary(&agi_hardswish, x);
}
