/* Live nodes become values: aliases and views are resolved to strides, copies inserted where memory must lie
 * otherwise. */
#include "compile.h"
#include "control/loop.h"

/* ---- one value a live node --------------------------------------------------------------------------------------- */

uint32_t agi_new_value(agi_compiler *c, const ag_node *x, agi_value_kind kind)
{
    uint32_t i = c->nvalues++;
    c->value[i] = (agi_value){ .in = { AGI_NONE, AGI_NONE, AGI_NONE }, .root = i, .view = AGI_NONE, .onto = AGI_NONE,
                               .target = AGI_NONE, .group = AGI_NONE, .buffer = AGI_NONE, .kind = (uint8_t)kind,
                               .sweep = c->reading.sweep };
    agi_set_node(&c->value[i], x);
    c->reading.large |= !c->value[i].few || kind == AGI_VALUE_CALL;
    return i;
}

static uint32_t operand(const agi_compiler *c, const ag_node *x, uint32_t k)
{
    return c->value_of[agi_order_of(c, x->in[k])];
}

static uint32_t new_copy(agi_compiler *c, const ag_node *x, uint32_t from)
{
    uint32_t i = agi_new_value(c, x, AGI_VALUE_POINT);
    c->value[i].in[0] = from;
    c->value[i].nin = 1;
    return i;
}

static uint32_t copy_of(agi_compiler *c, uint32_t i) /* made once */
{
    if (c->value[i].copy == AGI_NONE) {
        uint32_t copy = new_copy(c, c->value[i].node, i);
        c->value[i].copy = copy;
    }
    return c->value[i].copy;
}

static uint32_t contiguous(agi_compiler *c, uint32_t i)
{
    return c->value[i].view == AGI_NONE ? i : copy_of(c, i);
}

/* One piece of memory, perhaps inside another: enough for who takes an address. */
static int in_one_piece(const agi_compiler *c, uint32_t i)
{
    const agi_value *it = &c->value[i];
    if (it->view == AGI_NONE) return 1;
    agi_pattern p = agi_walk(c, i, it->node->rank, it->node->dim);
    return p.rank == 0 || agi_walks_on(&p);
}

/* Who takes any strides takes no zeros between them. */
static uint32_t strided(agi_compiler *c, uint32_t i)
{
    return agi_is_bounded(c, &c->value[i]) ? copy_of(c, i) : i;
}

int agi_add_view(agi_compiler *c, uint32_t i, const ag_strides *s, const agi_bounds *bounds)
{
    const ag_allocator *a = c->arena.allocator;
    if (!agi_vector_grow(a, &c->views, sizeof(agi_view), 1)) return agi_out_of_memory(c);
    if (bounds && !agi_vector_grow(a, &c->all_bounds, sizeof *bounds, 1)) return agi_out_of_memory(c);
    ((agi_view *)c->views.data)[c->views.count] = (agi_view){ *s, bounds ? (uint32_t)c->all_bounds.count : AGI_NONE };
    if (bounds) ((agi_bounds *)c->all_bounds.data)[c->all_bounds.count++] = *bounds;
    c->value[i].view = (uint32_t)c->views.count++;
    return 1;
}

static int make_view(agi_compiler *c, const ag_node *x, uint32_t from)
{
    agi_bounds bounds;
    if (!agi_bounds_seen(agi_bounds_at(c, from), x, &bounds)) from = strided(c, from);
    ag_strides s = agi_value_strides(c, from);
    if (!x->op->view(x, &s)) {
        new_copy(c, x, from); /* the same elements in the same order, moved together */
        return 1;
    }
    uint32_t i = agi_new_value(c, x, AGI_VALUE_VIEW), root = c->value[from].root;
    agi_pattern p = { .offset = s.offset };
    c->value[i].root = root;
    if (agi_is_bounded(c, &c->value[from])) return agi_add_view(c, i, &s, &bounds);
    agi_coalesce(&p, x->rank, x->dim, s.stride, NULL);
    if (agi_pattern_flat(&p) && ag_count(x) == ag_count(c->value[root].node)) return 1;
    return agi_add_view(c, i, &s, NULL);
}

static int is_visible(const ag_node *alias, const ag_node *x)
{
    int found = 0;
    for (uint32_t k = 0; k + 1 < alias->nin; k++) found |= alias->in[k] == x;
    return found;
}

/* What the definition of an alias is made of, down to the inputs that users see, is computed again with it: derivatives
 * may read that, too. Beyond the first few nodes it is kept. */
