/* Products of the others, see others.c. */
#ifndef AGI_OTHERS_H
#define AGI_OTHERS_H

#include "node.h"

extern const char agi_scaled_text[], agi_add_scaled_text[], agi_times_scaled_text[], agi_products_of_others_text[];

/* Of sound operands of one shape: x, and up to AGI_MOST_DIRECTIONS directions. */
enum { AGI_MOST_DIRECTIONS = 10 };
ag_node *agi_new_others(int n, ag_node *const in[], int axis);

#endif
