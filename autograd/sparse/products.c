/* Sparse derivatives: the structure first, then as many products as it needs colours, then its elements from them. */
#include "control/loop.h"
#include "derive/derive.h"
#include "shared/derivative.h"
#include "direct.h"

#define MOST_ELEMENTS ((int64_t)1 << 31) /* that may differ from 0, or of all products: more is not sparse */

typedef struct {
    const char *what;
    ag_graph *graph;
    agi_arena arena;
    int m, n;
    ag_node *const *y, *const *x;
    int64_t rows, columns;
    agi_sets sets;
    uint32_t *set;    /* by row */
    ag_sparse *out;
    agi_colouring by;
} work;

static ag_status out_of_memory(work *w)
{
    agi_fail(w->graph, AG_EMEM, "%s: out of memory", w->what);
    return AG_EMEM;
}

static int64_t elements(int n, ag_node *const x[])
{
    int64_t count = 0;
    for (int i = 0; i < n; i++) count += ag_count(x[i]);
    return count;
}

static ag_status refuse_dense(work *w, int64_t nonzeros)
{
    agi_fail(w->graph, AG_EARG, "%s: not sparse: of %lld x %lld elements, %lld or more may differ from 0", w->what,
             (long long)w->rows, (long long)w->columns, (long long)nonzeros);
    return AG_EARG;
}

/* ---- structure --------------------------------------------------------------------------------------------------- */

static ag_status write_rows(work *w)
{
    int64_t count = 0, *start = agi_arena_take(&w->graph->arena, (size_t)(w->rows + 1) * sizeof *start);
    if (!start) return out_of_memory(w);
    for (int64_t i = 0; i < w->rows; i++) {
        start[i] = count;
        count += agi_set_at(&w->sets, w->set[i])->count;
    }
    start[w->rows] = count;
    if (count > MOST_ELEMENTS) return refuse_dense(w, count);
    int64_t *column = agi_arena_take(&w->graph->arena, (size_t)count * sizeof *column), *to = column;
    if (!column) return out_of_memory(w);
    for (int64_t i = 0; i < w->rows; i++) {
        const agi_set *set = agi_set_at(&w->sets, w->set[i]);
        for (uint32_t k = 0; k < set->count; k++) *to++ = set->member[k];
    }
    *w->out = (ag_sparse){ .rows = w->rows, .columns = w->columns, .nonzeros = count, .row_start = start,
                           .column = column };
    return AG_OK;
}

static ag_status check_size(work *w)
{
    if (w->columns <= (int64_t)UINT32_MAX / 4) return AG_OK;
    agi_fail(w->graph, AG_EARG, "%s: %lld columns are too many", w->what, (long long)w->columns);
    return AG_EARG;
}

static ag_status find_structure(work *w, const ag_run *run)
{
    agi_sets_init(&w->sets, &w->graph->allocator, (uint32_t)w->columns);
    if (!w->sets.failed)
        w->set = agi_pattern_of(w->what, w->graph, &w->arena, &w->sets, w->m, w->y, w->n, w->x, run);
    if (w->sets.too_many) return refuse_dense(w, AGI_MOST_MEMBERS);
    if (w->sets.failed) return out_of_memory(w);
    return w->set ? write_rows(w) : w->graph->status;
}

/* ---- products ---------------------------------------------------------------------------------------------------- */

/* [colours, *x's shape], a constant: 1 where the element, x's first being the one of that colour, has the row's. */
static ag_node *seed(work *w, const ag_node *x, const uint32_t *colour)
{
    const ag_dtype dtype = (ag_dtype)x->dtype;
    const int64_t n = ag_count(x), colours = w->out->colours;
    agi_arena arena;
    agi_arena_init(&arena, w->arena.allocator);
    void *of = agi_arena_zeros(&arena, (size_t)(colours * n), ag_dtype_size(dtype));
    for (int64_t i = 0; of && i < n; i++)
        if (dtype == AG_F64) ((double *)of)[colour[i] * n + i] = 1;
        else ((float *)of)[colour[i] * n + i] = 1;
    ag_node *all = of ? ag_constant(w->graph, dtype, ag_batch_shape(x, colours), of) : NULL;
    agi_arena_free(&arena);
    return all ? all : (out_of_memory(w), w->graph->bad);
}

/* The products are to be with v, of `seeds` unit vectors or colours, and come to d. */
typedef struct {
    int seeds, results;
    ag_node *const *like; /* what the v are like, */
    ag_node *const *of;   /* and the results */
    ag_node **v, **d;
} products;

