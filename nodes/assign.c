/* Stores a value into a parameter after everything in the plan has read the old one; its own value is the new one. */
#include "node.h"

static ag_status shape(ag_infer *c)
{
    if (c->in[0]->op != &agi_parameter)
        return ag_refuse(c, AG_EARG, "only what ag_parameter made can be assigned to, which a is not");
    if (!ag_same_shape(c->in[0], c->in[1])) return ag_refuse(c, AG_ESHAPE, "value and parameter differ in shape");
    if (c->in[0]->dtype != c->in[1]->dtype) return ag_refuse(c, AG_ETYPE, "value and parameter differ in type");
    return AG_OK;
}

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    (void)y;
    gin[1] = gout;
}

const ag_op agi_assign = { .name = "assign",
                           .formula = "parameter := value",
                           .inputs = 2,
                           .flags = AG_EFFECT,
                           .shape = shape,
                           .gradient = gradient };

ag_node *ag_assign(ag_node *parameter, ag_node *value)
{
    return ag_binary(&agi_assign, parameter, value);
}
