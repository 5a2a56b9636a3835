/* The bodies of loops and branches: what is to be compiled for each, a plan of its own, of what somebody reads. */
#include "compile.h"
#include "control/loop.h"

/* What somebody reads of a loop, directly or through other states: `next` and `bound` get its live states, first. */
typedef struct {
    int states, results, inputs;
    ag_node **next, **bound, **result;
} live_loop;

static int add_live(agi_compiler *c, const agi_loop_attribute *l, const int64_t *part, live_loop *v,
                    unsigned char *live)
{
    unsigned char *used = agi_arena_zeros(&c->arena, (size_t)l->states + 1, 1);
    if (!used) return agi_out_of_memory(c);
    for (int k = 0; k < l->results; k++)
        if (part[agi_part_result(l, k)] >= 0) v->result[v->results++] = l->result[k];
    for (int k = 0; k < l->states; k++) live[k] = part[agi_part_final(l, k)] >= 0 || part[agi_part_before(l, k)] >= 0;
    for (int grown = 1; grown;) { /* states that live ones, results or the test read */
        int n = v->results;
        ag_node **read = agi_arena_take(&c->arena, (size_t)(v->results + l->states + 1) * sizeof *read);
        if (!read) return agi_out_of_memory(c);
        memcpy(read, v->result, (size_t)n * sizeof *read);
        if (l->test) read[n++] = l->test;
        for (int k = 0; k < l->states; k++)
            if (live[k]) read[n++] = l->next[k];
        grown = 0;
        if (n && l->states && !agi_find_reading(c->graph, n, read, l->states, l->state, used, NULL)) return 0;
        for (int k = 0; k < l->states; k++)
            if (used[k] && !live[k]) live[k] = 1, grown = 1;
    }
    return 1;
}

static int find_live(agi_compiler *c, const agi_loop_attribute *l, const int64_t *part, live_loop *v)
{
    int inputs = l->states + l->elements + l->captures;
    size_t n = (size_t)(l->results + inputs + 1);
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
    v->inputs = v->states;
    for (int k = l->states; k < inputs; k++) v->bound[v->inputs++] = agi_loop_leaf(l, k);
    return 1;
}

/* The outputs of a body's plan: the states' next values first. */
static int list_outputs(agi_compiler *c, agi_request *r, int n, ag_node *const results[])
{
    r->n = r->body.nstates + n;
    r->outputs = agi_arena_take(&c->arena, (size_t)r->n * sizeof *r->outputs);
    if (!r->outputs) return agi_out_of_memory(c);
    if (r->body.nstates) memcpy(r->outputs, r->body.next, (size_t)r->body.nstates * sizeof *r->outputs); /* else NULL */
    memcpy(r->outputs + r->body.nstates, results, (size_t)n * sizeof *r->outputs);
    return 1;
}

static int describe_steps(agi_compiler *c, const agi_layout *at, const agi_loop_attribute *l, agi_request *r)
{
    live_loop live = { 0 };
    if (!find_live(c, l, at->part, &live)) return 0;
    r->body = (agi_body){ .nbound = live.inputs, .nstates = live.states, .bound = live.bound, .next = live.next,
                          .gives = 1 };
    return list_outputs(c, r, live.results, live.result);
}

static int describe_test(agi_compiler *c, const agi_loop_attribute *l, agi_request *r)
{
    int inputs = l->states + l->elements + l->captures;
    ag_node **leaves = agi_arena_take(&c->arena, (size_t)inputs * sizeof *leaves);
    if (!leaves) return agi_out_of_memory(c);
    for (int k = 0; k < inputs; k++) leaves[k] = agi_loop_leaf(l, k);
    r->body = (agi_body){ .nbound = inputs, .bound = leaves };
    return list_outputs(c, r, 1, &l->test);
}

static int describe_side(agi_compiler *c, const agi_layout *at, const agi_branch_attribute *b, int side, agi_request *r)
{
    ag_node *const *results = side ? b->otherwise : b->then;
    const agi_sides *s = agi_sides_of(c, at->node);
    int inputs = b->arguments + s->count[side], n = 0;
    ag_node **bound = agi_arena_take(&c->arena, (size_t)inputs * sizeof *bound);
    ag_node **live = agi_arena_take(&c->arena, (size_t)b->results * sizeof *live);
    if (!bound || !live) return agi_out_of_memory(c);
    for (int k = 0; k < inputs; k++)
        bound[k] = k < b->arguments ? b->argument[k] : s->bound[side][k - b->arguments];
    for (int k = 0; k < b->results; k++)
        if (at->part[k] >= 0) live[n++] = results[k];
    r->body = (agi_body){ .nbound = inputs, .bound = bound, .gives = 1 };
    return list_outputs(c, r, n, live);
}

int agi_describe_body(agi_compiler *c, const agi_layout *at, int which, agi_request *r)
{
    const void *attribute = at->node->attribute;
    *r = (agi_request){ .n = -1 };
    if (at->node->op->flags & AG_BRANCH) return describe_side(c, at, attribute, which, r);
    if (!which) return describe_steps(c, at, attribute, r);
    return !((const agi_loop_attribute *)attribute)->test || describe_test(c, attribute, r);
}
