/* Log posterior of a Gaussian mixture with a Wishart prior, and its gradient. */
#include "eval.h"

#include <math.h>
#include <stdlib.h>

enum { OBJECTIVE, JACOBIAN };
enum { ALPHA, MU, Q, L, PARAMETERS, ENTRIES = PARAMETERS, SAMPLES, GAMMA, M, CONSTANT, Y, GRADIENT };
enum { NODES = GRADIENT + PARAMETERS };

static const double PI = 3.14159265358979323846;
static const char *const NAME[] = { "alpha", "mu", "q", "l" };

typedef struct {
    problem common;
    int64_t d, k, n;
    array parameter[PARAMETERS], x;
    int64_t *entries;         /* [d][d]: where in (exp(q), l, 0) each element of Q is */
    double gamma, m, constant; /* the part that depends on no parameter */
    double y, *gradient[PARAMETERS];
} gmm;

static int used(const gmm *p, int i)
{
    return i != L || p->d > 1;
}

/* ---- input ------------------------------------------------------------------------------------------------------ */

static double log_gamma_multivariate(double a, int64_t d)
{
    double sum = 0.25 * (double)(d * (d - 1)) * log(PI);
    for (int64_t j = 1; j <= d; j++) sum += lgamma(a + 0.5 * (double)(1 - j));
    return sum;
}

/* The strict lower part takes l column by column; above the diagonal stands the 0 after l. */
static int64_t *entries_of(int64_t d)
{
    int64_t *at = malloc((size_t)(d * d) * sizeof *at), next = d, zero = d + d * (d - 1) / 2;
    for (int64_t j = 0; at && j < d; j++)
        for (int64_t i = 0; i < d; i++) at[i * d + j] = i < j ? zero : i == j ? i : next++;
    return at;
}

static int derive(gmm *p, reason *why)
{
    double d = (double)p->d, freedom = d + p->m + 1;
    double c = freedom * d * (log(p->gamma) - 0.5 * log(2)) - log_gamma_multivariate(0.5 * freedom, p->d);
    p->constant = (double)p->k * c - 0.5 * (double)p->n * d * log(2 * PI);
    p->entries = entries_of(p->d);
    for (int i = 0; i < PARAMETERS; i++) {
        p->gradient[i] = malloc((size_t)(p->parameter[i].count + 1) * sizeof(double));
        if (!p->gradient[i]) return refuse(why, "out of memory");
    }
    return p->entries ? 0 : refuse(why, "out of memory");
}

static int parse(problem *base, const json_t *input, reason *why)
{
    gmm *p = (gmm *)base;
    array *a = p->parameter;
    int64_t m = 0;
    for (int i = 0; i < PARAMETERS; i++)
        if (read_array(input, NAME[i], i == ALPHA ? 1 : 2, &a[i], why)) return -1;
    if (read_array(input, "x", 2, &p->x, why) || read_integer(input, "m", 0, 1 << 20, &m, why) ||
        read_number(input, "gamma", &p->gamma, why))
        return -1;
    p->n = p->x.dim[0], p->d = p->x.dim[1], p->k = a[ALPHA].dim[0], p->m = (double)m;
    int64_t d = p->d, k = p->k, nl = d * (d - 1) / 2;
    if (check_shape(&p->x, "x", p->x.dim, why) || check_shape(&a[ALPHA], "alpha", a[ALPHA].dim, why) ||
        check_shape(&a[MU], "mu", (int64_t[]){ k, d }, why) || check_shape(&a[Q], "q", (int64_t[]){ k, d }, why))
        return -1;
    if (d > 4096) return refuse(why, "x: more than 4096 dimensions");
    if (d > 1 ? check_shape(&a[L], "l", (int64_t[]){ k, nl }, why) : a[L].dim[0] != k || a[L].dim[1])
        return refuse(why, "l: not k empty rows for d = 1");
    if (!(p->gamma > 0)) return refuse(why, "gamma: %g is not positive", p->gamma);
    return derive(p, why);
}

/* ---- graph ------------------------------------------------------------------------------------------------------ */

/* b_ik = alpha_k + sum_j q_kj - 1/2 |Q_k (x_i - mu_k)|^2. All Q_k x_i are one matrix product, Q_k mu_k another. */
static ag_node *exponents(model *m, const gmm *p, ag_node *diagonal)
{
    ag_graph *g = m->graph;
    int64_t d = p->d, k = p->k, n = p->n;
    ag_node **v = m->node, *zero = constant_like(column_of(diagonal, 0), 0);
    ag_node *parts[] = { diagonal, v[L], ag_reshape(zero, AG_SHAPE(k, 1)) };
    if (d == 1) parts[1] = parts[2];
    ag_node *q = ag_gather(ag_concat(d > 1 ? 3 : 2, parts, 1), 1, v[ENTRIES]); /* [k, d * d] */
    ag_node *qx = ag_matmul(v[SAMPLES], ag_transpose(ag_reshape(q, AG_SHAPE(k * d, d)), NULL));
    ag_node *qmu = ag_matmul(ag_reshape(q, AG_SHAPE(k, d, d)), ag_reshape(v[MU], AG_SHAPE(k, d, 1)));
    ag_node *centred = ag_sub(qx, ag_reshape(qmu, AG_SHAPE(k * d)));
    ag_node *square = ag_sum_axis(ag_reshape(ag_square(centred), AG_SHAPE(n, k, d)), 2, 0);
    return ag_sub(ag_add(v[ALPHA], ag_sum_axis(v[Q], 1, 0)), ag_mul(ag_number(g, 0.5), square));
}

