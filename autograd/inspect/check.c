/* Gradients against numerical differences, for any graph.
 *
 * A random cotangent makes y a number f, if it is none; for order 2, f is the gradient times another random direction.
 * The derivative of f along a tangent that moves elements lo to hi - 1 of all x is compared with differences of f: for
 * all elements together, for single ones and, to find the worst of many after a failure, for halves of halves. */
#include "derive/derive.h"

#include <math.h>

enum { ALL_ELEMENTS = 64, SAMPLE = 16, LEVELS = 6 };

typedef struct {
    ag_node *node;
    void *value;       /* in its type */
    uint8_t needed[2]; /* by f, by its gradient */
} leaf;

typedef struct {
    double analytic, numeric, error;
} comparison;

typedef struct {
    ag_graph *graph;
    agi_arena arena;
    ag_check_options o;
    ag_check_report *report;
    ag_status status; /* of the check itself: what keeps it from comparing */
    uint64_t random;  /* state of the generator */
    uint32_t own;     /* nodes from here on were made by the check */
    int n, order;
    ag_node *const *x;
    ag_node *f;
    int64_t total;    /* elements of all x */
    double **at;      /* the values of each x */
    uint8_t *needed;  /* does f need x[i]? */
    double *scale;    /* by element: 1, or the power of two next to |x| */
    double *tangent;  /* by element: random, of that scale */
    double *gradient; /* by element */
    double *moved;    /* room for the values of one x */
    int leaves;
    leaf *leaf;
    ag_plan *plan[2]; /* of f, of its gradient */
    ag_run *run[2];
} check;

static ag_status stop(check *c, ag_status status, const char *message)
{
    if (!c->status) {
        c->status = status;
        agi_print(&(agi_text){ c->report->message, c->report->message + sizeof c->report->message }, "%s", message);
    }
    return c->status;
}

static ag_status out_of_memory(check *c)
{
    return stop(c, AG_EMEM, "ag_check_gradient: out of memory");
}

/* ---- random numbers: splitmix64 (Steele, Lea, Flood 2014) ------------------------------------------------------- */

static double uniform(check *c)
{
    uint64_t z = c->random += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return (double)((z ^ (z >> 31)) >> 11) * 0x1p-53;
}

static double direction(check *c) /* of either sign, its size 0.5 to 1 */
{
    double u = 2 * uniform(c) - 1;
    return u < 0 ? (u - 1) / 2 : (u + 1) / 2;
}

/* ---- the functions to compare ----------------------------------------------------------------------------------- */

static ag_node *random_like(check *c, const ag_node *x)
{
    return ag_input(c->graph, NULL, AG_F64, ag_shape_of(x));
}

/* f and its gradient for the order at hand, made of those of the order below. */
static ag_status differentiate(check *c, ag_node *y, ag_node **dx)
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
    return c->graph->status ? stop(c, c->graph->status, c->graph->message) : AG_OK;
}

/* ---- the leaves and their values -------------------------------------------------------------------------------- */

/* By node id: what the outputs' values need. */
static uint8_t *needs(check *c, int n, ag_node *const output[])
{
    uint8_t *needed = agi_arena_zeros(&c->arena, (size_t)c->graph->nnodes, 1);
    if (!needed) return NULL;
    for (int i = 0; i < n; i++) needed[output[i]->id] = 1;
    for (int64_t id = c->graph->nnodes; id-- > 0;) {
        const ag_node *v = agi_node(c->graph, id);
        uint32_t from = agi_written_inputs(v) < v->nin ? v->nin - 1 : 0; /* the definition alone */
        for (uint32_t i = from; needed[id] && i < v->nin; i++) needed[v->in[i]->id] = 1;
    }
    return needed;
}

static void draw(check *c, const leaf *l, int signs)
{
    int64_t n = ag_count(l->node);
    for (int64_t i = 0; i < n; i++) {
        double u = signs ? direction(c) : 0.25 + 0.5 * uniform(c);
        if (l->node->dtype == AG_F32) ((float *)l->value)[i] = (float)u;
        else ((double *)l->value)[i] = u;
    }
}

static ag_status unknown(check *c, const ag_node *v)
{
    char message[sizeof c->report->message] = "";
    agi_text t = { message, message + sizeof message };
    agi_print(&t, "ag_check_gradient: the run has no value of ");
    agi_print_node(&t, v);
    return stop(c, AG_EARG, message);
}

static ag_status set_value(check *c, const leaf *l)
{
    const ag_node *v = l->node;
    int own = v->id >= c->own;
    if (c->o.at && !own) return ag_fetch(c->o.at, v, l->value) ? unknown(c, v) : AG_OK;
    if (v->op->role == AG_IS_INPUT && v->dtype != AG_I64) draw(c, l, own);
    else if (v->attribute) memcpy(l->value, v->attribute, (size_t)agi_node_bytes(v));
    return AG_OK; /* else zeros */
}

