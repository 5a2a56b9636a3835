/* Fused operations: what two or three operations do in one, where it pays. The patterns are those of nodes/fused. */
#include "compile.h"
#include "fused/patterns.h"

static int reads_alone(const agi_value *user, const agi_value *seen, const agi_value *it)
{
    if (!agi_is_point(it) || it->uses != 1 || seen->view != AGI_NONE || it->dtype != user->dtype) return 0;
    if (user->few == 1 && seen == it) return 1; /* one element, whatever its rank: as nearly always */
    return ag_same_shape(seen->node, user->node) && ag_same_shape(it->node, user->node);
}

/* The operation that computes operand k of `user`, if nothing else reads its result and the shapes agree. */
static inline agi_value *only_reader_of(const agi_compiler *c, const agi_value *user, int k, const ag_op *op)
{
    const agi_value *seen = &c->value[user->in[k]];
    agi_value *it = &c->value[seen->root];
    return it->op == op && reads_alone(user, seen, it) ? it : NULL;
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
    for (int k = 0; k < n; k++) it->in[k] = in[k];
    it->nin = n;
    it->op = p->fused;
    inner->kind = AGI_VALUE_DEAD;
    return 1;
}

/* The scalar multiplies the column or row, where it has been computed before them. Of a scalar and a tensor as large as
 * the product there is no column: a step for the two scalars costs more than it saves. Of one element there is none. */
static int scale_before_broadcast(agi_compiler *c, agi_value *it, const agi_fused_pattern *p)
{
    uint32_t scalar = it->in[1 - p->operand], product = it->in[p->operand];
    agi_value *mul = only_reader_of(c, it, p->operand, p->inner);
    if (!mul || mul != &c->value[product] || c->value[scalar].node->rank) return 0;
    if (scalar > product && c->value[c->value[scalar].root].kind != AGI_VALUE_LEAF) return 0;
    for (int j = 0; j < 2; j++) {
        uint32_t small = mul->in[j], other = mul->in[1 - j];
        int64_t n = ag_count(mul->node);
        if (ag_count(c->value[small].node) >= n || ag_count(c->value[other].node) >= n) continue;
        agi_set_node(mul, c->value[small].node);
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
    agi_value *it = &c->value[agi_first_written(c, leaf)];
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
        agi_set_node(it, product->node);
        it->onto = leaf;
        it->in[2] = mul->in[1 - k];
        it->in[0] = product->in[0];
        it->in[1] = product->in[1];
        mul->kind = product->kind = AGI_VALUE_DEAD;
        return;
    }
}

/* By the code of the outer operation: the patterns from first to before end are all that may fit. */
typedef struct {
    uint8_t first[AG_CODE_COUNT], end[AG_CODE_COUNT];
} range;

static range find_ranges(void)
{
    range r = { { 0 }, { 0 } };
    for (int k = agi_pattern_count; k-- > 0;) {
        const int code = agi_patterns[k].outer->code;
        if (!r.end[code]) r.end[code] = (uint8_t)(k + 1);
        r.first[code] = (uint8_t)k;
    }
    return r;
}

static void combine(agi_compiler *c, agi_value *it, const range *r)
{
    int reordered = 0; /* once: the other way round would undo it */
    for (uint8_t k = r->first[it->op->code]; k < r->end[it->op->code]; k++) {
        const agi_fused_pattern *p = &agi_patterns[k];
        if (it->op != p->outer) continue;
        if (p->kind == AGI_REORDERS) reordered = reordered || it->few == 1 || scale_before_broadcast(c, it, p);
        else if (p->kind == AGI_FUSES && fuse(c, it, p) && k + 1 < r->first[it->op->code])
            k = (uint8_t)(r->first[it->op->code] - 1);
    }
}

int agi_combine(agi_compiler *c)
{
    if (c->options->unfused) return 1;
    const range r = find_ranges();
    for (const agi_fused_pattern *p = agi_patterns; p < agi_patterns + agi_pattern_count; p++)
        for (int k = 0; p->kind == AGI_ACCUMULATES && k < c->nassigned; k++) accumulate(c, c->assigned[k], p);
    for (uint32_t i = 0; i < c->nvalues; i++)
        if (agi_is_point(&c->value[i]) && c->value[i].op) combine(c, &c->value[i], &r);
    return 1;
}
