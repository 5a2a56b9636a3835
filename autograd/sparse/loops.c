/* Which elements of x the results of loops and branches are made of, from their bodies: a loop is gone through step by
 * step, each step's element of a sequence being made of what its row is, so that a loop that is a map has the structure
 * of the operation on the whole. States are told apart by step as long as that is cheap and the number of steps is
 * known; else they are made of all that any number of steps brings in. */
#include "control/loop.h"
#include "sparse.h"

#define MOST_BY_STEP ((int64_t)1 << 24) /* members of the sets that one loop makes: 64 MB */

/* The body of a loop or branch, prepared once, and what its results are made of, by part. */
struct agi_body_search {
    agi_search in;        /* its nodes; what it makes lives until it is gone through again */
    agi_arena step;
    unsigned char *asked; /* by part: does a node read it? */
    agi_origins *part;
};

static int lists(const ag_node *y, ag_node *const *to[2], int m[2], ag_node *const *from[3], int n[3])
{
    if (y->op->flags & AG_BRANCH) {
        const agi_branch_attribute *b = y->attribute;
        to[0] = b->then, to[1] = b->otherwise, m[0] = m[1] = b->results;
        from[0] = b->argument, from[1] = b->capture, n[0] = b->arguments, n[1] = b->captures, n[2] = 0;
        return b->arguments + b->captures;
    }
    const agi_loop_attribute *l = y->attribute;
    to[0] = l->next, to[1] = l->result, m[0] = l->states, m[1] = l->results;
    from[0] = l->state, from[1] = l->element, from[2] = l->capture;
    n[0] = l->states, n[1] = l->elements, n[2] = l->captures;
    return l->states + l->elements + l->captures;
}

static ag_node **joined(agi_arena *a, int lists, ag_node *const *const list[], const int n[])
{
    size_t all = 0;
    for (int k = 0; k < lists; k++) all += (size_t)n[k];
    ag_node **x = agi_arena_take(a, all * sizeof *x), **to = x;
    for (int k = 0; x && k < lists; to += n[k++])
        if (n[k]) memcpy(to, list[k], (size_t)n[k] * sizeof *x);
    return x;
}

static agi_body_search *prepare(agi_search *s, const ag_node *y)
{
    ag_node *const *to[2], *const *from[3];
    int m[2], n[3], nfrom = lists(y, to, m, from, n);
    agi_body_search *b = agi_arena_zeros(s->kept, 1, sizeof *b);
    ag_node **outputs = joined(s->kept, 2, to, m), **leaves = joined(s->kept, 3, from, n);
    if (!b || !outputs || !leaves || !(b->asked = agi_arena_zeros(s->kept, (size_t)agi_parts(y), 1))) return NULL;
    b->in = *s;
    b->in.arena = &b->step;
    b->in.is_top = 0;
    agi_arena_init(&b->step, s->arena->allocator);
    return agi_search_between(&b->in, m[0] + m[1], outputs, nfrom, leaves, 1) ? b : NULL;
}

/* NULL: the loop or branch was made before all x. */
static agi_body_search *body_of(const agi_search *s, const ag_node *y)
{
    uint32_t at = agi_place_in(&s->between, y);
    return at == AGI_NOWHERE ? NULL : s->body[at];
}

int agi_find_bodies(agi_search *s)
{
    const agi_region *r = &s->between;
    for (uint32_t at = r->count; at-- > 0;) {
        const ag_node *v = r->node[at];
        if (agi_region_ends_at(r, v)) continue;
        if (v->op->flags & AG_PART) {
            agi_body_search *b = body_of(s, v->in[0]);
            if (b) b->asked[*(const int *)v->attribute] = 1;
        } else if (v->op->flags & AG_LOOP && !(s->body[at] = prepare(s, v))) {
            return 0;
        }
    }
    return 1;
}

void agi_free_bodies(agi_search *s)
{
    for (uint32_t at = 0; s->body && at < s->between.count; at++) {
        if (!s->body[at]) continue;
        agi_free_bodies(&s->body[at]->in);
        agi_arena_free(&s->body[at]->step);
    }
}

static void give(agi_body_search *b, const ag_node *leaf, agi_origins o)
{
    uint32_t at = agi_place_in(&b->in.between, leaf);
    if (at != AGI_NOWHERE) b->in.of[at] = o;
}

/* 0: that failed, and what the body is made of is not known. */
static int go_through(agi_body_search *b)
{
    agi_arena_free(&b->step);
    agi_follow_all(&b->in);
    return !b->in.sets->failed && !b->in.graph->status;
}

/* ---- branches: what either is made of ---------------------------------------------------------------------------- */

