/* Values after a stage. What must hold, until they have become steps:
 *
 * - A view lies in the memory of one value that is no view itself and comes before it, within that memory's bounds.
 * - An operation has all its operands, of shapes that it takes; they are leaves, or lie in values made before it. None
 *   has been taken into a fused operation. What nobody reads may lie anywhere.
 * - `uses` counts who reads a value: fusion relies on it.
 * - A leaf is there once, and is assigned once, by a value that knows it.
 * - An output is held, or found in a leaf. */
#include "verify.h"

int agi_broken(const agi_compiler *c, const char *format, ...)
{
    char what[400];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    agi_fail(c->graph, AG_EINTERNAL, "ag_compile: the stage '%s' broke: %s; a fault of the library, unless an "
             "operation of your own says what is not so: please report it, with what options.stages writes", c->stage,
             what);
    return 0;
}

static const char *name_of(const agi_compiler *c, uint32_t i)
{
    return c->value[i].node->op->name;
}

/* ---- views ------------------------------------------------------------------------------------------------------- */

static int64_t memory_bytes(const agi_compiler *c, const agi_value *root)
{
    return agi_is_loop(root) ? agi_layout_of(c, root->node)->bytes : agi_node_bytes(root->node);
}

/* The elements that a view's strides reach, from the lowest to the highest; 0: none at all. */
static int find_reach(const agi_compiler *c, uint32_t i, int64_t *low, int64_t *high)
{
    const ag_node *x = c->value[i].node;
    const agi_bounds *bounds = agi_bounds_at(c, i);
    ag_strides s = agi_value_strides(c, i);
    *low = *high = s.offset;
    for (int axis = 0; axis < x->rank; axis++) {
        int64_t from = bounds ? bounds->from[axis] : 0, to = bounds ? bounds->to[axis] : x->dim[axis];
        if (from >= to) return 0;
        int64_t first = from * s.stride[axis], last = (to - 1) * s.stride[axis];
        *low += first < last ? first : last;
        *high += first < last ? last : first;
    }
    return 1;
}

static int check_view(const agi_compiler *c, uint32_t i)
{
    const agi_value *it = &c->value[i];
    if (it->root >= i) return agi_broken(c, "value %u, a view, lies in %u, which does not come before it", i, it->root);
    const agi_value *root = &c->value[it->root];
    int64_t low, high, bytes = (int64_t)ag_dtype_size((ag_dtype)it->node->dtype);
    if (root->kind == AGI_VALUE_VIEW) return agi_broken(c, "value %u lies in %u, which is a view itself", i, it->root);
    if (root->kind == AGI_VALUE_DEAD) return 1;
    if (it->view != AGI_NONE && it->view >= c->views.count)
        return agi_broken(c, "value %u has strides that nobody made", i);
    if (agi_is_bounded(c, it) && ((const agi_view *)c->views.data)[it->view].bounds >= c->all_bounds.count)
        return agi_broken(c, "value %u has bounds that nobody made", i);
    if (!find_reach(c, i, &low, &high) || (low >= 0 && (high + 1) * bytes <= memory_bytes(c, root))) return 1;
    return agi_broken(c, "value %u (%s) looks at elements %lld to %lld of value %u, which has %lld bytes", i,
                      name_of(c, i), (long long)low, (long long)high, it->root, (long long)memory_bytes(c, root));
}

/* ---- operands ---------------------------------------------------------------------------------------------------- */

static int operands_of(const agi_value *it)
{
    if (it->kind == AGI_VALUE_CALL) return (int)it->in[1];
    if (it->kind == AGI_VALUE_PRODUCT) return it->onto == AGI_NONE ? 2 : 4;
    return it->kind == AGI_VALUE_FOLD || !it->op ? 1 : it->op->inputs < 0 ? it->nin : it->op->inputs;
}

static int broadcasts(const ag_node *x, const ag_node *to)
{
    for (int i = 1; i <= x->rank; i++)
        if (i > to->rank || (x->dim[x->rank - i] != 1 && x->dim[x->rank - i] != to->dim[to->rank - i])) return 0;
    return 1;
}

static int shape_fits(const agi_value *it, int k, const ag_node *x)
{
    if (it->kind == AGI_VALUE_CALL) return it->node->op->flags & AG_BRANCH || ag_same_shape(x, it->node->in[k]);
    if (it->kind == AGI_VALUE_POINT) return it->op ? broadcasts(x, it->node) : ag_count(x) == ag_count(it->node);
    return it->kind != AGI_VALUE_PRODUCT || k < 2 || ag_count(x) == (k == 2 ? ag_count(it->node) : 1);
}

