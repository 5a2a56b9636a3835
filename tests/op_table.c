/* The table of operations, walked: every row is tried, and every registered operation has a row. */
#include "op_table.h"

/* ---- the rows as loop indices ----------------------------------------------------------------------------------- */

/* All rows that are not pointwise, one after the other. */
const struct op_rows op_tables[OP_TABLES] = { { op_reductions, &op_reductions_count }, { op_moves, &op_moves_count },
                                              { op_products, &op_products_count }, { op_conv, &op_conv_count },
                                              { op_linalg, &op_linalg_count }, { op_loops, &op_loops_count },
                                              { op_random, &op_random_count }, { op_integers, &op_integers_count },
                                              { op_networks, &op_networks_count } };

const op_row *op_row_at(size_t i)
{
    int t = 0;
    for (; t < OP_TABLES - 1 && i >= *op_tables[t].count; t++) i -= *op_tables[t].count;
    return &op_tables[t].row[i];
}

size_t op_row_count(void)
{
    size_t n = 0;
    for (int t = 0; t < OP_TABLES; t++) n += *op_tables[t].count;
    return n;
}

static void each_variant(const op_point *p, void (*check)(const op_case *))
{
    for (int v = 0; v < op_variants(p->n); v++) {
        op_case c = op_case_of_point(p, v);
        check(&c);
        op_case_free(&c);
    }
}

static void one_row(size_t i, void (*check)(const op_case *))
{
    op_case c = op_case_of_row(op_row_at(i));
    check(&c);
    op_case_free(&c);
}

START_TEST(point_values)
{
    each_variant(&op_points[_i], op_check_values);
}
END_TEST

START_TEST(point_plans)
{
    each_variant(&op_points[_i], op_check_plans);
}
END_TEST

START_TEST(point_gradients)
{
    each_variant(&op_points[_i], op_check_gradients);
}
END_TEST

START_TEST(point_errors)
{
    each_variant(&op_points[_i], op_check_errors);
}
END_TEST

START_TEST(point_special_values)
{
    op_check_special(&op_points[_i]);
}
END_TEST

START_TEST(row_values)
{
    one_row((size_t)_i, op_check_values);
}
END_TEST

START_TEST(row_plans)
{
    one_row((size_t)_i, op_check_plans);
}
END_TEST

START_TEST(row_gradients)
{
    one_row((size_t)_i, op_check_gradients);
}
END_TEST

START_TEST(row_errors)
{
    one_row((size_t)_i, op_check_errors);
}
END_TEST

/* ---- the registry ----------------------------------------------------------------------------------------------- */

static const ag_op *const registry[] = {
#define NODE(name) &agi_##name,
#include "nodes.def"
#undef NODE
};

static const char *const registered[] = {
#define NODE(name) #name,
#include "nodes.def"
#undef NODE
};

/* Some rows are simplified away, the sum of one number, say; one at least must hold the operation. */
static int has_row(const char *op)
{
    int elsewhere = strcmp(op, "input") == 0 || strcmp(op, "unpart") == 0; /* no result of a row holds these */
    for (size_t i = 0; i < op_points_count + op_row_count(); i++) {
        int point = i < op_points_count;
        if (strcmp(point ? op_points[i].op : op_row_at(i - op_points_count)->op, op)) continue;
        op_case c = point ? op_case_of_point(&op_points[i], 2) : op_case_of_row(op_row_at(i - op_points_count));
        int found = op_reached(&c) || elsewhere;
        op_case_free(&c);
        if (found) return 1;
    }
    return 0;
}

START_TEST(every_operation_has_a_row)
{
    char missing[1024] = "";
    for (size_t i = 0; i < COUNT(registry); i++)
        if (!has_row(registry[i]->name))
            snprintf(missing + strlen(missing), 1024 - strlen(missing), " %s", registry[i]->name);
    ck_assert_msg(!*missing, "no row in the table:%s", missing);
}
END_TEST

START_TEST(every_row_is_of_an_operation)
{
    for (size_t i = 0; i < op_points_count + op_row_count(); i++) {
        const char *op = i < op_points_count ? op_points[i].op : op_row_at(i - op_points_count)->op;
        size_t k = 0;
        while (k < COUNT(registry) && strcmp(registry[k]->name, op)) k++;
        ck_assert_msg(k < COUNT(registry), "'%s' is not registered", op);
    }
}
END_TEST