static void through_branch(agi_search *s, const ag_node *y, agi_body_search *b)
{
    const agi_branch_attribute *br = y->attribute;
    for (int k = 0; k < br->arguments + br->captures; k++)
        give(b, k < br->arguments ? br->argument[k] : br->capture[k - br->arguments], agi_origins_of(s, y->in[k + 1]));
    if (!go_through(b)) return;
    for (int k = 0; k < br->results; k++) {
        agi_origins one = agi_origins_of(&b->in, br->then[k]), other = agi_origins_of(&b->in, br->otherwise[k]);
        int64_t n = ag_count(br->then[k]);
        b->part[k] = (agi_origins){ NULL, 0 };
        if (!b->asked[k] || (!one.set && !other.set)) continue;
        b->part[k].set = agi_new_sets(s, n);
        for (int64_t e = 0; e < n && b->part[k].set; e++)
            b->part[k].set[e] = agi_set_union(s->sets, agi_origin(&one, e), agi_origin(&other, e));
    }
}

/* ---- loops ------------------------------------------------------------------------------------------------------- */

typedef struct {
    agi_search *s;
    const ag_node *y;
    const agi_loop_attribute *l;
    agi_body_search *b;
    uint32_t **now, **next; /* by state: the set of each element, before and after a step */
    int frozen;             /* states are made of the same before every step */
} walk;

static int64_t row_of(const walk *w, int64_t step)
{
    return w->l->reverse ? w->l->length - 1 - step : step;
}

static void set_states(const walk *w, uint32_t *const sets[], const ag_node *const from[])
{
    for (int k = 0; k < w->l->states; k++) {
        agi_origins o = agi_origins_of(from == (const ag_node *const *)w->l->next ? &w->b->in : w->s, from[k]);
        for (int64_t e = 0, n = ag_count(w->l->state[k]); e < n; e++) sets[k][e] = agi_origin(&o, e);
    }
}

static int start(walk *w)
{
    const agi_loop_attribute *l = w->l;
    w->now = agi_arena_take(w->s->arena, (size_t)l->states * sizeof *w->now);
    w->next = agi_arena_take(w->s->arena, (size_t)l->states * sizeof *w->next);
    if (!w->now || !w->next) return 0;
    for (int k = 0; k < l->states; k++) {
        w->now[k] = agi_new_sets(w->s, ag_count(l->state[k]));
        w->next[k] = agi_new_sets(w->s, ag_count(l->state[k]));
        if (!w->now[k] || !w->next[k]) return 0;
    }
    for (int k = 0; k < l->captures; k++)
        give(w->b, l->capture[k], agi_origins_of(w->s, w->y->in[l->states + l->elements + k]));
    set_states(w, w->now, (const ag_node *const *)w->y->in);
    return 1;
}

static void give_states(const walk *w)
{
    for (int k = 0; k < w->l->states; k++) {
        int64_t n = ag_count(w->l->state[k]), e = 0;
        while (e < n && !w->now[k][e]) e++;
        give(w->b, w->l->state[k], (agi_origins){ e < n ? w->now[k] : NULL, 0 });
    }
}

static agi_origins row(agi_origins all, const ag_node *one, int64_t r)
{
    if (all.set && !all.uniform) all.set += r * ag_count(one);
    return all;
}

/* Is that row of every sequence made of what the other one is? */
static int rows_agree(const walk *w, int64_t a, int64_t b)
{
    for (int k = 0; k < w->l->elements; k++) {
        const ag_node *one = w->l->element[k];
        agi_origins all = agi_origins_of(w->s, w->y->in[w->l->states + k]);
        if (all.set && !all.uniform && memcmp(row(all, one, a).set, row(all, one, b).set,
                                              (size_t)ag_count(one) * sizeof *all.set)) return 0;
    }
    return 1;
}

static int states_agree(const walk *w)
{
    for (int k = 0; k < w->l->states; k++)
        if (memcmp(w->now[k], w->next[k], (size_t)ag_count(w->l->state[k]) * sizeof *w->now[k])) return 0;
    return 1;
}

static void stack(const walk *w, int part, const ag_node *one, int64_t r, agi_origins o)
{
    uint32_t *to = w->b->part[part].set;
    if (!to) return;
    to += r * ag_count(one);
    for (int64_t e = 0, n = ag_count(one); e < n; e++) to[e] = agi_origin(&o, e);
}

static void stack_step(const walk *w, int64_t r)
{
    const agi_loop_attribute *l = w->l;
    for (int k = 0; k < l->states; k++)
        stack(w, agi_part_before(l, k), l->state[k], r, (agi_origins){ w->now[k], 0 });
    for (int k = 0; k < l->results; k++)
        stack(w, agi_part_result(l, k), l->result[k], r, agi_origins_of(&w->b->in, l->result[k]));
}

