/* Windows over images: each output point has one, as a convolution's filter lies on its input. */
#ifndef AGI_POOL_H
#define AGI_POOL_H

#include "dense.h"

/* Images and results are contiguous, [planes, *size] and [planes, *result]. */
struct agi_windows {
    int64_t planes;
    int64_t size[3], kernel[3], result[3], stride[3], dilation[3], pad[3];
    double divisor; /* of sums */
};

enum { AGI_POOL_VECTOR = 16 }; /* points */
#define AGI_POOL_POINTS(n) (((n) + AGI_POOL_VECTOR - 1) / AGI_POOL_VECTOR * AGI_POOL_VECTOR)

/* Five numbers for each tap, and for each point of a row of results its largest element and where that is. */
static inline int64_t agi_pool_work(const agi_windows *w)
{
    return w->kernel[0] * w->kernel[1] * w->kernel[2] * 5 * (int64_t)sizeof(int64_t) +
           AGI_POOL_POINTS(w->result[2]) * 2 * (int64_t)sizeof(double);
}

#endif
