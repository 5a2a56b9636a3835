/* Evaluating loops and branches: their bodies step by step, each on a run of its own. */
#include "run.h"
#include "control/loop.h"

/* Element t of each, between the memory of a run and that of a body's. */
static void transfer(const agi_transfers *list, const ag_run *outer, ag_run *body, int64_t t)
{
    for (const agi_transfer *x = list->list, *end = x + list->count; x < end; x++) {
        char *at = (char *)outer->memory[x->outer] + x->offset + t * x->stride;
        if (x->kind == AGI_BY_ADDRESS) body->memory[x->inner] = at;
        else if (x->kind == AGI_COPY_IN) memcpy(body->memory[x->inner], at, (size_t)x->bytes);
        else memcpy(at, body->memory[x->inner], (size_t)x->bytes);
    }
}

/* In a trap's message, which of its parts did it. */
static ag_status add_step(ag_run *r, ag_status status, int64_t t)
{
    const size_t n = strlen(r->message);
    if (status == AG_ENAN) snprintf(r->message + n, AGI_MESSAGE_BYTES - n, "; in step %lld of a loop", (long long)t);
    return status;
}

static ag_status run_body(ag_run *r, ag_run *body)
{
    body->compiled = r->compiled;
    return agi_run_steps(body);
}

static double number_at(const void *at, const ag_node *x)
{
    if (x->dtype == AG_F32) return *(const float *)at;
    return x->dtype == AG_F64 ? *(const double *)at : (double)*(const int64_t *)at;
}

static double control(const ag_run *r, const agi_loop_step *s, const ag_node *x)
{
    return number_at((const char *)r->memory[s->control.outer] + s->control.offset, x);
}

/* Does the loop go on? */
static ag_status test(ag_run *r, const agi_loop_step *s, const agi_loop_attribute *l, int *on)
{
    ag_run *tester = r->bodies[s->first_run + 1];
    transfer(&s->states, r->bodies[s->first_run], tester, 0);
    ag_status status = run_body(r, tester);
    if (!status) *on = number_at(tester->memory[s->test], l->test) != 0;
    return status;
}

static ag_status run_steps(ag_run *r, const agi_loop_step *s, const agi_loop_attribute *l, int64_t length,
                           int64_t *made)
{
    ag_run *body = r->bodies[s->first_run];
    for (*made = 0; *made < length; ++*made) {
        int64_t t = l->reverse ? length - 1 - *made : *made;
        int on = 1;
        ag_status status = l->test ? test(r, s, l, &on) : AG_OK;
        if (status || !on) return status;
        transfer(&s->before, r, body, t);
        if ((status = run_body(r, body)) != AG_OK) return add_step(r, status, t);
        transfer(&s->after, r, body, t);
    }
    return AG_OK;
}

/* What a loop that ends early stacks is whole only as far as it came: loops of as many steps read it, nobody else. */
static ag_status run_loop(ag_run *r, const agi_loop_step *s, const agi_loop_attribute *l)
{
    ag_run *body = r->bodies[s->first_run];
    int64_t length = l->length, made, count = s->part[agi_part_count(l)];
    if (l->counted) length = (int64_t)control(r, s, s->node->in[s->node->nin - 1]);
    transfer(&s->enter[0], r, body, 0);
    if (l->test) transfer(&s->enter[1], r, r->bodies[s->first_run + 1], 0);
    ag_status status = run_steps(r, s, l, length, &made);
    if (status) return status;
    transfer(&s->leave[0], r, body, 0);
    if (count >= 0) {
        double steps = (double)made;
        memcpy((char *)r->memory[s->out] + count, &steps, sizeof steps);
    }
    return AG_OK;
}

static ag_status run_branch(ag_run *r, const agi_loop_step *s)
{
    int taken = control(r, s, s->node->in[0]) != 0 ? 0 : 1;
    ag_run *body = r->bodies[s->first_run + taken];
    transfer(&s->enter[taken], r, body, 0);
    ag_status status = run_body(r, body);
    if (!status) transfer(&s->leave[taken], r, body, 0);
    return status;
}

ag_status agi_run_loop(ag_run *r, const agi_loop_step *s)
{
    if (r->compiled && s->native) return (ag_status)s->native(r->memory, s->operand, r->scratch, 0, 0);
    return s->node->op->flags & AG_BRANCH ? run_branch(r, s) : run_loop(r, s, s->node->attribute);
}
