/* Convolutions, windows and attention as calls of plans: the same bits on any number of threads. */
#include "test.h"

typedef ag_node *maker(ag_graph *, ag_dtype, ag_node *in[]);

static ag_node *convolution(ag_graph *g, ag_dtype t, ag_node *in[])
{
    in[0] = ag_input(g, "x", t, AG_SHAPE(5, 18, 15, 13));
    in[1] = ag_input(g, "w", t, AG_SHAPE(33, 18, 3, 3));
    return ag_conv(in[0], in[1], &(ag_conv_options){ .padding = { 1, 1 } });
}

static ag_node *many_samples(ag_graph *g, ag_dtype t, ag_node *in[])
{
    in[0] = ag_input(g, "x", t, AG_SHAPE(130, 6, 9, 9));
    in[1] = ag_input(g, "w", t, AG_SHAPE(16, 6, 5, 5));
    return ag_conv(in[0], in[1], NULL);
}

static ag_node *single_channel(ag_graph *g, ag_dtype t, ag_node *in[])
{
    in[0] = ag_input(g, "x", t, AG_SHAPE(70, 1, 21, 23));
    in[1] = ag_input(g, "w", t, AG_SHAPE(7, 1, 5, 4));
    return ag_conv(in[0], in[1], NULL);
}

static ag_node *strided(ag_graph *g, ag_dtype t, ag_node *in[])
{
    in[0] = ag_input(g, "x", t, AG_SHAPE(2, 24, 23, 26));
    in[1] = ag_input(g, "w", t, AG_SHAPE(30, 24, 3, 3));
    return ag_conv(in[0], in[1], &(ag_conv_options){ .stride = { 2, 2 }, .padding = { 1, 1 } });
}

static ag_node *depthwise(ag_graph *g, ag_dtype t, ag_node *in[])
{
    in[0] = ag_input(g, "x", t, AG_SHAPE(3, 65, 40, 41));
    in[1] = ag_input(g, "w", t, AG_SHAPE(65, 1, 3, 3));
    return ag_conv(in[0], in[1], &(ag_conv_options){ .padding = { 1, 1 }, .groups = 65 });
}

static ag_node *largest(ag_graph *g, ag_dtype t, ag_node *in[])
{
    in[0] = ag_input(g, "x", t, AG_SHAPE(3, 17, 90, 101));
    return ag_max_pool(in[0], &(ag_pool_options){ .kernel = { 3, 3 }, .stride = { 1, 1 }, .padding = { 1, 1 } });
}

static ag_node *neighbours(ag_graph *g, ag_dtype t, ag_node *in[])
{
    in[0] = ag_input(g, "x", t, AG_SHAPE(3, 31, 202, 230));
    return ag_max_pool(in[0], &(ag_pool_options){ .kernel = { 2, 2 } });
}

static ag_node *means(ag_graph *g, ag_dtype t, ag_node *in[])
{
    in[0] = ag_input(g, "x", t, AG_SHAPE(3, 17, 90, 101));
    return ag_avg_pool(in[0], &(ag_pool_options){ .kernel = { 3, 3 }, .stride = { 1, 1 }, .padding = { 1, 1 } });
}

static ag_node *attention(ag_graph *g, ag_dtype t, ag_node *in[])
{
    for (int k = 0; k < 3; k++) in[k] = ag_input(g, NULL, t, AG_SHAPE(3, 300, 40));
    return ag_attention(in[0], in[1], in[2], 0, 1);
}

static ag_node *one_head(ag_graph *g, ag_dtype t, ag_node *in[])
{
    for (int k = 0; k < 3; k++) in[k] = ag_input(g, NULL, t, AG_SHAPE(330, 50));
    return ag_attention(in[0], in[1], in[2], 0, 0);
}

static maker *const makers[] = { convolution, many_samples, single_channel, strided, depthwise, largest, neighbours,
                                 means, attention, one_head };

static void feed(ag_run *r, const ag_node *leaf, int number)
{
    const int64_t n = ag_size_of(leaf);
    double *values = malloc((size_t)n * sizeof *values);
    float *narrow = malloc((size_t)n * sizeof *narrow);
    for (int64_t i = 0; i < n; i++) narrow[i] = (float)(values[i] = sin((double)(i * (number + 2) + 1)));
    ck_assert_int_eq(ag_feed(r, leaf, ag_type_of(leaf) == AG_F32 ? (const void *)narrow : values), AG_OK);
    free(values), free(narrow);
}

