/* The value of x, which derivatives do not keep: they compute it again from what is kept.  derivative 1. */
#include "node.h"

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    (void)y;
    gin[0] = gout;
}

static ag_node *batch(const ag_node *y, ag_node *in[], const unsigned char batched[], int64_t count)
{
    (void)y, (void)batched, (void)count;
    return ag_checkpoint(in[0]);
}

const ag_op agi_checkpoint = { .name = "checkpoint",
                               .formula = "x, computed again for derivatives",
                               .inputs = 1,
                               .flags = AG_ALIAS | AG_RECOMPUTE | AG_SMOOTH,
                               .gradient = gradient,
                               .batch = batch };

ag_node *ag_checkpoint(ag_node *x)
{
    return ag_is_bad(x) ? x : ag_define(&agi_checkpoint, 1, &x, NULL, x);
}
