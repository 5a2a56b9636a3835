/* The steps of a plan, and loops and branches among them: a body is a plan of its own, whose functions find its leaves
 * through pointers and work in memory behind that of the plan around it. See loop.c, which does the same. */
#include "emit.h"
#include "../nodes/loop.h"

typedef struct {
    agi_emitter e;
    char prefix[AGI_NAME];
    const uint32_t *inner;   /* its buffers by input of the node, then by result */
    int states, inputs, results;
    int64_t at, bytes;       /* its memory in the workspace around it; with its arrays */
    uint8_t *direct;         /* by result: computed where it is stacked */
} body;

typedef struct {
    agi_emitter *e; /* of the plan around it */
    const agi_loop_step *s;
    int step;
    body body[2];
    ag_source to;   /* the function that steps through it */
} printer;

/* ---- a body's buffers --------------------------------------------------------------------------------------------- */

static int input_of(const body *b, uint32_t buffer)
{
    for (int k = 0; k < b->inputs; k++)
        if (b->inner[k] == buffer) return k;
    return -1;
}

/* States, and what scalar programs read or assignments take over, are copied into the body's memory; see give of loop.c. */
static int place_leaf(body *b, uint32_t buffer)
{
    const agi_buffer *x = &b->e.plan->buffer[buffer];
    int input = input_of(b, buffer);
    if (x->role == AGI_CONSTANT) {
        b->e.reach[buffer] = (agi_reach){ AGI_IN_DATA, agi_add_array(&b->e, x, x->node->attribute) };
        return b->e.reach[buffer].at >= 0;
    }
    if (x->role == AGI_LEAF && input >= b->states && !x->scalar && !x->taken)
        b->e.reach[buffer] = (agi_reach){ AGI_IN_LEAF, input };
    return 1;
}

static void place_results(body *b, const int64_t *part)
{
    for (int k = 0; k < b->results; k++) {
        uint32_t buffer = b->inner[b->inputs + k];
        if (part[k] < 0 || buffer == AGI_NONE) continue;
        const agi_buffer *x = &b->e.plan->buffer[buffer];
        agi_reach *r = &b->e.reach[buffer];
        if (x->role != AGI_VALUE || x->scalar || x->shares != AGI_NONE || r->kind != AGI_IN_WORK) continue;
        *r = (agi_reach){ AGI_IN_RESULT, k };
        b->direct[k] = 1;
    }
}

/* part: where the results go, or -1. NULL: they are read in the body's memory. */
static int place_body(body *b, agi_arena *arena, const int64_t *part)
{
    const ag_plan *p = b->e.plan;
    b->e.reach = agi_arena_zeros(arena, p->nbuffers, sizeof *b->e.reach);
    b->direct = agi_arena_zeros(arena, (size_t)b->results + 1, 1);
    if (!b->e.reach || !b->direct || !agi_find_leaves(&b->e, arena)) return 0;
    for (uint32_t k = 0; k < p->nbuffers; k++)
        if (!place_leaf(b, k)) return 0;
    if (part) place_results(b, part);
    agi_follow_owners(&b->e);
    b->e.scratch_at = agi_close_up(&b->e, arena);
    return b->e.scratch_at >= 0;
}

/* ---- a body's functions ------------------------------------------------------------------------------------------- */

static void emit_memory(const body *b)
{
    ag_source *to = b->e.to;
    ag_emit(to, "struct %s_memory {\n", b->prefix);
    for (uint32_t k = 0; k < b->e.plan->nbuffers; k++) {
        const agi_reach *r = &b->e.reach[k];
        const agi_buffer *x = &b->e.plan->buffer[k];
        if (r->kind == AGI_IN_LEAF && x->role == AGI_LEAF)
            ag_emit(to, "    const %s *leaf%lld;\n", ag_c_type((ag_dtype)x->dtype), (long long)r->at);
        if (r->kind == AGI_IN_RESULT && b->inner[b->inputs + r->at] == k)
            ag_emit(to, "    %s *result%lld;\n", ag_c_type((ag_dtype)x->dtype), (long long)r->at);
    }
    ag_emit(to, "    char *work;\n};\n\n");
}

