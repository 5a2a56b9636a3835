/* parameter: a tensor that the run keeps; attribute: its initial values, or NULL for zeros. */
#include "shared/leaf.h"

const ag_op agi_parameter = { .name = "parameter", .formula = "kept by the run", .flags = AG_LEAF,
                              .role = AG_IS_PARAMETER };

ag_node *ag_parameter(ag_graph *g, const char *name, ag_dtype dtype, ag_shape shape, const void *initial)
{
    return agi_leaf(g, &agi_parameter, name, dtype, shape, initial, 0);
}