START_TEST(every_descriptor_is_whole)
{
    for (size_t i = 0; i < COUNT(registry); i++) {
        const ag_op *op = registry[i];
        const unsigned kinds[] = { AG_POINTWISE, AG_REDUCTION, AG_VIEW,   AG_ALIAS,
                                   AG_LEAF,      AG_LIBRARY,   AG_EFFECT, AG_CAST, AG_LOOP, AG_PART };
        int kind = 0;
        for (size_t k = 0; k < COUNT(kinds); k++) kind += (op->flags & kinds[k]) != 0;
        ck_assert_str_eq(op->name, registered[i]);
        ck_assert_msg(op->formula && *op->formula, "%s has no formula", op->name);
        ck_assert_msg(kind == 1, "%s is of %d kinds", op->name, kind);
        ck_assert_msg(op->flags & AG_LEAF || op->gradient, "%s has neither a gradient rule nor ag_zero_gradient",
                      op->name);
        ck_assert_msg(!(op->flags & AG_VIEW) || op->view, "%s has no strides", op->name);
        ck_assert_msg(!(op->flags & AG_POINTWISE) || op->code || op->f64, "%s has no arithmetic", op->name);
        int computed = op->flags & AG_LIBRARY && op != &agi_unpart; /* which only carries gradients into loops */
        ck_assert_msg(!computed || op->run || op->flags & AG_PRODUCT, "%s has no kernel", op->name);
        for (size_t k = 0; k < i; k++) ck_assert_str_ne(op->name, registry[k]->name);
    }
}
END_TEST

/* ---- what the pointwise table cannot say ------------------------------------------------------------------------ */

static double of_vector(ag_node *(*f)(ag_node *), double a, double b)
{
    ag_graph *g = ag_graph_new(NULL);
    double y = test_number(f(ag_parameter(g, NULL, AG_F64, AG_SHAPE(2), (double[]){ a, b })));
    ag_graph_free(g);
    return y;
}

#define expect_vector(f, a, b, want) expect_close(of_vector(f, a, b), want, 1e-15)

START_TEST(reductions_of_special_values)
{
    const double inf = INFINITY;
    expect_vector(ag_sum, inf, 1, inf);
    expect_vector(ag_sum, inf, -inf, NAN);
    expect_vector(ag_sum, NAN, 1, NAN);
    expect_vector(ag_sum, 1e308, 1e308, inf);
    expect_vector(ag_mean, -inf, 5, -inf);
    expect_vector(ag_prod, inf, -2, -inf);
    expect_vector(ag_prod, inf, 0, NAN);
    expect_vector(ag_amax, NAN, 1, NAN);
    expect_vector(ag_amax, 1, NAN, NAN);
    expect_vector(ag_amax, -inf, -inf, -inf);
    expect_vector(ag_amax, -inf, inf, inf);
    expect_vector(ag_amin, NAN, 1, NAN);
    expect_vector(ag_amin, 1, NAN, NAN);
    expect_vector(ag_amin, inf, inf, inf);
    expect_vector(ag_amin, -inf, inf, -inf);
    expect_vector(ag_logsumexp, 1000, 1000, 1000 + log(2));
    expect_vector(ag_logsumexp, -1000, -1000, -1000 + log(2));
    expect_vector(ag_logsumexp, -inf, 3, 3);
    expect_vector(ag_logsumexp, -inf, -inf, -inf);
    expect_vector(ag_logsumexp, inf, 3, inf);
    expect_vector(ag_logsumexp, NAN, 3, NAN);
}
END_TEST

/* The extremum of n elements with a NaN at any place, through all the ways to reduce. */
START_TEST(extrema_see_every_nan)
{
    const int64_t n = 131;
    for (int64_t at = 0; at < n; at += 13) {
        ag_graph *g = ag_graph_new(NULL);
        double x[131], value[4], *out[] = { &value[0], &value[1], &value[2], &value[3] };
        for (int64_t i = 0; i < n; i++) x[i] = (double)i;
        x[at] = NAN;
        ag_node *p = ag_parameter(g, NULL, AG_F64, AG_SHAPE(n), x), *column = ag_reshape(p, AG_SHAPE(n, 1));
        ag_node *y[] = { ag_amax(p), ag_amin(p), ag_amax_axis(column, 0, 1), ag_argmax(p, 0) };
        test_evaluate(4, y, NULL, out);
        for (int k = 0; k < 3; k++) ck_assert_msg(isnan(value[k]), "%d does not see the NaN at %d", k, (int)at);
        ck_assert_int_eq((int)value[3], (int)at);
        ag_graph_free(g);
    }
}
END_TEST

