/* 0 everywhere, without memory. */
#include "node.h"

ag_node *ag_zeros(ag_graph *g, ag_dtype dtype, ag_shape shape)
{
    return ag_full(g, dtype, shape, 0);
}