/* Forward of the x's unit vectors, or of the y's in reverse. */
static ag_status begin_products(work *w, products *p)
{
    *p = w->by.by_rows ? (products){ .seeds = w->m, .results = w->n, .like = w->y, .of = w->x }
                       : (products){ .seeds = w->n, .results = w->m, .like = w->x, .of = w->y };
    p->v = agi_arena_take(&w->arena, ((size_t)p->seeds + (size_t)p->results) * sizeof *p->v);
    if (!p->v) return out_of_memory(w);
    p->d = p->v + p->seeds;
    for (int i = 0; i < p->seeds; i++) {
        p->v[i] = ag_input(w->graph, NULL, (ag_dtype)p->like[i]->dtype, ag_shape_in(p->like[i]));
        if (ag_is_bad(p->v[i])) return w->graph->status;
    }
    return w->by.by_rows ? ag_vjp(w->m, w->y, p->v, w->n, w->x, p->d) : ag_jvp(w->n, w->x, p->v, w->m, w->y, p->d);
}

/* [colours, rows or columns] */
static ag_node *compressed(work *w, const products *p)
{
    const uint32_t *colour = w->by.colour;
    ag_node **of_v = agi_arena_take(&w->arena, ((size_t)p->seeds + (size_t)p->results) * sizeof *of_v);
    if (!of_v) return out_of_memory(w), w->graph->bad;
    ag_node **of_d = of_v + p->seeds;
    for (int i = 0; i < p->seeds; colour += ag_count(p->like[i++])) {
        of_v[i] = seed(w, p->like[i], colour);
        if (ag_is_bad(of_v[i])) return w->graph->bad;
    }
    if (agi_batch(w->what, w->out->colours, p->seeds, p->v, of_v, p->results, p->d, of_d)) return w->graph->bad;
    for (int i = 0; i < p->results; i++) of_d[i] = ag_reshape(of_d[i], AG_SHAPE(w->out->colours, -1));
    return ag_concat(p->results, of_d, 1);
}

static ag_status gather_values(work *w, const products *p)
{
    ag_sparse *s = w->out;
    ag_node *all = ag_reshape(compressed(w, p), AG_SHAPE(-1));
    s->values = ag_gather(all, 0, ag_constant(w->graph, AG_I64, AG_SHAPE(s->nonzeros), w->by.from));
    return w->graph->status;
}

static agi_csr structure_of(const work *w)
{
    const ag_sparse *s = w->out;
    return (agi_csr){ s->rows, s->columns, s->row_start, s->column };
}

static ag_status find_colours(work *w, int symmetric)
{
    const agi_csr all = structure_of(w);
    if (!agi_colour(&w->arena, &all, w->set, w->sets.sets.count, symmetric, &w->by)) return out_of_memory(w);
    int64_t length = w->by.by_rows ? w->columns : w->rows;
    if (w->by.colours > MOST_ELEMENTS / length) {
        agi_fail(w->graph, AG_EARG, "%s: not sparse: %lld products of %lld elements are needed", w->what,
                 (long long)w->by.colours, (long long)length);
        return AG_EARG;
    }
    w->out->colours = (int)w->by.colours;
    return AG_OK;
}

/* By as many products as there are colours. */
static ag_status find_by_colours(work *w, const ag_run *run, int symmetric)
{
    products p;
    ag_status status = find_structure(w, run);
    if (status || !w->out->nonzeros) return status;
    status = find_colours(w, symmetric);
    if (!status) status = begin_products(w, &p);
    return status ? status : gather_values(w, &p);
}

/* ---- from stripes ------------------------------------------------------------------------------------------------ */

static int64_t most_elements(int n, const agi_stripes of[])
{
    int64_t count = 0;
    for (int i = 0; i < n; i++)
        for (int k = 0; k < of[i].n; k++) count += ag_count(of[i].stripe[k].value);
    return count;
}

/* Is nothing on the way that is known not to leave stripes, or that may have no products forward? */
static int may_leave_stripes(work *w)
{
    agi_region r;
    int may = 1;
    agi_region_start(&r, &w->arena, w->graph, w->n, w->x, w->m, w->y);
    for (const ag_node *v; may && (v = agi_region_next(&r));) {
        const ag_op *op = v->op;
        if (op->flags & AG_POINTWISE) may = op->code != 0;
        else if (op->flags & (AG_LIBRARY | AG_LOOP | AG_PART)) may = op->window || op->adds || op->flags & AG_PRODUCT;
        for (uint32_t k = 0; k < agi_written_inputs(v); k++) agi_region_add(&r, v->in[k]);
    }
    return may && !r.failed;
}

