/* Zeros before and after along an axis;  the gradient is what falls on x. */
#include "shared/positions.h"

#define MOST ((int64_t)1 << 48) /* more than any tensor has */

static ag_status shape(ag_infer *c)
{
    const agi_positions *p = c->attribute;
    c->shape.dim[p->axis] = p->size;
    return AG_OK; /* its definition looks at the positions */
}

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    gin[0] = agi_new_slice(gout, y->attribute);
}

const ag_op agi_pad = { .name = "pad",
                        .formula = "zeros around x",
                        .inputs = 1,
                        .flags = AG_ALIAS | AG_SMOOTH,
                        .attribute_size = sizeof(agi_positions),
                        .extents = agi_each_position,
                        .shape = shape,
                        .gradient = gradient };

ag_node *ag_pad(ag_node *x, int axis, int64_t before, int64_t after)
{
    int counted = ag_axis(&x, &agi_pad, axis);
    if (ag_is_bad(x)) return x;
    if (before < 0 || after < 0 || before > MOST || after > MOST)
        return ag_reject(x, &agi_pad, AG_ESHAPE, "padding by %lld and %lld: both are from 0 to 2^48", (long long)before,
                         (long long)after);
    int64_t n = x->dim[counted];
    agi_positions p = { .axis = counted, .start = before, .step = 1, .count = n, .size = before + n + after };
    x = ag_vet(&agi_pad, 1, &x, &p);
    return ag_is_bad(x) ? x : ag_define(&agi_pad, 1, &x, &p, agi_new_embed(x, &p));
}
