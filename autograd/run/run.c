/* Runs: the memory of one execution, its making and reading. */
#include "profile.h"

#include <math.h>

/* ---- failures --------------------------------------------------------------------------------------------------- */

ag_status agi_fail_run(ag_run *r, const char *what, const ag_node *x, const char *why)
{
    agi_text t = { r->message, r->message + AGI_MESSAGE_BYTES };
    agi_print(&t, "%s: ", what);
    if (ag_is_bad(x)) agi_print(&t, x ? "a bad node" : "NULL");
    else agi_print_node(&t, agi_made(r, x));
    agi_print(&t, " %s", why);
    if (!ag_is_bad(x)) agi_name_extents(x->graph, r->message, AGI_MESSAGE_BYTES);
    return AG_EARG;
}

const char *ag_run_error(const ag_run *r)
{
    return r ? r->message : "the run is NULL: ag_compile failed, as ag_graph_error tells, or memory ran out";
}

/* ---- making a run ----------------------------------------------------------------------------------------------- */

static void write_number(void *to, ag_dtype dtype, double value)
{
    if (dtype == AG_F32) *(float *)to = (float)value;
    else if (dtype == AG_F64) *(double *)to = value;
    else *(int64_t *)to = (int64_t)value;
}

static void start_leaf(ag_run *r, uint32_t b)
{
    const agi_buffer *buffer = &r->plan->buffer[b];
    const ag_node *x = buffer->node;
    void *to = r->memory[b];
    if (x->op->role == AG_IS_INPUT) r->missing++;
    else r->fed[b] = 1;
    if (buffer->in_loop) return;
    if (x->op->role == AG_IS_NUMBER) {
        double value;
        memcpy(&value, x->attribute, sizeof value);
        write_number(to, (ag_dtype)x->dtype, value);
    } else if (x->op->role == AG_IS_PARAMETER && !x->attribute) {
        memset(to, 0, (size_t)buffer->bytes);
    } else if (x->op->role == AG_IS_PARAMETER || x->op->role == AG_IS_CONSTANT) {
        memcpy(to, x->attribute, (size_t)buffer->bytes);
    }
}

static int make_bodies(ag_run *r)
{
    const ag_plan *p = r->plan;
    for (int k = 0; k < p->nsteps; k++) {
        if (p->step[k].kind != AGI_LOOP) continue;
        const agi_loop_step *l = p->step[k].is.loop;
        for (int b = 0; b < 2; b++)
            if (l->body[b] && !(r->bodies[l->first_run + b] = agi_run_make(l->body[b], r))) return 0;
    }
    return 1;
}

ag_run *ag_run_new(const ag_plan *p)
{
    return p ? agi_run_make(p, NULL) : NULL;
}

_Static_assert(sizeof(ag_run) <= AGI_RUN_BYTES, "plans count on so many bytes for a run");

ag_run *agi_run_make(const ag_plan *p, const ag_run *outer)
{
    ag_run *r = agi_allocate(&p->allocator, AGI_RUN_BYTES);
    if (!r) return NULL;
    memset(r, 0, sizeof *r);
    r->plan = p;
    r->kernels[AG_F32] = agi_kernels_of(p->options.isa, AG_F32);
    r->kernels[AG_F64] = agi_kernels_of(p->options.isa, AG_F64);
    const agi_run_layout at = agi_lay_out_run(p, outer != NULL);
    const size_t places = (size_t)p->nplaces;
    r->allocated = agi_allocate(&p->allocator, AGI_ALIGNMENT + at.bytes);
    if (!r->allocated) {
        agi_release(&p->allocator, r);
        return NULL;
    }
    char *start = (char *)(((uintptr_t)r->allocated + AGI_ALIGNMENT - 1) / AGI_ALIGNMENT * AGI_ALIGNMENT);
    r->memory = (void **)start;
    r->bound = (void **)(start + at.bound);
    r->binding = (uint32_t *)(start + at.binding);
    r->unread = (uint8_t *)(start + at.unread);
    r->fed = (uint8_t *)(start + at.fed);
    r->bodies = (ag_run **)(start + at.bodies);
    r->block = start + at.block;
    r->scratch = outer ? outer->scratch : start + at.scratch;
    r->message = outer ? outer->message : start + at.messages;
    r->failure = outer ? outer->failure : r->message + AGI_MESSAGE_BYTES;
    memset(r->bound, 0, places * sizeof(void *));
    memset(r->unread, 0, places);
    memset(r->fed, 0, p->nbuffers);
    if (!outer) r->message[0] = r->failure[0] = 0;
    memset(r->bodies, 0, (size_t)p->nbodies * sizeof *r->bodies);
    for (uint32_t b = 0; b < p->nbuffers; b++)
        r->memory[b] = p->buffer[b].in_loop ? NULL : r->block + p->buffer[b].offset;
    for (int k = 0; k < p->nleaves; k++) start_leaf(r, p->leaf[k]);
    r->owns_pool = !outer && agi_threads_of(p) > 1;
    r->pool = outer ? outer->pool : r->owns_pool ? agi_pool_new(&p->allocator, agi_threads_of(p)) : NULL;
    if ((r->owns_pool && !r->pool) || !make_bodies(r)) {
        ag_run_free(r);
        return NULL;
    }
    return r;
}