START_TEST(softmax_of_special_values)
{
    const double inf = INFINITY, x[] = { 1000, 1000, -inf, 0, -1000, -1001, 800, -800 };
    double y[8], z[8], *out[] = { y, z };
    ag_graph *g = ag_graph_new(NULL);
    ag_node *p = ag_parameter(g, NULL, AG_F64, AG_SHAPE(4, 2), x);
    test_evaluate(2, (ag_node *[]){ ag_softmax(p, 1), ag_log_softmax(p, 1) }, NULL, out);
    const double e = exp(-1), want[] = { 0.5, 0.5, 0, 1, 1 / (1 + e), e / (1 + e), 1, 0 };
    const double log_want[] = { -log(2), -log(2), -inf, 0, -log1p(e), -1 - log1p(e), 0, -1600 };
    for (int i = 0; i < 8; i++) {
        expect_close(y[i], want[i], 1e-15);
        expect_close(z[i], log_want[i], 1e-15);
    }
    ag_graph_free(g);
}
END_TEST

START_TEST(the_first_of_equal_maxima)
{
    double x[100] = { 0 }, value, *out = &value;
    ag_graph *g = ag_graph_new(NULL);
    x[37] = x[38] = x[99] = 5;
    ag_node *y = ag_argmax(ag_parameter(g, NULL, AG_F64, AG_SHAPE(100), x), 0);
    test_evaluate(1, &y, NULL, &out);
    ck_assert_int_eq((int)value, 37);
    ag_graph_free(g);
}
END_TEST

/* The value of f and its gradient at x, all in f64. */
static void with_gradient(ag_node *(*f)(ag_node *), int n, const double *x, double *value, double *slope)
{
    ag_graph *g = ag_graph_new(NULL);
    ag_node *p = ag_parameter(g, NULL, AG_F64, AG_SHAPE(n), x), *y = f(p), *d;
    ck_assert_int_eq(ag_gradient(ag_sum(y), 1, &p, &d), AG_OK);
    test_evaluate(2, (ag_node *[]){ y, d }, NULL, (double *[]){ value, slope });
    ag_graph_free(g);
}

static ag_node *products(ag_node *x)
{
    return ag_cumprod(x, 0);
}

START_TEST(running_products_with_zeros)
{
    for (int zeros = 0; zeros < 1 << 5; zeros++) {
        double x[5] = { 2, -3, 0.5, 7, -1.5 }, value[5], slope[5];
        for (int i = 0; i < 5; i++) x[i] = zeros >> i & 1 ? 0 : x[i];
        with_gradient(products, 5, x, value, slope);
        for (int k = 0; k < 5; k++) {
            double sum = 0;
            for (int j = k; j < 5; j++) {
                double product = 1;
                for (int i = 0; i <= j; i++) product *= i == k ? 1 : x[i];
                sum += product;
            }
            expect_close(slope[k], sum, 1e-15);
        }
    }
}
END_TEST

static ag_node *running(ag_node *x)
{
    return ag_logcumsumexp(x, 0);
}

static ag_node *deviation(ag_node *x)
{
    return ag_std(x, 1);
}

static ag_node *length(ag_node *x)
{
    return ag_norm(x, 2);
}

static ag_node *largest_of(ag_node *x)
{
    return ag_norm(x, INFINITY);
}

