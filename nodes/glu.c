/* a sigmoid(b), a and b being the halves of an axis;  the gradient is that of each, one after the other. */
#include "shared/extent.h"
#include "shared/slopes.h"

static ag_status shape(ag_infer *c)
{
    int axis = *(const int *)c->attribute;
    if (c->dtype == AG_I64) return ag_refuse(c, AG_ETYPE, "there is no arithmetic on i64: make it real with ag_cast");
    if (agi_holds_extent(c->graph, c->shape.dim[axis]))
        return ag_refuse(c, AG_ESHAPE, "axis %d has an extent that plans choose, which cannot be divided", axis);
    if (c->shape.dim[axis] % 2)
        return ag_refuse(c, AG_ESHAPE, "axis %d has %lld elements, which are not two halves", axis,
                         (long long)c->shape.dim[axis]);
    c->shape.dim[axis] /= 2;
    return AG_OK;
}

static ag_node *half(ag_node *x, int axis, int which)
{
    int64_t n = x->dim[axis] / 2;
    return ag_slice(x, axis, which * n, which * n + n, 1);
}

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    int axis = *(const int *)y->attribute;
    ag_node *a = half(y->in[0], axis, 0), *b = half(y->in[0], axis, 1);
    ag_node *part[] = { ag_mul(gout, ag_sigmoid(b)), agi_new_sigmoid_slope(ag_mul(gout, a), b) };
    gin[0] = ag_concat(2, part, axis);
}

const ag_op agi_glu = { .name = "glu",
                        .formula = "a sigmoid(b), the halves of x",
                        .inputs = 1,
                        .flags = AG_ALIAS | AG_SMOOTH,
                        .attribute_size = sizeof(int),
                        .shape = shape,
                        .gradient = gradient };

ag_node *ag_glu(ag_node *x, int axis)
{
    int counted = ag_axis(&x, &agi_glu, axis);
    if (ag_is_bad(x)) return x;
    x = ag_vet(&agi_glu, 1, &x, &counted);
    if (ag_is_bad(x)) return x;
    return ag_define(&agi_glu, 1, &x, &counted, ag_mul(half(x, counted, 0), ag_sigmoid(half(x, counted, 1))));
}
