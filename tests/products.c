/* Derivatives of products: products of the others, whatever becomes of those on the way. */
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

/* The gradient of prod, its product with v differentiated, and so on. */
static void check(ag_dtype dtype, int n, const double *of_x, const double *of_v, const ag_options *o)
{
    ag_graph *g = ag_graph_new(NULL);
    double unit = dtype == AG_F32 ? 0x1p-23 : 0x1p-52, most = dtype == AG_F32 ? 1e38 : 1e308;
    double got[3][MOST], x[MOST];
    ag_node *in = ag_cast(ag_parameter(g, "x", AG_F64, AG_SHAPE(n), of_x), dtype), *d[3];
    ag_node *v = ag_cast(ag_constant(g, AG_F64, AG_SHAPE(n), of_v), dtype), *y = ag_prod(in);
    for (int i = 0; i < n; i++) x[i] = dtype == AG_F32 ? (double)(float)of_x[i] : of_x[i];
    for (int k = 0; k < 3; k++) {
        ck_assert_msg(ag_gradient(y, 1, &in, &d[k]) == AG_OK, "%s", ag_graph_error(g));
        y = ag_sum(ag_mul(d[k], v));
    }
    test_evaluate(3, d, o, (double *const[]){ got[0], got[1], got[2] });
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
    suite_add_tcase(s, c);
    return s;
}