/* *found: all is; else nothing is there yet. */
static ag_status find_by_stripes(work *w, int symmetric, int *found)
{
    products p;
    int stopped;
    *found = 0;
    if (!may_leave_stripes(w)) return AG_OK;
    if (begin_products(w, &p)) return w->graph->status; /* forward */
    agi_stripes *of = agi_arena_take(&w->arena, (size_t)p.results * sizeof *of);
    if (!of) return out_of_memory(w);
    if (agi_stripes_of(w->what, &w->arena, p.seeds, p.v, p.results, p.d, of, &stopped)) return w->graph->status;
    if (stopped || most_elements(p.results, of) > MOST_ELEMENTS) return AG_OK;
    agi_csr all = { .rows = w->rows, .columns = w->columns };
    if (!agi_direct_rows(&w->graph->arena, &w->arena, 0, p.results, p.of, of, &all)) return out_of_memory(w);
    const int64_t count = all.start[all.rows];
    ag_node *values = count ? agi_direct_values(&w->arena, &all, 0, p.results, p.of, of) : NULL;
    if (w->graph->status || (count && !values)) return w->graph->status;
    *found = 1;
    *w->out = (ag_sparse){ .rows = w->rows, .columns = w->columns, .nonzeros = count, .row_start = all.start,
                           .column = all.column, .values = values };
    return count ? find_colours(w, symmetric) : AG_OK;
}

/* ---- the calls --------------------------------------------------------------------------------------------------- */

/* For whoever writes its values, and where they stand. */
static int remember(ag_graph *g, const ag_sparse *s)
{
    if (!agi_vector_grow(&g->allocator, &g->sparse, sizeof s, 1)) return 0;
    ((const ag_sparse **)g->sparse.data)[g->sparse.count++] = s;
    return 1;
}

static const ag_sparse *sparse(const char *what, ag_graph *g, int m, ag_node *const y[], int n, ag_node *const x[],
                               const ag_run *run, int symmetric)
{
    work w = { .what = what, .graph = g, .m = m, .y = y, .n = n, .x = x };
    agi_arena_init(&w.arena, &g->allocator);
    w.rows = elements(m, y);
    w.columns = elements(n, x);
    w.out = agi_arena_zeros(&g->arena, 1, sizeof *w.out);
    ag_status status = w.out ? check_size(&w) : out_of_memory(&w);
    int found = 0;
    g->inside++;
    if (!status) status = find_by_stripes(&w, symmetric, &found);
    if (!status && !found) status = find_by_colours(&w, run, symmetric);
    g->inside--;
    if (!status && w.out->values) w.out->values = agi_derivative_of(y[0], x[0], w.out->values);
    if (!status) status = g->status;
    if (!status && !remember(g, w.out)) status = out_of_memory(&w);
    agi_sets_free(&w.sets);
    agi_arena_free(&w.arena);
    return status ? NULL : w.out;
}

static ag_graph *check(const char *what, ag_node *y, int n, ag_node *const x[])
{
    ag_graph *g = y ? y->graph : n > 0 && x && x[0] ? x[0]->graph : NULL;
    if (!g) return NULL;
    if (n < 1 || !x) return agi_fail(g, AG_EARG, "%s: no x", what), NULL;
    if (agi_check_nodes(g, what, 1, &y, "y") || agi_check_nodes(g, what, n, x, "x") || g->status) return NULL;
    if (agi_refuse_extents(what, y)) return NULL;
    const int64_t repeated = agi_first_repeated(g, n, x);
    if (repeated < n && !g->status)
        agi_fail(g, AG_EARG, "%s: x[%d] is among the x before it", what, (int)repeated);
    if (g->status) return NULL;
    for (int i = -1; i < n; i++) {
        if ((i < 0 ? y : x[i])->dtype != AG_I64) continue;
        agi_fail(g, AG_ENOGRAD, "%s: %s is of integers, which have no derivative", what, i < 0 ? "y" : "an x");
        return NULL;
    }
    return g;
}

const ag_sparse *ag_sparse_jacobian(ag_node *y, int n, ag_node *const x[], const ag_run *or_null)
{
    ag_graph *g = check("ag_sparse_jacobian", y, n, x);
    return g ? sparse("ag_sparse_jacobian", g, 1, &y, n, x, or_null, 0) : NULL;
}

const ag_sparse *ag_sparse_hessian(ag_node *y, int n, ag_node *const x[], const ag_run *or_null)
{
    ag_graph *g = check("ag_sparse_hessian", y, n, x);
    ag_node **dx = g ? agi_allocate(&g->allocator, (size_t)n * sizeof *dx) : NULL;
    const ag_sparse *s = NULL;
    if (!dx) return g ? agi_fail(g, AG_EMEM, "ag_sparse_hessian: out of memory"), NULL : NULL;
    if (!agi_gradient("ag_sparse_hessian", y, n, x, dx)) s = sparse("ag_sparse_hessian", g, n, dx, n, x, or_null, 1);
    agi_release(&g->allocator, dx);
    return s;
}
