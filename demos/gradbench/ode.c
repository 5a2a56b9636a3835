/* Runge-Kutta of order four in s steps for y'_0 = x_0, y'_i = x_i y_(i-1), y(0) = 0, over times 0 to 2: all y, or the
 * last one's gradient. A step is a compiled plan; its states are recorded, and the step's vector-Jacobian product runs
 * over them backwards, what it carries kept in parameters that it updates. */
#include "eval.h"

#include <stdlib.h>
#include <string.h>

enum { PRIMAL, GRADIENT };
enum { FORWARD, BACKWARD }; /* plans */
enum { X, STATE, H, NEXT, BAR, DX, NODES };

typedef struct {
    problem common;
    array x;
    int64_t s;
    double h, *states, *bar, *dx; /* [s + 1][1 + n] (or 2 used in turn): 1 and y; [n], [n] */
} ode;

static int parse(problem *base, const json_t *input, reason *why)
{
    const int64_t most = 1 << 28;
    ode *p = (ode *)base;
    if (read_array(input, "x", 1, &p->x, why) || check_shape(&p->x, "x", p->x.dim, why) ||
        read_integer(input, "s", 1, most, &p->s, why))
        return -1;
    int64_t n = p->x.count, kept = base->function == GRADIENT ? p->s + 1 : 2;
    if (kept > most / n) return refuse(why, "s: too many steps to record");
    p->h = 2 / (double)p->s;
    p->states = malloc((size_t)(kept * (1 + n)) * sizeof *p->states);
    p->bar = malloc((size_t)n * sizeof *p->bar);
    p->dx = malloc((size_t)n * sizeof *p->dx);
    return p->states && p->bar && p->dx ? 0 : refuse(why, "out of memory");
}

/* ---- graph ------------------------------------------------------------------------------------------------------ */

/* k one place further, behind a 0. */
static ag_node *shifted(ag_node *k)
{
    return ag_slice(ag_pad(k, 0, 1, 0), 0, 0, ag_shape_of(k).dim[0], 1);
}

static ag_node *step(ag_node *x, ag_node *state, ag_node *h)
{
    ag_graph *g = ag_graph_of(x);
    ag_node *half = ag_mul(h, ag_number(g, 0.5)), *sixth = ag_div(h, ag_number(g, 6)), *two = ag_number(g, 2);
    ag_node *before = ag_slice(state, 0, 0, -1, 1), *y = ag_slice(state, 0, 1, AG_END, 1);
    ag_node *k1 = ag_mul(x, before);
    ag_node *k2 = ag_mul(x, ag_add(before, ag_mul(half, shifted(k1))));
    ag_node *k3 = ag_mul(x, ag_add(before, ag_mul(half, shifted(k2))));
    ag_node *k4 = ag_mul(x, ag_add(before, ag_mul(h, shifted(k3))));
    ag_node *sum = ag_add(ag_add(k1, ag_mul(two, ag_add(k2, k3))), k4);
    return ag_add(y, ag_mul(sixth, sum));
}

static int build(model *m, const ode *p, reason *why)
{
    ag_node **v = m->node, *by[2], *bar[2], *updates[2];
    v[X] = real_input(m, "x", 1, p->x.dim);
    v[STATE] = ag_input(m->graph, "state", AG_F64, AG_SHAPE(1 + p->x.count));
    v[H] = ag_input(m->graph, "h", AG_F64, AG_SCALAR);
    v[BAR] = ag_parameter(m->graph, "bar", AG_F64, AG_SHAPE(p->x.count), NULL);
    v[DX] = ag_parameter(m->graph, "dx", AG_F64, AG_SHAPE(p->x.count), NULL);
    v[NEXT] = step(v[X], v[STATE], v[H]);
    if (model_compile(m, FORWARD, 1, &v[NEXT], why)) return -1;
    if (p->common.function == PRIMAL) return 0;
    by[0] = v[X], by[1] = v[STATE];
    ag_vjp(1, &v[NEXT], &v[BAR], 2, by, bar);
    updates[0] = ag_assign(v[DX], ag_add(v[DX], bar[0]));
    updates[1] = ag_assign(v[BAR], ag_slice(bar[1], 0, 1, AG_END, 1));
    return model_compile(m, BACKWARD, 2, updates, why);
}

static int prepare(problem *base, reason *why)
{
    ode *p = (ode *)base;
    model *m = base->model = cache_model(base->cache, NODES, why, "ode %d %lld", base->function, (long long)p->x.count);
    if (!m || (!m->ready && build(m, p, why))) return -1;
    m->ready = 1;
    ag_node **v = m->node;
    model_feed(m, FORWARD, v[X], p->x.data);
    model_feed(m, FORWARD, v[H], &p->h);
    if (base->function == PRIMAL) return 0;
    model_feed(m, BACKWARD, v[X], p->x.data);
    model_feed(m, BACKWARD, v[H], &p->h);
    model_feed(m, BACKWARD, v[BAR], p->bar);
    model_feed(m, BACKWARD, v[DX], p->dx);
    return 0;
}

/* ---- loops ------------------------------------------------------------------------------------------------------ */

static double *state(const ode *p, int64_t step_number)
{
    int64_t at = p->common.function == GRADIENT ? step_number : step_number % 2;
    return p->states + at * (1 + p->x.count);
}

static int evaluate(problem *base, reason *why)
{
    ode *p = (ode *)base;
    model *m = base->model;
    ag_node **v = m->node;
    size_t bytes = (size_t)p->x.count * sizeof(double);
    memset(state(p, 0) + 1, 0, bytes);
    for (int64_t i = 0; i < p->s; i++) {
        *state(p, i) = 1;
        model_feed(m, FORWARD, v[STATE], state(p, i));
        if (model_fill(m, FORWARD, v[NEXT], state(p, i + 1) + 1, why) || model_run(m, FORWARD, why)) return -1;
    }
    if (base->function == PRIMAL) return 0;
    memset(p->dx, 0, bytes);
    memset(p->bar, 0, bytes);
    p->bar[p->x.count - 1] = 1;
    for (int64_t i = p->s - 1; i >= 0; i--) {
        model_feed(m, BACKWARD, v[STATE], state(p, i));
        if (model_run(m, BACKWARD, why)) return -1;
    }
    return 0;
}

static json_t *output(const problem *base)
{
    const ode *p = (const ode *)base;
    return write_array(1, p->x.dim, base->function == PRIMAL ? state(p, p->s) + 1 : p->dx);
}

static void release(problem *base)
{
    ode *p = (ode *)base;
    free(p->x.data);
    free(p->states);
    free(p->bar);
    free(p->dx);
}

const eval ode_eval = { "ode", { "primal", "gradient" }, sizeof(ode), parse, prepare, evaluate, output, release };
