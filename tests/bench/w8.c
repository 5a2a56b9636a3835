/* W8: logistic regression in f64, 1000 samples of 200 features: loss = mean(softplus(-y X w)), its gradient, and its
 * Hessian times v. The limit is the four products with X that this takes, by bare dgemv, some rows of X at a time, so
 * that it comes from memory once. */
#include "bench.h"

#include <cblas.h>
#include <math.h>
#include <stdlib.h>

enum { N = 1000, D = 200, ROWS = 64 /* of X that the limit takes at a time: they stay in cache */ };

typedef struct {
    double *x, *y, *w, *v;               /* [N, D], [N], [D], [D] */
    double *margin, *residual, *tangent; /* [N] */
    double loss, *gradient, *hvp;        /* [D] */
    ag_run *run;
} regression;

static void forward(const regression *r, const double *w, double *out)
{
    cblas_dgemv(CblasRowMajor, CblasNoTrans, N, D, 1, r->x, D, w, 1, 0, out, 1);
}

static void backward(const regression *r, const double *residual, double *out)
{
    cblas_dgemv(CblasRowMajor, CblasTrans, N, D, 1, r->x, D, residual, 1, 0, out, 1);
}

static void limit(void *context)
{
    const regression *r = context;
    for (int i = 0, n; i < N; i += n) {
        const double *x = r->x + i * D;
        n = N - i < ROWS ? N - i : ROWS;
        cblas_dgemv(CblasRowMajor, CblasNoTrans, n, D, 1, x, D, r->w, 1, 0, r->margin + i, 1);
        cblas_dgemv(CblasRowMajor, CblasNoTrans, n, D, 1, x, D, r->v, 1, 0, r->tangent + i, 1);
        cblas_dgemv(CblasRowMajor, CblasTrans, n, D, 1, x, D, r->residual + i, 1, i > 0, r->gradient, 1);
        cblas_dgemv(CblasRowMajor, CblasTrans, n, D, 1, x, D, r->tangent + i, 1, i > 0, r->hvp, 1);
    }
}

/* The same with all that the limit leaves out. */
static void by_hand(regression *r)
{
    r->loss = 0;
    forward(r, r->w, r->margin);
    forward(r, r->v, r->tangent);
    for (int i = 0; i < N; i++) {
        double m = r->y[i] * r->margin[i], p = 1 / (1 + exp(m));
        r->loss += log1p(exp(-fabs(m))) + fmax(-m, 0);
        r->residual[i] = -r->y[i] * p / N;
        r->tangent[i] *= p * (1 - p) / N;
    }
    r->loss /= N;
    backward(r, r->residual, r->gradient);
    backward(r, r->tangent, r->hvp);
}

static void ours(void *context)
{
    bench_eval(((regression *)context)->run);
}

static double *numbers(int64_t n, double size)
{
    double *x = bench_take(n, sizeof *x);
    bench_fill_f64(x, n, -size, size);
    return x;
}

void bench_w8(const char *name)
{
    regression r = { .x = numbers(N * D, 1), .y = numbers(N, 1), .w = numbers(D, 0.1), .v = numbers(D, 1) };
    r.margin = numbers(N, 1), r.residual = numbers(N, 1), r.tangent = numbers(N, 1);
    r.gradient = numbers(D, 1), r.hvp = numbers(D, 1);
    for (int i = 0; i < N; i++) r.y[i] = r.y[i] < 0 ? -1 : 1;
    ag_graph *g = ag_graph_new(NULL);
    ag_node *x = ag_input(g, "x", AG_F64, AG_SHAPE(N, D)), *y = ag_input(g, "y", AG_F64, AG_SHAPE(N));
    ag_node *w = ag_input(g, "w", AG_F64, AG_SHAPE(D)), *v = ag_input(g, "v", AG_F64, AG_SHAPE(D));
    ag_node *loss = ag_mean(ag_softplus(ag_neg(ag_mul(y, ag_dot(x, w))))), *gradient;
    bench_require(ag_gradient(loss, 1, &w, &gradient), ag_graph_error(g));
    ag_node *hvp = ag_hvp(loss, w, v);
    ag_plan *p = bench_compile(g, 3, (ag_node *[]){ loss, gradient, hvp });
    r.run = ag_run_new(p);
    ag_node *leaf[] = { x, y, w, v };
    double *data[] = { r.x, r.y, r.w, r.v };
    for (int k = 0; k < 4; k++) bench_require(ag_bind(r.run, leaf[k], data[k]), ag_run_error(r.run));

    ours(&r);
    by_hand(&r);
    double now = ag_item(r.run, loss);
    bench_agree_f64("W8 loss", 1, &now, &r.loss, 1e-12);
    bench_agree_f64("W8 gradient", D, ag_data(r.run, gradient), r.gradient, 1e-13);
    bench_agree_f64("W8 HVP", D, ag_data(r.run, hvp), r.hvp, 1e-13);
    bench_print(name, "us", 1e6, bench_compare(ours, limit, &r));
    printf("\n");
    ag_run_free(r.run);
    ag_plan_free(p);
    ag_graph_free(g);
    for (int k = 0; k < 4; k++) free(data[k]);
    free(r.margin), free(r.residual), free(r.tangent), free(r.gradient), free(r.hvp);
}
