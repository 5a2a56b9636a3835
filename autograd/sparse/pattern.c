/* Which elements of x each element of a node is made of, for every node between them: an index set an element. */
#include "control/loop.h"
#include "run/run.h"
#include "sparse.h"

typedef struct { /* what a pattern hook fills in */
    ag_dependence hooks; /* first: hooks see no more of it */
    agi_search *s;
    const ag_node *y;
    uint32_t *set;
} dependence;

agi_origins agi_origins_of(const agi_search *s, const ag_node *x)
{
    uint32_t at = agi_place_in(&s->between, x);
    return at == AGI_NOWHERE ? (agi_origins){ NULL, 0 } : s->of[at];
}

uint32_t *agi_new_sets(agi_search *s, int64_t n)
{
    uint32_t *set = agi_arena_zeros(s->arena, (size_t)n, sizeof *set);
    if (!set) s->sets->failed = 1;
    return set;
}

static agi_origins blank(agi_search *s, const ag_node *y)
{
    return (agi_origins){ agi_new_sets(s, ag_count(y)), 0 };
}

static agi_origins uniform(agi_search *s, uint32_t set)
{
    agi_origins p = { agi_arena_take(s->arena, sizeof *p.set), 1 };
    if (p.set) *p.set = set;
    else s->sets->failed = 1;
    return p;
}

static uint32_t union_of_all(agi_search *s, const agi_origins *p, const ag_node *x)
{
    if (!p->set || p->uniform) return agi_origin(p, 0);
    return agi_set_union_of(s->sets, p->set, ag_count(x), 1);
}

/* ---- operations -------------------------------------------------------------------------------------------------- */

/* All elements of the result are made of all elements of the operands. */
static agi_origins of_everything(agi_search *s, const ag_node *y)
{
    uint32_t all = 0;
    for (uint32_t k = 0; k < agi_written_inputs(y); k++) {
        agi_origins p = agi_origins_of(s, y->in[k]);
        all = agi_set_union(s->sets, all, union_of_all(s, &p, y->in[k]));
    }
    return uniform(s, all);
}

/* Adds x's sets, broadcast, to those of y. */
static void add_broadcast(agi_search *s, const ag_node *y, uint32_t *set, const ag_node *x, const agi_origins *p)
{
    int64_t n = ag_count(y), stride[AG_MAX_RANK] = { 0 }, index[AG_MAX_RANK] = { 0 }, at = 0;
    ag_strides own = ag_contiguous(x);
    for (int i = 0, lead = y->rank - x->rank; i < x->rank && !p->uniform; i++)
        stride[lead + i] = x->dim[i] == 1 ? 0 : own.stride[i];
    for (int64_t e = 0; e < n; e++) {
        set[e] = agi_set_union(s->sets, set[e], p->set[at]);
        for (int i = y->rank; i-- > 0;) {
            at += stride[i];
            if (++index[i] < y->dim[i]) break;
            at -= stride[i] * y->dim[i];
            index[i] = 0;
        }
    }
}

static agi_origins of_pointwise(agi_search *s, const ag_node *y)
{
    int dependent = 0, all_uniform = 1;
    uint32_t only = 0, n = agi_written_inputs(y);
    for (uint32_t k = 0; k < n; k++) {
        agi_origins p = agi_origins_of(s, y->in[k]);
        if (!p.set) continue;
        dependent++;
        only = k;
        all_uniform &= p.uniform;
    }
    if (all_uniform) return of_everything(s, y);
    if (dependent == 1 && ag_same_shape(y->in[only], y)) return agi_origins_of(s, y->in[only]);
    agi_origins out = blank(s, y);
    for (uint32_t k = 0; k < n && out.set; k++) {
        agi_origins p = agi_origins_of(s, y->in[k]);
        if (p.set) add_broadcast(s, y, out.set, y->in[k], &p);
    }
    return out;
}

