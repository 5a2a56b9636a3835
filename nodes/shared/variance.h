/* What var and std share: an axis, or everything, and what is taken off the number of elements that the sum of squares
 * is divided by. */
#ifndef AGI_VARIANCE_H
#define AGI_VARIANCE_H

#include "reduction.h"

typedef struct {
    ag_axis_attribute over; /* first: the shape rule of reductions reads it */
    int correction;
} agi_variance;

ag_status agi_infer_variance(ag_infer *);
ag_node *agi_deviations(ag_node *x, const agi_variance *); /* x - mean */
ag_node *agi_freedom(const ag_node *x, const agi_variance *); /* number of elements - correction */

#endif
