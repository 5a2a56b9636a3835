/* What the body of a loop or branch reads from outside: its captures. */
#include "graph/graph.h"
#include "loop.h"

#include <stdlib.h>

void *agi_keep(ag_graph *g, const void *data, size_t bytes)
{
    void *p = data ? agi_arena_copy(&g->arena, data, bytes) : agi_arena_zeros(&g->arena, 1, bytes);
    if (!p) agi_fail(g, AG_EMEM, "out of memory after %lld nodes", (long long)g->nnodes);
    return p;
}

typedef struct {
    ag_graph *graph;
    agi_arena arena;
    agi_region all; /* what the results are made of, from the first bound leaf on; by place in it: */
    uint8_t *needed, *inside; /* read by the results; depends on a bound leaf, or is one */
} cone;

enum { INSIDE = 1, IS_BOUND = 2 };

static int is_marked(const cone *c, const uint8_t *marks, const ag_node *x)
{
    uint32_t at = agi_place_in(&c->all, x);
    return at == AGI_NOWHERE ? 0 : marks[at];
}

/* 0: out of memory. */
static int make_cone(cone *c, int n, ag_node *const results[], int nbound, ag_node *const bound[])
{
    agi_region *r = &c->all;
    agi_region_start(r, &c->arena, c->graph, nbound ? nbound : n, nbound ? bound : results, n, results);
    for (int k = 0; k < nbound; k++) agi_region_end_at(r, bound[k]);
    for (const ag_node *x; (x = agi_region_next(r));)
        for (uint32_t k = 0; k < x->nin && !agi_region_ends_at(r, x); k++) agi_region_add(r, x->in[k]);
    c->needed = agi_arena_zeros(&c->arena, r->count, 1);
    c->inside = agi_arena_zeros(&c->arena, r->count, 1);
    return c->needed && c->inside && !r->failed;
}

static void mark(cone *c, int n, ag_node *const results[])
{
    const agi_region *r = &c->all;
    for (uint32_t at = r->count; at-- > 0;) {
        const ag_node *x = r->node[at];
        if (agi_region_ends_at(r, x)) c->inside[at] = IS_BOUND;
        for (uint32_t k = 0; k < x->nin && !c->inside[at]; k++)
            c->inside[at] = is_marked(c, c->inside, x->in[k]) ? INSIDE : 0;
    }
    for (int k = 0; k < n; k++)
        if (agi_place_in(r, results[k]) != AGI_NOWHERE) c->needed[agi_place_in(r, results[k])] = 1;
    for (uint32_t at = 0; at < r->count; at++) {
        const ag_node *x = r->node[at];
        for (uint32_t k = 0; c->needed[at] && c->inside[at] == INSIDE && k < x->nin; k++) {
            uint32_t from = agi_place_in(r, x->in[k]);
            if (from != AGI_NOWHERE) c->needed[from] = 1;
        }
    }
}

static int find_marks(ag_graph *g, int n, ag_node *const results[], int nbound, ag_node *const bound[], cone *c)
{
    *c = (cone){ .graph = g };
    agi_arena_init(&c->arena, &g->allocator);
    if (g->status) return 0; /* there may be bad nodes */
    int ok = make_cone(c, n, results, nbound, bound);
    if (ok) mark(c, n, results);
    else agi_fail(g, AG_EMEM, "out of memory after %lld nodes", (long long)g->nnodes);
    return ok;
}

int agi_needs_no_capture(const ag_node *x)
{
    while (x->nin == 1 && x->op->flags & (AG_VIEW | AG_CAST)) x = x->in[0];
    return x->op->role == AG_IS_NUMBER;
}

/* ---- which nodes of a list are there twice ---------------------------------------------------------------------- */

typedef struct {
    const ag_node *node;
    int64_t place;
} occurrence;

static int by_node(const void *a, const void *b)
{
    const occurrence *x = a, *y = b;
    if (x->node->id != y->node->id) return x->node->id < y->node->id ? -1 : 1;
    return (x->place > y->place) - (x->place < y->place);
}

/* repeated[k]: the k-th of these stands further ahead as well. */
static int find_repeated(agi_arena *arena, int64_t n, ag_node *const x[], uint8_t *repeated)
{
    occurrence *all = agi_arena_take(arena, (size_t)n * sizeof *all);
    if (!all) return 0;
    for (int64_t k = 0; k < n; k++) all[k] = (occurrence){ x[k], k };
    qsort(all, (size_t)n, sizeof *all, by_node);
    for (int64_t k = 0; k < n; k++) repeated[all[k].place] = k > 0 && all[k].node == all[k - 1].node;
    return 1;
}

int64_t agi_first_repeated(ag_graph *g, int64_t n, ag_node *const x[])
{
    agi_arena arena;
    agi_arena_init(&arena, &g->allocator);
    uint8_t *repeated = agi_arena_take(&arena, (size_t)n);
    int64_t k = 0;
    if (repeated && find_repeated(&arena, n, x, repeated))
        while (k < n && !repeated[k]) k++;
    else agi_fail(g, AG_EMEM, "out of memory after %lld nodes", (long long)g->nnodes);
    agi_arena_free(&arena);
    return k;
}

