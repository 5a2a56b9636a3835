/* What the benchmarks share: ours and the limit measured in alternating blocks of one run, and a line printed for each
 * workload. A limit is what C written by hand, or the bare BLAS calls, need for the same. */
#ifndef BENCH_H
#define BENCH_H

#include "../../autograd/autograd.h"

/* ---- measuring --------------------------------------------------------------------------------------------------- */

typedef void bench_work(void *context);
typedef struct {
    double ours, limit; /* seconds a call: medians of the blocks */
    double ratio;       /* median of the ratios of neighbouring blocks */
} bench_times;

bench_times bench_compare(bench_work *ours, bench_work *limit, void *context);
/* Starts the line "name unit ours= limit= ratio=": seconds times scale. The caller adds to it and ends it. */
void bench_print(const char *name, const char *unit, double scale, bench_times);

extern int bench_native; /* 1: plans are compiled to machine code */
int bench_isa(void);     /* the environment's AG_ISA, 1, 2 or 3, if this machine has it; else its best */
double bench_now(void);  /* seconds of processor time */
double bench_wall(void); /* seconds on the wall: what whoever waits for a compiler waits */
double bench_median(int n, double values[]); /* sorts them */
double bench_peak(int wide, int isa); /* operations a second of f64 or f32, as multiply-adds of registers */

/* ---- limits at their best: compiled for each instruction set, one chosen at run time ----------------------------- */

#if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__)
#define BENCH_V3 __attribute__((target("arch=x86-64-v3")))
#define BENCH_V4 __attribute__((target("arch=x86-64-v4,prefer-vector-width=512")))
#else
#define BENCH_V3
#define BENCH_V4
#endif

#define BENCH_INLINE static inline __attribute__((always_inline))
/* name_best() of a BENCH_INLINE void name(void *context) */
#define BENCH_VARIANTS(name)                                  \
    static void name##_v1(void *context) { name(context); }          \
    BENCH_V3 static void name##_v3(void *context) { name(context); } \
    BENCH_V4 static void name##_v4(void *context) { name(context); } \
    static bench_work *name##_best(void) { return bench_choose(name##_v1, name##_v3, name##_v4); }
bench_work *bench_choose(bench_work *v1, bench_work *v3, bench_work *v4);

/* ---- what workloads are made of; whatever fails here ends the program with a message ----------------------------- */

ag_plan *bench_compile(ag_graph *, int n, ag_node *const outputs[]);
void bench_eval(ag_run *);
void bench_require(ag_status, const char *message);
void *bench_take(int64_t n, size_t size);

/* out [rows, columns] = alpha a b + beta out, by CBLAS: what limits are made of. */
void bench_multiply(int rows, int columns, int inner, float alpha, const float *a, int a_transposed, const float *b,
                    int b_transposed, float beta, float *out);

void bench_fill_f32(float *, int64_t n, double low, double high); /* the same random numbers in every run */
void bench_fill_f64(double *, int64_t n, double low, double high);
void bench_labels(int64_t *, int64_t n, int classes);

/* Ours must be what the limit computes, |ours - limit| <= tolerance max(1, |limit|); if not, says so on stderr. */
void bench_agree_f32(const char *what, int64_t n, const float *ours, const float *limit, double tolerance);
void bench_agree_f64(const char *what, int64_t n, const double *ours, const double *limit, double tolerance);

/* ---- the workloads ----------------------------------------------------------------------------------------------- */

void bench_w1(const char *name);
void bench_w2(const char *name);
void bench_w3(const char *name);
void bench_w4(const char *name);
void bench_w5(const char *name);
void bench_w6(const char *name);
void bench_w6s(const char *name);
void bench_w7(const char *name), bench_gpt2(const char *name);
void bench_w8(const char *name);
void bench_w9(const char *name);
void bench_w9wide(const char *name), bench_w9small(const char *name);
void bench_hessian(const char *name);
void bench_dense(const char *name);
void bench_recompute(const char *name);
void bench_gradbench(const char *name);
void bench_products(const char *name);
void bench_conv(const char *name), bench_attention(const char *name);
void bench_growth(const char *name), bench_unrolled(const char *name);
void bench_exported(const char *name); /* run where tests/bench/exported/ can be found */

#endif