START_TEST(extremes_of_sums)
{
    const double inf = INFINITY;
    const struct {
        ag_node *(*f)(ag_node *);
        double x[3], value[3], slope[3]; /* values of rank 0: the first */
    } row[] = {
        { running, { -inf, -inf, 3 }, { -inf, -inf, 3 }, { 0, 0, 1 } },
        { running, { 1000, -1000, 1000 }, { 1000, 1000, 1000 + log(2) }, { 2.5, 0, 0.5 } },
        { deviation, { 1e9, 1e9 + 1, 1e9 + 2 }, { 1 }, { -0.5, 0, 0.5 } },
        { deviation, { 4, 4, 4 }, { 0 }, { 0, 0, 0 } },
        { length, { 3e200, 0, -4e200 }, { 5e200 }, { 0.6, 0, -0.8 } },
        { length, { 3e-310, 0, 4e-310 }, { 5e-310 }, { 0.6, 0, 0.8 } },
        { length, { 0, 0, 0 }, { 0 }, { 0, 0, 0 } },
        { length, { inf, 1, 2 }, { inf }, { NAN, 0, 0 } },
        { largest_of, { -3, 1, 3 }, { 3 }, { -0.5, 0, 0.5 } },
        { largest_of, { 0, 0, 0 }, { 0 }, { 0, 0, 0 } },
    };
    for (size_t i = 0; i < COUNT(row); i++) {
        double value[3] = { 0 }, slope[3];
        with_gradient(row[i].f, 3, row[i].x, value, slope);
        for (int k = 0; k < 3; k++) {
            ck_assert_msg(test_close(value[k], row[i].value[k], 1e-14), "row %d: %.17g", (int)i, value[k]);
            ck_assert_msg(test_close(slope[k], row[i].slope[k], 1e-13), "row %d: slope %.17g", (int)i, slope[k]);
        }
    }
}
END_TEST

START_TEST(order_of_equals_and_nans)
{
    const double x[] = { 1, NAN, 1, -INFINITY, NAN, 0 };
    const int64_t whole[] = { 1, 9, 1, INT64_MIN, 9, 0 };
    static const int want[2][6] = { { 3, 5, 0, 2, 1, 4 }, { 1, 4, 0, 2, 5, 3 } };
    for (int descending = 0; descending < 2; descending++) {
        ag_graph *g = ag_graph_new(NULL);
        ag_node *p = ag_parameter(g, NULL, AG_F64, AG_SHAPE(6), x), *k = ag_constant(g, AG_I64, AG_SHAPE(6), whole);
        double at[2][6], sorted[2][6];
        ag_node *y[] = { ag_argsort(p, 0, descending), ag_argsort(k, 0, descending), ag_sort(p, 0, descending),
                         ag_sort(k, 0, descending) };
        test_evaluate(4, y, NULL, (double *[]){ at[0], at[1], sorted[0], sorted[1] });
        for (int i = 0; i < 6; i++) {
            int from = want[descending][i];
            ck_assert_int_eq((int)at[0][i], from);
            ck_assert_int_eq((int)at[1][i], from);
            ck_assert(isnan(x[from]) ? isnan(sorted[0][i]) : sorted[0][i] == x[from]);
            ck_assert(sorted[1][i] == (double)whole[from]);
        }
        ag_graph_free(g);
    }
}
END_TEST

/* The slope of the k-th of two operands; a rule says what it is where two formulas meet. */
static double slope_at(ag_node *(*f)(ag_node *, ag_node *), double a, double b, int k)
{
    ag_graph *g = ag_graph_new(NULL);
    ag_node *x[] = { ag_parameter(g, NULL, AG_F64, AG_SCALAR, &a), ag_parameter(g, NULL, AG_F64, AG_SCALAR, &b) };
    ag_node *d[2];
    ck_assert_int_eq(ag_gradient(f(x[0], x[1]), 2, x, d), AG_OK);
    double slope = test_number(d[k]);
    ag_graph_free(g);
    return slope;
}

#define OF_FIRST(name, call)                          \
    static ag_node *name##_of(ag_node *x, ag_node *b) \
    {                                                 \
        (void)b;                                      \
        return call;                                  \
    }
OF_FIRST(clip, ag_clip(x, -1, 2))
OF_FIRST(hardtanh, ag_hardtanh(x, -1, 2))
OF_FIRST(leaky, ag_leaky_relu(x, 0.125))
OF_FIRST(elu, ag_elu(x, 0.5))
OF_FIRST(hardswish, ag_hardswish(x))
OF_FIRST(gelu, ag_gelu_tanh(x))
OF_FIRST(mish, ag_mish(x))

