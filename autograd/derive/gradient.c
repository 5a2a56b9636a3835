/* Gradients of nodes by nodes: what is asked is looked at, then swept. */
#include "derive.h"
#include "shared/derivative.h"
#include "control/loop.h"

ag_status agi_check_nodes(ag_graph *g, const char *what, int n, ag_node *const x[], const char *role)
{
    for (int i = 0; i < n; i++) {
        if (!x[i]) agi_fail(g, AG_EARG, "%s: %s[%d] is NULL", what, role, i);
        else if (x[i]->graph != g) agi_fail(g, AG_EARG, "%s: %s[%d] is a node of another graph", what, role, i);
        else if (!ag_is_bad(x[i])) continue;
        return g->status ? g->status : AG_EARG;
    }
    return AG_OK;
}

static ag_status differentiate(const char *what, ag_graph *g, int m, ag_node *const y[], ag_node *const w[], int n,
                               ag_node *const x[], ag_node *dx[], int stops, const agi_conditions *c)
{
    if (g->status) return g->status;
    for (int i = 0; i < n; i++)
        if (x[i]->dtype == AG_I64)
            return agi_fail_at(g, AG_ENOGRAD, 1, &x[i], "%s: x[%d] is of integers, which have no gradient", what, i);
    for (int k = 0; k < m; k++)
        if (y[k]->dtype == AG_I64)
            return agi_fail_at(g, AG_ENOGRAD, 1, &y[k], "%s: y[%d] is of integers, which have no gradient", what,
                               k);
        else if (!ag_same_shape(y[k], w[k]) || y[k]->dtype != w[k]->dtype)
            return agi_fail_at(g, AG_ESHAPE, 2, (ag_node *[]){ y[k], w[k] },
                               "%s: y[%d] and its cotangent w[%d] differ in shape or type", what, k, k);
    return n ? agi_sweep(what, g, m, y, w, n, x, dx, stops, c) : AG_OK;
}

/* The dx of the user's. */
static ag_status hand_out(ag_graph *g, const ag_node *y, int n, ag_node *const x[], ag_node *dx[])
{
    for (int i = 0; i < n; i++) dx[i] = agi_derivative_of(y, x[i], dx[i]);
    return g->status;
}

static ag_status finish(ag_status status, ag_graph *g, int n, ag_node *dx[])
{
    if (status)
        for (int i = 0; i < n; i++) dx[i] = g ? g->bad : NULL;
    return status;
}

ag_status ag_vjp(int m, ag_node *const y[], ag_node *const w[], int n, ag_node *const x[], ag_node *dx[])
{
    ag_graph *g = m > 0 && y && y[0] ? y[0]->graph : n > 0 && x && x[0] ? x[0]->graph : NULL;
    if (!g) return finish(AG_EARG, NULL, dx ? n : 0, dx);
    if (m < 0 || n < 0 || (m && (!y || !w)) || (n && (!x || !dx)))
        return finish(agi_fail_at(g, AG_EARG, 0, NULL, "ag_vjp: a list of nodes is NULL, or its length negative"), g,
                                  dx ? n : 0, dx);
    ag_status status = agi_check_nodes(g, "ag_vjp", m, y, "y");
    if (!status) status = agi_check_nodes(g, "ag_vjp", m, w, "w");
    if (!status) status = agi_check_nodes(g, "ag_vjp", n, x, "x");
    if (!status) status = differentiate("ag_vjp", g, m, y, w, n, x, dx, 0, NULL);
    if (!status) status = hand_out(g, m ? y[0] : x[0], n, x, dx);
    return finish(status, g, n, dx);
}

ag_status agi_gradient(const char *what, ag_node *y, int n, ag_node *const x[], ag_node *dx[])
{
    ag_graph *g = y ? y->graph : n > 0 && x && x[0] ? x[0]->graph : NULL;
    if (!g) return finish(AG_EARG, NULL, dx ? n : 0, dx);
    ag_status status = agi_check_nodes(g, what, 1, &y, "y");
    if (!status && (n < 0 || (n && (!x || !dx))))
        status = agi_fail_at(g, AG_EARG, 0, NULL, "%s: a list of nodes is NULL, or its length negative", what);
    if (!status) status = agi_check_nodes(g, what, n, x, "x");
    if (!status && y->rank)
        status = agi_fail_at(g, AG_ESHAPE, 1, &y,
                             "%s: y is not a single number, of rank 0: take its ag_mean or ag_sum, or use ag_vjp",
                             what);
    if (!status && y->dtype == AG_I64)
        status = agi_fail_at(g, AG_ENOGRAD, 1, &y, "%s: y is of integers, which have no gradient", what);
    if (!status) {
        ag_node *one = ag_cast(ag_number(g, 1), (ag_dtype)y->dtype);
        status = differentiate(what, g, 1, &y, &one, n, x, dx, 0, NULL);
    }
    return finish(status, g, dx ? n : 0, dx);
}

ag_status ag_gradient(ag_node *y, int n, ag_node *const x[], ag_node *dx[])
{
    ag_status status = agi_gradient("ag_gradient", y, n, x, dx);
    return status ? status : finish(hand_out(y->graph, y, n, x, dx), y->graph, n, dx);
}

static ag_status pull(const char *what, int m, ag_node *const y[], ag_node *const w[], int n, ag_node *const x[],
                      int stops, ag_node *dx[], const agi_conditions *c)
{
    ag_graph *g = m ? y[0]->graph : n ? x[0]->graph : NULL;
    if (m && n) return differentiate(what, g, m, y, w, n, x, dx, stops, c);
    for (int i = 0; i < n; i++) dx[i] = ag_zeros_like(x[i]);
    for (int i = 0; i < n && c; i++) c->active[i] = ag_number(g, 0);
    return g ? g->status : AG_OK;
}

ag_status agi_local_vjp(int m, ag_node *const y[], ag_node *const w[], ag_node *const under[], int n,
                        ag_node *const x[], ag_node *dx[], ag_node *active[])
{
    return pull("ag_vjp", m, y, w, n, x, n, dx, &(agi_conditions){ under, active });
}

ag_status agi_pull(const char *what, int m, ag_node *const y[], ag_node *const w[], int n, ag_node *const x[],
                   int stops, ag_node *dx[])
{
    return pull(what, m, y, w, n, x, stops, dx, NULL);
}
