/* The tile kernels of one instruction set: compiled once for each (AG_ISA 1, 2, 3), chosen when a plan is made.
 *
 * The loops are plain; the vector functions behind F(exp) and its like come from the compiler's vector ABI: glibc's
 * <math.h> offers them under -ffast-math only, so the declarations are our own and <math.h> is not included here.
 * An element's value does not depend on its place in a tile: what fills no vector is computed as a whole one. */
#define AG_POINTWISE_TABLE
#include "run.h"
#include "arithmetic/special.h"

#if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__) && defined(__GLIBC__)
#define VECTOR __attribute__((simd("notinbranch"), const))
#define INDEPENDENT _Pragma("GCC ivdep")
#else
#define VECTOR __attribute__((const))
#ifdef __clang__
#define INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#else
#define INDEPENDENT
#endif
#endif

#define SEPARATE __attribute__((noinline))

#define MATH1(name) extern double name(double) VECTOR; extern float name##f(float) VECTOR;
#define MATH2(name) extern double name(double, double) VECTOR; extern float name##f(float, float) VECTOR;
#define PLAIN1(name) extern double name(double); extern float name##f(float);
#define PLAIN2(name) extern double name(double, double); extern float name##f(float, float);

MATH1(exp) MATH1(expm1) MATH1(log) MATH1(log1p) MATH1(sin) MATH1(cos) MATH1(tan) MATH1(asin) MATH1(acos) MATH1(atan)
MATH1(sinh) MATH1(cosh) MATH1(tanh) MATH1(erf) MATH1(erfc) MATH2(pow) MATH2(atan2)
PLAIN1(sqrt) PLAIN1(fabs) PLAIN1(floor) PLAIN1(ceil) PLAIN1(trunc) PLAIN1(rint) PLAIN2(copysign) PLAIN2(fmod)

#define PAD ((int64_t)(64 / sizeof(T))) /* elements of the widest vector */

/* The last, overlapping vector is read before the others are written (`out` may be an input) and written after them. */
#define BODY(arity, ...)                                                                                    \
    {                                                                                                       \
        const T *pa = va, *pb = vb, *pc = vc;                                                               \
        T *o = out, lo[64 / sizeof(T)];                                                                    \
        int64_t whole = n & -PAD;                                                                           \
        (void)pb, (void)pc;                                                                                 \
        if (n < PAD) {                                                                                      \
            T la[64 / sizeof(T)], lb[64 / sizeof(T)], lc[64 / sizeof(T)];                              \
            (void)lb, (void)lc;                                                                             \
            FEW##arity                                                                                      \
            INDEPENDENT for (int64_t i = 0; i < PAD; i++) ELEMENT##arity(lo, la, lb, lc, __VA_ARGS__)       \
            for (int64_t i = 0; i < n; i++) o[i] = lo[i];                                                   \
            return;                                                                                         \
        }                                                                                                   \
        if (whole < n) {                                                                                    \
            const T *la = pa + n - PAD, *lb = pb + n - PAD, *lc = pc + n - PAD;                             \
            (void)lb, (void)lc;                                                                             \
            INDEPENDENT for (int64_t i = 0; i < PAD; i++) ELEMENT##arity(lo, la, lb, lc, __VA_ARGS__)       \
        }                                                                                                   \
        INDEPENDENT for (int64_t i = 0; i < whole; i++) ELEMENT##arity(o, pa, pb, pc, __VA_ARGS__)          \
        if (whole < n) memcpy(o + n - PAD, lo, sizeof lo);                                                  \
    }
#define ELEMENT1(o, pa, pb, pc, ...) { const T x = pa[i]; o[i] = (T)(__VA_ARGS__); }
#define ELEMENT2(o, pa, pb, pc, ...) { const T a = pa[i], b = pb[i]; o[i] = (T)(__VA_ARGS__); }
#define ELEMENT3(o, pa, pb, pc, ...) { const T a = pa[i], b = pb[i], c = pc[i]; o[i] = (T)(__VA_ARGS__); }
#define FEW1 few(la, pa, n);
#define FEW2 FEW1 few(lb, pb, n);
#define FEW3 FEW2 few(lc, pc, n);

#define SIGNATURE(name) \
    static void JOIN(name, SUFFIX)(int64_t n, void *out, const void *va, const void *vb, const void *vc)
#define JOIN(a, b) JOIN_(a, b)
#define JOIN_(a, b) a##b
#define POINTWISE1(name, ...) SIGNATURE(k_##name) BODY(1, __VA_ARGS__)
#define POINTWISE2(name, ...) SIGNATURE(k_##name) BODY(2, __VA_ARGS__)
#define POINTWISE3(name, ...) SIGNATURE(k_##name) BODY(3, __VA_ARGS__)

#define T float
#define BITS int32_t
#define SUFFIX _f32
#define F(name) name##f
#define K(x) x##f
#include "kernels.inc"
#undef T
#undef BITS
#undef SUFFIX
#undef F
#undef K

#define T double
#define BITS int64_t
#define SUFFIX _f64
#define F(name) name
#define K(x) x
#include "kernels.inc"

