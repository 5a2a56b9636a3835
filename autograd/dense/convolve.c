/* Which way a convolution is computed, and in what memory. */
#include "convolve.h"

enum {
    LONGEST_SUM = 1024, /* products that are added one after the other, where a channel has no more */
    IN_CACHE = 1 << 19, /* elements that are moved fast, others FAR times slower */
    FAR = 8,
    MOST_FLAT = 1 << 16  /* elements of a sample's flat images */
};

static int64_t up(int64_t n, int64_t unit)
{
    return (n + unit - 1) / unit * unit;
}

agi_taps agi_taps_at(const agi_convolution *c, int axis, int64_t index)
{
    const int64_t d = c->dilation[axis], u = c->spread[axis], most = (c->size[axis] - 1) * u;
    const int64_t start = index * c->stride[axis] - c->pad[axis];
    agi_taps t = { .step = u / agi_common_divisor(u, d) };
    t.first = start < 0 ? (-start + d - 1) / d : 0;
    for (int64_t k = 0; k < t.step && (start + t.first * d) % u; k++) t.first++;
    const int64_t at = start + t.first * d;
    if (at > most || at % u || t.first >= c->kernel[axis]) return t;
    t.at = at / u;
    t.next = t.step * d / u;
    const int64_t of_x = (most - at) / (t.step * d), of_w = (c->kernel[axis] - 1 - t.first) / t.step;
    t.count = 1 + (of_x < of_w ? of_x : of_w);
    return t;
}

int agi_meets_zeros(const agi_convolution *c)
{
    int some = 0;
    for (int i = 0; i < 3; i++) {
        const int64_t last = (c->result[i] - 1) * c->stride[i] + (c->kernel[i] - 1) * c->dilation[i] - c->pad[i];
        some |= c->pad[i] > 0 || c->spread[i] > 1 || last >= c->size[i];
    }
    return some;
}

/* Products of numbers, all taps being met. */
static double products(const agi_convolution *c)
{
    return (double)(c->batch * c->groups) * (double)(c->in * c->out) * (double)agi_volume(c->kernel) *
           (double)agi_volume(c->result);
}

static int64_t channels_at_once(const agi_convolution *c)
{
    const int64_t taps = agi_volume(c->kernel), n = taps < LONGEST_SUM ? LONGEST_SUM / taps : 1;
    return n < c->in ? n : c->in;
}

/* Elements of packed filters: of all outputs, or of one panel of them. */
static int64_t packed(const agi_convolution *c, int rows, int lanes, int64_t panels)
{
    return panels * up(rows, lanes) * channels_at_once(c) * agi_volume(c->kernel);
}

/* What it costs to bring n elements into another order. */
static double moved(double n, int lanes)
{
    return n * 5 / lanes;
}

/* A sum of r rows and two vectors waits for its terms where r is small. */
static double sums(double n, int64_t r)
{
    return n / 2 * (r < 4 ? 4.0 / (double)r : 1);
}

static agi_convolution_plan by_batch(const agi_convolution *c, int rows, int lanes)
{
    agi_convolution_plan p = { .way = AGI_BATCH_LANES, .width = up(c->batch, lanes), .block = channels_at_once(c) };
    const int64_t size = agi_volume(c->size), result = agi_volume(c->result);
    const double operands = (double)(c->groups * p.width) * (double)(c->in * size + c->out * result);
    p.x = p.block * size * p.width;
    p.w = packed(c, rows, lanes, 1);
    p.y = c->out * result * p.width;
    p.runs = p.block * c->kernel[0] * c->kernel[1];
    p.cycles = sums(products(c) / (double)c->batch * (double)p.width / lanes, c->out) +
               moved(operands, lanes) * (p.x + p.y > IN_CACHE ? FAR : 1);
    return p;
}

/* Where a tap of the innermost axis has an image of its own, with the points that meet it, these fill vectors. */
static void make_flat(const agi_convolution *c, agi_convolution_plan *p)
{
    p->flat = 1;
    p->plane = p->plane / p->padded[2] * c->result[2];
    p->padded[2] = c->result[2];
    p->apart[2] = c->kernel[2];
}

