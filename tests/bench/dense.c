/* dense: whole Hessians of functions of few variables, f64, as an optimiser asks for them at every step. The limits write
 * closed forms down: the chained Rosenbrock function's, of three diagonals; sum of sin(x_i x_j), all of whose second
 * derivatives differ; sum of log1p((W x)^2), W [100, n], which is W^T D W. */
#include "bench.h"
#include "vector.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern double sin(double) BENCH_VECTOR;
extern double cos(double) BENCH_VECTOR;

enum { ROWS = 100 };

typedef struct {
    int64_t n;
    double *x, *w, *by_hand; /* [n], [ROWS, n], [n, n] */
    ag_run *run;
} dense;

static void ours(void *context)
{
    bench_eval(((dense *)context)->run);
}

/* ---- by hand ----------------------------------------------------------------------------------------------------- */

BENCH_INLINE void rosenbrock(void *context)
{
    const dense *d = context;
    const int64_t n = d->n;
    const double *restrict x = d->x;
    double *restrict h = d->by_hand;
    memset(h, 0, (size_t)(n * n) * sizeof *h);
    for (int64_t i = 0; i + 1 < n; i++) {
        h[i * (n + 1)] += 1200 * x[i] * x[i] - 400 * x[i + 1] + 2;
        h[(i + 1) * (n + 1)] = 200;
        h[i * n + i + 1] = h[(i + 1) * n + i] = -400 * x[i];
    }
}
BENCH_VARIANTS(rosenbrock)

BENCH_INLINE void sines(void *context)
{
    const dense *d = context;
    const int64_t n = d->n;
    const double *restrict x = d->x;
    for (int64_t k = 0; k < n; k++) {
        double *restrict h = d->by_hand + k * n, sum = 0;
#pragma omp simd reduction(+ : sum)
        for (int64_t l = 0; l < n; l++) {
            const double p = x[k] * x[l], s = sin(p);
            sum += x[l] * x[l] * s;
            h[l] = 2 * (cos(p) - p * s);
        }
        h[k] -= 2 * sum;
    }
}
BENCH_VARIANTS(sines)

/* Rows of W one after the other, the upper half of the result first. */
BENCH_INLINE void squares(void *context)
{
    const dense *d = context;
    const int64_t n = d->n;
    const double *restrict x = d->x;
    double *restrict h = d->by_hand;
    memset(h, 0, (size_t)(n * n) * sizeof *h);
    for (int64_t i = 0; i < ROWS; i++) {
        const double *restrict w = d->w + i * n;
        double u = 0;
#pragma omp simd reduction(+ : u)
        for (int64_t j = 0; j < n; j++) u += w[j] * x[j];
        const double q = 1 + u * u, slope = 2 * (1 - u * u) / (q * q);
        for (int64_t j = 0; j < n; j++)
            for (int64_t l = 0; l < n; l++) h[j * n + l] += slope * w[j] * w[l];
    }
}
BENCH_VARIANTS(squares)

/* ---- as graphs --------------------------------------------------------------------------------------------------- */

static ag_node *graph_of_rosenbrock(const dense *d, ag_node *x)
{
    (void)d;
    ag_graph *g = ag_graph_of(x);
    ag_node *a = ag_slice(x, 0, 0, -1, 1), *b = ag_slice(x, 0, 1, AG_END, 1);
    ag_node *valley = ag_mul(ag_number(g, 100), ag_square(ag_sub(b, ag_square(a))));
    return ag_sum(ag_add(valley, ag_square(ag_sub(ag_number(g, 1), a))));
}

static ag_node *graph_of_sines(const dense *d, ag_node *x)
{
    return ag_sum(ag_sin(ag_mul(ag_reshape(x, AG_SHAPE(d->n, 1)), x)));
}

static ag_node *graph_of_squares(const dense *d, ag_node *x)
{
    ag_node *w = ag_constant(ag_graph_of(x), AG_F64, AG_SHAPE(ROWS, d->n), d->w);
    return ag_sum(ag_log1p(ag_square(ag_dot(w, x))));
}

/* ---- measuring --------------------------------------------------------------------------------------------------- */

static void measure(const char *name, int64_t n, ag_node *graph_of(const dense *, ag_node *x), bench_work *limit)
{
    dense d = { .n = n, .x = bench_take(n, sizeof *d.x), .w = bench_take(ROWS * n, sizeof *d.w),
                .by_hand = bench_take(n * n, sizeof *d.by_hand) };
    char label[48];
    snprintf(label, sizeof label, "dense %s", name);
    bench_fill_f64(d.x, n, -1, 1), bench_fill_f64(d.w, ROWS * n, -1, 1);
    ag_graph *g = ag_graph_new(NULL);
    ag_node *x = ag_input(g, "x", AG_F64, AG_SHAPE(n)), *h = ag_hessian(graph_of(&d, x), x);
    bench_require(ag_graph_status(g), ag_graph_error(g));
    ag_plan *plan = bench_compile(g, 1, &h);
    d.run = ag_run_new(plan);
    bench_require(d.run ? AG_OK : AG_EMEM, "out of memory");
    bench_require(ag_bind(d.run, x, d.x), ag_run_error(d.run));
    ours(&d);
    limit(&d);
    bench_agree_f64(label, n * n, ag_data(d.run, h), d.by_hand, 1e-10);
    bench_print(label, "us", 1e6, bench_compare(ours, limit, &d));
    printf(" n=%lld\n", (long long)n);
    ag_run_free(d.run);
    ag_plan_free(plan);
    ag_graph_free(g);
    free(d.x), free(d.w), free(d.by_hand);
}

void bench_dense(const char *name)
{
    static const int64_t sizes[] = { 10, 20, 50 };
    (void)name;
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        measure("rosenbrock", sizes[k], graph_of_rosenbrock, rosenbrock_best());
        measure("sines", sizes[k], graph_of_sines, sines_best());
        measure("squares", sizes[k], graph_of_squares, squares_best());
    }
}
