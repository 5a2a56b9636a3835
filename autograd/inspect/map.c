/* The nodes that outputs are made of, bodies of loops and branches among them, and what each is there for. */
#include "picture.h"
#include "control/loop.h"

#include <stdlib.h>

static int list_nodes(agi_map *m, ag_graph *g, int n, ag_node *const outputs[])
{
    agi_region *r = &m->region;
    agi_region_start(r, m->arena, g, 0, NULL, n, outputs);
    for (const ag_node *v, *x; (v = agi_region_next(r));) {
        for (uint32_t k = 0; k < agi_visible(v); k++) agi_region_add(r, v->in[k]);
        if (!(v->op->flags & AG_LOOP)) continue;
        for (uint32_t k = 0; (x = agi_body_result(v, k)); k++) agi_region_add(r, x);
        for (uint32_t k = 0; k < v->nin; k++)
            if ((x = agi_body_leaf(v, k))) agi_region_add(r, x);
    }
    return !r->failed;
}

/* ---- bodies ------------------------------------------------------------------------------------------------------ */

static int by_number(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* The places of a loop's inputs, sorted: what its body reads of these is outside. NULL: no memory. */
static uint32_t *list_inputs(const agi_map *m, const ag_node *loop)
{
    uint32_t *input = agi_arena_take(m->arena, loop->nin * sizeof *input);
    for (uint32_t k = 0; input && k < loop->nin; k++) input[k] = agi_place_in(&m->region, loop->in[k]);
    if (input) qsort(input, loop->nin, sizeof *input, by_number);
    return input;
}

/* Of two loops that share nodes, a derivative's and what it is of, the one made first has them. */
static void put_inside(agi_map *m, uint32_t loop, const uint32_t *input, const ag_node *x)
{
    const uint32_t at = agi_place_in(&m->region, x), n = m->region.node[loop]->nin;
    if (x->op->flags & AG_LEAF && !x->bound) return;
    if (bsearch(&at, input, n, sizeof at, by_number)) return;
    if (m->loop[at] == AGI_NOWHERE || loop > m->loop[at]) m->loop[at] = loop;
}

/* Readers come first: a body is what its results read, down to the loop's inputs and the leaves that it binds. */
static int find_bodies(agi_map *m)
{
    const agi_region *r = &m->region;
    const ag_node *x;
    const uint32_t **input = agi_arena_zeros(m->arena, r->count, sizeof *input);
    if (!input) return 0;
    memset(m->loop, 0xff, r->count * sizeof *m->loop);
    for (uint32_t at = 0; at < r->count; at++) {
        const ag_node *v = r->node[at];
        const uint32_t loop = m->loop[at];
        for (uint32_t k = 0; loop != AGI_NOWHERE && k < agi_visible(v); k++) put_inside(m, loop, input[loop], v->in[k]);
        if (!(v->op->flags & AG_LOOP)) continue;
        if (!(input[at] = list_inputs(m, v))) return 0;
        for (uint32_t k = 0; (x = agi_body_result(v, k)); k++) put_inside(m, at, input[at], x);
        for (uint32_t k = 0; k < v->nin; k++)
            if ((x = agi_body_leaf(v, k))) put_inside(m, at, input[at], x);
    }
    return 1;
}

/* ---- parts ------------------------------------------------------------------------------------------------------- */

/* Was it made in a reverse sweep? */
static int is_derived(const ag_graph *g, const ag_node *v)
{
    const uint32_t *at = g->derived.data;
    int64_t low = 0, high = g->derived.count;
    while (low < high) { /* the first bound above it */
        const int64_t middle = low + (high - low) / 2;
        if (at[middle] > v->id) high = middle;
        else low = middle + 1;
    }
    return low % 2 != 0;
}

/* What sweeps made, and what is made of that. */
static void find_derivatives(agi_map *m)
{
    const agi_region *r = &m->region;
    for (uint32_t at = r->count; at-- > 0;) {
        const ag_node *v = r->node[at];
        if (v->op->flags & AG_LEAF) continue;
        int of = is_derived(r->graph, v);
        for (uint32_t k = 0; k < agi_visible(v) && !of; k++)
            of = m->part[agi_place_in(r, v->in[k])] == AGI_DERIVATIVE;
        if (of) m->part[at] = AGI_DERIVATIVE;
    }
}

/* Assignments and groups of them, and what these alone read, unless a sweep made it. */
static int find_updates(agi_map *m)
{
    const agi_region *r = &m->region;
    uint8_t *others = agi_arena_zeros(m->arena, r->count, 1);
    if (!others) return 0;
    for (uint32_t at = 0; at < r->count; at++) {
        const ag_node *v = r->node[at], *x;
        if (v->op->flags & AG_LEAF) continue;
        const int alone = !m->output[at] && !others[at] && !is_derived(r->graph, v);
        if (alone || agi_kind_of(v) == AGI_UPDATES) m->part[at] = AGI_UPDATE;
        for (uint32_t k = 0; m->part[at] != AGI_UPDATE && k < agi_visible(v); k++)
            others[agi_place_in(r, v->in[k])] = 1;
        for (uint32_t k = 0; v->op->flags & AG_LOOP && (x = agi_body_result(v, k)); k++) others[agi_place_in(r, x)] = 1;
    }
    return 1;
}

int agi_map_make(agi_map *m, agi_arena *arena, ag_graph *g, int n, ag_node *const outputs[])
{
    *m = (agi_map){ .arena = arena };
    if (!list_nodes(m, g, n, outputs)) return 0;
    const uint32_t count = m->region.count;
    m->part = agi_arena_zeros(arena, count, 1);
    m->output = agi_arena_zeros(arena, count, 1);
    m->scope = agi_arena_zeros(arena, count, sizeof *m->scope);
    m->loop = agi_arena_zeros(arena, count, sizeof *m->loop);
    if (!m->part || !m->output || !m->scope || !m->loop) return 0;
    for (int k = 0; k < n; k++) m->output[agi_place_in(&m->region, outputs[k])] = 1;
    find_derivatives(m);
    if (find_bodies(m) && find_updates(m) && agi_find_scopes(m)) return 1;
    agi_map_free(m);
    return 0;
}

void agi_map_free(agi_map *m)
{
    agi_release(m->arena->allocator, m->scopes.data);
    m->scopes = (agi_vector){ 0 };
}