/* Of a convolution without spread. Memory is as much as any part of it takes, whose tiles may be wider. */
static agi_convolution_plan by_images(const agi_convolution *c, int isa, int rows, int lanes, int flat)
{
    const int vectors = c->out <= AGI_FEW_ROWS ? agi_vectors_of_few(isa, c->out) : AGI_TILE_VECTORS;
    agi_convolution_plan p = { .way = flat ? AGI_FLAT_PIXELS : AGI_PIXEL_LANES, .width = vectors * lanes, .plane = 1,
                               .block = channels_at_once(c) };
    const int64_t result = agi_volume(c->result), run = c->stride[2] > 1 ? 1 : c->kernel[2];
    for (int i = 0; i < 3; i++) {
        p.padded[i] = c->result[i] + (c->kernel[i] - 1) * c->dilation[i] / c->stride[i];
        p.plane *= p.padded[i];
        p.apart[i] = c->stride[i] / agi_common_divisor(c->stride[i], c->dilation[i]);
        if (p.apart[i] > c->kernel[i]) p.apart[i] = c->kernel[i];
    }
    if (flat) make_flat(c, &p);
    const int64_t images = c->in * agi_volume(p.apart) * p.plane;
    p.x = up(images + AGI_WIDE_1 * lanes, lanes);
    p.w = (c->out + rows - 1) / rows * up(rows, lanes) * c->in * agi_volume(c->kernel);
    p.y = up(c->out, rows) * AGI_TILE_VECTORS * lanes;
    p.runs = c->in * agi_volume(c->kernel) / (flat ? c->kernel[2] : run);
    const double points = (double)up(((c->result[0] - 1) * p.padded[1] + c->result[1] - 1) * p.padded[2] + c->result[2],
                                     p.width);
    const double operands = (double)(c->groups * c->batch) * ((double)images + (flat ? 0 : (double)(c->out * result)));
    p.cycles = products(c) / (double)result * points / lanes / 2 * (flat ? 1.05 : run < 3 ? 1.3 : 1.1) +
               moved(operands, lanes) + (double)(c->batch * c->groups * c->out) * points / lanes * (flat ? 1 : 8);
    if (flat && images > MOST_FLAT) p.cycles *= FAR;
    return p;
}

/* Of single channels without spread, in images as above. */
static agi_convolution_plan by_rows(const agi_convolution *c, int isa, int rows, int lanes)
{
    agi_convolution_plan p = by_images(c, isa, rows, lanes, 0);
    const double images = (double)(c->groups * c->batch) * (double)agi_volume(p.apart) * (double)p.plane;
    const double vectors = (double)(c->groups * c->batch) * (double)(c->result[0] * c->result[1]) *
                           (double)up(c->result[2], lanes) / lanes;
    p.way = AGI_ROW_LANES;
    p.y = 0;
    p.cycles = vectors * (double)agi_volume(c->kernel) / 2 * 1.3 + moved(images, lanes) + vectors * 3;
    return p;
}

/* Which tap is the first that results `from` of an axis meet, and how many there are, a step apart. */
static int64_t unspread_axis(const agi_convolution *c, int i, int64_t from, agi_convolution *part, int64_t *first)
{
    const int64_t u = c->spread[i], d = c->dilation[i], step = u / agi_common_divisor(u, d), start = from - c->pad[i];
    int64_t k = 0;
    if (u == 1) return *first = 0, c->kernel[i];
    while (k < step && (start + k * d) % u) k++;
    *first = k;
    part->spread[i] = 1;
    part->dilation[i] = step * d / u;
    part->w_axis[i] = step * c->w_axis[i];
    part->pad[i] = -(start + k * d) / u;
    part->result[i] = (c->result[i] - from + u - 1) / u;
    part->kernel[i] = k == step || k >= c->kernel[i] ? 0 : (c->kernel[i] - 1 - k) / step + 1;
    return part->result[i] < 1 ? 0 : part->kernel[i];
}

int agi_unspread(const agi_convolution *c, const int64_t from[3], agi_convolution *part, int64_t *of_w)
{
    int met = 1;
    *part = *c;
    *of_w = 0;
    for (int i = 0; i < 3; i++) {
        int64_t first;
        met &= unspread_axis(c, i, from[i], part, &first) > 0;
        *of_w += first * c->w_axis[i];
    }
    return met;
}

