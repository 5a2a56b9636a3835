/* Runge-Kutta of order four in s steps for y'_0 = x_0, y'_i = x_i y_(i-1), y(0) = 0, over times 0 to 2: all y, or the
 * last one's gradient. The steps are a scan that carries y behind a 1, so that the slope is x times what stands one
 * place before. */
#include "eval.h"

#include <stdlib.h>

enum { PRIMAL, GRADIENT };
enum { X, Y, DX, NODES };

typedef struct {
    problem common;
    array x;
    int64_t s;
    double *out; /* [n] */
} ode;

static int parse(problem *base, const json_t *input, reason *why)
{
    const int64_t most = 1 << 28;
    ode *p = (ode *)base;
    if (read_array(input, "x", 1, &p->x, why) || check_shape(&p->x, "x", p->x.dim, why) ||
        read_integer(input, "s", 1, most, &p->s, why))
        return -1;
    if (base->function == GRADIENT && p->s > most / p->x.count) return refuse(why, "s: too many steps to record");
    p->out = malloc((size_t)p->x.count * sizeof *p->out);
    return p->out ? 0 : refuse(why, "out of memory");
}

/* k one place further, behind a 0. */
static ag_node *shifted(ag_node *k)
{
    return ag_slice(ag_pad(k, 0, 1, 0), 0, 0, ag_shape_of(k).dim[0], 1);
}

static ag_node *step(ag_node *x, ag_node *state, double h)
{
    ag_graph *g = ag_graph_of(x);
    ag_node *whole = ag_number(g, h), *half = ag_number(g, h / 2), *two = ag_number(g, 2);
    ag_node *before = ag_slice(state, 0, 0, -1, 1), *y = ag_slice(state, 0, 1, AG_END, 1);
    ag_node *k1 = ag_mul(x, before);
    ag_node *k2 = ag_mul(x, ag_add(before, ag_mul(half, shifted(k1))));
    ag_node *k3 = ag_mul(x, ag_add(before, ag_mul(half, shifted(k2))));
    ag_node *k4 = ag_mul(x, ag_add(before, ag_mul(whole, shifted(k3))));
    ag_node *sum = ag_add(ag_add(k1, ag_mul(two, ag_add(k2, k3))), k4);
    return ag_add(y, ag_mul(ag_number(g, h / 6), sum));
}

static int build(model *m, const ode *p, reason *why)
{
    int64_t n = p->x.count;
    ag_node **v = m->node, *state = ag_input(m->graph, NULL, AG_F64, AG_SHAPE(1 + n)), *last;
    v[X] = real_input(m, "x", 1, p->x.dim);
    ag_node *one = constant_like(ag_slice(state, 0, 0, 1, 1), 1), *start = ag_pad(one, 0, 0, n);
    ag_node *next = ag_concat(2, (ag_node *[]){ one, step(v[X], state, 2 / (double)p->s) }, 0);
    ag_scan_body body = { .length = p->s, .states = 1, .initial = &start, .state = &state, .next = &next };
    ag_scan(&body, &last, NULL);
    v[Y] = ag_slice(last, 0, 1, AG_END, 1);
    if (p->common.function == PRIMAL) return model_compile(m, 0, 1, &v[Y], why);
    ag_gradient(ag_reshape(ag_slice(last, 0, n, n + 1, 1), AG_SCALAR), 1, &v[X], &v[DX]);
    return model_compile(m, 0, 1, &v[DX], why);
}

static int prepare(problem *base, reason *why)
{
    ode *p = (ode *)base;
    model *m = base->model = cache_model(base->cache, NODES, why, "ode %d %lld %lld", base->function,
                                         (long long)p->x.count, (long long)p->s);
    if (m) m->native = 1;
    if (!m || (!m->ready && build(m, p, why))) return -1;
    m->ready = 1;
    model_feed(m, 0, m->node[X], p->x.data);
    return model_fill(m, 0, m->node[base->function == PRIMAL ? Y : DX], p->out, why);
}

static json_t *output(const problem *base)
{
    const ode *p = (const ode *)base;
    return write_array(1, p->x.dim, p->out);
}

static void release(problem *base)
{
    ode *p = (ode *)base;
    free(p->x.data);
    free(p->out);
}

const eval ode_eval = { "ode", { "primal", "gradient" }, sizeof(ode), parse, prepare, NULL, output, release };
