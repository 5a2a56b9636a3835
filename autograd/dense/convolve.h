/* Convolutions by the kernels of products: nothing is unfolded.
 *
 *     y[n, g, o, i] = sum over c, k of x[n, g, c, (i stride + k dilation - pad) / spread] w[g, o, c, k]
 *
 * where that is an element of x. Of this form are a convolution, its gradient by x (the stride spreads y's, the filter
 * is turned) and by w (n and c change places, stride and dilation too), and theirs.
 *
 * Matrix products, where filters are single elements or as large as the images; else by what lies in a vector's lanes:
 *   batch.inc   samples n: tiles of some o by lanes, over the elements that an output point meets
 *   pixels.inc  output points, of padded images in one row. With a stride images are taken apart, every so many points
 *               of an axis being a row of their own; where elements are spread, results are: every so many points meet
 *               taps of their own, and are a convolution without spread. Flat: no points but the result's
 *   outputs.inc output channels o: tiles of some neighbouring output points by lanes, of padded images; few samples and
 *               channels, many taps, as of gradients by w, where these are images
 *   rows.inc    output points of single channels' rows, of such images
 *   taps.inc    taps of filters' rows, whose products are added in the end: filters that are images, few outputs and
 *               output points, as of gradients by w of single channels; or flat: filters' planes in one row
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
    const struct agi_convolution_end *end; /* of the result; or NULL: it is stored as it is */
};

/* An element for each output channel of all groups, so far apart, that is added, or NULL; clips: then what is not above
 * 0 becomes 0. */
typedef struct agi_convolution_end {
    const void *bias;
    int64_t step;
    int clips;
} agi_convolution_end;

typedef enum {
    AGI_BATCH_LANES,
    AGI_INPUT_LANES,
    AGI_PIXEL_LANES,
    AGI_FLAT_PIXELS,
    AGI_OUTPUT_LANES,
    AGI_ROW_LANES,
    AGI_TAP_LANES,
    AGI_FLAT_TAPS,
    AGI_MATRICES,
    AGI_CONVOLUTION_WAYS
} agi_convolution_way;

/* Does a tap meet what is no element, at some output point? Spread ones do. */
int agi_meets_zeros(const agi_convolution *);

/* How it is computed; parts of the work memory, in elements. */
typedef struct {
    agi_convolution_way way;
    int64_t width;              /* of the axis in lanes, a multiple of them */
    int64_t padded[3], plane;   /* pixels: an image's extents with what is around it, and their product, */
    int64_t apart[3];           /* and by axis in how many images it is taken apart */
    int64_t block;              /* input channels whose products are added at a time; or rows of taps */
    int64_t x, w, y;            /* operands as the kernels take them, and the result */
    int64_t runs;               /* at most */
    int flat;                   /* pixels: an image for each tap of the innermost axis, of what output points meet
                                 * with it; taps: for each output point of that axis, of what it meets */
    int nine;                   /* of taps: three rows of three points meet neighbouring rows of images */
    int64_t bytes;
    double cycles;
} agi_convolution_plan;

/* The kernel's indices that meet an element of x, at one output index of an axis; which element, of the first. */
typedef struct {
    int64_t first, step, count, at, next;
} agi_taps;

/* finite: no filter is infinite or no number. Others times a zero around an image are no zero, but not of any term:
 * they go the way that takes least memory.
 * straight: each operand's points follow one another as one axis does. */
agi_convolution_plan agi_plan_convolution(int isa, int double_precision, const agi_convolution *, int finite,
                                          int straight);
int agi_is_straight(const agi_convolution *);
/* The same for a part of a convolution, which is computed as the whole is. */
agi_convolution_plan agi_plan_part(int isa, int double_precision, const agi_convolution *, agi_convolution_way);
/* Each group's results can be cut along one axis, samples or outputs, in as many pieces as it is long: a part's bits
 * are the whole's. How it is cut depends on extents alone. */
typedef struct {
    int by_samples;
    int64_t pieces; /* of all groups, the first one's first */
} agi_convolution_pieces;
agi_convolution_pieces agi_cut_convolution(int double_precision, const agi_convolution *);
/* Results `from`, from + spread, ... of each axis as a convolution without spread: of x as it is, of w from *of_w on.
 * 0: no tap meets an element, or there are no such results. Axes with a spread have no stride. */
int agi_unspread(const agi_convolution *, const int64_t from[3], agi_convolution *part, int64_t *of_w);
agi_taps agi_taps_at(const agi_convolution *, int axis, int64_t index);
int64_t agi_convolution_work(int double_precision, const agi_convolution *); /* with any instruction set and strides */

/* Images have zeros around them, which meet taps. */
static inline int agi_pads(agi_convolution_way way)
{
    return way != AGI_BATCH_LANES && way != AGI_INPUT_LANES && way != AGI_MATRICES;
}

static inline int64_t agi_volume(const int64_t extent[3])
{
    return extent[0] * extent[1] * extent[2];
}

#endif
