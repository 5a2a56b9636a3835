/* unrolled: what machine code of unrolled programs costs, and pays. A line for each: how long a call takes compiled and
 * interpreted, in milliseconds, and how long whoever compiles it waits more than for the interpreted plan; on a busy
 * machine that is longer than the processor time that the compiler takes. */
#include "bench.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum { STEPS = 100, LAYERS = 200, WIDTH = 32, BATCH = 16, MOST = 2 * LAYERS + 8 };

typedef struct {
    ag_graph *graph;
    ag_node *p[MOST]; /* parameters */
    int n;
} program;

static ag_node *taken(program *p, ag_shape shape)
{
    float values[WIDTH * 4 * WIDTH];
    int64_t n = 1;
    for (int i = 0; i < shape.rank; i++) n *= shape.dim[i];
    bench_fill_f32(values, n, -0.2, 0.2);
    return p->p[p->n++] = ag_parameter(p->graph, NULL, AG_F32, shape, values);
}

static ag_node *affine(ag_node *x, ag_node *w, ag_node *b)
{
    return ag_add(ag_matmul(x, w), b);
}

static ag_node *row(ag_node *xs, int t)
{
    return ag_index(xs, 0, t);
}

static ag_node *rnn(program *p)
{
    ag_node *xs = taken(p, AG_SHAPE(STEPS / 4, BATCH, 1)), *h = taken(p, AG_SHAPE(BATCH, WIDTH));
    ag_node *wx = taken(p, AG_SHAPE(1, WIDTH)), *wh = taken(p, AG_SHAPE(WIDTH, WIDTH)), *b = taken(p, AG_SHAPE(WIDTH));
    for (int t = 0; t < STEPS; t++)
        h = ag_tanh(ag_add(affine(h, wh, b), ag_matmul(row(xs, t % (STEPS / 4)), wx)));
    return h;
}

static ag_node *layers(program *p)
{
    ag_node *h = taken(p, AG_SHAPE(BATCH, WIDTH));
    for (int k = 0; k < LAYERS; k++)
        h = ag_tanh(affine(h, taken(p, AG_SHAPE(WIDTH, WIDTH)), taken(p, AG_SHAPE(WIDTH))));
    return h;
}

static ag_node *gate(ag_node *all, int k)
{
    return ag_slice(all, 1, k * WIDTH, (k + 1) * WIDTH, 1);
}

static ag_node *lstm(program *p)
{
    ag_node *xs = taken(p, AG_SHAPE(STEPS / 4, BATCH, 1)), *wx = taken(p, AG_SHAPE(1, 4 * WIDTH));
    ag_node *wh = taken(p, AG_SHAPE(WIDTH, 4 * WIDTH)), *b = taken(p, AG_SHAPE(4 * WIDTH));
    ag_node *h = taken(p, AG_SHAPE(BATCH, WIDTH)), *c = taken(p, AG_SHAPE(BATCH, WIDTH));
    for (int t = 0; t < STEPS; t++) {
        ag_node *all = ag_add(affine(h, wh, b), ag_matmul(row(xs, t % (STEPS / 4)), wx));
        ag_node *in = ag_mul(ag_sigmoid(gate(all, 0)), ag_tanh(gate(all, 1)));
        c = ag_add(ag_mul(ag_sigmoid(gate(all, 2)), c), in);
        h = ag_mul(ag_sigmoid(gate(all, 3)), ag_tanh(c));
    }
    return h;
}

static const struct {
    const char *name;
    ag_node *(*write)(program *);
} programs[] = { { "rnn", rnn }, { "layers", layers }, { "lstm", lstm } };

typedef struct {
    ag_run *native, *interpreted;
} runs;

static void native(void *context)
{
    bench_eval(((runs *)context)->native);
}

static void interpreted(void *context)
{
    bench_eval(((runs *)context)->interpreted);
}

static double of_compilers(void)
{
    struct rusage u;
    getrusage(RUSAGE_CHILDREN, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + 1e-6 * (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

static ag_plan *compile(ag_graph *g, ag_node *const out[2], int to_machine_code, double *seconds)
{
    const double start = bench_wall();
    bench_native = to_machine_code;
    ag_plan *p = bench_compile(g, 2, out);
    *seconds = bench_wall() - start;
    bench_native = 0;
    return p;
}

static void measure(const char *name, const char *which, ag_node *(*write)(program *))
{
    program *p = bench_take(1, sizeof *p);
    *p = (program){ .graph = ag_graph_new(NULL) };
    double seconds[2], before = of_compilers();
    ag_node *loss = ag_mean(ag_square(write(p)));
    ag_node *out[] = { loss, ag_sgd(loss, &(ag_sgd_options){ .rate = 1e-3 }) };
    ag_plan *plan[] = { compile(p->graph, out, 0, &seconds[0]), compile(p->graph, out, 1, &seconds[1]) };
    runs r = { .native = ag_run_new(plan[1]), .interpreted = ag_run_new(plan[0]) };
    native(&r), interpreted(&r);
    const float got = (float)ag_item(r.native, loss), want = (float)ag_item(r.interpreted, loss);
    bench_agree_f32(which, 1, &got, &want, 1e-4);
    char both[32];
    snprintf(both, sizeof both, "%s %s", name, which);
    bench_print(both, "ms", 1e3, bench_compare(native, interpreted, &r));
    printf(" waited_s=%.2f compiler_s=%.2f\n", seconds[1] - seconds[0], of_compilers() - before);
    ag_run_free(r.native), ag_run_free(r.interpreted);
    ag_plan_free(plan[0]), ag_plan_free(plan[1]);
    ag_graph_free(p->graph), free(p);
}

void bench_unrolled(const char *name)
{
    for (size_t k = 0; k < sizeof programs / sizeof *programs; k++)
        measure(name, programs[k].name, programs[k].write);
}
