/* erf(x);  derivative 2 / sqrt(pi) e^(-x^2). */
#include "shared/slopes.h"

POINTWISE1(erf, F(erf)(x))

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    gin[0] = ag_mul(gout, ag_scale(agi_new_bell(y->in[0], 1), 1.12837916709551257390));
}

const ag_op agi_erf = { .name = "erf",
                        .formula = "erf(x)",
                        .inputs = 1,
                        .flags = AG_POINTWISE | AG_SMOOTH,
                        .code = POINTWISE_CODE,
                        .gradient = gradient };

ag_node *ag_erf(ag_node *x)
{
    return ag_unary(&agi_erf, x);
}
