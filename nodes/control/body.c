/* Which nodes the bodies of loops and branches begin and end with. */
#include "loop.h"

ag_node *agi_body_result(const ag_node *x, uint32_t k)
{
    if (x->op->flags & AG_BRANCH) {
        const agi_branch_attribute *b = x->attribute;
        const uint32_t n = (uint32_t)b->results;
        return k < n ? b->then[k] : k < 2 * n ? b->otherwise[k - n] : NULL;
    }
    const agi_loop_attribute *l = x->attribute;
    const uint32_t states = (uint32_t)l->states, results = (uint32_t)l->results;
    if (k < states) return l->next[k];
    if (k < states + results) return l->result[k - states];
    return k == states + results ? l->test : NULL;
}

ag_node *agi_body_leaf(const ag_node *x, uint32_t k)
{
    if (x->op->flags & AG_BRANCH) {
        const agi_branch_attribute *b = x->attribute;
        return k > 0 && k <= (uint32_t)b->arguments ? b->argument[k - 1] : NULL;
    }
    const agi_loop_attribute *l = x->attribute;
    return k < (uint32_t)(l->states + l->elements) ? agi_loop_leaf(l, (int)k) : NULL;
}
