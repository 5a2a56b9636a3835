/* What amax and amin share: the gradient, in equal parts to all elements that equal the extremum. */
#ifndef AGI_EXTREMUM_H
#define AGI_EXTREMUM_H

#include "reduction.h"

static inline void agi_extremum_gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    ag_node *hit = ag_equal(y->in[0], agi_put_axis_back(y, y));
    ag_node *hits = agi_reduce_along(&agi_sum, hit, agi_reduced(y));
    gin[0] = ag_mul(hit, ag_div(agi_put_axis_back(gout, y), hits));
}

#endif
