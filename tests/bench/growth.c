/* growth: does the cost follow the work, however a program is written? Each way of writing is built, differentiated,
 * compiled and evaluated at n and at 4 n: milliseconds at n, and how many times as long 4 n takes. 4 is linear.
 *
 * What is near in the caches at n is not at 4 n, and memory that the process has had before is cheaper than fresh:
 * neither is growth. So each measurement is a process of its own, whose memory is all fresh, each stage begins with
 * empty caches, and n is so large that what a stage makes of it leaves them as well. Of several measurements, in which
 * n and 4 n take turns, the shortest time of each counts. */
#include "bench.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TIMES = 3, WIDTH = 16, BATCH = 4, WINDOW = 8, CACHES = 1 << 26 /* bytes: more than they hold */ };

typedef struct {
    ag_graph *graph;
    ag_node *y;
    int n, room;
    ag_node **x; /* what is differentiated by */
} program;

static ag_node *take_leaf(ag_graph *g, ag_shape shape)
{
    int64_t n = 1;
    for (int i = 0; i < shape.rank; i++) n *= shape.dim[i];
    double *values = bench_take(n, sizeof *values);
    bench_fill_f64(values, n, -0.5, 0.5);
    ag_node *x = ag_parameter(g, NULL, AG_F64, shape, values);
    free(values);
    return x;
}

static ag_node *leaf(program *p, ag_shape shape)
{
    if (p->n == p->room) {
        p->room = p->room ? 2 * p->room : 16;
        p->x = realloc(p->x, (size_t)p->room * sizeof *p->x);
        bench_require(p->x ? AG_OK : AG_EMEM, "out of memory");
    }
    return p->x[p->n++] = take_leaf(p->graph, shape);
}

static ag_node *element(ag_node *x, int64_t i) /* of the last axis */
{
    return ag_reshape(ag_slice(x, -1, i, i + 1, 1), AG_SCALAR);
}

/* ---- ways of writing --------------------------------------------------------------------------------------------- */

static void chain(program *p, int n)
{
    ag_node *a = leaf(p, AG_SCALAR), *b = leaf(p, AG_SCALAR);
    p->y = a;
    for (int i = 0; i < n; i++) p->y = ag_add(ag_sin(ag_mul(p->y, a)), b);
}

/* Of n scalar leaves, added and multiplied in pairs. */
static void tree(program *p, int n)
{
    ag_node **level = bench_take(n, sizeof *level);
    for (int i = 0; i < n; i++) level[i] = leaf(p, AG_SCALAR);
    for (int odd = 0; n > 1; n = (n + 1) / 2, odd = !odd) {
        for (int i = 0; i < n / 2; i++)
            level[i] = odd ? ag_add(level[2 * i], level[2 * i + 1]) : ag_sin(ag_mul(level[2 * i], level[2 * i + 1]));
        if (n % 2) level[n / 2] = level[n - 1];
    }
    p->y = level[0];
    free(level);
}

static void recurrence(program *p, int n)
{
    ag_node *w = leaf(p, AG_SHAPE(WIDTH, WIDTH)), *h = leaf(p, AG_SHAPE(BATCH, WIDTH));
    for (int i = 0; i < n; i++) h = ag_tanh(ag_matmul(h, w));
    p->y = ag_sum(h);
}

static void vectors(program *p, int n)
{
    ag_node *a = leaf(p, AG_SHAPE(BATCH * WIDTH)), *h = leaf(p, AG_SHAPE(BATCH * WIDTH));
    for (int i = 0; i < n; i++) h = ag_sub(h, ag_mul(a, ag_sin(h)));
    p->y = ag_sum(h);
}

static void network(program *p, int n)
{
    ag_node *h = leaf(p, AG_SHAPE(BATCH, WIDTH));
    for (int i = 0; i < n; i++)
        h = ag_tanh(ag_add(ag_matmul(h, leaf(p, AG_SHAPE(WIDTH, WIDTH))), leaf(p, AG_SHAPE(WIDTH))));
    p->y = ag_sum(h);
}

static void cond(program *p, int n)
{
    ag_node *a = leaf(p, AG_SCALAR), *in = ag_input(p->graph, NULL, AG_F64, AG_SCALAR);
    ag_node *then = ag_sin(ag_mul(in, in)), *otherwise = ag_exp(ag_neg(in));
    p->y = a;
    for (int i = 0; i < n; i++)
        ag_cond(ag_less(p->y, ag_number(p->graph, 0.5)), 1, &p->y, &in, 1, &then, &otherwise, &p->y);
}

static void scans(program *p, int n)
{
    ag_node *a = leaf(p, AG_SHAPE(WIDTH)), *in = ag_input(p->graph, NULL, AG_F64, AG_SHAPE(WIDTH));
    ag_node *h = a, *next = ag_sin(in);
    const ag_scan_body body = { .length = 3, .states = 1, .initial = &h, .state = &in, .next = &next };
    for (int i = 0; i < n; i++) ag_scan(&body, &h, NULL);
    p->y = ag_sum(h);
}

