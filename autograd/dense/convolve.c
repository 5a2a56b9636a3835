/* Which way a convolution is computed, and in what memory. */
#include "convolve.h"

enum { LONGEST_SUM = 1024 }; /* products that are added one after the other, where a channel has no more */

static int64_t up(int64_t n, int64_t unit)
{
    return (n + unit - 1) / unit * unit;
}

static int64_t divisor(int64_t a, int64_t b)
{
    while (b) {
        const int64_t left = a % b;
        a = b;
        b = left;
    }
    return a;
}

agi_taps agi_taps_at(const agi_convolution *c, int axis, int64_t index)
{
    const int64_t d = c->dilation[axis], u = c->spread[axis], most = (c->size[axis] - 1) * u;
    const int64_t start = index * c->stride[axis] - c->pad[axis];
    agi_taps t = { .step = u / divisor(u, d) };
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
    p.cycles = sums(products(c) / (double)c->batch * (double)p.width / lanes, c->out) + moved(operands, lanes);
    return p;
}

static agi_convolution_plan by_pixels(const agi_convolution *c, int rows, int lanes)
{
    agi_convolution_plan p = { .way = AGI_PIXEL_LANES, .width = AGI_TILE_VECTORS * lanes, .plane = 1,
                               .block = channels_at_once(c) };
    const int64_t result = agi_volume(c->result);
    for (int i = 0; i < 3; i++) {
        p.padded[i] = c->result[i] + (c->kernel[i] - 1) * c->dilation[i];
        p.plane *= p.padded[i];
    }
    p.x = up(c->in * p.plane + p.width, lanes);
    p.w = (c->out + rows - 1) / rows * up(rows, lanes) * c->in * agi_volume(c->kernel);
    p.y = up(c->out, rows) * p.width;
    p.runs = c->in * c->kernel[0] * c->kernel[1];
    const double points = (double)up(((c->result[0] - 1) * p.padded[1] + c->result[1] - 1) * p.padded[2] + c->result[2],
                                     p.width);
    const double operands = (double)(c->groups * c->batch) * ((double)(c->in * p.plane) + (double)(c->out * result));
    p.cycles = sums(products(c) / (double)result * points / lanes, c->out) * (c->kernel[2] < 3 ? 2 : 1.1) +
               moved(operands, lanes) + (double)(c->batch * c->groups * c->out) * points / lanes * 8;
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

agi_convolution_plan agi_plan_part(int isa, int double_precision, const agi_convolution *c, agi_convolution_way way)
{
    if (isa < 1 || isa > agi_best_isa()) isa = agi_best_isa();
    const int64_t size = double_precision ? 8 : 4;
    const int lanes = (int)((isa == 3 ? 64 : isa == 2 ? 32 : 16) / size), rows = agi_tile_rows(isa);
    agi_convolution_plan p = way == AGI_BATCH_LANES ? by_batch(c, rows, lanes)
                           : way == AGI_PIXEL_LANES ? by_pixels(c, rows, lanes) : by_inputs(c, lanes);
    const int64_t taps = (c->result[0] + c->result[1] + c->result[2]) * (int64_t)sizeof(agi_taps);
    p.bytes = up(p.x * size, 64) + up(p.w * size, 64) + up(p.y * size, 64) +
              up(2 * p.runs * (int64_t)sizeof(int64_t), 64) + taps;
    return p;
}

agi_convolution_plan agi_plan_convolution(int isa, int double_precision, const agi_convolution *c, int finite)
{
    int moves = !finite;
    for (int i = 0; i < 3; i++) moves |= c->stride[i] > 1 || c->spread[i] > 1;
    agi_convolution_plan best = agi_plan_part(isa, double_precision, c, AGI_BATCH_LANES);
    for (int way = AGI_PIXEL_LANES; way <= AGI_INPUT_LANES; way++) {
        if (way == AGI_PIXEL_LANES && moves) continue;
        const agi_convolution_plan p = agi_plan_part(isa, double_precision, c, (agi_convolution_way)way);
        if (p.cycles < best.cycles) best = p;
    }
    return best;
}

agi_convolution_pieces agi_cut_convolution(int double_precision, const agi_convolution *c)
{
    enum { MANY = 8, LANES = 64 }; /* samples: more need no outputs; lanes are full with parts of so many */
    const int in_lanes = agi_plan_convolution(0, double_precision, c, 1).way == AGI_BATCH_LANES;
    const int64_t enough = in_lanes ? LANES : c->out < MANY ? c->out : MANY;
    agi_convolution_pieces p = { .by_samples = c->batch >= enough };
    p.pieces = c->groups * (p.by_samples ? c->batch : c->out);
    return p;
}

int64_t agi_convolution_work(int double_precision, const agi_convolution *c)
{
    int64_t most = 0;
    for (int isa = 1; isa <= agi_best_isa(); isa++)
        for (int finite = 0; finite < 2; finite++) {
            const int64_t bytes = agi_plan_convolution(isa, double_precision, c, finite).bytes;
            if (bytes > most) most = bytes;
        }
    return most;
}
