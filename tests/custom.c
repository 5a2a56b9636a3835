/* Users' own operations: in every transform as the built-in ones are, and what is refused. */
#include "test.h"

static ag_graph *g;

static void begin(void)
{
    g = ag_graph_new(NULL);
}

static void end(void)
{
    ag_graph_free(g);
}

/* ---- a pointwise operation: y = x / (1 + x^2), dy/dx = (1 - x^2) / (1 + x^2)^2 ----------------------------------- */

static void bump_f32(int64_t n, float *out, const float *a, const float *b, const float *c)
{
    (void)b, (void)c;
    for (int64_t i = 0; i < n; i++) out[i] = a[i] / (1 + a[i] * a[i]);
}

static void bump_f64(int64_t n, double *out, const double *a, const double *b, const double *c)
{
    (void)b, (void)c;
    for (int64_t i = 0; i < n; i++) out[i] = a[i] / (1 + a[i] * a[i]);
}

static void bump_gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    ag_node *one = ag_number(y->graph, 1), *square = ag_square(y->in[0]);
    gin[0] = ag_mul(gout, ag_div(ag_sub(one, square), ag_square(ag_add(one, square))));
}

static const ag_op bump_op = { .name = "bump", .formula = "x / (1 + x^2)", .inputs = 1,
                               .flags = AG_POINTWISE | AG_SMOOTH, .gradient = bump_gradient,
                               .c_text = "x / (1 + x * x)", .f32 = bump_f32, .f64 = bump_f64 };

static ag_node *bump(ag_node *x)
{
    return ag_custom(&bump_op, 1, &x, NULL);
}

static double bump_at(double x)
{
    return x / (1 + x * x);
}

/* ---- of two operands, broadcast: y = hypot(a, b) ----------------------------------------------------------------- */

static void length_f32(int64_t n, float *out, const float *a, const float *b, const float *c)
{
    (void)c;
    for (int64_t i = 0; i < n; i++) out[i] = hypotf(a[i], b[i]);
}

static void length_f64(int64_t n, double *out, const double *a, const double *b, const double *c)
{
    (void)c;
    for (int64_t i = 0; i < n; i++) out[i] = hypot(a[i], b[i]);
}

static void length_gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    for (int k = 0; k < 2; k++)
        if (ag_wanted(y, k)) gin[k] = ag_mul(gout, ag_div(y->in[k], y));
}

static const ag_op length_op = { .name = "length", .formula = "sqrt(a^2 + b^2)", .inputs = 2, .flags = AG_POINTWISE,
                                 .gradient = length_gradient, .f32 = length_f32, .f64 = length_f64 };

/* ---- a library operation with an attribute: sums of `width` neighbours, and its adjoint -------------------------- */

typedef struct {
    int64_t width;
    int64_t spread; /* 1: the adjoint */
} window;

static ag_status window_shape(ag_infer *c)
{
    const window *w = c->attribute;
    if (c->dtype != AG_F64 || c->shape.rank < 1) return ag_refuse(c, AG_ETYPE, "takes rows of f64");
    int64_t *n = &c->shape.dim[c->shape.rank - 1];
    *n += w->spread ? w->width - 1 : 1 - w->width;
    return *n < 1 ? ag_refuse(c, AG_ESHAPE, "the window of %lld is too wide", (long long)w->width) : AG_OK;
}

static ag_status window_run(const ag_kernel_call *c)
{
    const window *w = c->node->attribute;
    const ag_node *x = c->node->in[0], *y = c->node;
    int64_t from = x->dim[x->rank - 1], to = y->dim[y->rank - 1], rows = ag_count(y) / to;
    const double *in = c->in[0];
    double *out = c->out;
    memset(out, 0, (size_t)ag_count(y) * sizeof *out);
    for (int64_t r = 0; r < rows; r++, in += from, out += to)
        for (int64_t i = 0; i < (w->spread ? from : to); i++)
            for (int64_t k = 0; k < w->width; k++)
                if (w->spread) out[i + k] += in[i];
                else out[i] += in[i + k];
    return AG_OK;
}

static void window_gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    window w = *(const window *)y->attribute;
    w.spread = !w.spread;
    gin[0] = ag_custom(y->op, 1, &gout, &w);
}

