/* How elements are ordered along an axis, counted from 0. */
#ifndef AGI_ORDER_H
#define AGI_ORDER_H

#include "node.h"

typedef struct {
    int axis, descending;
    int from; /* positions are those in the block of the axes from here to the last; -1: along the axis */
} agi_sorting;

ag_node *agi_new_sorting(ag_node *x, agi_sorting); /* AG_I64, of x's shape; x may be bad */
/* The first `count` of x along the axis in that order, the positions being those in all of x. */
ag_node *agi_take_sorted(ag_node *x, int axis, int descending, int64_t count);

#endif
