/* The life of graphs. */
#include "graph.h"

ag_graph *ag_graph_new(const ag_allocator *or_null)
{
    const ag_allocator *a = or_null ? or_null : &agi_malloc;
    ag_graph *g = agi_allocate(a, sizeof *g);
    if (!g) return NULL;
    memset(g, 0, sizeof *g);
    g->allocator = *a;
    g->intern = 1;
    g->interned.arena = &g->arena;
    g->interned.by_id = 1;
    agi_arena_init(&g->arena, &g->allocator);
    g->bad = agi_arena_zeros(&g->arena, 1, sizeof *g->bad);
    if (!g->bad) {
        ag_graph_free(g);
        return NULL;
    }
    g->bad->graph = g;
    g->bad->op = &agi_bad;
    g->bad->id = UINT32_MAX;
    return g;
}

void ag_graph_free(ag_graph *g)
{
    if (!g) return;
    agi_intern_free(&g->interned);
    agi_names_free(g);
    agi_custom_free(g);
    agi_resized_free(g);
    agi_release(&g->allocator, g->sweeps.data);
    agi_release(&g->allocator, g->derived.data);
    agi_release(&g->allocator, g->effects.data);
    agi_release(&g->allocator, g->sparse.data);
    agi_arena_free(&g->arena);
    ag_allocator a = g->allocator;
    agi_release(&a, g);
}

void ag_graph_intern(ag_graph *g, int on)
{
    if (g) g->intern = on != 0;
}

int64_t ag_node_count(const ag_graph *g)
{
    return g ? g->nnodes : 0;
}
