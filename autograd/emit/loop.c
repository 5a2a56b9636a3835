/* Loops and branches as C. A flat body is written in place, see flat.c; any other is a plan of its own, whose functions
 * work in memory behind that of the plan around it and find what lies in the loop's memory through pointers. The
 * interpreter's are in run/loop.c. */
#include "loop_printer.h"
#include "control/loop.h"

static int place_body(agi_loop_body *b, agi_arena *arena)
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

static void emit_memory(const agi_loop_body *b)
{
    ag_source *to = b->e.to;
    ag_emit(to, "struct %s_memory {\n", b->prefix);
    for (uint32_t k = 0; k < b->e.plan->nbuffers; k++) {
        const agi_buffer *x = &b->e.plan->buffer[k];
        if (x->in_loop) ag_emit(to, "    %s *b%u;\n", ag_c_type((ag_dtype)x->dtype), k);
    }
    ag_emit(to, "    char *work;\n};\n\n");
}

static int begin_flat(agi_loop_printer *p, int which, agi_arena *arena)
{
    agi_loop_body *b = &p->body[which];
    snprintf(b->prefix, sizeof b->prefix, "_%d", 2 * p->e->depth + which);
    b->e = (agi_emitter){ .plan = p->s->body[which], .top = p->e->top, .native = p->e->native, .flat = b->prefix,
                          .libm = p->e->libm, .small = p->e->small,
                          .depth = p->e->depth + 1, .to = &p->to };
    if (!agi_find_leaves(&b->e, arena)) p->to.failed = 1;
    return 1;
}

