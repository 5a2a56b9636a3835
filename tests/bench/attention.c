/* Causal attention, f32, forward and backward: the operation beside products and softmax as one writes them. */
#include "bench.h"

#include <math.h>
#include <stdlib.h>

enum { DEPTH = 64 };

typedef struct {
    ag_run *run[2];
} contest;

static void ours(void *context)
{
    bench_eval(((contest *)context)->run[0]);
}

static void limit(void *context)
{
    bench_eval(((contest *)context)->run[1]);
}

/* Scores, those of later keys minus infinity, softmax, values. */
static ag_node *written(ag_node *q, ag_node *k, ag_node *v, int64_t length)
{
    ag_graph *g = ag_graph_of(q);
    ag_node *scores = ag_mul(ag_matmul(q, ag_transpose(k, (int[]){ 0, 2, 1 })), ag_number(g, 1 / sqrt(DEPTH)));
    ag_node *j = ag_arange(g, AG_F32, length), *i = ag_reshape(j, AG_SHAPE(length, 1));
    return ag_matmul(ag_softmax(ag_where(ag_less_equal(j, i), scores, ag_number(g, -INFINITY)), 2), v);
}

static ag_run *start(int fused, int64_t heads, int64_t length, ag_plan **plan, ag_graph **g, ag_node *out[4])
{
    *g = ag_graph_new(NULL);
    ag_node *in[4];
    for (int k = 0; k < 4; k++) in[k] = ag_input(*g, NULL, AG_F32, AG_SHAPE(heads, length, DEPTH));
    out[0] = fused ? ag_attention(in[0], in[1], in[2], 0, 1) : written(in[0], in[1], in[2], length);
    bench_require(ag_vjp(1, out, &in[3], 3, in, out + 1), ag_graph_error(*g));
    *plan = bench_compile(*g, 4, out);
    ag_run *r = ag_run_new(*plan);
    const int64_t n = heads * length * DEPTH;
    float *values = bench_take(n, sizeof *values);
    for (int k = 0; k < 4; k++) {
        for (int64_t i = 0; i < n; i++) values[i] = (float)sin((double)(i % 9973) * (k + 1));
        bench_require(ag_feed_f32(r, in[k], values, n), ag_run_error(r));
    }
    free(values);
    return r;
}

static void run(const char *name, int64_t heads, int64_t length)
{
    contest c;
    ag_plan *plan[2];
    ag_graph *g[2];
    ag_node *out[2][4];
    for (int k = 0; k < 2; k++) c.run[k] = start(!k, heads, length, &plan[k], &g[k], out[k]);
    ours(&c);
    limit(&c);
    for (int k = 0; k < 4; k++)
        bench_agree_f32("attention", heads * length * DEPTH, ag_data(c.run[0], out[0][k]), ag_data(c.run[1], out[1][k]),
                        1e-4);
    bench_print(name, "ms", 1e3, bench_compare(ours, limit, &c));
    printf(" heads=%d length=%d bytes=%zu of %zu\n", (int)heads, (int)length, ag_plan_bytes(plan[0]),
           ag_plan_bytes(plan[1]));
    for (int k = 0; k < 2; k++) ag_run_free(c.run[k]), ag_plan_free(plan[k]), ag_graph_free(g[k]);
}

void bench_attention(const char *name)
{
    run(name, 16, 128);
    run(name, 12, 1024);
}