/* The value and its derivatives by all operands, one after the other. */
static char *evaluate(maker *make, ag_dtype t, int threads, size_t *bytes)
{
    ag_graph *g = ag_graph_new(NULL);
    ag_node *in[4] = { NULL }, *out[4];
    out[0] = make(g, t, in);
    const int n = in[2] ? 3 : in[1] ? 2 : 1;
    ck_assert_msg(ag_graph_status(g) == AG_OK, "%s", ag_graph_error(g));
    in[n] = ag_input(g, "g", t, ag_shape_of(out[0]));
    ck_assert_int_eq(ag_vjp(1, out, &in[n], n, in, out + 1), AG_OK);
    ag_plan *p = ag_compile(g, n + 1, out, &(ag_options){ .threads = threads, .poison = threads > 2 });
    ck_assert_msg(p != NULL, "%s", ag_graph_error(g));
    ag_run *r = ag_run_new(p);
    for (int k = 0; k <= n; k++) feed(r, in[k], k);
    ck_assert_int_eq(ag_eval(r), AG_OK);
    char *all = NULL;
    *bytes = 0;
    for (int k = 0; k <= n; k++) {
        const size_t more = (size_t)ag_size_of(out[k]) * (t == AG_F32 ? 4 : 8);
        all = realloc(all, *bytes + more);
        ck_assert_int_eq(ag_fetch(r, out[k], all + *bytes), AG_OK);
        *bytes += more;
    }
    ag_run_free(r), ag_plan_free(p), ag_graph_free(g);
    return all;
}

START_TEST(same_bits_for_any_threads)
{
    static const int threads[] = { 2, 3, 8 };
    for (int t = AG_F32; t <= AG_F64; t++) {
        size_t bytes, same;
        char *one = evaluate(makers[_i], (ag_dtype)t, 1, &bytes);
        for (size_t k = 0; k < COUNT(threads); k++) {
            char *more = evaluate(makers[_i], (ag_dtype)t, threads[k], &same);
            ck_assert_uint_eq(same, bytes);
            ck_assert_msg(!memcmp(one, more, bytes), "%d threads, type %d", threads[k], t);
            free(more);
        }
        free(one);
    }
}
END_TEST

/* ---- the plan's text --------------------------------------------------------------------------------------------- */

static const struct {
    int64_t x[4], w[4], stride;
    const char *says;
} told[] = {
    { { 1, 64, 28, 28 }, { 64, 64, 3, 3 }, 1, "by output points in lanes\n    in up to 64 pieces at once" },
    { { 1, 64, 28, 28 }, { 64, 64, 3, 3 }, 2, "by output points in lanes" },
    { { 1, 64, 28, 28 }, { 64, 64, 1, 1 }, 1, "by matrix products" },
    { { 128, 8, 12, 12 }, { 16, 8, 5, 5 }, 1, "by samples in lanes" },
    { { 64, 1, 28, 28 }, { 8, 1, 5, 5 }, 1, "by all points in lanes" },
    { { 2, 3, 5, 5 }, { 2, 3, 3, 3 }, 1, "to " }, /* nothing is said of pieces: they would not pay */
};

/* ---- beside loops ------------------------------------------------------------------------------------------------ */

typedef struct {
    int64_t n, in, out, size[2], kernel[2], result[2];
    ag_conv_options o;
} shapes;

static int64_t draw(uint64_t *seed, int64_t least, int64_t most)
{
    return (int64_t)floor(test_random(seed, (double)least, (double)most + 1 - 1e-9));
}

/* Not 0: there are points. */
static int draw_shapes(uint64_t *seed, shapes *s)
{
    *s = (shapes){ .n = draw(seed, 1, 4), .in = draw(seed, 1, 3), .out = draw(seed, 1, 5) };
    int some = 1;
    for (int i = 0; i < 2; i++) {
        s->size[i] = draw(seed, 1, i ? 12 : 4);
        s->kernel[i] = draw(seed, 1, i ? 10 : 3);
        s->o.stride[i] = draw(seed, 1, 3);
        s->o.dilation[i] = draw(seed, 1, 2);
        s->o.padding[i] = draw(seed, 0, i ? 4 : 2);
        const int64_t room = s->size[i] + 2 * s->o.padding[i] - (s->kernel[i] - 1) * s->o.dilation[i] - 1;
        s->result[i] = room / s->o.stride[i] + 1;
        some &= room >= 0;
    }
    return some;
}

