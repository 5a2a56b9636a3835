/* Standard deviation, the root of var;  derivative (x - mean) / ((n - correction) y), 0 where y is 0, as all deviations
 * are there. */
#include "shared/variance.h"

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    const agi_variance *v = y->attribute;
    ag_node *one = ag_number(y->graph, 1), *safe = ag_where(ag_equal(y, ag_number(y->graph, 0)), one, y);
    ag_node *unit = ag_div(agi_deviations(y->in[0], v), agi_put_axis_back(safe, y));
    gin[0] = ag_mul(agi_put_axis_back(ag_div(gout, agi_freedom(y->in[0], v)), y), unit);
}

const ag_op agi_std = { .name = "std",
                        .formula = "square root of var(x)",
                        .inputs = 1,
                        .flags = AG_ALIAS | AG_SMOOTH,
                        .attribute_size = sizeof(agi_variance),
                        .shape = agi_infer_variance,
                        .gradient = gradient };

static ag_node *define(ag_node *x, agi_variance v)
{
    x = ag_vet(&agi_std, 1, &x, &v);
    if (ag_is_bad(x)) return x;
    int all = v.over.axis == AG_ALL;
    ag_node *var = all ? ag_var(x, v.correction) : ag_var_axis(x, v.over.axis, v.correction, v.over.keepdims);
    return ag_define(&agi_std, 1, &x, &v, ag_sqrt(var));
}

ag_node *ag_std(ag_node *x, int correction)
{
    return define(x, (agi_variance){ agi_over_all(), correction });
}

ag_node *ag_std_axis(ag_node *x, int axis, int correction, int keepdims)
{
    ag_axis_attribute over = agi_over_axis(&x, &agi_std, axis, keepdims);
    return define(x, (agi_variance){ over, correction });
}
