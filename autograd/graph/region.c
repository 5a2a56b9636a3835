/* A part of a graph: nodes and those that they are made of, found from the last made to the first. Time and memory
 * follow the nodes that are in it, not those that the graph holds beside them: pages of ids exist where nodes are. */
#include "graph.h"

enum { FIRST_ROOM = 64 };

void agi_region_start(agi_region *r, agi_arena *arena, const ag_graph *g, int n, ag_node *const from[], int m,
                      ag_node *const to[])
{
    *r = (agi_region){ .graph = g, .arena = arena, .first = n ? UINT32_MAX : 0 };
    for (int k = 0; k < n; k++) {
        if (from[k]->id < r->first) r->first = from[k]->id;
        if (from[k]->id > r->last) r->last = from[k]->id;
    }
    for (int k = 0; k < m; k++)
        if (to[k]->id > r->last) r->last = to[k]->id;
    r->at = r->last + 1;
    r->chunk = agi_arena_zeros(arena, (size_t)(r->last / AGI_CHUNK - r->first / AGI_CHUNK) + 1, sizeof *r->chunk);
    r->failed = !r->chunk;
    for (int k = 0; k < m; k++) agi_region_add(r, to[k]);
}

/* Made where there is none; NULL: no memory, or no id of the region. */
static agi_page *page_for(agi_region *r, uint32_t id)
{
    if (r->failed || id < r->first || id > r->last) return NULL;
    agi_page ***chunk = &r->chunk[id / AGI_CHUNK - r->first / AGI_CHUNK];
    if (!*chunk) *chunk = agi_arena_zeros(r->arena, AGI_CHUNK / AGI_PAGE, sizeof **chunk);
    agi_page **page = *chunk ? &(*chunk)[id % AGI_CHUNK / AGI_PAGE] : NULL;
    if (page && *page) return *page;
    agi_page *made = page ? agi_arena_take(r->arena, sizeof *made) : NULL;
    r->failed = !made;
    if (!made) return NULL;
    made->in = made->end = 0; /* `place` is read where a node is in it */
    return *page = made;
}

void agi_region_add(agi_region *r, const ag_node *x)
{
    agi_page *page = page_for(r, x->id);
    if (page) page->in |= (uint64_t)1 << x->id % AGI_PAGE;
}

void agi_region_end_at(agi_region *r, const ag_node *x)
{
    agi_page *page = page_for(r, x->id);
    if (page) page->end |= (uint64_t)1 << x->id % AGI_PAGE;
}

int agi_region_ends_at(const agi_region *r, const ag_node *x)
{
    const agi_page *page = agi_page_at(r, x->id);
    return page && page->end >> x->id % AGI_PAGE & 1;
}

/* The id of the last node before `at`, or `at` if there is none. */
static uint32_t last_before(const agi_region *r, uint32_t at)
{
    for (uint32_t id = at; id > r->first;) {
        uint32_t in_page = (id - 1) % AGI_PAGE, in_chunk = (id - 1) % AGI_CHUNK;
        const agi_page *const *chunk = (const agi_page *const *)r->chunk[(id - 1) / AGI_CHUNK - r->first / AGI_CHUNK];
        const agi_page *page = chunk ? chunk[in_chunk / AGI_PAGE] : NULL;
        uint64_t left = page ? page->in << (AGI_PAGE - 1 - in_page) : 0;
        if (left) return id - 1 - (uint32_t)__builtin_clzll(left);
        id -= (chunk ? in_page : in_chunk) + 1;
    }
    return at;
}

static int make_room(agi_region *r)
{
    uint32_t room = r->room ? 2 * r->room : FIRST_ROOM;
    ag_node **more = agi_arena_take(r->arena, (size_t)room * sizeof *more);
    r->failed = !more;
    if (!more) return 0;
    if (r->count) memcpy(more, r->node, r->count * sizeof *more);
    r->node = more;
    r->room = room;
    return 1;
}

ag_node *agi_region_next(agi_region *r)
{
    uint32_t id = r->failed ? r->at : last_before(r, r->at);
    if (id == r->at || (r->count == r->room && !make_room(r))) return NULL;
    r->at = id;
    agi_page_at(r, id)->place[id % AGI_PAGE] = r->count;
    return r->node[r->count++] = agi_node(r->graph, id);
}
