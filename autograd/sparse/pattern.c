/* Which elements of x each element of a node is made of, for every node between them: an index set an element. */
#include "run/run.h"
#include "sparse.h"

typedef struct {
    uint32_t *set; /* by element; NULL: made of no x */
    int uniform;   /* one set, for all elements */
} pattern;

typedef struct {
    const char *what;
    ag_graph *graph;
    agi_arena *arena;
    agi_sets *sets;
    const ag_run *run;
    int as_written; /* some x is no leaf: through the operands as written, which it may be among */
    uint32_t first, last;
    uint8_t *needed; /* by id - first */
    pattern *of;     /* by id - first */
} search;

typedef struct { /* what a pattern hook fills in */
    ag_dependence hooks; /* first: hooks see no more of it */
    search *s;
    const ag_node *y;
    uint32_t *set;
} dependence;

static pattern find(const search *s, const ag_node *x)
{
    return x->id < s->first || x->id > s->last ? (pattern){ NULL, 0 } : s->of[x->id - s->first];
}

static pattern blank(search *s, const ag_node *y)
{
    pattern p = { agi_arena_zeros(s->arena, (size_t)ag_count(y), sizeof *p.set), 0 };
    if (!p.set) s->sets->failed = 1;
    return p;
}

static pattern uniform(search *s, uint32_t set)
{
    pattern p = { agi_arena_take(s->arena, sizeof *p.set), 1 };
    if (p.set) *p.set = set;
    else s->sets->failed = 1;
    return p;
}

static uint32_t element(const pattern *p, int64_t i)
{
    return p->set ? p->set[p->uniform ? 0 : i] : 0;
}

static uint32_t union_of_all(search *s, const pattern *p, const ag_node *x)
{
    if (!p->set || p->uniform) return element(p, 0);
    return agi_set_union_of(s->sets, p->set, ag_count(x), 1);
}

/* ---- operations -------------------------------------------------------------------------------------------------- */

/* All elements of the result are made of all elements of the operands. */
static pattern of_everything(search *s, const ag_node *y)
{
    uint32_t all = 0;
    for (uint32_t k = 0; k < agi_written_inputs(y); k++) {
        pattern p = find(s, y->in[k]);
        all = agi_set_union(s->sets, all, union_of_all(s, &p, y->in[k]));
    }
    return uniform(s, all);
}

/* Adds x's sets, broadcast, to those of y. */
static void add_broadcast(search *s, const ag_node *y, uint32_t *set, const ag_node *x, const pattern *p)
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

static pattern of_pointwise(search *s, const ag_node *y)
{
    int dependent = 0, all_uniform = 1;
    uint32_t only = 0, n = agi_written_inputs(y);
    for (uint32_t k = 0; k < n; k++) {
        pattern p = find(s, y->in[k]);
        if (!p.set) continue;
        dependent++;
        only = k;
        all_uniform &= p.uniform;
    }
    if (all_uniform) return of_everything(s, y);
    if (dependent == 1 && ag_same_shape(y->in[only], y)) return find(s, y->in[only]);
    pattern out = blank(s, y);
    for (uint32_t k = 0; k < n && out.set; k++) {
        pattern p = find(s, y->in[k]);
        if (p.set) add_broadcast(s, y, out.set, y->in[k], &p);
    }
    return out;
}

static pattern of_reduction(search *s, const ag_node *y)
{
    const ag_node *x = y->in[0];
    pattern p = find(s, x);
    if (p.uniform) return p;
    ag_split split = ag_split_at(x, ((const ag_axis_attribute *)y->attribute)->axis);
    pattern out = blank(s, y);
    for (int64_t o = 0; out.set && o < split.outer; o++)
        for (int64_t i = 0; i < split.inner; i++)
            out.set[o * split.inner + i] = agi_set_union_of(s->sets, p.set + o * split.extent * split.inner + i,
                                                            split.extent, split.inner);
    return out;
}

