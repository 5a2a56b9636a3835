/* a where the condition is not 0, else b; the gradient goes to the one that was taken. */
#include "node.h"

POINTWISE3(where, a != 0 ? b : c)

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    ag_node *condition = y->in[0], *zero = ag_number(y->graph, 0);
    if (ag_wanted(y, 1)) gin[1] = ag_where(condition, gout, zero);
    if (ag_wanted(y, 2)) gin[2] = ag_where(condition, zero, gout);
}

const ag_op agi_where = { .name = "where",
                          .formula = "a if condition else b",
                          .inputs = 3,
                          .flags = AG_POINTWISE | AG_SMOOTH,
                          .code = POINTWISE_CODE,
                          .gradient = gradient };

ag_node *ag_where(ag_node *condition, ag_node *a, ag_node *b)
{
    ag_node *in[] = { condition, a, b };
    return ag_apply(&agi_where, 3, in, NULL);
}
