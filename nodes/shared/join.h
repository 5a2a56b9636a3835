/* Parts of one tensor that are put together again. */
#ifndef AGI_JOIN_H
#define AGI_JOIN_H

#include "node.h"

/* n parts one after the other along an axis, where each is made by the same views of neighbouring slices of one tensor,
 * in order: these views of that tensor, nothing being moved. NULL: they are not, or there is no room for an axis more. */
ag_node *agi_join(int n, ag_node *const part[], int64_t axis);

#endif
