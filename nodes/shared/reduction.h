/* What the reductions' files share: one axis, or everything, folded away. */
#ifndef AGI_REDUCTION_H
#define AGI_REDUCTION_H

#include "node.h"

/* The shape rule; attribute: ag_axis_attribute. */
ag_status agi_infer_reduction(ag_infer *);
/* In `simplify`: every fold of a single element is the element. */
ag_node *agi_reduction_of_one(const ag_infer *);

static inline ag_axis_attribute agi_over_all(void)
{
    return (ag_axis_attribute){ .axis = AG_ALL };
}

/* Over one axis, negative ones counted from the end; a wrong one makes x bad. */
static inline ag_axis_attribute agi_over_axis(ag_node **x, const ag_op *op, int axis, int keepdims)
{
    return (ag_axis_attribute){ .axis = ag_axis(x, op, axis), .keepdims = keepdims != 0 };
}

/* A node of `op`. */
static inline ag_node *agi_reduce(const ag_op *op, ag_node *x, ag_axis_attribute a)
{
    return ag_apply(op, 1, &x, &a);
}

static inline ag_node *agi_reduce_all(const ag_op *op, ag_node *x)
{
    return agi_reduce(op, x, agi_over_all());
}

static inline ag_node *agi_reduce_axis(const ag_op *op, ag_node *x, int axis, int keepdims)
{
    ag_axis_attribute a = agi_over_axis(&x, op, axis, keepdims);
    return agi_reduce(op, x, a);
}

/* Reduced, and broadcasting against x again: the axis kept, or rank 0. */
static inline ag_node *agi_reduce_along(const ag_op *op, ag_node *x, int axis)
{
    return agi_reduce(op, x, (ag_axis_attribute){ .axis = axis, .keepdims = axis != AG_ALL });
}

static inline int agi_reduced(const ag_node *y)
{
    return ((const ag_axis_attribute *)y->attribute)->axis;
}

/* y or gout of a reduction with the reduced axis back as extent 1, so that it broadcasts against the input. */
static inline ag_node *agi_put_axis_back(ag_node *reduced, const ag_node *y)
{
    return ag_keepdims(reduced, y->in[0], agi_reduced(y));
}

#endif
