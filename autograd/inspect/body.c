/* Loops and branches as pictures see them: where what flows through their bodies comes from, and goes to. */
#include "picture.h"
#include "control/loop.h"

ag_node *agi_body_of_part(const ag_node *x, int part, int which)
{
    if (x->op->flags & AG_BRANCH) {
        const agi_branch_attribute *b = x->attribute;
        return which ? b->otherwise[part] : b->then[part];
    }
    const agi_loop_attribute *l = x->attribute;
    if (which || part == agi_part_count(l)) return NULL;
    if (part >= agi_part_before(l, 0)) return l->state[part - agi_part_before(l, 0)];
    return part < l->states ? l->next[part] : l->result[part - l->states];
}

ag_node *agi_body_control(const ag_node *x, int which)
{
    if (x->op->flags & AG_BRANCH) return which ? NULL : x->in[0];
    const agi_loop_attribute *l = x->attribute;
    return which ? l->test : l->counted ? x->in[x->nin - 1] : NULL;
}

ag_node *agi_body_next(const ag_node *x, uint32_t k)
{
    const agi_loop_attribute *l = x->attribute;
    return !(x->op->flags & AG_BRANCH) && k < (uint32_t)l->states ? l->next[k] : NULL;
}

/* What a picture says of it: how often it goes round. */
void agi_print_loop(agi_text *t, const ag_node *x)
{
    agi_print(t, "%s", x->op->name);
    if (x->op->flags & AG_BRANCH) return;
    const agi_loop_attribute *l = x->attribute;
    if (l->length == AGI_UNBOUNDED) agi_print(t, ", while a test holds");
    else agi_print(t, ", %s%lld steps%s", l->test || l->counted ? "at most " : "", (long long)l->length,
                   l->reverse ? ", backwards" : "");
}
