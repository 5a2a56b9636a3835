/* One graph for many values of some of its nodes: what depends on them gets a new first axis. Derivatives along many
 * directions are one such graph, and so one plan. */
#include "derive.h"
#include "control/loop.h"

typedef struct {
    ag_graph *graph;
    const char *what;
    int64_t count;        /* the extent of the new axis */
    agi_region between;   /* what the y are made of, down to the u; by place in it: */
    uint8_t *depends;     /* on a u */
    ag_node **batched;    /* the node with the new axis */
    agi_arena arena;
} batching;

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

static ag_node *find(const batching *b, const ag_node *x)
{
    uint32_t at = agi_place_in(&b->between, x);
    return at == AGI_NOWHERE ? NULL : b->batched[at];
}

static ag_node *batch_node(batching *b, const ag_node *y)
{
    enum { FEW = 8 };
    ag_node *few[FEW], **in = few;
    unsigned char few_batched[FEW], *batched = few_batched;
    uint32_t end, k = operands(y, &end);
    if (y->nin > FEW) {
        in = agi_arena_take(&b->arena, y->nin * sizeof *in);
        batched = agi_arena_take(&b->arena, y->nin);
        if (!in || !batched) return agi_fail(b->graph, AG_EMEM, "%s: out of memory", b->what);
    }
    for (; k < end; k++) {
        ag_node *x = find(b, y->in[k]);
        batched[k] = x != NULL;
        in[k] = x ? x : y->in[k];
    }
    if (y->op->batch && !y->rewritten) return y->op->batch(y, in, batched, b->count);
    if (agi_is_last_input(y)) return in[y->nin - 1];
    if (y->op->flags & AG_REDUCTION) return batch_reduction(y, in[0], b->count);
    return ag_batch_leading(y, in, batched, b->count);
}

/* ---- all that are needed ---------------------------------------------------------------------------------------- */

/* 0: out of memory. */
static int find_between(batching *b, int nu, ag_node *const u[], ag_node *const of_u[], int m, ag_node *const y[])
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
    if (r->failed || !b->depends || !b->batched) return 0;
    for (int i = 0; i < nu; i++) {
        uint32_t at = agi_place_in(r, u[i]);
        if (at == AGI_NOWHERE) continue;
        b->depends[at] = 1;
        b->batched[at] = of_u[i];
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
        if (!b->depends[at] || b->batched[at]) continue;
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

static ag_status build(batching *b, int nu, ag_node *const u[], ag_node *const of_u[], int m, ag_node *const y[])
{
    ag_graph *g = b->graph;
    if (!find_between(b, nu, u, of_u, m, y)) return agi_fail(g, AG_EMEM, "%s: out of memory", b->what), AG_EMEM;
    mark_dependent(b);
    if (list_refused(b)) return g->status;
    for (uint32_t at = b->between.count; at-- > 0;) {
        const ag_node *v = b->between.node[at];
        if (!b->depends[at] || b->batched[at]) continue;
        ag_node *batched = b->batched[at] = batch_node(b, v);
        if (fits(b, v, batched)) continue;
        if (!g->status) agi_fail(g, AG_ESHAPE, "%s: the batch hook of %s has made another shape", b->what, v->op->name);
        return g->status;
    }
    return AG_OK;
}

ag_status agi_batch(const char *what, int64_t count, int nu, ag_node *const u[], ag_node *const of_u[], int m,
                    ag_node *const y[], ag_node *of_y[])
{
    ag_graph *g = u[0]->graph;
    batching b = { .graph = g, .what = what, .count = count };
    agi_arena_init(&b.arena, &g->allocator);
    g->inside++;
    ag_status status = build(&b, nu, u, of_u, m, y);
    for (int i = 0; i < m; i++) {
        ag_node *found = status ? g->bad : find(&b, y[i]);
        of_y[i] = found ? found : ag_batch_all(y[i], count);
    }
    g->inside--;
    agi_arena_free(&b.arena);
    return status ? status : g->status;
}

ag_status agi_batch_nodes(int64_t count, int nu, ag_node *const u[], ag_node *const of_u[], int m, ag_node *const y[],
                         ag_node *of_y[])
{
    return agi_batch("a body", count, nu, u, of_u, m, y, of_y);
}