static int check_operand(const agi_compiler *c, uint32_t i, int k, uint32_t *uses)
{
    const agi_value *it = &c->value[i];
    int s = agi_sources(c, it, k);
    if (s < 0 || (uint32_t)s >= c->nvalues)
        return agi_broken(c, "value %u (%s) has no operand %d", i, name_of(c, i), k);
    uint32_t root = c->value[s].root;
    if (root >= c->nvalues || c->value[root].kind == AGI_VALUE_DEAD)
        return agi_broken(c, "value %u (%s) reads %d, which nobody makes", i, name_of(c, i), s);
    if (root >= i && c->value[root].kind != AGI_VALUE_LEAF)
        return agi_broken(c, "value %u (%s) reads %d, which is made after it", i, name_of(c, i), s);
    if (!shape_fits(it, k, c->value[s].node))
        return agi_broken(c, "value %u (%s) reads %d, which has another shape than its operand %d", i, name_of(c, i), s,
                          k);
    uses[root]++;
    return 1;
}

static int check_computed(const agi_compiler *c, uint32_t i, uint32_t *uses)
{
    const agi_value *it = &c->value[i];
    int n = operands_of(it);
    if (it->kind == AGI_VALUE_CALL && it->in[0] + (int64_t)n > c->operands.count)
        return agi_broken(c, "value %u (%s) has fewer operands than %d", i, name_of(c, i), n);
    if (it->kind != AGI_VALUE_CALL && it->nin != (n > 3 ? 2 : n))
        return agi_broken(c, "value %u (%s) has %d operands instead of %d", i, name_of(c, i), it->nin, n);
    uint32_t after = c->after.count ? ((const uint32_t *)c->after.data)[i] : AGI_NONE;
    if (after != AGI_NONE && after >= i)
        return agi_broken(c, "value %u (%s) waits for %u, which comes after it", i, name_of(c, i), after);
    for (int k = 0; k < n; k++)
        if (!check_operand(c, i, k, uses)) return 0;
    if (it->held) uses[i]++;
    return 1;
}

/* ---- leaves, outputs --------------------------------------------------------------------------------------------- */

static int check_leaf(const agi_compiler *c, uint32_t i)
{
    const agi_value *it = &c->value[i];
    const uint32_t other = c->value_of[agi_order_of(c, it->node)];
    if (other != i) return agi_broken(c, "value %u, a leaf, is there again as value %u", i, other);
    if (it->assigned == AGI_NONE) return 1;
    if (it->assigned >= c->nvalues || !agi_is_computed(&c->value[it->assigned]) || c->value[it->assigned].target != i)
        return agi_broken(c, "value %u, a leaf, takes its new value from %u, which does not know it", i, it->assigned);
    return 1;
}

static int check_assigned(agi_compiler *c, uint32_t *uses)
{
    uint8_t *seen = agi_arena_zeros(&c->arena, c->nvalues, 1);
    if (!seen) return agi_out_of_memory(c);
    for (int k = 0; k < c->nassigned; k++) {
        uint32_t leaf = c->assigned[k];
        if (leaf >= c->nvalues || c->value[leaf].kind != AGI_VALUE_LEAF || c->value[leaf].assigned == AGI_NONE)
            return agi_broken(c, "value %u is assigned to, but is no leaf with a new value", leaf);
        if (seen[leaf]++) return agi_broken(c, "value %u, a leaf, is assigned twice", leaf);
        uses[c->value[leaf].assigned]++;
    }
    return 1;
}

static int check_outputs(const agi_compiler *c)
{
    for (int k = 0; k < c->noutputs; k++) {
        uint32_t i = c->output_value[k];
        const agi_value *it = &c->value[i];
        if (it->kind != AGI_VALUE_LEAF && !(agi_is_computed(it) && it->held))
            return agi_broken(c, "output %d is value %u, which does not stay until the end", k, i);
        if (agi_node_bytes(it->node) != agi_node_bytes(c->output[k]))
            return agi_broken(c, "output %d is value %u, which has another size", k, i);
    }
    return 1;
}

static int check_value(const agi_compiler *c, uint32_t i, uint32_t *uses)
{
    const agi_value *it = &c->value[i];
    if (it->kind == AGI_VALUE_DEAD) return 1;
    if (it->kind == AGI_VALUE_VIEW) return check_view(c, i);
    if (it->root != i) return agi_broken(c, "value %u (%s) lies in value %u", i, name_of(c, i), it->root);
    return it->kind == AGI_VALUE_LEAF ? check_leaf(c, i) : check_computed(c, i, uses);
}

int agi_verify_values(agi_compiler *c)
{
    uint32_t *uses = agi_arena_zeros(&c->arena, c->nvalues, sizeof *uses);
    if (!uses) return agi_out_of_memory(c);
    for (uint32_t i = 0; i < c->nvalues; i++)
        if (!check_value(c, i, uses)) return 0;
    if (!check_assigned(c, uses) || !check_outputs(c)) return 0;
    for (uint32_t i = 0; i < c->nvalues; i++) {
        const agi_value *it = &c->value[i];
        if (it->kind == AGI_VALUE_DEAD || it->kind == AGI_VALUE_VIEW || it->uses == uses[i]) continue;
        return agi_broken(c, "value %u (%s) is read %u times, but says %u", i, name_of(c, i), uses[i], it->uses);
    }
    return 1;
}
