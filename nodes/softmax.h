/* What softmax, its logarithm and cross-entropy share: written alike, they merge and take one pass over a row. */
#ifndef AG_SOFTMAX_H
#define AG_SOFTMAX_H

#include "node.h"

static inline ag_node *ag_below_max(ag_node *x, int axis) /* x - max x <= 0: its exponentials do not overflow */
{
    return ag_sub(x, ag_amax_axis(x, axis, 1));
}

/* The labels, which an evaluation finds to be from 0 to classes - 1, or fails. Sound operands. */
ag_node *ag_label(ag_node *labels, int64_t classes);

#endif
