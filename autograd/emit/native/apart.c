/* Steps by themselves. A copy of the step has its buffers renumbered in the order in which it mentions them, and the
 * plan around it is nothing but these buffers: its text does not tell where they are, nor where in them its loads
 * begin, and is the same for all layers of a network and for all steps of a recurrence. */
#include "apart.h"

typedef struct {
    agi_apart *to;
    agi_arena *arena;
    const agi_apart_names *names;
    const ag_plan *from;
} maker;

int agi_apart_begin(agi_apart_names *names, agi_arena *arena, const ag_plan *p)
{
    names->buffer = agi_arena_zeros(arena, p->nbuffers, sizeof *names->buffer);
    names->owner = agi_arena_zeros(arena, p->nbuffers, sizeof *names->owner);
    return names->buffer && names->owner;
}

/* ---- buffers ----------------------------------------------------------------------------------------------------- */

/* Nothing of a node but a constant's value is in the text of a step. */
static void add_buffer(maker *m, uint32_t buffer, agi_buffer b)
{
    ag_plan *p = &m->to->plan;
    if (b.role != AGI_CONSTANT) b.node = NULL;
    p->buffer[p->nbuffers++] = b;
    m->to->operand[m->to->noperands++] = buffer;
}

/* The number of a buffer of the plan in the step by itself. */
static uint32_t name(maker *m, uint32_t buffer)
{
    uint32_t *known = &m->names->buffer[buffer], *owner = &m->names->owner[m->from->buffer[buffer].owner];
    if (*known) return *known - 1;
    agi_buffer b = m->from->buffer[buffer];
    *known = m->to->plan.nbuffers + 1;
    if (!*owner) *owner = *known;
    b.owner = *owner - 1;
    add_buffer(m, buffer, b);
    return *known - 1;
}

static void rename_buffer(maker *m, uint32_t *buffer)
{
    if (*buffer != AGI_NONE) *buffer = name(m, *buffer);
}

static void forget(maker *m)
{
    for (uint32_t k = 0; k < m->to->plan.nbuffers; k++) {
        uint32_t buffer = (uint32_t)m->to->operand[k];
        m->names->buffer[buffer] = m->names->owner[m->from->buffer[buffer].owner] = 0;
    }
}

/* Room for so many buffers, and so many operands more. */
static int make_room(maker *m, size_t buffers, size_t others)
{
    m->to->plan.buffer = agi_arena_take(m->arena, buffers * sizeof *m->to->plan.buffer);
    m->to->operand = agi_arena_take(m->arena, (buffers + others) * sizeof *m->to->operand);
    return m->to->plan.buffer && m->to->operand;
}

/* ---- passes ------------------------------------------------------------------------------------------------------ */

static int set_pass_apart(maker *m, const agi_pass *from)
{
    agi_pass *g = agi_arena_copy(m->arena, from, sizeof *g);
    size_t loads = (size_t)from->nloads, stores = (size_t)from->nstores, folds = (size_t)from->nfolds;
    if (!g || !make_room(m, loads + stores + 3 * folds, AGI_LOAD_OPERANDS * loads)) return 0;
    g->load = agi_arena_copy(m->arena, g->load, loads * sizeof *g->load);
    g->store = agi_arena_copy(m->arena, g->store, stores * sizeof *g->store);
    g->fold = agi_arena_copy(m->arena, g->fold, folds * sizeof *g->fold);
    if (!g->load || !g->store || !g->fold) return 0;
    for (int k = 0; k < g->nloads; k++) rename_buffer(m, &g->load[k].buffer);
    for (int k = 0; k < g->nstores; k++) rename_buffer(m, &g->store[k].buffer);
    for (int k = 0; k < g->nfolds; k++) {
        rename_buffer(m, &g->fold[k].buffer);
        rename_buffer(m, &g->fold[k].partial);
        rename_buffer(m, &g->fold[k].few);
    }
    forget(m);
    for (int k = 0; k < g->nloads; k++) {
        const agi_pattern *w = &g->load[k].walk;
        const int64_t told[AGI_LOAD_OPERANDS] = { w->offset, w->bounds.from[0], w->bounds.to[0] };
        for (int j = 0; j < AGI_LOAD_OPERANDS; j++) m->to->operand[m->to->noperands++] = told[j];
    }
    m->to->step = (agi_step){ .kind = AGI_PASS, .is.pass = g };
    return 1;
}

/* ---- loops ------------------------------------------------------------------------------------------------------- */

static int rename_transfers(maker *m, agi_transfers *all)
{
    all->list = agi_arena_copy(m->arena, all->list, (size_t)all->count * sizeof *all->list);
    for (int k = 0; all->list && k < all->count; k++) rename_buffer(m, &all->list[k].outer);
    return all->list != NULL;
}

/* What goes from body to body stays there. */
static int set_loop_apart(maker *m, const agi_loop_step *from)
{
    agi_loop_step *s = agi_arena_copy(m->arena, from, sizeof *s);
    if (!s) return 0;
    agi_transfers *const all[] = { &s->enter[0], &s->enter[1], &s->before, &s->after, &s->leave[0], &s->leave[1] };
    const size_t lists = sizeof all / sizeof *all;
    size_t buffers = 2;
    for (size_t k = 0; k < lists; k++) buffers += (size_t)all[k]->count;
    if (!make_room(m, buffers, 0)) return 0;
    rename_buffer(m, &s->out);
    rename_buffer(m, &s->control.outer);
    for (size_t k = 0; k < lists; k++)
        if (!rename_transfers(m, all[k])) return forget(m), 0;
    forget(m);
    m->to->step = (agi_step){ .kind = AGI_LOOP, .is.loop = s };
    return 1;
}

int agi_set_apart(agi_apart *to, agi_arena *arena, const agi_apart_names *names, const ag_plan *p, const agi_step *s)
{
    maker m = { .to = to, .arena = arena, .names = names, .from = p };
    *to = (agi_apart){ .noperands = 0 };
    return s->kind == AGI_PASS ? set_pass_apart(&m, s->is.pass) : set_loop_apart(&m, s->is.loop);
}
