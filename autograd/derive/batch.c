/* One graph for many values of some of its nodes: what depends on them gets a new first axis. Derivatives along many
 * directions are one such graph, and so one plan. */
#include "derive.h"
#include "stripes.h"
#include "control/loop.h"

typedef struct {
    uint32_t most;
    ag_node **in;
    unsigned char *batched;
    agi_stripes **on;
} operand_room;

typedef struct {
    ag_graph *graph;
    const char *what;
    int64_t count;        /* the extent of the new axis */
    agi_region between;   /* what the y are made of, down to the u; by place in it: */
    uint8_t *depends;     /* on a u */
    ag_node **batched;    /* the node with the new axis, */
    agi_stripes **on;   /* or what that is, as long as nobody needs a tensor */
    int alone, stopped;   /* nobody is to, and nothing else is to be there; somebody does */
    agi_stripe *room;     /* for those of the node that is being batched */
    int64_t beyond;       /* how many stripes nodes have that have more than FEW */
    operand_room operand;
    agi_arena arena;
} batching;

/* A batch is an operation a node, however many values it is for, stripes are one each: of short ones nodes have few,
 * and only so many have more. */
enum { FEW = 16, MOST_BEYOND = 8192 };

/* ---- one node --------------------------------------------------------------------------------------------------- */

static ag_node *batch_reduction(const ag_node *y, ag_node *x, int64_t count)
{
    ag_axis_attribute a = *(const ag_axis_attribute *)y->attribute;
    if (a.axis == AG_ALL) {
        x = ag_reshape(x, AG_SHAPE(count, -1));
        a = (ag_axis_attribute){ .axis = 1 };
    } else {
        a.axis++;
    }
    return ag_reshape(ag_apply(y->op, 1, &x, &a), ag_batch_shape(y, count));
}

/* The inputs that the batched node is made of: of an alias with a hook those that users see, else its definition. */
static uint32_t operands(const ag_node *x, uint32_t *end)
{
    *end = x->nin;
    if (!agi_is_last_input(x)) return 0;
    if (x->rewritten || !x->op->batch) return x->nin - 1;
    (*end)--;
    return 0;
}

static int has_rule(const ag_node *x)
{
    return x->rewritten || x->op->batch || x->op->flags & (AG_POINTWISE | AG_REDUCTION | AG_CAST | AG_ALIAS);
}

static ag_status no_memory(const batching *b)
{
    agi_fail(b->graph, AG_EMEM, "%s: out of memory", b->what);
    return AG_EMEM;
}

static ag_node *find(batching *b, const ag_node *x)
{
    uint32_t at = agi_place_in(&b->between, x);
    if (at == AGI_NOWHERE) return NULL;
    if (b->batched[at] || !b->on[at]) return b->batched[at];
    b->stopped |= b->alone;
    if (b->stopped) return NULL;
    return b->batched[at] = agi_tensor_of_stripes(b->on[at], x, b->count);
}

/* The operation on these operands, of which some have the new axis. */
static ag_node *apply(const batching *b, const ag_node *y, ag_node *in[], const unsigned char batched[])
{
    if (y->op->batch && !y->rewritten) return y->op->batch(y, in, batched, b->count);
    if (agi_is_last_input(y)) return in[y->nin - 1];
    if (y->op->flags & AG_REDUCTION) return batch_reduction(y, in[0], b->count);
    return ag_batch_leading(y, in, batched, b->count);
}

/* For the operands of the node that is being batched. 0: out of memory. */
static int make_room(batching *b, uint32_t n)
{
    operand_room *r = &b->operand;
    if (n > r->most) {
        r->most = 2 * n;
        r->in = agi_arena_take(&b->arena, r->most * sizeof *r->in);
        r->batched = agi_arena_take(&b->arena, r->most);
        r->on = agi_arena_take(&b->arena, r->most * sizeof *r->on);
    }
    return r->in && r->batched && r->on;
}

static ag_node *batch_node(batching *b, const ag_node *y)
{
    const operand_room *r = &b->operand;
    uint32_t end;
    for (uint32_t k = operands(y, &end); k < end; k++) {
        ag_node *x = find(b, y->in[k]);
        r->batched[k] = x != NULL;
        r->in[k] = x ? x : y->in[k];
    }
    return b->stopped ? NULL : apply(b, y, r->in, r->batched);
}

/* The rests of stripes, as of operands that are 0 where there is none. */
static ag_node *batch_rests(const batching *b, const ag_node *y)
{
    const operand_room *r = &b->operand;
    uint32_t end, some = 0;
    for (uint32_t k = operands(y, &end); k < end; k++) {
        r->in[k] = !r->on[k] ? y->in[k] : r->on[k]->rest ? r->on[k]->rest : ag_zeros_like(y->in[k]);
        r->batched[k] = r->on[k] && r->on[k]->rest;
        some += r->batched[k];
        if (ag_is_bad(r->in[k])) return b->graph->bad;
    }
    return some ? apply(b, y, r->in, r->batched) : NULL;
}

