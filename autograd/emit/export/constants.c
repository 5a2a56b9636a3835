/* What is computed from constants alone is computed when it is exported: the text has the values, not the steps. */
#include "writer.h"

enum { MOST_ELEMENTS = 4096, FEW = 64 };

static int64_t elements_of(const agi_buffer *b)
{
    return b->bytes / (int64_t)ag_dtype_size((ag_dtype)b->dtype);
}

/* Is it known, as a constant or as what a step before makes of some? Adds up its elements. */
static int is_known(const agi_writer *w, uint32_t b, int64_t *elements)
{
    if (b == AGI_NONE) return 1;
    *elements += elements_of(&w->plan->buffer[b]);
    return w->known[b];
}

/* Steps whose results may be known: those are nodes' values, no larger than what they are made of or small anyway, and
 * no scalar program looks for them in the workspace. */
static int may_be_kept(const agi_writer *w, uint32_t b, int64_t elements)
{
    const agi_buffer *x = &w->plan->buffer[b];
    int64_t n = elements_of(x);
    return x->node && x->role == AGI_VALUE && !x->scalar && !x->in_loop && ag_count(x->node) == n &&
           n <= MOST_ELEMENTS && (n <= FEW || n <= 2 * elements);
}

static int is_known_pass(const agi_writer *w, const agi_pass *g)
{
    int known = 1;
    int64_t elements = 0;
    for (int k = 0; k < g->nloads && known; k++) known = is_known(w, g->load[k].buffer, &elements);
    for (int k = 0; k < g->nstores && known; k++) known = may_be_kept(w, g->store[k].buffer, elements);
    for (int k = 0; k < g->nfolds && known; k++) known = may_be_kept(w, g->fold[k].buffer, elements);
    return known && g->nloads && !g->inlays;
}

static int is_known_product(const agi_writer *w, const agi_product *p)
{
    int64_t n = 0;
    return is_known(w, p->a, &n) && is_known(w, p->b, &n) && is_known(w, p->onto, &n) && is_known(w, p->scale, &n) &&
           may_be_kept(w, p->out, n);
}

static void learn(agi_writer *w, uint32_t b)
{
    w->known[b] = 1;
    w->made[w->nmade++] = b;
}

static void learn_step(agi_writer *w, int k)
{
    const agi_step *s = &w->plan->step[k];
    if (s->kind == AGI_PASS && is_known_pass(w, s->is.pass)) {
        for (int j = 0; j < s->is.pass->nstores; j++) learn(w, s->is.pass->store[j].buffer);
        for (int j = 0; j < s->is.pass->nfolds; j++) learn(w, s->is.pass->fold[j].buffer);
        w->e.done[k] = 1;
    } else if (s->kind == AGI_PRODUCT && is_known_product(w, s->is.product)) {
        learn(w, s->is.product->out);
        w->e.done[k] = 1;
    } else if (s->kind == AGI_COPY && w->known[s->is.copy.from] && may_be_kept(w, s->is.copy.to, MOST_ELEMENTS)) {
        learn(w, s->is.copy.to);
        w->e.done[k] = 1;
    }
}

/* The values, computed by a plan of them alone. */
static int compute(agi_writer *w)
{
    int ok = 1;
    ag_node **node = agi_arena_take(&w->arena, (size_t)w->nmade * sizeof *node);
    if (!node) return 0;
    for (int k = 0; k < w->nmade; k++) node[k] = (ag_node *)(uintptr_t)w->plan->buffer[w->made[k]].node;
    ag_options o = { .isa = w->plan->options.isa };
    ag_plan *p = ag_compile(node[0]->graph, w->nmade, node, &o);
    ag_run *r = ag_run_new(p);
    ok = r && !ag_eval(r);
    for (int k = 0; k < w->nmade && ok; k++) {
        const agi_buffer *b = &w->plan->buffer[w->made[k]];
        const void *values = agi_arena_copy(&w->arena, ag_data(r, node[k]), (size_t)b->bytes);
        w->array[k] = values ? agi_add_array(&w->e, b, values) : -1;
        ok = w->array[k] >= 0;
    }
    ag_run_free(r);
    ag_plan_free(p);
    return ok;
}

int agi_find_constants(agi_writer *w)
{
    const ag_plan *p = w->plan;
    w->known = agi_arena_zeros(&w->arena, p->nbuffers, 1);
    w->made = agi_arena_take(&w->arena, p->nbuffers * sizeof *w->made);
    w->array = agi_arena_take(&w->arena, p->nbuffers * sizeof *w->array);
    w->e.done = agi_arena_zeros(&w->arena, (size_t)p->nsteps, 1);
    if (!w->known || !w->made || !w->array || !w->e.done) return 0;
    for (uint32_t b = 0; b < p->nbuffers; b++) w->known[b] = p->buffer[b].role == AGI_CONSTANT;
    for (int k = 0; k < p->nsteps; k++) learn_step(w, k);
    return !w->nmade || compute(w);
}

void agi_place_constants(agi_writer *w)
{
    for (int k = 0; k < w->nmade; k++)
        w->e.reach[w->made[k]] = (agi_reach){ .kind = AGI_IN_DATA, .at = w->array[k] };
}
