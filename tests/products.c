/* Products, and their derivatives, products of the others: whatever becomes of those on the way. */
#include "test.h"

enum { MOST = 12, ROWS = 9 };

static const double huge = 1e200, tiny = 1e-200;

/* The product of all but three, of which some may be one, in a wider range. */
static long double product_without(int n, const double *x, int i, int j, int k)
{
    long double p = 1;
    for (int l = 0; l < n; l++)
        if (l != i && l != j && l != k) p *= x[l];
    return p;
}

/* sum over all other i, or i and j, of v[i] v[j] times the product of the rest. */
static long double derivative(int order, int n, const double *x, const double *v, int k)
{
    long double sum = 0;
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) {
            if (order == 1 && i == 0 && j == 0) return product_without(n, x, k, k, k);
            if (order == 2 && j == 0 && i != k) sum += v[i] * product_without(n, x, i, k, k);
            if (order == 3 && i != j && i != k && j != k)
                sum += (long double)v[i] * v[j] * product_without(n, x, i, j, k);
        }
    return sum;
}

/* What prod gives, its gradient, that one's product with v differentiated, and so on. */
static void check(ag_dtype dtype, int n, const double *of_x, const double *of_v, const ag_options *o)
{
    ag_graph *g = ag_graph_new(NULL);
    double unit = dtype == AG_F32 ? 0x1p-23 : 0x1p-52, most = dtype == AG_F32 ? 1e38 : 1e308;
    double got[3][MOST], x[MOST], value;
    ag_node *in = ag_cast(ag_parameter(g, "x", AG_F64, AG_SHAPE(n), of_x), dtype), *d[4];
    ag_node *v = ag_cast(ag_constant(g, AG_F64, AG_SHAPE(n), of_v), dtype), *y = d[3] = ag_prod(in);
    for (int i = 0; i < n; i++) x[i] = dtype == AG_F32 ? (double)(float)of_x[i] : of_x[i];
    for (int k = 0; k < 3; k++) {
        ck_assert_msg(ag_gradient(y, 1, &in, &d[k]) == AG_OK, "%s", ag_graph_error(g));
        y = ag_sum(ag_mul(d[k], v));
    }
    test_evaluate(4, d, o, (double *const[]){ got[0], got[1], got[2], &value });
    long double all = product_without(n, x, n, n, n);
    if (fabsl(all) <= most && (all == 0 || fabsl(all) >= 1 / most))
        ck_assert_msg(fabsl(value - all) <= n * unit * fabsl(all), "of %d: %.17g, not %.17Lg", n, value, all);
    for (int k = 0; k < 3; k++)
        for (int i = 0; i < n; i++) {
            long double want = derivative(k + 1, n, x, of_v, i);
            if (fabsl(want) > most || (want != 0 && fabsl(want) < 1 / most)) continue;
            ck_assert_msg(fabsl(got[k][i] - want) <= 4 * n * unit * fabsl(want),
                          "order %d of %d: element %d is %.17g, not %.17Lg", k + 1, n, i, got[k][i], want);
        }
    ag_graph_free(g);
}

static void check_all(ag_dtype dtype, int n, const double *x)
{
    const double v[MOST] = { 1, 2, 0.5, 3, 1, 0.25, 1, 2, 5, 1, 1, 4 };
    ag_options native = test_native();
    check(dtype, n, x, v, NULL);
    check(dtype, n, x, v, &native);
}

START_TEST(of_extreme_numbers)
{
    const double x[ROWS][5] = {
        { huge, 0, huge, 0, 1 }, { huge, tiny, huge, tiny, 3 }, { huge, huge, tiny, tiny, 3 },
        { tiny, tiny, huge, huge, 7 }, { huge, 0, huge, tiny, 2 }, { huge, 0, 0, tiny, 5 }, { 0, 0, 0, huge, 2 },
        { -huge, tiny, -tiny, huge, -3 }, { 5e-324, huge, 1e150, 2, 1 },
    };
    for (int k = 0; k < ROWS; k++)
        for (int n = 4; n <= 5; n++) check_all(AG_F64, n, x[k]);
    check_all(AG_F32, 4, (double[]){ 1e25, 1e-25, 1e25, 1e-25 });
    check_all(AG_F32, 4, (double[]){ 1e25, 0, 1e25, 1e-25 });
    check_all(AG_F64, 1, (double[]){ huge });
}
END_TEST

START_TEST(of_random_numbers)
{
    uint64_t seed = 3;
    for (int k = 0; k < 200; k++) {
        double x[MOST], v[MOST];
        int n = 2 + k % (MOST - 1);
        for (int i = 0; i < n; i++) {
            double power = test_random(&seed, -300, 300);
            x[i] = test_random(&seed, 0, 1) < 0.1 ? 0 : pow(10, i % 2 ? -log10(x[i - 1] > 0 ? x[i - 1] : 1) : power);
            v[i] = test_random(&seed, 0.5, 2);
        }
        check(AG_F64, n, x, v, NULL);
    }
}
END_TEST

/* By rows and columns, in tiles and in several; computed, so that nothing but the fold sees the factors. Pairs of u and
 * 1 / u, u being large, make a product that is nearly 1. */