/* A copy that takes no more than it needs; NULL: out of memory. */
static agi_stripes *keep(batching *b, const agi_stripes *all)
{
    agi_stripes *kept = agi_arena_copy(&b->arena, all, sizeof *all);
    if (!kept || !all->n) return kept;
    kept->stripe = agi_arena_copy(&b->arena, all->stripe, (size_t)all->n * sizeof *all->stripe);
    return kept->stripe ? kept : NULL;
}

/* Is some operand on stripes, and stays on them? What is not is a rest. */
static int batch_stripes(batching *b, const ag_node *y, uint32_t at)
{
    const operand_room *r = &b->operand;
    agi_stripes to = { .stripe = b->room, .alone = b->alone };
    uint32_t end, first = operands(y, &end), some = 0;
    for (uint32_t k = first; k < end; k++) {
        uint32_t from = agi_place_in(&b->between, y->in[k]);
        r->on[k] = NULL;
        if (from == AGI_NOWHERE || !b->depends[from]) continue;
        if (!b->on[from]) b->on[from] = keep(b, &(agi_stripes){ .rest = b->batched[from] });
        if (!b->on[from]) return 0;
        r->on[k] = b->on[from];
        some += r->on[k]->n || !r->on[k]->rest;
    }
    if (!some || !agi_through_stripes(y, first, end, r->on, b->count, &to)) return 0;
    if (to.n > FEW && (b->beyond += to.n) > MOST_BEYOND) return 0;
    ag_node *rest = batch_rests(b, y);
    if (rest) to.rest = to.rest ? ag_add(to.rest, rest) : rest;
    if (!to.n && to.rest) b->batched[at] = to.rest;
    else b->on[at] = keep(b, &to);
    return b->batched[at] || b->on[at];
}

/* ---- all that are needed ---------------------------------------------------------------------------------------- */

/* 0: out of memory. */
static int find_between(batching *b, int nu, ag_node *const u[], int m, ag_node *const y[])
{
    agi_region *r = &b->between;
    uint32_t end;
    agi_region_start(r, &b->arena, b->graph, nu, u, m, y);
    for (int i = 0; i < nu; i++) agi_region_end_at(r, u[i]);
    for (const ag_node *v; (v = agi_region_next(r));) {
        if (agi_region_ends_at(r, v)) continue;
        for (uint32_t k = operands(v, &end); k < end; k++) agi_region_add(r, v->in[k]);
    }
    b->depends = agi_arena_zeros(&b->arena, r->count, 1);
    b->batched = agi_arena_zeros(&b->arena, r->count, sizeof *b->batched);
    b->on = agi_arena_zeros(&b->arena, r->count, sizeof *b->on);
    return !r->failed && b->depends && b->batched && b->on;
}

/* What the u are: of_u, or, if that is NULL, all unit vectors. 0: out of memory. */
static int begin(batching *b, int nu, ag_node *const u[], ag_node *const of_u[])
{
    int64_t first = 0;
    if (!of_u && !(b->room = agi_arena_take(&b->arena, AGI_MOST_STRIPES * sizeof *b->room))) return 0;
    for (int i = 0; i < nu; first += ag_count(u[i++])) {
        uint32_t at = agi_place_in(&b->between, u[i]);
        if (at == AGI_NOWHERE) continue;
        b->depends[at] = 1;
        if (of_u) {
            b->batched[at] = of_u[i];
            continue;
        }
        agi_stripe room;
        agi_stripes units = { .stripe = &room };
        agi_unit_stripes(u[i], first, &units);
        if (!(b->on[at] = keep(b, &units))) return 0;
    }
    return 1;
}

static void mark_dependent(batching *b)
{
    const agi_region *r = &b->between;
    uint32_t end;
    for (uint32_t at = r->count; at-- > 0;) {
        const ag_node *v = r->node[at];
        if (agi_region_ends_at(r, v)) continue;
        for (uint32_t k = operands(v, &end); k < end && !b->depends[at]; k++) {
            uint32_t from = agi_place_in(r, v->in[k]);
            b->depends[at] = from != AGI_NOWHERE && b->depends[from];
        }
    }
}

/* Nodes between that cannot have a new axis, all of them listed; 0 when there are none. */
static int list_refused(const batching *b)
{
    ag_graph *g = b->graph;
    agi_text t = { 0 };
    for (uint32_t at = b->between.count; at-- > 0;) {
        ag_node *v = b->between.node[at];
        if (!b->depends[at] || b->batched[at] || b->on[at]) continue;
        if (v->rank == AG_MAX_RANK) {
            agi_fail_at(g, AG_ESHAPE, 1, &v, "%s: no axis is left, all %d are taken", b->what, AG_MAX_RANK);
            return 1;
        }
        if (has_rule(v)) continue;
        if (!t.at) {
            agi_fail(g, AG_ENOGRAD, "%s: no rule for several derivatives at once through ", b->what);
            t = (agi_text){ g->message + strlen(g->message), g->message + sizeof g->message };
        } else {
            agi_print(&t, ", ");
        }
        if (v->name) agi_print(&t, "%s ", v->op->name);
        agi_print_node(&t, v);
    }
    return t.at != NULL;
}

