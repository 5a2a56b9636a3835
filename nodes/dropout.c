/* y = x m, m = 1 / (1 - p) where a random number from 0 to below 1 is at least p, else 0.  dy/dx = m. */
#include "node.h"

static ag_status shape(ag_infer *c)
{
    const double p = *(const double *)c->attribute;
    if (c->dtype == AG_I64) return ag_refuse(c, AG_ETYPE, "x is of integers: use ag_cast");
    if (p >= 0 && p < 1) return AG_OK;
    return ag_refuse(c, AG_EARG, "p is %g: it is the part that becomes 0, from 0 to below 1", p);
}

static ag_node *mask(ag_node *u, double p)
{
    return ag_scale(ag_greater_equal(u, ag_number(u->graph, p)), 1 / (1 - p));
}

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    gin[0] = ag_mul(gout, mask(y->in[1], *(const double *)y->attribute));
}

const ag_op agi_dropout = { .name = "dropout",
                            .formula = "0 by chance, else x / (1 - p)",
                            .inputs = 2,
                            .flags = AG_ALIAS,
                            .attribute_size = sizeof(double),
                            .shape = shape,
                            .gradient = gradient };

ag_node *ag_dropout(ag_node *x, double p)
{
    x = ag_vet(&agi_dropout, 1, &x, &p);
    if (ag_is_bad(x)) return x;
    ag_node *u = ag_random_uniform(x->graph, (ag_dtype)x->dtype, ag_shape_in(x)), *in[] = { x, u };
    return ag_is_bad(u) ? u : ag_define(&agi_dropout, 2, in, &p, ag_mul(x, mask(u, p)));
}