/* ---- wide products ----------------------------------------------------------------------------------------------- */

static void clear_prod(int64_t n, void *wide)
{
    double *product = wide;
    for (int64_t i = 0; i < n; i++) product[i] = 1, product[n + i] = 0;
}

static void merge_prod(int64_t n, const void *from, void *wide)
{
    const double *other = from;
    double *product = wide;
    for (int64_t i = 0; i < n; i++) {
        agi_multiply(&product[i], &product[n + i], other[i]);
        product[n + i] += other[n + i];
    }
}

/* ---- wide sums: sums of nothing are -0, which leaves -0 as it is ------------------------------------------------ */

static void clear_sum_f32(int64_t n, void *wide)
{
    for (int64_t i = 0; i < n; i++) ((double *)wide)[i] = -0.0;
}

static void widen_sum_f32(int64_t rows, int64_t n, const void *vx, void *wide)
{
    const float *x = vx;
    double *sum = wide;
    for (int64_t r = 0; r < rows; r++, x += n)
        INDEPENDENT for (int64_t i = 0; i < n; i++) sum[i] += (double)x[i];
}

static void gather_sum_f32(int64_t n, const void *x, void *wide)
{
    float part;
    fold_sum_f32(n, x, &part);
    *(double *)wide += (double)part;
}

static void merge_sum_f32(int64_t n, const void *from, void *wide)
{
    const double *x = from;
    double *sum = wide;
    INDEPENDENT for (int64_t i = 0; i < n; i++) sum[i] += x[i];
}

static void narrow_sum_f32(int64_t n, const void *wide, void *out)
{
    for (int64_t i = 0; i < n; i++) ((float *)out)[i] = (float)((const double *)wide)[i];
}

typedef struct {
    double sum, lost;
} wide_f64;

static inline void add_wide(wide_f64 *w, double x) /* D. Knuth's exact addition */
{
    double sum = w->sum + x, of_x = sum - w->sum;
    w->lost += (w->sum - (sum - of_x)) + (x - of_x);
    w->sum = sum;
}

static void clear_sum_f64(int64_t n, void *wide)
{
    for (int64_t i = 0; i < n; i++) ((wide_f64 *)wide)[i] = (wide_f64){ -0.0, 0 };
}

static void widen_sum_f64(int64_t rows, int64_t n, const void *vx, void *wide)
{
    const double *x = vx;
    for (int64_t r = 0; r < rows; r++, x += n)
        INDEPENDENT for (int64_t i = 0; i < n; i++) add_wide((wide_f64 *)wide + i, x[i]);
}

static void gather_sum_f64(int64_t n, const void *x, void *wide)
{
    double part;
    fold_sum_f64(n, x, &part);
    add_wide(wide, part);
}

static void merge_sum_f64(int64_t n, const void *from, void *wide)
{
    const wide_f64 *x = from;
    for (int64_t i = 0; i < n; i++) {
        add_wide((wide_f64 *)wide + i, x[i].sum);
        ((wide_f64 *)wide)[i].lost += x[i].lost;
    }
}

/* Of a sum that is not finite, nothing is known to be lost. */
static void narrow_sum_f64(int64_t n, const void *wide, void *out)
{
    for (int64_t i = 0; i < n; i++) {
        const wide_f64 *w = (const wide_f64 *)wide + i;
        double lost = w->lost;
        ((double *)out)[i] = (lost < 0 || lost > 0) && lost - lost == 0 ? w->sum + lost : w->sum;
    }
}

#undef POINTWISE1
#undef POINTWISE2
#undef POINTWISE3
#define POINTWISE1(name, ...) [AG_CODE_##name] = ENTRY(name),
#define POINTWISE2(name, ...) [AG_CODE_##name] = ENTRY(name),
#define POINTWISE3(name, ...) [AG_CODE_##name] = ENTRY(name),

#define FOLDS(kind, suffix) { kind##sum##suffix, kind##prod##suffix, kind##max##suffix, kind##min##suffix }
#define WIDE(suffix)                                                                                                \
    { { clear_sum##suffix, gather_sum##suffix, widen_sum##suffix, merge_sum##suffix, narrow_sum##suffix },          \
      { clear_prod, gather_prod##suffix, widen_prod##suffix, merge_prod, narrow_prod##suffix } }
#define TABLE(suffix)                                                                          \
    .fill = fill##suffix, .expand = expand##suffix, .fold = FOLDS(fold_, suffix),              \
    .fold_rows = FOLDS(rows_, suffix),                                                         \
    .fold_into = { into_sum##suffix, NULL, into_max##suffix, into_min##suffix },               \
    .add_pairs = add_pairs##suffix, .wide = WIDE(suffix)

const agi_kernels JOIN(agi_kernels_, AG_ISA)[2] = {
    { .point = {
#define ENTRY(name) k_##name##_f32
#include "pointwise.def"
#undef ENTRY
      }, TABLE(_f32) },
    { .point = {
#define ENTRY(name) k_##name##_f64
#include "pointwise.def"
#undef ENTRY
      }, TABLE(_f64) },
};
