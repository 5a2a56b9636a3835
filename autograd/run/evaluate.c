/* An evaluation: the steps of a plan, one after the other, passes on all threads. */
#include "profile.h"

/* The operation, its first operand and those that have a name, and why it failed. */
static void explain_call(ag_run *r, const ag_node *x, const char *why)
{
    agi_text t = { r->message, r->message + AGI_MESSAGE_BYTES };
    agi_print_node(&t, x);
    for (uint32_t k = 0; k < x->nin; k++) {
        if (k && !x->in[k]->name) continue;
        agi_print(&t, k ? ", " : " of ");
        agi_print_node(&t, x->in[k]);
    }
    agi_print(&t, ": %s", why);
}

typedef struct {
    const agi_call *call;
    ag_kernel_call with;
} call_job;

/* A thread's share of a call that cannot fail. Where there are fewer pieces than threads, work memory is by piece. */
static void run_pieces(void *context, int number, int threads)
{
    const call_job *j = context;
    const int64_t n = j->call->pieces;
    ag_kernel_call c = j->with;
    c.first = n * number / threads;
    c.end = n * (number + 1) / threads;
    if (c.scratch) c.scratch = (char *)c.scratch + (n < threads ? c.first : number) * j->call->work_bytes;
    if (c.first < c.end) c.node->op->run(&c);
}

/* Does it what the next step would? What traps is looked for step by step. */
static int does_next(const ag_run *r, const agi_step *s)
{
    return s->kind == AGI_CALL && s->is.call->ending && !r->plan->options.trap_nan;
}

static ag_ending ending_at(const ag_run *r, const agi_call *call)
{
    const agi_ending *e = call->ending;
    ag_ending it = e->is;
    if (e->bias != AGI_NONE)
        it.bias = (const char *)r->memory[e->bias] + (size_t)e->offset * ag_dtype_size((ag_dtype)call->node->dtype);
    return it;
}

static ag_status run_call(ag_run *r, const agi_call *call, int ends)
{
    const void *few[AGI_FEW_INPUTS], **in = few;
    char text[256] = "";
    if (call->idle) return AG_OK;
    if (call->pointers != AGI_NONE) in = (const void **)r->memory[call->pointers];
    for (int k = 0; k < call->n; k++) {
        size_t size = ag_dtype_size((ag_dtype)call->node->in[k]->dtype);
        if (call->in[k] == AGI_NONE) in[k] = NULL;
        else in[k] = (const char *)r->memory[call->in[k]] + (size_t)call->stride[k].offset * size;
    }
    ag_kernel_call c = { .node = call->node, .out = r->memory[call->out], .in = in, .in_stride = call->stride,
                         .scratch = call->work == AGI_NONE ? NULL : r->memory[call->work], .message = text,
                         .message_size = sizeof text, .isa = r->plan->options.isa, .end = call->pieces };
    const ag_ending ending = ends ? ending_at(r, call) : (ag_ending){ 0 };
    if (ends) c.ending = &ending, c.out = r->memory[call->ending->out];
    if (r->pool && call->worth_threads) {
        agi_pool_run(r->pool, run_pieces, &(call_job){ call, c });
        return AG_OK;
    }
    ag_status status = call->node->op->run(&c);
    return status ? explain_call(r, call->node, text), status : AG_OK;
}

static void run_copy(ag_run *r, const agi_copy *c)
{
    memcpy(r->memory[c->to], r->memory[c->from], (size_t)r->plan->buffer[c->to].bytes);
}

typedef struct {
    ag_run *run;
    const agi_pass *pass;
} pass_job;

static void run_part(void *context, int number, int threads)
{
    const pass_job *j = context;
    int64_t n = j->pass->blocks, from = n * number / threads, to = n * (number + 1) / threads;
    char *scratch = j->run->scratch + number * agi_aligned(j->run->plan->scratch_bytes);
    if (from < to) agi_run_blocks(j->run, j->pass, scratch, from, to);
}

static void run_pass(ag_run *r, const agi_pass *g)
{
    pass_job j = { r, g };
    if (r->pool && g->worth_threads) agi_pool_run(r->pool, run_part, &j);
    else run_part(&j, 0, 1);
    agi_finish_folds(r, g);
}

/* The verifier's mode: memory that no later step may read holds NaN. */
static void poison(ag_run *r, uint32_t step, int all)
{
    for (uint32_t b = 0; b < r->plan->nbuffers; b++) {
        const agi_buffer *x = &r->plan->buffer[b];
        int dies = all || (x->last == step && !x->held);
        if (x->shares == AGI_NONE && dies && !x->in_loop && (x->role == AGI_VALUE || x->role == AGI_WORK))
            memset(r->block + x->offset, 0xff, (size_t)x->bytes);
    }
}

static ag_status do_step(ag_run *r, const agi_step *s)
{
    switch (s->kind) {
    case AGI_PASS: run_pass(r, s->is.pass); break;
    case AGI_PROGRAM: agi_run_program(r, s->is.program); break;
    case AGI_PRODUCT: agi_run_product(r, s->is.product); break;
    case AGI_COPY: run_copy(r, &s->is.copy); break;
    case AGI_CALL: return run_call(r, s->is.call, does_next(r, s));
    case AGI_LOOP: return agi_run_loop(r, s->is.loop);
    }
    return AG_OK;
}

static ag_status run_step(ag_run *r, const agi_step *s)
{
    const int64_t from = r->timed ? agi_clock() : 0;
    const ag_status status = do_step(r, s);
    if (r->timed) agi_profile_step(r, s, from, 1);
    return status;
}

static ag_status run_others(ag_run *r, const agi_band *b, agi_role_in_band role)
{
    ag_status status = AG_OK;
    for (int k = b->first; k < b->end && !status; k++)
        if (r->plan->step[k].banded == role) status = run_step(r, &r->plan->step[k]);
    return status;
}

static ag_status run_band(ag_run *r, const agi_band *b)
{
    ag_status status = run_others(r, b, AGI_BEFORE_BAND);
    if (status) return status;
    agi_run_band(r, b);
    return run_others(r, b, AGI_AFTER_BAND);
}

ag_status agi_run_steps(ag_run *r)
{
    const ag_plan *p = r->plan;
    const agi_band *b = p->band, *behind = b + p->nbands;
    if (p->options.poison) poison(r, 0, 1);
    for (int k = 0, next; k < p->nsteps; k = next) {
        const agi_band *here = b < behind && b->first == k ? b++ : NULL;
        const int together = here && agi_goes_together(r, here);
        ag_status status = together ? run_band(r, here) : run_step(r, &p->step[k]);
        if (!status && p->options.trap_nan) status = agi_trap(r, &p->step[k]);
        if (status) return status;
        next = together ? here->end : k + 1 + does_next(r, &p->step[k]);
        for (int done = k; done < next && p->options.poison; done++) poison(r, (uint32_t)done, 0);
    }
    return AG_OK;
}

ag_status ag_eval(ag_run *r)
{
    if (!r) return AG_EARG;
    if (r->missing) return agi_refuse_unfed(r);
    if (r->rebound && agi_arrange_bindings(r)) return AG_EARG;
    if (r->copied) agi_copy_bindings(r, 0);
    r->compiled = r->plan->native && r->plan->has_code(r->plan->native);
    ag_status status = r->timed ? agi_run_timed(r) : agi_run_steps(r);
    r->evaluated = !status;
    memcpy(r->failure, r->message, status ? AGI_MESSAGE_BYTES : 0);
    if (status) return status;
    if (r->copied) agi_copy_bindings(r, 1);
    r->message[0] = r->failure[0] = 0;
    return AG_OK;
}