static agi_origins of_reduction(agi_search *s, const ag_node *y)
{
    const ag_node *x = y->in[0];
    agi_origins p = agi_origins_of(s, x);
    if (p.uniform) return p;
    ag_extents split = ag_split_at(x, ((const ag_axis_attribute *)y->attribute)->axis);
    agi_origins out = blank(s, y);
    for (int64_t o = 0; out.set && o < split.outer; o++)
        for (int64_t i = 0; i < split.inner; i++)
            out.set[o * split.inner + i] = agi_set_union_of(s->sets, p.set + o * split.extent * split.inner + i,
                                                            split.extent, split.inner);
    return out;
}

static agi_origins of_view(agi_search *s, const ag_node *y)
{
    agi_origins p = agi_origins_of(s, y->in[0]), out;
    ag_strides v = ag_contiguous(y->in[0]);
    if (p.uniform) return p;
    if (!y->op->view(y, &v)) return of_everything(s, y); /* of contiguous memory, every built-in view is one */
    out = blank(s, y);
    int64_t index[AG_MAX_RANK] = { 0 }, at = v.offset;
    for (int64_t e = 0, n = ag_count(y); out.set && e < n; e++) {
        out.set[e] = p.set[at];
        for (int i = y->rank; i-- > 0;) {
            at += v.stride[i];
            if (++index[i] < y->dim[i]) break;
            at -= v.stride[i] * y->dim[i];
            index[i] = 0;
        }
    }
    return out;
}

/* For matrix m of the product: the number of the operand's matrix. */
static int64_t matrix_of(const ag_node *y, const ag_node *x, int64_t m)
{
    int64_t number = 0, factor = 1;
    for (int i = y->rank - 2, k = x->rank - 2; i-- > 0 && k-- > 0; m /= y->dim[i]) {
        if (x->dim[k] > 1) number += m % y->dim[i] * factor;
        factor *= x->dim[k];
    }
    return number;
}

/* Row i by column j: the sets of the rows of a, and of the columns of b. */
static agi_origins of_product(agi_search *s, const ag_node *y)
{
    const ag_node *a = y->in[0], *b = y->in[1];
    agi_origins pa = agi_origins_of(s, a), pb = agi_origins_of(s, b), out = blank(s, y);
    int64_t rows = y->dim[y->rank - 2], columns = y->dim[y->rank - 1], inner = a->dim[a->rank - 1];
    uint32_t *row = agi_arena_zeros(s->arena, (size_t)rows, sizeof *row);
    uint32_t *column = agi_arena_zeros(s->arena, (size_t)columns, sizeof *column);
    if (!row || !column) s->sets->failed = 1;
    for (int64_t m = 0, n = ag_count(y) / (rows * columns); m < n && !s->sets->failed; m++) {
        const uint32_t *of_a = pa.set, *of_b = pb.set;
        if (pa.set && !pa.uniform) of_a += matrix_of(y, a, m) * rows * inner;
        if (pb.set && !pb.uniform) of_b += matrix_of(y, b, m) * inner * columns;
        for (int64_t i = 0; of_a && i < rows; i++)
            row[i] = pa.uniform ? *of_a : agi_set_union_of(s->sets, of_a + i * inner, inner, 1);
        for (int64_t j = 0; of_b && j < columns; j++)
            column[j] = pb.uniform ? *of_b : agi_set_union_of(s->sets, of_b + j, inner, columns);
        uint32_t *set = out.set + m * rows * columns;
        for (int64_t i = 0; i < rows; i++)
            for (int64_t j = 0; j < columns; j++) *set++ = agi_set_union(s->sets, row[i], column[j]);
    }
    return out;
}

/* ---- integers that are known ------------------------------------------------------------------------------------- */

/* Constants count as fed; the others' values are the caller's to give. */
static int feed_from(ag_run *to, const ag_run *from)
{
    const ag_plan *p = to->plan;
    for (int k = 0; k < p->nleaves; k++) {
        const ag_node *leaf = p->buffer[p->leaf[k]].node;
        if (p->buffer[p->leaf[k]].role == AGI_CONSTANT) continue;
        const agi_place *at = from ? agi_find_place(from->plan, leaf) : NULL;
        if (!at || !from->fed[at->buffer] || ag_feed(to, leaf, ag_data(from, leaf))) return 0;
    }
    return 1;
}