static int window_pattern(const ag_node *y, ag_dependence *d)
{
    const window *w = y->attribute;
    int64_t from = y->in[0]->dim[y->rank - 1], to = y->dim[y->rank - 1], rows = ag_count(y) / to;
    for (int64_t r = 0; r < rows; r++)
        for (int64_t i = 0; i < (w->spread ? from : to); i++)
            for (int64_t k = 0; k < w->width; k++)
                ag_depends(d, r * to + i + (w->spread ? k : 0), 0, r * from + i + (w->spread ? 0 : k));
    return 1;
}

static const ag_op window_op = { .name = "window", .formula = "sums of neighbours", .inputs = 1,
                                 .flags = AG_LIBRARY | AG_SMOOTH, .attribute_size = sizeof(window),
                                 .shape = window_shape, .run = window_run, .gradient = window_gradient,
                                 .batch = ag_batch_leading, .pattern = window_pattern };

static ag_node *windows(ag_node *x, int64_t width)
{
    window w = { .width = width };
    return ag_custom(&window_op, 1, &x, &w);
}

/* ---- a view: every other element --------------------------------------------------------------------------------- */

static ag_status odd_shape(ag_infer *c)
{
    c->shape.dim[0] /= 2;
    return AG_OK;
}

static int odd_view(const ag_node *y, ag_strides *s)
{
    (void)y;
    s->offset += s->stride[0];
    s->stride[0] *= 2;
    return 1;
}

static void odd_gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    ag_node *pairs[] = { ag_zeros_like(gout), gout };
    for (int k = 0; k < 2; k++) pairs[k] = ag_reshape(pairs[k], AG_SHAPE(-1, 1));
    gin[0] = ag_reshape(ag_concat(2, pairs, 1), ag_shape_of(y->in[0]));
}

static const ag_op odd_op = { .name = "odd", .formula = "x[1::2]", .inputs = 1, .flags = AG_VIEW, .shape = odd_shape,
                              .view = odd_view, .gradient = odd_gradient };

/* ---- forward ----------------------------------------------------------------------------------------------------- */

/* Fused with built-in ones, in every plan, vectors and scalars, both types. */
START_TEST(values)
{
    enum { N = 1031 };
    static float narrow[N];
    static double wide[N], got[2][N];
    uint64_t seed = 1;
    for (int i = 0; i < N; i++) narrow[i] = (float)(wide[i] = test_random(&seed, -3, 3));
    ag_node *x[] = { ag_parameter(g, NULL, AG_F32, AG_SHAPE(N), narrow),
                     ag_parameter(g, NULL, AG_F64, AG_SHAPE(N), wide) };
    ag_node *s = ag_parameter(g, NULL, AG_F64, AG_SCALAR, wide), *y[2];
    for (int k = 0; k < 2; k++) y[k] = ag_mul(bump(ag_neg(x[k])), ag_exp(x[k]));
    for (int isa = 1; isa <= test_best_isa(); isa++)
        for (int unfused = 0; unfused < 2; unfused++) {
            test_evaluate(2, y, &(ag_options){ .isa = isa, .unfused = unfused }, (double *[]){ got[0], got[1] });
            for (int i = 0; i < N; i++) {
                double want = bump_at(-wide[i]) * exp(wide[i]);
                expect_close(got[0][i], want, 1e-5);
                expect_close(got[1][i], want, 1e-14);
            }
        }
    expect_close(test_number(ag_add(bump(s), s)), bump_at(wide[0]) + wide[0], 1e-15);
}
END_TEST

START_TEST(broadcasting)
{
    static const double column[] = { 3, 6 }, row[] = { 4, 8, 0 };
    double got[6];
    ag_node *in[] = { ag_constant(g, AG_F64, AG_SHAPE(2, 1), column), ag_constant(g, AG_F64, AG_SHAPE(3), row) };
    ag_node *y = ag_custom(&length_op, 2, in, NULL);
    expect_shape(y, AG_SHAPE(2, 3));
    test_evaluate(1, &y, NULL, (double *[]){ got });
    for (int i = 0; i < 6; i++) expect_close(got[i], hypot(column[i / 3], row[i % 3]), 1e-15);
    ag_node *with_literal[] = { in[1], ag_number(g, 3) }, *z = ag_custom(&length_op, 2, with_literal, NULL);
    test_evaluate(1, &z, NULL, (double *[]){ got });
    expect_close(got[0], 5, 1e-15);
}
END_TEST

