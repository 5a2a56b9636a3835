/* Least squares: 1/2 sum over n places t in [-1, 1] of (sign(t) - sum_j x_j t^j)^2. The polynomial is evaluated by
 * Horner's rule on all places at once; its m coefficients are numbers of their own. */
#include "eval.h"

#include <stdlib.h>

enum { PRIMAL, GRADIENT };
enum { Y, X }; /* then m coefficients, then m derivatives */
enum { MOST_COEFFICIENTS = 4096 };

typedef struct {
    problem common;
    array x;
    int64_t n;
    double y, *dx;
} llsq;

static int parse(problem *base, const json_t *input, reason *why)
{
    llsq *p = (llsq *)base;
    if (read_array(input, "x", 1, &p->x, why) || check_shape(&p->x, "x", p->x.dim, why) ||
        read_integer(input, "n", 2, 1 << 28, &p->n, why))
        return -1;
    if (p->x.count > MOST_COEFFICIENTS) return refuse(why, "x: more than %d coefficients", MOST_COEFFICIENTS);
    p->dx = malloc((size_t)p->x.count * sizeof *p->dx);
    return p->dx ? 0 : refuse(why, "out of memory");
}

static int build(model *m, const llsq *p, reason *why)
{
    int k = (int)p->x.count;
    ag_graph *g = m->graph;
    ag_node **x = m->node + X, **dx = x + k;
    for (int j = 0; j < k; j++) x[j] = ag_input(g, NULL, AG_F64, AG_SCALAR);
    ag_node *t = ag_sub(ag_mul(ag_arange(g, AG_F64, p->n), ag_number(g, 2 / (double)(p->n - 1))), ag_number(g, 1));
    ag_node *polynomial = x[k - 1];
    for (int j = k - 2; j >= 0; j--) polynomial = ag_add(ag_mul(polynomial, t), x[j]);
    ag_node *y = ag_mul(ag_number(g, 0.5), ag_sum(ag_square(ag_sub(ag_sign(t), polynomial))));
    m->node[Y] = y;
    if (p->common.function == PRIMAL) return model_compile(m, 0, 1, &m->node[Y], why);
    ag_gradient(y, k, x, dx);
    return model_compile(m, 0, k, dx, why);
}

static int prepare(problem *base, reason *why)
{
    llsq *p = (llsq *)base;
    int k = (int)p->x.count;
    model *m = base->model = cache_model(base->cache, 1 + 2 * k, why, "llsq %d %lld %d", base->function,
                                         (long long)p->n, k);
    if (!m || (!m->ready && build(m, p, why))) return -1;
    m->ready = 1;
    for (int j = 0; j < k; j++) {
        model_feed(m, 0, m->node[X + j], p->x.data + j);
        if (base->function == GRADIENT && model_fill(m, 0, m->node[X + k + j], p->dx + j, why)) return -1;
    }
    return base->function == PRIMAL ? model_fill(m, 0, m->node[Y], &p->y, why) : 0;
}

static json_t *output(const problem *base)
{
    const llsq *p = (const llsq *)base;
    return base->function == PRIMAL ? write_number(p->y) : write_array(1, p->x.dim, p->dx);
}

static void release(problem *base)
{
    llsq *p = (llsq *)base;
    free(p->x.data);
    free(p->dx);
}

const eval llsq_eval = { "llsq", { "primal", "gradient" }, sizeof(llsq), parse, prepare, NULL, output, release };
