/* The reference's loops and branches: bodies evaluated step by step, each in a scope of its own. Where it is not
 * certain how a test or predicate came out, nothing is known of any result. */
#include "fuzz.h"
#include "graph/graph.h"
#include "control/loop.h"

/* All of a loop's parts, in order; kept as one value where the loop node's would be. */
typedef struct {
    fuzz_scope *outer;
    const ag_node *y;
    const agi_loop_attribute *l;
    int64_t start[64]; /* of each part in `all` */
    fuzz_value *all;
} loop;

static fuzz_value *whole(fuzz_scope *s, const ag_node *y, int64_t start[])
{
    int64_t n = 0;
    ck_assert_int_lt(agi_parts(y), 64);
    for (int k = 0; k < agi_parts(y); k++) {
        ag_dtype ignored;
        ag_shape shape = agi_part_shape(y, k, &ignored);
        start[k] = n;
        int64_t size = 1;
        for (int i = 0; i < shape.rank; i++) size *= shape.dim[i];
        n += size;
    }
    return fuzz_new(s, n);
}

static void copy(fuzz_value *to, int64_t at, const fuzz_value *from)
{
    memcpy(to->value + at, from->value, (size_t)from->n * sizeof(real));
    memcpy(to->bound + at, from->bound, (size_t)from->n * sizeof(real));
}

static const fuzz_value *slice(fuzz_scope *s, const fuzz_value *of, int64_t from, int64_t n)
{
    fuzz_value *v = fuzz_new(s, n);
    memcpy(v->value, of->value + from, (size_t)n * sizeof(real));
    memcpy(v->bound, of->bound + from, (size_t)n * sizeof(real));
    return v;
}

static void know_captures(fuzz_scope *body, fuzz_scope *outer, int n, ag_node *const capture[])
{
    for (int k = 0; k < n; k++) fuzz_know(body, capture[k], fuzz_value_of(outer, capture[k]));
}

static void forget(fuzz_value *all)
{
    for (int64_t i = 0; i < all->n; i++) fuzz_unknown(all, i);
}

/* 1, 0, or -1: it is not certain. */
static int holds(const fuzz_value *v)
{
    real size = fabsl(v->value[0]);
    if (v->bound[0] > 0 && !(size > 4 * v->bound[0])) return -1;
    return v->value[0] != 0;
}

/* One step on `state`, which it changes: 1; 0: the loop has ended; -1: perhaps. */
static int step(const loop *p, int64_t t, const fuzz_value *state[])
{
    const agi_loop_attribute *l = p->l;
    fuzz_scope body = fuzz_inside(p->outer);
    for (int k = 0; k < l->states; k++) fuzz_know(&body, l->state[k], state[k]);
    for (int k = 0; k < l->elements; k++) {
        int64_t n = ag_count(l->element[k]);
        const fuzz_value *all = fuzz_value_of(p->outer, p->y->in[l->states + k]);
        fuzz_know(&body, l->element[k], slice(p->outer, all, t * n, n));
    }
    know_captures(&body, p->outer, l->captures, l->capture);
    int goes_on = l->test ? holds(fuzz_value_of(&body, l->test)) : 1;
    for (int k = 0; k < l->states && goes_on == 1; k++)
        copy(p->all, p->start[agi_part_before(l, k)] + t * state[k]->n, state[k]);
    for (int k = 0; k < l->states && goes_on == 1; k++) state[k] = fuzz_value_of(&body, l->next[k]);
    for (int k = 0; k < l->results && goes_on == 1; k++) {
        const fuzz_value *v = fuzz_value_of(&body, l->result[k]);
        copy(p->all, p->start[agi_part_result(l, k)] + t * v->n, v);
    }
    fuzz_leave(&body);
    return goes_on;
}

/* States before steps that were not made are what they happen to be. */
static void forget_before(const loop *p, int64_t made)
{
    for (int k = 0; k < p->l->states; k++) {
        int64_t n = ag_count(p->l->state[k]), from = p->start[agi_part_before(p->l, k)];
        for (int64_t i = made * n; i < p->l->length * n; i++) fuzz_unknown(p->all, from + i);
    }
}

static void run_loop(loop *p)
{
    enum { STATES = 32 };
    const agi_loop_attribute *l = p->l;
    const fuzz_value *state[STATES];
    int64_t length = l->length, made = 0;
    int goes_on = 1;
    ck_assert_int_le(l->states, STATES);
    for (int k = 0; k < l->states; k++) state[k] = fuzz_value_of(p->outer, p->y->in[k]);
    if (l->counted) {
        const fuzz_value *count = fuzz_value_of(p->outer, p->y->in[p->y->nin - 1]);
        goes_on = count->bound[0] == 0 ? 1 : -1;
        length = goes_on == 1 ? (int64_t)count->value[0] : 0;
    }
    for (; made < length && goes_on == 1; made += goes_on == 1)
        goes_on = step(p, l->reverse ? length - 1 - made : made, state);
    for (int k = 0; k < l->states; k++) copy(p->all, p->start[agi_part_final(l, k)], state[k]);
    p->all->value[p->start[agi_part_count(l)]] = (real)made;
    forget_before(p, made);
    if (goes_on < 0) forget(p->all);
}

static void run_branch(fuzz_scope *outer, const ag_node *y, fuzz_value *all, const int64_t start[])
{
    const agi_branch_attribute *b = y->attribute;
    int taken = holds(fuzz_value_of(outer, y->in[0]));
    fuzz_scope body = fuzz_inside(outer);
    if (taken < 0) {
        forget(all);
    } else {
        for (int k = 0; k < b->arguments; k++) fuzz_know(&body, b->argument[k], fuzz_value_of(outer, y->in[k + 1]));
        know_captures(&body, outer, b->captures, b->capture);
        for (int k = 0; k < b->results; k++)
            copy(all, start[k], fuzz_value_of(&body, taken ? b->then[k] : b->otherwise[k]));
    }
    fuzz_leave(&body);
}

const fuzz_value *fuzz_part_of_loop(fuzz_scope *s, const ag_node *part)
{
    const ag_node *y = part->in[0];
    int k = *(const int *)part->attribute;
    loop p = { .outer = s, .y = y, .l = y->attribute };
    p.all = whole(s, y, p.start);
    if (s->known[y->id]) p.all = (fuzz_value *)(uintptr_t)s->known[y->id];
    else if (y->op == &agi_branch) run_branch(s, y, p.all, p.start);
    else run_loop(&p);
    fuzz_know(s, y, p.all);
    return slice(s, p.all, p.start[k], ag_count(part));
}
