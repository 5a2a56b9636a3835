/* Which nodes a plan computes: what its outputs read, but for what only one side of a branch does. That is left to the
 * side's own plan, and so costs nothing, and fails in nothing, where the other side is taken.
 *
 * A graph holds such nodes outside the branch, as its captures and what those are made of: a user may read them, or
 * differentiate by them, whenever he likes. Who reads them is known here, node by node from the last to the first: a
 * node goes into a side if the side, and nodes that go into it, are all who do. What they read that does not go with
 * them, leaves and what others read, the branch hands in, in the place of the captures. The body of a loop takes
 * nothing in: there it would be computed at every step. */
#include "compile.h"
#include "control/loop.h"

typedef struct {
    uint32_t side, node; /* which in order */
} need; /* that side reads this node */

typedef struct {
    agi_compiler *c;
    uint8_t *live;   /* in order */
    /* Once there is a branch, in order: */
    uint32_t *side;  /* 1 + the one side that is known to read it, or 0 */
    uint32_t *parts; /* of a loop: the first of its parts that wait for it; of such a part: the next; or 0 */
    uint32_t *seen;  /* 1 + the last side whose body was searched there; ~ that of which it is a capture */
    agi_vector needs, stack; /* need; uint32_t */
    int64_t values;
    int rewritten;
} liveness;

static uint32_t at(const liveness *l, const ag_node *x)
{
    return agi_order_of(l->c, x);
}

static int push(liveness *l, agi_vector *to, size_t size, const void *element)
{
    if (!agi_vector_grow(l->c->arena.allocator, to, size, 1)) return 0;
    memcpy((char *)to->data + size * (size_t)to->count++, element, size);
    return 1;
}

/* ---- sides ------------------------------------------------------------------------------------------------------- */

/* Read by several sides, it is computed for all of them. */
static int need_in(liveness *l, uint32_t side, const ag_node *x)
{
    if (agi_needs_no_capture(x)) return 1; /* a side has its own */
    if (!l->side[at(l, x)]) l->side[at(l, x)] = side + 1;
    else if (l->side[at(l, x)] != side + 1) l->live[at(l, x)] |= AGI_LIVE;
    return push(l, &l->needs, sizeof(need), &(need){ side, at(l, x) });
}

/* Does x have to be here, whoever reads it? */
static int stays(const liveness *l, const ag_node *x)
{
    if (l->live[at(l, x)] & (AGI_LIVE | AGI_BOUND) || x->op->flags & (AG_LEAF | AG_EFFECT)) return 1;
    const int level = l->c->body ? l->c->body->level : 0;
    return x->op->flags & AG_LOOP && level + 1 + agi_loop_depth(x) > AGI_DEEPEST_LOOP;
}

/* A part goes where its loop does, which is seen later. */
static int move(liveness *l, const ag_node *x)
{
    for (uint32_t k = agi_first_input(x); k < x->nin; k++)
        if (!need_in(l, l->side[at(l, x)] - 1, x->in[k])) return 0;
    if (!(x->op->flags & AG_PART)) return 1;
    l->parts[at(l, x)] = l->parts[at(l, x->in[0])];
    l->parts[at(l, x->in[0])] = at(l, x);
    return 1;
}

/* Of the captures, those that the results of a side read. */
static int search_body(liveness *l, uint32_t side, const agi_branch_attribute *b, ag_node *const results[])
{
    for (int k = 0; k < b->captures; k++) l->seen[at(l, b->capture[k])] = ~side;
    for (int k = 0; k < b->results; k++)
        if (!push(l, &l->stack, sizeof(uint32_t), &results[k]->id)) return 0;
    while (l->stack.count) {
        const ag_node *x = agi_node(l->c->graph, ((const uint32_t *)l->stack.data)[--l->stack.count]);
        const uint32_t before = l->seen[at(l, x)];
        if (before == side + 1) continue;
        l->seen[at(l, x)] = side + 1;
        if (before == ~side && !need_in(l, side, x)) return 0;
        for (int k = agi_first_input(x); k < (int)x->nin && before != ~side; k++)
            if (l->seen[at(l, x->in[k])] != side + 1 && !push(l, &l->stack, sizeof(uint32_t), &x->in[k]->id)) return 0;
    }
    return 1;
}

static int add_branch(liveness *l, const ag_node *x)
{
    const agi_branch_attribute *b = x->attribute;
    agi_vector *sides = &l->c->reading.sides;
    const uint32_t first = 2 * (uint32_t)sides->count;
    const size_t n = l->c->nodes.count;
    for (uint32_t k = 0; k < x->nin; k++) l->rewritten |= x->in[k]->rewritten;
    if (!l->side) {
        l->side = agi_arena_zeros(&l->c->arena, n, sizeof *l->side);
        l->parts = agi_arena_zeros(&l->c->arena, n, sizeof *l->parts);
        l->seen = agi_arena_zeros(&l->c->arena, n, sizeof *l->seen);
    }
    if (!l->side || !l->parts || !l->seen || !push(l, sides, sizeof(agi_sides), &(agi_sides){ .branch = x })) return 0;
    for (int k = 0; k <= b->arguments; k++) l->live[at(l, x->in[k])] |= AGI_LIVE;
    return search_body(l, first, b, b->then) && search_body(l, first + 1, b, b->otherwise);
}