START_TEST(equal_ones_are_one)
{
    ag_node *x = ag_input(g, "x", AG_F64, AG_SHAPE(8));
    ck_assert_ptr_eq(bump(x), bump(x));
    ck_assert_ptr_eq(windows(x, 3), windows(x, 3));
    ck_assert_ptr_ne(windows(x, 3), windows(x, 2));
}
END_TEST

/* ---- derivatives ------------------------------------------------------------------------------------------------- */

static void expect_checked(ag_node *y, int n, ag_node *const x[])
{
    ag_check_report report;
    ag_status status = ag_check_gradient(y, n, x, NULL, &report);
    ck_assert_msg(status == AG_OK, "status %d: %s", (int)status, report.message);
    ck_assert(report.compared > 0 && report.error <= 1e-6);
}

START_TEST(gradients)
{
    uint64_t seed = 2;
    ag_node *x = test_parameter(g, AG_SHAPE(2, 6), &seed, -1, 1), *s = test_parameter(g, AG_SHAPE(6), &seed, 1, 2);
    ag_node *both[] = { x, s };
    expect_checked(bump(x), 1, &x);
    expect_checked(ag_custom(&length_op, 2, both, NULL), 2, both);
    expect_checked(ag_sin(windows(x, 3)), 1, &x);
    expect_checked(ag_square(ag_custom(&odd_op, 1, &s, NULL)), 1, &s);
    expect_checked(ag_logsumexp(windows(bump(ag_mul(x, s)), 2)), 2, both);
}
END_TEST

START_TEST(forward_mode)
{
    static const double at[] = { 0.5, -1, 2, 0.1 }, along[] = { 1, 2, -1, 3 };
    double got[2][4];
    ag_node *x = ag_constant(g, AG_F64, AG_SHAPE(4), at), *v = ag_constant(g, AG_F64, AG_SHAPE(4), along);
    ag_node *y[] = { bump(x), windows(ag_square(x), 2) }, *dy[2];
    ck_assert_int_eq(ag_jvp(1, &x, &v, 2, y, dy), AG_OK);
    test_evaluate(2, dy, NULL, (double *[]){ got[0], got[1] });
    for (int i = 0; i < 4; i++) {
        double s = 1 + at[i] * at[i];
        expect_close(got[0][i], along[i] * (2 - s) / (s * s), 1e-15);
        if (i < 3) expect_close(got[1][i], 2 * (at[i] * along[i] + at[i + 1] * along[i + 1]), 1e-15);
    }
}
END_TEST

/* Second derivative of x / (1 + x^2): 2 x (x^2 - 3) / (1 + x^2)^3; of a sum of squared windows: by counting. */
START_TEST(whole_hessians)
{
    enum { N = 5 };
    static const double at[N] = { 0.5, -1, 2, 0.1, -0.7 };
    double got[2][N * N];
    ag_node *x = ag_constant(g, AG_F64, AG_SHAPE(N), at);
    ag_node *h[] = { ag_hessian(ag_sum(bump(x)), x), ag_hessian(ag_sum(ag_square(windows(x, 3))), x) };
    expect_well(g);
    test_evaluate(2, h, NULL, (double *[]){ got[0], got[1] });
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            double s = 1 + at[i] * at[i];
            expect_close(got[0][i * N + j], i == j ? 2 * at[i] * (s - 4) / (s * s * s) : 0, 1e-14);
            int shared = 0;
            for (int w = 0; w + 3 <= N; w++) shared += i >= w && i < w + 3 && j >= w && j < w + 3;
            expect_close(got[1][i * N + j], 2 * shared, 0);
        }
}
END_TEST

