/* Plans of graphs with extents that plans choose: what is compiled stands for what users have, at the plan's sizes;
 * where it is found is said in terms of theirs. */
#include "compile.h"
#include "control/resize.h"

/* By place: the input that users have. */
static const ag_node **list_inputs(const ag_plan *p, const agi_resized *with, agi_arena *arena)
{
    const ag_node **input = agi_arena_zeros(arena, (size_t)p->nplaces, sizeof *input);
    for (int64_t k = 0; input && k < with->inputs.count; k++) {
        const ag_node *x = ((ag_node *const *)with->inputs.data)[k];
        const agi_place *at = agi_find_place(p, agi_resized_find(with, x));
        if (at) input[at - p->place] = x;
    }
    return input;
}

/* Leaves are users' again; outputs are listed anew, since one value may be several of theirs. */
static int name_places(ag_plan *p, ag_node *const outputs[], const agi_resized *with, agi_arena *arena)
{
    int n = 0;
    const ag_node **input = list_inputs(p, with, arena);
    agi_place *all = agi_arena_take(&p->arena, (size_t)(p->nplaces + p->noutputs) * sizeof *all);
    p->output = agi_arena_copy(&p->arena, outputs, (size_t)p->noutputs * sizeof *outputs);
    if (!input || !all || !p->output) return 0;
    for (int k = 0; k < p->nplaces; k++) {
        if (!(p->place[k].node->op->flags & AG_LEAF)) continue;
        all[n] = p->place[k];
        if (input[k]) all[n].node = input[k];
        all[n++].output = 0;
    }
    for (int k = 0; k < p->noutputs; k++) {
        all[n] = *agi_find_place(p, p->computed[k]);
        all[n].output = 1;
        all[n++].node = outputs[k];
    }
    p->place = all;
    p->nplaces = n;
    return agi_arrange_places(p, arena);
}

static ag_plan *compile_resized(ag_graph *g, int n, ag_node *const outputs[], const ag_options *o, agi_arena *arena)
{
    int64_t size[AGI_MOST_EXTENTS];
    agi_resized *with;
    ag_options options = *o;
    memset(options.extent, 0, sizeof options.extent); /* names are the caller's */
    ag_node **made = agi_arena_take(arena, (size_t)n * sizeof *made);
    if (!made) return agi_fail(g, AG_EMEM, "ag_compile: out of memory"), NULL;
    if (!agi_choose_sizes(g, o->extent, size) || !agi_resize(g, size, n, outputs, made, &with)) return NULL;
    ag_plan *p = agi_compile_within(g, n, made, &options);
    if (!p || name_places(p, outputs, with, arena)) return p;
    ag_plan_free(p);
    return agi_fail(g, AG_EMEM, "ag_compile: out of memory"), NULL;
}

ag_plan *agi_compile_with_extents(ag_graph *g, int n, ag_node *const outputs[], const ag_options *o)
{
    agi_arena arena;
    agi_arena_init(&arena, &g->allocator);
    ag_plan *p = compile_resized(g, n, outputs, o, &arena);
    agi_arena_free(&arena);
    return p;
}