static const int64_t *evaluate(agi_search *s, const ag_node *x)
{
    ag_node *output = (ag_node *)x;
    ag_plan *plan = ag_compile(s->graph, 1, &output, NULL);
    ag_run *run = ag_run_new(plan);
    int64_t *values = NULL;
    if (!run && !s->graph->status) s->sets->failed = 1;
    if (run && feed_from(run, s->run) && !ag_eval(run)) {
        values = agi_arena_copy(s->kept, ag_data(run, x), (size_t)agi_node_bytes(x));
        if (!values) s->sets->failed = 1;
    }
    ag_run_free(run);
    ag_plan_free(plan);
    return values;
}

/* Does it change from step to step, or with what a branch is given? */
static int is_of_a_body(agi_search *s, const ag_node *x)
{
    agi_arena arena;
    agi_region r;
    int found = 0;
    agi_arena_init(&arena, s->kept->allocator);
    agi_region_start(&r, &arena, s->graph, 0, NULL, 1, (ag_node *[]){ (ag_node *)x });
    for (const ag_node *v; !found && (v = agi_region_next(&r));) {
        found = v->bound;
        for (uint32_t k = 0; k < v->nin; k++) agi_region_add(&r, v->in[k]);
    }
    s->sets->failed |= r.failed;
    agi_arena_free(&arena);
    return found;
}

/* Found out once for each node, however often a body is gone through. */
static const int64_t *known(ag_dependence *hooks, const ag_node *x)
{
    agi_search *s = ((dependence *)hooks)->s;
    if (x->dtype != AG_I64) return NULL;
    if (x->op->role == AG_IS_CONSTANT) return x->attribute;
    for (const agi_integers *i = *s->integers; i; i = i->next)
        if (i->node == x) return i->values;
    agi_integers *i = agi_arena_take(s->kept, sizeof *i);
    if (!i) return s->sets->failed = 1, NULL;
    *i = (agi_integers){ x, is_of_a_body(s, x) ? NULL : evaluate(s, x), *s->integers };
    return (*s->integers = i)->values;
}

static void depends(ag_dependence *hooks, int64_t i, int k, int64_t j)
{
    dependence *d = (dependence *)hooks;
    agi_origins p = agi_origins_of(d->s, d->y->in[k]);
    if (p.set) d->set[i] = agi_set_union(d->s->sets, d->set[i], agi_origin(&p, j));
}

static agi_origins of_library(agi_search *s, const ag_node *y)
{
    if (!y->op->pattern) return of_everything(s, y);
    agi_origins out = blank(s, y);
    dependence d = { { depends, known }, s, y, out.set };
    return !out.set || y->op->pattern(y, &d.hooks) ? out : of_everything(s, y);
}

/* ---- all nodes --------------------------------------------------------------------------------------------------- */

/* An alias' value is its definition's, the last input; as a rewritten node's is the simpler one's. */
static int is_last_input(const agi_search *s, const ag_node *x)
{
    return x->rewritten ? !s->as_written : agi_is_last_input(x);
}

static uint32_t first_operand(const agi_search *s, const ag_node *x)
{
    return is_last_input(s, x) ? x->nin - 1 : 0;
}

static agi_origins of_node(agi_search *s, const ag_node *y)
{
    int found = 0;
    if (y->dtype == AG_I64 || y->op->gradient == ag_zero_gradient) return (agi_origins){ NULL, 0 };
    if (y->op->flags & AG_LOOP) return agi_follow_bodies(s, y), (agi_origins){ NULL, 0 };
    if (y->op->flags & AG_PART) return agi_part_origins(s, y);
    for (uint32_t k = first_operand(s, y); k < y->nin && !found; k++) found = agi_origins_of(s, y->in[k]).set != NULL;
    if (!found) return (agi_origins){ NULL, 0 };
    unsigned flags = y->op->flags;
    if (is_last_input(s, y)) return agi_origins_of(s, y->in[y->nin - 1]);
    if (flags & (AG_CAST | AG_ALIAS)) return agi_origins_of(s, y->in[0]);
    if (flags & AG_POINTWISE) return of_pointwise(s, y);
    if (flags & AG_REDUCTION) return of_reduction(s, y);
    if (flags & AG_VIEW) return of_view(s, y);
    return flags & AG_PRODUCT ? of_product(s, y) : of_library(s, y);
}