START_TEST(sparse_hessian)
{
    enum { N = 40 };
    uint64_t seed = 4;
    ag_node *x = test_parameter(g, AG_SHAPE(N), &seed, -1, 1), *y = ag_sum(bump(windows(x, 2)));
    const ag_sparse *s = ag_sparse_hessian(y, 1, &x, NULL);
    ck_assert_msg(s != NULL, "%s", ag_graph_error(g));
    ck_assert_int_eq(s->nonzeros, 3 * N - 2);
    ck_assert_int_eq(s->colours, 3);
    double dense[N * N], stored[3 * N];
    test_evaluate(2, (ag_node *[]){ ag_hessian(y, x), s->values }, NULL, (double *[]){ dense, stored });
    for (int64_t i = 0, k = 0; i < N; i++)
        for (int64_t j = 0; j < N; j++) {
            int there = k < s->row_start[i + 1] && s->column[k] == j;
            expect_close(there ? stored[k] : 0, dense[i * N + j], 1e-14);
            k += there;
        }
}
END_TEST

/* ---- without rules ----------------------------------------------------------------------------------------------- */

static const ag_op mute_op = { .name = "mute", .formula = "x", .inputs = 1, .flags = AG_POINTWISE, .f32 = bump_f32,
                               .f64 = bump_f64 };
static const ag_op stiff_op = { .name = "stiff", .formula = "window", .inputs = 1, .flags = AG_LIBRARY,
                                .attribute_size = sizeof(window), .shape = window_shape, .run = window_run,
                                .gradient = window_gradient };

START_TEST(without_rules)
{
    static const double two[] = { 0.5, 2 };
    window w = { .width = 1 };
    ag_node *x = ag_parameter(g, "x", AG_F64, AG_SHAPE(2), two), *y = ag_custom(&mute_op, 1, &x, NULL), *dx;
    ag_node *stiff = ag_custom(&stiff_op, 1, &x, &w);
    expect_close(test_number(ag_sum(y)), bump_at(0.5) + bump_at(2), 1e-15);
    ck_assert_int_eq(ag_gradient(ag_sum(ag_add(y, stiff)), 1, &x, &dx), AG_ENOGRAD);
    expect_error(g, AG_ENOGRAD, "no gradient rule", "mute");
    ck_assert(ag_is_bad(ag_jacobian(ag_add(y, x), x)));
    expect_error(g, AG_ENOGRAD, "mute");
    ag_name(stiff, "stiffness");
    ck_assert(ag_is_bad(ag_jacobian(ag_square(ag_custom(&stiff_op, 1, (ag_node *[]){ ag_sin(x) }, &w)), x)));
    expect_error(g, AG_ENOGRAD, "ag_jacobian", "several derivatives at once", "stiff");
    ck_assert(!ag_is_bad(ag_jacobian(ag_sum(stiff), x)));
}
END_TEST

/* ---- wrong descriptors and calls --------------------------------------------------------------------------------- */

typedef struct {
    const char *label;
    const char *fragment;
    ag_op op;
} wrong;

#define POINT .flags = AG_POINTWISE, .f32 = bump_f32, .f64 = bump_f64
#define CALL .flags = AG_LIBRARY, .run = window_run
#define LONG "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz"

static const wrong wrongs[] = {
    { "no name", "name", { .inputs = 1, POINT } },
    { "empty name", "name", { .name = "", .inputs = 1, POINT } },
    { "digit first", "name", { .name = "2fast", .inputs = 1, POINT } },
    { "no identifier", "name", { .name = "a b", .inputs = 1, POINT } },
    { "long name", "at most 48", { .name = LONG, .inputs = 1, POINT } },
    { "built-in name", "built-in one", { .name = "sigmoid", .inputs = 1, POINT } },
    { "name used before", "another descriptor", { .name = "bump", .inputs = 1, POINT } },
    { "no kind", "is to be one of", { .name = "a", .inputs = 1 } },
    { "two kinds", "is to be one of", { .name = "a", .inputs = 1, .flags = AG_POINTWISE | AG_LIBRARY } },
    { "a leaf", "built-in operations", { .name = "a", .inputs = 1, .flags = AG_LEAF } },
    { "an effect", "built-in operations", { .name = "a", .inputs = 1, .flags = AG_LIBRARY | AG_EFFECT } },
    { "a code", "has a code", { .name = "a", .inputs = 1, .code = 3, POINT } },
    { "no inputs", "number of inputs", { .name = "a", POINT } },
    { "many inputs", "1 to 3", { .name = "a", .inputs = 4, POINT } },
    { "any number", "1 to 3", { .name = "a", .inputs = -1, POINT } },
    { "pointwise shape", "without a rule", { .name = "a", .inputs = 1, .shape = window_shape, POINT } },
    { "no f64", "lacks a kernel", { .name = "a", .inputs = 1, .flags = AG_POINTWISE, .f32 = bump_f32 } },
    { "no f32", "lacks a kernel", { .name = "a", .inputs = 1, .flags = AG_POINTWISE, .f64 = bump_f64 } },
    { "no run", "no run", { .name = "a", .inputs = 1, .flags = AG_LIBRARY } },
    { "no view", "lacks view", { .name = "a", .inputs = 1, .flags = AG_VIEW, .shape = odd_shape } },
    { "view of two", "one input",
      { .name = "a", .inputs = 2, .flags = AG_VIEW, .shape = odd_shape, .view = odd_view } },
    { "too many operands", "takes 2", { .name = "a", .inputs = 2, POINT } },
    { "attribute missing", "attribute is NULL", { .name = "a", .inputs = 1, .attribute_size = 8, CALL } },
};

