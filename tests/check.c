/* The checker of gradients: it passes what is right, and finds each planted fault where it is. */
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

/* ---- operations with faults -------------------------------------------------------------------------------------- */

static void sine_f64(int64_t n, double *out, const double *a, const double *b, const double *c)
{
    (void)b, (void)c;
    for (int64_t i = 0; i < n; i++) out[i] = sin(a[i]);
}

static void sine_f32(int64_t n, float *out, const float *a, const float *b, const float *c)
{
    (void)b, (void)c;
    for (int64_t i = 0; i < n; i++) out[i] = sinf(a[i]);
}

static void right(ag_node *y, ag_node *gout, ag_node *gin[])
{
    gin[0] = ag_mul(gout, ag_cos(y->in[0]));
}

static void wrong_sign(ag_node *y, ag_node *gout, ag_node *gin[])
{
    gin[0] = ag_neg(ag_mul(gout, ag_cos(y->in[0])));
}

static void factor_of_two(ag_node *y, ag_node *gout, ag_node *gin[])
{
    gin[0] = ag_scale(ag_mul(gout, ag_cos(y->in[0])), 2);
}

static void constant_to_second_order(ag_node *y, ag_node *gout, ag_node *gin[])
{
    gin[0] = ag_mul(gout, ag_stop_gradient(ag_cos(y->in[0])));
}

static void not_linear(ag_node *y, ag_node *gout, ag_node *gin[])
{
    gin[0] = ag_mul(ag_square(gout), ag_cos(y->in[0]));
}

#define SINE(rule)                                                                                               \
    { .name = "sine", .formula = "sin x", .inputs = 1, .flags = AG_POINTWISE, .gradient = rule, .f32 = sine_f32, \
      .f64 = sine_f64 }
static const ag_op sine = SINE(right), sine_sign = SINE(wrong_sign), sine_factor = SINE(factor_of_two),
                   sine_second = SINE(constant_to_second_order), sine_not_linear = SINE(not_linear);

/* a b with a row a and a matrix b: the sum over the rows is missing, only the first contributes. */
static void missing_sum(ag_node *y, ag_node *gout, ag_node *gin[])
{
    ag_node *products = ag_mul(gout, y->in[1]);
    if (ag_wanted(y, 0)) gin[0] = ag_slice(products, 0, 0, 1, 1);
    if (ag_wanted(y, 1)) gin[1] = ag_mul(gout, y->in[0]);
}

static const ag_op scaled_columns = { .name = "scaled_columns", .formula = "a b", .inputs = 2, .flags = AG_ALIAS,
                                      .gradient = missing_sum };

/* x^2 whose derivative is off by a thousandth at element 777. */
enum { MANY = 1000, OFF = 777 };

static void off_at_one_element(ag_node *y, ag_node *gout, ag_node *gin[])
{
    double factor[MANY];
    for (int i = 0; i < MANY; i++) factor[i] = i == OFF ? 2.002 : 2;
    gin[0] = ag_mul(gout, ag_mul(y->in[0], ag_constant(y->graph, AG_F64, AG_SHAPE(MANY), factor)));
}

static const ag_op squares = { .name = "squares", .formula = "x^2", .inputs = 1, .flags = AG_ALIAS,
                               .gradient = off_at_one_element };

/* ---- what is right passes ---------------------------------------------------------------------------------------- */

START_TEST(a_right_gradient_passes)
{
    ag_node *a = ag_input(g, "a", AG_F64, AG_SHAPE(3)), *b = ag_input(g, "b", AG_F64, AG_SHAPE(2, 3));
    ag_node *c = ag_parameter(g, "c", AG_F64, AG_SHAPE(2, 1), (double[]){ -1.5, 300 });
    ag_node *y = ag_mul(ag_sigmoid(ag_mul(a, b)), ag_add(c, ag_exp(a)));
    ag_check_report r;
    ck_assert_int_eq(ag_check_gradient(y, 3, (ag_node *[]){ a, b, c }, NULL, &r), AG_OK);
    ck_assert_msg(r.error <= 1e-9, "%s", r.message);
    ck_assert_int_eq(r.compared, 2 * (1 + 3 + 6 + 2));
    expect_well(g);
}
END_TEST