static void rows(program *p, int n)
{
    ag_node *x = leaf(p, AG_SHAPE(n, WIDTH)), *h = ag_slice(x, 0, 0, 1, 1);
    for (int i = 1; i < n; i++) h = ag_tanh(ag_add(h, ag_slice(x, 0, i, i + 1, 1)));
    p->y = ag_sum(h);
}

static void columns(program *p, int n)
{
    ag_node *x = leaf(p, AG_SHAPE(WIDTH, n)), *h = ag_slice(x, 1, 0, 1, 1);
    for (int i = 1; i < n; i++) h = ag_tanh(ag_add(h, ag_slice(x, 1, i, i + 1, 1)));
    p->y = ag_sum(h);
}

/* Rosenbrock's function of a vector, written element by element. */
static void elements(program *p, int n)
{
    ag_node *x = leaf(p, AG_SHAPE(n)), *one = ag_number(p->graph, 1), *a = element(x, 0);
    p->y = ag_number(p->graph, 0);
    for (int i = 1; i < n; i++) {
        ag_node *b = element(x, i);
        p->y = ag_add(p->y, ag_add(ag_square(ag_sub(b, ag_square(a))), ag_square(ag_sub(one, a))));
        a = b;
    }
}

/* Windows that overlap. */
static void windows(program *p, int n)
{
    ag_node *x = leaf(p, AG_SHAPE(n + WINDOW)), *h = ag_slice(x, 0, 0, WINDOW, 1);
    for (int i = 1; i < n; i++) h = ag_tanh(ag_add(h, ag_slice(x, 0, i, i + WINDOW, 1)));
    p->y = ag_sum(h);
}

/* Every n-th element, forwards and backwards. */
static void strides(program *p, int n)
{
    ag_node *x = leaf(p, AG_SHAPE(WINDOW * n)), *h = ag_slice(x, 0, 0, AG_END, n);
    for (int i = 1; i < n; i++)
        h = ag_tanh(ag_add(h, i % 2 ? ag_slice(x, 0, -i, AG_END, -n) : ag_slice(x, 0, i, AG_END, n)));
    p->y = ag_sum(h);
}

/* Elements of a matrix, row by row. */
static void cells(program *p, int n)
{
    ag_node *x = leaf(p, AG_SHAPE(n / WIDTH, WIDTH)), *h = ag_number(p->graph, 0);
    for (int i = 0; i < n; i++) h = ag_sin(ag_add(h, element(ag_slice(x, 0, i / WIDTH, i / WIDTH + 1, 1), i % WIDTH)));
    p->y = h;
}

/* Rows of a table, looked up one by one. */
static void lookups(program *p, int n)
{
    ag_node *x = leaf(p, AG_SHAPE(n, WIDTH)), *h = ag_number(p->graph, 0);
    for (int64_t i = 0; i < n; i++) {
        int64_t at = i * 7 % n;
        h = ag_tanh(ag_add(h, ag_gather(x, 0, ag_constant(p->graph, AG_I64, AG_SHAPE(1), &at))));
    }
    p->y = ag_sum(h);
}

/* n interactions among as few points as have so many pairs. */
static void pairs(program *p, int n)
{
    int points = (int)((1 + sqrt(1 + 8.0 * n)) / 2);
    for (int i = 0; i < points; i++) leaf(p, AG_SCALAR);
    p->y = ag_number(p->graph, 0);
    for (int i = 0; i < points; i++)
        for (int k = 0; k < i; k++) p->y = ag_add(p->y, ag_sin(ag_mul(p->x[i], p->x[k])));
}

static void parts(program *p, int n)
{
    ag_node **part = bench_take(n, sizeof *part);
    for (int i = 0; i < n; i++) part[i] = ag_sin(leaf(p, AG_SHAPE(2)));
    p->y = ag_sum(ag_square(ag_concat(n, part, 0)));
    free(part);
}

/* Constraints, of which each is differentiated by itself: see derive. */
static void constraints(program *p, int n)
{
    for (int i = 0; i <= n; i++) leaf(p, AG_SCALAR);
}

typedef struct {
    const char *name;
    void (*write)(program *, int n);
    int n;
} way;

static const way ways[] = {
    { "chain", chain, 16000 },
    { "tree", tree, 32000 },
    { "recurrence", recurrence, 4000 },
    { "vectors", vectors, 8000 },
    { "network", network, 4000 },
    { "cond", cond, 2000 },
    { "scans", scans, 2000 },
    { "rows", rows, 4000 },
    { "columns", columns, 4000 },
    { "elements", elements, 12500 },
    { "windows", windows, 8000 },
    { "strides", strides, 4000 },
    { "cells", cells, 16000 },
    { "lookups", lookups, 4000 },
    { "pairs", pairs, 16000 },
    { "parts", parts, 16000 },
    { "constraints", constraints, 16000 },
};

