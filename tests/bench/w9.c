/* W9: a graph of scalars in f64, a third each of multiplications, sines and additions: s[i+1] = s[i-1] + x[k] sin(s[i])
 * with k going round. Such steps preserve area when the signs of x alternate, so neither the values nor the derivatives
 * of a long chain grow or vanish. Wide: eight such chains take turns and are added up. The limit is the loop
 * that somebody who sees the structure writes, forward and in reverse: no tape. */
#include "bench.h"

#include <stdlib.h>
#include <string.h>

enum { INPUTS = 8, CHAINS = 8, LEAVES = INPUTS + 2, BUILDS = 5, PART = 512 /* steps whose cosines are vectors */ };
static const double leaf_value[LEAVES] = { 0.20, -0.18, 0.16, -0.20, 0.14, -0.16, 0.18, -0.14, 0.9, 0.7 };

/* ---- the loop ---------------------------------------------------------------------------------------------------- */

/* <math.h> has functions of vectors under -ffast-math only, so the declarations are ours. */
#if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__) && defined(__GLIBC__)
#define VECTOR __attribute__((simd("notinbranch"), const))
#else
#define VECTOR __attribute__((const))
#endif
extern double sin(double) VECTOR;
extern double cos(double) VECTOR;

/* State `chains + i` is where step i begins, and gives with state i the state `2 chains + i`. */
typedef struct {
    int64_t steps;
    int chains;
    double *state, *sine, *cosine, *adjoint; /* by state; by step; of a part's steps; by state */
    uint8_t *factor;                         /* by step */
    double value, gradient[INPUTS];
    ag_run *run; /* ours */
} loop;

/* The inputs go round along each chain, which begin with different ones. */
static int64_t factor_of(int64_t step, int chains)
{
    return (step / chains + step % chains) % INPUTS;
}

static loop make_loop(int64_t steps, int chains)
{
    int64_t states = steps + 2 * chains;
    loop w = { .steps = steps, .chains = chains };
    w.state = bench_take(states, sizeof(double));
    w.adjoint = bench_take(states, sizeof(double));
    w.sine = bench_take(steps, sizeof(double));
    w.cosine = bench_take(PART, sizeof(double));
    w.factor = bench_take(steps, 1);
    for (int64_t i = 0; i < steps; i++) w.factor[i] = (uint8_t)factor_of(i, chains);
    for (int c = 0; c < 2 * chains; c++) w.state[c] = leaf_value[INPUTS + c / chains];
    return w;
}

static void free_loop(loop *w)
{
    free(w->state), free(w->sine), free(w->cosine), free(w->adjoint), free(w->factor);
}

/* So many steps, none of which waits for another. */
BENCH_INLINE void go_forward(const loop *w, int64_t first, int n, int chains)
{
    const double *at = w->state + chains + first, *before = w->state + first;
    double *after = w->state + 2 * chains + first, *sine = w->sine + first;
#pragma omp simd
    for (int c = 0; c < n; c++) sine[c] = sin(at[c]);
    for (int c = 0; c < n; c++) after[c] = before[c] + leaf_value[w->factor[first + c]] * sine[c];
}

BENCH_INLINE void go_back(loop *w, int64_t first, int64_t end, int chains)
{
    const double *at = w->state + chains;
#pragma omp simd
    for (int64_t i = first; i < end; i++) w->cosine[i - first] = cos(at[i]);
    for (int64_t i = end; i-- > first;) {
        double d = w->adjoint[2 * chains + i];
        w->gradient[w->factor[i]] += d * w->sine[i];
        w->adjoint[chains + i] += d * leaf_value[w->factor[i]] * w->cosine[i - first];
        w->adjoint[i] += d;
    }
}