static ag_node *objective(model *m, const gmm *p)
{
    ag_graph *g = m->graph;
    ag_node **v = m->node, *diagonal = ag_exp(v[Q]);
    ag_node *likelihood = ag_sub(ag_sum(ag_logsumexp_axis(exponents(m, p, diagonal), 1, 0)),
                                 ag_mul(ag_number(g, (double)p->n), ag_logsumexp(v[ALPHA])));
    ag_node *frobenius = ag_sum(ag_square(diagonal));
    if (p->d > 1) frobenius = ag_add(frobenius, ag_sum(ag_square(v[L])));
    ag_node *scale = ag_mul(ag_number(g, 0.5), ag_square(v[GAMMA]));
    ag_node *prior = ag_sub(ag_mul(v[M], ag_sum(v[Q])), ag_mul(scale, frobenius));
    return ag_add(ag_add(likelihood, prior), v[CONSTANT]);
}

static int build(model *m, const gmm *p, reason *why)
{
    ag_node **v = m->node;
    for (int i = 0; i < PARAMETERS; i++)
        if (used(p, i)) v[i] = real_input(m, NAME[i], p->parameter[i].rank, p->parameter[i].dim);
    v[ENTRIES] = index_input(m, "entries", p->d * p->d);
    v[SAMPLES] = real_input(m, "x", 2, p->x.dim);
    v[GAMMA] = ag_input(m->graph, "gamma", AG_F64, AG_SCALAR);
    v[M] = ag_input(m->graph, "m", AG_F64, AG_SCALAR);
    v[CONSTANT] = ag_input(m->graph, "constant", AG_F64, AG_SCALAR);
    v[Y] = objective(m, p);
    if (p->common.function == OBJECTIVE) return model_compile(m, 0, 1, &v[Y], why);
    int parameters = p->d > 1 ? PARAMETERS : L;
    ag_gradient(v[Y], parameters, v, v + GRADIENT);
    return model_compile(m, 0, parameters, v + GRADIENT, why);
}

static int bind(model *m, gmm *p, reason *why)
{
    ag_node **v = m->node;
    for (int i = 0; i < PARAMETERS; i++) {
        if (!used(p, i)) continue;
        model_feed(m, 0, v[i], p->parameter[i].data);
        if (p->common.function == JACOBIAN && model_fill(m, 0, v[GRADIENT + i], p->gradient[i], why)) return -1;
    }
    model_feed(m, 0, v[ENTRIES], p->entries);
    model_feed(m, 0, v[SAMPLES], p->x.data);
    model_feed(m, 0, v[GAMMA], &p->gamma);
    model_feed(m, 0, v[M], &p->m);
    model_feed(m, 0, v[CONSTANT], &p->constant);
    return p->common.function == OBJECTIVE ? model_fill(m, 0, v[Y], &p->y, why) : 0;
}

static int prepare(problem *base, reason *why)
{
    gmm *p = (gmm *)base;
    model *m = base->model = cache_model(base->cache, NODES, why, "gmm %d %lld %lld %lld", base->function,
                                         (long long)p->d, (long long)p->k, (long long)p->n);
    if (!m || (!m->ready && build(m, p, why))) return -1;
    m->ready = 1;
    return bind(m, p, why);
}

/* ---- output ----------------------------------------------------------------------------------------------------- */

static json_t *output(const problem *base)
{
    const gmm *p = (const gmm *)base;
    if (base->function == OBJECTIVE) return write_number(p->y);
    json_t *all = json_object();
    for (int i = 0; all && i < PARAMETERS; i++) {
        const array *a = &p->parameter[i];
        if (json_object_set_new(all, NAME[i], write_array(a->rank, a->dim, p->gradient[i]))) {
            json_decref(all);
            all = NULL;
        }
    }
    return all;
}

static void release(problem *base)
{
    gmm *p = (gmm *)base;
    for (int i = 0; i < PARAMETERS; i++) {
        free(p->parameter[i].data);
        free(p->gradient[i]);
    }
    free(p->x.data);
    free(p->entries);
}

const eval gmm_eval = { "gmm", { "objective", "jacobian" }, sizeof(gmm), parse, prepare, NULL, output, release };
