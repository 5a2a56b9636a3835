/* Loops and branches: bodies compiled as plans of their own, and stepped through on a run of their own. */
#include "compile.h"
#include "../nodes/loop.h"

enum { ALIGNMENT = 64 };

/* ---- where the parts lie ---------------------------------------------------------------------------------------- */

agi_layout *agi_layout_of(const agi_compiler *c, const ag_node *x)
{
    agi_layout *all = c->layouts.data;
    for (int64_t k = c->layouts.count; k-- > 0;)
        if (all[k].node == x) return &all[k];
    return NULL;
}

int agi_lay_out_parts(agi_compiler *c, const ag_node *x)
{
    if (!agi_vector_grow(c->arena.allocator, &c->layouts, sizeof(agi_layout), 1)) return agi_out_of_memory(c);
    int n = ag_parts(x);
    agi_layout l = { .node = x, .part = agi_arena_take(&c->plan->arena, (size_t)n * sizeof *l.part), .bytes = ALIGNMENT };
    if (!l.part) return agi_out_of_memory(c);
    for (int k = 0; k < n; k++) l.part[k] = -1;
    for (int64_t k = 0; k < c->parts.count; k++) {
        const ag_node *part = ((const ag_node **)c->parts.data)[k];
        int number = *(const int *)part->attribute;
        if (part->in[0] != x || l.part[number] >= 0) continue;
        l.part[number] = l.bytes;
        l.bytes += (agi_node_bytes(part) + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    }
    ((agi_layout *)c->layouts.data)[c->layouts.count++] = l;
    return 1;
}

/* ---- compiling -------------------------------------------------------------------------------------------------- */

static uint32_t inner_buffer(const ag_plan *p, const ag_node *x)
{
    const agi_place *at = agi_find_place(p, x);
    return at ? at->buffer : AGI_NONE;
}

typedef struct {
    const ag_node *node;
    int inputs, results;
    ag_node **bound; /* by input: its leaf in the body, or NULL */
} interface;

static ag_plan *compile_body(agi_compiler *c, const interface *i, int nstates, ag_node *const next[], int n,
                             ag_node *const results[])
{
    ag_node **outputs = agi_arena_take(&c->arena, (size_t)(nstates + n) * sizeof *outputs);
    if (!outputs) return agi_out_of_memory(c), NULL;
    if (nstates) memcpy(outputs, next, (size_t)nstates * sizeof *outputs); /* else perhaps NULL */
    memcpy(outputs + nstates, results, (size_t)n * sizeof *outputs);
    agi_body body = { .nbound = i->inputs, .nstates = nstates, .bound = i->bound, .next = next };
    return agi_compile(c->graph, nstates + n, outputs, c->options, &(agi_recipe){ .plain = c->recipe->plain }, &body);
}

/* Where the body's plan has the inputs' leaves and the results. */
static uint32_t *find_inner(agi_compiler *c, const ag_plan *p, const interface *i, ag_node *const results[])
{
    uint32_t *inner = agi_arena_take(&c->plan->arena, (size_t)(i->inputs + i->results) * sizeof *inner);
    if (!inner) return agi_out_of_memory(c), NULL;
    for (int k = 0; k < i->inputs; k++) inner[k] = inner_buffer(p, i->bound[k]);
    for (int k = 0; k < i->results; k++) inner[i->inputs + k] = inner_buffer(p, results[k]);
    return inner;
}

/* What somebody reads of a loop, directly or through other states: `next` and `bound` get its live states, first. */
typedef struct {
    int states, results;
    ag_node **next, **bound, **result;
} live_loop;

static int add_live(agi_compiler *c, const ag_loop *l, const int64_t *part, live_loop *v, unsigned char *live)
{
    unsigned char *used = agi_arena_zeros(&c->arena, (size_t)l->states + 1, 1);
    if (!used) return agi_out_of_memory(c);
    for (int k = 0; k < l->results; k++)
        if (part[ag_part_result(l, k)] >= 0) v->result[v->results++] = l->result[k];
    for (int k = 0; k < l->states; k++) live[k] = part[ag_part_final(l, k)] >= 0 || part[ag_part_before(l, k)] >= 0;
    for (int grown = 1; grown;) { /* states that live ones, results or the test read */
        int n = v->results;
        ag_node **read = agi_arena_take(&c->arena, (size_t)(v->results + l->states + 1) * sizeof *read);
        if (!read) return agi_out_of_memory(c);
        memcpy(read, v->result, (size_t)n * sizeof *read);
        if (l->test) read[n++] = l->test;
        for (int k = 0; k < l->states; k++)
            if (live[k]) read[n++] = l->next[k];
        grown = 0;
        if (n && l->states && !ag_find_used(c->graph, n, read, l->states, l->state, used)) return 0;
        for (int k = 0; k < l->states; k++)
            if (used[k] && !live[k]) live[k] = 1, grown = 1;
    }
    return 1;
}

static int find_live(agi_compiler *c, const ag_loop *l, const int64_t *part, const interface *i, live_loop *v)
{
    size_t n = (size_t)(l->states + l->results + i->inputs + 1);
    unsigned char *live = agi_arena_zeros(&c->arena, n, 1);
    v->next = agi_arena_take(&c->arena, n * sizeof *v->next);
    v->bound = agi_arena_take(&c->arena, n * sizeof *v->bound);
    v->result = agi_arena_take(&c->arena, n * sizeof *v->result);
    if (!live || !v->next || !v->bound || !v->result) return agi_out_of_memory(c);
    if (!add_live(c, l, part, v, live)) return 0;
    for (int k = 0; k < l->states; k++) {
        if (!live[k]) continue;
        v->bound[v->states] = l->state[k];
        v->next[v->states++] = l->next[k];
    }
    memcpy(v->bound + v->states, i->bound + l->states, (size_t)(i->inputs - l->states) * sizeof *v->bound);
    return 1;
}

static int compile_loop(agi_compiler *c, const ag_loop *l, agi_loop_step *s, interface *i)
{
    live_loop live = { 0 };
    memcpy(i->bound, l->state, (size_t)l->states * sizeof *i->bound);
    memcpy(i->bound + l->states, l->element, (size_t)l->elements * sizeof *i->bound);
    memcpy(i->bound + l->states + l->elements, l->capture, (size_t)l->captures * sizeof *i->bound);
    i->inputs = l->states + l->elements + l->captures;
    i->results = l->results;
    if (!find_live(c, l, s->part, i, &live)) return 0;
    interface inner = { .node = i->node, .inputs = live.states + i->inputs - l->states, .bound = live.bound };
    s->body[0] = compile_body(c, &inner, live.states, live.next, live.results, live.result);
    if (!s->body[0] || !(s->inner[0] = find_inner(c, s->body[0], i, l->result))) return 0;
    if (!l->test) return 1;
    i->results = 1;
    s->body[1] = compile_body(c, i, 0, NULL, 1, &l->test);
    return s->body[1] && (s->inner[1] = find_inner(c, s->body[1], i, &l->test));
}

static int compile_branch(agi_compiler *c, const ag_branch *b, agi_loop_step *s, interface *i)
{
    memcpy(i->bound, b->argument, (size_t)b->arguments * sizeof *i->bound);
    memcpy(i->bound + b->arguments, b->capture, (size_t)b->captures * sizeof *i->bound);
    i->inputs = b->arguments + b->captures;
    i->results = b->results;
    for (int k = 0; k < 2; k++) {
        ag_node *const *results = k ? b->otherwise : b->then;
        s->body[k] = compile_body(c, i, 0, NULL, b->results, results);
        if (!s->body[k] || !(s->inner[k] = find_inner(c, s->body[k], i, results))) return 0;
    }
    return 1;
}

agi_loop_step *agi_lower_loop(agi_compiler *c, uint32_t item)
{
    const agi_item *it = &c->item[item];
    const ag_node *x = it->node;
    agi_loop_step *s = agi_arena_zeros(&c->plan->arena, 1, sizeof *s);
    interface i = { .node = x, .bound = agi_arena_take(&c->arena, x->nin * sizeof *i.bound) };
    if (!s || !i.bound) return agi_out_of_memory(c), NULL;
    s->node = x;
    s->out = it->buffer;
    s->part = agi_layout_of(c, x)->part;
    s->first_run = c->plan->nbodies;
    s->in = agi_arena_take(&c->plan->arena, x->nin * sizeof *s->in);
    s->offset = agi_arena_take(&c->plan->arena, x->nin * sizeof *s->offset);
    if (!s->in || !s->offset) return agi_out_of_memory(c), NULL;
    for (int k = 0; k < (int)x->nin; k++) {
        int source = agi_sources(c, it, k);
        s->in[k] = c->item[c->item[source].root].buffer;
        s->offset[k] = agi_item_strides(c, (uint32_t)source).offset * (int64_t)ag_dtype_size((ag_dtype)x->in[k]->dtype);
    }
    c->plan->nbodies += 2;
    int ok = x->op == &agi_loop ? compile_loop(c, x->attribute, s, &i) : compile_branch(c, x->attribute, s, &i);
    if (ok) return s;
    for (int b = 0; b < 2; b++) ag_plan_free(s->body[b]);
    return NULL;
}

/* ---- running ---------------------------------------------------------------------------------------------------- */

typedef struct {
    ag_run *run;
    const agi_loop_step *s;
    const ag_node *node;
} stepper;

static const char *input(const stepper *p, int k)
{
    return (const char *)p->run->memory[p->s->in[k]] + p->s->offset[k];
}

static char *part(const stepper *p, int k)
{
    return (char *)p->run->memory[p->s->out] + p->s->part[k];
}

/* Lets a leaf of the body be `data`: in place, or copied where scalar programs need it in their own memory. */
static void give(ag_run *body, uint32_t b, const char *data)
{
    if (b == AGI_NONE) return;
    const agi_buffer *buffer = &body->plan->buffer[b];
    if (buffer->scalar || buffer->taken) memcpy(body->memory[b], data, (size_t)buffer->bytes);
    else body->memory[b] = (void *)data;
    body->fed[b] = 1;
}

static ag_status fail_in(ag_run *r, const ag_run *body, ag_status status)
{
    memcpy(r->message, body->message, sizeof r->message);
    return status;
}

static double number_at(const void *at, const ag_node *x)
{
    if (x->dtype == AG_F32) return *(const float *)at;
    return x->dtype == AG_F64 ? *(const double *)at : (double)*(const int64_t *)at;
}

static void give_captures(const stepper *p, ag_run *body, const uint32_t *inner, int first, int n)
{
    for (int k = first; k < first + n; k++) give(body, inner[k], input(p, k));
}

/* Does the loop go on? */
static ag_status test(const stepper *p, const ag_loop *l, int *on)
{
    const agi_loop_step *s = p->s;
    ag_run *body = p->run->bodies[s->first_run], *tester = p->run->bodies[s->first_run + 1];
    *on = 1;
    if (!l->test) return AG_OK;
    for (int k = 0; k < l->states; k++)
        if (s->inner[1][k] != AGI_NONE) give(tester, s->inner[1][k], body->memory[s->inner[0][k]]);
    ag_status status = agi_run_steps(tester);
    if (status) return fail_in(p->run, tester, status);
    int inputs = l->states + l->elements + l->captures;
    *on = number_at(tester->memory[s->inner[1][inputs]], l->test) != 0;
    return AG_OK;
}

static int64_t state_bytes(const ag_loop *l, int k)
{
    return agi_node_bytes(l->state[k]);
}

/* A leaf itself, not what is stored into it at the end of a step. */
static int is_leaf(const agi_buffer *b, const ag_node *result)
{
    return b->role == AGI_LEAF && b->node == result;
}

/* One step, number t of the sequences, the i-th made. */
static ag_status step(const stepper *p, const ag_loop *l, int64_t t)
{
    const agi_loop_step *s = p->s;
    const uint32_t *inner = s->inner[0];
    ag_run *body = p->run->bodies[s->first_run];
    int inputs = l->states + l->elements + l->captures;
    for (int k = 0; k < l->states; k++)
        if (s->part[ag_part_before(l, k)] >= 0) /* then the state is live */
            memcpy(part(p, ag_part_before(l, k)) + t * state_bytes(l, k), body->memory[inner[k]], (size_t)state_bytes(l, k));
    for (int k = 0; k < l->elements; k++)
        give(body, inner[l->states + k], input(p, l->states + k) + t * agi_node_bytes(l->element[k]));
    for (int k = 0; k < l->results; k++) { /* computed where it is stacked, if it can be */
        if (s->part[ag_part_result(l, k)] < 0) continue;
        uint32_t b = inner[inputs + k];
        const agi_buffer *buffer = &body->plan->buffer[b];
        char *to = part(p, ag_part_result(l, k)) + t * agi_node_bytes(l->result[k]);
        if (is_leaf(buffer, l->result[k])) /* the state itself, before it moves on */
            memcpy(to, body->memory[b], (size_t)agi_node_bytes(l->result[k]));
        else if (buffer->role == AGI_VALUE && !buffer->scalar) body->memory[b] = to;
    }
    ag_status status = agi_run_steps(body);
    if (status) return fail_in(p->run, body, status);
    for (int k = 0; k < l->results; k++) {
        if (s->part[ag_part_result(l, k)] < 0) continue;
        char *to = part(p, ag_part_result(l, k)) + t * agi_node_bytes(l->result[k]), *from = body->memory[inner[inputs + k]];
        int leaf = is_leaf(&body->plan->buffer[inner[inputs + k]], l->result[k]);
        if (to != from && !leaf) memcpy(to, from, (size_t)agi_node_bytes(l->result[k]));
    }
    return AG_OK;
}

static ag_status run_loop(stepper *p, const ag_loop *l)
{
    const agi_loop_step *s = p->s;
    ag_run *body = p->run->bodies[s->first_run], *tester = p->run->bodies[s->first_run + 1];
    int64_t length = l->length, made = 0;
    int shared = l->states + l->elements;
    if (l->counted) length = (int64_t)number_at(input(p, p->node->nin - 1), p->node->in[p->node->nin - 1]);
    give_captures(p, body, s->inner[0], shared, l->captures);
    if (l->test) give_captures(p, tester, s->inner[1], shared, l->captures);
    for (int k = 0; k < l->states; k++)
        if (s->inner[0][k] != AGI_NONE) memcpy(body->memory[s->inner[0][k]], input(p, k), (size_t)state_bytes(l, k));
    for (; made < length; made++) {
        int on;
        ag_status status = test(p, l, &on);
        if (!status && on) status = step(p, l, l->reverse ? length - 1 - made : made);
        if (status) return status;
        if (!on) break;
    }
    for (int k = 0; k < l->states; k++)
        if (s->part[ag_part_final(l, k)] >= 0)
            memcpy(part(p, ag_part_final(l, k)), body->memory[s->inner[0][k]], (size_t)state_bytes(l, k));
    if (s->part[ag_part_count(l)] >= 0) *(double *)part(p, ag_part_count(l)) = (double)made;
    return AG_OK;
}

/* Slices that no step reached: a loop that ended early stacks zeros there. */
static void clear_stacks(const stepper *p, const ag_loop *l)
{
    for (int k = 0; k < l->results; k++)
        if (p->s->part[ag_part_result(l, k)] >= 0)
            memset(part(p, ag_part_result(l, k)), 0, (size_t)(l->length * agi_node_bytes(l->result[k])));
}

static ag_status run_branch(const stepper *p, const ag_branch *b)
{
    int taken = number_at(input(p, 0), p->node->in[0]) != 0 ? 0 : 1, inputs = b->arguments + b->captures;
    ag_run *body = p->run->bodies[p->s->first_run + taken];
    const uint32_t *inner = p->s->inner[taken];
    for (int k = 0; k < inputs; k++) give(body, inner[k], input(p, k + 1));
    ag_status status = agi_run_steps(body);
    if (status) return fail_in(p->run, body, status);
    for (int k = 0; k < b->results; k++)
        if (p->s->part[k] >= 0)
            memcpy(part(p, k), body->memory[inner[inputs + k]], (size_t)agi_node_bytes(b->then[k]));
    return AG_OK;
}

ag_status agi_run_loop(ag_run *r, const agi_loop_step *s)
{
    stepper p = { .run = r, .s = s, .node = s->node };
    if (s->node->op == &agi_branch) return run_branch(&p, s->node->attribute);
    const ag_loop *l = s->node->attribute;
    if (l->counted || l->test) clear_stacks(&p, l);
    return run_loop(&p, l);
}
