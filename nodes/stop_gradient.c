/* The value of x, a constant to every derivative. */
#include "node.h"

static ag_node *batch(const ag_node *y, ag_node *in[], const unsigned char batched[], int64_t count)
{
    (void)y, (void)batched, (void)count;
    return ag_stop_gradient(in[0]);
}

const ag_op agi_stop_gradient = { .name = "stop_gradient",
                                  .formula = "x, constant to derivatives",
                                  .inputs = 1,
                                  .flags = AG_ALIAS,
                                  .gradient = ag_zero_gradient,
                                  .batch = batch };

ag_node *ag_stop_gradient(ag_node *x)
{
    return ag_is_bad(x) ? x : ag_define(&agi_stop_gradient, 1, &x, NULL, x);
}
