/* Gradients against numerical differences, for any graph.
 *
 * A random cotangent makes y a number f, if it is none; for order 2, f is the gradient times another random direction.
 * The derivative of f along a tangent that moves elements lo to hi - 1 of all x is compared with differences of f: for
 * all elements together, for single ones and, to find the worst of many after a failure, for halves of halves. */
#include "checking.h"

#include <math.h>

enum { ALL_ELEMENTS = 64, SAMPLE = 16 };

typedef struct {
    double analytic, numeric, error;
} comparison;

/* ---- the functions to compare ----------------------------------------------------------------------------------- */

static ag_node *random_like(agi_check *c, const ag_node *x)
{
    return ag_input(c->graph, NULL, AG_F64, ag_shape_of(x));
}

/* f and its gradient for the order at hand, made of those of the order below. */
static ag_status differentiate(agi_check *c, ag_node *y, ag_node **dx)
{
    if (c->order == 1 && !y->rank) {
        c->f = y;
        ag_gradient(y, c->n, c->x, dx);
    } else if (c->order == 1) {
        ag_node *w = random_like(c, y);
        c->f = ag_sum(ag_mul(y, w));
        ag_vjp(1, &y, &w, c->n, c->x, dx);
    } else {
        ag_node *sum = NULL;
        for (int i = 0; i < c->n; i++) {
            ag_node *part = ag_sum(ag_mul(dx[i], random_like(c, dx[i])));
            sum = sum ? ag_add(sum, part) : part;
        }
        c->f = sum;
        ag_gradient(sum, c->n, c->x, dx);
    }
    return c->graph->status ? agi_check_stop(c, c->graph->status, c->graph->message) : AG_OK;
}

/* ---- comparing -------------------------------------------------------------------------------------------------- */

/* Larger than any error is one that is not a number. */
static int worse(double error, double than)
{
    return error > than || (isnan(error) && !isnan(than));
}

static comparison compare(agi_check *c, int64_t lo, int64_t hi)
{
    comparison r = { 0 };
    if (hi - lo == 1) {
        r.analytic = c->gradient[lo];
        r.numeric = agi_check_slope(c, c->scale, lo, hi) / c->scale[lo];
    } else {
        for (int64_t i = lo; i < hi; i++) r.analytic += c->gradient[i] * c->tangent[i];
        r.numeric = agi_check_slope(c, c->tangent, lo, hi);
    }
    r.error = fabs(r.analytic - r.numeric) / fmax(1, fmax(fabs(r.analytic), fabs(r.numeric)));
    if (!isfinite(r.analytic) || !isfinite(r.numeric)) r.error = NAN;
    c->report->compared++;
    return r;
}

static void put_down(agi_check *c, int64_t element, comparison r)
{
    ag_check_report *report = c->report;
    int i = 0;
    report->order = c->order;
    report->analytic = r.analytic;
    report->numeric = r.numeric;
    report->error = r.error;
    for (; element >= 0 && element >= ag_count(c->x[i]); i++) element -= ag_count(c->x[i]);
    report->input = element < 0 ? -1 : i;
    report->index = element;
}

static comparison compare_element(agi_check *c, int64_t i)
{
    comparison r = compare(c, i, i + 1);
    if (c->report->order == 0 || worse(r.error, c->report->error)) put_down(c, i, r);
    return r;
}

/* The element where halving leads to, always into the half with the larger error. */
static void narrow_down(agi_check *c)
{
    int64_t lo = 0, hi = c->total;
    while (hi - lo > 1) {
        int64_t middle = lo + (hi - lo) / 2;
        if (worse(compare(c, middle, hi).error, compare(c, lo, middle).error)) lo = middle;
        else hi = middle;
    }
    compare_element(c, lo);
}

static void compare_all(agi_check *c)
{
    comparison whole = compare(c, 0, c->total);
    int accepted = whole.error <= c->o.tolerance;
    if (c->total <= ALL_ELEMENTS)
        for (int64_t i = 0; i < c->total; i++) compare_element(c, i);
    else
        for (int k = 0; k < SAMPLE; k++) compare_element(c, (int64_t)(agi_check_uniform(c) * (double)c->total));
    if (!accepted && c->total > ALL_ELEMENTS) narrow_down(c);
    if (!accepted && c->report->error <= c->o.tolerance) put_down(c, -1, whole);
}

/* ---- the call --------------------------------------------------------------------------------------------------- */

static void describe(agi_check *c)
{
    ag_check_report *r = c->report;
    agi_text t = { r->message, r->message + sizeof r->message };
    agi_print(&t, "order %d, ", r->order);
    if (r->input < 0) agi_print(&t, "along a random tangent of all x");
    else {
        const ag_node *x = c->x[r->input];
        int64_t rest = r->index, stride = ag_count(x);
        agi_print(&t, "x[%d] ", r->input);
        agi_print_node(&t, x);
        agi_print(&t, " at [");
        for (int k = 0; k < x->rank; k++) {
            stride /= x->dim[k];
            agi_print(&t, k ? ",%lld" : "%lld", (long long)(rest / stride));
            rest %= stride;
        }
        agi_print(&t, "]");
    }
    agi_print(&t, ": analytic %.12g, numeric %.12g, error %.3g", r->analytic, r->numeric, r->error);
}