/* ---- captures --------------------------------------------------------------------------------------------------- */

typedef struct {
    ag_node **list; /* NULL: only count */
    int64_t count;
} collector;

static void collect(collector *into, ag_node *x)
{
    if (agi_needs_no_capture(x)) return;
    if (into->list) into->list[into->count] = x;
    into->count++;
}

/* Results made before all bound leaves, then what lies in the cone or before it; some of these repeatedly. */
static void collect_all(const cone *c, int n, ag_node *const results[], collector *into)
{
    const agi_region *r = &c->all;
    for (int k = 0; k < n; k++)
        if (results[k]->id < r->first) collect(into, results[k]);
    for (uint32_t at = r->count; at-- > 0;) {
        ag_node *x = r->node[at];
        if (!c->needed[at]) continue;
        if (!c->inside[at]) {
            collect(into, x);
            continue;
        }
        for (uint32_t k = 0; c->inside[at] == INSIDE && k < x->nin; k++)
            if (x->in[k]->id < r->first) collect(into, x->in[k]);
    }
}

int agi_loop_depth(const ag_node *x)
{
    return x->op->flags & AG_BRANCH ? ((const agi_branch_attribute *)x->attribute)->depth
        : ((const agi_loop_attribute *)x->attribute)->depth;
}

/* What a body may hold: no assignments, and loops only so deep that whoever walks them may do so recursively. */
static int vet_body(const cone *c, int *depth)
{
    *depth = 1;
    for (uint32_t at = c->all.count; at-- > 0;) {
        ag_node *x = c->all.node[at];
        if (!c->needed[at] || c->inside[at] != INSIDE) continue;
        if (x->op->flags & AG_EFFECT) {
            agi_fail_at(c->graph, AG_EARG, 1, &x,
                        "the body of a loop or branch assigns no parameter: assign what it returns");
            return 0;
        }
        if (x->op->flags & AG_LOOP && agi_loop_depth(x) >= *depth) *depth = agi_loop_depth(x) + 1;
    }
    if (*depth > AGI_DEEPEST_LOOP)
        agi_fail(c->graph, AG_EARG, "loops and branches are nested more than %d deep", AGI_DEEPEST_LOOP);
    return *depth <= AGI_DEEPEST_LOOP;
}

/* Each once. */
static int list_captures(cone *c, int nresults, ag_node *const results[], ag_node ***captures)
{
    collector counted = { 0 }, all = { 0 };
    int n = 0;
    collect_all(c, nresults, results, &counted);
    all.list = agi_arena_take(&c->arena, (size_t)counted.count * sizeof *all.list);
    uint8_t *repeated = agi_arena_take(&c->arena, (size_t)counted.count);
    if (all.list) collect_all(c, nresults, results, &all);
    if (!all.list || !repeated || !find_repeated(&c->arena, all.count, all.list, repeated))
        return agi_fail(c->graph, AG_EMEM, "out of memory after %lld nodes", (long long)c->graph->nnodes), -1;
    for (int64_t k = 0; k < all.count; k++)
        if (!repeated[k]) all.list[n++] = all.list[k];
    *captures = agi_keep(c->graph, n ? all.list : NULL, (size_t)n * sizeof **captures);
    return *captures ? n : -1;
}

int agi_find_captures(ag_graph *g, int n, ag_node *const results[], int nbound, ag_node *const bound[],
                     ag_node ***captures, int *depth)
{
    cone c;
    int found = -1;
    if (find_marks(g, n, results, nbound, bound, &c) && vet_body(&c, depth))
        found = list_captures(&c, n, results, captures);
    for (int k = 0; found >= 0 && k < nbound; k++) bound[k]->bound = 1, g->bodies = 1;
    agi_arena_free(&c.arena);
    return found;
}

int agi_find_reading(ag_graph *g, int n, ag_node *const results[], int nbound, ag_node *const bound[],
                     unsigned char used[], unsigned char dependent[])
{
    cone c;
    int ok = find_marks(g, n, results, nbound, bound, &c);
    for (int k = 0; ok && used && k < nbound; k++) used[k] = (unsigned char)is_marked(&c, c.needed, bound[k]);
    for (int k = 0; ok && dependent && k < n; k++) dependent[k] = (unsigned char)is_marked(&c, c.inside, results[k]);
    agi_arena_free(&c.arena);
    return ok;
}

int agi_keep_used(ag_graph *g, int n, ag_node *const results[], int leaves, ag_node *leaf[], ag_node *value[])
{
    cone c;
    int ok = find_marks(g, n, results, leaves, leaf, &c), kept = 0;
    for (int k = 0; ok && k < leaves; k++) {
        if (!is_marked(&c, c.needed, leaf[k])) continue;
        leaf[kept] = leaf[k];
        value[kept++] = value[k];
    }
    agi_arena_free(&c.arena);
    return ok ? kept : -1;
}