/* A point: what tap t of channel c meets there, or 0. */
static double met(const shapes *s, const double *x, int64_t n, int64_t c, const int64_t at[2], int64_t t)
{
    const int64_t tap[] = { t / s->kernel[1], t % s->kernel[1] };
    for (int i = 0; i < 2; i++) {
        const int64_t j = at[i] * s->o.stride[i] + tap[i] * s->o.dilation[i] - s->o.padding[i];
        if (j < 0 || j >= s->size[i]) return 0;
        x += j * (i ? 1 : s->size[1]);
    }
    return x[(n * s->in + c) * s->size[0] * s->size[1]];
}

static double sum_at(const shapes *s, const double *x, const double *w, int64_t k)
{
    const int64_t points = s->result[0] * s->result[1], taps = s->kernel[0] * s->kernel[1], n = k / points / s->out;
    const int64_t at[] = { k % points / s->result[1], k % s->result[1] }, out = k / points % s->out;
    double sum = 0;
    for (int64_t c = 0; c < s->in; c++)
        for (int64_t t = 0; t < taps; t++) sum += met(s, x, n, c, at, t) * w[(out * s->in + c) * taps + t];
    return sum;
}

enum { MOST_X = 4 * 3 * 4 * 12, MOST_W = 5 * 3 * 3 * 10 };

/* Filters that are an input as they are, or an input's with its axes turned round, which are in no piece. */
static void expect_convolved(const shapes *s, ag_dtype type, int turned, const double *x, const double *w)
{
    const ag_shape in_order = AG_SHAPE(s->out, s->in, s->kernel[0], s->kernel[1]);
    const ag_shape about = AG_SHAPE(s->kernel[1], s->kernel[0], s->in, s->out);
    double other[MOST_W];
    ag_graph *g = ag_graph_new(NULL);
    ag_node *u = ag_input(g, NULL, type, AG_SHAPE(s->n, s->in, s->size[0], s->size[1]));
    ag_node *v = ag_input(g, NULL, type, turned ? about : in_order);
    ag_node *y = ag_conv(u, turned ? ag_transpose(v, NULL) : v, &s->o);
    for (int64_t k = 0, n = ag_size_of(v); k < n; k++) {
        const int64_t out = k % s->out, in = k / s->out % s->in, i = k / s->out / s->in % s->kernel[0];
        const int64_t l = k / s->out / s->in / s->kernel[0];
        other[k] = turned ? w[((out * s->in + in) * s->kernel[0] + i) * s->kernel[1] + l] : w[k];
    }
    ag_plan *p = ag_compile(g, 1, &y, NULL);
    ag_run *r = ag_run_new(p);
    ck_assert_int_eq(ag_feed_f64(r, u, x, ag_size_of(u)), AG_OK);
    ck_assert_int_eq(ag_feed_f64(r, v, other, ag_size_of(v)), AG_OK);
    ck_assert_int_eq(ag_eval(r), AG_OK);
    const void *got = ag_data(r, y);
    for (int64_t k = 0; k < ag_size_of(y); k++)
        ck_assert(test_close(type == AG_F32 ? ((const float *)got)[k] : ((const double *)got)[k], sum_at(s, x, w, k),
                             type == AG_F32 ? 1e-4 : 1e-12));
    ag_run_free(r), ag_plan_free(p), ag_graph_free(g);
}

START_TEST(small_convolutions)
{
    uint64_t seed = (uint64_t)_i + 1;
    for (int turn = 0; turn < 400; turn++) {
        shapes s;
        double x[MOST_X], w[MOST_W];
        if (!draw_shapes(&seed, &s)) continue;
        for (int k = 0; k < MOST_X; k++) x[k] = test_random(&seed, -1, 1);
        for (int k = 0; k < MOST_W; k++) w[k] = test_random(&seed, -1, 1);
        expect_convolved(&s, turn % 2 ? AG_F32 : AG_F64, turn % 3 == 0, x, w);
    }
}
END_TEST

