/* What the reductions share. */
#include "reduction.h"

ag_status ag_infer_reduction(ag_infer *c)
{
    const ag_axis_attribute *a = c->attribute;
    ag_shape s = c->shape;
    if (c->dtype == AG_I64) return ag_refuse(c, AG_ETYPE, "no arithmetic on i64, use ag_cast");
    c->shape.rank = 0;
    for (int i = 0; i < s.rank; i++) {
        int reduced = a->axis == AG_ALL || i == a->axis;
        if (!reduced || a->keepdims) c->shape.dim[c->shape.rank++] = reduced ? 1 : s.dim[i];
    }
    return AG_OK;
}

ag_node *ag_reduce_all(const ag_op *op, ag_node *x)
{
    ag_axis_attribute a = { .axis = AG_ALL };
    return ag_apply(op, 1, &x, &a);
}

ag_node *ag_reduce_axis(const ag_op *op, ag_node *x, int axis, int keepdims)
{
    ag_axis_attribute a = { .axis = ag_axis(&x, op, axis), .keepdims = keepdims != 0 };
    return ag_apply(op, 1, &x, &a);
}
