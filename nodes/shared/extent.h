/* What is made of extents: plain where these are, else of stand-ins, which a plan's sizes take the places of. */
#ifndef AGI_EXTENT_H
#define AGI_EXTENT_H

#include "graph/graph.h"

ag_node *agi_extent_number(ag_graph *, ag_dtype, int64_t n); /* as ag_number, to meet operands of that type */
extern const ag_op agi_stand_in;       /* such a number; attribute: int64_t */
extern const ag_op agi_stand_in_range; /* 0, 1, ... to before such a number: ag_arange of its extent */

/* The same where no plan chooses the extent: bounds of what it may be are for these. */
static inline int agi_exceeds(const ag_graph *g, int64_t n, int64_t most)
{
    return n > most && !agi_holds_extent(g, n);
}

#endif
