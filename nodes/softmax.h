/* What softmax, its logarithm and cross-entropy share: written alike, they merge and take one pass over a row. */
#ifndef AG_SOFTMAX_H
#define AG_SOFTMAX_H

#include "node.h"

static inline ag_node *ag_below_max(ag_node *x, int axis) /* x - max x <= 0: its exponentials do not overflow */
{
    return ag_sub(x, ag_amax_axis(x, axis, 1));
}

#endif
