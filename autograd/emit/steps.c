/* The steps of a plan, and loops and branches among them. A flat body is written in place, see emit_flat.c; any other
 * is a plan of its own, whose functions work in memory behind that of the plan around it and find what lies in the
 * loop's memory through pointers. See loop_run.c. */
#include "emit.h"
#include "control/loop.h"

typedef struct {
    agi_emitter e;
    char prefix[AGI_NAME]; /* or what a flat body's variables end in */
    int64_t at, bytes; /* its memory in the workspace around it */
} body;

typedef struct {
    agi_emitter *e; /* of the plan around it */
    const agi_loop_step *s;
    int step, flat;
    body body[2];
    char made[24], length[24]; /* its counter and its number of steps, in C */
    ag_source to;   /* the function that steps through it */
} printer;

/* ---- bodies ------------------------------------------------------------------------------------------------------ */

static int place_body(body *b, agi_arena *arena)
{
    const ag_plan *p = b->e.plan;
    b->e.reach = agi_arena_zeros(arena, p->nbuffers, sizeof *b->e.reach);
    if (!b->e.reach || !agi_find_leaves(&b->e, arena)) return 0;
    for (uint32_t k = 0; k < p->nbuffers; k++) {
        const agi_buffer *x = &p->buffer[k];
        if (x->in_loop) b->e.reach[k] = (agi_reach){ .kind = AGI_IN_MEMBER, .at = k };
        else if (x->role == AGI_CONSTANT)
            b->e.reach[k] = (agi_reach){ .kind = AGI_IN_DATA, .at = agi_add_array(&b->e, x, x->node->attribute) };
        if (b->e.reach[k].at < 0) return 0;
    }
    agi_follow_owners(&b->e);
    b->e.scratch_at = agi_close_up(&b->e, arena);
    return b->e.scratch_at >= 0;
}

static void emit_memory(const body *b)
{
    ag_source *to = b->e.to;
    ag_emit(to, "struct %s_memory {\n", b->prefix);
    for (uint32_t k = 0; k < b->e.plan->nbuffers; k++) {
        const agi_buffer *x = &b->e.plan->buffer[k];
        if (x->in_loop) ag_emit(to, "    %s *b%u;\n", ag_c_type((ag_dtype)x->dtype), k);
    }
    ag_emit(to, "    char *work;\n};\n\n");
}

