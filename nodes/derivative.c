/* A derivative as it is handed out: a node of its own, also where its value is a leaf's, or the same as another's.
 * derivative 1. */
#include "shared/derivative.h"

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    (void)y;
    gin[0] = gout;
}

const ag_op agi_derivative = { .name = "derivative",
                               .formula = "x, handed out",
                               .inputs = 1,
                               .flags = AG_ALIAS | AG_SMOOTH,
                               .attribute_size = 2 * sizeof(uint32_t), /* ids: of what, by what */
                               .gradient = gradient };

ag_node *agi_derivative_of(const ag_node *y, const ag_node *x, ag_node *d)
{
    const uint32_t which[] = { y->id, x->id };
    return ag_is_bad(d) || d->graph->inside ? d : agi_rewritten(&agi_derivative, d, which);
}
