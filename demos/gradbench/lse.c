/* Log of the sum of exponentials: A + log sum exp(x_i - A), A the largest x. A only keeps the exponentials small and
 * cancels, so no gradient goes through it. */
#include "eval.h"

#include <stdlib.h>

enum { PRIMAL, GRADIENT };
enum { X, Y, DX };

typedef struct {
    problem common;
    array x;
    double y, *dx;
} lse;

static int parse(problem *base, const json_t *input, reason *why)
{
    lse *p = (lse *)base;
    if (read_array(input, "x", 1, &p->x, why) || check_shape(&p->x, "x", p->x.dim, why)) return -1;
    p->dx = malloc((size_t)p->x.count * sizeof *p->dx);
    return p->dx ? 0 : refuse(why, "out of memory");
}

static int build(model *m, const lse *p, reason *why)
{
    ag_node *x = m->node[X] = real_input(m, "x", 1, p->x.dim);
    ag_node *largest = ag_stop_gradient(ag_amax(x));
    ag_node *y = m->node[Y] = ag_add(largest, ag_log(ag_sum(ag_exp(ag_sub(x, largest)))));
    ag_gradient(y, 1, &x, &m->node[DX]);
    return model_compile(m, 0, 1, p->common.function == PRIMAL ? &m->node[Y] : &m->node[DX], why);
}

static int prepare(problem *base, reason *why)
{
    lse *p = (lse *)base;
    model *m = base->model =
        cache_model(base->cache, 3, why, "lse %d %lld", base->function, (long long)p->x.count);
    if (!m || (!m->ready && build(m, p, why))) return -1;
    m->ready = 1;
    model_feed(m, 0, m->node[X], p->x.data);
    if (base->function == PRIMAL) return model_fill(m, 0, m->node[Y], &p->y, why);
    return model_fill(m, 0, m->node[DX], p->dx, why);
}

static json_t *output(const problem *base)
{
    const lse *p = (const lse *)base;
    return base->function == PRIMAL ? write_number(p->y) : write_array(1, p->x.dim, p->dx);
}

static void release(problem *base)
{
    lse *p = (lse *)base;
    free(p->x.data);
    free(p->dx);
}

const eval lse_eval = { "lse", { "primal", "gradient" }, sizeof(lse), parse, prepare, NULL, output, release };
