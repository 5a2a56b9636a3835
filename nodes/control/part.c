/* One of the results of a loop or branch; attribute: its number.  The gradient goes back as `unpart`. */
#include "loop.h"

static ag_status shape(ag_infer *c)
{
    c->shape = agi_part_shape(c->in[0], *(const int *)c->attribute, &c->dtype);
    if (c->shape.rank > AG_MAX_RANK)
        return ag_refuse(c, AG_ESHAPE, "a state has all %d axes: none is left to stack its values along, as reverse "
                         "mode does", AG_MAX_RANK);
    return AG_OK;
}

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    gin[0] = ag_unary_with(&agi_unpart, gout, y->attribute);
}

const ag_op agi_part = { .name = "part",
                         .formula = "a result of a loop",
                         .inputs = 1,
                         .flags = AG_PART | AG_KEEPS_ZERO | AG_SMOOTH,
                         .attribute_size = sizeof(int),
                         .shape = shape,
                         .gradient = gradient,
                         .batch = agi_batch_part };

ag_node *agi_new_part(ag_node *x, int part)
{
    return ag_unary_with(&agi_part, x, &part);
}