void ag_run_free(ag_run *r)
{
    if (!r) return;
    const ag_plan *p = r->plan;
    agi_profile_free(r);
    for (int k = 0; k < p->nbodies; k++) ag_run_free(r->bodies[k]);
    if (r->owns_pool) agi_pool_free(r->pool);
    agi_release(&p->allocator, r->allocated);
    agi_release(&p->allocator, r);
}

/* ---- feeding and reading ---------------------------------------------------------------------------------------- */

static const agi_place *place_of(const ag_run *r, const ag_node *x)
{
    return ag_is_bad(x) ? NULL : agi_find_place(r->plan, x);
}

void agi_mark_fed(ag_run *r, uint32_t b)
{
    if (!r->fed[b]) r->missing--;
    r->fed[b] = 1;
}

static void refuse_reading(ag_run *r, const char *what, const ag_node *x)
{
    char why[AGI_MESSAGE_BYTES + 64];
    snprintf(why, sizeof why, "has no value: the last evaluation failed: %s", r->failure);
    if (x->op->role == AG_IS_INPUT) agi_fail_run(r, what, x, "has not been fed: call ag_feed");
    else agi_fail_run(r, what, x, *r->failure ? why : "has no value yet: call ag_eval");
}

static const void *find(ag_run *r, const char *what, const ag_node *x)
{
    const agi_place *at = place_of(r, x);
    if (!at) {
        agi_fail_run(r, what, x, "is no value of this plan: list it among the outputs of ag_compile");
        return NULL;
    }
    if (agi_awaits_value(r, at)) {
        refuse_reading(r, what, x);
        return NULL;
    }
    r->message[0] = 0;
    return agi_value_at(r, at);
}

const void *ag_data(const ag_run *r, const ag_node *x)
{
    return r ? find((ag_run *)r, "ag_data", x) : NULL;
}

ag_status ag_fetch(const ag_run *r, const ag_node *x, void *out)
{
    if (!r) return AG_EARG;
    if (!out) return agi_fail_run((ag_run *)r, "ag_fetch", x, "has nowhere to go: NULL");
    const void *from = find((ag_run *)r, "ag_fetch", x);
    if (!from) return AG_EARG;
    memcpy(out, from, (size_t)agi_node_bytes(agi_made(r, x)));
    return AG_OK;
}

/* NaN is a value, too: it has a message as a failure has, since nobody has asked for it. */
#define NAN_COMES_FROM "is NaN: compiled with .trap_nan = 1, ag_eval fails at the operation that makes the first one"

double ag_item(const ag_run *r, const ag_node *x)
{
    if (!r) return NAN;
    if (!ag_is_bad(x) && ag_count(agi_made(r, x)) != 1) {
        agi_fail_run((ag_run *)r, "ag_item", x, "has more than one element: use ag_data or ag_fetch");
        return NAN;
    }
    const void *at = find((ag_run *)r, "ag_item", x);
    if (!at) return NAN;
    if (x->dtype == AG_I64) return (double)*(const int64_t *)at;
    const double value = x->dtype == AG_F32 ? (double)*(const float *)at : *(const double *)at;
    if (isnan(value)) agi_fail_run((ag_run *)r, "ag_item", x, r->plan->options.trap_nan ? "is NaN" : NAN_COMES_FROM);
    return value;
}
