/* recompute: a network of 200 layers, f32, trained by SGD in a quarter of the memory that its plan takes otherwise.
 * Ours computes again what it does not keep, the limit keeps all. */
#include "bench.h"

#include <math.h>
#include <stdlib.h>

enum { LAYERS = 200, BATCH = 2048, WIDTH = 64 };

typedef struct {
    ag_run *ours, *limit;
} trainings;

static void ours(void *context)
{
    bench_eval(((trainings *)context)->ours);
}

static void limit(void *context)
{
    bench_eval(((trainings *)context)->limit);
}

static float *numbers(int64_t n, double size)
{
    float *x = bench_take(n, sizeof *x);
    bench_fill_f32(x, n, -size, size);
    return x;
}

static ag_node *loss_of(ag_node *x)
{
    ag_graph *g = ag_graph_of(x);
    for (int l = 0; l < LAYERS; l++) {
        float *weights = numbers(WIDTH * WIDTH, 1.7 / sqrt(WIDTH));
        ag_node *w = ag_parameter(g, NULL, AG_F32, AG_SHAPE(WIDTH, WIDTH), weights);
        x = ag_tanh(ag_add(ag_matmul(x, w), ag_parameter(g, NULL, AG_F32, AG_SHAPE(WIDTH), NULL)));
        free(weights);
    }
    return ag_mean(ag_square(x));
}

static ag_run *run_of(const ag_plan *p, ag_node *x, const float *data)
{
    ag_run *r = ag_run_new(p);
    bench_require(r ? AG_OK : AG_EMEM, "out of memory");
    bench_require(ag_feed(r, x, data), ag_run_error(r));
    return r;
}

void bench_recompute(const char *name)
{
    ag_graph *g = ag_graph_new(NULL);
    float *data = numbers((int64_t)BATCH * WIDTH, 1);
    ag_node *x = ag_input(g, "x", AG_F32, AG_SHAPE(BATCH, WIDTH)), *loss = loss_of(x);
    ag_node *y[] = { loss, ag_sgd(loss, &(ag_sgd_options){ .rate = 0.01 }) };
    ag_plan *all = bench_compile(g, 2, y);
    ag_plan *less = ag_compile(g, 2, y, &(ag_options){ .max_bytes = ag_plan_bytes(all) / 4 });
    bench_require(less ? AG_OK : AG_EMEM, ag_graph_error(g));
    trainings t = { run_of(less, x, data), run_of(all, x, data) };
    ours(&t);
    limit(&t);
    float of_ours = (float)ag_item(t.ours, loss), of_limit = (float)ag_item(t.limit, loss);
    bench_agree_f32(name, 1, &of_ours, &of_limit, 0);
    bench_print(name, "ms", 1e3, bench_compare(ours, limit, &t));
    printf(" MB=%.1f of %.1f\n", 1e-6 * (double)ag_plan_bytes(less), 1e-6 * (double)ag_plan_bytes(all));
    ag_run_free(t.ours);
    ag_run_free(t.limit);
    ag_plan_free(less);
    ag_plan_free(all);
    ag_graph_free(g);
    free(data);
}