/* Every step; 0: the sets have become too many. A step that finds what the one before it found need not be made. */
static int all_steps(walk *w)
{
    const agi_loop_attribute *l = w->l;
    const int64_t members = w->s->sets->members;
    int same = 0;
    for (int64_t t = 0; t < l->length && !w->s->sets->failed; t++) {
        int64_t r = row_of(w, t);
        if (!same || !rows_agree(w, r, row_of(w, t - 1))) {
            give_states(w);
            for (int k = 0; k < l->elements; k++)
                give(w->b, l->element[k], row(agi_origins_of(w->s, w->y->in[l->states + k]), l->element[k], r));
            if (!go_through(w->b)) return 1;
            if (!w->frozen) set_states(w, w->next, (const ag_node *const *)l->next);
            same = w->frozen || states_agree(w);
        }
        stack_step(w, r);
        uint32_t **before = w->now;
        if (same) continue;
        w->now = w->next;
        w->next = before;
        if (w->s->sets->members - members > MOST_BY_STEP) return 0;
    }
    return 1;
}

/* All rows of a sequence together. */
static agi_origins any_row(const walk *w, int k)
{
    agi_origins all = agi_origins_of(w->s, w->y->in[w->l->states + k]);
    if (!all.set || all.uniform) return all;
    int64_t n = ag_count(w->l->element[k]);
    uint32_t *set = agi_new_sets(w->s, n);
    for (int64_t e = 0; set && e < n; e++) set[e] = agi_set_union_of(w->s->sets, all.set + e, w->l->length, n);
    return (agi_origins){ set, 0 };
}

/* What states are made of after any number of steps: `now`. */
static void spread(walk *w)
{
    const agi_loop_attribute *l = w->l;
    int grown = l->states > 0;
    set_states(w, w->now, (const ag_node *const *)w->y->in);
    for (int k = 0; k < l->elements; k++) give(w->b, l->element[k], any_row(w, k));
    for (int64_t t = 0; grown && t < l->length && !w->s->sets->failed; t++) {
        give_states(w);
        if (!go_through(w->b)) return;
        set_states(w, w->next, (const ag_node *const *)l->next);
        grown = 0;
        for (int k = 0; k < l->states; k++)
            for (int64_t e = 0, n = ag_count(l->state[k]); e < n; e++) {
                uint32_t both = agi_set_union(w->s->sets, w->now[k][e], w->next[k][e]);
                grown |= both != w->now[k][e];
                w->next[k][e] = both;
            }
        uint32_t **before = w->now;
        w->now = w->next;
        w->next = before;
    }
    w->frozen = 1;
}

static int make_parts(const walk *w)
{
    for (int k = w->l->states; k < agi_part_count(w->l); k++) {
        ag_dtype type;
        int64_t n = 1;
        if (!w->b->asked[k]) continue;
        ag_shape shape = agi_part_shape(w->y, k, &type);
        for (int i = 0; i < shape.rank; i++) n *= shape.dim[i];
        w->b->part[k] = (agi_origins){ type == AG_I64 ? NULL : agi_new_sets(w->s, n), 0 };
        if (w->s->sets->failed) return 0;
    }
    return 1;
}

static void through_loop(agi_search *s, const ag_node *y, agi_body_search *b)
{
    walk w = { .s = s, .y = y, .l = y->attribute, .b = b };
    const agi_loop_attribute *l = w.l;
    if (!start(&w) || !make_parts(&w)) {
        s->sets->failed = 1;
        return;
    }
    int known = !l->test && !l->counted, stacks = 0;
    for (int k = l->states; k < agi_part_count(l); k++) stacks |= b->asked[k];
    if (!known || !all_steps(&w)) {
        spread(&w);
        if (stacks) all_steps(&w);
    }
    for (int k = 0; k < l->states; k++) b->part[agi_part_final(l, k)] = (agi_origins){ w.now[k], 0 };
}

void agi_follow_bodies(agi_search *s, const ag_node *y)
{
    agi_body_search *b = body_of(s, y);
    int dependent = 0;
    b->part = agi_arena_zeros(s->arena, (size_t)agi_parts(y), sizeof *b->part);
    if (!b->part) s->sets->failed = 1;
    for (uint32_t k = 0; k < y->nin && !dependent; k++) dependent = agi_origins_of(s, y->in[k]).set != NULL;
    if (!dependent || !b->part) return;
    if (y->op->flags & AG_BRANCH) through_branch(s, y, b);
    else through_loop(s, y, b);
}

agi_origins agi_part_origins(const agi_search *s, const ag_node *part)
{
    const agi_body_search *b = body_of(s, part->in[0]);
    return b ? b->part[*(const int *)part->attribute] : (agi_origins){ NULL, 0 };
}