/* ---- measuring --------------------------------------------------------------------------------------------------- */

enum { GRAPH, DERIVATIVE, COMPILE, EVALUATE, STAGES };
static const char *const stage_name[STAGES] = { "graph", "derivative", "compile", "evaluate" };

static int derive_each(const program *p, ag_node *out[])
{
    int n = p->n - 1;
    for (int i = 0; i < n; i++) {
        ag_node *d[2];
        ag_gradient(ag_sin(ag_mul(p->x[i], p->x[i + 1])), 2, p->x + i, d);
        out[i] = ag_mul(d[0], d[1]);
    }
    return n;
}

static void derive(const program *p, int second, ag_node *const v[], ag_node *out[])
{
    ag_gradient(p->y, p->n, p->x, out);
    if (second) ag_vjp(p->n, out, v, p->n, p->x, out);
}

static void empty_caches(void)
{
    static unsigned char *memory;
    if (!memory) memory = bench_take(CACHES, 1);
    for (int i = 0; i < CACHES; i += 64) memory[i]++;
}

/* A stage begins; it has ended: the best of its times is kept. */
static double start_stage(void)
{
    empty_caches();
    return bench_now();
}

static void end_stage(double start, double *best)
{
    *best = fmin(*best, bench_now() - start);
}

/* Seconds by stage, the best of several. */
static void measure(const way *w, int n, int second, double best[STAGES])
{
    program p = { .graph = ag_graph_new(NULL) };
    double start = start_stage();
    w->write(&p, n);
    end_stage(start, &best[GRAPH]);
    ag_node **out = bench_take(p.n, sizeof *out), **v = bench_take(p.n, sizeof *v);
    for (int i = 0; i < p.n && second; i++) v[i] = take_leaf(p.graph, ag_shape_of(p.x[i]));
    int outputs = p.n;
    start = start_stage();
    if (w->write == constraints) outputs = derive_each(&p, out);
    else derive(&p, second, v, out);
    end_stage(start, &best[DERIVATIVE]);
    bench_require(ag_graph_status(p.graph), ag_graph_error(p.graph));
    start = start_stage();
    ag_plan *plan = bench_compile(p.graph, outputs, out);
    end_stage(start, &best[COMPILE]);
    ag_run *r = ag_run_new(plan);
    bench_eval(r);
    for (int k = 0; k < TIMES; k++) {
        start = start_stage();
        bench_eval(r);
        end_stage(start, &best[EVALUATE]);
    }
    ag_run_free(r), ag_plan_free(plan), ag_graph_free(p.graph);
    free(p.x), free(out), free(v);
}

/* Of n and of 4 n, by stage, which the processes write. */
static double *shared_times(void)
{
    static double *times;
    if (!times) {
        void *p = mmap(NULL, 2 * STAGES * sizeof *times, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        bench_require(p == MAP_FAILED ? AG_EMEM : AG_OK, "out of memory");
        times = p;
    }
    return times;
}

static void measure_apart(const way *w, int n, int second, double best[STAGES])
{
    pid_t child = fork();
    if (!child) {
        measure(w, n, second, best);
        _exit(0);
    }
    int status = 1;
    bench_require(child > 0 && waitpid(child, &status, 0) == child && !status ? AG_OK : AG_EMEM, "no measurement");
}

static double compare(const char *name, const way *w, int second)
{
    double worst = 0, *few = shared_times(), *many = few + STAGES;
    for (int s = 0; s < 2 * STAGES; s++) few[s] = INFINITY;
    for (int k = 0; k < TIMES; k++) {
        measure_apart(w, w->n, second, few);
        measure_apart(w, 4 * w->n, second, many);
    }
    printf("%s %s %s n=%d", name, w->name, second ? "second" : "gradient", w->n);
    for (int s = 0; s < STAGES; s++) {
        printf(" %s=%.4g ms x%.1f", stage_name[s], 1e3 * few[s], many[s] / few[s]);
        worst = fmax(worst, many[s] / few[s]);
    }
    printf("\n");
    fflush(stdout);
    return worst;
}

/* GROWTH=rows: this way of writing alone. */
void bench_growth(const char *name)
{
    const char *only = getenv("GROWTH");
    double worst = 0;
    for (const way *w = ways; w < ways + sizeof ways / sizeof *ways; w++) {
        if (only && strcmp(only, w->name) != 0) continue;
        for (int second = 0; second < 2; second++)
            if (!second || w->write != constraints) worst = fmax(worst, compare(name, w, second));
    }
    printf("%s worst ratio x%.1f\n", name, worst);
}
