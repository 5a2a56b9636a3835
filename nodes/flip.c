/* An axis in reverse order: a view;  the gradient is reversed back. */
#include "shared/positions.h"

static ag_status shape(ag_infer *c)
{
    (void)c; /* x's, of any type */
    return AG_OK;
}

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    gin[0] = ag_flip(gout, *(const int *)y->attribute);
}

static ag_node *batch(const ag_node *y, ag_node *in[], const unsigned char batched[], int64_t count)
{
    (void)batched, (void)count;
    return ag_flip(in[0], *(const int *)y->attribute + 1);
}

const ag_op agi_flip = { .name = "flip",
                         .formula = "an axis reversed",
                         .inputs = 1,
                         .flags = AG_ALIAS | AG_SMOOTH,
                         .attribute_size = sizeof(int),
                         .shape = shape,
                         .gradient = gradient,
                         .batch = batch };

ag_node *ag_flip(ag_node *x, int axis)
{
    int counted = ag_axis(&x, &agi_flip, axis);
    if (ag_is_bad(x)) return x;
    return ag_define(&agi_flip, 1, &x, &counted, ag_slice(x, counted, AG_END, AG_END, -1));
}
