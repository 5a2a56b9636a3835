/* Sparse values from stripes: direct.c. */
#ifndef AGI_DIRECT_H
#define AGI_DIRECT_H

#include "derive/stripes.h"
#include "sparse.h"

/* The values of the elements `all`: the y, one after the other, are their rows, or their columns if by_rows, and the
 * directions of the stripes the others. NULL: they do not go to regular places, and nothing has failed. */
ag_node *agi_direct_values(const agi_csr *all, int by_rows, int m, ag_node *const y[], const agi_stripes of_y[]);

#endif
