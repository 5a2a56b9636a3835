/* The kernels of one instruction set: compiled once for each (AG_ISA 1, 2, 3), chosen when a plan is made. */
#include "convolve.h"

#include <math.h>

#if AG_ISA > 1
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#if AG_ISA == 3
enum { VECTOR_BYTES = 64, MR = AGI_TILE_ROWS_3, NV = AGI_TILE_VECTORS };
#elif AG_ISA == 2
enum { VECTOR_BYTES = 32, MR = AGI_TILE_ROWS_2, NV = AGI_TILE_VECTORS };
static const int32_t ones_then_zeros[16] = { -1, -1, -1, -1, -1, -1, -1, -1 };
#else
enum { VECTOR_BYTES = 16, MR = AGI_TILE_ROWS_1, NV = AGI_TILE_VECTORS };
#endif

#define INLINE static inline __attribute__((always_inline))
#ifdef __clang__
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif
#if defined(__has_builtin)
#if __has_builtin(__builtin_shufflevector)
#define CAN_SHUFFLE 1
#endif
#endif
#ifndef CAN_SHUFFLE
#define CAN_SHUFFLE 0
#endif

static const int64_t one_run[1] = { 0 }; /* of products: all inner indices of a block */

#define JOIN(a, b) JOIN_(a, b)
#define JOIN_(a, b) a##_##b

#define T float
#define ABS fabsf
#define ROOT sqrtf
#define N(name) JOIN(name, f32)
#define SINGLE 1
#include "instance.inc"

#define T double
#define ABS fabs
#define ROOT sqrt
#define N(name) JOIN(name, f64)
#define SINGLE 0
#include "instance.inc"

const agi_dense JOIN(agi_dense, AG_ISA)[2] = {
    { .multiply = multiply_f32, .factor = factor_f32, .root = root_f32, .divide = divide_f32,
      .convolve = convolve_f32 },
    { .multiply = multiply_f64, .factor = factor_f64, .root = root_f64, .divide = divide_f64,
      .convolve = convolve_f64 },
};
