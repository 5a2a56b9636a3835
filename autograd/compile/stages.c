/* From the graph to a plan, stage by stage. */
#include "compile.h"
#include "verify.h"

#include <stdlib.h>

/* ---- where values are found -------------------------------------------------------------------------------------- */

/* A node that is a leaf and an output, or listed twice, has one place. */
static void join_places(ag_plan *p)
{
    int n = 0;
    for (int k = 0; k < p->nplaces; k++) {
        if (n && p->place[n - 1].node == p->place[k].node) p->place[n - 1].output |= p->place[k].output;
        else p->place[n++] = p->place[k];
    }
    p->nplaces = n;
}

int agi_arrange_places(ag_plan *p, agi_arena *arena)
{
    uint32_t *outputs = agi_arena_zeros(arena, p->nbuffers, sizeof *outputs); /* by buffer: values found there */
    if (!outputs) return 0;
    qsort(p->place, (size_t)p->nplaces, sizeof *p->place, agi_place_order);
    join_places(p);
    for (int k = 0; k < p->nplaces; k++) outputs[p->place[k].buffer]++;
    for (int k = 0; k < p->nplaces; k++) {
        const agi_buffer *b = &p->buffer[p->place[k].buffer];
        int leaf = b->role == AGI_LEAF && b->node == p->place[k].made; /* other values there are read from it */
        p->place[k].moves = !b->scalar && (leaf || (b->role == AGI_VALUE && outputs[p->place[k].buffer] == 1));
    }
    return 1;
}

static int is_leaf(const agi_buffer *b) /* in the order of the graph, as their values are, and fewer */
{
    return b->role == AGI_LEAF || b->role == AGI_CONSTANT;
}

static int make_places(agi_compiler *c)
{
    ag_plan *p = c->plan;
    int most = c->noutputs;
    for (uint32_t b = 0; b < p->nbuffers; b++) most += is_leaf(&p->buffer[b]);
    p->place = agi_arena_take(&p->arena, (size_t)most * sizeof *p->place);
    p->leaf = agi_arena_take(&p->arena, (size_t)most * sizeof *p->leaf);
    p->noutputs = c->noutputs;
    p->output = p->computed = agi_arena_copy(&p->arena, c->output, (size_t)c->noutputs * sizeof *p->output);
    if (!p->place || !p->leaf || !p->output) return agi_out_of_memory(c);
    for (uint32_t b = 0; b < p->nbuffers; b++) {
        const ag_node *x = p->buffer[b].node;
        if (!is_leaf(&p->buffer[b])) continue;
        p->leaf[p->nleaves++] = b;
        p->place[p->nplaces++] = (agi_place){ .node = x, .made = x, .buffer = b };
    }
    for (int k = 0; k < c->noutputs; k++) {
        const agi_value *it = &c->value[c->output_value[k]];
        p->place[p->nplaces++] = (agi_place){ .node = c->output[k], .made = c->output[k],
                                              .buffer = c->value[it->root].buffer, .output = 1 };
    }
    if (!agi_arrange_places(p, &c->arena)) return agi_out_of_memory(c);
    agi_find_readers(c);
    return 1;
}

/* ---- stages ------------------------------------------------------------------------------------------------------ */

static void measure_scratch(ag_plan *p)
{
    for (int k = 0; k < p->nsteps; k++) {
        const agi_step *s = &p->step[k];
        int64_t bytes = s->kind == AGI_PASS ? agi_pass_scratch(s->is.pass)
                        : s->kind == AGI_PRODUCT ? agi_product_scratch(s->is.product, p->options.isa) : 0;
        for (int b = 0; b < 2 && s->kind == AGI_LOOP; b++) {
            const ag_plan *body = s->is.loop->body[b];
            if (body && body->scratch_bytes > bytes) bytes = body->scratch_bytes;
        }
        if (bytes > p->scratch_bytes) p->scratch_bytes = bytes;
    }
}

/* Memory is one piece, that has addresses. */
static int check_size(agi_compiler *c)
{
    const ag_plan *p = c->plan;
    int threads = p->options.threads > 1 ? p->options.threads : 1;
    double bytes = (double)p->block_bytes + (double)p->scratch_bytes * threads;
    if (bytes < (double)(PTRDIFF_MAX - (1 << 24))) return 1;
    agi_fail(c->graph, AG_EMEM, "ag_compile: a run takes %.0f bytes, more than there are addresses for", bytes);
    return 0;
}