START_TEST(a_right_operation_of_ones_own_passes)
{
    ag_node *x = ag_input(g, "x", AG_F64, AG_SHAPE(5));
    ag_check_report r;
    ck_assert_int_eq(ag_check_gradient(ag_unary(&sine, x), 1, &x, NULL, &r), AG_OK);
    ck_assert_msg(r.error <= 1e-9, "%s", r.message);
}
END_TEST

/* Kinks closer to x than the first step, and a domain that the first step leaves. */
START_TEST(roughness_near_by_does_not_disturb)
{
    ag_node *x = ag_parameter(g, "x", AG_F64, AG_SHAPE(4), (double[]){ 1e-3, -1e-3, 2e-3, -1 });
    ag_node *p = ag_parameter(g, "p", AG_F64, AG_SHAPE(2), (double[]){ 1e-3, 1e-2 });
    ag_check_report r;
    ck_assert_msg(ag_check_gradient(ag_relu(ag_abs(x)), 1, &x, NULL, &r) == AG_OK, "%s", r.message);
    ck_assert_msg(ag_check_gradient(ag_log(p), 1, &p, NULL, &r) == AG_OK, "%s", r.message);
}
END_TEST

START_TEST(many_elements_are_sampled)
{
    ag_node *x = ag_input(g, "x", AG_F64, AG_SHAPE(100, 100)), *unused = ag_input(g, "unused", AG_F64, AG_SHAPE(7));
    ag_check_report r;
    ck_assert_int_eq(ag_check_gradient(ag_square(x), 2, (ag_node *[]){ unused, x }, NULL, &r), AG_OK);
    ck_assert_int_le(r.compared, 100);
}
END_TEST

/* y = x^3 and its derivative 3 x^2 at the run's x. */
START_TEST(a_run_tells_where)
{
    ag_node *x = ag_input(g, "x", AG_F64, AG_SCALAR), *k = ag_input(g, "k", AG_I64, AG_SHAPE(2));
    ag_node *p = ag_parameter(g, "p", AG_F64, AG_SHAPE(3), (double[]){ 1, 2, 3 });
    ag_node *y = ag_mul(ag_pow(x, ag_number(g, 3)), ag_sum(ag_gather(p, 0, k)));
    ag_plan *plan = ag_compile(g, 1, &y, NULL);
    ag_run *run = ag_run_new(plan);
    ck_assert_int_eq(ag_feed(run, x, &(double){ 5 }), AG_OK);
    ck_assert_int_eq(ag_feed(run, k, (int64_t[]){ 2, 1 }), AG_OK);
    ag_check_options o = { .orders = 1, .at = run };
    ag_check_report r;
    ck_assert_msg(ag_check_gradient(y, 1, &x, &o, &r) == AG_OK, "%s", r.message);
    expect_close(r.analytic, 3 * 25 * 5, 1e-12);
    expect_close(r.numeric, 3 * 25 * 5, 1e-9);
    ag_run_free(run);
    ag_plan_free(plan);
}
END_TEST

/* ---- what is wrong is found -------------------------------------------------------------------------------------- */

static void expect_found(ag_node *y, int n, ag_node *const x[], ag_status status, int order, int input, int64_t index)
{
    ag_check_report r;
    ag_status got = ag_check_gradient(y, n, x, NULL, &r);
    expect_well(g);
    ck_assert_msg(got == status, "status %d: %s", (int)got, r.message);
    ck_assert_int_eq(r.order, order);
    ck_assert_int_eq(r.input, input);
    if (index >= 0) ck_assert_int_eq(r.index, index);
}