START_TEST(plans_tell_the_way)
{
    char *text = NULL;
    size_t bytes;
    const int64_t *x = told[_i].x, *w = told[_i].w, stride = told[_i].stride;
    ag_graph *g = ag_graph_new(NULL);
    ag_node *y = ag_conv(ag_input(g, "x", AG_F32, AG_SHAPE(x[0], x[1], x[2], x[3])),
                         ag_input(g, "w", AG_F32, AG_SHAPE(w[0], w[1], w[2], w[3])),
                         &(ag_conv_options){ .stride = { stride, stride } });
    ag_plan *p = ag_compile(g, 1, &y, NULL);
    FILE *to = open_memstream(&text, &bytes);
    ck_assert_int_eq(ag_write_text(to, p), 0);
    fclose(to);
    ck_assert_msg(strstr(text, told[_i].says) != NULL, "%s", text);
    if (_i + 1 == (int)COUNT(told)) ck_assert_msg(!strstr(text, "pieces"), "%s", text);
    free(text);
    ag_plan_free(p), ag_graph_free(g);
}
END_TEST

/* ---- what convolutions do before they store ---------------------------------------------------------------------- */

typedef struct {
    int64_t n, in, size, out, kernel, groups, stride;
    enum { BIAS_AND_RELU, RELU, BIAS, BIAS_FIRST, ONE_BIAS, OF_SAMPLES, READ_TWICE, TRANSPOSED } what;
    int told; /* the convolution does the next step */
} ended;

static const ended endings[] = {
    { 5, 1, 28, 8, 5, 1, 1, BIAS_AND_RELU, 1 },   { 3, 2, 28, 3, 5, 1, 1, BIAS_AND_RELU, 1 },
    { 3, 18, 15, 33, 3, 1, 1, BIAS_AND_RELU, 1 }, { 3, 18, 15, 33, 3, 1, 1, RELU, 1 },
    { 3, 18, 15, 33, 3, 1, 1, BIAS, 1 },          { 2, 18, 15, 33, 3, 1, 2, BIAS_FIRST, 1 },
    { 64, 8, 12, 16, 5, 1, 1, BIAS_AND_RELU, 1 }, { 2, 24, 9, 24, 3, 24, 1, BIAS_AND_RELU, 1 },
    { 2, 64, 7, 5, 7, 1, 1, BIAS_AND_RELU, 0 },   { 4, 16, 9, 20, 1, 1, 1, BIAS_AND_RELU, 1 },
    { 1, 30, 6, 34, 3, 2, 1, BIAS_AND_RELU, 1 },  { 3, 18, 15, 33, 3, 1, 1, ONE_BIAS, 1 },
    { 3, 18, 15, 33, 3, 1, 1, OF_SAMPLES, 0 },    { 3, 18, 15, 33, 3, 1, 1, READ_TWICE, 0 },
    { 3, 6, 9, 9, 3, 1, 2, TRANSPOSED, 1 },       { 3, 6, 9, 9, 2, 1, 3, TRANSPOSED, 1 },
};

static ag_node *end(const ended *e, ag_node *y, ag_node *b)
{
    switch (e->what) {
    case RELU: return ag_relu(y);
    case BIAS: return ag_add(y, b);
    case BIAS_FIRST: return ag_relu(ag_add(b, y));
    case READ_TWICE: return ag_sub(ag_relu(ag_add(y, b)), ag_flip(y, 3));
    default: return ag_relu(ag_add(y, b));
    }
}

/* The first one is no number. */
static void feed_bias(ag_run *r, const ag_node *b)
{
    double values[102];
    float narrow[102];
    for (int k = 0; k < 102; k++) narrow[k] = (float)(values[k] = k ? sin(k) : NAN);
    ck_assert_int_eq(ag_feed(r, b, ag_type_of(b) == AG_F32 ? (const void *)narrow : values), AG_OK);
}