/* What loops and branches stand for is their parts. */
static int fits(const batching *b, const ag_node *x, const ag_node *batched)
{
    if (x->op->flags & AG_LOOP) return !ag_is_bad(batched);
    if (ag_is_bad(batched) || batched->dtype != x->dtype || batched->rank != x->rank + 1) return 0;
    return batched->dim[0] == b->count && !memcmp(batched->dim + 1, x->dim, (size_t)x->rank * sizeof x->dim[0]);
}

static ag_status batch_one(batching *b, const ag_node *v, uint32_t at)
{
    ag_graph *g = b->graph;
    if (!make_room(b, v->nin)) return no_memory(b);
    if (batch_stripes(b, v, at) || g->status) return g->status;
    ag_node *batched = b->batched[at] = batch_node(b, v);
    if (!b->stopped && !fits(b, v, batched) && !g->status)
        agi_fail(g, AG_ESHAPE, "%s: the batch hook of %s has made another shape", b->what, v->op->name);
    return g->status;
}

static ag_status build(batching *b, int nu, ag_node *const u[], ag_node *const of_u[], int m, ag_node *const y[])
{
    if (!find_between(b, nu, u, m, y) || !begin(b, nu, u, of_u)) return no_memory(b);
    mark_dependent(b);
    if (list_refused(b)) return b->graph->status;
    for (uint32_t at = b->between.count; at-- > 0 && !b->stopped;) {
        if (!b->depends[at] || b->batched[at] || b->on[at]) continue;
        if (batch_one(b, b->between.node[at], at)) break;
    }
    return b->graph->status;
}

static int64_t units_of(int n, ag_node *const u[])
{
    int64_t count = 0;
    for (int i = 0; i < n; i++) count += ag_count(u[i]);
    return count;
}

/* y[i] as they are kept. */
static int keep_all(batching *b, agi_arena *arena, int m, ag_node *const y[], agi_stripes of_y[])
{
    for (int i = 0; i < m; i++) {
        uint32_t at = agi_place_in(&b->between, y[i]);
        const agi_stripes *on = at == AGI_NOWHERE ? NULL : b->on[at];
        of_y[i] = on ? *on : (agi_stripes){ .n = 0 };
        if (!of_y[i].n) continue;
        of_y[i].stripe = agi_arena_copy(arena, on->stripe, (size_t)on->n * sizeof *on->stripe);
        if (!of_y[i].stripe) return 0;
    }
    return 1;
}

ag_status agi_stripes_of(const char *what, agi_arena *arena, int nu, ag_node *const u[], int m, ag_node *const y[],
                         agi_stripes of_y[], int *stopped)
{
    ag_graph *g = u[0]->graph;
    batching b = { .graph = g, .what = what, .count = units_of(nu, u), .alone = 1 };
    agi_arena_init(&b.arena, &g->allocator);
    g->inside++;
    ag_status status = build(&b, nu, u, NULL, m, y);
    for (uint32_t at = 0; at < b.between.count && !status; at++) b.stopped |= b.batched[at] != NULL;
    if (!status && !b.stopped && !keep_all(&b, arena, m, y, of_y)) status = no_memory(&b);
    *stopped = b.stopped;
    g->inside--;
    agi_arena_free(&b.arena);
    return status;
}

static ag_status batch(batching *b, int nu, ag_node *const u[], ag_node *const of_u[], int m, ag_node *const y[],
                       ag_node *of_y[])
{
    ag_graph *g = b->graph;
    agi_arena_init(&b->arena, &g->allocator);
    g->inside++;
    ag_status status = build(b, nu, u, of_u, m, y);
    for (int i = 0; i < m; i++) {
        ag_node *found = status ? g->bad : find(b, y[i]);
        of_y[i] = found ? found : ag_batch_all(y[i], b->count);
    }
    g->inside--;
    agi_arena_free(&b->arena);
    return status ? status : g->status;
}

ag_status agi_batch(const char *what, int64_t count, int nu, ag_node *const u[], ag_node *const of_u[], int m,
                    ag_node *const y[], ag_node *of_y[])
{
    batching b = { .graph = u[0]->graph, .what = what, .count = count };
    return batch(&b, nu, u, of_u, m, y, of_y);
}

ag_status agi_batch_units(const char *what, int nu, ag_node *const u[], int m, ag_node *const y[], ag_node *of_y[])
{
    batching b = { .graph = u[0]->graph, .what = what, .count = units_of(nu, u) };
    return batch(&b, nu, u, NULL, m, y, of_y);
}

ag_status agi_batch_nodes(int64_t count, int nu, ag_node *const u[], ag_node *const of_u[], int m, ag_node *const y[],
                         ag_node *of_y[])
{
    return agi_batch("a body", count, nu, u, of_u, m, y, of_y);
}
