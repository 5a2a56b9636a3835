/* Matrix products of networks' shapes by the library's kernels, each beside OpenBLAS's for the same instruction set:
 * GFLOP/s, and what part that is of the multiply-adds that the processor makes when nothing is in their way. */
#include "bench.h"

#include "dense/convolve.h"

#include <cblas.h>
#include <math.h>
#include <stdlib.h>

typedef struct {
    int rows, columns, inner;
    const char *how; /* is a, is b a transpose? */
} shape;

static const shape shapes[] = {
    { 64, 128, 784, "nn" }, { 64, 128, 784, "nt" }, { 784, 128, 64, "tn" }, { 64, 10, 128, "nn" },
    { 64, 10, 128, "nt" }, { 128, 10, 64, "tn" }, { 64, 128, 10, "nt" }, { 256, 1024, 1024, "nn" },
    { 256, 1024, 1024, "nt" }, { 1024, 1024, 256, "tn" }, { 32, 512, 128, "nn" }, { 32, 512, 128, "nt" },
    { 32, 128, 512, "nn" }, { 32, 128, 512, "nt" }, { 128, 512, 32, "tn" }, { 2048, 512, 64, "nn" },
    { 64, 512, 2048, "tn" }, { 512, 768, 256, "nn" }, { 512, 768, 256, "nt" }, { 256, 768, 512, "tn" },
    { 512, 1024, 256, "nn" }, { 512, 256, 1024, "nn" }, { 512, 256, 1024, "nt" }, { 1024, 256, 512, "tn" },
    { 128, 128, 64, "nn" }, { 128, 128, 64, "nt" }, { 128, 64, 128, "nn" }, { 128, 64, 128, "tn" },
    { 64, 768, 768, "nn" }, { 64, 3072, 768, "nt" }, { 64, 3072, 768, "nn" }, { 256, 3072, 768, "nn" },
    { 256, 768, 3072, "nt" }, { 3072, 768, 256, "tn" }, { 64, 50257, 768, "nt" }, { 8, 768, 768, "nt" },
    { 8, 768, 768, "nn" }, { 16, 768, 768, "nt" }, { 1, 768, 768, "nn" }, { 1, 768, 768, "nt" },
    { 1000, 64, 64, "nn" }, { 64, 64, 1000, "tn" }, { 4, 4, 4, "nn" }, { 8, 8, 8, "nn" }, { 8, 8, 8, "nt" },
    { 16, 16, 16, "nn" }, { 16, 16, 16, "nt" }, { 32, 32, 32, "nn" }, { 32, 32, 32, "nt" }, { 32, 32, 32, "tn" },
    { 64, 64, 64, "nn" }, { 64, 64, 64, "nt" }, { 128, 128, 128, "nn" }, { 512, 512, 512, "nn" },
    { 1024, 1024, 1024, "nn" }, { 1024, 1024, 1024, "nt" },
};
enum { SHAPES = sizeof shapes / sizeof *shapes };

typedef struct {
    int wide, isa, a_turned, b_turned;
    const agi_dense *dense;
    agi_product_of p;
    void *by_blas;
} contest;

static void ours(void *context)
{
    static const int64_t none[3] = { 0 };
    const contest *c = context;
    c->dense->multiply(&c->p, 1, none);
}

static void theirs(void *context)
{
    const contest *c = context;
    const agi_product_of *p = &c->p;
    const int m = (int)p->rows, n = (int)p->columns, k = (int)p->inner;
    const enum CBLAS_TRANSPOSE a = c->a_turned ? CblasTrans : CblasNoTrans, b = c->b_turned ? CblasTrans : CblasNoTrans;
    if (c->wide)
        cblas_dgemm(CblasRowMajor, a, b, m, n, k, 1, p->a, c->a_turned ? m : k, p->b, c->b_turned ? k : n, 0,
                    c->by_blas, n);
    else
        cblas_sgemm(CblasRowMajor, a, b, m, n, k, 1, p->a, c->a_turned ? m : k, p->b, c->b_turned ? k : n, 0,
                    c->by_blas, n);
}

static void *numbers(int wide, int64_t n)
{
    void *x = bench_take(n, wide ? 8 : 4);
    if (wide) bench_fill_f64(x, n, -1, 1);
    else bench_fill_f32(x, n, -1, 1);
    return x;
}

static void agree(const contest *c, int64_t n)
{
    const double most = (c->wide ? 1e-15 : 1e-6) * (double)c->p.inner;
    if (c->wide) bench_agree_f64("products", n, c->p.out, c->by_blas, most);
    else bench_agree_f32("products", n, c->p.out, c->by_blas, most);
}

/* How much faster than OpenBLAS. */
static double run(const char *name, const shape *s, int wide, int isa, double peak)
{
    const int64_t m = s->rows, n = s->columns, k = s->inner;
    contest c = { .wide = wide, .isa = isa, .a_turned = s->how[0] == 't', .b_turned = s->how[1] == 't',
                  .dense = agi_dense_of(isa, wide), .by_blas = numbers(wide, m * n) };
    c.p = (agi_product_of){ .a = numbers(wide, m * k), .b = numbers(wide, k * n), .out = numbers(wide, m * n),
                            .rows = m, .columns = n, .inner = k, .out_row = n, .alpha = 1,
                            .a_row = c.a_turned ? 1 : k, .a_column = c.a_turned ? m : 1,
                            .b_row = c.b_turned ? 1 : n, .b_column = c.b_turned ? k : 1 };
    c.p.reading = agi_choose_reading(isa, wide, &c.p);
    c.p.work = bench_take(agi_product_work(isa, wide, &c.p) + 1, 1);
    ours(&c);
    theirs(&c);
    agree(&c, m * n);
    const bench_times t = bench_compare(ours, theirs, &c);
    const double flops = 2.0 * (double)m * (double)n * (double)k;
    printf("%s %s isa=%d %dx%dx%d %s GFLOP/s ours=%.1f limit=%.1f peak=%.0f%% speed=%.2f\n", name, wide ? "f64" : "f32",
           isa, s->rows, s->columns, s->inner, s->how, flops / t.ours * 1e-9, flops / t.limit * 1e-9,
           flops / t.ours / peak * 100, 1 / t.ratio);
    fflush(stdout);
    free((void *)c.p.a), free((void *)c.p.b), free(c.p.out), free(c.p.work), free(c.by_blas);
    return 1 / t.ratio;
}

static void run_all(const char *name, int wide, int isa)
{
    const double peak = bench_peak(wide, isa);
    double logarithms = 0, least = INFINITY;
    for (int k = 0; k < SHAPES; k++) {
        const double speed = run(name, &shapes[k], wide, isa, peak);
        logarithms += log(speed);
        if (speed < least) least = speed;
    }
    printf("%s %s isa=%d of %d shapes: geometric mean of speeds %.3f, least %.2f; peak %.0f GFLOP/s\n", name,
           wide ? "f64" : "f32", isa, SHAPES, exp(logarithms / SHAPES), least, peak * 1e-9);
}

void bench_products(const char *name)
{
    for (int wide = 0; wide < 2; wide++) run_all(name, wide, bench_isa());
}
