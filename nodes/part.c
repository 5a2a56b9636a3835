/* One of the results of a loop or branch; attribute: its number.
 *
 * Its gradient goes back as an `unpart` node, which the loop's rule takes apart again: it is never computed, and so not
 * registered. */
#include "loop.h"

static ag_status shape(ag_infer *c)
{
    c->shape = ag_part_shape(c->in[0], *(const int *)c->attribute, &c->dtype);
    return AG_OK;
}

static ag_status unpart_shape(ag_infer *c)
{
    c->dtype = AG_F64;
    c->shape.rank = 0;
    return AG_OK;
}

static const ag_op unpart = { .name = "unpart",
                           .formula = "gradient of a result of a loop",
                           .inputs = 1,
                           .flags = AG_LIBRARY,
                           .attribute_size = sizeof(int),
                           .shape = unpart_shape,
                           .gradient = ag_zero_gradient };

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    gin[0] = ag_unary_with(&unpart, gout, y->attribute);
}

const ag_op agi_part = { .name = "part",
                         .formula = "a result of a loop",
                         .inputs = 1,
                         .flags = AG_PART | AG_SMOOTH,
                         .attribute_size = sizeof(int),
                         .shape = shape,
                         .gradient = gradient };

ag_node *ag_part(ag_node *x, int part)
{
    return ag_unary_with(&agi_part, x, &part);
}

/* Contributions were added one by one: a chain of sums whose right operands, and last left one, are `unpart` nodes. */
void ag_unpack(ag_node *x, ag_node *gout, ag_node *parts[])
{
    for (int k = 0; k < ag_parts(x); k++) parts[k] = NULL;
    for (ag_node *sum = gout, *one; sum; sum = sum->op == &unpart ? NULL : sum->in[0]) {
        one = sum->op == &unpart ? sum : sum->in[1];
        ag_node **part = &parts[*(const int *)one->attribute];
        *part = *part ? ag_add(*part, one->in[0]) : one->in[0];
    }
}
