/* Nodes at the extents of a plan: what depends on an extent that plans choose is applied again, in the order of the
 * graph, with sizes in the places of stand-ins; the rest, parameters above all, is the same for all plans. Whatever is
 * made must have the shape that it had, sizes put in: else the graph does not say what it would be at other sizes. */
#include "resize.h"
#include "loop.h"
#include "shared/algebra.h"
#include "shared/derivative.h"
#include "shared/extent.h"

typedef struct {
    ag_graph *graph;
    agi_resized *to;
    agi_arena arena;
    agi_region all; /* what is not resized yet */
    int64_t sweeps; /* that had begun before what is at hand was made */
    int unreadable; /* a number of the attribute at hand */
} resizer;

static ag_node *resized(const resizer *r, const ag_node *x)
{
    return agi_resized_find(r->to, x);
}

/* A stand-in's number takes the type of operands that it meets; elsewhere it keeps the stand-in's. */
static ag_node *typed(const resizer *r, const ag_node *x)
{
    double value;
    ag_node *y = resized(r, x);
    if (!y->weak || x->weak || !agi_is_number(y, &value)) return y;
    return agi_number_of_type(r->graph, (ag_dtype)x->dtype, value);
}

static ag_node *no_memory(ag_graph *g)
{
    return agi_fail(g, AG_EMEM, "ag_compile: out of memory");
}

/* ---- what is to be resized --------------------------------------------------------------------------------------- */

static void add_bodies(agi_region *all, const ag_node *loop)
{
    ag_node *x;
    for (uint32_t k = 0; (x = agi_body_result(loop, k)); k++) agi_region_add(all, x);
    for (uint32_t k = 0; k < loop->nin; k++)
        if ((x = agi_body_leaf(loop, k))) agi_region_add(all, x);
}

/* Of what is rewritten only what was written counts: it is rewritten anew. */
static uint32_t inputs_of(const ag_node *x)
{
    return x->nin - (uint32_t)x->rewritten;
}

static int list(resizer *r, int n, ag_node *const x[])
{
    const ag_node *y;
    agi_region_start(&r->all, &r->arena, r->graph, 0, NULL, n, x);
    while ((y = agi_region_next(&r->all))) {
        if (resized(r, y)) continue;
        for (uint32_t k = 0; k < inputs_of(y); k++) agi_region_add(&r->all, y->in[k]);
        if (y->op->flags & AG_LOOP) add_bodies(&r->all, y);
    }
    return r->all.failed ? no_memory(r->graph), 0 : 1;
}

/* ---- leaves, attributes ------------------------------------------------------------------------------------------ */

static void put_size(void *context, int64_t *n)
{
    resizer *r = context;
    if (!agi_put_sizes(r->graph, r->to->size, n)) r->unreadable = 1;
}

static ag_shape shape_for(resizer *r, const ag_node *x)
{
    ag_shape s = ag_shape_in(x);
    for (int i = 0; i < s.rank; i++) put_size(r, &s.dim[i]);
    return s;
}

static ag_node *new_leaf(resizer *r, ag_node *x)
{
    const ag_shape s = shape_for(r, x);
    int64_t n;
    if (x->op == &agi_stand_in) {
        memcpy(&n, x->attribute, sizeof n);
        put_size(r, &n);
        return ag_number(r->graph, (double)n);
    }
    if (x->op == &agi_stand_in_range) return ag_arange(r->graph, (ag_dtype)x->dtype, s.dim[0]);
    if (x->op->role != AG_IS_INPUT || !agi_shape_holds_extent(x)) return x;
    return ag_input(r->graph, NULL, (ag_dtype)x->dtype, s);
}

/* With sizes; the same one if it holds none. NULL: out of memory. */
static const void *attribute_for(resizer *r, const ag_node *x)
{
    const size_t bytes = agi_attribute_bytes(x);
    if (!x->op->extents) return x->attribute;
    void *copy = agi_arena_copy(&r->arena, x->attribute, bytes);
    if (!copy) return no_memory(r->graph), NULL;
    x->op->extents(copy, put_size, r);
    return memcmp(copy, x->attribute, bytes) ? copy : x->attribute;
}