static int keep_buffers(agi_compiler *c)
{
    ag_plan *p = c->plan;
    p->nbuffers = (uint32_t)c->buffers.count;
    p->buffer = agi_arena_copy(&p->arena, c->buffers.data, (size_t)p->nbuffers * sizeof *p->buffer);
    return p->buffer ? 1 : agi_out_of_memory(c);
}

static int finish(agi_compiler *c)
{
    measure_scratch(c->plan);
    return check_size(c) && keep_buffers(c) && make_places(c);
}

typedef struct {
    const char *name;
    int (*run)(agi_compiler *);   /* each returns 0 after recording a failure in the graph */
    int (*check)(agi_compiler *); /* what must hold after it */
} stage;

/* Of loops and branches, which lowering finds finished. */
static int compile_bodies(agi_compiler *c)
{
    agi_recipe recipe = { .plain = c->recipe->plain };
    for (int64_t k = 0; k < 2 * c->layouts.count; k++) {
        agi_layout *l = (agi_layout *)c->layouts.data + k / 2;
        agi_request r;
        if (!agi_describe_body(c, l, k % 2, &r)) return 0;
        r.body.level = c->body ? c->body->level + 1 : 1;
        if (r.n >= 0 &&
            !(l->body[k % 2] = agi_compile(c->graph, r.n, r.outputs, c->options, &recipe, &r.body))) return 0;
    }
    return 1;
}

static void free_bodies(agi_compiler *c)
{
    for (int64_t k = 0; k < 2 * c->layouts.count; k++) ag_plan_free(((agi_layout *)c->layouts.data)[k / 2].body[k % 2]);
    agi_release(&c->graph->allocator, c->layouts.data);
}

static const stage stages[] = {
    { "reading", agi_read_graph, agi_verify_values },
    { "rematerialising", agi_rematerialise, agi_verify_values },
    { "combining", agi_combine, agi_verify_values },
    { "fusing", agi_fuse, agi_verify_groups },
    { "ordering", agi_order, agi_verify_order },
    { "sharing parts", agi_share_parts, agi_verify_order },
    { "vector calls", agi_make_vector_calls, agi_verify_order },
    { "inlaying", agi_find_inlays, agi_verify_order },
    { "bodies", compile_bodies, agi_verify_order },
    { "lowering", agi_lower, agi_verify_steps },
    { "banding", agi_make_bands, agi_verify_steps },
    { "ending", agi_find_endings, agi_verify_steps },
    { "sharing", agi_share_memory, agi_verify_steps },
    { "laying out", agi_lay_out, agi_verify_memory },
    { "addressing", agi_address_programs, agi_verify_addresses },
    { "finishing", finish, agi_verify_places },
};

static int compile(agi_compiler *c)
{
    int verify = c->options->verify || AGI_VERIFY_ALL;
    for (const stage *s = stages; s < stages + sizeof stages / sizeof *stages; s++) {
        c->stage = s->name;
        if (!s->run(c)) return 0;
        if (c->options->stages) agi_dump_stage(c);
        if (verify && !s->check(c)) return 0;
    }
    return 1;
}

ag_plan *agi_compile(ag_graph *g, int n, ag_node *const outputs[], const ag_options *options, const agi_recipe *recipe,
                     const agi_body *body)
{
    ag_plan *p = agi_allocate(&g->allocator, sizeof *p);
    if (!p) return agi_fail(g, AG_EMEM, "ag_compile: out of memory"), NULL;
    memset(p, 0, sizeof *p);
    p->allocator = g->allocator;
    p->options = *options;
    agi_arena_init(&p->arena, &p->allocator);
    agi_compiler c = { .graph = g, .plan = p, .options = &p->options, .noutputs = n, .output = outputs,
                       .recipe = recipe, .body = body };
    agi_arena_init(&c.arena, &g->allocator);
    int ok = compile(&c);
    agi_release(&g->allocator, c.values.data);
    agi_release(&g->allocator, c.after.data);
    agi_release(&g->allocator, c.operands.data);
    agi_release(&g->allocator, c.views.data);
    agi_release(&g->allocator, c.all_bounds.data);
    free_bodies(&c);
    agi_release(&g->allocator, c.reading.parts.data);
    agi_release(&g->allocator, c.reading.sides.data);
    agi_release(&g->allocator, c.groups.data);
    agi_release(&g->allocator, c.kept.data);
    agi_release(&g->allocator, c.buffers.data);
    agi_release(&g->allocator, c.lowering.elements.data);
    agi_release(&g->allocator, c.lowering.inlays.data);
    agi_release(&g->allocator, c.lowering.room.data);
    agi_arena_free(&c.arena);
    if (ok) return p;
    ag_plan_free(p);
    return NULL;
}
