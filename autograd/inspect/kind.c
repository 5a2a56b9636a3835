/* What an operation is: for colours in pictures, for sums in reports. */
#include "picture.h"

static const char *const names[AGI_KINDS] = { "input", "parameter", "constant", "pointwise", "reduction", "product",
                                              "move", "loop", "update" };

const char *agi_kind_name(agi_kind k)
{
    return names[k];
}

static agi_kind plain_kind(const ag_node *v)
{
    const unsigned flags = v->op->flags;
    if (v->op->role == AG_IS_INPUT) return AGI_INPUT;
    if (v->op->role == AG_IS_PARAMETER) return AGI_PARAMETER;
    if (flags & AG_LEAF) return AGI_LITERAL;
    if (flags & AG_EFFECT || (flags & AG_ALIAS && v->op->inputs < 0)) return AGI_UPDATES;
    if (flags & (AG_LOOP | AG_PART)) return AGI_LOOPS;
    if (flags & AG_REDUCTION) return AGI_REDUCES;
    if (flags & AG_PRODUCT || (flags & AG_LIBRARY && v->op->flops)) return AGI_MULTIPLIES;
    if (flags & AG_POINTWISE) return AGI_ELEMENTS;
    return AGI_MOVES;
}

static int is_written(const ag_node *v, const ag_node *x)
{
    for (uint32_t k = 0; k < agi_visible(v); k++)
        if (v->in[k] == x) return 1;
    return 0;
}

/* An alias is what is largest in its definition, as far as one looks: a product, a reduction, arithmetic, a move. */
static agi_kind kind_of_alias(const ag_node *v)
{
    static const uint8_t rank[AGI_KINDS] = { [AGI_ELEMENTS] = 1, [AGI_REDUCES] = 2, [AGI_MULTIPLIES] = 3 };
    enum { MOST = 32 };
    const ag_node *list[MOST] = { v->in[v->nin - 1] };
    agi_kind found = AGI_MOVES;
    for (int k = 0, n = 1; k < n; k++) {
        const ag_node *x = list[k];
        if (is_written(v, x)) continue;
        agi_kind its = agi_is_last_input(x) ? AGI_MOVES : plain_kind(x);
        if (rank[its] > rank[found]) found = its;
        for (uint32_t i = 0; i < x->nin && n < MOST; i++) list[n++] = x->in[i];
    }
    return found;
}

agi_kind agi_kind_of(const ag_node *v)
{
    return v->op->flags & AG_ALIAS && v->op->inputs >= 0 && v->nin ? kind_of_alias(v) : plain_kind(v);
}