/* All of the result; *does: the plan says that a convolution does the next step. */
static char *evaluate_ended(const ended *e, ag_dtype t, int threads, int step_by_step, size_t *bytes, int *does)
{
    ag_graph *g = ag_graph_new(NULL);
    const ag_conv_options o = { .stride = { e->stride, e->stride }, .groups = e->groups };
    const int turned = e->what == TRANSPOSED, samples = e->what == OF_SAMPLES;
    ag_node *x = ag_input(g, "x", t, AG_SHAPE(e->n, e->in, e->size, e->size));
    ag_node *w = ag_input(g, "w", t, turned ? AG_SHAPE(e->in, e->out, e->kernel, e->kernel)
                                            : AG_SHAPE(e->out, e->in / e->groups, e->kernel, e->kernel));
    ag_node *b = ag_input(g, "b", t, AG_SHAPE(samples ? e->n : 1, e->what == ONE_BIAS ? 1 : e->out + samples, 1, 1));
    ag_node *of = samples ? ag_slice(b, 1, 0, e->out, 1) : b; /* from one sample's to the next's one is left out */
    ag_node *y = end(e, turned ? ag_conv_transpose(x, w, &o) : ag_conv(x, w, &o), of);
    ag_plan *p = ag_compile(g, 1, &y, &(ag_options){ .threads = threads, .trap_nan = step_by_step, .verify = 1,
                                                     .poison = threads > 2 });
    ck_assert_msg(p != NULL, "%s", ag_graph_error(g));
    ag_run *r = ag_run_new(p);
    feed(r, x, 0), feed(r, w, 1);
    if (e->what != RELU) feed_bias(r, b);
    ck_assert_msg(ag_eval(r) == AG_OK, "%s", ag_run_error(r));
    *bytes = (size_t)ag_size_of(y) * (t == AG_F32 ? 4 : 8);
    char *all = malloc(*bytes), *text;
    size_t length;
    ck_assert_int_eq(ag_fetch(r, y, all), AG_OK);
    FILE *to = open_memstream(&text, &length);
    ck_assert_int_eq(ag_write_text(to, p), 0);
    fclose(to);
    *does = strstr(text, "which does the next step before it stores") != NULL;
    free(text);
    ag_run_free(r), ag_plan_free(p), ag_graph_free(g);
    return all;
}

START_TEST(convolutions_do_the_next_step)
{
    const ended *e = &endings[_i];
    for (int t = AG_F32; t <= AG_F64; t++) {
        size_t bytes, same;
        int does;
        char *apart = evaluate_ended(e, (ag_dtype)t, 1, 1, &bytes, &does);
        for (int threads = 1; threads < 4; threads++) {
            char *all = evaluate_ended(e, (ag_dtype)t, threads, 0, &same, &does);
            ck_assert_uint_eq(same, bytes);
            ck_assert_msg(!memcmp(all, apart, bytes), "%d threads, type %d", threads, t);
            ck_assert_int_eq(does, e->told);
            free(all);
        }
        free(apart);
    }
}
END_TEST

/* A parameter's new value is made of the old one; and what is read of a convolution is an output itself. */
typedef struct {
    float p[75], y[108], z[108];
} stepped;

static void step_twice(int step_by_step, stepped *to)
{
    float first[108], filters[81];
    for (int k = 0; k < 81; k++) filters[k] = (float)sin(k) / 3;
    for (int k = 0; k < 108; k++) first[k] = (float)cos(k);
    ag_graph *g = ag_graph_new(NULL);
    const ag_conv_options same = { .padding = { 1, 1 } };
    ag_node *p = ag_parameter(g, "p", AG_F32, AG_SHAPE(1, 3, 5, 5), first);
    ag_node *last = ag_parameter(g, "last", AG_F32, AG_SCALAR, NULL);
    ag_node *q = ag_constant(g, AG_F32, AG_SHAPE(1, 3, 6, 6), first);
    ag_node *w = ag_constant(g, AG_F32, AG_SHAPE(3, 3, 3, 3), filters);
    ag_node *b = ag_constant(g, AG_F32, AG_SHAPE(1, 3, 1, 1), (float[]){ 0.1F, -0.2F, 0.3F });
    ag_node *y = ag_conv(q, w, &same), *z = ag_relu(ag_add(y, b));
    ag_node *step[] = { ag_assign(p, ag_relu(ag_add(ag_conv(p, w, &same), b))), ag_assign(last, ag_neg(last)) };
    ag_node *out[] = { ag_group(2, step), y, z };
    ag_plan *plan = ag_compile(g, 3, out, &(ag_options){ .trap_nan = step_by_step, .verify = 1 });
    ck_assert_msg(plan != NULL, "%s", ag_graph_error(g));
    ag_run *r = ag_run_new(plan);
    for (int k = 0; k < 2; k++) ck_assert_int_eq(ag_eval(r), AG_OK);
    ck_assert_int_eq(ag_fetch(r, p, to->p), AG_OK);
    ck_assert_int_eq(ag_fetch(r, y, to->y), AG_OK);
    ck_assert_int_eq(ag_fetch(r, z, to->z), AG_OK);
    ag_run_free(r), ag_plan_free(plan), ag_graph_free(g);
}

