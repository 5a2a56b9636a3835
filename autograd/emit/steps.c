/* The steps of a plan, one after the other: a function each, or, of a flat body, statements in place. */
#include "emit.h"

static void emit_copy(const agi_emitter *e, const agi_copy *c)
{
    const agi_buffer *b = &e->plan->buffer[c->to];
    ag_dtype dtype = (ag_dtype)b->dtype;
    for (int64_t at = 0; at < b->bytes; at += (int64_t)ag_dtype_size(dtype)) {
        ag_emit(e->to, "    ");
        agi_emit_local(e, e->to, c->to, at, dtype);
        ag_emit(e->to, " = ");
        agi_emit_local(e, e->to, c->from, at, dtype);
        ag_emit(e->to, ";\n");
    }
}

void agi_emit_flat_steps(agi_emitter *e)
{
    for (int k = 0; k < e->plan->nsteps; k++) {
        const agi_step *s = &e->plan->step[k];
        if (s->kind == AGI_PROGRAM) agi_emit_statements(e, k, s->is.program);
        else if (s->kind == AGI_COPY) emit_copy(e, &s->is.copy);
        else agi_emit_loop_step(e, k, s->is.loop);
    }
}

static int is_done(const agi_emitter *e, int step)
{
    return e->done && e->done[step];
}

int agi_emit_steps(agi_emitter *e)
{
    int written = 1;
    for (int k = 0; k < e->plan->nsteps && written; k++) {
        const agi_step *s = &e->plan->step[k];
        if (is_done(e, k)) continue;
        switch (s->kind) {
        case AGI_PASS: written = agi_emit_pass(e, k, s->is.pass); break;
        case AGI_PROGRAM: written = agi_emit_program(e, k, s->is.program); break;
        case AGI_CALL: written = agi_emit_call(e, k, s->is.call); break;
        case AGI_LOOP: written = agi_emit_loop_step(e, k, s->is.loop); break;
        case AGI_PRODUCT: agi_emit_product(e, k, s->is.product); break;
        case AGI_COPY: agi_emit_copy(e, k, &s->is.copy); break;
        }
    }
    return written;
}

static int can_fail(const agi_step *s)
{
    return s->kind == AGI_CALL || s->kind == AGI_LOOP;
}

/* The next step from k on that is written; nsteps: there is none. */
static int next_step(const agi_emitter *e, int k)
{
    while (k < e->plan->nsteps && is_done(e, k)) k++;
    return k;
}

static const char *guard_of(const agi_emitter *e, int step)
{
    return e->guard && step < e->plan->nsteps ? e->guard[step] : NULL;
}

static void emit_run(const agi_emitter *e, int step, const char *indent, ag_source *to)
{
    if (!can_fail(&e->plan->step[step])) ag_emit(to, "%s%s_%d(m);\n", indent, e->prefix, step);
    else ag_emit(to, "%sstatus = %s_%d(m);\n%sif (status) return status;\n", indent, e->prefix, step, indent);
}

/* Steps that one output alone needs stand together behind one question. Returns the next one. */
static int emit_guarded(const agi_emitter *e, int step, ag_source *to)
{
    const char *guard = guard_of(e, step);
    ag_emit(to, "    if (m->outputs->%s) {\n", guard);
    do {
        emit_run(e, step, "        ", to);
        step = next_step(e, step + 1);
    } while (guard_of(e, step) && !strcmp(guard_of(e, step), guard));
    ag_emit(to, "    }\n");
    return step;
}

void agi_emit_runs(const agi_emitter *e, ag_source *to)
{
    const int n = e->plan->nsteps, first = next_step(e, 0);
    int fails = 0;
    for (int k = first; k < n; k = next_step(e, k + 1)) fails |= can_fail(&e->plan->step[k]);
    if (fails) ag_emit(to, "    int status;\n");
    for (int k = first; k < n;) {
        if (guard_of(e, k)) {
            k = emit_guarded(e, k, to);
        } else {
            emit_run(e, k, "    ", to);
            k = next_step(e, k + 1);
        }
    }
    if (first == n) ag_emit(to, "    (void)m;\n");
}
