/* What the reductions' files share: one axis, or everything, folded away. */
#ifndef AG_REDUCTION_H
#define AG_REDUCTION_H

#include "node.h"

/* The shape rule; attribute: ag_axis_attribute. */
ag_status ag_infer_reduction(ag_infer *);
/* A node of `op` over all of x, or over one axis, negative ones counted from the end. */
ag_node *ag_reduce_all(const ag_op *op, ag_node *x);
ag_node *ag_reduce_axis(const ag_op *op, ag_node *x, int axis, int keepdims);

/* y or gout of a reduction with the reduced axis back as extent 1, so that it broadcasts against the input. */
static inline ag_node *ag_spread(ag_node *reduced, const ag_node *y)
{
    return ag_keepdims(reduced, y->in[0], ((const ag_axis_attribute *)y->attribute)->axis);
}

#endif