static int emit_body(printer *p, int which, agi_arena *arena, const int64_t *part)
{
    body *b = &p->body[which];
    snprintf(b->prefix, sizeof b->prefix, "%s_%db%d", p->e->prefix, p->step, which);
    b->e = (agi_emitter){ .plan = p->s->body[which], .prefix = b->prefix, .top = p->e->top, .cblas = p->e->cblas, .to = p->e->to,
                          .arrays = p->e->arrays };
    if (!place_body(b, arena, part)) {
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

/* ---- the step's function: pointers -------------------------------------------------------------------------------- */

static void emit_count(ag_source *to, const char *text, int64_t n)
{
    ag_emit(to, text, (long long)n);
}

/* A number of rank 0 among the inputs. */
static void emit_number_input(printer *p, int k)
{
    ag_emit(&p->to, "*(const %s *)(const void *)in%d", ag_c_type((ag_dtype)p->s->node->in[k]->dtype), k);
}

/* Copies n elements between two expressions of pointers. */
static void emit_copy(printer *p, const char *indent, ag_dtype dtype, int64_t n, const char *to, const char *from)
{
    char copy[AGI_NAME];
    const char *type = ag_c_type(dtype);
    agi_helper_name(p->e, "copy", dtype, copy);
    ag_emit(&p->to, "%s%s(%lld, (const %s *)(const void *)(%s), (%s *)(void *)(%s));\n", indent, copy, (long long)n, type, from,
            type, to);
}

/* Where a body has a buffer, seen from outside. */
static void print_inner(const printer *p, int which, uint32_t buffer, char text[64])
{
    const agi_reach *r = &p->body[which].e.reach[buffer];
    if (r->kind == AGI_IN_LEAF) snprintf(text, 64, "body%d.leaf%lld", which, (long long)r->at);
    else if (r->kind == AGI_IN_RESULT) snprintf(text, 64, "body%d.result%lld", which, (long long)r->at);
    else snprintf(text, 64, "body%d.work + %lld", which, (long long)r->at);
}

/* Lets input k of the node be `from` in a body: by pointer, or copied. */
static void give(printer *p, const char *indent, int which, int k, const char *from)
{
    const body *b = &p->body[which];
    uint32_t buffer = b->inner[k];
    char to[64];
    if (buffer == AGI_NONE) return;
    const agi_buffer *x = &b->e.plan->buffer[buffer];
    print_inner(p, which, buffer, to);
    if (b->e.reach[buffer].kind == AGI_IN_LEAF)
        ag_emit(&p->to, "%s%s = (const %s *)(const void *)(%s);\n", indent, to, ag_c_type((ag_dtype)x->dtype), from);
    else emit_copy(p, indent, (ag_dtype)x->dtype, ag_count(x->node), to, from);
}

static void give_captures(printer *p, int which, int first, int n)
{
    for (int k = first; k < first + n; k++) {
        char from[24];
        snprintf(from, sizeof from, "in%d", k);
        give(p, "    ", which, k, from);
    }
}

/* ---- loops -------------------------------------------------------------------------------------------------------- */

static void print_part(const printer *p, int part, const char *t, int64_t bytes, char text[96])
{
    snprintf(text, 96, "out + %lld + %s * %lld", (long long)p->s->part[part], t, (long long)bytes);
}

static void emit_test(printer *p, const ag_loop *l)
{
    const body *b = &p->body[1];
    char from[64], value[64];
    for (int k = 0; k < l->states; k++) {
        if (b->inner[k] == AGI_NONE) continue;
        print_inner(p, 0, p->body[0].inner[k], from);
        give(p, "        ", 1, k, from);
    }
    ag_emit(&p->to, "        status = %s(&body1);\n        if (status) return status;\n", b->prefix);
    print_inner(p, 1, b->inner[b->inputs], value);
    ag_emit(&p->to, "        if (!(*(const %s *)(const void *)(%s) != 0)) break;\n", ag_c_type((ag_dtype)l->test->dtype), value);
}

static void emit_iteration(printer *p, const ag_loop *l)
{
    const agi_loop_step *s = p->s;
    const body *b = &p->body[0];
    const char *t = l->reverse ? "(length - 1 - made)" : "made";
    char to[96], from[96];
    for (int k = 0; k < l->states; k++) {
        if (s->part[ag_part_before(l, k)] < 0) continue;
        print_part(p, ag_part_before(l, k), t, agi_node_bytes(l->state[k]), to);
        print_inner(p, 0, b->inner[k], from);
        emit_copy(p, "        ", (ag_dtype)l->state[k]->dtype, ag_count(l->state[k]), to, from);
    }
    for (int k = 0; k < l->elements; k++) {
        snprintf(from, sizeof from, "in%d + %s * %lld", l->states + k, t, (long long)agi_node_bytes(l->element[k]));
        give(p, "        ", 0, l->states + k, from);
    }
    for (int k = 0; k < l->results; k++) {
        if (!b->direct[k]) continue;
        print_part(p, ag_part_result(l, k), t, agi_node_bytes(l->result[k]), to);
        ag_emit(&p->to, "        body0.result%d = (%s *)(void *)(%s);\n", k, ag_c_type((ag_dtype)l->result[k]->dtype), to);
    }
    ag_emit(&p->to, "        status = %s(&body0);\n        if (status) return status;\n", b->prefix);
    for (int k = 0; k < l->results; k++) {
        if (s->part[ag_part_result(l, k)] < 0 || b->direct[k]) continue;
        print_part(p, ag_part_result(l, k), t, agi_node_bytes(l->result[k]), to);
        print_inner(p, 0, b->inner[b->inputs + k], from);
        emit_copy(p, "        ", (ag_dtype)l->result[k]->dtype, ag_count(l->result[k]), to, from);
    }
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
    const body *b = &p->body[0];
    char from[64], to[96];
    int shared = l->states + l->elements;
    if (l->counted) {
        ag_emit(&p->to, "    length = (int64_t)");
        emit_number_input(p, (int)p->s->node->nin - 1);
        ag_emit(&p->to, ";\n");
    } else if (l->length != AG_UNBOUNDED) {
        emit_count(&p->to, "    length = %lld;\n", l->length);
    }
    if (l->counted || l->test) emit_clearing(p, l);
    give_captures(p, 0, shared, l->captures);
    if (l->test) give_captures(p, 1, shared, l->captures);
    for (int k = 0; k < l->states; k++) {
        snprintf(from, sizeof from, "in%d", k);
        give(p, "    ", 0, k, from);
    }
    ag_emit(&p->to, l->length == AG_UNBOUNDED && !l->counted ? "    for (made = 0;; made++) {\n"
                                                              : "    for (made = 0; made < length; made++) {\n");
    if (l->test) emit_test(p, l);
    emit_iteration(p, l);
    ag_emit(&p->to, "    }\n");
    for (int k = 0; k < l->states; k++) {
        if (p->s->part[ag_part_final(l, k)] < 0) continue;
        print_part(p, ag_part_final(l, k), "0", 0, to);
        print_inner(p, 0, b->inner[k], from);
        emit_copy(p, "    ", (ag_dtype)l->state[k]->dtype, ag_count(l->state[k]), to, from);
    }
    if (p->s->part[ag_part_count(l)] >= 0)
        emit_count(&p->to, "    *(double *)(void *)(out + %lld) = (double)made;\n", p->s->part[ag_part_count(l)]);
}

static void emit_branch(printer *p, const ag_branch *b)
{
    ag_emit(&p->to, "    if (");
    emit_number_input(p, 0);
    ag_emit(&p->to, " != 0) {\n");
    for (int which = 0; which < 2; which++) {
        const body *taken = &p->body[which];
        if (which) ag_emit(&p->to, "    } else {\n");
        for (int k = 0; k < taken->inputs; k++) {
            char from[24];
            snprintf(from, sizeof from, "in%d", k + 1);
            give(p, "        ", which, k, from);
        }
        ag_emit(&p->to, "        status = %s(&body%d);\n        if (status) return status;\n", taken->prefix, which);
        for (int k = 0; k < b->results; k++) {
            char from[64], to[96];
            if (p->s->part[k] < 0) continue;
            print_part(p, k, "0", 0, to);
            print_inner(p, which, taken->inner[taken->inputs + k], from);
            emit_copy(p, "        ", (ag_dtype)b->then[k]->dtype, ag_count(b->then[k]), to, from);
        }
    }
    ag_emit(&p->to, "    }\n");
}

/* ---- the step ----------------------------------------------------------------------------------------------------- */

static void emit_input(printer *p, int k)
{
    char name[24];
    snprintf(name, sizeof name, "in%d", k);
    if (!agi_source_has(&p->to, name)) return;
    ag_emit(p->e->to, "    const char *const %s = (const char *)(const void *)(", name);
    agi_emit_place(p->e, p->s->in[k], "char");
    ag_emit(p->e->to, ") + %lld; /* ", (long long)p->s->offset[k]);
    agi_emit_node(p->e->to, p->s->node->in[k]);
    ag_emit(p->e->to, " */\n");
}

static void emit_step(printer *p)
{
    ag_source *to = p->e->to;
    static const char *const counters[] = { "made", "length" };
    int n = 0;
    agi_emit_head(p->e, "int", p->step, -1);
    for (int k = 0; k < (int)p->s->node->nin; k++) emit_input(p, k);
    ag_emit(to, "    char *const out = (char *)(void *)(");
    agi_emit_place(p->e, p->s->out, "char");
    ag_emit(to, ");\n");
    for (int k = 0; k < 2; k++)
        if (p->s->body[k]) ag_emit(to, "    struct %s_memory body%d;\n", p->body[k].prefix, k);
    for (int k = 0; k < 2; k++)
        if (agi_source_has(&p->to, counters[k])) ag_emit(to, n++ ? ", %s" : "    int64_t %s", counters[k]);
    ag_emit(to, n ? ";\n    int status;\n" : "    int status;\n");
    for (int k = 0; k < 2; k++)
        if (p->s->body[k]) ag_emit(to, "    body%d.work = m->work + %lld;\n", k, (long long)(p->e->scratch_at + p->body[k].at));
    agi_source_append(to, &p->to);
    ag_emit(to, "    return 0;\n}\n\n");
}

static int emit_bodies(printer *p, agi_arena *arena)
{
    const ag_node *x = p->s->node;
    int branch = x->op == &agi_branch, inputs, results, states = 0;
    if (branch) {
        const ag_branch *b = x->attribute;
        inputs = b->arguments + b->captures;
        results = b->results;
    } else {
        const ag_loop *l = x->attribute;
        inputs = l->states + l->elements + l->captures;
        results = l->results;
        states = l->states;
    }
    for (int k = 0; k < 2; k++) {
        if (!p->s->body[k]) continue;
        p->body[k].inner = p->s->inner[k];
        p->body[k].inputs = inputs;
        p->body[k].results = branch || k == 0 ? results : 1;
        p->body[k].states = k == 0 ? states : 0;
        if (!emit_body(p, k, arena, branch || k ? NULL : p->s->part + states)) return 0;
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
        if (s->node->op == &agi_branch) emit_branch(p, s->node->attribute);
        else emit_loop(p, s->node->attribute);
        emit_step(p);
        e->to->failed |= p->to.failed;
    }
    agi_source_free(&p->to);
    agi_arena_free(&arena);
    agi_release(e->to->allocator, p);
    return ok;
}

/* ---- all steps ---------------------------------------------------------------------------------------------------- */

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
