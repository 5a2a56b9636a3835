/* Which nodes reverse sweeps made: the compiler keeps what was there before a sweep, or computes it again; pictures
 * show it. */
#include "graph.h"

int agi_note_sweep(ag_graph *g)
{
    const uint32_t *all = g->sweeps.data, next = (uint32_t)g->nnodes;
    if (g->sweeps.count && all[g->sweeps.count - 1] == next) return 1;
    if (!agi_vector_grow(&g->allocator, &g->sweeps, sizeof next, 1)) return 0;
    ((uint32_t *)g->sweeps.data)[g->sweeps.count++] = next;
    return 1;
}

int agi_note_derived(ag_graph *g, uint32_t first)
{
    const uint32_t end = (uint32_t)g->nnodes;
    if (first == end) return 1;
    if (!agi_vector_grow(&g->allocator, &g->derived, sizeof first, 2)) return 0;
    uint32_t *next = (uint32_t *)g->derived.data + g->derived.count;
    next[0] = first, next[1] = end;
    g->derived.count += 2;
    return 1;
}
