/* The steps of a plan, and loops and branches among them: a body is a plan of its own, whose functions find what it is
 * given through pointers and work in memory behind that of the plan around it. See loop_run.c, which does the same. */
#include "emit.h"
#include "../nodes/loop.h"

typedef struct {
    agi_emitter e;
    char prefix[AGI_NAME];
    int64_t at, bytes; /* its memory in the workspace around it; with its arrays */
} body;

typedef struct {
    agi_emitter *e; /* of the plan around it */
    const agi_loop_step *s;
    int step;
    body body[2];
    ag_source to;   /* the function that steps through it */
} printer;

/* ---- a body's buffers ------------------------------------------------------------------------------------------- */

/* What lies in the loop's memory is reached by a pointer of its own. */
static int place_buffer(body *b, uint32_t buffer)
{
    const agi_buffer *x = &b->e.plan->buffer[buffer];
    agi_reach *r = &b->e.reach[buffer];
    if (x->given) {
        *r = (agi_reach){ x->role == AGI_VALUE ? AGI_IN_RESULT : AGI_IN_LEAF, buffer };
    } else if (x->role == AGI_CONSTANT) {
        *r = (agi_reach){ AGI_IN_DATA, agi_add_array(&b->e, x, x->node->attribute) };
        return r->at >= 0;
    }
    return 1;
}

static int place_body(body *b, agi_arena *arena)
{
    const ag_plan *p = b->e.plan;
    b->e.reach = agi_arena_zeros(arena, p->nbuffers, sizeof *b->e.reach);
    if (!b->e.reach || !agi_find_leaves(&b->e, arena)) return 0;
    for (uint32_t k = 0; k < p->nbuffers; k++)
        if (!place_buffer(b, k)) return 0;
    agi_follow_owners(&b->e);
    b->e.scratch_at = agi_close_up(&b->e, arena);
    return b->e.scratch_at >= 0;
}

/* ---- a body's functions ----------------------------------------------------------------------------------------- */

static void emit_memory(const body *b)
{
    ag_source *to = b->e.to;
    ag_emit(to, "struct %s_memory {\n", b->prefix);
    for (uint32_t k = 0; k < b->e.plan->nbuffers; k++) {
        const agi_buffer *x = &b->e.plan->buffer[k];
        const char *type = ag_c_type((ag_dtype)x->dtype);
        if (x->given) ag_emit(to, x->role == AGI_VALUE ? "    %s *result%u;\n" : "    const %s *leaf%u;\n", type, k);
    }
    ag_emit(to, "    char *work;\n};\n\n");
}

static int emit_body(printer *p, int which, agi_arena *arena)
{
    body *b = &p->body[which];
    snprintf(b->prefix, sizeof b->prefix, "%s_%db%d", p->e->prefix, p->step, which);
    b->e = (agi_emitter){ .plan = p->s->body[which], .prefix = b->prefix, .top = p->e->top, .cblas = p->e->cblas,
                          .to = p->e->to, .arrays = p->e->arrays };
    if (!place_body(b, arena)) {
        p->e->to->failed = 1;
        return 1;
    }
    emit_memory(b);
    if (!agi_emit_steps(&b->e)) {
        p->e->missing = b->e.missing;
        return 0;
    }
    ag_emit(p->e->to, "static int %s(const struct %s_memory *m)\n{\n", b->prefix, b->prefix);
    agi_emit_runs(&b->e, p->e->to);
    ag_emit(p->e->to, "    return 0;\n}\n\n");
    b->bytes = b->e.scratch_at + b->e.scratch;
    return 1;
}

/* ---- transfers -------------------------------------------------------------------------------------------------- */

enum { PLACE = 96 }; /* room for an expression of a pointer */

/* Where a body has a buffer, seen from outside. */
static void print_inner(const printer *p, int which, uint32_t buffer, char text[PLACE])
{
    const agi_reach *r = &p->body[which].e.reach[buffer];
    if (r->kind == AGI_IN_LEAF) snprintf(text, PLACE, "body%d.leaf%u", which, buffer);
    else if (r->kind == AGI_IN_RESULT) snprintf(text, PLACE, "body%d.result%u", which, buffer);
    else if (r->kind == AGI_IN_DATA) snprintf(text, PLACE, "%s_data%lld", p->e->top, (long long)r->at);
    else snprintf(text, PLACE, "body%d.work + %lld", which, (long long)r->at);
}

/* Element t of a transfer in the memory around the body. */
static void print_outer(const printer *p, const agi_transfer *x, const char *t, char text[PLACE])
{
    int at = x->outer == p->s->out ? snprintf(text, PLACE, "out") : snprintf(text, PLACE, "in%u", x->outer);
    if (x->offset) at += snprintf(text + at, PLACE - (size_t)at, " + %lld", (long long)x->offset);
    if (x->stride) snprintf(text + at, PLACE - (size_t)at, " + %s * %lld", t, (long long)x->stride);
}

