/* Losses and norms where digits are easily lost, what counts for nothing, running statistics, and wrong calls. */
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

static ag_node *vector(int64_t n, const double *x)
{
    return ag_parameter(g, NULL, AG_F64, AG_SHAPE(n), x);
}

static ag_node *matrix(int64_t rows, int64_t columns, const double *x)
{
    return ag_parameter(g, NULL, AG_F64, AG_SHAPE(rows, columns), x);
}

/* y and its sum's gradient by x. */
static void value_and_slope(ag_node *y, ag_node *x, double *value, double *slope)
{
    ag_node *out[] = { y, NULL };
    ck_assert_int_eq(ag_gradient(ag_sum(y), 1, &x, &out[1]), AG_OK);
    test_evaluate(2, out, NULL, (double *[]){ value, slope });
}

static void expect_all(int n, const double *got, const double *want)
{
    for (int i = 0; i < n; i++) expect_close(got[i], want[i], 0);
}

/* ---- losses ------------------------------------------------------------------------------------------------------ */

START_TEST(binary_cross_entropy_keeps_its_tails)
{
    const double x[] = { 1000, -1000, 1000, -1000, 40, -40, 0 }, t[] = { 1, 0, 0, 1, 1, 0, 0.25 };
    const double tail = log1p(exp(-40)), small = exp(-40) / (1 + exp(-40));
    const double want[] = { 0, 0, 1000, 1000, tail, tail, log(2) }, bend[] = { 0, 0, 1, -1, -small, small, 0.25 };
    double value[7], slope[7];
    ag_node *logits = vector(7, x);
    value_and_slope(ag_binary_cross_entropy(logits, vector(7, t), AG_EACH), logits, value, slope);
    for (int i = 0; i < 7; i++) {
        ck_assert_msg(fabs(value[i] - want[i]) <= 4e-16 * want[i], "%d: %.17g, not %.17g", i, value[i], want[i]);
        ck_assert_msg(fabs(slope[i] - bend[i]) <= 4e-16 * fabs(bend[i]), "%d: %.17g, not %.17g", i, slope[i], bend[i]);
    }
}
END_TEST

START_TEST(huber_is_linear_far_away)
{
    const double x[] = { 0, 1, 3, -INFINITY }, zero[4] = { 0 };
    const double want[] = { 0, 0.5, 4, INFINITY }, bend[] = { 0, 1, 2, -2 };
    double value[4], slope[4];
    ag_node *at = vector(4, x);
    value_and_slope(ag_huber(at, vector(4, zero), 2, AG_EACH), at, value, slope);
    expect_all(4, value, want);
    expect_all(4, slope, bend);
}
END_TEST

START_TEST(kl_div_of_what_cannot_be)
{
    const double log_p[] = { -INFINITY, -1, 0 }, q[] = { 0, 0, 1 }, want[] = { 0, 0, 0 }, bend[] = { 0, 0, -1 };
    double value[3], slope[3];
    ag_node *at = vector(3, log_p);
    value_and_slope(ag_kl_div(at, vector(3, q), AG_EACH), at, value, slope);
    expect_all(3, value, want);
    expect_all(3, slope, bend);
}
END_TEST

START_TEST(vectors_without_a_direction)
{
    const double a[] = { 0, 0, 3, 4 }, b[] = { 1, 2, 3, 4 };
    double value[2], slope[4];
    ag_node *at = matrix(2, 2, a);
    value_and_slope(ag_cosine_similarity(at, matrix(2, 2, b), 1), at, value, slope);
    expect_close(value[0], 0, 0);
    expect_close(value[1], 1, 1e-15);
    expect_close(slope[0], 1e8 / sqrt(5), 1e-15);
    expect_close(slope[1], 2e8 / sqrt(5), 1e-15);
    expect_close(slope[2], 0, 1e-15);
}
END_TEST

/* Row 1, of label -1, counts for nothing, whatever it holds; row 0 has all probability at its label. */
START_TEST(rows_that_do_not_count)
{
    const double x[] = { 40, 0, 0, NAN, 1, 1, 0, 0, 0 };
    const int64_t label[] = { 0, -1, 2 }, ignored = -1;
    const double tail = log1p(2 * exp(-40)), small = exp(-40) / (1 + 2 * exp(-40));
    double value, slope[9], each[3];
    ag_node *logits = matrix(3, 3, x), *labels = ag_constant(g, AG_I64, AG_SHAPE(3), label);
    ag_cross_entropy_options o = { .ignore = &ignored };
    value_and_slope(ag_cross_entropy_with(logits, labels, &o), logits, &value, slope);
    expect_close(value, (tail + log(3)) / 2, 1e-15);
    ck_assert_msg(fabs(slope[0] + small) <= 1e-15 * small, "%g", slope[0]);
    expect_close(slope[8], -1.0 / 3, 1e-15);
    o.reduce = AG_EACH;
    test_evaluate(1, (ag_node *[]){ ag_cross_entropy_with(logits, labels, &o) }, NULL, (double *[]){ each });
    ck_assert_msg(fabs(each[0] - tail) <= 1e-15 * tail && each[1] == 0, "%g %g", each[0], each[1]);
}
END_TEST

