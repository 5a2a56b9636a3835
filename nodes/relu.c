/* max(x, 0), NaN for NaN;  derivative 1 where x > 0, else 0. */
#include "shared/pool.h"

POINTWISE1(relu, x <= 0 ? 0 : x)

/* x where y is above 0. */
static ag_node *above_zero(ag_node *y, ag_node *x)
{
    ag_node *zero = ag_number(y->graph, 0);
    return ag_where(ag_greater(y, zero), x, zero);
}

/* What comes from windows came to where y is largest in each: where that is not above 0, no element is. */
static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    if (gout->op != &agi_max_pool_slope || gout->in[0] != y) {
        gin[0] = above_zero(y, gout);
        return;
    }
    const agi_pool_form *f = gout->attribute;
    gin[0] = agi_new_max_pool_slope(y, above_zero(agi_new_max_pool(y, y, f), gout->in[1]), f);
}

const ag_op agi_relu = { .name = "relu",
                         .formula = "max(x, 0)",
                         .inputs = 1,
                         .flags = AG_POINTWISE,
                         .code = POINTWISE_CODE,
                         .gradient = gradient };

ag_node *ag_relu(ag_node *x)
{
    return ag_unary(&agi_relu, x);
}