START_TEST(a_wrong_sign_is_found)
{
    ag_node *a = ag_input(g, "a", AG_F64, AG_SHAPE(3)), *b = ag_input(g, "b", AG_F64, AG_SHAPE(3));
    expect_found(ag_mul(ag_sin(a), ag_unary(&sine_sign, b)), 2, (ag_node *[]){ a, b }, AG_EARG, 1, 1, -1);
    ag_check_report r;
    ag_node *x = ag_parameter(g, "x", AG_F64, AG_SCALAR, (double[]){ 0 }), *y = ag_unary(&sine_sign, x);
    ck_assert_int_eq(ag_check_gradient(y, 1, &x, NULL, &r), AG_EARG);
    expect_close(r.analytic, -1, 1e-12);
    expect_close(r.numeric, 1, 1e-9);
    expect_close(r.error, 2, 1e-9);
    ck_assert_ptr_nonnull(strstr(r.message, "'x'"));
}
END_TEST

START_TEST(a_factor_of_two_is_found)
{
    ag_node *a = ag_input(g, "a", AG_F64, AG_SHAPE(3)), *b = ag_input(g, "b", AG_F64, AG_SHAPE(3));
    expect_found(ag_mul(ag_sin(a), ag_unary(&sine_factor, b)), 2, (ag_node *[]){ a, b }, AG_EARG, 1, 1, -1);
}
END_TEST

START_TEST(a_missing_sum_over_what_was_broadcast_is_found)
{
    ag_node *x[] = { ag_input(g, "b", AG_F64, AG_SHAPE(2, 3)), ag_input(g, "a", AG_F64, AG_SHAPE(1, 3)) };
    ag_node *y = ag_define(&scaled_columns, 2, (ag_node *[]){ x[1], x[0] }, NULL, ag_mul(x[1], x[0]));
    expect_found(y, 2, x, AG_EARG, 1, 1, -1);
}
END_TEST

START_TEST(a_fault_of_second_order_is_found)
{
    ag_node *x = ag_parameter(g, "x", AG_F64, AG_SCALAR, (double[]){ 1 });
    expect_found(ag_unary(&sine_second, x), 1, &x, AG_EARG, 2, 0, 0);
    ag_check_options first = { .orders = 1 };
    ck_assert_int_eq(ag_check_gradient(ag_unary(&sine_second, x), 1, &x, &first, NULL), AG_OK);
}
END_TEST

START_TEST(one_wrong_element_of_many_is_found)
{
    ag_node *a = ag_input(g, "a", AG_F64, AG_SHAPE(20, 5)), *x = ag_input(g, "x", AG_F64, AG_SHAPE(MANY));
    ag_node *y = ag_add(ag_sum(ag_exp(a)), ag_define(&squares, 1, &x, NULL, ag_square(x)));
    expect_found(y, 2, (ag_node *[]){ a, x }, AG_EARG, 1, 1, OFF);
}
END_TEST

START_TEST(not_a_number_never_passes)
{
    ag_node *x = ag_parameter(g, "x", AG_F64, AG_SHAPE(3), (double[]){ 1, 0, 4 });
    ag_node *negative = ag_parameter(g, "negative", AG_F64, AG_SCALAR, (double[]){ -1 });
    expect_found(ag_sqrt(x), 1, &x, AG_ENAN, 1, 0, 1); /* an infinite slope */
    expect_found(ag_log(negative), 1, &negative, AG_ENAN, 1, 0, 0);
    ag_check_options o = { .tolerance = INFINITY };
    ag_check_report r;
    ck_assert_int_eq(ag_check_gradient(ag_log(negative), 1, &negative, &o, &r), AG_ENAN);
}
END_TEST

/* ---- wrong calls ------------------------------------------------------------------------------------------------- */