/* Copies n elements between two expressions of pointers. */
static void emit_copy(printer *p, const char *indent, ag_dtype dtype, int64_t n, const char *to, const char *from)
{
    char copy[AGI_NAME];
    const char *type = ag_c_type(dtype);
    agi_helper_name(p->e, "copy", dtype, copy);
    ag_emit(&p->to, "%s%s(%lld, (const %s *)(const void *)(%s), (%s *)(void *)(%s));\n", indent, copy, (long long)n, type,
            from, type, to);
}

static void emit_transfer(printer *p, const char *indent, const agi_transfer *x, int which, const char *outer)
{
    const agi_buffer *b = &p->body[which].e.plan->buffer[x->inner];
    ag_dtype dtype = (ag_dtype)b->dtype;
    int64_t n = x->bytes / (int64_t)ag_dtype_size(dtype);
    char inner[PLACE];
    print_inner(p, which, x->inner, inner);
    if (x->kind == AGI_COPY_IN) emit_copy(p, indent, dtype, n, inner, outer);
    else if (x->kind == AGI_COPY_OUT) emit_copy(p, indent, dtype, n, outer, inner);
    else ag_emit(&p->to, b->role == AGI_VALUE ? "%s%s = (%s *)(void *)(%s);\n" : "%s%s = (const %s *)(const void *)(%s);\n",
                 indent, inner, ag_c_type(dtype), outer);
}

static void emit_transfers(printer *p, const char *indent, const agi_transfers *list, int which, const char *t)
{
    for (int k = 0; k < list->count; k++) {
        char outer[PLACE];
        print_outer(p, &list->list[k], t, outer);
        emit_transfer(p, indent, &list->list[k], which, outer);
    }
}

/* The predicate, or the number of steps. */
static void emit_control(printer *p, const ag_node *x)
{
    char place[PLACE];
    print_outer(p, &p->s->control, "0", place);
    ag_emit(&p->to, "*(const %s *)(const void *)(%s)", ag_c_type((ag_dtype)x->dtype), place);
}

/* ---- loops ------------------------------------------------------------------------------------------------------ */

static void emit_run(printer *p, int which)
{
    ag_emit(&p->to, "        status = %s(&body%d);\n        if (status) return status;\n", p->body[which].prefix, which);
}

static void emit_test(printer *p, const ag_loop *l)
{
    char place[PLACE];
    for (int k = 0; k < p->s->states.count; k++) {
        print_inner(p, 0, p->s->states.list[k].outer, place);
        emit_transfer(p, "        ", &p->s->states.list[k], 1, place);
    }
    emit_run(p, 1);
    print_inner(p, 1, p->s->test, place);
    ag_emit(&p->to, "        if (!(*(const %s *)(const void *)(%s) != 0)) break;\n",
            ag_c_type((ag_dtype)l->test->dtype), place);
}

/* Slices that no step reaches hold zeros. */
static void emit_clearing(printer *p, const ag_loop *l)
{
    for (int k = 0; k < l->results; k++)
        if (p->s->part[ag_part_result(l, k)] >= 0)
            ag_emit(&p->to, "    for (made = 0; made < %lld; made++) out[%lld + made] = 0;\n",
                    (long long)(l->length * agi_node_bytes(l->result[k])), (long long)p->s->part[ag_part_result(l, k)]);
}

static void emit_loop(printer *p, const ag_loop *l)
{
    const agi_loop_step *s = p->s;
    const char *t = l->reverse ? "(length - 1 - made)" : "made";
    int endless = l->length == AG_UNBOUNDED && !l->counted;
    if (l->counted) {
        ag_emit(&p->to, "    length = (int64_t)");
        emit_control(p, s->node->in[s->node->nin - 1]);
        ag_emit(&p->to, ";\n");
    } else if (!endless) {
        ag_emit(&p->to, "    length = %lld;\n", (long long)l->length);
    }
    if (l->counted || l->test) emit_clearing(p, l);
    emit_transfers(p, "    ", &s->enter[0], 0, "0");
    emit_transfers(p, "    ", &s->enter[1], 1, "0");
    ag_emit(&p->to, endless ? "    for (made = 0;; made++) {\n" : "    for (made = 0; made < length; made++) {\n");
    if (l->test) emit_test(p, l);
    emit_transfers(p, "        ", &s->before, 0, t);
    emit_run(p, 0);
    emit_transfers(p, "        ", &s->after, 0, t);
    ag_emit(&p->to, "    }\n");
    emit_transfers(p, "    ", &s->leave[0], 0, "0");
    if (s->part[ag_part_count(l)] >= 0)
        ag_emit(&p->to, "    *(double *)(void *)(out + %lld) = (double)made;\n", (long long)s->part[ag_part_count(l)]);
}

static void emit_branch(printer *p)
{
    ag_emit(&p->to, "    if (");
    emit_control(p, p->s->node->in[0]);
    ag_emit(&p->to, " != 0) {\n");
    for (int which = 0; which < 2; which++) {
        if (which) ag_emit(&p->to, "    } else {\n");
        emit_transfers(p, "        ", &p->s->enter[which], which, "0");
        emit_run(p, which);
        emit_transfers(p, "        ", &p->s->leave[which], which, "0");
    }
    ag_emit(&p->to, "    }\n");
}