static int begin_flat(printer *p, int which, agi_arena *arena)
{
    body *b = &p->body[which];
    snprintf(b->prefix, sizeof b->prefix, "_%d", 2 * p->e->depth + which);
    b->e = (agi_emitter){ .plan = p->s->body[which], .top = p->e->top, .native = p->e->native, .flat = b->prefix,
                          .depth = p->e->depth + 1, .to = &p->to };
    if (!agi_find_leaves(&b->e, arena)) p->to.failed = 1;
    return 1;
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

/* A loop works with its body and its test at the same time, a branch with one of two bodies. */
static int emit_bodies(printer *p, agi_arena *arena)
{
    for (int k = 0; k < 2; k++) {
        if (!p->s->body[k]) continue;
        if (!(p->flat ? begin_flat(p, k, arena) : emit_body(p, k, arena))) return 0;
        if (k && !(p->s->node->op->flags & AG_BRANCH)) p->body[1].at = p->body[0].bytes;
        int64_t end = p->body[k].at + p->body[k].bytes;
        if (end > p->e->scratch) p->e->scratch = end;
    }
    return 1;
}

/* ---- transfers --------------------------------------------------------------------------------------------------- */

/* Where body `which` has a buffer, as a pointer of its type. */
static void emit_inner(printer *p, int which, uint32_t buffer)
{
    agi_emitter *e = &p->body[which].e;
    char memory[24];
    snprintf(memory, sizeof memory, "body%d.", which);
    e->to = &p->to;
    e->memory = memory;
    agi_emit_place(e, buffer, ag_c_type((ag_dtype)e->plan->buffer[buffer].dtype));
    e->to = p->e->to;
    e->memory = NULL;
}

/* What the pointer to a transfer's outer side is for. Bodies have pointers of one type to what they read and to what
 * they write. */
typedef enum { TO_READ, TO_WRITE, TO_KEEP } purpose;

/* Is that pointer of the loop's body one already? Those to constants are for reading alone. */
static int is_pointer_to(const printer *p, uint32_t buffer, purpose why, const char *type)
{
    const agi_emitter *e = &p->body[0].e;
    int constant = e->reach[buffer].kind == AGI_IN_DATA;
    return !strcmp(ag_c_type((ag_dtype)e->plan->buffer[buffer].dtype), type) && (why == TO_READ || !constant);
}

/* Element t of a transfer's outer side: in the memory of the plan around, or in that of the loop's body. */
static void emit_outer(printer *p, const agi_transfer *x, int from_body, purpose why, const char *t, const char *type)
{
    static const char *const casts[] = { "(const %s *)(const void *)", "(%s *)(void *)", "(%s *)(uintptr_t)" };
    int first = !x->offset && !x->stride;
    if (from_body && first && is_pointer_to(p, x->outer, why, type)) {
        emit_inner(p, 0, x->outer);
        return;
    }
    ag_emit(&p->to, casts[why], type);
    if (!first) ag_emit(&p->to, "(");
    if (from_body) ag_emit(&p->to, first ? "" : "(const char *)"), emit_inner(p, 0, x->outer);
    else ag_emit(&p->to, "o%u", x->outer);
    if (x->offset) ag_emit(&p->to, " + %lld", (long long)x->offset);
    if (x->stride) ag_emit(&p->to, " + %s * %lld", t, (long long)x->stride);
    if (!first) ag_emit(&p->to, ")");
}

/* The flat body among whose variables the outer side is; or NULL. */
static const agi_emitter *flat_outside(const printer *p, int from_body)
{
    return p->flat && from_body ? &p->body[0].e : p->e->flat ? p->e : NULL;
}

/* The element of that type, so many bytes further. */
static void emit_outer_element(printer *p, agi_transfer x, int from_body, purpose why, int64_t bytes, const char *t,
                               ag_dtype dtype)
{
    const agi_emitter *flat = flat_outside(p, from_body);
    x.offset += bytes;
    if (flat) {
        agi_emit_local(flat, &p->to, x.outer, x.offset, dtype);
    } else {
        ag_emit(&p->to, "*");
        emit_outer(p, &x, from_body, why, t, ag_c_type(dtype));
    }
}

/* To or from a flat body: an element a statement. */
static void emit_moves(printer *p, const char *indent, const agi_transfer *x, int from_body, int which, const char *t)
{
    const agi_emitter *e = &p->body[which].e;
    ag_dtype dtype = (ag_dtype)e->plan->buffer[x->inner].dtype;
    if (x->kind == AGI_BY_ADDRESS) {
        ag_emit(&p->to, flat_outside(p, from_body) ? "%sb%u%s = &" : "%sb%u%s = ", indent, x->inner, e->flat);
        if (flat_outside(p, from_body)) emit_outer_element(p, *x, from_body, TO_KEEP, 0, t, dtype);
        else emit_outer(p, x, from_body, TO_KEEP, t, ag_c_type(dtype));
        ag_emit(&p->to, ";\n");
        return;
    }
    for (int64_t at = 0; at < x->bytes; at += (int64_t)ag_dtype_size(dtype)) {
        ag_emit(&p->to, "%s", indent);
        if (x->kind == AGI_COPY_IN) agi_emit_local(e, &p->to, x->inner, at, dtype);
        else emit_outer_element(p, *x, from_body, TO_WRITE, at, t, dtype);
        ag_emit(&p->to, " = ");
        if (x->kind == AGI_COPY_IN) emit_outer_element(p, *x, from_body, TO_READ, at, t, dtype);
        else agi_emit_local(e, &p->to, x->inner, at, dtype);
        ag_emit(&p->to, ";\n");
    }
}

static void emit_transfer(printer *p, const char *indent, const agi_transfer *x, int from_body, int which,
                          const char *t)
{
    ag_dtype dtype = (ag_dtype)p->body[which].e.plan->buffer[x->inner].dtype;
    char copy[AGI_NAME];
    const char *type = ag_c_type(dtype);
    if (x->kind == AGI_BY_ADDRESS) {
        ag_emit(&p->to, "%sbody%d.b%u = ", indent, which, x->inner);
        emit_outer(p, x, from_body, TO_KEEP, t, type);
        ag_emit(&p->to, ";\n");
        return;
    }
    agi_helper_name(p->e, "copy", dtype, copy);
    ag_emit(&p->to, "%s%s(%lld, ", indent, copy, (long long)(x->bytes / (int64_t)ag_dtype_size(dtype)));
    if (x->kind == AGI_COPY_IN) emit_outer(p, x, from_body, TO_READ, t, type);
    else emit_inner(p, which, x->inner);
    ag_emit(&p->to, ", ");
    if (x->kind == AGI_COPY_IN) emit_inner(p, which, x->inner);
    else emit_outer(p, x, from_body, TO_WRITE, t, type);
    ag_emit(&p->to, ");\n");
}

static void emit_transfers(printer *p, const char *indent, const agi_transfers *list, int which, const char *t)
{
    int from_body = list == &p->s->states;
    for (const agi_transfer *x = list->list, *end = x + list->count; x < end; x++) {
        if (p->flat) emit_moves(p, indent, x, from_body, which, t);
        else emit_transfer(p, indent, x, from_body, which, t);
    }
}

/* The predicate, or the number of steps. */
static void emit_control(printer *p, const ag_node *x)
{
    emit_outer_element(p, p->s->control, 0, TO_READ, 0, "0", (ag_dtype)x->dtype);
}

/* ---- loops and branches ------------------------------------------------------------------------------------------ */

static void emit_run(printer *p, const char *indent, int which)
{
    if (p->flat) {
        ag_source steps = { .allocator = p->to.allocator };
        p->body[which].e.to = &steps;
        agi_emit_flat_steps(&p->body[which].e);
        agi_source_append_lines(&p->to, &steps, 1);
        agi_source_free(&steps);
        return;
    }
    ag_emit(&p->to, "%sstatus = %s(&body%d);\n", indent, p->body[which].prefix, which);
    ag_emit(&p->to, "%sif (status) return status;\n", indent);
}

/* Slices that no step reaches hold zeros. */
static void emit_clearing(printer *p, const agi_loop_attribute *l)
{
    for (int k = 0; k < l->results; k++) {
        int64_t at = p->s->part[agi_part_result(l, k)];
        if (at >= 0)
            ag_emit(&p->to, "    for (%s = 0; %s < %lld; %s++) o%u[%lld + %s] = 0;\n", p->made, p->made,
                    (long long)(l->length * agi_node_bytes(l->result[k])), p->made, p->s->out, (long long)at, p->made);
    }
}

static void emit_test(printer *p, const agi_loop_attribute *l)
{
    emit_transfers(p, "        ", &p->s->states, 1, "0");
    emit_run(p, "        ", 1);
    ag_emit(&p->to, p->flat ? "        if (!(" : "        if (!(*");
    if (p->flat) agi_emit_local(&p->body[1].e, &p->to, p->s->test, 0, (ag_dtype)l->test->dtype);
    else emit_inner(p, 1, p->s->test);
    ag_emit(&p->to, " != 0)) break;\n");
}

/* Loops in a function have names of their own, as their bodies' variables do. */
static void name_counters(printer *p, const agi_loop_attribute *l)
{
    char suffix[16] = "";
    if (p->flat) snprintf(suffix, sizeof suffix, "_%d", 2 * p->e->depth);
    snprintf(p->made, sizeof p->made, "made%s", suffix);
    if (l->counted) snprintf(p->length, sizeof p->length, "length%s", suffix);
    else snprintf(p->length, sizeof p->length, "%lld", (long long)l->length);
}

static void emit_loop(printer *p, const agi_loop_attribute *l)
{
    char t[64];
    int64_t count = p->s->part[agi_part_count(l)];
    int endless = l->length == AGI_UNBOUNDED && !l->counted;
    name_counters(p, l);
    if (!l->reverse) snprintf(t, sizeof t, "%s", p->made);
    else if (l->counted) snprintf(t, sizeof t, "(%s - 1 - %s)", p->length, p->made);
    else snprintf(t, sizeof t, "(%lld - %s)", (long long)l->length - 1, p->made);
    if (l->counted || l->test) emit_clearing(p, l);
    if (l->counted) {
        ag_emit(&p->to, "    const int64_t %s = (int64_t)", p->length);
        emit_control(p, p->s->node->in[p->s->node->nin - 1]);
        ag_emit(&p->to, ";\n");
    }
    emit_transfers(p, "    ", &p->s->enter[0], 0, "0");
    if (l->test) emit_transfers(p, "    ", &p->s->enter[1], 1, "0");
    if (endless) ag_emit(&p->to, "    for (%s = 0;; %s++) {\n", p->made, p->made);
    else ag_emit(&p->to, "    for (%s = 0; %s < %s; %s++) {\n", p->made, p->made, p->length, p->made);
    if (l->test) emit_test(p, l);
    emit_transfers(p, "        ", &p->s->before, 0, t);
    emit_run(p, "        ", 0);
    emit_transfers(p, "        ", &p->s->after, 0, t);
    ag_emit(&p->to, "    }\n");
    emit_transfers(p, "    ", &p->s->leave[0], 0, "0");
    if (count < 0) return;
    ag_emit(&p->to, "    ");
    emit_outer_element(p, (agi_transfer){ .outer = p->s->out, .offset = count }, 0, TO_WRITE, 0, "0", AG_F64);
    ag_emit(&p->to, " = (double)%s;\n", p->made);
}

static void emit_branch(printer *p)
{
    ag_emit(&p->to, "    if (");
    emit_control(p, p->s->node->in[0]);
    ag_emit(&p->to, " != 0) {\n");
    for (int which = 0; which < 2; which++) {
        if (which) ag_emit(&p->to, "    } else {\n");
        emit_transfers(p, "        ", &p->s->enter[which], which, "0");
        emit_run(p, "        ", which);
        emit_transfers(p, "        ", &p->s->leave[which], which, "0");
    }
    ag_emit(&p->to, "    }\n");
}

/* ---- the step ---------------------------------------------------------------------------------------------------- */

static void emit_pointer(printer *p, uint32_t buffer)
{
    const agi_buffer *b = &p->e->plan->buffer[buffer];
    int written = buffer == p->s->out;
    char name[24];
    snprintf(name, sizeof name, "o%u", buffer);
    if (!agi_source_has(&p->to, name) || !agi_declare(p->e, buffer)) return;
    ag_emit(p->e->to, written ? "    char *const %s = " : "    const char *const %s = ", name);
    if (!p->e->native && p->e->reach[buffer].kind != AGI_IN_WORK)
        ag_emit(p->e->to, written ? "(char *)" : "(const char *)");
    agi_emit_place(p->e, buffer, "char");
    ag_emit(p->e->to, ";");
    if (b->node) {
        ag_emit(p->e->to, " /* ");
        agi_emit_node(p->e->to, b->node);
        ag_emit(p->e->to, " */");
    }
    ag_emit(p->e->to, "\n");
}

static void emit_pointers(printer *p)
{
    const agi_loop_step *s = p->s;
    const agi_transfers *const lists[] = { &s->enter[0], &s->enter[1], &s->before,
                                           &s->after, &s->leave[0], &s->leave[1] };
    emit_pointer(p, s->out);
    emit_pointer(p, s->control.outer);
    for (size_t k = 0; k < sizeof lists / sizeof lists[0]; k++)
        for (int j = 0; j < lists[k]->count; j++) emit_pointer(p, lists[k]->list[j].outer);
}

static void emit_variables(printer *p, ag_source *to)
{
    if (*p->made && agi_source_has(&p->to, p->made)) ag_emit(to, "    int64_t %s;\n", p->made);
    for (int k = 0; k < 2; k++)
        if (p->flat && p->s->body[k]) agi_emit_locals(&p->body[k].e, &p->to, to);
    if (p->flat) return;
    ag_emit(to, "    int status;\n");
    for (int k = 0; k < 2; k++)
        if (p->s->body[k]) ag_emit(to, "    struct %s_memory body%d;\n", p->body[k].prefix, k);
    for (int k = 0; k < 2; k++)
        if (p->s->body[k])
            ag_emit(to, "    body%d.work = m->work + %lld;\n", k, (long long)(p->e->scratch_at + p->body[k].at));
}

/* A function, or a block among the statements of a flat body. */
static void emit_step(printer *p)
{
    ag_source *to = p->e->to, text = { .allocator = to->allocator };
    const char *comment = p->s->node->op->flags & AG_BRANCH ? "one of two branches" : "a loop";
    int in_place = p->e->flat != NULL;
    if (in_place) {
        ag_emit(to, "    { /* %s */\n", comment);
    } else {
        ag_emit(to, "/* %s */\n", comment);
        agi_emit_head(p->e, "int", p->step, -1);
        emit_pointers(p);
    }
    emit_variables(p, &text);
    agi_source_append(&text, &p->to);
    agi_source_append_lines(to, &text, in_place);
    agi_source_free(&text);
    ag_emit(to, in_place ? "    }\n" : "    return 0;\n}\n\n");
}

int agi_emit_loop_step(agi_emitter *e, int step, const agi_loop_step *s)
{
    printer *p = agi_allocate(e->to->allocator, sizeof *p);
    agi_arena arena;
    if (!p) {
        e->to->failed = 1;
        return 1;
    }
    *p = (printer){ .e = e, .s = s, .step = step, .to = { .allocator = e->to->allocator } };
    p->flat = agi_flat_statements(s) >= 0;
    agi_arena_init(&arena, e->to->allocator);
    int ok = emit_bodies(p, &arena);
    if (ok && !e->to->failed) {
        if (s->node->op->flags & AG_BRANCH) emit_branch(p);
        else emit_loop(p, s->node->attribute);
        emit_step(p);
        e->to->failed |= p->to.failed;
    }
    agi_source_free(&p->to);
    agi_arena_free(&arena);
    agi_release(e->to->allocator, p);
    return ok;
}
/* ---- all steps --------------------------------------------------------------------------------------------------- */

int agi_emit_steps(agi_emitter *e)
{
    int written = 1;
    for (int k = 0; k < e->plan->nsteps && written; k++) {
        const agi_step *s = &e->plan->step[k];
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
    int fails = 0;
    for (int k = 0; k < e->plan->nsteps; k++) fails |= can_fail(&e->plan->step[k]);
    if (fails) ag_emit(to, "    int status;\n");
    for (int k = 0; k < e->plan->nsteps; k++) {
        if (can_fail(&e->plan->step[k]))
            ag_emit(to, "    status = %s_%d(m);\n    if (status) return status;\n", e->prefix, k);
        else ag_emit(to, "    %s_%d(m);\n", e->prefix, k);
    }
    if (!e->plan->nsteps) ag_emit(to, "    (void)m;\n");
}
