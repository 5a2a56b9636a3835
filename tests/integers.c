/* Arithmetic on AG_I64 at its edges: 64 bits that wrap around, divisors of 0, operands of any layout, refusals. */
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

static ag_node *whole(int64_t n, const int64_t *value)
{
    return ag_parameter(g, NULL, AG_I64, AG_SHAPE(n), value);
}

static void expect_integers(ag_node *y, const int64_t *want)
{
    ck_assert_msg(!ag_is_bad(y), "%s", ag_graph_error(g));
    for (int unfused = 0; unfused < 2; unfused++) {
        ag_plan *plan = ag_compile(g, 1, &y, &(ag_options){ .unfused = unfused, .poison = unfused });
        ag_run *run = ag_run_new(plan);
        ck_assert_msg(ag_eval(run) == AG_OK, "%s", ag_run_error(run));
        const int64_t *got = ag_data(run, y);
        for (int64_t i = 0; i < ag_size_of(y); i++)
            ck_assert_msg(got[i] == want[i], "element %lld is %lld, not %lld", (long long)i, (long long)got[i],
                          (long long)want[i]);
        ag_run_free(run);
        ag_plan_free(plan);
    }
}
#define EXPECT(y, ...) expect_integers(y, (const int64_t[]){ __VA_ARGS__ })

START_TEST(they_wrap_around)
{
    ag_node *x = whole(3, (const int64_t[]){ INT64_MAX, INT64_MIN, -1 }), *one = ag_number(g, 1);
    EXPECT(ag_add(x, one), INT64_MIN, INT64_MIN + 1, 0);
    EXPECT(ag_sub(x, one), INT64_MAX - 1, INT64_MAX, -2);
    EXPECT(ag_neg(x), -INT64_MAX, INT64_MIN, 1);
    EXPECT(ag_abs(x), INT64_MAX, INT64_MIN, 1);
    EXPECT(ag_square(x), 1, 0, 1);
    EXPECT(ag_mul(x, x), 1, 0, 1);
    EXPECT(ag_floor_divide(x, ag_number(g, -1)), -INT64_MAX, INT64_MIN, 1);
    EXPECT(ag_fmod(x, ag_number(g, -1)), 0, 0, 0);
    EXPECT(ag_mul(x, ag_number(g, 0x1p62)), -((int64_t)1 << 62), 0, -((int64_t)1 << 62));
}
END_TEST

/* Doubles hold 53 bits only. */
START_TEST(all_bits_count)
{
    const int64_t large = ((int64_t)1 << 60) + 1;
    ag_node *x = whole(2, (const int64_t[]){ large, large - 1 });
    EXPECT(ag_add(x, ag_number(g, 2)), large + 2, large + 1);
    EXPECT(ag_greater(x, ag_flip(x, 0)), 1, 0);
    EXPECT(ag_equal(x, ag_flip(x, 0)), 0, 0);
    EXPECT(ag_where(ag_less(x, ag_flip(x, 0)), ag_number(g, -1), x), large, -1);
}
END_TEST

START_TEST(division_is_towards_minus_infinity)
{
    ag_node *x = whole(4, (const int64_t[]){ 7, -7, 6, -6 });
    EXPECT(ag_floor_divide(x, ag_number(g, 3)), 2, -3, 2, -2);
    EXPECT(ag_floor_divide(x, ag_number(g, -3)), -3, 2, -2, 2);
    EXPECT(ag_fmod(x, ag_number(g, 3)), 1, -1, 0, 0);
}
END_TEST

START_TEST(rows_and_columns_of_indices)
{
    ag_node *i = ag_arange(g, AG_I64, 6), *two = ag_number(g, 2);
    ag_node *square = ag_reshape(i, AG_SHAPE(2, 3));
    EXPECT(ag_add(ag_transpose(square, NULL), ag_number(g, 10)), 10, 13, 11, 14, 12, 15);
    EXPECT(ag_mul(ag_slice(i, 0, 5, AG_END, -2), two), 10, 6, 2);
    ag_node *row = ag_mul(ag_reshape(ag_arange(g, AG_I64, 2), AG_SHAPE(2, 1)), ag_number(g, 100));
    EXPECT(ag_add(row, ag_arange(g, AG_I64, 3)), 0, 1, 2, 100, 101, 102);
    EXPECT(ag_tril(ag_add(square, ag_number(g, 1)), 0), 1, 0, 0, 4, 5, 0);
    /* the columns of a row-major matrix that flat positions are in */
    ag_node *x = ag_constant(g, AG_F64, AG_SHAPE(3), (const double[]){ 5, 7, 9 });
    ag_node *taken = ag_gather(x, 0, ag_sub(i, ag_mul(ag_floor_divide(i, ag_number(g, 3)), ag_number(g, 3))));
    ck_assert(ag_value(ag_sum(ag_mul(taken, ag_cast(i, AG_F64)))) == 5 * 3 + 7 * 5 + 9 * 7);
}
END_TEST