/* Leaf l is x[i], whose first element is number `first` of all. */
static void set_tangent(check *c, const leaf *l, int i, int64_t first)
{
    c->at[i] = l->value;
    c->needed[i] = l->needed[0];
    for (int64_t k = 0; k < ag_count(l->node); k++) {
        double size = fabs(c->at[i][k]);
        c->scale[first + k] = size > 1 && isfinite(size) ? exp2(ceil(log2(size))) : 1;
        c->tangent[first + k] = direction(c) * c->scale[first + k];
    }
}

static ag_status add_leaf(check *c, ag_node *v, int needed_by_f, int needed_by_gradient)
{
    leaf *l = &c->leaf[c->leaves++];
    *l = (leaf){ v, NULL, { needed_by_f != 0, needed_by_gradient != 0 } };
    l->value = agi_arena_zeros(&c->arena, (size_t)ag_count(v), ag_dtype_size((ag_dtype)v->dtype));
    if (!l->value) return out_of_memory(c);
    if (set_value(c, l)) return c->status;
    int64_t first = 0;
    for (int i = 0; i < c->n; first += ag_count(c->x[i++]))
        if (c->x[i] == v) set_tangent(c, l, i, first);
    return AG_OK;
}

static int is_fed(const ag_node *v)
{
    return v->op->role == AG_IS_INPUT || v->op->role == AG_IS_PARAMETER;
}

static ag_status find_leaves(check *c, ag_node *const dx[])
{
    const uint8_t *by_f = needs(c, 1, &c->f), *by_gradient = needs(c, c->n, dx), *by_check = needs(c, c->n, c->x);
    int64_t most = 0, count = c->graph->nnodes;
    for (int64_t id = 0; id < count; id++) most += is_fed(agi_node(c->graph, id));
    c->leaves = 0;
    c->leaf = agi_arena_take(&c->arena, (size_t)most * sizeof *c->leaf);
    if (!by_f || !by_gradient || !by_check || !c->leaf) return out_of_memory(c);
    for (int64_t id = 0; id < count && !c->status; id++) {
        ag_node *v = agi_node(c->graph, id);
        if (is_fed(v) && (by_f[id] || by_gradient[id] || by_check[id])) add_leaf(c, v, by_f[id], by_gradient[id]);
    }
    return c->status;
}

/* ---- evaluating ------------------------------------------------------------------------------------------------- */

static void feed(check *c, int which, const ag_node *v, const void *value)
{
    if (!c->status && ag_feed(c->run[which], v, value)) stop(c, AG_EARG, ag_run_error(c->run[which]));
}

static ag_status prepare(check *c, int which, int n, ag_node *const output[])
{
    c->plan[which] = ag_compile(c->graph, n, output, NULL);
    if (!c->plan[which]) return stop(c, c->graph->status ? c->graph->status : AG_EMEM, c->graph->message);
    c->run[which] = ag_run_new(c->plan[which]);
    if (!c->run[which]) return out_of_memory(c);
    for (int i = 0; i < c->leaves; i++)
        if (c->leaf[i].needed[which]) feed(c, which, c->leaf[i].node, c->leaf[i].value);
    return c->status;
}

static ag_status take_gradient(check *c, ag_node *const dx[])
{
    double *to = c->gradient;
    ag_status status = ag_eval(c->run[1]);
    for (int i = 0; i < c->n && !status; to += ag_count(dx[i++])) status = ag_fetch(c->run[1], dx[i], to);
    return status ? stop(c, status, ag_run_error(c->run[1])) : AG_OK;
}

static void discard(check *c)
{
    for (int k = 0; k < 2; k++) {
        ag_run_free(c->run[k]);
        ag_plan_free(c->plan[k]);
        c->run[k] = NULL;
        c->plan[k] = NULL;
    }
}

/* f at x + h tangent for the elements lo to hi - 1, at x for the others. */
static double f_at(check *c, const double *tangent, int64_t lo, int64_t hi, double h)
{
    int64_t first = 0, count;
    for (int i = 0; i < c->n; i++, first += count) {
        count = ag_count(c->x[i]);
        if (first >= hi || first + count <= lo || !c->needed[i]) continue;
        for (int64_t k = 0; k < count; k++) {
            int inside = first + k >= lo && first + k < hi;
            c->moved[k] = inside ? c->at[i][k] + h * tangent[first + k] : c->at[i][k];
        }
        feed(c, 0, c->x[i], c->moved);
    }
    ag_status status = c->status ? c->status : ag_eval(c->run[0]);
    if (status) stop(c, status, ag_run_error(c->run[0]));
    return c->status ? NAN : ag_item(c->run[0], c->f);
}

/* The derivative of f along the tangent: central differences with steps h, h / 4, h / 16 ..., extrapolated to 0
 * (Ridders 1982). Of all extrapolations the one that agrees best with those it was made of is taken: far from where f
 * is rough, from where x leaves the domain of f, and from rounding. */
