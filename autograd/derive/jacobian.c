/* Whole derivatives: products with all unit vectors, computed as one batch. */
#include "derive.h"
#include "shared/derivative.h"

static ag_node *ones(const ag_node *x)
{
    ag_node *one = ag_cast(ag_number(x->graph, 1), (ag_dtype)x->dtype);
    return ag_broadcast_to(one, ag_shape_in(x));
}

typedef ag_status product(ag_node *y, ag_node *x, ag_node *v, ag_node **along);

static ag_status forward(ag_node *y, ag_node *x, ag_node *v, ag_node **along)
{
    return ag_jvp(1, &x, &v, 1, &y, along);
}

static ag_status backward(ag_node *y, ag_node *x, ag_node *v, ag_node **along)
{
    return ag_vjp(1, &y, &v, 1, &x, along);
}

/* [n, *the product's shape], or without the axis where n is 1: products with the n unit vectors of `like`'s shape. */
static ag_node *all_products(const char *what, product *times, ag_node *y, ag_node *x, ag_node *like)
{
    ag_graph *g = x->graph;
    int64_t n = ag_count(like);
    ag_node *v, *along, *all;
    if (n == 1) { /* no batch is needed */
        v = ones(like);
        return times(y, x, v, &along) ? g->bad : along;
    }
    v = ag_input(g, NULL, (ag_dtype)like->dtype, ag_shape_in(like));
    if (ag_is_bad(v) || times(y, x, v, &along)) return g->bad;
    return agi_batch_units(what, 1, &v, 1, &along, &all) ? g->bad : all;
}

static ag_shape joined(const ag_node *y, const ag_node *x)
{
    ag_shape s = ag_shape_in(y);
    for (int i = 0; i < x->rank; i++) s.dim[s.rank++] = x->dim[i];
    return s;
}

static ag_graph *operands_of(const char *what, ag_node *y, ag_node *x, ag_status *status)
{
    ag_graph *g = y ? y->graph : x ? x->graph : NULL;
    ag_node *const all[] = { y, x };
    *status = g ? agi_check_nodes(g, what, 1, &y, "y") : AG_EARG;
    if (!*status) *status = agi_check_nodes(g, what, 1, &x, "x");
    for (int i = 0; i < 2 && !*status; i++)
        if (all[i]->dtype == AG_I64)
            *status = agi_fail_at(g, AG_ENOGRAD, 1, &all[i], "%s: integers have no derivative", what);
    if (!*status && y->rank + x->rank > AG_MAX_RANK)
        *status = agi_fail_at(g, AG_ESHAPE, 2, all, "%s: y and x have %d and %d axes, together at most %d", what,
                              y->rank, x->rank, AG_MAX_RANK);
    return g;
}

ag_node *ag_jacobian(ag_node *y, ag_node *x)
{
    ag_status status;
    ag_graph *g = operands_of("ag_jacobian", y, x, &status);
    if (status) return g ? g->bad : NULL;
    int64_t rows = ag_count(y), columns = ag_count(x);
    ag_node *all;
    g->inside++;
    if (columns < rows) {
        all = all_products("ag_jacobian", forward, y, x, x);
        all = ag_transpose(ag_reshape(all, AG_SHAPE(columns, rows)), NULL);
    } else {
        all = all_products("ag_jacobian", backward, y, x, y);
    }
    all = ag_reshape(all, joined(y, x));
    g->inside--;
    return agi_derivative_of(y, x, all);
}

/* Forward over reverse; the Hessian is symmetric, so that rows are columns. */
ag_node *ag_hessian(ag_node *y, ag_node *x)
{
    ag_status status;
    ag_node *dx;
    ag_graph *g = operands_of("ag_hessian", y, x, &status);
    if (status || agi_gradient("ag_hessian", y, 1, &x, &dx)) return g ? g->bad : NULL;
    if (2 * x->rank > AG_MAX_RANK) {
        agi_fail_at(g, AG_ESHAPE, 1, &x, "ag_hessian: x has %d axes, at most %d fit", x->rank, AG_MAX_RANK / 2);
        return g->bad;
    }
    g->inside++;
    ag_node *all = ag_reshape(all_products("ag_hessian", forward, dx, x, x), joined(x, x));
    g->inside--;
    return agi_derivative_of(y, x, all);
}