static int emit_body(agi_loop_printer *p, int which, agi_arena *arena)
{
    agi_loop_body *b = &p->body[which];
    snprintf(b->prefix, sizeof b->prefix, "%s_%db%d", p->e->prefix, p->step, which);
    b->e = (agi_emitter){ .plan = p->s->body[which], .prefix = b->prefix, .top = p->e->top, .cblas = p->e->cblas,
                          .libm = p->e->libm, .small = p->e->small, .to = p->e->to, .arrays = p->e->arrays,
                          .sharing = p->e->sharing };
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
static int emit_bodies(agi_loop_printer *p, agi_arena *arena)
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

/* The predicate, or the number of steps. */
static void emit_control(agi_loop_printer *p, const ag_node *x)
{
    agi_emit_outer_element(p, p->s->control, 0, AGI_TO_READ, 0, "0", (ag_dtype)x->dtype);
}

static void emit_run(agi_loop_printer *p, const char *indent, int which)
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

static void emit_test(agi_loop_printer *p, const agi_loop_attribute *l)
{
    agi_emit_transfers(p, "        ", &p->s->states, 1, "0");
    emit_run(p, "        ", 1);
    ag_emit(&p->to, p->flat ? "        if (!(" : "        if (!(*");
    if (p->flat) agi_emit_local(&p->body[1].e, &p->to, p->s->test, 0, (ag_dtype)l->test->dtype);
    else agi_emit_inner(p, 1, p->s->test);
    ag_emit(&p->to, " != 0)) break;\n");
}

/* Loops in a function have names of their own, as their bodies' variables do. */
static void name_counters(agi_loop_printer *p, const agi_loop_attribute *l)
{
    char suffix[16] = "";
    if (p->flat) snprintf(suffix, sizeof suffix, "_%d", 2 * p->e->depth);
    snprintf(p->made, sizeof p->made, "made%s", suffix);
    if (l->counted) snprintf(p->length, sizeof p->length, "length%s", suffix);
    else snprintf(p->length, sizeof p->length, "%lld", (long long)l->length);
}

static void emit_loop(agi_loop_printer *p, const agi_loop_attribute *l)
{
    char t[64];
    int64_t count = p->s->part[agi_part_count(l)];
    int endless = l->length == AGI_UNBOUNDED && !l->counted;
    name_counters(p, l);
    if (!l->reverse) snprintf(t, sizeof t, "%s", p->made);
    else if (l->counted) snprintf(t, sizeof t, "(%s - 1 - %s)", p->length, p->made);
    else snprintf(t, sizeof t, "(%lld - %s)", (long long)l->length - 1, p->made);
    if (l->counted) {
        ag_emit(&p->to, "    const int64_t %s = (int64_t)", p->length);
        emit_control(p, p->s->node->in[p->s->node->nin - 1]);
        ag_emit(&p->to, ";\n");
    }
    agi_emit_transfers(p, "    ", &p->s->enter[0], 0, "0");
    if (l->test) agi_emit_transfers(p, "    ", &p->s->enter[1], 1, "0");
    if (endless) ag_emit(&p->to, "    for (%s = 0;; %s++) {\n", p->made, p->made);
    else ag_emit(&p->to, "    for (%s = 0; %s < %s; %s++) {\n", p->made, p->made, p->length, p->made);
    if (l->test) emit_test(p, l);
    agi_emit_transfers(p, "        ", &p->s->before, 0, t);
    emit_run(p, "        ", 0);
    agi_emit_transfers(p, "        ", &p->s->after, 0, t);
    ag_emit(&p->to, "    }\n");
    agi_emit_transfers(p, "    ", &p->s->leave[0], 0, "0");
    if (count < 0) return;
    ag_emit(&p->to, "    ");
    agi_emit_outer_element(p, (agi_transfer){ .outer = p->s->out, .offset = count }, 0, AGI_TO_WRITE, 0, "0", AG_F64);
    ag_emit(&p->to, " = (double)%s;\n", p->made);
}

static void emit_branch(agi_loop_printer *p)
{
    ag_emit(&p->to, "    if (");
    emit_control(p, p->s->node->in[0]);
    ag_emit(&p->to, " != 0) {\n");
    for (int which = 0; which < 2; which++) {
        if (which) ag_emit(&p->to, "    } else {\n");
        agi_emit_transfers(p, "        ", &p->s->enter[which], which, "0");
        emit_run(p, "        ", which);
        agi_emit_transfers(p, "        ", &p->s->leave[which], which, "0");
    }
    ag_emit(&p->to, "    }\n");
}

static void emit_pointer(agi_loop_printer *p, uint32_t buffer)
{
    const agi_buffer *b = &p->e->plan->buffer[buffer];
    int written = buffer == p->s->out;
    char name[24];
    snprintf(name, sizeof name, "o%u", buffer);
    if (!agi_source_has(&p->to, name) || !agi_declare(p->e, buffer)) return;
    agi_begin_pointer(p->e, written, "char", name);
    if (!p->e->native && p->e->reach[buffer].kind != AGI_IN_WORK)
        ag_emit(p->e->to, written ? "(char *)" : "(const char *)");
    agi_emit_place(p->e, buffer, "char");
    agi_end_pointer(p->e, b->node);
}

static void emit_pointers(agi_loop_printer *p)
{
    const agi_loop_step *s = p->s;
    const agi_transfers *const lists[] = { &s->enter[0], &s->enter[1], &s->before,
                                           &s->after, &s->leave[0], &s->leave[1] };
    emit_pointer(p, s->out);
    emit_pointer(p, s->control.outer);
    for (size_t k = 0; k < sizeof lists / sizeof lists[0]; k++)
        for (int j = 0; j < lists[k]->count; j++) emit_pointer(p, lists[k]->list[j].outer);
}

static void emit_variables(agi_loop_printer *p, ag_source *to)
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
static void emit_step(agi_loop_printer *p)
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
    agi_loop_printer *p = agi_allocate(e->to->allocator, sizeof *p);
    agi_arena arena;
    if (!p) {
        e->to->failed = 1;
        return 1;
    }
    *p = (agi_loop_printer){ .e = e, .s = s, .step = step, .to = { .allocator = e->to->allocator } };
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
