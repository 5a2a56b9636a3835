#include "bench.h"

#include "base/base.h"

#include <cblas.h>
#include <math.h>
#include <stdlib.h>
#include <time.h>

enum { PAIRS = 21 };
static const double BLOCK_SECONDS = 0.01;

/* ---- measuring --------------------------------------------------------------------------------------------------- */

/* Processor time: on a busy machine it leaves out what others take, and several threads could not hide in it. */
double bench_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

double bench_wall(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double bench_median(int n, double values[])
{
    qsort(values, (size_t)n, sizeof *values, ascending);
    return (values[(n - 1) / 2] + values[n / 2]) / 2;
}

static double block(bench_work *work, void *context, long calls)
{
    double start = bench_now();
    for (long k = 0; k < calls; k++) work(context);
    return (bench_now() - start) / (double)calls;
}

/* Warms up, and finds how many calls a block takes. */
static long calls_of_block(bench_work *work, void *context)
{
    long calls = 1;
    double seconds = block(work, context, calls);
    while (seconds * (double)calls < BLOCK_SECONDS / 2) seconds = block(work, context, calls *= 2);
    calls = (long)(BLOCK_SECONDS / block(work, context, calls)) + 1;
    return calls;
}

bench_times bench_compare(bench_work *ours, bench_work *limit, void *context)
{
    double of_ours[PAIRS], of_limit[PAIRS], ratio[PAIRS];
    long calls_ours = calls_of_block(ours, context), calls_limit = calls_of_block(limit, context);
    for (int k = 0; k < PAIRS; k++) {
        if (k % 2) of_limit[k] = block(limit, context, calls_limit);
        of_ours[k] = block(ours, context, calls_ours);
        if (k % 2 == 0) of_limit[k] = block(limit, context, calls_limit);
        ratio[k] = of_ours[k] / of_limit[k];
    }
    return (bench_times){ bench_median(PAIRS, of_ours), bench_median(PAIRS, of_limit), bench_median(PAIRS, ratio) };
}

int bench_native;
static double compiled; /* seconds that the last compilation took, the compiler of C included */

void bench_print(const char *name, const char *unit, double scale, bench_times t)
{
    printf("%s %s ours=%.4g limit=%.4g ratio=%.3g", name, unit, t.ours * scale, t.limit * scale, t.ratio);
    if (bench_native) printf(" compiled_s=%.2f", compiled);
}

/* ---- limits ------------------------------------------------------------------------------------------------------ */

int bench_isa(void)
{
    const char *asked = getenv("AG_ISA");
    const int best = agi_best_isa(), isa = asked ? atoi(asked) : best;
    return isa >= 1 && isa < best ? isa : best;
}

bench_work *bench_choose(bench_work *v1, bench_work *v3, bench_work *v4)
{
    const int isa = bench_isa();
    return isa == 3 ? v4 : isa == 2 ? v3 : v1;
}

/* ---- what workloads are made of ---------------------------------------------------------------------------------- */

void bench_require(ag_status status, const char *message)
{
    if (!status) return;
    fprintf(stderr, "bench: %s\n", message);
    exit(1);
}

ag_plan *bench_compile(ag_graph *g, int n, ag_node *const outputs[])
{
    double start = bench_wall();
    ag_plan *p = ag_compile(g, n, outputs, &(ag_options){ .native = bench_native, .isa = bench_isa() });
    compiled = bench_wall() - start;
    bench_require(p ? AG_OK : AG_EARG, ag_graph_error(g));
    return p;
}

void bench_eval(ag_run *r)
{
    bench_require(ag_eval(r), ag_run_error(r));
}

void *bench_take(int64_t n, size_t size)
{
    void *memory = aligned_alloc(64, ((size_t)n * size + 63) / 64 * 64);
    bench_require(memory ? AG_OK : AG_EMEM, "out of memory");
    return memory;
}

static double uniform(void)
{
    static uint64_t state = 88172645463325252u; /* Marsaglia's xorshift */
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (double)(state >> 11) * 0x1p-53;
}

void bench_fill_f32(float *x, int64_t n, double low, double high)
{
    for (int64_t i = 0; i < n; i++) x[i] = (float)(low + (high - low) * uniform());
}

void bench_fill_f64(double *x, int64_t n, double low, double high)
{
    for (int64_t i = 0; i < n; i++) x[i] = low + (high - low) * uniform();
}

void bench_labels(int64_t *x, int64_t n, int classes)
{
    for (int64_t i = 0; i < n; i++) x[i] = (int64_t)(uniform() * classes);
}

static int agree(const char *what, int64_t i, double ours, double limit, double tolerance)
{
    if (fabs(ours - limit) <= tolerance * fmax(1, fabs(limit))) return 1;
    fprintf(stderr, "bench: %s[%lld] disagrees: ours %.17g, limit %.17g\n", what, (long long)i, ours, limit);
    return 0;
}

void bench_agree_f32(const char *what, int64_t n, const float *ours, const float *limit, double tolerance)
{
    for (int64_t i = 0; i < n; i++)
        if (!agree(what, i, ours[i], limit[i], tolerance)) exit(1);
}

void bench_agree_f64(const char *what, int64_t n, const double *ours, const double *limit, double tolerance)
{
    for (int64_t i = 0; i < n; i++)
        if (!agree(what, i, ours[i], limit[i], tolerance)) exit(1);
}

void bench_multiply(int rows, int columns, int inner, float alpha, const float *a, int a_transposed, const float *b,
                    int b_transposed, float beta, float *out)
{
    cblas_sgemm(CblasRowMajor, a_transposed ? CblasTrans : CblasNoTrans, b_transposed ? CblasTrans : CblasNoTrans, rows,
                columns, inner, alpha, a, a_transposed ? rows : inner, b, b_transposed ? inner : columns, beta, out,
                columns);
}
