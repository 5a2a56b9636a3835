/* Functions of <math.h> as loops' limits call them. glibc offers their vector versions under -ffast-math only, so that
 * who includes this includes no <math.h> and declares what it calls: extern float expf(float) BENCH_VECTOR. */
#ifndef BENCH_VECTOR_H
#define BENCH_VECTOR_H

#if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__) && defined(__GLIBC__)
#define BENCH_VECTOR __attribute__((simd("notinbranch"), const))
#else
#define BENCH_VECTOR __attribute__((const))
#endif
#ifdef __clang__ /* it says so where it knows no vector version */
#pragma clang diagnostic ignored "-Wpass-failed"
#endif

#endif
