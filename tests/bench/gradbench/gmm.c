/* Log posterior of a Gaussian mixture with a Wishart prior on the precision matrices. */
#include "primal.h"

#include <math.h>
#include <stdlib.h>

static const double PI = 3.14159265358979323846;

gb_gmm gb_gmm_random(int64_t d, int64_t k, int64_t n, uint64_t seed)
{
    gb_rng r = { seed };
    gb_gmm g = { .d = d, .k = k, .n = n, .m = 0, .gamma = 1 };
    g.x = gb_normals(&r, n * d);
    g.alpha = gb_normals(&r, k);
    g.mu = gb_uniforms(&r, k * d, 0, 1);
    g.q = gb_normals(&r, k * d);
    g.l = gb_normals(&r, k * (d * (d - 1) / 2));
    return g;
}

void gb_gmm_free(gb_gmm *g)
{
    free(g->x), free(g->alpha), free(g->mu), free(g->q), free(g->l);
}

static double log_sum_exp(int64_t n, const double *x)
{
    double largest = x[0], sum = 0;
    for (int64_t i = 1; i < n; i++) largest = x[i] > largest ? x[i] : largest;
    for (int64_t i = 0; i < n; i++) sum += exp(x[i] - largest);
    return largest + log(sum);
}

static double log_gamma_multivariate(double a, int64_t d)
{
    double sum = 0.25 * (double)(d * (d - 1)) * log(PI);
    for (int64_t j = 1; j <= d; j++) sum += lgamma(a + 0.5 * (double)(1 - j));
    return sum;
}

/* |Q x|^2 for lower triangular Q: its diagonal, and below it l, column by column. */
static double squared_norm(int64_t d, const double *diagonal, const double *l, const double *x, double *qx)
{
    for (int64_t i = 0; i < d; i++) qx[i] = diagonal[i] * x[i];
    for (int64_t i = 0; i < d; i++)
        for (int64_t j = i + 1; j < d; j++) qx[j] += *l++ * x[i];
    double sum = 0;
    for (int64_t i = 0; i < d; i++) sum += qx[i] * qx[i];
    return sum;
}

static double likelihood(const gb_gmm *g, const double *diagonal, const double *sum_q, double *work)
{
    int64_t d = g->d, nl = d * (d - 1) / 2;
    double *centred = work, *qx = centred + d, *term = qx + d, sum = 0;
    for (int64_t i = 0; i < g->n; i++) {
        for (int64_t k = 0; k < g->k; k++) {
            for (int64_t j = 0; j < d; j++) centred[j] = g->x[i * d + j] - g->mu[k * d + j];
            term[k] = g->alpha[k] + sum_q[k]
                      - 0.5 * squared_norm(d, diagonal + k * d, g->l + k * nl, centred, qx);
        }
        sum += log_sum_exp(g->k, term);
    }
    return sum;
}

static double prior(const gb_gmm *g, const double *diagonal, const double *sum_q)
{
    int64_t d = g->d, nl = d * (d - 1) / 2;
    double freedom = (double)(d + g->m + 1), sum = 0;
    double c = freedom * (double)d * (log(g->gamma) - 0.5 * log(2)) - log_gamma_multivariate(0.5 * freedom, d);
    for (int64_t k = 0; k < g->k; k++) {
        double frobenius = 0;
        for (int64_t j = 0; j < d; j++) frobenius += diagonal[k * d + j] * diagonal[k * d + j];
        for (int64_t j = 0; j < nl; j++) frobenius += g->l[k * nl + j] * g->l[k * nl + j];
        sum += 0.5 * g->gamma * g->gamma * frobenius - (double)g->m * sum_q[k];
    }
    return (double)g->k * c - sum;
}

double gb_gmm_objective(const gb_gmm *g)
{
    int64_t d = g->d, k = g->k;
    double *diagonal = gb_take(k * d + k + 2 * d + k, sizeof *diagonal), *sum_q = diagonal + k * d;
    for (int64_t i = 0; i < k * d; i++) {
        diagonal[i] = exp(g->q[i]);
        sum_q[i / d] += g->q[i];
    }
    double n = (double)g->n;
    double y = -0.5 * n * (double)d * log(2 * PI) + likelihood(g, diagonal, sum_q, sum_q + k)
               - n * log_sum_exp(k, g->alpha) + prior(g, diagonal, sum_q);
    free(diagonal);
    return y;
}
