/* Sparse derivatives from stripes. */
#ifndef AGI_DIRECT_H
#define AGI_DIRECT_H

#include "derive/stripes.h"
#include "sparse.h"

/* The y, one after the other, are the matrix's rows, or its columns if by_rows, and the directions of their stripes the
 * others. */

/* Which elements are there, of out->rows rows, in `kept`. 0: out of memory. */
int agi_direct_rows(agi_arena *kept, agi_arena *, int by_rows, int m, ag_node *const y[], const agi_stripes of_y[],
                    agi_csr *out);
/* Their values. NULL: they do not go to regular places, or memory has ended. */
ag_node *agi_direct_values(agi_arena *, const agi_csr *, int by_rows, int m, ag_node *const y[],
                           const agi_stripes of_y[]);

#endif