int agi_search_between(agi_search *s, int m, ag_node *const y[], int n, ag_node *const x[], int stop)
{
    agi_region *r = &s->between;
    agi_region_start(r, s->kept, s->graph, n, x, m, y);
    for (int i = 0; i < n && stop; i++) agi_region_end_at(r, x[i]);
    for (const ag_node *v; (v = agi_region_next(r));)
        for (uint32_t k = first_operand(s, v); k < v->nin && !agi_region_ends_at(r, v); k++)
            agi_region_add(r, v->in[k]);
    s->of = agi_arena_zeros(s->kept, r->count, sizeof *s->of);
    s->body = agi_arena_zeros(s->kept, r->count, sizeof *s->body);
    return s->of && s->body && !r->failed && agi_find_bodies(s);
}

static int start(agi_search *s, int n, ag_node *const x[])
{
    uint32_t member = 0;
    for (int i = 0; i < n && !s->graph->status; i++) {
        uint32_t at = agi_place_in(&s->between, x[i]), first = member;
        member += (uint32_t)ag_count(x[i]);
        if (at == AGI_NOWHERE) continue;
        agi_origins *p = &s->of[at];
        *p = blank(s, x[i]);
        for (uint32_t e = 0; p->set && first + e < member; e++) p->set[e] = agi_set_of_one(s->sets, first + e);
    }
    return !s->sets->failed && !s->graph->status;
}

/* An x may depend on others, too. */
static void follow(agi_search *s, ag_node *v, agi_origins *own, int given)
{
    agi_origins found = of_node(s, v);
    if (!given || !own->set) *own = found;
    else if (found.set) add_broadcast(s, v, own->set, v, &found);
}

void agi_follow_all(agi_search *s)
{
    const agi_region *r = &s->between;
    for (uint32_t at = r->count; at-- > 0 && !s->sets->failed && !s->graph->status;)
        if (!agi_region_ends_at(r, r->node[at])) follow(s, r->node[at], &s->of[at], s->is_top);
}

static uint32_t *pattern_of(agi_search *s, int m, ag_node *const y[], int n, ag_node *const x[])
{
    int64_t total = 0;
    for (int i = 0; i < m; i++) total += ag_count(y[i]);
    uint32_t *all = agi_arena_take(s->kept, (size_t)total * sizeof *all), *to = all;
    s->sets->failed |= !all || !agi_search_between(s, m, y, n, x, 0);
    if (s->sets->failed || !start(s, n, x)) return NULL;
    agi_follow_all(s);
    for (int i = 0; i < m; i++) {
        agi_origins p = agi_origins_of(s, y[i]);
        for (int64_t e = 0; e < ag_count(y[i]); e++) *to++ = agi_origin(&p, e);
    }
    return s->sets->failed || s->graph->status ? NULL : all;
}

uint32_t *agi_pattern_of(const char *what, ag_graph *g, agi_arena *arena, agi_sets *sets, int m, ag_node *const y[],
                         int n, ag_node *const x[], const ag_run *or_null)
{
    agi_integers *integers = NULL;
    agi_search s = { .what = what, .graph = g, .kept = arena, .arena = arena, .sets = sets, .run = or_null,
                     .integers = &integers, .is_top = 1 };
    for (int i = 0; i < n; i++) s.as_written |= x[i]->nin > 0;
    uint32_t *all = pattern_of(&s, m, y, n, x);
    agi_free_bodies(&s);
    return all;
}