static void check_folds(ag_dtype dtype, int64_t outer, int64_t extent, int64_t inner, const ag_options *o)
{
    ag_graph *g = ag_graph_new(NULL);
    const double unit = dtype == AG_F32 ? 0x1p-23 : 0x1p-52, large = dtype == AG_F32 ? 0x1p50 : 0x1p400;
    ag_node *k = ag_reshape(ag_arange(g, dtype, outer * extent / 2 * inner), AG_SHAPE(outer, extent / 2, inner));
    ag_node *u = ag_scale(ag_add(ag_sin(k), ag_number(g, 2)), large), *v = ag_div(ag_number(g, 1), u);
    ag_node *y[] = { ag_prod_axis(ag_concat(2, (ag_node *[]){ u, v }, 1), 1, 0),
                     ag_prod(ag_concat(2, (ag_node *[]){ u, v }, 1)),
                     ag_prod_axis(ag_neg(ag_concat(2, (ag_node *[]){ v, ag_square(ag_square(u)) }, 1)), 1, 1) };
    const int64_t n = outer * inner;
    double *got = malloc((size_t)(2 * n + 1) * sizeof *got);
    test_evaluate(3, y, o, (double *const[]){ got, got + 2 * n, got + n });
    for (int64_t i = 0; i < n; i++) {
        ck_assert_msg(fabs(got[i] - 1) <= 2 * (double)extent * unit, "%lld %lld %lld: %.17g", (long long)outer,
                      (long long)extent, (long long)inner, got[i]);
        if (extent > 2) ck_assert(isinf(got[n + i]) && (got[n + i] > 0) == (extent % 4 != 3));
    }
    expect_close(got[2 * n], 1, 2 * (double)(outer * extent * inner) * unit);
    free(got);
    ag_graph_free(g);
}

START_TEST(in_many_places)
{
    static const int64_t shapes[][3] = { { 1, 200000, 1 }, { 3, 1200, 1 }, { 40, 60, 1 }, { 1, 1200, 600 },
                                         { 1, 2000, 3 },   { 30, 20, 7 },  { 2, 40000, 2 }, { 3, 4, 1 },
                                         { 1, 4, 1 },      { 5, 2, 40 } };
    const ag_options options[] = { test_options(), { .threads = 3 }, { .unfused = 1 }, test_native() };
    for (size_t k = 0; k < COUNT(options); k++)
        for (size_t i = 0; i < COUNT(shapes); i++)
            for (int dtype = 0; dtype < 2; dtype++)
                check_folds((ag_dtype)dtype, shapes[i][0], shapes[i][1], shapes[i][2], &options[k]);
}
END_TEST

/* What is not finite, zeros and signs are what they are in any other product. */
START_TEST(of_what_is_no_number)
{
    static const struct {
        double x[4], want;
    } p[] = {
        { { huge, huge, -0.0, 1 }, -0.0 },
        { { 0, INFINITY, 1, 1 }, NAN },
        { { huge, -huge, huge, huge }, -INFINITY },
        { { -tiny, tiny, tiny, 1 }, -0.0 },
        { { NAN, 0, 1, 1 }, NAN },
        { { -INFINITY, tiny, tiny, tiny }, -INFINITY },
        { { 5e-324, 1, 1, 1 }, 5e-324 },
        { { 1e-200, 1e-115, 1e200, 1 }, 1e-115 },
    };
    for (int native = 0; native < 2; native++)
        for (size_t k = 0; k < COUNT(p); k++) {
            ag_graph *g = ag_graph_new(NULL);
            ag_node *y = ag_prod(ag_parameter(g, "x", AG_F64, AG_SHAPE(4), p[k].x));
            const double want = p[k].want;
            double got;
            ag_options o = native ? test_native() : test_options();
            test_evaluate(1, &y, &o, (double *const[]){ &got });
            ck_assert_msg(isnan(want) ? isnan(got) : fabs(got - want) <= 1e-15 * fabs(want) || got == want,
                          "%d: %g, not %g", (int)k, got, want);
            ck_assert(isnan(want) || signbit(got) == signbit(want));
            ag_graph_free(g);
        }
}
END_TEST

/* Jacobians of gradients: many directions at once. */
START_TEST(hessians)
{
    const double of_x[4] = { huge, tiny, 0, huge };
    double got[16];
    ag_graph *g = ag_graph_new(NULL);
    ag_node *x = ag_parameter(g, "x", AG_F64, AG_SHAPE(2, 2), of_x), *h = ag_hessian(ag_prod(x), x);
    test_evaluate(1, &h, NULL, (double *const[]){ got });
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < 4; j++)
            if (i != j) expect_close(got[i * 4 + j], (double)product_without(4, of_x, i, j, j), 1e-15);
            else ck_assert(got[i * 4 + j] == 0);
    ag_graph_free(g);
}
END_TEST

Suite *suite_products(void)
{
    Suite *s = suite_create("products");
    TCase *c = tcase_create("products");
    tcase_set_timeout(c, 120);
    tcase_add_test(c, of_extreme_numbers);
    tcase_add_test(c, of_random_numbers);
    tcase_add_test(c, hessians);
    tcase_add_test(c, in_many_places);
    tcase_add_test(c, of_what_is_no_number);
    suite_add_tcase(s, c);
    return s;
}