static double slope(check *c, const double *tangent, int64_t lo, int64_t hi)
{
    double row[2][LEVELS], best = NAN, disagreement = INFINITY, h = c->o.step;
    for (int k = 0; k < LEVELS && !(disagreement <= 1e-13 * fmax(1, fabs(best))); k++, h /= 4) {
        double *now = row[k & 1], *before = row[1 - (k & 1)], weight = 1;
        now[0] = (f_at(c, tangent, lo, hi, h) - f_at(c, tangent, lo, hi, -h)) / (2 * h);
        for (int j = 1; j <= k; j++) {
            weight *= 16; /* the error of column j - 1 goes with h^2j */
            now[j] = now[j - 1] + (now[j - 1] - before[j - 1]) / (weight - 1);
            double d = fmax(fabs(now[j] - now[j - 1]), fabs(now[j] - before[j - 1]));
            if (isfinite(now[j]) && d < disagreement) {
                disagreement = d;
                best = now[j];
            }
        }
    }
    f_at(c, tangent, lo, hi, 0); /* back to x */
    return best;
}

/* ---- comparing -------------------------------------------------------------------------------------------------- */

/* Larger than any error is one that is not a number. */
static int worse(double error, double than)
{
    return error > than || (isnan(error) && !isnan(than));
}

static comparison compare(check *c, int64_t lo, int64_t hi)
{
    comparison r = { 0 };
    if (hi - lo == 1) {
        r.analytic = c->gradient[lo];
        r.numeric = slope(c, c->scale, lo, hi) / c->scale[lo];
    } else {
        for (int64_t i = lo; i < hi; i++) r.analytic += c->gradient[i] * c->tangent[i];
        r.numeric = slope(c, c->tangent, lo, hi);
    }
    r.error = fabs(r.analytic - r.numeric) / fmax(1, fmax(fabs(r.analytic), fabs(r.numeric)));
    if (!isfinite(r.analytic) || !isfinite(r.numeric)) r.error = NAN;
    c->report->compared++;
    return r;
}

static void put_down(check *c, int64_t element, comparison r)
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

static comparison compare_element(check *c, int64_t i)
{
    comparison r = compare(c, i, i + 1);
    if (c->report->order == 0 || worse(r.error, c->report->error)) put_down(c, i, r);
    return r;
}

/* The element where halving leads to, always into the half with the larger error. */
static void narrow_down(check *c)
{
    int64_t lo = 0, hi = c->total;
    while (hi - lo > 1) {
        int64_t middle = lo + (hi - lo) / 2;
        if (worse(compare(c, middle, hi).error, compare(c, lo, middle).error)) lo = middle;
        else hi = middle;
    }
    compare_element(c, lo);
}

static void compare_all(check *c)
{
    comparison whole = compare(c, 0, c->total);
    int accepted = whole.error <= c->o.tolerance;
    if (c->total <= ALL_ELEMENTS)
        for (int64_t i = 0; i < c->total; i++) compare_element(c, i);
    else
        for (int k = 0; k < SAMPLE; k++) compare_element(c, (int64_t)(uniform(c) * (double)c->total));
    if (!accepted && c->total > ALL_ELEMENTS) narrow_down(c);
    if (!accepted && c->report->error <= c->o.tolerance) put_down(c, -1, whole);
}

/* ---- the call --------------------------------------------------------------------------------------------------- */

static void describe(check *c)
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

static ag_status check_order(check *c, ag_node *y, ag_node **dx)
{
    if (differentiate(c, y, dx) || find_leaves(c, dx)) return c->status;
    if (!prepare(c, 0, 1, &c->f) && !prepare(c, 1, c->n, dx) && !take_gradient(c, dx)) compare_all(c);
    discard(c);
    if (c->status) return c->status;
    describe(c);
    if (isnan(c->report->error)) return AG_ENAN;
    return c->report->error <= c->o.tolerance ? AG_OK : AG_EARG;
}

static ag_status check_call(check *c, ag_node *y)
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
        if (!is_fed(x)) agi_fail_at(g, AG_EARG, 1, &x, "ag_check_gradient: x[%d] is neither input nor parameter", i);
        for (int k = 0; k < i; k++)
            if (c->x[k] == x) agi_fail(g, AG_EARG, "ag_check_gradient: x[%d] and x[%d] are the same node", k, i);
    }
    return g->status;
}

static ag_status make_room(check *c, ag_node ***dx)
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
    if (!*dx || !c->at || !c->needed || !c->scale) return out_of_memory(c);
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
    check c = { .report = report ? report : &unread, .n = n, .x = x };
    *c.report = (ag_check_report){ .input = -1, .index = -1 };
    if (!y || (n > 0 && !x)) return stop(&c, AG_EARG, "ag_check_gradient: y or x is NULL");
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
    if (status) return stop(&c, status, c.graph->message);

    ag_node **dx;
    agi_arena_init(&c.arena, &c.graph->allocator);
    status = make_room(&c, &dx);
    for (c.order = 1; c.order <= c.o.orders && !status; c.order++) status = check_order(&c, y, dx);
    agi_arena_free(&c.arena);
    return status;
}
