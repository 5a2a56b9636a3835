/* Derivatives made of reverse sweeps: Jacobian-vector and Hessian-vector products. */
#include "derive.h"
#include "shared/derivative.h"
#include "control/loop.h"

/* Has some dy a value that depends on one of the u, all of which were made at `first` or later? */
static int remains(ag_graph *g, agi_arena *arena, uint32_t first, int m, ag_node *const u[], ag_node *const dy[])
{
    uint32_t last = (uint32_t)g->nnodes - 1;
    uint8_t *reached = agi_arena_zeros(arena, last - first + 1, 1);
    if (!reached) {
        agi_fail(g, AG_EMEM, "ag_jvp: out of memory");
        return 1;
    }
    for (int k = 0; k < m; k++) reached[u[k]->id - first] = 1;
    for (uint32_t id = first; id <= last; id++) {
        const ag_node *v = agi_node(g, id);
        uint32_t from = agi_is_last_input(v) ? v->nin - 1 : 0;
        for (uint32_t i = from; i < v->nin && !reached[id - first]; i++)
            reached[id - first] = v->in[i]->id >= first && reached[v->in[i]->id - first];
    }
    for (int k = 0; k < m; k++) {
        if (dy[k]->id < first || !reached[dy[k]->id - first]) continue;
        agi_fail(g, AG_ENOGRAD, "ag_jvp: a gradient rule on the way to y[%d] is not linear in gout", k);
        return 1;
    }
    return 0;
}

/* A loop that computes the tangents of another one's parts: which part of it is that of each, or -1. */
typedef struct {
    ag_node *loop;
    int *part;
} tangents;

/* Tangents that are known: those of the x, then those of the parts of loops that were gone through. */
typedef struct {
    ag_graph *graph;
    agi_arena arena;
    int n, stops;    /* nothing flows on from the last `stops` of the x */
    ag_node **x, **v; /* v: NULL is 0 */
    agi_region between;   /* what the y are made of, down to the x; by place in it: */
    uint8_t *depends;     /* on an x, */
    tangents *of;         /* of a loop */
} forward;

static ag_status no_memory(ag_graph *g)
{
    agi_fail(g, AG_EMEM, "ag_jvp: out of memory");
    return AG_EMEM;
}

/* The products g[i] = sum over k of (dy[k]/dx[i])^T u[k] are linear in u, and the transpose of that map is the
 * Jacobian: the sweep back from g to u gives sum over i of dy[k]/dx[i] v[i], in which no u is left. */
static ag_status transpose_twice(forward *f, int m, ag_node *const y[], ag_node *dy[])
{
    ag_graph *g = f->graph;
    uint32_t first = (uint32_t)g->nnodes;
    int moving = 0;
    ag_node **u = agi_arena_take(&f->arena, ((size_t)m + 2 * (size_t)f->n + 1) * sizeof *u);
    ag_node **gx = u + m, **v = gx + f->n;
    if (!u) return no_memory(g);
    for (int k = 0; k < m && !g->status; k++) u[k] = ag_input(g, NULL, (ag_dtype)y[k]->dtype, ag_shape_in(y[k]));
    if (!g->status) agi_pull("ag_jvp", m, y, u, f->n, f->x, f->stops, gx);
    for (int i = 0; i < f->n && !g->status; i++) {
        if (!f->v[i]) continue;
        gx[moving] = gx[i];
        v[moving++] = f->v[i];
    }
    if (!g->status) ag_vjp(moving, gx, v, m, u, dy);
    if (!g->status) remains(g, &f->arena, first, m, u, dy);
    return g->status;
}

/* ---- loops, gone through forwards ------------------------------------------------------------------------------- */

static int on_the_way(const forward *f, const ag_node *x)
{
    uint32_t at = agi_place_in(&f->between, x);
    return at != AGI_NOWHERE && f->depends[at];
}

/* 0: out of memory. */
static int find_between(forward *f, int m, ag_node *const y[])
{
    agi_region *r = &f->between;
    agi_region_start(r, &f->arena, f->graph, f->n, f->x, m, y);
    for (int i = f->n - f->stops; i < f->n; i++) agi_region_end_at(r, f->x[i]);
    for (const ag_node *v; (v = agi_region_next(r));)
        for (uint32_t k = 0; k < v->nin && !agi_region_ends_at(r, v); k++) agi_region_add(r, v->in[k]);
    f->depends = agi_arena_zeros(&f->arena, r->count, 1);
    return f->depends && !r->failed;
}

/* Which nodes depend on an x; the number of loops' parts among them. */
static int mark_dependent(forward *f)
{
    const agi_region *r = &f->between;
    int parts = 0;
    for (int i = 0; i < f->n; i++) {
        uint32_t at = agi_place_in(r, f->x[i]);
        if (at != AGI_NOWHERE) f->depends[at] = 1;
    }
    for (uint32_t at = r->count; at-- > 0;) {
        const ag_node *v = r->node[at];
        int constant = v->dtype == AG_I64 || v->op->gradient == ag_zero_gradient || agi_region_ends_at(r, v);
        for (uint32_t k = 0; k < v->nin && !constant && !f->depends[at]; k++) f->depends[at] = on_the_way(f, v->in[k]);
        parts += v->op->flags & AG_PART && f->depends[at] && !agi_region_ends_at(r, v);
    }
    return parts;
}

