/* hessian: the Hessian of the chained Rosenbrock function, a band of three diagonals, as sparse values: three products
 * for any number of variables. The limit writes its closed form down. */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct {
    int64_t n;
    double *x, *by_hand;
    const ag_sparse *hessian;
    ag_run *run;
} chain;

static void ours(void *context)
{
    bench_eval(((chain *)context)->run);
}

static void limit(void *context)
{
    const chain *c = context;
    const double *x = c->x;
    double *h = c->by_hand;
    for (int64_t i = 0; i < c->n; i++) {
        int last = i == c->n - 1;
        if (i > 0) *h++ = -400 * x[i - 1];
        *h++ = (last ? 0 : 1200 * x[i] * x[i] - 400 * x[i + 1] + 2) + (i > 0 ? 200 : 0);
        if (!last) *h++ = -400 * x[i];
    }
}

/* sum of 100 (x[i+1] - x[i]^2)^2 + (1 - x[i])^2 */
static ag_node *rosenbrock(ag_node *x)
{
    ag_graph *g = ag_graph_of(x);
    ag_node *a = ag_slice(x, 0, 0, -1, 1), *b = ag_slice(x, 0, 1, AG_END, 1);
    ag_node *valley = ag_mul(ag_number(g, 100), ag_square(ag_sub(b, ag_square(a))));
    return ag_sum(ag_add(valley, ag_square(ag_sub(ag_number(g, 1), a))));
}

static void measure(const char *name, int64_t n)
{
    chain c = { .n = n, .x = bench_take(n, sizeof *c.x), .by_hand = bench_take(3 * n - 2, sizeof *c.by_hand) };
    bench_fill_f64(c.x, n, -1, 1);
    double start = bench_now();
    ag_graph *g = ag_graph_new(NULL);
    ag_node *x = ag_input(g, "x", AG_F64, AG_SHAPE(n));
    c.hessian = ag_sparse_hessian(rosenbrock(x), 1, &x, NULL);
    bench_require(ag_graph_status(g), ag_graph_error(g));
    double structure = bench_now() - start;
    ag_plan *plan = bench_compile(g, 1, (ag_node *[]){ c.hessian->values });
    c.run = ag_run_new(plan);
    bench_require(c.run ? AG_OK : AG_EMEM, "out of memory");
    bench_require(ag_bind(c.run, x, c.x), ag_run_error(c.run));
    ours(&c);
    limit(&c);
    bench_agree_f64(name, c.hessian->nonzeros, ag_data(c.run, c.hessian->values), c.by_hand, 1e-12);
    bench_print(name, "ms", 1e3, bench_compare(ours, limit, &c));
    printf(" n=%lld colours=%d structure=%.1f ms memory=%.1f MB\n", (long long)n, c.hessian->colours, 1e3 * structure,
           1e-6 * (double)ag_plan_bytes(plan));
    ag_run_free(c.run);
    ag_plan_free(plan);
    ag_graph_free(g);
    free(c.x);
    free(c.by_hand);
}

void bench_hessian(const char *name)
{
    measure(name, 10000);
    measure(name, 100000);
    measure(name, 1000000);
}