/* Nothing has changed then, and the next evaluation is fine. */
START_TEST(a_divisor_of_zero_fails_the_evaluation)
{
    ag_node *b = ag_input(g, "b", AG_I64, AG_SHAPE(3)), *p = whole(3, (const int64_t[]){ 9, 9, 9 });
    ag_node *y[] = { ag_floor_divide(p, b), ag_assign(p, b) };
    ag_plan *plan = ag_compile(g, 2, y, NULL);
    ag_run *run = ag_run_new(plan);
    ag_feed(run, b, (const int64_t[]){ 2, 0, 1 });
    ck_assert_int_eq(ag_eval(run), AG_EARG);
    ck_assert_msg(strstr(ag_run_error(run), "floor_divide") && strstr(ag_run_error(run), "element 1"), "%s",
                  ag_run_error(run));
    ck_assert_int_eq(((const int64_t *)ag_data(run, p))[1], 9);
    ag_feed(run, b, (const int64_t[]){ 2, 4, 1 });
    ck_assert_int_eq(ag_eval(run), AG_OK);
    ck_assert_int_eq(((const int64_t *)ag_data(run, p))[1], 4);
    ag_run_free(run);
    ag_plan_free(plan);
}
END_TEST

static void expect_refused(ag_node *y, ag_status status, const char *name, const char *part)
{
    ck_assert(ag_is_bad(y));
    ck_assert_int_eq(ag_graph_status(g), status);
    ck_assert_msg(!strncmp(ag_graph_error(g), name, strlen(name)) && strstr(ag_graph_error(g), part), "%s",
                  ag_graph_error(g));
    ag_graph_clear(g);
}

START_TEST(what_is_refused)
{
    ag_node *i = ag_input(g, "i", AG_I64, AG_SHAPE(3)), *x = ag_input(g, "x", AG_F64, AG_SHAPE(3)), *d;
    expect_refused(ag_add(i, ag_number(g, 0.5)), AG_EARG, "add", "0.5 is not whole");
    expect_refused(ag_add(i, ag_number(g, 1e30)), AG_EARG, "add", "not whole");
    expect_refused(ag_add(i, ag_number(g, NAN)), AG_EARG, "add", "not whole");
    expect_refused(ag_mul(i, x), AG_ETYPE, "mul", "types differ");
    expect_refused(ag_where(x, i, x), AG_ETYPE, "where", "types differ");
    expect_refused(ag_add(i, ag_input(g, NULL, AG_I64, AG_SHAPE(4))), AG_ESHAPE, "add", "broadcast");
    expect_refused(ag_floor_divide(x, x), AG_ETYPE, "floor_divide", "ag_floor(ag_div(a, b))");
    expect_refused(ag_div(i, i), AG_ETYPE, "div", "i64");
    expect_refused(ag_exp(i), AG_ETYPE, "exp", "i64");
    ck_assert(ag_gradient(ag_sum(ag_mul(x, ag_cast(ag_square(i), AG_F64))), 1, &i, &d) == AG_ENOGRAD);
}
END_TEST

Suite *suite_integers(void)
{
    Suite *s = suite_create("integers");
    TCase *t = tcase_create("integers");
    tcase_add_checked_fixture(t, begin, end);
    tcase_add_test(t, they_wrap_around);
    tcase_add_test(t, all_bits_count);
    tcase_add_test(t, division_is_towards_minus_infinity);
    tcase_add_test(t, rows_and_columns_of_indices);
    tcase_add_test(t, a_divisor_of_zero_fails_the_evaluation);
    tcase_add_test(t, what_is_refused);
    suite_add_tcase(s, t);
    return s;
}
