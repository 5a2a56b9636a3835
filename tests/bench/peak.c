/* How many operations a second a core makes when nothing but multiply-adds of registers is asked of it. */
#include "bench.h"

enum { CHAINS = 10, ROUNDS = 1000000 };

#define PEAK(name, type, bytes, target)                                                        \
    typedef type name##_vector __attribute__((vector_size(bytes)));                            \
    target static double name(void)                                                            \
    {                                                                                          \
        name##_vector c[CHAINS], x = { 0 };                                                    \
        _Pragma("GCC unroll 10") for (int i = 0; i < CHAINS; i++) c[i] = x + (type)i;          \
        x += (type)0.999;                                                                      \
        const double start = bench_now();                                                      \
        for (int r = 0; r < ROUNDS; r++) {                                                     \
            _Pragma("GCC unroll 10") for (int i = 0; i < CHAINS; i++) c[i] = c[i] * x + x;     \
            __asm__ volatile("" ::: "memory");                                                 \
        }                                                                                      \
        const double seconds = bench_now() - start;                                            \
        volatile type used;                                                                    \
        _Pragma("GCC unroll 10") for (int i = 0; i < CHAINS; i++) used = c[i][0];              \
        (void)used;                                                                            \
        return 2.0 * (bytes / sizeof(type)) * CHAINS * ROUNDS / seconds;                       \
    }

PEAK(f32_1, float, 16, )
PEAK(f64_1, double, 16, )
PEAK(f32_2, float, 32, BENCH_V3)
PEAK(f64_2, double, 32, BENCH_V3)
PEAK(f32_3, float, 64, BENCH_V4)
PEAK(f64_3, double, 64, BENCH_V4)

double bench_peak(int wide, int isa)
{
    static double (*const peak[2][3])(void) = { { f32_1, f32_2, f32_3 }, { f64_1, f64_2, f64_3 } };
    double values[5];
    for (int k = 0; k < 5; k++) values[k] = peak[wide][isa - 1]();
    return bench_median(5, values);
}