/* As each of the parts without spread is at most. */
static agi_convolution_plan by_spread(const agi_convolution *c, agi_convolution_way way, int isa, int rows, int lanes)
{
    agi_convolution most = *c;
    for (int i = 0; i < 3; i++) {
        const int64_t u = c->spread[i], step = u / agi_common_divisor(u, c->dilation[i]);
        most.kernel[i] = (c->kernel[i] + step - 1) / step;
        most.result[i] = (c->result[i] + u - 1) / u;
        most.dilation[i] = step * c->dilation[i] / u;
        most.spread[i] = 1;
    }
    agi_convolution_plan p = way == AGI_ROW_LANES ? by_rows(&most, isa, rows, lanes)
                                                  : by_images(&most, isa, rows, lanes, way == AGI_FLAT_PIXELS);
    p.cycles *= (double)agi_volume(c->spread);
    return p;
}

static agi_convolution_plan by_inputs(const agi_convolution *c, int lanes)
{
    agi_convolution_plan p = { .way = AGI_INPUT_LANES, .width = up(c->in, lanes), .block = c->in };
    const int64_t size = agi_volume(c->size), kernel = agi_volume(c->kernel);
    const double operands = (double)(c->groups * p.width) * (double)(c->batch * size + c->out * kernel);
    const double sums_of_lanes = (double)(c->batch * c->groups * c->out) * (double)agi_volume(c->result);
    p.x = c->batch * size * p.width;
    p.w = c->out * kernel * p.width;
    p.cycles = products(c) / (double)c->in * (double)p.width / lanes / 2 * (c->result[2] < 3 ? 2 : 1.2) +
               moved(operands, lanes) + sums_of_lanes * 20;
    return p;
}

static agi_convolution_plan by_outputs(const agi_convolution *c, int rows, int lanes)
{
    const int64_t taps = c->kernel[0] * c->kernel[1], few = LONGEST_SUM / c->kernel[2] + 1;
    agi_convolution_plan p = { .way = AGI_OUTPUT_LANES, .width = up(c->out, lanes), .plane = 1, .apart = { 1, 1, 1 },
                               .block = few < taps ? few : taps };
    const int64_t panels = (c->result[2] + rows - 1) / rows;
    for (int i = 0; i < 3; i++) {
        p.padded[i] = (c->result[i] - 1) * c->stride[i] + (c->kernel[i] - 1) * c->dilation[i] + 1;
        p.plane *= p.padded[i];
    }
    p.x = up(c->batch * p.plane, lanes);
    p.w = p.block * c->kernel[2] * p.width;
    p.y = c->batch * agi_volume(c->result) * p.width;
    p.runs = p.block;
    const double images = (double)(c->groups * c->in * c->batch) * (double)p.plane;
    const double filters = (double)(c->groups * c->in * p.width) * (double)agi_volume(c->kernel);
    /* Sums wait for their terms where a tile has few of them. */
    const double tile = (double)(c->result[2] / panels) * (p.width > lanes ? 2 : 1), waits = tile < 8 ? 8 / tile : 1;
    p.cycles = products(c) / (double)c->out * (double)p.width / lanes / 2 * waits * 1.3 +
               moved(images + filters + (double)(c->groups * p.y), lanes);
    return p;
}

/* Filters' planes are one row of taps, whose products a lane adds one after the other. */
static int can_be_flat(const agi_convolution *c, int64_t of_sum)
{
    const int64_t taps = c->kernel[1] * c->kernel[2];
    return c->kernel[0] == 1 && c->result[0] == 1 && c->dilation[1] == 1 && (c->kernel[1] == 1 ||
           c->w_axis[1] == c->kernel[2]) && taps / of_sum < LONGEST_SUM;
}

/* Blocks are the same with every instruction set, and whatever part of the outputs and samples is computed. */
static agi_convolution_plan by_planes(const agi_convolution *c, int64_t of_sum, int lanes)
{
    enum { NEAR = 4096 }; /* elements of images that are done at a time */
    const int64_t points = c->result[1] * c->result[2], taps = c->kernel[1] * c->kernel[2];
    const int64_t rows = (c->result[1] - 1) * c->stride[1] + c->kernel[1], images = c->result[2] * rows * c->kernel[2];
    const int64_t longest = LONGEST_SUM * of_sum / up(taps, of_sum), some = images < NEAR ? NEAR / images : 1;
    agi_convolution_plan p = { .way = AGI_FLAT_TAPS, .flat = 1, .padded = { 1, rows, c->kernel[2] },
                               .plane = rows * c->kernel[2], .apart = { 1, 1, c->dilation[2] } };
    p.block = some < longest ? some : longest;
    if (p.block > c->in) p.block = c->in;
    p.x = up(p.block * images, lanes);
    p.y = c->out * points * of_sum;
    p.runs = p.block + points;
    const double sums = (double)(c->groups * c->batch * c->out * points);
    const double copied = (double)(c->groups * c->batch * c->in) * (double)(c->result[2] * rows); /* rows of images */
    p.cycles = products(c) / (double)taps * (double)up(taps, of_sum) / lanes / 2 * 1.2 +
               copied * (6 + 2 * (double)c->kernel[2] / lanes) +
               sums * (20 + (double)((c->in + p.block - 1) / p.block) * 2);
    return p;
}