/* What is handed to each side, once: what it reads that is here. Of a loop its parts are. */
static int list_bound(liveness *l)
{
    agi_sides *sides = l->c->reading.sides.data;
    const need *needs = l->needs.data;
    const uint32_t n = 2 * (uint32_t)l->c->reading.sides.count;
    for (int64_t k = 0; k < l->needs.count; k++) sides[needs[k].side / 2].count[needs[k].side % 2]++;
    for (uint32_t s = 0; s < n; s++) {
        const size_t room = (size_t)sides[s / 2].count[s % 2];
        sides[s / 2].count[s % 2] = 0;
        if (!(sides[s / 2].bound[s % 2] = agi_arena_take(&l->c->arena, room * sizeof(ag_node *)))) return 0;
    }
    for (int64_t k = 0; k < l->needs.count; k++) {
        ag_node *x = agi_in_order(l->c, needs[k].node);
        const uint32_t s = needs[k].side;
        if (!(l->live[at(l, x)] & AGI_LIVE) || x->op->flags & AG_LOOP || l->seen[at(l, x)] == n + s + 1) continue;
        l->seen[at(l, x)] = n + s + 1;
        sides[s / 2].bound[s % 2][sides[s / 2].count[s % 2]++] = x;
    }
    l->values += l->needs.count; /* copies */
    return 1;
}

const agi_sides *agi_sides_of(const agi_compiler *c, const ag_node *branch)
{
    const agi_sides *all = c->reading.sides.data; /* from the last branch to the first */
    int64_t low = 0, high = c->reading.sides.count;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (all[middle].branch == branch) return &all[middle];
        if (all[middle].branch->id > branch->id) low = middle + 1;
        else high = middle;
    }
    return NULL;
}

/* ---- what is computed here --------------------------------------------------------------------------------------- */

static int keep_part(liveness *l, const ag_node *x)
{
    agi_vector *parts = &l->c->reading.parts;
    return push(l, parts, sizeof(agi_live_part), &(agi_live_part){ x, x->in[0]->id, (uint32_t)parts->count });
}

/* The loop is here, and so are the parts that would have gone with it. */
static int keep_waiting(liveness *l, const ag_node *loop)
{
    for (uint32_t k = l->side ? l->parts[at(l, loop)] : 0; k; k = l->parts[k]) {
        l->live[k] |= AGI_LIVE;
        l->values++;
        if (!keep_part(l, agi_in_order(l->c, k))) return 0;
    }
    return 1;
}

static void mark_operands(liveness *l, const ag_node *x)
{
    for (uint32_t k = agi_first_input(x); k < x->nin; k++) {
        uint8_t *live = &l->live[at(l, x->in[k])];
        l->rewritten |= x->in[k]->rewritten;
        *live |= *live & AGI_LIVE ? AGI_SEVERAL : AGI_LIVE;
    }
}

/* What else is live because of x, which is no leaf. */
static int mark_inputs(liveness *l, const ag_node *x)
{
    const unsigned flags = x->op->flags;
    if (flags & AG_POINTWISE) return mark_operands(l, x), 1; /* as for nearly all in a large graph */
    l->values += flags & (AG_LIBRARY | AG_EFFECT | AG_LOOP) ? x->nin : 0; /* copies */
    if (flags & AG_EFFECT) l->c->nassigned++;
    if (flags & AG_PART && !keep_part(l, x)) return 0;
    if (flags & AG_LOOP && !keep_waiting(l, x)) return 0;
    if (flags & AG_BRANCH) return add_branch(l, x);
    if (x->op->window) l->values += AGI_AMONG_ZEROS;
    return mark_operands(l, x), 1;
}

static int mark_all(liveness *l)
{
    for (uint32_t k = l->c->nodes.count; k-- > 0;) {
        if (!l->side && k % 8 == 7 && agi_are_unmarked(l->live + k - 7)) {
            k -= 7;
            continue;
        }
        const ag_node *x = agi_in_order(l->c, k);
        const int of_side = l->side && l->side[k];
        if (of_side && !stays(l, x)) {
            if (!move(l, x)) return 0;
            continue;
        }
        if (of_side) l->live[k] |= AGI_LIVE;
        if (!(l->live[k] & AGI_LIVE)) continue;
        l->values++;
        if (!(l->live[k] & AGI_BOUND) && !mark_inputs(l, x)) return 0;
    }
    return !l->c->reading.sides.count || list_bound(l);
}

int agi_mark_live(agi_compiler *c, uint8_t *live, int64_t *values, int *rewritten)
{
    liveness l = { .c = c, .live = live };
    if (c->body) c->nassigned = c->body->nstates;
    int ok = mark_all(&l);
    agi_sort_parts(c);
    agi_release(c->arena.allocator, l.needs.data);
    agi_release(c->arena.allocator, l.stack.data);
    *values += l.values;
    *rewritten = l.rewritten;
    c->assigned = agi_arena_take(&c->arena, (size_t)c->nassigned * sizeof *c->assigned);
    c->nassigned = 0;
    return ok && c->assigned;
}
