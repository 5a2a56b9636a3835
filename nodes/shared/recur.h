/* Recurrences along an axis, counted from 0; operands may be bad. */
#ifndef AGI_RECUR_H
#define AGI_RECUR_H

#include "node.h"

ag_node *agi_new_recur(ag_node *a, ag_node *b, int axis);  /* y[k] = b[k] + a[k] y[k - 1] */
ag_node *agi_recur_back(ag_node *a, ag_node *b, int axis); /* y[k] = b[k] + a[k + 1] y[k + 1] */
ag_node *agi_shifted(ag_node *x, int axis, int by);        /* x[k - by], by = +-1; 0 where there is none */

#endif
