/* What losses share: their elements become one number, or stay. */
#ifndef AGI_LOSS_H
#define AGI_LOSS_H

#include "node.h"

/* Of elements that may be bad; a reduction that is none is a failure of `op`. */
static inline ag_node *agi_reduce_loss(const ag_op *op, ag_node *elements, ag_reduction r)
{
    if (ag_is_bad(elements) || r == AG_EACH) return elements;
    if (r == AG_MEAN) return ag_mean(elements);
    if (r == AG_SUM) return ag_sum(elements);
    return ag_reject(elements, op, AG_EARG, "%d is no reduction: AG_MEAN, AG_SUM or AG_EACH", (int)r);
}

#endif