START_TEST(wrong_calls_say_so)
{
    ag_node *x = ag_input(g, "x", AG_F64, AG_SHAPE(2)), *f = ag_input(g, "f", AG_F32, AG_SHAPE(2)), *y = ag_sin(x);
    ag_check_report r;
    ck_assert_int_eq(ag_check_gradient(NULL, 1, &x, NULL, &r), AG_EARG);
    ck_assert_int_eq(ag_check_gradient(y, 1, NULL, NULL, &r), AG_EARG);
    ck_assert_int_eq(ag_check_gradient(y, 1, &(ag_node *){ NULL }, NULL, &r), AG_EARG);
    expect_error(g, AG_EARG, "x[0] is NULL");
    ck_assert_int_eq(ag_check_gradient(y, 0, NULL, NULL, &r), AG_EARG);
    expect_error(g, AG_EARG, "ag_check_gradient");
    ck_assert_int_eq(ag_check_gradient(ag_exp(f), 1, &f, NULL, &r), AG_ETYPE);
    expect_error(g, AG_ETYPE, "y is not f64");
    ck_assert_int_eq(ag_check_gradient(ag_exp(y), 1, &y, NULL, &r), AG_EARG);
    expect_error(g, AG_EARG, "x[0] is neither input nor parameter");
    ck_assert_int_eq(ag_check_gradient(y, 2, (ag_node *[]){ x, x }, NULL, &r), AG_EARG);
    expect_error(g, AG_EARG, "x[0] and x[1] are the same node");
    ck_assert_int_eq(ag_check_gradient(y, 1, &x, &(ag_check_options){ .tolerance = NAN }, &r), AG_EARG);
    expect_error(g, AG_EARG, "tolerance");
    ck_assert_int_eq(ag_check_gradient(ag_add(x, f), 1, &x, NULL, &r), AG_ETYPE);
    ck_assert_str_eq(r.message, ag_graph_error(g));
    expect_error(g, AG_ETYPE, "add");
    ck_assert_int_eq(ag_check_gradient(y, 1, &x, NULL, NULL), AG_OK); /* a report is not needed */
}
END_TEST

START_TEST(a_run_without_the_leaf_does_not_tell_where)
{
    ag_node *x = ag_input(g, "x", AG_F64, AG_SCALAR), *p = ag_parameter(g, "p", AG_F64, AG_SCALAR, NULL);
    ag_plan *plan = ag_compile(g, 1, &p, NULL);
    ag_run *run = ag_run_new(plan);
    ag_check_report r;
    ck_assert_int_eq(ag_check_gradient(ag_mul(x, p), 1, &x, &(ag_check_options){ .at = run }, &r), AG_EARG);
    ck_assert_str_ne(r.message, "");
    ag_run_free(run);
    ag_plan_free(plan);
}
END_TEST

/* Forward mode rests on rules that are linear in gout: one that is not is refused. */
START_TEST(a_rule_that_is_not_linear_is_refused)
{
    ag_node *x = ag_input(g, "x", AG_F64, AG_SCALAR), *v = ag_input(g, "v", AG_F64, AG_SCALAR), *dy;
    ag_node *y = ag_unary(&sine_not_linear, x);
    ck_assert_int_eq(ag_jvp(1, &x, &v, 1, &y, &dy), AG_ENOGRAD);
    ck_assert(ag_is_bad(dy));
    expect_error(g, AG_ENOGRAD, "not linear");
}
END_TEST

Suite *suite_check(void)
{
    Suite *s = suite_create("check");
    TCase *c = tcase_create("check");
    tcase_add_checked_fixture(c, begin, end);
    const TTest *const test[] = { a_right_gradient_passes, a_right_operation_of_ones_own_passes,
                                  roughness_near_by_does_not_disturb, many_elements_are_sampled, a_run_tells_where,
                                  a_wrong_sign_is_found, a_factor_of_two_is_found,
                                  a_missing_sum_over_what_was_broadcast_is_found, a_fault_of_second_order_is_found,
                                  one_wrong_element_of_many_is_found, not_a_number_never_passes, wrong_calls_say_so,
                                  a_run_without_the_leaf_does_not_tell_where, a_rule_that_is_not_linear_is_refused };
    for (size_t i = 0; i < COUNT(test); i++) tcase_add_test(c, test[i]);
    suite_add_tcase(s, c);
    return s;
}
