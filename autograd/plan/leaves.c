/* What a plan reads and shows, one after the other. */
#include "plan.h"

/* The k-th leaf of that role, in order of making. */
static ag_node *leaf(const ag_plan *p, ag_role role, int k)
{
    for (int i = 0; p && i < p->nplaces; i++)
        if (p->place[i].node->op->role == role && k-- == 0) return (ag_node *)p->place[i].node;
    return NULL;
}

ag_node *ag_plan_input(const ag_plan *p, int k)
{
    return leaf(p, AG_IS_INPUT, k);
}

ag_node *ag_plan_parameter(const ag_plan *p, int k)
{
    return leaf(p, AG_IS_PARAMETER, k);
}

ag_shape ag_plan_shape(const ag_plan *p, const ag_node *x)
{
    const agi_place *at = p && !ag_is_bad(x) ? agi_find_place(p, x) : NULL;
    return ag_shape_of(at ? at->made : x);
}

ag_node *ag_plan_output(const ag_plan *p, int k)
{
    return p && k >= 0 && k < p->noutputs ? p->output[k] : NULL;
}
