/* -x;  derivative -1. */
#include "shared/algebra.h"
#include "shared/integers.h"

POINTWISE1(neg, -x)

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    (void)y;
    gin[0] = ag_neg(gout);
}

/* - -x -> x */
static ag_node *simplify(const ag_infer *c)
{
    return agi_is_negative(c->in[0]) ? c->in[0]->in[0] : NULL;
}

const ag_op agi_neg = { .name = "neg",
                        .formula = "-x",
                        .inputs = 1,
                        .flags = AG_POINTWISE | AG_KEEPS_ZERO | AG_SMOOTH,
                        .code = POINTWISE_CODE,
                        .integers = agi_integer_neg,
                        .linear = 1 << 0,
                        .simplify = simplify,
                        .gradient = gradient };

ag_node *ag_neg(ag_node *x)
{
    return ag_unary(&agi_neg, x);
}
