/* Values, as all stages ask about them: their strides, what they read and who reads them; what is said where they
 * cannot be made. */
#include "compile.h"

int agi_out_of_memory(agi_compiler *c)
{
    agi_fail(c->graph, AG_EMEM, "ag_compile: out of memory");
    return 0;
}

int agi_too_large(agi_compiler *c, const ag_node *largest)
{
    ag_node *at = agi_node(c->graph, largest->id);
    agi_fail_at(c->graph, AG_EMEM, 1, &at, "ag_compile: the values take more than 2^61 bytes together, this one %lld",
                (long long)agi_node_bytes(at));
    return 0;
}

ag_strides agi_value_strides(const agi_compiler *c, uint32_t i)
{
    const agi_value *it = &c->value[i];
    return it->view == AGI_NONE ? ag_contiguous(it->node) : ((const agi_view *)c->views.data)[it->view].strides;
}

static int is_computed(const agi_value *it)
{
    return it->kind >= AGI_VALUE_POINT;
}

/* Returns how many that are computed were not used before: 1 or 0. */
static uint32_t use(agi_value *root)
{
    return !root->uses++ && is_computed(root);
}

void agi_count_uses(agi_compiler *c)
{
    uint32_t unused = 0; /* all that are computed less those that are used */
    for (uint32_t i = 0; i < c->nvalues; i++) {
        const agi_value *it = &c->value[i];
        for (int k = 0, s; (s = agi_sources(c, it, k)) >= 0; k++) unused -= use(&c->value[c->value[s].root]);
        if (it->held) unused -= use(&c->value[i]);
        unused += (uint32_t)is_computed(it);
    }
    for (int k = 0; k < c->nassigned; k++) unused -= use(&c->value[c->value[c->assigned[k]].assigned]);
    for (uint32_t i = c->nvalues; unused && i-- > 0;) {
        agi_value *it = &c->value[i];
        if (!is_computed(it) || it->uses) continue;
        for (int k = 0, s; (s = agi_sources(c, it, k)) >= 0; k++) c->value[c->value[s].root].uses--;
        it->kind = AGI_VALUE_DEAD;
    }
}

/* Neither pointwise nor a fold. */
int agi_source_of_others(const agi_compiler *c, const agi_value *it, int k)
{
    if (it->kind == AGI_VALUE_CALL)
        return k < (int)it->in[1] ? (int)((const uint32_t *)c->operands.data)[it->in[0] + (uint32_t)k] : -1;
    if (it->kind != AGI_VALUE_PRODUCT) return -1;
    if (k < 2) return (int)it->in[k];
    if (k == 2 && it->onto != AGI_NONE) return (int)it->onto;
    return k == 3 && it->in[2] != AGI_NONE ? (int)it->in[2] : -1;
}

uint32_t agi_awaited_by(const agi_compiler *c, uint32_t i)
{
    uint32_t a = ((const uint32_t *)c->after.data)[i];
    while (a != AGI_NONE && c->value[a].group == AGI_NONE) a = a ? a - 1 : AGI_NONE; /* taken into a fused operation */
    return a;
}

/* The operand that the call may change in place, as nobody else reads it; or AGI_NONE. */
static uint32_t changed_in_place(const agi_compiler *c, const agi_value *it)
{
    if (it->kind != AGI_VALUE_CALL || !(it->node->op->flags & AG_IN_PLACE)) return AGI_NONE;
    const agi_value *seen = &c->value[agi_sources(c, it, 0)], *x = &c->value[seen->root];
    int own = seen->view == AGI_NONE && x->kind != AGI_VALUE_LEAF && x->uses == 1 && x->target == AGI_NONE;
    return own && ag_same_shape(x->node, it->node) ? seen->root : AGI_NONE;
}

uint32_t agi_first_written(const agi_compiler *c, uint32_t leaf)
{
    uint32_t i = c->value[leaf].assigned;
    for (uint32_t x; (x = changed_in_place(c, &c->value[i])) != AGI_NONE;) i = x;
    return i;
}
