/* One number everywhere: a literal, repeated without memory. */
#include "graph/graph.h"

ag_node *ag_full(ag_graph *g, ag_dtype dtype, ag_shape shape, double value)
{
    if (!g) return NULL;
    if (dtype != AG_I64) return ag_broadcast_to(ag_cast(ag_number(g, value), dtype), shape);
    if (!(value >= -0x1p63 && value < 0x1p63 && (double)(int64_t)value == value))
        return agi_fail(g, AG_EARG, "full: %g is no element of i64, which holds whole numbers of 64 bits", value);
    const int64_t whole = (int64_t)value;
    return ag_broadcast_to(ag_constant(g, dtype, AG_SCALAR, &whole), shape);
}
