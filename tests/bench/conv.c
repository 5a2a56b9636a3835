/* Convolutions and their gradients by input and by filters, f32, each as a plan: time, GFLOP/s and what part that is of
 * the processor's multiply-adds. */
#include "bench.h"

#include "node.h"

#include <stdlib.h>

typedef struct {
    const char *what;
    int n, in, size, out, kernel, stride, padding, groups;
} layer;

static const layer layers[] = {
    { "W4.1", 64, 1, 28, 8, 5, 1, 0, 1 },        { "W4.2", 64, 8, 12, 16, 5, 1, 0, 1 },
    { "64>64", 8, 64, 56, 64, 3, 1, 1, 1 },      { "256>256", 8, 256, 14, 256, 3, 1, 1, 1 },
    { "64>128", 8, 64, 56, 128, 3, 2, 1, 1 },    { "3>64", 8, 3, 224, 64, 7, 2, 3, 1 },
    { "depthwise", 8, 256, 28, 256, 3, 1, 1, 256 }, { "32>32", 64, 32, 28, 32, 3, 1, 1, 1 },
    { "pointwise", 16, 64, 28, 64, 1, 1, 0, 1 },
};

static void evaluate(void *run)
{
    bench_eval(run);
}

static double seconds_of(ag_graph *g, ag_node *y, ag_node *const leaf[], int leaves)
{
    ag_plan *p = bench_compile(g, 1, &y);
    ag_run *r = ag_run_new(p);
    for (int k = 0; k < leaves; k++) {
        float *values = bench_take(ag_size_of(leaf[k]), sizeof *values);
        bench_fill_f32(values, ag_size_of(leaf[k]), -1, 1);
        if (ag_feed(r, leaf[k], values) && k + 1 < leaves) bench_require(AG_EARG, ag_run_error(r));
        free(values);
    }
    const bench_times t = bench_compare(evaluate, evaluate, r);
    ag_run_free(r);
    ag_plan_free(p);
    return t.ours < t.limit ? t.ours : t.limit;
}

static void run(const char *name, const layer *l, double peak)
{
    ag_graph *g = ag_graph_new(NULL);
    const ag_conv_options o = { .stride = { l->stride, l->stride }, .padding = { l->padding, l->padding },
                                .groups = l->groups };
    ag_node *x = ag_input(g, "x", AG_F32, AG_SHAPE(l->n, l->in, l->size, l->size));
    ag_node *w = ag_input(g, "w", AG_F32, AG_SHAPE(l->out, l->in / l->groups, l->kernel, l->kernel));
    ag_node *y = ag_conv(x, w, &o), *v, *d[2], *leaf[] = { x, w, NULL };
    bench_require(ag_is_bad(y) ? AG_ESHAPE : AG_OK, ag_graph_error(g));
    v = leaf[2] = ag_input(g, "v", AG_F32, ag_shape_of(y));
    bench_require(ag_vjp(1, &y, &v, 2, (ag_node *[]){ x, w }, d), ag_graph_error(g));
    const double flops = 2.0 * (double)ag_size_of(y) * l->in / l->groups * l->kernel * l->kernel;
    ag_node *all[] = { y, d[0], d[1] };
    static const char *const which[] = { "forward", "by_input", "by_filters" };
    for (int k = 0; k < 3; k++) {
        const double s = seconds_of(g, all[k], leaf, 3);
        printf("%s %s %s us ours=%.4g GFLOP/s=%.1f peak=%.0f%%\n", name, l->what, which[k], s * 1e6, flops / s * 1e-9,
               flops / s / peak * 100);
        fflush(stdout);
    }
    ag_graph_free(g);
}

void bench_conv(const char *name)
{
    const double peak = bench_peak(0, bench_isa());
    for (size_t k = 0; k < sizeof layers / sizeof *layers; k++) run(name, &layers[k], peak);
}
