/* What amax and amin share: the gradient, in equal parts to all elements that equal the extremum. */
#ifndef AG_EXTREMUM_H
#define AG_EXTREMUM_H

#include "reduction.h"

static inline void ag_extremum_gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    ag_node *hit = ag_equal(y->in[0], ag_spread(y, y));
    ag_node *hits = ag_reduce_along(&agi_sum, hit, ag_reduced(y));
    gin[0] = ag_mul(hit, ag_div(ag_spread(gout, y), hits));
}

#endif
