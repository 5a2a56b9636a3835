/* parameter: a tensor that the run keeps; attribute: its initial values, or NULL for zeros. */
#include "graph/graph.h"

const ag_op agi_parameter = { .name = "parameter", .formula = "kept by the run", .flags = AG_LEAF,
                              .role = AG_IS_PARAMETER };

ag_node *ag_parameter(ag_graph *g, const char *name, ag_dtype dtype, ag_shape shape, const void *initial)
{
    return agi_leaf(g, &agi_parameter, name, dtype, shape, initial, 0);
}

ag_node *ag_parameter_typed(int type, ag_graph *g, const char *name, ag_dtype dtype, ag_shape shape,
                            const void *initial)
{
    if (!agi_check_values(g, "parameter", name, dtype, type, initial)) return g->bad;
    return ag_parameter(g, name, dtype, shape, initial);
}
