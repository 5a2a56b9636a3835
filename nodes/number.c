/* number: a literal of rank 0; attribute: its value as a double. It takes the type of the operand it meets. */
#include "node.h"

const ag_op agi_number = { .name = "number", .formula = "a literal", .flags = AG_LEAF,
                           .attribute_size = sizeof(double) };
