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

#endif