static void mark_definition(agi_compiler *c, const ag_node *alias)
{
    enum { FEW = 32 };
    const ag_node *list[FEW] = { alias->in[alias->nin - 1] };
    for (uint32_t i = 0, n = 1; i < n; i++) {
        const ag_node *x = list[i];
        agi_value *it = is_visible(alias, x) ? NULL : &c->value[c->value_of[agi_order_of(c, x)]];
        if (!it || it->kind == AGI_VALUE_LEAF) continue; /* also what a body is given: no values are behind that */
        c->value[it->root].remade = 1;
        int last = x->rewritten || x->op->flags & AG_ALIAS; /* which is its value; the others may not be live */
        for (uint32_t k = last ? x->nin - 1 : 0; k < x->nin && n < FEW; k++) list[n++] = x->in[k];
    }
}

static void make_alias(agi_compiler *c, const ag_node *x)
{
    uint32_t i = agi_new_value(c, x, AGI_VALUE_VIEW), of = operand(c, x, x->nin - 1);
    c->value[i].root = c->value[of].root;
    c->value[i].view = c->value[of].view;
    c->value[i].effect = c->value[of].effect;
    if (!(x->op->flags & AG_RECOMPUTE)) return;
    const ag_node *kept = x->in[x->nin - 1];
    c->value[c->value[of].root].remade = c->marked = 1;
    if (kept->op->flags & AG_ALIAS && c->value[of].kind != AGI_VALUE_LEAF) mark_definition(c, kept);
}

/* What lies among zeros is read where it is, unless that is in every second place, or tiny. */
static int lies_among_zeros(const ag_node *x, ag_window *w)
{
    if (!x->op->window || ag_count(x) <= AGI_LARGEST_SMALL) return 0;
    x->op->window(x, w);
    return w->step == 1 || w->step == -1;
}

static int add_operand(agi_compiler *c, const ag_node *call, const ag_node *x)
{
    uint32_t i = c->value_of[agi_order_of(c, x)];
    if (call->op->flags & AG_STRIDED) i = strided(c, i);
    else if (!in_one_piece(c, i)) i = copy_of(c, i);
    if (!agi_vector_grow(c->arena.allocator, &c->operands, sizeof i, 1)) return agi_out_of_memory(c);
    ((uint32_t *)c->operands.data)[c->operands.count++] = i;
    return 1;
}

/* A branch reads the predicate, its arguments, and what is handed to either side in the place of captures. */
static int make_call(agi_compiler *c, const ag_node *x)
{
    const uint32_t first = (uint32_t)c->operands.count;
    const agi_sides *s = x->op->flags & AG_BRANCH ? agi_sides_of(c, x) : NULL;
    const uint32_t n = s ? 1 + (uint32_t)((const agi_branch_attribute *)x->attribute)->arguments : x->nin;
    for (uint32_t k = 0; k < n; k++)
        if (!add_operand(c, x, x->in[k])) return 0;
    for (int side = 0; s && side < 2; side++)
        for (int k = 0; k < s->count[side]; k++)
            if (!add_operand(c, x, s->bound[side][k])) return 0;
    if (x->op->flags & AG_LOOP && !agi_lay_out_parts(c, x)) return 0;
    const uint32_t i = agi_new_value(c, x, AGI_VALUE_CALL);
    c->value[i].in[0] = first;
    c->value[i].in[1] = (uint32_t)c->operands.count - first;
    return 1;
}

/* Returns the value that is stored into the leaf, or AGI_NONE. */
static uint32_t assign(agi_compiler *c, uint32_t leaf, uint32_t value)
{
    uint32_t root = c->value[value].root;
    if (c->value[leaf].assigned != AGI_NONE) {
        ag_node *parameter = agi_node(c->graph, c->value[leaf].node->id);
        agi_fail_at(c->graph, AG_EARG, 1, &parameter,
                    "ag_compile: a parameter is assigned twice: list one update of it");
        return AGI_NONE;
    }
    const agi_value *r = &c->value[root];
    if (r->kind == AGI_VALUE_LEAF || c->value[value].view != AGI_NONE || r->target != AGI_NONE) {
        root = new_copy(c, c->value[value].node, value);
    }
    c->value[root].target = leaf; /* a second assignment of the same value needs a copy */
    c->value[leaf].assigned = root;
    c->assigned[c->nassigned++] = leaf;
    return root;
}

static int make_assignment(agi_compiler *c, const ag_node *x)
{
    uint32_t root = assign(c, operand(c, x, 0), operand(c, x, 1));
    if (root == AGI_NONE) return 0;
    uint32_t i = agi_new_value(c, x, AGI_VALUE_VIEW);
    c->value[i].root = root;
    c->value[i].effect = 1;
    return 1;
}

