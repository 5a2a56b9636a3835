/* W6: y = sigmoid(a x + b) tanh(c x) + exp(-x^2), loss = mean(y^2), and the gradients of x, a, b and c, all f32 vectors
 * of length n in the caller's memory. The limit is one loop for all of it, whose results, where they are larger than
 * the cache, go past it. */
#include "bench.h"
#include "vector.h"

#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __x86_64__
#include <xmmintrin.h>
#endif

extern float expf(float) BENCH_VECTOR;
extern float tanhf(float) BENCH_VECTOR;

enum { VECTORS = 4, CHUNK = 1024 /* elements summed in f32 */, CACHED = 1 << 18 /* of a vector that stays there */ };

typedef struct {
    int64_t n;
    float *in[VECTORS], *ours[VECTORS], *limit[VECTORS]; /* x, a, b, c; their gradients */
    double loss;
    ag_graph *graph;
    ag_plan *plan;
    ag_run *run;
    ag_node *mean;
} chain;

BENCH_INLINE float sigmoid(float x)
{
    return 1 / (1 + expf(-x));
}

/* Elements from `start` to `end`; the gradients of `start` go to where these point. */
BENCH_INLINE float compute(const chain *w, int64_t start, int64_t end, float *const gradient[VECTORS])
{
    const float *restrict vx = w->in[0], *restrict va = w->in[1], *restrict vb = w->in[2], *restrict vc = w->in[3];
    float *restrict gx = gradient[0], *restrict ga = gradient[1];
    float *restrict gb = gradient[2], *restrict gc = gradient[3];
    float scale = 2 / (float)w->n, sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int64_t i = start; i < end; i++) {
        float x = vx[i], a = va[i], c = vc[i];
        float s = sigmoid(a * x + vb[i]), t = tanhf(c * x), e = expf(-x * x);
        float y = s * t + e, d = scale * y;
        float ds = d * t * s * (1 - s), dt = d * s * (1 - t * t);
        sum += y * y;
        gx[i - start] = ds * a + dt * c - 2 * d * e * x;
        ga[i - start] = ds * x;
        gb[i - start] = ds;
        gc[i - start] = dt * x;
    }
    return sum;
}

/* To memory, past the cache: its lines need not be read first. */
BENCH_INLINE void stream(float *to, const float *from, int64_t n)
{
    int64_t i = 0;
#ifdef __x86_64__
    for (; i + 4 <= n; i += 4) _mm_stream_ps(to + i, _mm_load_ps(from + i));
#endif
    for (; i < n; i++) to[i] = from[i];
}

BENCH_INLINE void limit(void *context)
{
    chain *w = context;
    _Alignas(64) float near[VECTORS][CHUNK];
    double total = 0;
    for (int64_t start = 0; start < w->n; start += CHUNK) {
        int64_t end = start + CHUNK < w->n ? start + CHUNK : w->n;
        float *gradient[VECTORS];
        for (int k = 0; k < VECTORS; k++) gradient[k] = w->n > CACHED ? near[k] : w->limit[k] + start;
        total += compute(w, start, end, gradient);
        for (int k = 0; k < VECTORS && w->n > CACHED; k++) stream(w->limit[k] + start, near[k], end - start);
    }
    w->loss = total / (double)w->n;
}
BENCH_VARIANTS(limit)

static void ours(void *context)
{
    bench_eval(((chain *)context)->run);
}

static chain make(int64_t n)
{
    chain w = { .n = n, .graph = ag_graph_new(NULL) };
    ag_node *in[VECTORS], *out[VECTORS + 1];
    for (int k = 0; k < VECTORS; k++) {
        w.in[k] = bench_take(n, sizeof(float));
        w.ours[k] = bench_take(n, sizeof(float));
        bench_fill_f32(w.in[k], n, -0.5, 0.5);
        in[k] = ag_input(w.graph, NULL, AG_F32, AG_SHAPE(n));
    }
    ag_node *x = in[0], *a = in[1], *b = in[2], *c = in[3];
    ag_node *product = ag_mul(ag_sigmoid(ag_add(ag_mul(a, x), b)), ag_tanh(ag_mul(c, x)));
    ag_node *y = ag_add(product, ag_exp(ag_neg(ag_square(x))));
    w.mean = out[VECTORS] = ag_mean(ag_square(y));
    bench_require(ag_gradient(w.mean, VECTORS, in, out), ag_graph_error(w.graph));
    w.plan = bench_compile(w.graph, VECTORS + 1, out);
    w.run = ag_run_new(w.plan);
    for (int k = 0; k < VECTORS; k++) {
        bench_require(ag_bind(w.run, in[k], w.in[k]), ag_run_error(w.run));
        bench_require(ag_bind(w.run, out[k], w.ours[k]), ag_run_error(w.run));
    }
    return w;
}

static void dispose(chain *w)
{
    for (int k = 0; k < VECTORS; k++) free(w->in[k]), free(w->ours[k]), free(w->limit[k]);
    ag_run_free(w->run);
    ag_plan_free(w->plan);
    ag_graph_free(w->graph);
}

/* Peak resident memory, in MB of 10^6 bytes, of a process that does ours and nothing else. */
static double peak_memory(int64_t n)
{
    int channel[2];
    double megabytes = 0;
    pid_t child = pipe(channel) ? -1 : fork();
    if (child == 0) {
        struct rusage used;
        chain w = make(n);
        for (int k = 0; k < 3; k++) ours(&w);
        getrusage(RUSAGE_SELF, &used);
        megabytes = (double)used.ru_maxrss * 1024 / 1e6;
        _exit(write(channel[1], &megabytes, sizeof megabytes) != sizeof megabytes);
    }
    if (child < 0 || read(channel[0], &megabytes, sizeof megabytes) != sizeof megabytes) perror("bench");
    waitpid(child, NULL, 0);
    close(channel[0]);
    close(channel[1]);
    return megabytes;
}

static void compare(const char *name, const char *unit, double scale, int64_t n)
{
    static const char *const what[VECTORS] = { "W6 dx", "W6 da", "W6 db", "W6 dc" };
    chain w = make(n);
    for (int k = 0; k < VECTORS; k++) w.limit[k] = bench_take(n, sizeof(float));
    ours(&w);
    limit_best()(&w);
    double loss = ag_item(w.run, w.mean);
    bench_agree_f64("W6 loss", 1, &loss, &w.loss, 1e-5);
    for (int k = 0; k < VECTORS; k++) bench_agree_f32(what[k], n, w.ours[k], w.limit[k], 1e-6 / (double)n);
    bench_print(name, unit, scale, bench_compare(ours, limit_best(), &w));
    dispose(&w);
}

void bench_w6(const char *name)
{
    enum { N = 10000000 };
    double peak = peak_memory(N);
    compare(name, "ms", 1e3, N);
    printf(" peak_MB=%.4g\n", peak);
}

void bench_w6s(const char *name)
{
    compare(name, "us", 1e6, 1000);
    printf("\n");
}