/* ---- loops and branches ------------------------------------------------------------------------------------------ */

/* Of n nodes, what stands for them, in the graph's memory; *changed if others do. NULL: a failure. */
static ag_node **all_resized(const resizer *r, int64_t n, ag_node *const x[], int *changed)
{
    ag_node **to = agi_keep(r->graph, NULL, (size_t)n * sizeof *to);
    for (int64_t k = 0; to && k < n; k++) {
        if (ag_is_bad(to[k] = typed(r, x[k]))) return NULL;
        *changed |= to[k] != x[k];
    }
    return to;
}

static ag_node *new_branch(resizer *r, ag_node *x, ag_node *const in[], int changed)
{
    agi_branch_attribute b;
    memcpy(&b, x->attribute, sizeof b);
    b.argument = all_resized(r, b.arguments, b.argument, &changed);
    b.then = all_resized(r, b.results, b.then, &changed);
    b.otherwise = all_resized(r, b.results, b.otherwise, &changed);
    if (!b.argument || !b.then || !b.otherwise) return r->graph->bad;
    return changed ? agi_new_branch(r->graph, &b, in[0], in + 1) : x;
}

static ag_node *new_loop(resizer *r, ag_node *x, ag_node *const in[], int changed)
{
    agi_loop_attribute l;
    memcpy(&l, x->attribute, sizeof l);
    put_size(r, &l.length);
    changed |= l.length != ((const agi_loop_attribute *)x->attribute)->length;
    l.state = all_resized(r, l.states, l.state, &changed);
    l.next = all_resized(r, l.states, l.next, &changed);
    l.element = all_resized(r, l.elements, l.element, &changed);
    l.result = all_resized(r, l.results, l.result, &changed);
    if (!l.state || !l.next || !l.element || !l.result) return r->graph->bad;
    if (l.test) {
        changed |= resized(r, l.test) != l.test;
        l.test = resized(r, l.test);
    }
    if (!changed) return x;
    return agi_new_loop(r->graph, &l, in, in + l.states, l.counted ? in[x->nin - 1] : NULL);
}

/* ---- operations -------------------------------------------------------------------------------------------------- */

static ag_node *apply(resizer *r, ag_node *x, ag_node *const in[], int changed)
{
    const int n = (int)inputs_of(x);
    if (x->op->flags & AG_BRANCH) return new_branch(r, x, in, changed);
    if (x->op->flags & AG_LOOP) return new_loop(r, x, in, changed);
    const void *attribute = attribute_for(r, x);
    if (x->attribute && !attribute) return r->graph->bad;
    if (!changed && attribute == x->attribute) return x;
    if (x->op == &agi_derivative && x->rewritten) return agi_rewritten(x->op, in[0], attribute);
    if (!(x->op->flags & AG_ALIAS) || x->op->inputs < 0 || x->rewritten) return ag_apply(x->op, n, in, attribute);
    if (x->op->shape && ag_is_bad(ag_vet(x->op, n - 1, in, attribute))) return r->graph->bad;
    return ag_define(x->op, n - 1, in, attribute, in[n - 1]);
}

static ag_node *new_node(resizer *r, ag_node *x)
{
    const int meet = (x->op->flags & AG_POINTWISE) != 0;
    int changed = 0;
    if (!x->nin) return new_leaf(r, x);
    const uint32_t n = inputs_of(x);
    ag_node **in = agi_arena_take(&r->arena, n * sizeof *in);
    if (!in) return no_memory(r->graph);
    for (uint32_t k = 0; k < n; k++) {
        in[k] = meet ? resized(r, x->in[k]) : typed(r, x->in[k]);
        if (ag_is_bad(in[k])) return in[k];
        changed |= in[k] != x->in[k];
    }
    return apply(r, x, in, changed);
}