/* A part of a loop: a piece of the memory that holds all live parts. */
static int make_part(agi_compiler *c, const ag_node *x)
{
    uint32_t i = agi_new_value(c, x, AGI_VALUE_VIEW), loop = operand(c, x, 0);
    ag_strides s = ag_contiguous(x);
    int64_t at = agi_layout_of(c, x->in[0])->part[*(const int *)x->attribute];
    s.offset = at / (int64_t)ag_dtype_size((ag_dtype)x->dtype);
    c->value[i].root = loop;
    return agi_add_view(c, i, &s, NULL);
}

/* Computed element by element, or folded. */
static void make_plain(agi_compiler *c, const ag_node *x)
{
    const unsigned flags = x->op->flags;
    agi_value *it = &c->value[agi_new_value(c, x, flags & AG_REDUCTION ? AGI_VALUE_FOLD : AGI_VALUE_POINT)];
    it->op = flags & AG_POINTWISE ? x->op : NULL;
    it->nin = (uint8_t)x->nin;
    for (uint32_t k = 0; k < x->nin; k++) it->in[k] = operand(c, x, k);
}

static int make_value(agi_compiler *c, const ag_node *x, int bound)
{
    unsigned flags = x->op->flags;
    ag_window w;
    uint32_t i;
    if (flags & AG_POINTWISE && !bound && !x->rewritten) { /* as nearly all in a large graph */
        make_plain(c, x);
    } else if (flags & AG_LEAF || bound) {
        c->value[agi_new_value(c, x, AGI_VALUE_LEAF)].in_loop = (bound & AGI_GIVEN) != 0;
    } else if (flags & AG_ALIAS || x->rewritten) {
        make_alias(c, x);
    } else if (flags & AG_VIEW) {
        if (!make_view(c, x, operand(c, x, 0))) return 0;
    } else if (flags & AG_PART) {
        if (!make_part(c, x)) return 0;
    } else if (flags & AG_EFFECT) {
        if (!make_assignment(c, x)) return 0;
    } else if (flags & AG_PRODUCT && x->in[0]->dim[x->in[0]->rank - 1] == 1) {
        i = agi_new_value(c, x, AGI_VALUE_POINT);
        c->value[i].op = x->op->factor;
        c->value[i].nin = 2;
        for (uint32_t k = 0; k < 2; k++) c->value[i].in[k] = operand(c, x, k);
    } else if (flags & AG_PRODUCT) {
        uint32_t a = strided(c, operand(c, x, 0)), b = strided(c, operand(c, x, 1));
        i = agi_new_value(c, x, AGI_VALUE_PRODUCT);
        c->value[i].in[0] = a;
        c->value[i].in[1] = b;
        c->value[i].nin = 2;
    } else if (flags & (AG_REDUCTION | AG_CAST)) {
        make_plain(c, x);
    } else if (lies_among_zeros(x, &w)) {
        if (!agi_put_among_zeros(c, x, &w, operand(c, x, 0))) return 0;
    } else {
        if (!make_call(c, x)) return 0;
    }
    c->value_of[agi_order_of(c, x)] = c->nvalues - 1;
    return 1;
}

/* ---- which nodes are needed ------------------------------------------------------------------------------------- */

/* What a body's plan starts from beside its outputs. */
static void mark_roots(const agi_compiler *c, uint8_t *live)
{
    for (int k = 0; k < c->noutputs; k++) live[agi_order_of(c, c->output[k])] |= AGI_LIVE;
    for (int k = 0; c->body && k < c->body->nbound; k++) {
        const int given = k < c->body->nstates ? AGI_LIVE : AGI_GIVEN; /* that is live only when it is read */
        live[agi_order_of(c, c->body->bound[k])] |= (uint8_t)(AGI_BOUND | given);
    }
}

/* The carried leaves of a body take their next values at its end. */
static int carry_states(agi_compiler *c)
{
    for (int k = 0; c->body && k < c->body->nstates; k++) {
        uint32_t leaf = c->value_of[agi_order_of(c, c->body->bound[k])];
        uint32_t value = c->value_of[agi_order_of(c, c->body->next[k])];
        c->reading.sweep = c->value[value].sweep;
        if (leaf != value && assign(c, leaf, value) == AGI_NONE) return 0;
    }
    return 1;
}

/* An output lies contiguous in memory that stays: its root's, or a copy's, which reads it when it is there. What is
 * assigned has its own memory beside the parameter's, which is changed by others, too; the states of a body are not. */
