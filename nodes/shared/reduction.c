/* The shape rule and the rewrite that the reductions share. */
#include "reduction.h"

ag_status agi_infer_reduction(ag_infer *c)
{
    const ag_axis_attribute *a = c->attribute;
    ag_shape s = c->shape;
    if (c->dtype == AG_I64) return ag_refuse(c, AG_ETYPE, "there is no arithmetic on i64: make it real with ag_cast");
    c->shape.rank = 0;
    for (int i = 0; i < s.rank; i++) {
        int reduced = a->axis == AG_ALL || i == a->axis;
        if (!reduced || a->keepdims) c->shape.dim[c->shape.rank++] = reduced ? 1 : s.dim[i];
    }
    return AG_OK;
}

ag_node *agi_reduction_of_one(const ag_infer *c)
{
    const ag_axis_attribute *a = c->attribute;
    return ag_split_at(c->in[0], a->axis).extent == 1 ? ag_reshape(c->in[0], c->shape) : NULL;
}
