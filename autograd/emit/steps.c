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
    const agi_step *s = &e->plan->step[step];
    return (e->done && e->done[step]) || (s->kind == AGI_CALL && s->is.call->idle);
}

static int emit_step(agi_emitter *e, int k, const agi_step *s)
{
    if (e->sharing) e->sharing->pointers.count = e->sharing->heads = 0;
    switch (s->kind) {
    case AGI_PASS: return agi_emit_pass(e, k, s->is.pass);
    case AGI_PROGRAM: return agi_emit_program(e, k, s->is.program);
    case AGI_CALL: return agi_emit_call(e, k, s->is.call);
    case AGI_LOOP: return agi_emit_loop_step(e, k, s->is.loop);
    case AGI_PRODUCT: agi_emit_product(e, k, s->is.product); break;
    case AGI_COPY: agi_emit_copy(e, k, &s->is.copy); break;
    }
    return 1;
}

int agi_emit_steps(agi_emitter *e)
{
    int written = 1;
    if (!agi_begin_sharing(e)) e->to->failed = 1;
    for (int k = 0; k < e->plan->nsteps && written && !e->to->failed; k++) {
        if (is_done(e, k)) continue;
        ag_source *const to = e->to, text = { .allocator = to->allocator };
        e->to = &text;
        written = emit_step(e, k, &e->plan->step[k]);
        e->to = to;
        if (written) agi_share_step(e, k, &text);
        agi_source_free(&text);
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

static void emit_run(const agi_emitter *e, int step, int depth, ag_source *to)
{
    ag_source run = { .allocator = to->allocator };
    const int fails = can_fail(&e->plan->step[step]);
    if (fails) ag_emit(&run, "status = ");
    if (e->shared && e->shared[step]) agi_source_add(&run, e->shared[step], strlen(e->shared[step]));
    else ag_emit(&run, "%s_%d(m);\n", e->prefix, step);
    if (fails) ag_emit(&run, "if (status) return status;\n");
    agi_source_append_lines(to, &run, depth);
    agi_source_free(&run);
}

/* The end of the steps from k on that one output alone needs, or that all need; can one of them fail? */
static int same_guard(const agi_emitter *e, int k, int *fails)
{
    const char *guard = guard_of(e, k), *next = guard;
    *fails = 0;
    for (; k < e->plan->nsteps && (guard ? next && !strcmp(next, guard) : !next); next = guard_of(e, k)) {
        *fails |= can_fail(&e->plan->step[k]);
        k = next_step(e, k + 1);
    }
    return k;
}

/* Does a step fail that stands in no block of its own? */
static int fails_outside(const agi_emitter *e, int first)
{
    int fails = 0, all = 0;
    for (int k = first, end; k < e->plan->nsteps; k = end) {
        end = same_guard(e, k, &fails);
        if (!guard_of(e, k)) all |= fails;
    }
    return all;
}

/* Steps that one output alone needs stand together behind one question. */
void agi_emit_runs(const agi_emitter *e, ag_source *to)
{
    const int n = e->plan->nsteps, first = next_step(e, 0), declared = fails_outside(e, first);
    if (declared) ag_emit(to, "    int status;\n");
    for (int k = first, end, fails; k < n; k = end) {
        const char *guard = guard_of(e, k);
        end = same_guard(e, k, &fails);
        if (guard) ag_emit(to, "    if (m->outputs->%s) {\n", guard);
        if (guard && fails && !declared) ag_emit(to, "        int status;\n");
        for (int j = k; j < end; j = next_step(e, j + 1)) emit_run(e, j, guard ? 2 : 1, to);
        if (guard) ag_emit(to, "    }\n");
    }
    if (first == n) ag_emit(to, "    (void)m;\n");
}