START_TEST(a_parameter_is_read_before_it_is_written)
{
    stepped apart, all;
    step_twice(1, &apart);
    step_twice(0, &all);
    ck_assert_mem_eq(&all, &apart, sizeof all);
}
END_TEST

/* ---- narrow images ----------------------------------------------------------------------------------------------- */

/* The first largest of a window of a plane, as NaN are larger than all. */
static int largest_at(const float *x, int width, int top, int left, int high)
{
    int most = top * width + left;
    for (int i = top; i < top + high; i++)
        for (int j = left; j < left + 2; j++) {
            const float v = x[i * width + j];
            if (v > x[most] || (v != v && x[most] == x[most])) most = i * width + j;
        }
    return most;
}

static void expect_pooled(int height, int width, int high)
{
    enum { PLANES = 3 };
    const int down = height / high, right = width / 2, size = height * width;
    float x[PLANES * 7 * 40], at[PLANES * 7 * 20], slope[PLANES * 7 * 40] = { 0 };
    ag_graph *g = ag_graph_new(NULL);
    ag_node *in = ag_input(g, NULL, AG_F32, AG_SHAPE(1, PLANES, height, width)), *dx;
    ag_node *y = ag_max_pool(in, &(ag_pool_options){ .kernel = { high, 2 } });
    ag_node *u = ag_input(g, NULL, AG_F32, ag_shape_of(y));
    ck_assert_int_eq(ag_vjp(1, &y, &u, 1, &in, &dx), AG_OK);
    ag_plan *p = ag_compile(g, 2, (ag_node *[]){ y, dx }, NULL);
    ag_run *r = ag_run_new(p);
    for (int k = 0; k < PLANES * size; k++) x[k] = k % 31 == 7 ? NAN : (float)(k * 37 % 11); /* with equals */
    for (int k = 0; k < PLANES * down * right; k++) at[k] = (float)(k + 1);
    ck_assert_int_eq(ag_feed_f32(r, in, x, PLANES * size), AG_OK);
    ck_assert_int_eq(ag_feed_f32(r, u, at, PLANES * down * right), AG_OK);
    ck_assert_int_eq(ag_eval(r), AG_OK);
    const float *got = ag_data(r, y);
    for (int k = 0; k < PLANES * down * right; k++) {
        const int plane = k / (down * right), i = k / right % down, j = k % right;
        const int most = plane * size + largest_at(x + plane * size, width, i * high, 2 * j, high);
        ck_assert(got[k] == x[most] || (got[k] != got[k] && x[most] != x[most]));
        slope[most] = at[k];
    }
    ck_assert_mem_eq(ag_data(r, dx), slope, (size_t)(PLANES * size) * sizeof *slope);
    ag_run_free(r), ag_plan_free(p), ag_graph_free(g);
}

START_TEST(windows_of_narrow_images)
{
    for (int height = _i; height < 8; height++)
        for (int width = 2; width <= 40; width++) expect_pooled(height, width, _i);
}
END_TEST

/* ---- what is above 0, in windows --------------------------------------------------------------------------------- */

enum { IMAGES = 6, HEIGHT = 9, WIDTH = 37 };

static const ag_pool_options pools[] = {
    { .kernel = { 2, 2 } }, { .kernel = { 3, 2 } }, { .kernel = { 1, 2 } }, { .kernel = { 3, 3 }, .stride = { 2, 2 } },
    { .kernel = { 2, 2 }, .stride = { 1, 2 } }, { .kernel = { 2, 2 }, .padding = { 1, 1 } },
};