START_TEST(slopes_where_formulas_meet)
{
    const double inf = INFINITY;
    const struct {
        ag_node *(*f)(ag_node *, ag_node *);
        double a, b, want[2];
    } row[] = { { clip_of, -1, 0, { 1, 0 } },      { clip_of, 2, 0, { 1, 0 } },        { clip_of, 3, 0, { 0, 0 } },
                { hardtanh_of, -1, 0, { 0, 0 } },  { hardtanh_of, 2, 0, { 0, 0 } },    { leaky_of, 0, 0, { 0.125, 0 } },
                { elu_of, 0, 0, { 0.5, 0 } },      { elu_of, 800, 0, { 1, 0 } },       { hardswish_of, 3, 0, { 1, 0 } },
                { hardswish_of, -3, 0, { 0, 0 } }, { gelu_of, 1e300, 0, { 1, 0 } },    { gelu_of, -inf, 0, { 0, 0 } },
                { mish_of, inf, 0, { 1, 0 } },     { mish_of, -1e300, 0, { 0, 0 } },   { ag_fmod, 0.3, 0.1, { 1, -2 } },
                { ag_fmod, -7, 2, { 1, 3 } },      { ag_logaddexp, inf, inf, { 0.5, 0.5 } },
                { ag_logaddexp, -inf, 3, { 0, 1 } } };
    for (size_t i = 0; i < 2 * COUNT(row); i++) {
        double slope = slope_at(row[i / 2].f, row[i / 2].a, row[i / 2].b, i % 2);
        ck_assert_msg(slope == row[i / 2].want[i % 2], "row %d: the slope is %g", (int)i / 2, slope);
    }
}
END_TEST

/* From Abramowitz & Stegun, tables 6.1 and 6.2, and 6.4.2: psi^(n)(1) = (-1)^(n+1) n! zeta(n + 1). */
START_TEST(polygamma_at_known_points)
{
    const double euler = 0.57721566490153286061, pi = 3.14159265358979323846, zeta3 = 1.20205690315959428540;
    const struct {
        int order;
        double x, want;
    } known[] = { { 0, 1, -euler },
                  { 0, 0.5, -euler - 2 * log(2) },
                  { 0, -0.5, 2 - euler - 2 * log(2) },
                  { 0, 1e10, log(1e10) - 0.5e-10 },
                  { 1, 1, pi * pi / 6 },
                  { 1, 0.5, pi * pi / 2 },
                  { 1, -0.5, pi * pi / 2 + 4 },
                  { 2, 1, -2 * zeta3 },
                  { 3, 1, pi * pi * pi * pi / 15 },
                  { 0, NAN, NAN } };
    for (size_t i = 0; i < COUNT(known); i++) {
        ag_graph *g = ag_graph_new(NULL);
        ag_node *x = ag_parameter(g, NULL, AG_F64, AG_SCALAR, &known[i].x);
        expect_close(test_number(ag_polygamma(known[i].order, x)), known[i].want, 1e-14);
        ag_graph_free(g);
    }
}
END_TEST

Suite *suite_op_table(void)
{
    Suite *s = suite_create("op_table");
    TCase *t = tcase_create("rows");
    int points = (int)op_points_count, rows = (int)op_row_count();
    tcase_set_timeout(t, 120);
    tcase_add_test(t, every_operation_has_a_row);
    tcase_add_test(t, every_row_is_of_an_operation);
    tcase_add_test(t, every_descriptor_is_whole);
    tcase_add_loop_test(t, point_values, 0, points);
    tcase_add_loop_test(t, point_special_values, 0, points);
    tcase_add_loop_test(t, point_gradients, 0, points);
    tcase_add_loop_test(t, point_plans, 0, points);
    tcase_add_loop_test(t, point_errors, 0, points);
    tcase_add_loop_test(t, row_values, 0, rows);
    tcase_add_loop_test(t, row_gradients, 0, rows);
    tcase_add_loop_test(t, row_plans, 0, rows);
    tcase_add_loop_test(t, row_errors, 0, rows);
    tcase_add_test(t, reductions_of_special_values);
    tcase_add_test(t, extrema_see_every_nan);
    tcase_add_test(t, softmax_of_special_values);
    tcase_add_test(t, the_first_of_equal_maxima);
    tcase_add_test(t, running_products_with_zeros);
    tcase_add_test(t, extremes_of_sums);
    tcase_add_test(t, order_of_equals_and_nans);
    tcase_add_test(t, slopes_where_formulas_meet);
    tcase_add_test(t, polygamma_at_known_points);
    suite_add_tcase(s, t);
    return s;
}
