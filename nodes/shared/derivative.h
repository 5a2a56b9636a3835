/* Derivatives as they are handed out. */
#ifndef AGI_DERIVATIVE_H
#define AGI_DERIVATIVE_H

#include "graph/graph.h"

/* d, the derivative of y by x, as the user gets it: a node of its own. Where rules ask, d itself. */
ag_node *agi_derivative_of(const ag_node *y, const ag_node *x, ag_node *d);

#endif