static ag_status go_through(forward *f, ag_node *loop)
{
    int m = 0, n = loop->nin;
    ag_node **tin = agi_arena_zeros(&f->arena, (size_t)n, sizeof *tin);
    ag_node **y = agi_arena_take(&f->arena, 2 * (size_t)n * sizeof *y), **dy = y + n;
    tangents t = { .part = agi_arena_take(&f->arena, (size_t)agi_parts(loop) * sizeof *t.part) };
    if (!tin || !y || !t.part) return no_memory(f->graph);
    for (int k = 0; k < n; k++)
        if (on_the_way(f, loop->in[k]) && loop->in[k]->dtype != AG_I64) y[m++] = loop->in[k];
    if (m && transpose_twice(f, m, y, dy)) return f->graph->status;
    for (int k = 0, i = 0; i < m; k++)
        if (y[i] == loop->in[k]) tin[k] = dy[i++];
    t.loop = loop->op->forward(loop, tin, t.part);
    f->of[agi_place_in(&f->between, loop)] = t;
    return f->graph->status;
}

static void add_part(forward *f, ag_node *part)
{
    const tangents *t = &f->of[agi_place_in(&f->between, part->in[0])];
    int number = t->part[*(const int *)part->attribute];
    f->x[f->n] = part;
    f->v[f->n++] = number < 0 ? NULL : agi_new_part(t->loop, number);
    f->stops++;
}

static ag_status find_loops(forward *f, int m, ag_node *const y[])
{
    ag_graph *g = f->graph;
    int n = f->n;
    if (!n) return AG_OK;
    if (!find_between(f, m, y)) return no_memory(g);
    int parts = mark_dependent(f);
    if (!parts) return AG_OK;
    ag_node **x = agi_arena_take(&f->arena, 2 * (size_t)(n + parts) * sizeof *x), **v = x + n + parts;
    f->of = agi_arena_zeros(&f->arena, f->between.count, sizeof *f->of);
    if (!x || !f->of) return no_memory(g);
    memcpy(x, f->x, (size_t)n * sizeof *x);
    memcpy(v, f->v, (size_t)n * sizeof *v);
    f->x = x;
    f->v = v;
    for (uint32_t at = f->between.count; at-- > 0 && !g->status;) {
        ag_node *on = f->between.node[at];
        if (!f->depends[at] || agi_region_ends_at(&f->between, on)) continue;
        if (on->op->flags & AG_LOOP) go_through(f, on);
        else if (on->op->flags & AG_PART && on_the_way(f, on->in[0])) add_part(f, on);
    }
    return g->status;
}

/* Of sound nodes whose shapes fit. */
static ag_status push(ag_graph *g, int n, ag_node *const x[], ag_node *const v[], int stops, int m, ag_node *const y[],
                      ag_node *dy[])
{
    forward f = { .graph = g, .n = n, .stops = stops, .x = (ag_node **)x, .v = (ag_node **)v };
    agi_arena_init(&f.arena, &g->allocator);
    g->inside++;
    ag_status status = find_loops(&f, m, y);
    if (!status) status = transpose_twice(&f, m, y, dy);
    g->inside--;
    agi_arena_free(&f.arena);
    return status;
}

ag_status agi_local_jvp(int n, ag_node *const x[], ag_node *const v[], int m, ag_node *const y[], ag_node *dy[])
{
    return m ? push(y[0]->graph, n, x, v, n, m, y, dy) : AG_OK;
}

/* ---- products --------------------------------------------------------------------------------------------------- */

/* Every v is to be of its x's shape and type. */
static ag_status check_tangents(ag_graph *g, const char *what, int n, ag_node *const x[], ag_node *const v[])
{
    for (int i = 0; i < n; i++) {
        if (ag_same_shape(x[i], v[i]) && x[i]->dtype == v[i]->dtype) continue;
        agi_fail_at(g, AG_ESHAPE, 2, (ag_node *[]){ x[i], v[i] },
                    "%s: x[%d] and its tangent v[%d] differ in shape or type", what, i, i);
    }
    return g->status;
}

ag_status ag_jvp(int n, ag_node *const x[], ag_node *const v[], int m, ag_node *const y[], ag_node *dy[])
{
    ag_graph *g = y && m > 0 && y[0] ? y[0]->graph : x && n > 0 && x[0] ? x[0]->graph : NULL;
    ag_status status = AG_EARG;
    if (g && (m < 0 || n < 0 || (m && (!y || !dy)) || (n && (!x || !v)))) {
        agi_fail(g, status, "ag_jvp: a list is NULL, or its length negative");
    } else if (g) {
        status = agi_check_nodes(g, "ag_jvp", m, y, "y");
        if (!status) status = agi_check_nodes(g, "ag_jvp", n, x, "x");
        if (!status) status = agi_check_nodes(g, "ag_jvp", n, v, "v");
        if (!status) status = check_tangents(g, "ag_jvp", n, x, v);
        if (!status) status = push(g, n, x, v, 0, m, y, dy);
        for (int k = 0; k < m && !status; k++) dy[k] = agi_derivative_of(y[k], n ? x[0] : y[k], dy[k]);
        if (!status) status = g->status;
    }
    for (int k = 0; status && dy && k < m; k++) dy[k] = g ? g->bad : NULL;
    return status;
}

/* The Hessian is symmetric: the gradient's product with v from the left is its product from the right. */
ag_node *ag_hvp(ag_node *y, ag_node *x, ag_node *v)
{
    ag_graph *g = y ? y->graph : x ? x->graph : v ? v->graph : NULL;
    ag_node *dx, *product;
    if (!g) return NULL;
    if (agi_check_nodes(g, "ag_hvp", 1, &y, "y") || agi_check_nodes(g, "ag_hvp", 1, &x, "x")) return g->bad;
    if (agi_check_nodes(g, "ag_hvp", 1, &v, "v") || check_tangents(g, "ag_hvp", 1, &x, &v)) return g->bad;
    if (agi_gradient("ag_hvp", y, 1, &x, &dx)) return g->bad;
    return agi_pull("ag_hvp", 1, &dx, &v, 1, &x, 0, &product) ? g->bad : agi_derivative_of(y, x, product);
}
