/* W9: a graph of scalars in f64, a third each of multiplications, sines and additions: s[i+1] = s[i-1] + x[k] sin(s[i])
 * with k going round. Such steps preserve area when the signs of x alternate, so neither the values nor the derivatives
 * of a long chain grow or vanish. Wide: eight such chains take turns and are added up. The limit is a tape written by
 * hand, interpreted forward and in reverse. */
#include "bench.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { INPUTS = 8, CHAINS = 8, LEAVES = INPUTS + 2, BUILDS = 5 };
static const double leaf_value[LEAVES] = { 0.20, -0.18, 0.16, -0.20, 0.14, -0.16, 0.18, -0.14, 0.9, 0.7 };

/* ---- the tape ---------------------------------------------------------------------------------------------------- */

typedef enum { MUL, SIN, ADD } tape_op;

typedef struct {
    int64_t n;
    uint8_t *op;
    uint32_t *a, *b;
    double *value, *adjoint;
    ag_run *run; /* ours */
} tape;

static uint32_t record(tape *t, tape_op op, uint32_t a, uint32_t b)
{
    t->op[t->n] = (uint8_t)op;
    t->a[t->n] = a;
    t->b[t->n] = b;
    return (uint32_t)t->n++;
}

/* The inputs go round along each chain, which begin with different ones. */
static int64_t factor_of(int64_t step, int chains)
{
    return (step / chains + step % chains) % INPUTS;
}

static tape make_tape(int64_t steps, int chains)
{
    int64_t n = LEAVES + 3 * steps + chains;
    tape t = { LEAVES, bench_take(n, 1), bench_take(n, sizeof(uint32_t)), bench_take(n, sizeof(uint32_t)),
               bench_take(n, sizeof(double)), bench_take(n, sizeof(double)), NULL };
    uint32_t before[CHAINS], s[CHAINS];
    memcpy(t.value, leaf_value, sizeof leaf_value);
    for (int c = 0; c < chains; c++) before[c] = INPUTS, s[c] = INPUTS + 1;
    for (int64_t i = 0; i < steps; i++) {
        int c = (int)(i % chains);
        uint32_t kick = record(&t, MUL, (uint32_t)factor_of(i, chains), record(&t, SIN, s[c], s[c]));
        uint32_t next = record(&t, ADD, before[c], kick);
        before[c] = s[c];
        s[c] = next;
    }
    for (int c = 1; c < chains; c++) s[0] = record(&t, ADD, s[0], s[c]);
    return t;
}

static void free_tape(tape *t)
{
    free(t->op), free(t->a), free(t->b), free(t->value), free(t->adjoint);
}

BENCH_INLINE void limit(void *context)
{
    const tape *t = context;
    const uint8_t *op = t->op;
    const uint32_t *a = t->a, *b = t->b;
    double *v = t->value, *d = t->adjoint;
    for (int64_t i = LEAVES; i < t->n; i++) {
        switch ((tape_op)op[i]) {
        case MUL: v[i] = v[a[i]] * v[b[i]]; break;
        case SIN: v[i] = sin(v[a[i]]); break;
        case ADD: v[i] = v[a[i]] + v[b[i]]; break;
        }
    }
    memset(d, 0, (size_t)t->n * sizeof *d);
    d[t->n - 1] = 1;
    for (int64_t i = t->n; i-- > LEAVES;) {
        double g = d[i];
        switch ((tape_op)op[i]) {
        case MUL: d[a[i]] += g * v[b[i]], d[b[i]] += g * v[a[i]]; break;
        case SIN: d[a[i]] += g * cos(v[a[i]]); break;
        case ADD: d[a[i]] += g, d[b[i]] += g; break;
        }
    }
}
BENCH_VARIANTS(limit)

/* ---- ours -------------------------------------------------------------------------------------------------------- */

typedef struct {
    ag_graph *graph;
    ag_node *leaf[LEAVES], *y, *gradient[INPUTS];
    ag_plan *plan;
    ag_run *run;
    double build, differentiate, compile; /* seconds */
    size_t bytes;                         /* of plan and run */
} graph;

/* An allocator that counts the bytes it has given out. */
enum { HEADER = 16 };

static void *counted_allocate(void *total, size_t bytes)
{
    char *memory = malloc(HEADER + bytes);
    if (!memory) return NULL;
    memcpy(memory, &bytes, sizeof bytes);
    *(size_t *)total += bytes;
    return memory + HEADER;
}

