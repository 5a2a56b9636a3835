/* Results in the memory of what dies with the step that computes them, and new values in that of their parameters. */
#include "compile.h"

enum { NO_POSITION = -1 };

/* ---- in place: may `out`, stored by a group, take over the memory of `in`, which the group reads? --------------- */

enum { MOST_TRIED = 1024 /* operands that may give their memory to one result */ };
#define SEVERAL (AGI_NONE - 1)

/* What is asked of one group again and again. */
typedef struct {
    agi_compiler *c;
    const agi_pass *pass;   /* the group it is about, or NULL */
    agi_vector last, made;  /* int by register: the micro-operations that read it last, and that compute it */
    uint32_t *load, *store; /* by buffer: the load of it, or SEVERAL; the last store; AGI_NONE: there is none */
} reuse;

static int begin_reuse(agi_compiler *c, reuse *r)
{
    size_t n = (size_t)c->buffers.count * sizeof *r->load;
    *r = (reuse){ .c = c, .load = agi_arena_take(&c->arena, n), .store = agi_arena_take(&c->arena, n) };
    if (!r->load || !r->store) return agi_out_of_memory(c);
    memset(r->load, 0xff, n);
    memset(r->store, 0xff, n);
    return 1;
}

static void end_reuse(reuse *r)
{
    agi_release(r->c->arena.allocator, r->last.data);
    agi_release(r->c->arena.allocator, r->made.data);
}

static void forget_pass(reuse *r)
{
    const agi_pass *g = r->pass;
    for (int k = 0; g && k < g->nloads; k++) r->load[g->load[k].buffer] = AGI_NONE;
    for (int k = 0; g && k < g->nstores; k++) r->store[g->store[k].buffer] = AGI_NONE;
    r->pass = NULL;
}

static void find_last_reads(const agi_pass *g, int *last)
{
    for (int k = 0; k < g->nmicros; k++) {
        const agi_micro *m = &g->micro[k];
        last[m->a] = last[m->b] = last[m->c] = k;
    }
    for (int k = 0; k < g->nfolds; k++) last[g->fold[k].reg] = g->nmicros + 1;
    for (int k = 0; k < g->nstores; k++) last[g->store[k].reg] = g->nmicros + 1;
}

static int look_at(reuse *r, const agi_pass *g)
{
    const ag_allocator *a = r->c->arena.allocator;
    if (r->pass == g) return 1;
    forget_pass(r);
    if (!agi_vector_grow(a, &r->last, sizeof(int), g->nregisters)) return agi_out_of_memory(r->c);
    if (!agi_vector_grow(a, &r->made, sizeof(int), g->nregisters)) return agi_out_of_memory(r->c);
    for (int k = 0; k < g->nregisters; k++) ((int *)r->last.data)[k] = ((int *)r->made.data)[k] = NO_POSITION;
    for (int k = 0; k < g->nmicros; k++) ((int *)r->made.data)[g->micro[k].out] = k;
    find_last_reads(g, r->last.data);
    for (int k = 0; k < g->nloads; k++) {
        uint32_t *load = &r->load[g->load[k].buffer];
        *load = *load == AGI_NONE ? (uint32_t)k : SEVERAL;
    }
    for (int k = 0; k < g->nstores; k++) r->store[g->store[k].buffer] = (uint32_t)k;
    r->pass = g;
    return 1;
}

/* The micro-operation that computes the stored register, or the end of the tile, where other stores are copied. */
static int stored_at(const reuse *r, const agi_store *s)
{
    const agi_pass *g = r->pass;
    if (g->reg[s->reg].place != AGI_STORED || g->store[g->reg[s->reg].slot].buffer != s->buffer) return g->nmicros;
    return ((const int *)r->made.data)[s->reg]; /* gathered: NO_POSITION, before all others */
}

/* Read once, element by element? */
static int may_give(const reuse *r, uint32_t in)
{
    uint32_t k = r->load[in];
    return k < SEVERAL && r->pass->load[k].access == AGI_DIRECT;
}

/* Tiles read and write the same elements, all there are, and within a tile the last read comes first or is the store
 * itself. */
static int group_allows(const reuse *r, uint32_t in, uint32_t out)
{
    const agi_pass *g = r->pass;
    if (r->store[out] == AGI_NONE) return 0;
    for (int k = 0; g->ends && k < g->ends->n; k++)
        if (g->ends->in[k] == in) return 0; /* the call reads it while it stores */
    if (r->load[in] == AGI_NONE) return 1;
    if (!may_give(r, in)) return 0;
    const agi_store *store = &g->store[r->store[out]];
    const agi_load *load = &g->load[r->load[in]];
    if (load->row != store->row || agi_buffer_at(r->c, in)->bytes != agi_buffer_at(r->c, out)->bytes) return 0;
    int at = stored_at(r, store), read = ((const int *)r->last.data)[load->reg];
    return read < at || (read == at && g->micro[at].kind == AGI_POINT);
}

