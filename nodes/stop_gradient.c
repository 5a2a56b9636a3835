/* The value of x, a constant to every derivative. */
#include "node.h"

const ag_op agi_stop_gradient = { .name = "stop_gradient",
                                  .formula = "x, constant to derivatives",
                                  .inputs = 1,
                                  .flags = AG_ALIAS,
                                  .gradient = ag_zero_gradient };

ag_node *ag_stop_gradient(ag_node *x)
{
    return ag_is_bad(x) ? x : ag_define(&agi_stop_gradient, 1, &x, NULL, x);
}