static pattern of_view(search *s, const ag_node *y)
{
    pattern p = find(s, y->in[0]), out;
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
static pattern of_product(search *s, const ag_node *y)
{
    const ag_node *a = y->in[0], *b = y->in[1];
    pattern pa = find(s, a), pb = find(s, b), out = blank(s, y);
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

static const int64_t *evaluate(search *s, const ag_node *x)
{
    ag_node *output = (ag_node *)x;
    ag_plan *plan = ag_compile(s->graph, 1, &output, NULL);
    ag_run *run = ag_run_new(plan);
    int64_t *values = NULL;
    if (!run && !s->graph->status) s->sets->failed = 1;
    if (run && feed_from(run, s->run) && !ag_eval(run)) {
        values = agi_arena_copy(s->arena, ag_data(run, x), (size_t)agi_node_bytes(x));
        if (!values) s->sets->failed = 1;
    }
    ag_run_free(run);
    ag_plan_free(plan);
    return values;
}

static const int64_t *known(ag_dependence *d, const ag_node *x)
{
    if (x->dtype != AG_I64) return NULL;
    return x->op->role == AG_IS_CONSTANT ? x->attribute : evaluate(((dependence *)d)->s, x);
}

static void depends(ag_dependence *hooks, int64_t i, int k, int64_t j)
{
    dependence *d = (dependence *)hooks;
    pattern p = find(d->s, d->y->in[k]);
    if (p.set) d->set[i] = agi_set_union(d->s->sets, d->set[i], element(&p, j));
}

static pattern of_library(search *s, const ag_node *y)
{
    if (!y->op->pattern) return of_everything(s, y);
    pattern out = blank(s, y);
    dependence d = { { depends, known }, s, y, out.set };
    return !out.set || y->op->pattern(y, &d.hooks) ? out : of_everything(s, y);
}

/* ---- all nodes --------------------------------------------------------------------------------------------------- */

/* An alias' value is its definition's, the last input; as a rewritten node's is the simpler one's. */
static int is_last_input(const search *s, const ag_node *x)
{
    return x->rewritten ? !s->as_written : agi_is_last_input(x);
}

static uint32_t first_operand(const search *s, const ag_node *x)
{
    return is_last_input(s, x) ? x->nin - 1 : 0;
}

static pattern of_node(search *s, const ag_node *y)
{
    int depends = 0;
    if (y->dtype == AG_I64 || y->op->gradient == ag_zero_gradient) return (pattern){ NULL, 0 };
    for (uint32_t k = first_operand(s, y); k < y->nin && !depends; k++) depends = find(s, y->in[k]).set != NULL;
    if (!depends) return (pattern){ NULL, 0 };
    unsigned flags = y->op->flags;
    if (is_last_input(s, y)) return find(s, y->in[y->nin - 1]);
    if (flags & (AG_CAST | AG_ALIAS)) return find(s, y->in[0]);
    if (flags & AG_POINTWISE) return of_pointwise(s, y);
    if (flags & AG_REDUCTION) return of_reduction(s, y);
    if (flags & AG_VIEW) return of_view(s, y);
    return flags & AG_PRODUCT ? of_product(s, y) : of_library(s, y);
}

static int prepare(search *s, int m, ag_node *const y[], int n, ag_node *const x[])
{
    s->first = UINT32_MAX;
    for (int i = 0; i < n; i++) {
        s->first = x[i]->id < s->first ? x[i]->id : s->first;
        s->last = x[i]->id > s->last ? x[i]->id : s->last;
        s->as_written |= x[i]->nin > 0;
    }
    for (int i = 0; i < m; i++) s->last = y[i]->id > s->last ? y[i]->id : s->last;
    size_t span = s->last - s->first + 1;
    s->needed = agi_arena_zeros(s->arena, span, 1);
    s->of = agi_arena_zeros(s->arena, span, sizeof *s->of);
    if (!s->needed || !s->of) return 0;
    for (int i = 0; i < m; i++)
        if (y[i]->id >= s->first) s->needed[y[i]->id - s->first] = 1;
    for (uint32_t id = s->last + 1; id-- > s->first;) {
        const ag_node *v = agi_node(s->graph, id);
        for (uint32_t k = first_operand(s, v); s->needed[id - s->first] && k < v->nin; k++)
            if (v->in[k]->id >= s->first) s->needed[v->in[k]->id - s->first] = 1;
    }
    return 1;
}

static int start(search *s, int n, ag_node *const x[])
{
    uint32_t member = 0;
    for (int i = 0; i < n; i++) {
        pattern *p = &s->of[x[i]->id - s->first];
        if (p->set) {
            agi_fail(s->graph, AG_EARG, "%s: x[%d] is among the x before it", s->what, i);
            return 0;
        }
        *p = blank(s, x[i]);
        for (int64_t e = 0; p->set && e < ag_count(x[i]); e++) p->set[e] = agi_set_of_one(s->sets, member++);
    }
    return !s->sets->failed;
}

/* An x may depend on others, too. */
static void follow(search *s, ag_node *v)
{
    pattern *own = &s->of[v->id - s->first], found = of_node(s, v);
    if (!own->set) *own = found;
    else if (found.set) add_broadcast(s, v, own->set, v, &found);
}

uint32_t *agi_pattern_of(const char *what, ag_graph *g, agi_arena *arena, agi_sets *sets, int m, ag_node *const y[],
                         int n, ag_node *const x[], const ag_run *or_null)
{
    search s = { .what = what, .graph = g, .arena = arena, .sets = sets, .run = or_null };
    int64_t total = 0;
    for (int i = 0; i < m; i++) total += ag_count(y[i]);
    uint32_t *all = agi_arena_take(arena, (size_t)total * sizeof *all), *to = all;
    sets->failed |= !all || !prepare(&s, m, y, n, x);
    if (sets->failed || !start(&s, n, x)) return NULL;
    for (uint32_t id = s.first; id <= s.last && !sets->failed && !g->status; id++)
        if (s.needed[id - s.first]) follow(&s, agi_node(g, id));
    for (int i = 0; i < m; i++) {
        pattern p = find(&s, y[i]);
        for (int64_t e = 0; e < ag_count(y[i]); e++) *to++ = element(&p, e);
    }
    return sets->failed || g->status ? NULL : all;
}