START_TEST(labels_that_are_no_class)
{
    ag_node *x = ag_input(g, "x", AG_F32, AG_SHAPE(2, 3)), *label = ag_input(g, "label", AG_I64, AG_SHAPE(2));
    const int64_t ignored = -100, right[] = { 2, -100 }, wrong[] = { -1, 0 };
    ag_node *loss = ag_cross_entropy_with(x, label, &(ag_cross_entropy_options){ .ignore = &ignored });
    ag_plan *p = ag_compile(g, 1, &loss, NULL);
    ag_run *r = ag_run_new(p);
    ck_assert(!ag_feed(r, x, (float[6]){ 0 }) && !ag_feed(r, label, right) && !ag_eval(r));
    expect_close(ag_item(r, loss), log(3), 1e-6);
    ck_assert(!ag_feed(r, label, wrong) && ag_eval(r) == AG_EARG);
    ck_assert_ptr_nonnull(strstr(ag_run_error(r), "element 0 is -1, none of 3 classes"));
    ag_run_free(r), ag_plan_free(p);
}
END_TEST

/* ---- norms ------------------------------------------------------------------------------------------------------- */

/* Rows of f32 far from 0, as they are, against sums in f64; all equal ones, where a rounded mean would be all. */
START_TEST(norms_far_from_zero)
{
    enum { N = 1000 };
    static float x[2 * N];
    static double got[2 * N];
    double mean = 0, variance = 0;
    uint64_t seed = 5;
    for (int i = 0; i < N; i++) x[i] = (float)(1e6 + test_random(&seed, -1, 1)), x[N + i] = 1e6f + 0.1f;
    for (int i = 0; i < N; i++) mean += x[i] / (double)N;
    for (int i = 0; i < N; i++) variance += (x[i] - mean) * (x[i] - mean) / N;
    ag_node *y = ag_layer_norm(ag_parameter(g, NULL, AG_F32, AG_SHAPE(2, N), x), 1, NULL, NULL, 0);
    test_evaluate(1, &y, NULL, (double *[]){ got });
    for (int i = 0; i < N; i++) expect_close(got[i], (x[i] - mean) / sqrt(variance + 1e-5), 1e-5);
    for (int i = N; i < 2 * N; i++) ck_assert_msg(fabs(got[i]) < 1e-6, "%g", got[i]);
}
END_TEST

START_TEST(running_statistics_follow)
{
    const double x[] = { 1, 10, 3, 14 }, two[] = { 2, 2 };
    ag_node *mean = vector(2, NULL), *variance = vector(2, two), *update;
    ag_node *y = ag_batch_norm_train(matrix(2, 2, x), NULL, NULL, AG_ZERO, mean, variance, 0, &update);
    ag_plan *p = ag_compile(g, 2, (ag_node *[]){ y, update }, NULL);
    ag_run *r = ag_run_new(p);
    double got[2];
    for (int k = 0; k < 2; k++) ck_assert_int_eq(ag_eval(r), AG_OK);
    ck_assert(((const double *)ag_data(r, y))[0] == -1 && ((const double *)ag_data(r, y))[3] == 1);
    ck_assert_int_eq(ag_fetch(r, mean, got), AG_OK);
    expect_close(got[0], 2 * 0.19, 1e-15);
    expect_close(got[1], 12 * 0.19, 1e-15);
    ck_assert_int_eq(ag_fetch(r, variance, got), AG_OK); /* of two elements: divided by one */
    expect_close(got[0], 2, 1e-15);
    expect_close(got[1], 2 * 0.81 + 8 * 0.19, 1e-15);
    ag_run_free(r), ag_plan_free(p);
}
END_TEST

/* ---- wrong calls ------------------------------------------------------------------------------------------------- */