START_TEST(wrong_descriptor)
{
    ag_node *x = ag_input(g, "x", AG_F64, AG_SHAPE(4));
    ck_assert(!ag_is_bad(bump(x)));
    const wrong *w = &wrongs[_i];
    ag_node *y = ag_custom(&w->op, 1, &x, NULL);
    ck_assert_msg(ag_is_bad(y), "%s is accepted", w->label);
    expect_error(g, AG_EARG, w->fragment);
}
END_TEST

START_TEST(wrong_calls)
{
    ag_graph *other = ag_graph_new(NULL);
    ag_node *x = ag_input(g, "x", AG_F64, AG_SHAPE(4)), *i = ag_input(g, "i", AG_I64, AG_SHAPE(4)), *none = NULL;
    ag_node *foreign = ag_input(other, "f", AG_F64, AG_SHAPE(4));
    window w = { .width = 9 };
    ck_assert_ptr_null(ag_custom(&bump_op, 1, &none, NULL));
    ck_assert_ptr_null(ag_custom(&bump_op, 0, NULL, NULL));
    ck_assert(ag_is_bad(ag_custom(NULL, 1, &x, NULL)));
    expect_error(g, AG_EARG, "ag_custom", "NULL");
    ck_assert(ag_is_bad(ag_custom(&bump_op, 1, &x, &w)));
    expect_error(g, AG_EARG, "bump", "the operation has none");
    ck_assert(ag_is_bad(bump(i)));
    expect_error(g, AG_ETYPE, "bump", "'i' i64[4]");
    ck_assert(ag_is_bad(ag_custom(&length_op, 2, (ag_node *[]){ x, foreign }, NULL)));
    expect_error(g, AG_EARG, "length", "another graph");
    ck_assert(ag_is_bad(ag_custom(&length_op, 2, (ag_node *[]){ x, NULL }, NULL)));
    expect_error(g, AG_EARG, "length", "NULL");
    ck_assert(ag_is_bad(ag_custom(&window_op, 1, &x, &w)));
    expect_error(g, AG_ESHAPE, "window", "9 is too wide", "'x' f64[4]");
    ck_assert(!ag_is_bad(ag_custom(&bump_op, 1, &foreign, NULL)));
    ag_graph_free(other);
}
END_TEST

Suite *suite_custom(void)
{
    Suite *s = suite_create("custom");
    TCase *t = tcase_create("custom");
    tcase_add_checked_fixture(t, begin, end);
    tcase_add_test(t, values);
    tcase_add_test(t, broadcasting);
    tcase_add_test(t, equal_ones_are_one);
    tcase_add_test(t, gradients);
    tcase_add_test(t, forward_mode);
    tcase_add_test(t, whole_hessians);
    tcase_add_test(t, sparse_hessian);
    tcase_add_test(t, without_rules);
    tcase_add_loop_test(t, wrong_descriptor, 0, (int)COUNT(wrongs));
    tcase_add_test(t, wrong_calls);
    suite_add_tcase(s, t);
    return s;
}
