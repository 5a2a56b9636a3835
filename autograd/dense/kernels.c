/* The kernels of one instruction set: compiled once for each (AG_ISA 1, 2, 3), chosen when a plan is made. */
#include "attention.h"
#include "convolve.h"
#include "pool.h"
#include "random.h"

#if AG_ISA > 1
#include <immintrin.h>
#elif defined(__SSE2__)
#include <emmintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#if AG_ISA == 3
#define VECTOR_BYTES 64
enum { MR = AGI_TILE_ROWS_3, NV = AGI_TILE_VECTORS };
#elif AG_ISA == 2
#define VECTOR_BYTES 32
enum { MR = AGI_TILE_ROWS_2, NV = AGI_TILE_VECTORS };
static const int32_t ones_then_zeros[16] = { -1, -1, -1, -1, -1, -1, -1, -1 };
#else
#define VECTOR_BYTES 16
enum { MR = AGI_TILE_ROWS_1, NV = AGI_TILE_VECTORS };
#endif

#define INLINE static inline __attribute__((always_inline))
#ifdef __clang__
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 20")
#endif
/* Read once: else compilers read it again for every operation that it is an operand of. */
#if AG_ISA > 1
#define IN_REGISTER(x) __asm__("" : "+v"(x))
#else
#define IN_REGISTER(x) (void)(x)
#endif
#if defined(__has_builtin)
#if __has_builtin(__builtin_shufflevector)
#define CAN_SHUFFLE 1
#endif
#endif
#ifndef CAN_SHUFFLE
#define CAN_SHUFFLE 0
#endif

/* As <math.h> has them, for vectors, too, where the compiler knows how to call those: see run/kernels.c. */
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
extern double exp(double) VECTOR;
extern float expf(float) VECTOR;
extern double log(double);
extern float logf(float);

static const int64_t one_run[1] = { 0 }; /* of products: all inner indices of a block */

#define JOIN(a, b) JOIN_(a, b)
#define JOIN_(a, b) a##_##b

#include "words.inc"

#define T float
#define ABS __builtin_fabsf
#define ROOT __builtin_sqrtf
#define EXP expf
#define LOG logf
#define N(name) JOIN(name, f32)
#define OF_TYPE(name) name##f
#define SINGLE 1
#include "instance.inc"

#define T double
#define ABS __builtin_fabs
#define ROOT __builtin_sqrt
#define EXP exp
#define LOG log
#define N(name) JOIN(name, f64)
#define OF_TYPE(name) name
#define SINGLE 0
#include "instance.inc"

const agi_dense JOIN(agi_dense, AG_ISA)[2] = {
    { .multiply = multiply_f32, .factor = factor_f32, .root = root_f32, .divide = divide_f32,
      .convolve = convolve_f32, .attend = attend_f32, .attend_back = attend_back_f32,
      .pick = pick_f32, .scatter = scatter_f32, .average = average_f32, .spread = spread_f32,
      .uniform = uniform_f32, .normal = normal_f32, .shuffle = shuffle },
    { .multiply = multiply_f64, .factor = factor_f64, .root = root_f64, .divide = divide_f64,
      .convolve = convolve_f64, .attend = attend_f64, .attend_back = attend_back_f64,
      .pick = pick_f64, .scatter = scatter_f64, .average = average_f64, .spread = spread_f64,
      .uniform = uniform_f64, .normal = normal_f64, .shuffle = shuffle },
};
