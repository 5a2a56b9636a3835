/* a + c (b^2 - a): a mean of squares on its way to the next one.  d/da = 1 - c, d/db = 2 c b, d/dc = b^2 - a. */
#include "shared/steps.h"

POINTWISE3(lerp_square, a + c * (b * b - a))

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    ag_node *a = y->in[0], *b = y->in[1], *c = y->in[2];
    if (ag_wanted(y, 0)) gin[0] = ag_mul(gout, ag_one_minus(c));
    if (ag_wanted(y, 1)) gin[1] = ag_mul(ag_scale(gout, 2), ag_mul(c, b));
    if (ag_wanted(y, 2)) gin[2] = ag_mul(gout, ag_sub(ag_square(b), a));
}

const ag_op agi_lerp_square = { .name = "lerp_square",
                                .formula = "a + c (b^2 - a)",
                                .inputs = 3,
                                .flags = AG_POINTWISE | AG_SMOOTH,
                                .code = POINTWISE_CODE,
                                .gradient = gradient };

ag_node *agi_new_lerp_square(ag_node *a, ag_node *b, double c)
{
    return ag_is_bad(a) ? a : ag_apply(&agi_lerp_square, 3, (ag_node *[]){ a, b, ag_number(a->graph, c) }, NULL);
}