static agi_convolution_plan by_taps(const agi_convolution *c, int64_t size, int lanes)
{
    const int64_t points = agi_volume(c->result), rows = c->kernel[0] * c->kernel[1], apart = c->dilation[2];
    const int64_t all = c->groups * c->batch * c->out * points, of_sum = 64 / size;
    const int64_t few = LONGEST_SUM / up(c->kernel[2], of_sum) * of_sum + 1;
    agi_convolution_plan p = { .way = AGI_TAP_LANES, .apart = { 1, 1, apart }, .block = few < rows ? few : rows };
    for (int i = 0; i < 3; i++)
        p.padded[i] = (c->result[i] - 1) * c->stride[i] / p.apart[i] +
                      (c->kernel[i] - 1) * c->dilation[i] / p.apart[i] + 1;
    p.plane = agi_volume(p.padded);
    p.nine = c->result[0] == 1 && c->result[1] == 3 && c->result[2] == 3 && c->kernel[0] == 1 && rows > 1 &&
             rows == p.block && c->stride[1] == 1 && c->dilation[1] == 1;
    p.x = up(apart * p.plane, lanes);
    p.y = c->out * points * of_sum;
    p.runs = rows + points;
    const double images = (double)(c->groups * c->batch * c->in) * (double)(apart * p.plane);
    p.cycles = products(c) / (double)c->kernel[2] * (double)up(c->kernel[2], lanes) / lanes * (points < 4 ? 4 : 1) +
               moved(images, lanes) + (double)all * (20 + (double)c->in * 3);
    return p;
}

/* Filters of one element; or one result, of all of the image. */
static int is_matrix(const agi_convolution *c)
{
    const int64_t taps = agi_volume(c->kernel), points = agi_volume(c->result);
    int whole = taps > 1 && points == 1, single = taps == 1 && points > 1;
    for (int i = 0; i < 3; i++) {
        single &= c->stride[i] == 1 && c->size[i] == c->result[i] && !c->pad[i] && c->spread[i] == 1;
        whole &= c->kernel[i] == c->size[i] && !c->pad[i] && c->spread[i] == 1;
        whole &= c->dilation[i] == 1 || c->size[i] == 1;
    }
    return whole || single;
}

static agi_convolution_plan by_matrices(const agi_convolution *c, int isa, int double_precision, int lanes)
{
    agi_convolution_plan p = { .way = AGI_MATRICES };
    const int64_t longest = agi_volume(c->size) > c->in ? agi_volume(c->size) : c->in;
    const agi_product_of most = { .rows = longest > c->batch ? longest : c->batch, .columns = longest > c->out ? longest
                                  : c->out, .inner = longest,
                                  .reading = { .way = AGI_TILES, .turned = 1, .a = AGI_PACKED, .b = AGI_PACKED } };
    const int64_t size = double_precision ? 8 : 4, vectors = AGI_DOT_BLOCK * size;
    p.w = agi_product_work(isa, double_precision, &most) / size + up(vectors / size, lanes);
    p.cycles = products(c) / lanes / 2 * 1.1 + moved((double)(c->groups * c->out * c->in), lanes);
    return p;
}

static int follow(const int64_t extent[3], const int64_t axis[3])
{
    const int64_t row = extent[2] * axis[2];
    return (extent[1] == 1 || axis[1] == row) && (extent[0] == 1 || axis[0] == row * extent[1]);
}

int agi_is_straight(const agi_convolution *c)
{
    return follow(c->size, c->x_axis) && follow(c->kernel, c->w_axis);
}

