/* What optimisers' steps are made of: each is one operation of a pass over parameters, which take long with many. */
#ifndef AGI_STEPS_H
#define AGI_STEPS_H

#include "node.h"

ag_node *agi_new_within(ag_node *x, double limit);                    /* x, from -limit to limit */
ag_node *agi_new_lerp(ag_node *a, ag_node *b, double c);              /* a + c (b - a) */
ag_node *agi_new_lerp_square(ag_node *a, ag_node *b, double c);       /* a + c (b^2 - a) */
ag_node *agi_new_over_sqrt(ag_node *a, ag_node *b, ag_node *c);       /* c / (sqrt(a) + b) */

#endif