/* ---- assignments: the new value is written into the parameter itself, or copied there at the end ---------------- */

/* Forbids in place for parameters that somebody reads after the new value is there, or not element by element. */
static void find_late_readers(agi_compiler *c)
{
    for (uint32_t i = 0; i < c->nvalues; i++) {
        const agi_value *it = &c->value[i];
        if (it->group == AGI_NONE) continue;
        uint32_t step = agi_fusion_at(c, it->group)->step;
        for (int k = 0, s; (s = agi_sources(c, it, k)) >= 0; k++) {
            agi_value *leaf = &c->value[c->value[s].root];
            if (leaf->kind != AGI_VALUE_LEAF || leaf->assigned == AGI_NONE) continue;
            uint32_t first = agi_first_written(c, c->value[s].root);
            const agi_fusion *f = agi_fusion_at(c, c->value[first].group);
            if (step > f->step) leaf->read_late = 1;
            if (step != f->step || f->kind == AGI_GROUP_TILE) continue;
            int element_wise = 0;
            if (it->kind == AGI_VALUE_POINT) {
                agi_pattern p = agi_operand_walk(c, it, k);
                element_wise = agi_pattern_flat(&p);
            } else if (it->kind == AGI_VALUE_PRODUCT) {
                element_wise = k == 2 && it->onto != AGI_NONE;
            } else if (it->kind == AGI_VALUE_CALL) {
                element_wise = k == 0 && it->node->op->flags & AG_IN_PLACE && c->value[s].view == AGI_NONE;
            }
            if (i > first || (i == first && !element_wise)) leaf->read_late = 1;
        }
    }
}

/* After how many steps can none fail any more? Only then a parameter changes: copies at the end come later still. */
static uint32_t steps_that_may_fail(agi_compiler *c)
{
    agi_checks checks = { .c = c };
    uint32_t steps = 0;
    for (int k = 0; !c->body && k < c->plan->nsteps; k++)
        if (agi_may_fail(&checks, c->value_list[agi_fusion_at(c, c->order[k])->start])) steps = (uint32_t)k + 1;
    return steps;
}

/* Which fails, if it does, before it changes anything. */
static int works_in_place(const agi_value *it)
{
    return it->kind == AGI_VALUE_CALL && it->node->op->flags & AG_IN_PLACE;
}

/* May the value, the first that is written for the leaf, be written there? */
static int in_place(reuse *r, const agi_value *leaf, const agi_value *value)
{
    agi_compiler *c = r->c;
    const agi_fusion *f = agi_fusion_at(c, value->group);
    if (f->kind == AGI_GROUP_TILE) return group_allows(r, leaf->buffer, value->buffer);
    if (f->kind != AGI_GROUP_SINGLE || value->kind != AGI_VALUE_CALL) return 1;
    if (works_in_place(value)) return 1;
    return agi_buffer_at(c, leaf->buffer)->last < f->step;
}

/* What changes the first value in place, up to the leaf's new value, takes over from the one before. */
static void share(agi_compiler *c, const agi_value *leaf, const agi_value *first)
{
    const agi_value *it = &c->value[leaf->assigned];
    for (; it != first; it = &c->value[c->value[agi_sources(c, it, 0)].root]) {
        uint32_t before = c->value[c->value[agi_sources(c, it, 0)].root].buffer;
        agi_buffer_at(c, it->buffer)->shares = before;
        agi_buffer_at(c, before)->taken = 1;
    }
    agi_buffer_at(c, first->buffer)->shares = leaf->buffer;
    agi_buffer_at(c, leaf->buffer)->taken = 1;
}

/* Group by group, that each is looked at once. */
static int share_with_leaves(reuse *r)
{
    agi_compiler *c = r->c;
    uint32_t n = (uint32_t)c->nassigned, fallible = n ? steps_that_may_fail(c) : 0;
    uint32_t *first = agi_arena_take(&c->arena, (size_t)c->plan->nsteps * sizeof *first);
    uint32_t *next = agi_arena_take(&c->arena, n * sizeof *next);
    if (!first || !next) return agi_out_of_memory(c);
    memset(first, 0xff, (size_t)c->plan->nsteps * sizeof *first);
    for (uint32_t k = n; k-- > 0;) {
        const agi_value *leaf = &c->value[c->assigned[k]], *value = &c->value[agi_first_written(c, c->assigned[k])];
        uint32_t step = agi_fusion_at(c, value->group)->step;
        if (leaf->read_late || c->value[leaf->assigned].held || c->plan->step[step].banded) continue;
        if (step < fallible && !(step + 1 == fallible && works_in_place(value))) continue;
        next[k] = first[step];
        first[step] = k;
    }
    for (int step = 0; step < c->plan->nsteps; step++) {
        if (first[step] == AGI_NONE) continue;
        if (c->plan->step[step].kind == AGI_PASS && !look_at(r, c->plan->step[step].is.pass)) return 0;
        for (uint32_t k = first[step]; k != AGI_NONE; k = next[k]) {
            const agi_value *leaf = &c->value[c->assigned[k]];
            const agi_value *value = &c->value[agi_first_written(c, c->assigned[k])];
            if (in_place(r, leaf, value)) share(c, leaf, value);
        }
    }
    return 1;
}

