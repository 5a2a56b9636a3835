/* Convolutions of every instruction set, each of the ways, against plain loops in long double. */
#include "dense/convolve.h"
#include "test.h"

#include <float.h>

enum { ROOM = 1 << 16 };

static uint64_t state;

static int64_t below(int64_t n) /* by xorshift64*, as its authors have it */
{
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return (int64_t)((state * 2685821657736338717u >> 33) % (uint64_t)n);
}

static double get(int wide, const void *at, int64_t i)
{
    return wide ? ((const double *)at)[i] : (double)((const float *)at)[i];
}

static void put(int wide, void *at, int64_t i, double x)
{
    if (wide) ((double *)at)[i] = x;
    else ((float *)at)[i] = (float)x;
}

/* Strides of axes that lie in any order, the innermost of which may have gaps: how many elements that takes. */
static int64_t lay(int n, const int64_t extent[], int64_t stride[])
{
    int order[6] = { 0, 1, 2, 3, 4, 5 };
    int64_t step = 1 + (below(4) == 0);
    for (int i = 0; i < n && below(2); i++) {
        const int j = (int)below(n), t = order[i];
        order[i] = order[j], order[j] = t;
    }
    for (int i = n - 1; i >= 0; step *= extent[order[i--]]) stride[order[i]] = step;
    return step;
}

/* As gradients by filters are: few samples, images for filters; or matrix products. */
static void draw_like_products(agi_convolution *c)
{
    const int whole = (int)below(3);
    if (whole == 2 && below(3)) c->size[2] += 20, c->in = 1 + below(3), c->out = 1 + below(2);
    for (int i = 0; i < 3; i++) {
        c->stride[i] = c->dilation[i] = c->spread[i] = 1;
        c->pad[i] = 0;
        if (whole == 2) {
            c->kernel[i] = c->size[i];
            c->result[i] = 1 + below(c->size[i] > 1 ? 5 : 1);
            c->pad[i] = c->result[i] / 2;
            c->dilation[i] = 1 + below(2);
            c->batch = 1 + below(3);
        } else {
            c->kernel[i] = whole ? c->size[i] : 1;
            c->result[i] = whole ? 1 : c->size[i];
        }
    }
}

/* Any that fits the room: small extents, or large ones of some. */
static int draw(agi_convolution *c)
{
    const int axes = (int)below(3) + 1, moved = below(2);
    memset(c, 0, sizeof *c);
    c->batch = 1 + below(below(2) ? 4 : 40);
    c->groups = 1 + below(5) / 3;
    c->in = 1 + below(below(3) ? 5 : 40);
    c->out = 1 + below(below(3) ? 7 : 40);
    for (int i = 0; i < 3; i++) {
        c->size[i] = c->kernel[i] = c->result[i] = c->stride[i] = c->dilation[i] = c->spread[i] = 1;
        if (i < 3 - axes) continue;
        c->size[i] = 1 + below(axes == 1 ? 60 : 12);
        c->kernel[i] = 1 + below(below(3) ? 4 : 12);
        c->result[i] = 1 + below(below(2) ? 6 : 14);
        c->stride[i] = moved ? 1 + below(3) : 1;
        c->dilation[i] = 1 + below(6) / 4;
        c->spread[i] = moved ? 1 + below(6) / 3 : 1;
        c->pad[i] = below(4) - below(4) / 3;
    }
    if (below(4) == 0) c->in = c->out = 1, c->groups = 1 + below(6);
    if (below(3) == 0) draw_like_products(c);
    const int64_t x[] = { c->batch, c->groups, c->in, c->size[0], c->size[1], c->size[2] };
    const int64_t w[] = { c->groups, c->out, c->in, c->kernel[0], c->kernel[1], c->kernel[2] };
    int64_t sx[6], sw[6];
    if (lay(6, x, sx) > ROOM || lay(6, w, sw) > ROOM) return 0;
    c->x_batch = sx[0], c->x_group = sx[1], c->x_in = sx[2], memcpy(c->x_axis, sx + 3, sizeof c->x_axis);
    c->w_group = sw[0], c->w_out = sw[1], c->w_in = sw[2], memcpy(c->w_axis, sw + 3, sizeof c->w_axis);
    const double all = (double)(c->batch * c->groups * c->out) * (double)agi_volume(c->result);
    return all <= ROOM && all * (double)c->in * (double)agi_volume(c->kernel) < 3e6;
}

/* One element; and what its terms' magnitudes come to. */
static long double element(const agi_convolution *c, int wide, const void *x, const void *w, const int64_t at[6],
                           long double *size)
{
    long double sum = 0;
    *size = 0;
    for (int64_t k = 0; k < c->in * agi_volume(c->kernel); k++) {
        int64_t of_x = at[0] * c->x_batch + at[1] * c->x_group, of_w = at[1] * c->w_group + at[2] * c->w_out, left = k;
        int inside = 1;
        for (int i = 2; i >= 0; left /= c->kernel[i--]) {
            const int64_t tap = left % c->kernel[i];
            const int64_t where = at[3 + i] * c->stride[i] + tap * c->dilation[i] - c->pad[i];
            inside &= where >= 0 && where % c->spread[i] == 0 && where / c->spread[i] < c->size[i];
            of_x += where / c->spread[i] * c->x_axis[i];
            of_w += tap * c->w_axis[i];
        }
        if (!inside) continue;
        const double of_in = get(wide, x, of_x + left * c->x_in);
        const long double term = (long double)of_in * get(wide, w, of_w + left * c->w_in);
        sum += term;
        *size += fabsl(term);
    }
    return sum;
}