BENCH_INLINE void run_chains(loop *w, int chains)
{
    int64_t steps = w->steps;
    double *last = w->state + steps + chains;
    for (int64_t i = 0; i + chains <= steps; i += chains) go_forward(w, i, chains, chains);
    go_forward(w, steps - steps % chains, (int)(steps % chains), chains);
    w->value = 0;
    for (int c = 0; c < chains; c++) w->value += last[c];
    for (int k = 0; k < INPUTS; k++) w->gradient[k] = 0;
    memset(w->adjoint, 0, (size_t)(steps + 2 * chains) * sizeof *w->adjoint);
    for (int c = 0; c < chains; c++) w->adjoint[steps + chains + c] = 1;
    for (int64_t end = steps; end > 0; end -= PART) go_back(w, end > PART ? end - PART : 0, end, chains);
}

BENCH_INLINE void limit(void *context)
{
    loop *w = context;
    if (w->chains == 1) run_chains(w, 1);
    else run_chains(w, CHAINS);
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

/* held: where to count bytes; NULL: memory is the library's own allocator's, as it is for times. */
static graph make(int64_t steps, int chains, int intern, size_t *held)
{
    const ag_allocator counting = { counted_allocate, counted_release, held };
    graph m = { .graph = ag_graph_new(held ? &counting : NULL) };
    double start = bench_now();
    build(&m, steps, chains, intern);
    double built = bench_now();
    bench_require(ag_gradient(m.y, INPUTS, m.leaf, m.gradient), ag_graph_error(m.graph));
    double differentiated = bench_now();
    ag_node *outputs[INPUTS + 1] = { m.y };
    memcpy(outputs + 1, m.gradient, sizeof m.gradient);
    size_t before = held ? *held : 0;
    double asked = bench_wall(); /* the compiler of C is another process */
    m.plan = bench_compile(m.graph, INPUTS + 1, outputs);
    double compiled = bench_wall();
    m.run = ag_run_new(m.plan);
    m.bytes = held ? *held - before : 0;
    for (int k = 0; k < LEAVES; k++) bench_require(ag_feed(m.run, m.leaf[k], &leaf_value[k]), ag_run_error(m.run));
    m.build = built - start;
    m.differentiate = differentiated - built;
    m.compile = compiled - asked;
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
    bench_eval(((loop *)context)->run);
}

/* ---- both -------------------------------------------------------------------------------------------------------- */

static void check(const graph *m, const loop *w)
{
    double y = ag_item(m->run, m->y), gradient[INPUTS];
    for (int k = 0; k < INPUTS; k++) gradient[k] = ag_item(m->run, m->gradient[k]);
    bench_agree_f64("W9 value", 1, &y, &w->value, 1e-6);
    bench_agree_f64("W9 gradient", INPUTS, gradient, w->gradient, 1e-6);
}

/* Times in nanoseconds a node of the graph that is differentiated. */
static void compare(const char *name, int64_t steps, int chains)
{
    size_t held = 0;
    double nodes = 3 * (double)steps, ns = 1e9 / nodes;
    double plain[BUILDS], interned[BUILDS], differentiate[BUILDS], compile[BUILDS];
    for (int k = 0; k < BUILDS; k++) {
        graph m = make(steps, chains, 1, NULL);
        interned[k] = m.build;
        dispose(&m);
        m = make(steps, chains, 0, NULL);
        plain[k] = m.build;
        differentiate[k] = m.differentiate;
        compile[k] = m.compile;
        dispose(&m);
    }
    graph m = make(steps, chains, 0, &held);
    loop w = make_loop(steps, chains);
    w.run = m.run;
    ours(&w);
    limit_best()(&w);
    check(&m, &w);
    bench_print(name, "ns", ns, bench_compare(ours, limit_best(), &w));
    printf(" build=%.3g interned=%.3g gradient=%.3g compile=%.3g bytes=%.4g\n", bench_median(BUILDS, plain) * ns,
           bench_median(BUILDS, interned) * ns, bench_median(BUILDS, differentiate) * ns,
           bench_median(BUILDS, compile) * ns, (double)m.bytes / nodes);
    dispose(&m);
    free_loop(&w);
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