static int place_assignments(reuse *r)
{
    agi_compiler *c = r->c;
    if (c->nassigned) find_late_readers(c);
    if (!c->options->distinct && !share_with_leaves(r)) return 0;
    for (int k = 0; k < c->nassigned; k++) {
        const agi_value *leaf = &c->value[c->assigned[k]], *value = &c->value[leaf->assigned];
        agi_buffer_at(c, leaf->buffer)->assigned = 1;
        if (agi_buffer_at(c, value->buffer)->shares != AGI_NONE) continue;
        agi_step *s = &c->plan->step[c->plan->nsteps++];
        s->kind = AGI_COPY;
        s->is.copy = (agi_copy){ value->buffer, leaf->buffer };
        agi_buffer_at(c, value->buffer)->last = (uint32_t)c->plan->nsteps - 1;
    }
    return 1;
}

/* ---- temporaries in place --------------------------------------------------------------------------------------- */

static int may_be_taken(const agi_buffer *b, uint32_t step)
{
    return b->role == AGI_VALUE && !b->held && b->last == step && b->first < step && !b->scalar && !b->taken;
}

/* The loads of what dies with the step, as a list: by load, the next one; 0 begins it, and numbers count from 1. */
static void list_dying(const reuse *r, uint32_t step, uint32_t *next)
{
    uint32_t last = 0;
    for (uint32_t k = 0; k < (uint32_t)r->pass->nloads; k++) {
        uint32_t in = r->pass->load[k].buffer;
        const agi_buffer *b = agi_buffer_at(r->c, in);
        int of_leaf = b->shares != AGI_NONE && agi_buffer_at(r->c, b->shares)->role != AGI_VALUE;
        if (!of_leaf && may_be_taken(b, step) && may_give(r, in)) last = next[last] = k + 1;
    }
    next[last] = 0;
}

static int take_over(reuse *r, uint32_t step)
{
    agi_compiler *c = r->c;
    const agi_pass *g = c->plan->step[step].is.pass;
    if (!look_at(r, g)) return 0;
    uint32_t *next = agi_arena_take(&c->arena, ((size_t)g->nloads + 1) * sizeof *next);
    if (!next) return agi_out_of_memory(c);
    list_dying(r, step, next);
    for (int s = 0; s < g->nstores; s++) {
        uint32_t out = g->store[s].buffer, k = 0;
        agi_buffer *o = agi_buffer_at(c, out);
        if (o->shares != AGI_NONE || o->scalar || o->inlaid) continue;
        for (int tried = 0; next[k] && tried < MOST_TRIED; tried++, k = next[k]) {
            uint32_t in = g->load[next[k] - 1].buffer;
            if (!group_allows(r, in, out)) continue;
            o->shares = in;
            agi_buffer_at(c, in)->taken = 1;
            next[k] = next[next[k]];
            break;
        }
    }
    return 1;
}

/* Do its elements lie as a result's do? */
static int lies_as_is(const ag_node *x, const ag_strides *s)
{
    agi_pattern p = { .offset = s->offset };
    agi_coalesce(&p, x->rank, x->dim, s->stride, NULL);
    return agi_pattern_flat(&p);
}

/* A call that may work in place, on what dies with it. */
static void call_takes_over(agi_compiler *c, uint32_t step)
{
    const agi_call *call = c->plan->step[step].is.call;
    agi_buffer *out = agi_buffer_at(c, call->out), *in;
    if (!(call->node->op->flags & AG_IN_PLACE) || out->shares != AGI_NONE || out->scalar || out->inlaid) return;
    in = agi_buffer_at(c, call->in[0]);
    int of_leaf = in->shares != AGI_NONE && agi_buffer_at(c, in->shares)->role != AGI_VALUE;
    if (of_leaf || !may_be_taken(in, step) || in->bytes != out->bytes) return;
    if (!lies_as_is(call->node->in[0], &call->stride[0])) return;
    for (int k = 1; k < call->n; k++)
        if (call->in[k] == call->in[0]) return;
    out->shares = call->in[0];
    in->taken = 1;
}

int agi_share_memory(agi_compiler *c)
{
    reuse r;
    int ok = begin_reuse(c, &r) && place_assignments(&r);
    for (int k = 0; k < c->plan->nsteps && ok && !c->options->distinct; k++) {
        if (c->plan->step[k].banded) continue;
        if (c->plan->step[k].kind == AGI_PASS) ok = take_over(&r, (uint32_t)k);
        if (c->plan->step[k].kind == AGI_CALL) call_takes_over(c, (uint32_t)k);
    }
    end_reuse(&r);
    return ok;
}
