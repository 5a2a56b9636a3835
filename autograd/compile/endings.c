/* A call that can (its operation's `ends`) does what the next step would do to its result before it stores it: adds an
 * element for each channel, takes what is below 0 for 0. The pass stays in the plan for whoever cannot have it so.
 *
 * All that the call uses lives until the pass would have ended, whose result it writes while it goes on reading. */
#include "compile.h"
#include "fused/patterns.h"

/* The only reader of what a call computes, if it is the next step; else NULL. */
static const agi_pass *reader(agi_compiler *c, int k)
{
    const agi_step *s = &c->plan->step[k], *next = s + 1;
    if (s->kind != AGI_CALL || !s->is.call->node->op->ends || next->kind != AGI_PASS) return NULL;
    const agi_buffer *out = agi_buffer_at(c, s->is.call->out);
    return out->last == (uint32_t)k + 1 && !out->held && !out->in_loop ? next->is.pass : NULL;
}

/* Element i of the pass's walk is i / inner % count * step; of a row register, which an element of each row expands to,
 * its `columns` neighbours are. 0: it is another walk. */
static int find_channels(const agi_pattern *p, int64_t columns, ag_ending *e)
{
    const int last = p->rank - (columns == 1 ? 2 : 1); /* the channels' axis, before that of a channel's neighbours */
    e->inner = e->count = 1;
    e->step = 0;
    if (agi_stands_still(p)) return 1;
    if (p->bounded || last < 0 || last > 1 || (last && p->stride[0])) return 0;
    if (columns == 1 && p->stride[p->rank - 1]) return 0;
    e->inner = columns == 1 ? p->dim[p->rank - 1] : columns;
    e->count = p->dim[last];
    e->step = p->stride[last];
    return 1;
}

/* x and another register: it is loaded, or a row of it is and expanded, which is the micro-operation before. */
static int find_bias(const agi_pass *g, const agi_micro *m, uint32_t x, agi_ending *e)
{
    const int row = m > g->micro;
    const uint32_t other = m->a == x ? m->b : m->a;
    if (m->kind != AGI_POINT || m->op != agi_ending_sum || (m->a == x) == (m->b == x)) return 0;
    if (row && m[-1].out != other) return 0;
    for (int k = 0; k < g->nloads; k++) {
        const agi_load *l = &g->load[k];
        if (l->reg != (row ? m[-1].a : other) || l->row != row || l->dtype != g->dtype) continue;
        e->bias = l->buffer;
        e->offset = l->walk.offset;
        return find_channels(&l->walk, row ? g->columns : 1, &e->is);
    }
    return 0;
}

/* The register that holds the call's result, or AGI_NONE: it is not read element by element. */
static uint32_t result_of(const agi_pass *g, const agi_call *call)
{
    for (int k = 0; k < g->nloads; k++) {
        const agi_load *l = &g->load[k];
        if (l->buffer == call->out) return l->access == AGI_DIRECT && !l->walk.offset && !l->row ? l->reg : AGI_NONE;
    }
    return AGI_NONE;
}

/* What the pass does, if a call may do it. */
static int find_ending(const agi_pass *g, const agi_call *call, agi_ending *e)
{
    uint32_t x = result_of(g, call);
    int k = g->nmicros > 1 && g->micro[0].kind == AGI_EXPAND, loads = 1;
    *e = (agi_ending){ .bias = AGI_NONE, .is = { .inner = 1, .count = 1 } };
    if (x == AGI_NONE || g->nfolds || g->nstores != 1 || g->store[0].row || g->inlays) return 0;
    if (k < g->nmicros && find_bias(g, &g->micro[k], x, e)) x = g->micro[k++].out, loads++;
    e->is.clips = k < g->nmicros && g->micro[k].op == agi_ending_clip && g->micro[k].a == x;
    if (e->is.clips) x = g->micro[k++].out;
    e->out = g->store[0].buffer;
    return k && k == g->nmicros && g->nloads == loads && g->store[0].reg == x &&
           call->node->op->ends(call->node, e->is.inner, e->is.count);
}

static int keep(agi_compiler *c, int k, const agi_ending *e, agi_vector *uses)
{
    agi_call *call = c->plan->step[k].is.call;
    call->ending = agi_arena_copy(&c->plan->arena, e, sizeof *e);
    c->plan->step[k + 1].is.pass->ends = call;
    if (!call->ending || !agi_list_uses(c, (uint32_t)k, uses)) return agi_out_of_memory(c);
    for (int64_t i = 0; i < uses->count; i++)
        agi_touch(c, ((const agi_use *)uses->data)[i].buffer, (uint32_t)k + 1);
    return 1;
}

int agi_find_endings(agi_compiler *c)
{
    const agi_band *b = c->plan->band, *behind = b + c->plan->nbands;
    agi_vector uses = { 0 };
    int ok = 1;
    for (int k = 0; ok && k + 1 < c->plan->nsteps; k++) {
        agi_ending e;
        while (b < behind && b->end <= k) b++;
        if (b < behind && b->first <= k + 1) continue;
        const agi_pass *g = reader(c, k);
        if (g && find_ending(g, c->plan->step[k].is.call, &e)) ok = keep(c, k, &e, &uses);
    }
    agi_release(c->arena.allocator, uses.data);
    return ok;
}