static ag_status check_order(agi_check *c, ag_node *y, ag_node **dx)
{
    if (differentiate(c, y, dx) || agi_check_find_leaves(c, dx)) return c->status;
    if (!agi_check_prepare(c, 0, 1, &c->f) && !agi_check_prepare(c, 1, c->n, dx) &&
        !agi_check_take_gradient(c, dx)) compare_all(c);
    agi_check_discard(c);
    if (c->status) return c->status;
    describe(c);
    if (isnan(c->report->error)) return AG_ENAN;
    return c->report->error <= c->o.tolerance ? AG_OK : AG_EARG;
}

static ag_status check_call(agi_check *c, ag_node *y)
{
    ag_graph *g = c->graph;
    const ag_check_options *o = &c->o;
    if (y->dtype != AG_F64)
        agi_fail_at(g, AG_ETYPE, 1, &y, "ag_check_gradient: y is not f64, whose digits differences need");
    if (c->n < 1) agi_fail(g, AG_EARG, "ag_check_gradient: no x to differentiate by: n is %d", c->n);
    if (o->orders < 1 || o->orders > 2)
        agi_fail(g, AG_EARG, "ag_check_gradient: options.orders is %d: give 1, 2, or 0 for 2", o->orders);
    if (!(o->step > 0 && isfinite(o->step)))
        agi_fail(g, AG_EARG, "ag_check_gradient: options.step is %g: give one above 0, or 0 for 1/128", o->step);
    if (!(o->tolerance >= 0))
        agi_fail(g, AG_EARG, "ag_check_gradient: options.tolerance is %g: give one above 0, or 0 for 1e-6",
                 o->tolerance);
    for (int i = 0; i < c->n; i++) {
        ag_node *x = c->x[i];
        if (x->dtype != AG_F64)
            agi_fail_at(g, AG_ETYPE, 1, &x, "ag_check_gradient: x[%d] is not f64, whose digits differences need", i);
        if (!agi_is_fed(x)) agi_fail_at(g, AG_EARG, 1, &x, "ag_check_gradient: x[%d] is neither input nor parameter",
                                        i);
        for (int k = 0; k < i; k++)
            if (c->x[k] == x) agi_fail(g, AG_EARG, "ag_check_gradient: x[%d] and x[%d] are the same node", k, i);
    }
    return g->status;
}

static ag_status make_room(agi_check *c, ag_node ***dx)
{
    int64_t largest = 1;
    for (int i = 0; i < c->n; i++) {
        c->total += ag_count(c->x[i]);
        if (ag_count(c->x[i]) > largest) largest = ag_count(c->x[i]);
    }
    *dx = agi_arena_take(&c->arena, (size_t)c->n * sizeof **dx);
    c->at = agi_arena_take(&c->arena, (size_t)c->n * sizeof *c->at);
    c->needed = agi_arena_take(&c->arena, (size_t)c->n);
    c->scale = agi_arena_take(&c->arena, (size_t)(3 * c->total + largest) * sizeof *c->scale);
    if (!*dx || !c->at || !c->needed || !c->scale) return agi_check_no_memory(c);
    c->tangent = c->scale + c->total;
    c->gradient = c->tangent + c->total;
    c->moved = c->gradient + c->total;
    return AG_OK;
}

ag_status ag_check_gradient(ag_node *y, int n, ag_node *const x[], const ag_check_options *or_null,
                            ag_check_report *report)
{
    ag_check_report unread;
    ag_check_options o = or_null ? *or_null : (ag_check_options){ 0 };
    agi_check c = { .report = report ? report : &unread, .n = n, .x = x };
    *c.report = (ag_check_report){ .input = -1, .index = -1 };
    if (!y || (n > 0 && !x)) return agi_check_stop(&c, AG_EARG, "ag_check_gradient: y or x is NULL");
    c.graph = y->graph;
    c.o = o;
    c.o.orders = o.orders == 0 ? 2 : o.orders;
    c.o.step = agi_option(o.step, 0x1p-7);
    c.o.tolerance = agi_option(o.tolerance, 1e-6);
    c.random = o.seed;
    c.own = (uint32_t)c.graph->nnodes;
    ag_status status = c.graph->status;
    if (!status) status = agi_check_nodes(c.graph, "ag_check_gradient", 1, &y, "y");
    if (!status) status = agi_check_nodes(c.graph, "ag_check_gradient", n, x, "x");
    if (!status) status = check_call(&c, y);
    if (!status && agi_refuse_extents("ag_check_gradient", y)) status = c.graph->status;
    if (status) return agi_check_stop(&c, status, c.graph->message);

    ag_node **dx;
    agi_arena_init(&c.arena, &c.graph->allocator);
    status = make_room(&c, &dx);
    for (c.order = 1; c.order <= c.o.orders && !status; c.order++) status = check_order(&c, y, dx);
    agi_arena_free(&c.arena);
    return status;
}
