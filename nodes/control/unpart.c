/* The gradient of one result of a loop or branch on its way to the node's rule, which takes it out again: never
 * computed. attribute: the result's number.  Inputs: the gradient; perhaps a number that is 0 in evaluations in which
 * none flows, the gradient being exactly 0 there, else 1; perhaps what has flowed into the same node before, another
 * `unpart`. */
#include "loop.h"
#include "graph/graph.h"

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

ag_node *agi_more_parts(ag_node *before, ag_node *unpart)
{
    if (ag_is_bad(unpart) || !before) return unpart;
    ag_node *in[] = { unpart->in[0], unpart->nin > 1 ? unpart->in[1] : ag_number(unpart->graph, 1), before };
    return ag_apply(&agi_unpart, 3, in, unpart->attribute);
}

/* NULL: always. */
static ag_node *condition_of(const ag_node *one)
{
    double value;
    return one->nin < 2 || agi_is_number(one->in[1], &value) ? NULL : one->in[1];
}

/* From the last that has flowed in to the first. */
void agi_take_apart(ag_node *x, ag_node *gout, ag_node *parts[], ag_node *active[])
{
    for (int k = 0; k < agi_parts(x); k++) parts[k] = active[k] = NULL;
    for (ag_node *one = gout; !ag_is_bad(one); one = one->nin > 2 ? one->in[2] : NULL) {
        const int k = *(const int *)one->attribute;
        ag_node *when = condition_of(one);
        if (!parts[k] || !when) active[k] = when;
        else if (active[k] && active[k] != when) active[k] = agi_either(active[k], when);
        parts[k] = parts[k] ? ag_add(parts[k], one->in[0]) : one->in[0];
    }
}
