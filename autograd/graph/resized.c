/* What stands for nodes at the sizes of a plan: kept with the graph, so that plans of the same sizes share it. */
#include "graph.h"

enum { PAGE = 256 };

agi_resized *agi_resized_for(ag_graph *g, const int64_t size[])
{
    agi_resized *r = g->resized;
    while (r && memcmp(r->size, size, (size_t)g->nextents * sizeof *size)) r = r->next;
    if (r) return r;
    r = agi_arena_zeros(&g->arena, 1, sizeof *r);
    if (!r) return agi_fail(g, AG_EMEM, "ag_compile: out of memory"), NULL;
    memcpy(r->size, size, (size_t)g->nextents * sizeof *size);
    r->next = g->resized;
    return g->resized = r;
}

ag_node *agi_resized_find(const agi_resized *r, const ag_node *x)
{
    ag_node *const *const *page = r->pages.data;
    const int64_t at = x->id / PAGE;
    return at < r->pages.count && page[at] ? page[at][x->id % PAGE] : NULL;
}

static ag_node **page_of(agi_resized *r, const ag_node *x)
{
    ag_graph *g = x->graph;
    const int64_t at = x->id / PAGE, more = at + 1 - r->pages.count;
    if (more > 0) {
        if (!agi_vector_grow(&g->allocator, &r->pages, sizeof(ag_node **), more)) return NULL;
        memset((ag_node ***)r->pages.data + r->pages.count, 0, (size_t)more * sizeof(ag_node **));
        r->pages.count += more;
    }
    ag_node ***page = (ag_node ***)r->pages.data + at;
    if (!*page) *page = agi_arena_zeros(&g->arena, PAGE, sizeof **page);
    return *page;
}

int agi_resized_keep(agi_resized *r, const ag_node *x, ag_node *stands_for_it)
{
    ag_graph *g = x->graph;
    ag_node **page = page_of(r, x);
    const int input = x->op->role == AG_IS_INPUT && stands_for_it != x;
    if (!page || (input && !agi_vector_grow(&g->allocator, &r->inputs, sizeof x, 1)))
        return agi_fail(g, AG_EMEM, "ag_compile: out of memory"), 0;
    if (input) ((const ag_node **)r->inputs.data)[r->inputs.count++] = x;
    page[x->id % PAGE] = stands_for_it;
    return 1;
}

int agi_refuse_extents(const char *what, ag_node *y)
{
    ag_graph *g = y->graph;
    agi_arena arena;
    agi_region all;
    ag_node *x, *found = NULL;
    if (!g->nextents) return 0;
    agi_arena_init(&arena, &g->allocator);
    agi_region_start(&all, &arena, g, 0, NULL, 1, &y);
    while (!found && (x = agi_region_next(&all))) {
        if (agi_shape_holds_extent(x)) found = x;
        for (uint32_t k = 0; k < x->nin; k++) agi_region_add(&all, x->in[k]);
    }
    if (found)
        agi_fail_at(g, AG_EARG, 1, &found, "%s: plans choose extents of what y is made of: build a graph of one size "
                                           "for it", what);
    else if (all.failed) agi_fail(g, AG_EMEM, "%s: out of memory", what);
    agi_arena_free(&arena);
    return g->status != AG_OK;
}

void agi_resized_free(ag_graph *g)
{
    for (agi_resized *r = g->resized; r; r = r->next) {
        agi_release(&g->allocator, r->pages.data);
        agi_release(&g->allocator, r->inputs.data);
    }
}
