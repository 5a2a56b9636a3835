/* Outputs that nobody wants: which steps serve one output alone, and are left out where its pointer is NULL; and which
 * outputs others need, so that their pointers may not be. From the last step to the first: who needs a value is who
 * needs what is made of it. */
#include "writer.h"

/* Who needs a value: one output, by number, nobody yet, or more. */
enum { NOBODY = -1, ALL = -2 };

static void need(agi_writer *w, uint32_t b, int who)
{
    if (b == AGI_NONE) return;
    int *before = &w->need[b];
    *before = *before == NOBODY || *before == who ? who : ALL;
}

/* Calls `visit` for each buffer that a step reads, or writes. */
typedef void visit(agi_writer *, uint32_t buffer, int *who);

static void visit_pass(agi_writer *w, const agi_pass *g, int written, visit *v, int *who)
{
    for (int k = 0; k < g->nloads && !written; k++) v(w, g->load[k].buffer, who);
    for (int k = 0; k < g->nstores && written; k++) v(w, g->store[k].buffer, who);
    for (int k = 0; k < g->nfolds && written; k++) v(w, g->fold[k].buffer, who);
}

static void visit_product(agi_writer *w, const agi_product *p, int written, visit *v, int *who)
{
    const uint32_t read[] = { p->a, p->b, p->onto, p->scale };
    for (int k = 0; k < 4 && !written; k++)
        if (read[k] != AGI_NONE) v(w, read[k], who);
    if (written) v(w, p->out, who);
}

static void visit_step(agi_writer *w, const agi_step *s, int written, visit *v, int *who)
{
    switch (s->kind) {
    case AGI_PASS: visit_pass(w, s->is.pass, written, v, who); break;
    case AGI_PRODUCT: visit_product(w, s->is.product, written, v, who); break;
    case AGI_COPY: v(w, written ? s->is.copy.to : s->is.copy.from, who); break;
    case AGI_CALL:
        for (int k = 0; k < s->is.call->n && !written; k++) v(w, s->is.call->in[k], who);
        if (written) v(w, s->is.call->out, who);
        break;
    case AGI_PROGRAM:
    case AGI_LOOP: break; /* of which all values are needed, see below */
    }
}

/* Of a written buffer: those who need the step. */
static void ask(agi_writer *w, uint32_t b, int *who)
{
    const int needs = w->assigned[w->plan->buffer[b].owner] ? ALL : w->need[b];
    if (needs != NOBODY) *who = *who == NOBODY || *who == needs ? needs : ALL;
}

static void tell(agi_writer *w, uint32_t b, int *who)
{
    need(w, b, *who);
}

/* The step writes into the memory of an output, and not for that alone. */
static void demand(agi_writer *w, uint32_t b, int *who)
{
    const agi_reach *r = &w->e.reach[b];
    if (r->kind == AGI_IN_OUTPUT && r->at != *who) w->demanded[r->at] = 1;
}

/* What scalar programs and loops mention is needed always. */
static void start(agi_writer *w)
{
    const ag_plan *p = w->plan;
    int loops = 0;
    for (int k = 0; k < p->nsteps; k++) loops |= p->step[k].kind == AGI_LOOP;
    for (uint32_t b = 0; b < p->nbuffers; b++) w->need[b] = loops || p->buffer[b].scalar ? ALL : NOBODY;
    for (int k = 0; k < w->outputs; k++) need(w, w->output[k], k);
}

int agi_find_guards(agi_writer *w)
{
    const ag_plan *p = w->plan;
    w->need = agi_arena_take(&w->arena, p->nbuffers * sizeof *w->need);
    w->demanded = agi_arena_zeros(&w->arena, (size_t)w->outputs, 1);
    w->e.guard = agi_arena_zeros(&w->arena, (size_t)p->nsteps, sizeof *w->e.guard);
    if (!w->need || !w->demanded || !w->e.guard) return 0;
    start(w);
    for (int k = p->nsteps; k-- > 0;) {
        int who = NOBODY;
        visit_step(w, &p->step[k], 1, ask, &who);
        if (who == NOBODY) who = ALL;
        visit_step(w, &p->step[k], 1, demand, &who);
        visit_step(w, &p->step[k], 0, tell, &who);
        if (who >= 0) w->e.guard[k] = w->output_member[who];
    }
    for (uint32_t b = 0; b < p->nbuffers; b++)
        if (w->e.reach[b].kind == AGI_IN_OUTPUT && w->need[b] == ALL) w->demanded[w->e.reach[b].at] = 1;
    return 1;
}