agi_convolution_plan agi_plan_part(int isa, int double_precision, const agi_convolution *c, agi_convolution_way way)
{
    if (isa < 1 || isa > agi_best_isa()) isa = agi_best_isa();
    const int64_t size = double_precision ? 8 : 4;
    const int lanes = (int)((isa == 3 ? 64 : isa == 2 ? 32 : 16) / size), rows = agi_tile_rows(isa);
    agi_convolution_plan p;
    switch (way) {
    case AGI_BATCH_LANES: p = by_batch(c, rows, lanes); break;
    case AGI_INPUT_LANES: p = by_inputs(c, lanes); break;
    case AGI_PIXEL_LANES:
    case AGI_FLAT_PIXELS:
    case AGI_ROW_LANES: p = by_spread(c, way, isa, rows, lanes); break;
    case AGI_TAP_LANES: p = by_taps(c, size, lanes); break;
    case AGI_FLAT_TAPS: p = by_planes(c, 64 / size, lanes); break;
    case AGI_OUTPUT_LANES: p = by_outputs(c, rows, lanes); break;
    default: p = by_matrices(c, isa, double_precision, lanes); break;
    }
    p.bytes = up(p.x * size, 64) + up(p.w * size, 64) + up(p.y * size, 64) +
              up(2 * p.runs * (int64_t)sizeof(int64_t), 64);
    for (int i = 0; i < 3; i++) p.bytes += up(c->result[i] * (int64_t)sizeof(agi_taps), 64);
    return p;
}

agi_convolution_plan agi_plan_convolution(int isa, int double_precision, const agi_convolution *c, int finite,
                                          int straight)
{
    int spread = 0, both = 0;
    for (int i = 0; i < 3; i++) {
        spread |= c->spread[i] > 1;
        both |= c->stride[i] > 1 && c->spread[i] > 1;
    }
    const int taps = finite && !spread && c->w_axis[2] == 1;
    const int can[AGI_CONVOLUTION_WAYS] = { [AGI_INPUT_LANES] = 1, [AGI_PIXEL_LANES] = finite && !both,
                                            [AGI_FLAT_PIXELS] = finite && !both,
                                            [AGI_OUTPUT_LANES] = finite && !spread && c->stride[2] == 1,
                                            [AGI_ROW_LANES] = finite && !both && c->in == 1 && c->out == 1,
                                            [AGI_TAP_LANES] = taps,
                                            [AGI_FLAT_TAPS] = taps && can_be_flat(c, double_precision ? 8 : 16),
                                            [AGI_MATRICES] = straight && is_matrix(c) };
    agi_convolution_plan best = agi_plan_part(isa, double_precision, c, AGI_BATCH_LANES);
    for (int way = 0; way < AGI_CONVOLUTION_WAYS; way++) {
        if (!can[way]) continue;
        const agi_convolution_plan p = agi_plan_part(isa, double_precision, c, (agi_convolution_way)way);
        if (finite ? p.cycles < best.cycles : p.bytes < best.bytes) best = p;
    }
    return best;
}

/* The same, of filters that lie in one piece, or whose rows do, or in none. */
enum { ONE_PIECE, ROWS, NO_PIECE, LAYOUTS };
static agi_convolution laid_out(const agi_convolution *c, int layout)
{
    agi_convolution of = *c;
    of.w_axis[2] = layout == NO_PIECE ? 0 : 1;
    of.w_axis[1] = layout == ONE_PIECE ? c->kernel[2] : 0;
    return of;
}

agi_convolution_pieces agi_cut_convolution(int double_precision, const agi_convolution *c)
{
    enum { MANY = 8, LANES = 64 }; /* samples: more need no outputs; lanes are full with parts of so many */
    const agi_convolution of = laid_out(c, ONE_PIECE);
    const agi_convolution_way way = agi_plan_convolution(0, double_precision, &of, 1, 1).way;
    const int64_t enough = way == AGI_BATCH_LANES ? LANES : c->out < MANY ? c->out : MANY;
    agi_convolution_pieces p = { .by_samples = c->batch >= enough };
    if (way == AGI_OUTPUT_LANES) p.by_samples = c->out < LANES && c->batch > 1;
    if (is_matrix(c) && agi_volume(c->kernel) > 1) p.by_samples = 1; /* any rows of a product are a part */
    p.pieces = c->groups * (p.by_samples ? c->batch : c->out);
    return p;
}

int64_t agi_convolution_work(int double_precision, const agi_convolution *c)
{
    int64_t most = 0;
    for (int isa = 1; isa <= agi_best_isa(); isa++)
        for (int k = 0; k < 4 * LAYOUTS; k++) {
            const agi_convolution of = laid_out(c, k / 4);
            const int64_t bytes = agi_plan_convolution(isa, double_precision, &of, k & 1, k >> 1 & 1).bytes;
            if (bytes > most) most = bytes;
        }
    return most;
}
