/* Derivatives made of reverse sweeps: Jacobian-vector and Hessian-vector products. */
#include "internal.h"

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
        uint32_t from = v->op->flags & AG_ALIAS ? v->nin - 1 : 0; /* the value is the definition's */
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

/* The products g[i] = sum over k of (dy[k]/dx[i])^T u[k] are linear in u, and the transpose of that map is the
 * Jacobian: the sweep back from g to u gives sum over i of dy[k]/dx[i] v[i], in which no u is left. */
static ag_status transpose_twice(ag_graph *g, agi_arena *arena, int n, ag_node *const x[], ag_node *const v[], int m,
                                 ag_node *const y[], ag_node *dy[])
{
    uint32_t first = (uint32_t)g->nnodes;
    ag_node **u = agi_arena_take(arena, ((size_t)m + (size_t)n + 1) * sizeof *u), **gx = u + m;
    if (!u) agi_fail(g, AG_EMEM, "ag_jvp: out of memory");
    for (int k = 0; k < m && !g->status; k++) u[k] = ag_input(g, NULL, (ag_dtype)y[k]->dtype, ag_shape_in(y[k]));
    if (!g->status) ag_vjp(m, y, u, n, x, gx);
    if (!g->status) ag_vjp(n, gx, v, m, u, dy);
    if (!g->status) remains(g, arena, first, m, u, dy);
    return g->status;
}

/* Every v is to be of its x's shape and type. */
static ag_status check_tangents(ag_graph *g, const char *what, int n, ag_node *const x[], ag_node *const v[])
{
    for (int i = 0; i < n; i++) {
        if (ag_same_shape(x[i], v[i]) && x[i]->dtype == v[i]->dtype) continue;
        agi_text t = { g->message, g->message + sizeof g->message };
        if (g->status) return g->status;
        agi_fail(g, AG_ESHAPE, "%s: the tangent v[%d] differs from x[%d] in shape or type; ", what, i, i);
        t.at += strlen(g->message);
        agi_print_node(&t, x[i]);
        agi_print(&t, ", ");
        agi_print_node(&t, v[i]);
    }
    return g->status;
}

ag_status ag_jvp(int n, ag_node *const x[], ag_node *const v[], int m, ag_node *const y[], ag_node *dy[])
{
    ag_graph *g = y && m > 0 && y[0] ? y[0]->graph : x && n > 0 && x[0] ? x[0]->graph : NULL;
    ag_status status = AG_EARG;
    if (m < 0 || n < 0 || (m && (!y || !dy)) || (n && (!x || !v))) return status;
    if (g) {
        status = agi_check_nodes(g, "ag_jvp", m, y, "y");
        if (!status) status = agi_check_nodes(g, "ag_jvp", n, x, "x");
        if (!status) status = agi_check_nodes(g, "ag_jvp", n, v, "v");
        if (!status) status = check_tangents(g, "ag_jvp", n, x, v);
        if (!status) {
            agi_arena arena;
            agi_arena_init(&arena, &g->allocator);
            status = transpose_twice(g, &arena, n, x, v, m, y, dy);
            agi_arena_free(&arena);
        }
    }
    for (int k = 0; status && k < m; k++) dy[k] = g ? g->bad : NULL;
    return status;
}

/* The Hessian is symmetric: the gradient's product with v from the left is its product from the right. */
ag_node *ag_hvp(ag_node *y, ag_node *x, ag_node *v)
{
    ag_graph *g = y ? y->graph : x ? x->graph : v ? v->graph : NULL;
    ag_node *dx, *product;
    if (!g) return NULL;
    ag_node *const all[] = { y, x, v };
    if (agi_check_nodes(g, "ag_hvp", 3, all, "operand") || check_tangents(g, "ag_hvp", 1, &x, &v)) return g->bad;
    if (ag_gradient(y, 1, &x, &dx)) return g->bad;
    return ag_vjp(1, &dx, &v, 1, &x, &product) ? g->bad : product;
}