START_TEST(messages_name_what_is_wrong)
{
    ag_node *x = ag_input(g, "x", AG_F64, AG_SHAPE(2, 3)), *v = ag_input(g, "v", AG_F64, AG_SHAPE(2)), *update;
    ag_node *label = ag_input(g, "label", AG_I64, AG_SHAPE(2)), *narrow = ag_input(g, "narrow", AG_F32, AG_SHAPE(3));
    const int64_t ignored = 0;
#define WRONG(call, status, ...)  \
    ck_assert(ag_is_bad(call)); \
    expect_error(g, status, __VA_ARGS__)
#define WITH(...) &(ag_cross_entropy_options){ __VA_ARGS__ }
    WRONG(ag_cross_entropy_with(x, label, WITH(.smoothing = 2)), AG_EARG, "cross_entropy", "smoothing is 2", "'x'");
    WRONG(ag_cross_entropy_with(x, label, WITH(.reduce = (ag_reduction)9)), AG_EARG, "cross_entropy", "9");
    WRONG(ag_cross_entropy_with(x, label, WITH(.weight = v)), AG_ESHAPE, "cross_entropy", "[3]", "'v' f64[2]");
    WRONG(ag_cross_entropy_with(x, label, WITH(.weight = narrow)), AG_ETYPE, "cross_entropy", "'narrow'");
    WRONG(ag_cross_entropy_with(x, x, WITH(.ignore = &ignored)), AG_EARG, "cross_entropy", "ignored");
    WRONG(ag_cross_entropy_with(x, ag_transpose(x, NULL), NULL), AG_ESHAPE, "cross_entropy", "f64[3,2]");
    WRONG(ag_mse(x, v, AG_MEAN), AG_ESHAPE, "mse", "'v' f64[2]");
    WRONG(ag_huber(x, x, -1, AG_MEAN), AG_EARG, "huber", "delta is -1");
    WRONG(ag_kl_div(x, label, AG_MEAN), AG_ETYPE, "kl_div", "i64");
    WRONG(ag_binary_cross_entropy(x, NULL, AG_MEAN), AG_EARG, "binary_cross_entropy", "operand 1", "NULL");
    WRONG(ag_cosine_similarity(x, x, 2), AG_ESHAPE, "cosine_similarity", "no axis 2");
    WRONG(ag_layer_norm(x, 3, NULL, NULL, 0), AG_ESHAPE, "layer_norm", "last 3 axes");
    WRONG(ag_layer_norm(x, 1, v, NULL, 0), AG_ESHAPE, "layer_norm", "'v' f64[2]");
    WRONG(ag_layer_norm(label, 1, NULL, NULL, 0), AG_ETYPE, "layer_norm", "i64");
    WRONG(ag_rms_norm(x, 0, NULL, 0), AG_ESHAPE, "rms_norm", "last 0 axes");
    WRONG(ag_rms_norm(x, 1, narrow, 0), AG_ETYPE, "rms_norm", "'narrow'");
    WRONG(ag_group_norm(x, 2, NULL, NULL, 0), AG_EARG, "group_norm", "2 groups of 3 channels");
    WRONG(ag_batch_norm(x, NULL, NULL, v, v, 0), AG_ESHAPE, "batch_norm", "[channels]");
    WRONG(ag_batch_norm(v, NULL, NULL, v, v, 0), AG_ESHAPE, "batch_norm", "[n, channels, ...]");
    WRONG(ag_batch_norm_train(x, NULL, NULL, 0, NULL, v, 0, &update), AG_EARG, "batch_norm_train", "NULL");
    WRONG(ag_batch_norm_train(ag_slice(x, 0, 0, 1, 1), NULL, NULL, 0, NULL, NULL, 0, NULL), AG_ESHAPE,
          "batch_norm_train", "one element");
    WRONG(ag_adaptive_avg_pool(x, (int64_t[]){ 1, 1 }), AG_ESHAPE, "adaptive_avg_pool", "'x' f64[2,3]");
    WRONG(ag_adaptive_avg_pool(ag_reshape(x, AG_SHAPE(1, 1, 6)), (int64_t[]){ 0 }), AG_EARG, "adaptive_avg_pool", "0");
}
END_TEST

Suite *suite_losses(void)
{
    Suite *s = suite_create("losses");
    TCase *t = tcase_create("losses");
    tcase_add_checked_fixture(t, begin, end);
    tcase_add_test(t, binary_cross_entropy_keeps_its_tails);
    tcase_add_test(t, huber_is_linear_far_away);
    tcase_add_test(t, kl_div_of_what_cannot_be);
    tcase_add_test(t, vectors_without_a_direction);
    tcase_add_test(t, rows_that_do_not_count);
    tcase_add_test(t, labels_that_are_no_class);
    tcase_add_test(t, norms_far_from_zero);
    tcase_add_test(t, running_statistics_follow);
    tcase_add_test(t, messages_name_what_is_wrong);
    suite_add_tcase(s, t);
    return s;
}