static uint32_t hold_output(agi_compiler *c, const ag_node *x)
{
    uint32_t i = c->value_of[agi_order_of(c, x)], root = c->value[i].root;
    c->reading.sweep = c->value[root].sweep;
    if (c->value[i].kind == AGI_VALUE_LEAF) return i;
    if (c->value[i].effect || (c->body && c->value[i].view == AGI_NONE && c->value[root].target != AGI_NONE))
        return c->value[root].target;
    if (c->value[i].view != AGI_NONE) root = contiguous(c, i);
    else if (c->value[root].kind == AGI_VALUE_LEAF) root = copy_of(c, i);
    c->value[root].held = 1;
    return root;
}

/* A body's results are computed where the loop stacks them. */
static void give_results(agi_compiler *c)
{
    for (int k = c->body && c->body->gives ? c->body->nstates : c->noutputs; k < c->noutputs; k++) {
        agi_value *it = &c->value[c->output_value[k]];
        if (it->kind != AGI_VALUE_LEAF) it->in_loop = 1;
    }
}

/* How many sweeps had begun when the node of that id was made. */
static int64_t sweeps_before(const agi_compiler *c, uint32_t id)
{
    const uint32_t *begin = c->graph->sweeps.data;
    int64_t low = 0, high = c->graph->sweeps.count;
    while (low < high) {
        const int64_t middle = low + (high - low) / 2;
        if (begin[middle] <= id) low = middle + 1;
        else high = middle;
    }
    return low;
}

/* Has one begun between the live node before, when `passed` of them had, and this one? */
static int sweep_begins(const agi_compiler *c, uint32_t id, int64_t *passed)
{
    const int64_t before = *passed;
    const uint32_t *begin = c->graph->sweeps.data;
    if (before == c->graph->sweeps.count || begin[before] > id) return 0; /* as for most */
    *passed = sweeps_before(c, id);
    return 1;
}

enum { MOST_VALUES = INT32_MAX }; /* agi_sources: a number, or -1 */

static int make_all(agi_compiler *c, const uint8_t *live)
{
    int64_t sweeps = 0;
    for (uint32_t k = 0; k < c->nodes.count; k++) {
        if (k % 8 == 0 && c->nodes.count - k >= 8 && agi_are_unmarked(live + k)) k += 7;
        if (!(live[k] & AGI_LIVE)) continue;
        const ag_node *x = agi_in_order(c, k);
        if (sweep_begins(c, x->id, &sweeps) && c->reading.sweep < UINT8_MAX) c->reading.sweep++;
        uint32_t same = c->reading.same ? agi_same_as(c, x) : k;
        if (same == AGI_NONE) return agi_out_of_memory(c);
        if (same != k) c->value_of[k] = c->value_of[same];
        else if (!make_value(c, x, live[k] & (AGI_BOUND | AGI_GIVEN))) return 0;
    }
    return 1;
}

int agi_read_graph(agi_compiler *c)
{
    const uint32_t states = c->body ? (uint32_t)c->body->nstates : 0;
    int64_t capacity = (int64_t)c->noutputs + states;
    int rewritten = 0;
    if (!agi_list_nodes(c)) return agi_out_of_memory(c);
    uint8_t *live = agi_arena_zeros(&c->arena, c->nodes.count, 1);
    c->reading.live = live;
    c->value_of = agi_arena_take(&c->arena, c->nodes.count * sizeof *c->value_of);
    c->output_value = agi_arena_take(&c->arena, (size_t)c->noutputs * sizeof *c->output_value);
    if (!live || !c->value_of || !c->output_value) return agi_out_of_memory(c);
    mark_roots(c, live);
    if (!agi_mark_live(c, live, &capacity, &rewritten)) return agi_out_of_memory(c);
    if (capacity > MOST_VALUES)
        return agi_fail(c->graph, AG_EMEM, "ag_compile: the outputs need more than %d nodes", MOST_VALUES), 0;
    c->value = agi_arena_take(&c->arena, (size_t)capacity * sizeof *c->value);
    if (!c->value) return agi_out_of_memory(c);
    if (rewritten && c->graph->intern && !agi_start_sameness(c, live, AGI_BOUND)) return 0;
    int made = make_all(c, live);
    agi_end_sameness(c);
    if (!made || !agi_refuse_strays(c) || !carry_states(c)) return 0;
    for (int k = 0; k < c->noutputs; k++) c->output_value[k] = hold_output(c, c->output[k]);
    give_results(c);
    agi_count_uses(c);
    return agi_check_bytes(c);
}
