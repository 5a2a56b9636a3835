/* Convolutions by the kernels of products: nothing is unfolded.
 *
 *     y[n, g, o, i] = sum over c, k of x[n, g, c, (i stride + k dilation - pad) / spread] w[g, o, c, k]
 *
 * where that is an element of x. Of this form are a convolution, its gradient by x (the stride spreads y's, the filter
 * is turned) and by w (n and c change places, stride and dilation too), and theirs.
 *
 * Three ways, by what lies in a vector's lanes:
 *   batch.inc   samples n: tiles of some o by lanes, over the elements that an output point meets
 *   pixels.inc  output points, of padded images in one row, with no stride and no spread
 *   lanes.inc   input channels c, whose products are added in the end: few samples and output points, as of gradients
 *               by w, where these are images' channels and filters */
#ifndef AGI_CONVOLVE_H
#define AGI_CONVOLVE_H

#include "dense.h"

/* Axes from the outermost; those that are missing come first and have extent 1. Strides in elements. */
struct agi_convolution {
    int64_t batch, groups, in, out; /* in, out: channels of a group */
    int64_t size[3], kernel[3], result[3];
    int64_t stride[3], dilation[3], spread[3], pad[3];
    int64_t x_batch, x_group, x_in, x_axis[3];
    int64_t w_group, w_out, w_in, w_axis[3];
};

typedef enum { AGI_BATCH_LANES, AGI_PIXEL_LANES, AGI_INPUT_LANES } agi_convolution_way;

/* How it is computed; parts of the work memory, in elements. */
typedef struct {
    agi_convolution_way way;
    int64_t width;              /* of the axis in lanes, a multiple of them */
    int64_t padded[3], plane;   /* pixels: an image's extents with what is around it, and their product */
    int64_t block;              /* input channels whose products are added at a time */
    int64_t x, w, y;            /* operands as the kernels take them, and the result */
    int64_t runs;               /* at most */
    int64_t bytes;
    double cycles;
} agi_convolution_plan;

/* The kernel's indices that meet an element of x, at one output index of an axis; which element, of the first. */
typedef struct {
    int64_t first, step, count, at, next;
} agi_taps;

/* finite: no filter is infinite or no number. Others times a zero around an image are no zero, but not of any term. */
agi_convolution_plan agi_plan_convolution(int isa, int double_precision, const agi_convolution *, int finite);
/* The same for a part of a convolution, which is computed as the whole is. */
agi_convolution_plan agi_plan_part(int isa, int double_precision, const agi_convolution *, agi_convolution_way);
/* Each group's results can be cut along one axis, samples or outputs, in as many pieces as it is long: a part's bits
 * are the whole's. */
typedef struct {
    int by_samples;
    int64_t pieces; /* of all groups, the first one's first */
} agi_convolution_pieces;
agi_convolution_pieces agi_cut_convolution(int double_precision, const agi_convolution *);
agi_taps agi_taps_at(const agi_convolution *, int axis, int64_t index);
int64_t agi_convolution_work(int double_precision, const agi_convolution *); /* with any instruction set */

static inline int64_t agi_volume(const int64_t extent[3])
{
    return extent[0] * extent[1] * extent[2];
}

#endif