/* ---- what comes of it -------------------------------------------------------------------------------------------- */

static int has_shape(const ag_node *x, const ag_shape *s)
{
    int same = x->rank == s->rank;
    for (int i = 0; same && i < s->rank; i++) same = x->dim[i] == s->dim[i];
    return same;
}

static void explain(resizer *r, const ag_node *x, const char *why)
{
    ag_graph *g = r->graph;
    char text[sizeof g->message];
    agi_text t = { text, text + sizeof text };
    agi_print(&t, "ag_compile: with ");
    for (int i = 0; i < g->nextents; i++)
        agi_print(&t, i ? ", %s %lld" : "%s %lld", g->extent[i].name, (long long)r->to->size[i]);
    agi_print(&t, ", of ");
    agi_print_node(&t, x);
    agi_print(&t, ": %s", why);
    agi_name_extents(g, text, sizeof text);
    memcpy(g->message, text, sizeof text);
}

/* Are all its numbers read, and is it what was to be expected? */
static int check(resizer *r, const ag_node *x, const ag_node *y)
{
    ag_graph *g = r->graph;
    char why[sizeof g->message];
    const ag_shape s = shape_for(r, x);
    memcpy(why, g->message, sizeof why);
    if (!ag_is_bad(y) && !r->unreadable && has_shape(y, &s) && (y->weak || y->dtype == x->dtype)) return 1;
    if (!g->status) {
        snprintf(why, sizeof why, "sizes do not tell what it is: an extent that plans choose has been divided");
        agi_fail(g, AG_ESHAPE, "%s", why);
    } else if (g->status == AG_EMEM) {
        return 0;
    }
    explain(r, x, why);
    return 0;
}

static int64_t sweeps_before(const ag_graph *g, int64_t from, uint32_t id)
{
    const uint32_t *begin = g->sweeps.data;
    while (from < g->sweeps.count && begin[from] <= id) from++;
    return from;
}

static int is_derived(const ag_graph *g, uint32_t id)
{
    const uint32_t *at = g->derived.data;
    int64_t low = 0, high = g->derived.count;
    while (low < high) { /* the first bound above it */
        const int64_t middle = low + (high - low) / 2;
        if (at[middle] > id) high = middle;
        else low = middle + 1;
    }
    return low % 2 != 0;
}

/* What stands for x belongs to the users and to the sweeps that x belongs to, and has its name. */
static int resize(resizer *r, ag_node *x)
{
    ag_graph *g = r->graph;
    const uint32_t first = (uint32_t)g->nnodes;
    const int64_t sweeps = sweeps_before(g, r->sweeps, x->id);
    if (sweeps != r->sweeps && !agi_note_sweep(g)) return no_memory(g), 0;
    r->sweeps = sweeps;
    r->unreadable = 0;
    g->inside += !x->held;
    ag_node *y = new_node(r, x);
    g->inside -= !x->held;
    if (is_derived(g, x->id) && !agi_note_derived(g, first)) return no_memory(g), 0;
    if (!check(r, x, y)) return 0;
    if (y->id >= first && !y->name) y->name = x->name;
    return agi_resized_keep(r->to, x, y);
}

int agi_resize(ag_graph *g, const int64_t size[], int n, ag_node *const x[], ag_node *to[], agi_resized **with)
{
    resizer r = { .graph = g, .to = agi_resized_for(g, size) };
    if (!r.to) return 0;
    agi_arena_init(&r.arena, &g->allocator);
    int ok = list(&r, n, x);
    for (uint32_t at = r.all.count; ok && at-- > 0;)
        if (!resized(&r, r.all.node[at])) ok = resize(&r, r.all.node[at]);
    for (int k = 0; ok && k < n; k++) ok = !ag_is_bad(to[k] = typed(&r, x[k]));
    agi_arena_free(&r.arena);
    *with = r.to;
    return ok;
}
