/* constant: a tensor known when the graph is built; attribute: its values. */
#include "graph/graph.h"

const ag_op agi_constant = { .name = "constant", .formula = "known beforehand", .flags = AG_LEAF,
                             .role = AG_IS_CONSTANT };

ag_node *ag_constant(ag_graph *g, ag_dtype dtype, ag_shape shape, const void *values)
{
    return agi_leaf(g, &agi_constant, NULL, dtype, shape, values, 1);
}

ag_node *ag_constant_typed(int type, ag_graph *g, ag_dtype dtype, ag_shape shape, const void *values)
{
    return agi_check_values(g, "constant", NULL, dtype, type, values) ? ag_constant(g, dtype, shape, values) : g->bad;
}
