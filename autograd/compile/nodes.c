/* The nodes that a plan may read, in the order of the graph, which all that is known of nodes is listed by. A plan of
 * outputs takes the graph up to the last of these. A body's takes what its outputs are made of, down to what is bound:
 * there may be as many bodies as nodes. */
#include "compile.h"
#include "control/loop.h"

static void add_all(agi_region *r, int n, ag_node *const x[])
{
    for (int k = 0; k < n; k++) agi_region_add(r, x[k]);
}

/* What x reads, the bodies of a branch included: live.c asks which captures are read by which. */
static void add_inputs(agi_region *r, const ag_node *x)
{
    for (uint32_t k = agi_first_input(x); k < x->nin; k++) agi_region_add(r, x->in[k]);
    if (!(x->op->flags & AG_BRANCH)) return;
    const agi_branch_attribute *b = x->attribute;
    add_all(r, b->results, b->then);
    add_all(r, b->results, b->otherwise);
}

static int list_few(agi_compiler *c, const agi_body *b)
{
    const size_t n = (size_t)(c->noutputs + b->nbound);
    agi_region *r = c->nodes.few = agi_arena_zeros(&c->arena, 1, sizeof *r);
    ag_node **roots = agi_arena_take(&c->arena, n * sizeof *roots);
    if (!r || !roots) return 0;
    if (c->noutputs) memcpy(roots, c->output, (size_t)c->noutputs * sizeof *roots); /* else perhaps NULL */
    if (b->nbound) memcpy(roots + c->noutputs, b->bound, (size_t)b->nbound * sizeof *roots);
    agi_region_start(r, &c->arena, c->graph, 0, NULL, (int)n, roots);
    for (int k = 0; k < b->nbound; k++) agi_region_end_at(r, b->bound[k]);
    for (const ag_node *x; (x = agi_region_next(r));)
        if (!agi_region_ends_at(r, x)) add_inputs(r, x);
    c->nodes.count = r->count;
    return !r->failed;
}

int agi_list_nodes(agi_compiler *c)
{
    if (c->body) return list_few(c, c->body);
    for (int k = 0; k < c->noutputs; k++)
        if (c->output[k]->id >= c->nodes.count) c->nodes.count = c->output[k]->id + 1;
    return 1;
}
