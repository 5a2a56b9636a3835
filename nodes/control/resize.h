/* Nodes at the extents that plans choose. */
#ifndef AGI_RESIZE_H
#define AGI_RESIZE_H

#include "graph/graph.h"

/* to[k] becomes what stands for x[k] at these sizes: x[k] itself where it depends on none. 0 after a failure. */
int agi_resize(ag_graph *, const int64_t size[], int n, ag_node *const x[], ag_node *to[], agi_resized **with);

#endif