static int way_of(int isa, int wide, const agi_convolution *c)
{
    return agi_plan_convolution(isa, wide, c, 1, agi_is_straight(c)).way;
}

static void compare(const agi_convolution *c, int wide, int isa, const void *x, const void *w, const void *out)
{
    const double unit = (wide ? DBL_EPSILON : (double)FLT_EPSILON) / 2;
    const double terms = (double)c->in * (double)agi_volume(c->kernel);
    const int64_t n = c->batch * c->groups * c->out * agi_volume(c->result);
    for (int64_t k = 0; k < n; k++) {
        const int64_t extent[] = { c->batch, c->groups, c->out, c->result[0], c->result[1], c->result[2] };
        int64_t at[6], left = k;
        for (int i = 5; i >= 0; left /= extent[i--]) at[i] = left % extent[i];
        long double size, want = element(c, wide, x, w, at, &size);
        const double got = get(wide, out, k);
        const int same = isfinite(want) ? fabsl(got - want) <= (terms + 2) * unit * size
                                        : isnan(want) ? isnan(got) : got == want;
        ck_assert_msg(same,
                      "isa %d, way %d, x %dx%dx%dx%dx%dx%d, w %dx..x%dx%dx%d, result %dx%dx%d: element %d is %.17g, "
                      "not %.17Lg", isa, way_of(isa, wide, c), (int)c->batch, (int)c->groups,
                      (int)c->in, (int)c->size[0], (int)c->size[1], (int)c->size[2], (int)c->out, (int)c->kernel[0],
                      (int)c->kernel[1], (int)c->kernel[2], (int)c->result[0], (int)c->result[1], (int)c->result[2],
                      (int)k, got, want);
    }
}

/* Pieces in parts that follow one another have the bits of the whole, and write nothing else. */
static void compare_parts(const agi_convolution *c, int wide, int isa, const void *x, const void *w, const void *whole,
                          void *work)
{
    const int64_t pieces = agi_cut_convolution(wide, c).pieces;
    const size_t bytes = (size_t)(c->batch * c->groups * c->out * agi_volume(c->result)) * (wide ? 8 : 4);
    char *out = malloc(bytes);
    memset(out, 0xff, bytes);
    for (int64_t k = 0, n; k < pieces; k += n) {
        n = 1 + below(pieces - k);
        agi_dense_of(isa, wide)->convolve(c, x, w, out, work, k, k + n);
    }
    ck_assert_msg(!memcmp(out, whole, bytes), "isa %d, way %d: parts of %d pieces differ from the whole", isa,
                  way_of(isa, wide, c), (int)pieces);
    free(out);
}

/* An element of the filters. */
static int64_t any_tap(const agi_convolution *c)
{
    int64_t at = below(c->groups) * c->w_group + below(c->out) * c->w_out + below(c->in) * c->w_in;
    for (int i = 0; i < 3; i++) at += below(c->kernel[i]) * c->w_axis[i];
    return at;
}

static int every_way_gone(const int way[])
{
    for (int k = 0; k < AGI_CONVOLUTION_WAYS; k++)
        if (!way[k]) return 0;
    return 1;
}

START_TEST(random_ones)
{
    static int way[AGI_CONVOLUTION_WAYS];
    char *x = malloc(ROOM * 8), *w = malloc(ROOM * 8), *out = malloc(ROOM * 8 + 8);
    const int wide = _i % 2;
    state = 1000 + (uint64_t)_i;
    for (int64_t i = 0; i < ROOM; i++) {
        put(wide, x, i, (double)below(1 << 20) / (1 << 19) - 1);
        put(wide, w, i, (double)below(1 << 20) / (1 << 19) - 1);
    }
    for (int made = 0; made < 60 || (made < 600 && !every_way_gone(way));) {
        agi_convolution c;
        if (!draw(&c)) continue;
        const int64_t tap = any_tap(&c);
        const double before = get(wide, w, tap);
        if (made++ % 6 == 0) put(wide, w, tap, below(2) ? INFINITY : NAN);
        for (int isa = 1; isa <= agi_best_isa(); isa++) {
            const size_t bytes = (size_t)agi_convolution_work(wide, &c);
            const int64_t n = c.batch * c.groups * c.out * agi_volume(c.result);
            void *work = aligned_alloc(64, (bytes + 63) / 64 * 64);
            memset(work, 0xff, bytes);
            put(wide, out, n, -7);
            agi_dense_of(isa, wide)->convolve(&c, x, w, out, work, 0, agi_cut_convolution(wide, &c).pieces);
            compare(&c, wide, isa, x, w, out);
            compare_parts(&c, wide, isa, x, w, out, work);
            ck_assert(test_same_bits(get(wide, out, n), -7));
            way[way_of(isa, wide, &c)]++;
            free(work);
        }
        put(wide, w, tap, before);
    }
    ck_assert_msg(every_way_gone(way), "a way is never gone");
    free(x), free(w), free(out);
}
END_TEST

Suite *suite_convolve_kernels(void)
{
    Suite *s = suite_create("convolve_kernels");
    TCase *t = tcase_create("convolve_kernels");
    tcase_set_timeout(t, 300);
    tcase_add_loop_test(t, random_ones, 0, 16);
    suite_add_tcase(s, t);
    return s;
}