/* to += g where x is the first largest of each window, if that is above 0. */
static void by_loops(const ag_pool_options *o, const float *x, const float *g, float *to)
{
    const int pad = (int)o->padding[0];
    const int down = (int)(o->stride[0] ? o->stride[0] : o->kernel[0]);
    const int right = (int)(o->stride[1] ? o->stride[1] : o->kernel[1]);
    for (int n = 0; n < IMAGES; n++, x += HEIGHT * WIDTH, to += HEIGHT * WIDTH)
        for (int i = -pad; i + o->kernel[0] <= HEIGHT + pad; i += down)
            for (int j = -pad; j + o->kernel[1] <= WIDTH + pad; j += right, g++) {
                int most = -1;
                for (int y = i; y < i + o->kernel[0]; y++)
                    for (int z = j; z < j + o->kernel[1]; z++)
                        if (y >= 0 && y < HEIGHT && z >= 0 && z < WIDTH && (most < 0 || x[y * WIDTH + z] > x[most]))
                            most = y * WIDTH + z;
                if (x[most] > 0) to[most] += *g;
            }
}

START_TEST(what_is_above_zero_in_windows)
{
    static float values[IMAGES * HEIGHT * WIDTH], slope[IMAGES * HEIGHT * WIDTH], expected[IMAGES * HEIGHT * WIDTH];
    static float g_values[IMAGES * (HEIGHT + 2) * (WIDTH + 2)];
    float sum[2], all[2] = { 0, 0 }, rows[IMAGES * HEIGHT], of_row[IMAGES * HEIGHT] = { 0 };
    ag_graph *g = ag_graph_new(NULL);
    ag_node *x = ag_input(g, "x", AG_F32, AG_SHAPE(3, 2, HEIGHT, WIDTH)), *dx[2];
    ag_node *b = ag_parameter(g, "b", AG_F32, AG_SHAPE(1, 2, 1, 1), NULL);
    ag_node *y = ag_max_pool(ag_relu(ag_add(x, b)), &pools[_i]), *u = ag_input(g, "u", AG_F32, ag_shape_of(y));
    ck_assert_int_eq(ag_vjp(1, &y, &u, 2, (ag_node *[]){ x, b }, dx), AG_OK);
    ag_node *by_rows = ag_sum_axis(dx[0], 3, 0);
    ag_plan *p = ag_compile(g, 3, (ag_node *[]){ dx[0], dx[1], by_rows }, NULL);
    ag_run *r = ag_run_new(p);
    for (int i = 0; i < (int)COUNT(values); i++) values[i] = (float)(i * 37 % 11 - 7); /* with equals */
    for (int i = 0; i < (int)COUNT(g_values); i++) g_values[i] = (float)(i * 29 % 17 - 8);
    memset(expected, 0, sizeof expected);
    by_loops(&pools[_i], values, g_values, expected);
    for (int i = 0; i < (int)COUNT(values); i++) all[i / (HEIGHT * WIDTH) % 2] += expected[i];
    for (int i = 0; i < (int)COUNT(values); i++) of_row[i / WIDTH] += expected[i];
    ck_assert_int_eq(ag_feed_f32(r, x, values, (int64_t)COUNT(values)), AG_OK);
    ck_assert_int_eq(ag_feed_f32(r, u, g_values, ag_size_of(u)), AG_OK);
    ck_assert_int_eq(ag_eval(r), AG_OK);
    ck_assert_int_eq(ag_fetch(r, dx[0], slope), AG_OK);
    ck_assert_int_eq(ag_fetch(r, dx[1], sum), AG_OK);
    ck_assert_mem_eq(slope, expected, sizeof slope);
    ck_assert_int_eq(ag_fetch(r, by_rows, rows), AG_OK);
    ck_assert_mem_eq(sum, all, sizeof sum);
    for (int i = 0; i < IMAGES * HEIGHT; i++) ck_assert(rows[i] == of_row[i]);
    ag_run_free(r), ag_plan_free(p), ag_graph_free(g);
}
END_TEST

Suite *suite_windows(void)
{
    Suite *s = suite_create("windows");
    TCase *t = tcase_create("windows");
    tcase_set_timeout(t, 300);
    tcase_add_loop_test(t, same_bits_for_any_threads, 0, (int)COUNT(makers));
    tcase_add_loop_test(t, small_convolutions, 0, 4);
    tcase_add_loop_test(t, plans_tell_the_way, 0, (int)COUNT(told));
    tcase_add_loop_test(t, convolutions_do_the_next_step, 0, (int)COUNT(endings));
    tcase_add_test(t, a_parameter_is_read_before_it_is_written);
    tcase_add_loop_test(t, windows_of_narrow_images, 1, 4);
    tcase_add_loop_test(t, what_is_above_zero_in_windows, 0, (int)COUNT(pools));
    suite_add_tcase(s, t);
    return s;
}
