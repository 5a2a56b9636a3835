/* Fused operations: what two or three operations do in one, where it pays. The patterns are those of nodes/fused. */
#include "compile.h"
#include "fused/patterns.h"

/* The operation that computes operand k of `user`, if nothing else reads its result and the shapes agree. */
static agi_value *only_reader_of(const agi_compiler *c, const agi_value *user, int k, const ag_op *op)
{
    const agi_value *seen = &c->value[user->in[k]];
    agi_value *it = &c->value[seen->root];
    int alone = seen->view == AGI_NONE && it->uses == 1;
    if (!alone || !agi_is_point(it) || it->op != op || it->node->dtype != user->node->dtype) return NULL;
    return ag_same_shape(seen->node, user->node) && ag_same_shape(it->node, user->node) ? it : NULL;
}

/* The operands of the inner operation, then the others of the outer one. */
static int fuse(agi_compiler *c, agi_value *it, const agi_fused_pattern *p)
{
    agi_value *inner = only_reader_of(c, it, p->operand, p->inner);
    if (!inner) return 0;
    uint32_t in[3];
    uint8_t n = 0;
    for (int k = 0; k < inner->nin; k++) in[n++] = inner->in[k];
    for (int k = 0; k < it->nin; k++)
        if (k != p->operand) in[n++] = it->in[k];
    memcpy(it->in, in, n * sizeof *in);
    it->nin = n;
    it->op = p->fused;
    inner->kind = AGI_VALUE_DEAD;
    return 1;
}

/* The scalar multiplies the column or row, where it has been computed before them. */
static int scale_before_broadcast(agi_compiler *c, agi_value *it, const agi_fused_pattern *p)
{
    uint32_t scalar = it->in[1 - p->operand], product = it->in[p->operand];
    agi_value *mul = only_reader_of(c, it, p->operand, p->inner);
    if (!mul || mul != &c->value[product] || c->value[scalar].node->rank) return 0;
    if (scalar > product && c->value[c->value[scalar].root].kind != AGI_VALUE_LEAF) return 0;
    for (int j = 0; j < 2; j++) {
        uint32_t small = mul->in[j], other = mul->in[1 - j];
        if (ag_count(c->value[small].node) >= ag_count(mul->node)) continue;
        mul->node = c->value[small].node;
        mul->in[0] = scalar;
        mul->in[1] = small;
        it->in[0] = other;
        it->in[1] = product;
        return 1;
    }
    return 0;
}

/* The product moves to where the difference stood, after everything it now reads: with alpha = -rate. */
static void accumulate(agi_compiler *c, uint32_t leaf, const agi_fused_pattern *p)
{
    agi_value *it = &c->value[c->value[leaf].assigned];
    if (!agi_is_point(it) || it->op != p->outer || it->uses != 1) return;
    if (c->value[it->in[0]].root != leaf || c->value[it->in[0]].view != AGI_NONE) return;
    agi_value *mul = only_reader_of(c, it, p->operand, p->inner);
    for (int k = 0; mul && k < 2; k++) {
        const agi_value *seen = &c->value[mul->in[k]], *rate = &c->value[mul->in[1 - k]];
        agi_value *product = &c->value[seen->root];
        if (product->kind != AGI_VALUE_PRODUCT || product->onto != AGI_NONE || product->uses != 1) continue;
        if (seen->view != AGI_NONE || !ag_same_shape(seen->node, it->node) || ag_count(rate->node) != 1) continue;
        if (product->node->rank != 2 || !ag_same_shape(product->node, it->node)) continue;
        it->kind = AGI_VALUE_PRODUCT;
        it->op = p->fused;
        it->node = product->node;
        it->onto = leaf;
        it->in[2] = mul->in[1 - k];
        it->in[0] = product->in[0];
        it->in[1] = product->in[1];
        mul->kind = product->kind = AGI_VALUE_DEAD;
        return;
    }
}

static void combine(agi_compiler *c, agi_value *it)
{
    int reordered = 0; /* once: the other way round would undo it */
    for (const agi_fused_pattern *p = agi_patterns; p < agi_patterns + agi_pattern_count; p++) {
        if (it->op != p->outer) continue;
        if (p->kind == AGI_REORDERS) reordered = reordered || scale_before_broadcast(c, it, p);
        else if (p->kind == AGI_FUSES) fuse(c, it, p);
    }
}

int agi_combine(agi_compiler *c)
{
    if (c->options->unfused) return 1;
    for (const agi_fused_pattern *p = agi_patterns; p < agi_patterns + agi_pattern_count; p++)
        for (int k = 0; p->kind == AGI_ACCUMULATES && k < c->nassigned; k++) accumulate(c, c->assigned[k], p);
    for (uint32_t i = 0; i < c->nvalues; i++)
        if (agi_is_point(&c->value[i])) combine(c, &c->value[i]);
    return 1;
}
