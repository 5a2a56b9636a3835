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

void agi_emit_runs(const agi_emitter *e, ag_source *to)
{
    int fails = 0, steps = 0;
    for (int k = 0; k < e->plan->nsteps; k++) fails |= can_fail(&e->plan->step[k]);
    if (fails) ag_emit(to, "    int status = 0;\n");
    for (int k = 0; k < e->plan->nsteps; k++) {
        if (is_done(e, k)) continue;
        steps++;
        const char *guard = e->guard ? e->guard[k] : NULL;
        if (guard) ag_emit(to, "    if (m->outputs->%s) ", guard);
        else ag_emit(to, "    ");
        if (!can_fail(&e->plan->step[k])) ag_emit(to, "%s_%d(m);\n", e->prefix, k);
        else ag_emit(to, "status = %s_%d(m);\n    if (status) return status;\n", e->prefix, k);
    }
    if (!steps) ag_emit(to, "    (void)m;\n");
}