/* ---- the step --------------------------------------------------------------------------------------------------- */

/* Pointers to the buffers that the function reads; the first input in each says what it is. */
static void emit_inputs(printer *p)
{
    for (uint32_t b = 0; b < p->e->plan->nbuffers; b++) {
        char name[24];
        snprintf(name, sizeof name, "in%u", b);
        if (!agi_source_has(&p->to, name)) continue;
        ag_emit(p->e->to, "    const char *const %s = (const char *)(const void *)(", name);
        agi_emit_place(p->e, b, "char");
        ag_emit(p->e->to, ");");
        if (p->e->plan->buffer[b].node) {
            ag_emit(p->e->to, " /* ");
            agi_emit_node(p->e->to, p->e->plan->buffer[b].node);
            ag_emit(p->e->to, " */");
        }
        ag_emit(p->e->to, "\n");
    }
}

static void emit_step(printer *p)
{
    ag_source *to = p->e->to;
    static const char *const counters[] = { "made", "length" };
    int n = 0;
    agi_emit_head(p->e, "int", p->step, -1);
    emit_inputs(p);
    if (agi_source_has(&p->to, "out")) {
        ag_emit(to, "    char *const out = (char *)(void *)(");
        agi_emit_place(p->e, p->s->out, "char");
        ag_emit(to, ");\n");
    }
    for (int k = 0; k < 2; k++)
        if (p->s->body[k]) ag_emit(to, "    struct %s_memory body%d;\n", p->body[k].prefix, k);
    for (int k = 0; k < 2; k++)
        if (agi_source_has(&p->to, counters[k])) ag_emit(to, n++ ? ", %s" : "    int64_t %s", counters[k]);
    ag_emit(to, n ? ";\n    int status;\n" : "    int status;\n");
    for (int k = 0; k < 2; k++)
        if (p->s->body[k])
            ag_emit(to, "    body%d.work = m->work + %lld;\n", k, (long long)(p->e->scratch_at + p->body[k].at));
    agi_source_append(to, &p->to);
    ag_emit(to, "    return 0;\n}\n\n");
}

/* A loop's test works behind the body, as both keep their values; of a branch's bodies one is at work. */
static int emit_bodies(printer *p, agi_arena *arena)
{
    int branch = p->s->node->op == &agi_branch;
    for (int k = 0; k < 2; k++) {
        if (!p->s->body[k]) continue;
        if (!emit_body(p, k, arena)) return 0;
        p->body[k].at = k && !branch ? p->body[0].bytes : 0;
        int64_t end = p->body[k].at + p->body[k].bytes;
        if (end > p->e->scratch) p->e->scratch = end;
    }
    return 1;
}

static int emit_loop_step(agi_emitter *e, int step, const agi_loop_step *s)
{
    printer *p = agi_allocate(e->to->allocator, sizeof *p);
    agi_arena arena;
    if (!p) {
        e->to->failed = 1;
        return 1;
    }
    *p = (printer){ .e = e, .s = s, .step = step, .to = { .allocator = e->to->allocator } };
    agi_arena_init(&arena, e->to->allocator);
    int ok = emit_bodies(p, &arena);
    if (ok && !e->to->failed) {
        if (s->node->op == &agi_branch) emit_branch(p);
        else emit_loop(p, s->node->attribute);
        emit_step(p);
        e->to->failed |= p->to.failed;
    }
    agi_source_free(&p->to);
    agi_arena_free(&arena);
    agi_release(e->to->allocator, p);
    return ok;
}

/* ---- all steps -------------------------------------------------------------------------------------------------- */

int agi_emit_steps(agi_emitter *e)
{
    int written = 1;
    for (int k = 0; k < e->plan->nsteps && written; k++) {
        const agi_step *s = &e->plan->step[k];
        switch (s->kind) {
        case AGI_PASS: written = agi_emit_pass(e, k, s->is.group); break;
        case AGI_PROGRAM: written = agi_emit_program(e, k, s->is.program); break;
        case AGI_CALL: written = agi_emit_call(e, k, s->is.call); break;
        case AGI_LOOP: written = emit_loop_step(e, k, s->is.loop); break;
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
    int fails = 0;
    for (int k = 0; k < e->plan->nsteps; k++) fails |= can_fail(&e->plan->step[k]);
    if (fails) ag_emit(to, "    int status;\n");
    for (int k = 0; k < e->plan->nsteps; k++) {
        if (can_fail(&e->plan->step[k])) ag_emit(to, "    status = %s_%d(m);\n    if (status) return status;\n", e->prefix, k);
        else ag_emit(to, "    %s_%d(m);\n", e->prefix, k);
    }
    if (!e->plan->nsteps) ag_emit(to, "    (void)m;\n");
}