static void counted_release(void *total, void *memory)
{
    size_t bytes;
    if (!memory) return;
    memcpy(&bytes, (char *)memory - HEADER, sizeof bytes);
    *(size_t *)total -= bytes;
    free((char *)memory - HEADER);
}

static void build(graph *m, int64_t steps, int chains, int intern)
{
    ag_graph *g = m->graph;
    ag_graph_intern(g, intern);
    for (int k = 0; k < LEAVES; k++) m->leaf[k] = ag_input(g, NULL, AG_F64, AG_SCALAR);
    ag_node *before[CHAINS], *s[CHAINS];
    for (int c = 0; c < chains; c++) before[c] = m->leaf[INPUTS], s[c] = m->leaf[INPUTS + 1];
    for (int64_t i = 0; i < steps; i++) {
        int c = (int)(i % chains);
        ag_node *next = ag_add(before[c], ag_mul(m->leaf[factor_of(i, chains)], ag_sin(s[c])));
        before[c] = s[c];
        s[c] = next;
    }
    for (int c = 1; c < chains; c++) s[0] = ag_add(s[0], s[c]);
    m->y = s[0];
}

static graph make(int64_t steps, int chains, int intern, size_t *held)
{
    graph m = { .graph = ag_graph_new(&(ag_allocator){ counted_allocate, counted_release, held }) };
    double start = bench_now();
    build(&m, steps, chains, intern);
    double built = bench_now();
    bench_require(ag_gradient(m.y, INPUTS, m.leaf, m.gradient), ag_graph_error(m.graph));
    double differentiated = bench_now();
    ag_node *outputs[INPUTS + 1] = { m.y };
    memcpy(outputs + 1, m.gradient, sizeof m.gradient);
    size_t before = *held;
    m.plan = bench_compile(m.graph, INPUTS + 1, outputs);
    double compiled = bench_now();
    m.run = ag_run_new(m.plan);
    m.bytes = *held - before;
    for (int k = 0; k < LEAVES; k++) bench_require(ag_feed(m.run, m.leaf[k], &leaf_value[k]), ag_run_error(m.run));
    m.build = built - start;
    m.differentiate = differentiated - built;
    m.compile = compiled - differentiated;
    return m;
}

static void dispose(graph *m)
{
    ag_run_free(m->run);
    ag_plan_free(m->plan);
    ag_graph_free(m->graph);
}

static void ours(void *context)
{
    bench_eval(((tape *)context)->run);
}

/* ---- both -------------------------------------------------------------------------------------------------------- */

static void check(const graph *m, const tape *t)
{
    double y = ag_item(m->run, m->y), gradient[INPUTS];
    for (int k = 0; k < INPUTS; k++) gradient[k] = ag_item(m->run, m->gradient[k]);
    bench_agree_f64("W9 value", 1, &y, &t->value[t->n - 1], 1e-6);
    bench_agree_f64("W9 gradient", INPUTS, gradient, t->adjoint, 1e-6);
}

/* Times in nanoseconds a node of the graph that is differentiated. */
static void compare(const char *name, int64_t steps, int chains)
{
    size_t held = 0;
    double nodes = 3 * (double)steps, ns = 1e9 / nodes;
    double plain[BUILDS], interned[BUILDS], differentiate[BUILDS], compile[BUILDS];
    for (int k = 0; k < BUILDS; k++) {
        graph m = make(steps, chains, 1, &held);
        interned[k] = m.build;
        dispose(&m);
        m = make(steps, chains, 0, &held);
        plain[k] = m.build;
        differentiate[k] = m.differentiate;
        compile[k] = m.compile;
        dispose(&m);
    }
    graph m = make(steps, chains, 0, &held);
    tape t = make_tape(steps, chains);
    t.run = m.run;
    ours(&t);
    limit_best()(&t);
    check(&m, &t);
    bench_print(name, "ns", ns, bench_compare(ours, limit_best(), &t));
    printf(" build=%.3g interned=%.3g gradient=%.3g compile=%.3g bytes=%.4g\n", bench_median(BUILDS, plain) * ns,
           bench_median(BUILDS, interned) * ns, bench_median(BUILDS, differentiate) * ns,
           bench_median(BUILDS, compile) * ns, (double)m.bytes / nodes);
    dispose(&m);
    free_tape(&t);
}

void bench_w9(const char *name)
{
    compare(name, 333333, 1);
}

void bench_w9small(const char *name)
{
    compare(name, 333, 1);
}

void bench_w9wide(const char *name)
{
    compare(name, 333, CHAINS);
}
