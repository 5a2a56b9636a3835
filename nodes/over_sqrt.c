/* y = c / (sqrt(a) + b): c in units of the root, which is about its size.  With s = sqrt(a) + b:
 * d/da = -y / (2 sqrt(a) s), d/db = -y / s, d/dc = 1 / s. */
#include "shared/steps.h"

POINTWISE3(over_sqrt, c / (F(sqrt)(a) + b))

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    ag_node *root = ag_sqrt(y->in[0]), *size = ag_add(root, y->in[1]);
    ag_node *down = ag_neg(ag_div(ag_mul(gout, y), size));
    if (ag_wanted(y, 0)) gin[0] = ag_div(ag_scale(down, 0.5), root);
    if (ag_wanted(y, 1)) gin[1] = down;
    if (ag_wanted(y, 2)) gin[2] = ag_div(gout, size);
}

const ag_op agi_over_sqrt = { .name = "over_sqrt",
                              .formula = "c / (sqrt(a) + b)",
                              .inputs = 3,
                              .flags = AG_POINTWISE | AG_SMOOTH,
                              .code = POINTWISE_CODE,
                              .linear = 1 << 2,
                              .gradient = gradient };

ag_node *agi_new_over_sqrt(ag_node *a, ag_node *b, ag_node *c)
{
    return ag_apply(&agi_over_sqrt, 3, (ag_node *[]){ a, b, c }, NULL);
}
