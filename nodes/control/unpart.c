/* The gradient of one result of a loop or branch on its way to the node's rule, which takes it out again: never
 * computed. attribute: the result's number.  Inputs: the gradient, and perhaps a number that is 0 in evaluations in
 * which none flows; the gradient is exactly 0 there. */
#include "loop.h"

static ag_status shape(ag_infer *c)
{
    c->dtype = AG_F64;
    c->shape.rank = 0;
    return AG_OK;
}

const ag_op agi_unpart = { .name = "unpart",
                           .formula = "gradient of a result of a loop",
                           .inputs = -1,
                           .flags = AG_LIBRARY | AG_SURE,
                           .attribute_size = sizeof(int),
                           .shape = shape,
                           .gradient = ag_zero_gradient };

ag_node *agi_flow_apart(ag_node *unpart, ag_node *active)
{
    ag_node *in[] = { unpart, active };
    if (ag_is_bad(unpart)) return unpart;
    in[0] = unpart->in[0];
    return ag_apply(&agi_unpart, 2, in, unpart->attribute);
}

/* Contributions were added one by one: a chain of sums whose right operands, and last left one, are `unpart` nodes. */
void agi_take_apart(ag_node *x, ag_node *gout, ag_node *parts[], ag_node *active[])
{
    for (int k = 0; k < agi_parts(x); k++) parts[k] = active[k] = NULL;
    for (ag_node *sum = gout, *one; !ag_is_bad(sum); sum = sum->op == &agi_unpart ? NULL : sum->in[0]) {
        one = sum->op == &agi_unpart ? sum : sum->in[1];
        const int k = *(const int *)one->attribute;
        ag_node *when = one->nin > 1 ? one->in[1] : NULL;
        if (!parts[k] || !when) active[k] = when;
        else if (active[k] && active[k] != when) active[k] = ag_maximum(active[k], when);
        parts[k] = parts[k] ? ag_add(parts[k], one->in[0]) : one->in[0];
    }
}
