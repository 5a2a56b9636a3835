/* input: a tensor fed at every run. */
#include "shared/leaf.h"

const ag_op agi_input = { .name = "input", .formula = "fed at every run", .flags = AG_LEAF,
                          .role = AG_IS_INPUT };

ag_node *ag_input(ag_graph *g, const char *name, ag_dtype dtype, ag_shape shape)
{
    return agi_leaf(g, &agi_input, name, dtype, shape, NULL, 0);
}
