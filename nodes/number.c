/* number: a literal of rank 0; attribute: its value as a double. It takes the type of the operand it meets. */
#include "graph/graph.h"

const ag_op agi_number = { .name = "number",
                           .formula = "a literal",
                           .flags = AG_LEAF,
                           .role = AG_IS_NUMBER,
                           .attribute_size = sizeof(double) };

ag_node *ag_number(ag_graph *g, double value)
{
    return g ? agi_literal(g, &agi_number, AG_F64, value, 1) : NULL;
}
