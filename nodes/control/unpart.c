/* The gradient of one result of a loop or branch on its way to the node's rule, which takes it out again: never
 * computed. attribute: the result's number. */
#include "loop.h"

static ag_status shape(ag_infer *c)
{
    c->dtype = AG_F64;
    c->shape.rank = 0;
    return AG_OK;
}

const ag_op agi_unpart = { .name = "unpart",
                           .formula = "gradient of a result of a loop",
                           .inputs = 1,
                           .flags = AG_LIBRARY | AG_SURE,
                           .attribute_size = sizeof(int),
                           .shape = shape,
                           .gradient = ag_zero_gradient };

ag_node *agi_join_parts(ag_node *gout, ag_node *more)
{
    for (ag_node *sum = more; !ag_is_bad(sum); sum = sum->op == &agi_unpart ? NULL : sum->in[0]) {
        ag_node *one = sum->op == &agi_unpart ? sum : sum->in[1];
        gout = gout ? ag_add(gout, one) : one;
    }
    return gout;
}

/* Contributions were added one by one: a chain of sums whose right operands, and last left one, are `unpart` nodes. */
void agi_take_apart(ag_node *x, ag_node *gout, ag_node *parts[])
{
    for (int k = 0; k < agi_parts(x); k++) parts[k] = NULL;
    for (ag_node *sum = gout, *one; !ag_is_bad(sum); sum = sum->op == &agi_unpart ? NULL : sum->in[0]) {
        one = sum->op == &agi_unpart ? sum : sum->in[1];
        ag_node **part = &parts[*(const int *)one->attribute];
        *part = *part ? ag_add(*part, one->in[0]) : one->in[0];
    }
}
