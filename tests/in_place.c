/* Memory that is taken over while somebody still reads what is there: every reader gets what was there before. */
#include "test.h"

enum { ROWS = 200, COLUMNS = 48, INNER = 5 };

static void fill(int64_t n, double x[], uint64_t seed)
{
    for (int64_t i = 0; i < n; i++) x[i] = test_random(&seed, -1, 1);
}

/* x = a b */
static void multiply(int n, int inner, int m, const double *a, const double *b, double *x)
{
    for (int i = 0; i < n * m; i++) {
        x[i] = 0;
        for (int k = 0; k < inner; k++) x[i] += a[i / m * inner + k] * b[k * m + i % m];
    }
}

/* ---- in a pass --------------------------------------------------------------------------------------------------- */

static double left[ROWS * INNER], right[INNER * COLUMNS], z[ROWS * COLUMNS], w[COLUMNS];

static void expected(double spread[ROWS], double total[ROWS])
{
    static double x[ROWS * COLUMNS];
    multiply(ROWS, INNER, COLUMNS, left, right, x);
    for (int i = 0; i < ROWS; i++) {
        double mean = 0;
        for (int k = 0; k < COLUMNS; k++) mean += x[i * COLUMNS + k] / COLUMNS;
        spread[i] = total[i] = 0;
        for (int k = 0; k < COLUMNS; k++) {
            double v = x[i * COLUMNS + k], p = v * z[i * COLUMNS + k];
            spread[i] += (v - mean) * (v - mean);
            total[i] += p * p * w[k];
        }
    }
}

/* Of x, a product, a row's sum of (x - mean)^2; and (x z)^2, which the next product reads. It is stored
 * where x was, and could be at once, if x were not read again when the mean is known. */
START_TEST(a_store_waits_for_a_later_stage)
{
    double want[2][ROWS], got[2][ROWS];
    fill(ROWS * INNER, left, 1), fill(INNER * COLUMNS, right, 2), fill(ROWS * COLUMNS, z, 3), fill(COLUMNS, w, 4);
    expected(want[0], want[1]);
    for (int native = 0; native < 2; native++) {
        ag_graph *g = ag_graph_new(NULL);
        ag_node *x = ag_matmul(ag_parameter(g, "left", AG_F64, AG_SHAPE(ROWS, INNER), left),
                               ag_parameter(g, "right", AG_F64, AG_SHAPE(INNER, COLUMNS), right));
        ag_node *product = ag_mul(x, ag_parameter(g, "z", AG_F64, AG_SHAPE(ROWS, COLUMNS), z));
        ag_node *mean = ag_div(ag_sum_axis(x, 1, 1), ag_number(g, COLUMNS));
        ag_node *spread = ag_sum_axis(ag_square(ag_sub(x, mean)), 1, 0);
        ag_node *y[] = { spread, ag_matmul(ag_square(product), ag_parameter(g, "w", AG_F64, AG_SHAPE(COLUMNS, 1), w)) };
        ag_options o = native ? test_native() : test_options();
        expect_well(g);
        test_evaluate(2, y, &o, (double *const[]){ got[0], got[1] });
        for (int k = 0; k < 2; k++)
            for (int i = 0; i < ROWS; i++) expect_close(got[k][i], want[k][i], 1e-13);
        ag_graph_free(g);
    }
}
END_TEST

/* ---- beside an update -------------------------------------------------------------------------------------------- */

/* W's gradient, a product, is added onto W by the update, and is an output, too; so is the loss, of W before. */
START_TEST(a_gradient_is_read_beside_its_update)
{
    enum { STEPS = 3, N = 12, IN = 7, OUT = 4 };
    const double rate = 0.01;
    for (int native = 0; native < 2; native++) {
        double x[N * IN], weight[IN * OUT], t[N * OUT], y[N * OUT], slope[IN * OUT], x_t[IN * N], got[IN * OUT];
        fill(N * IN, x, 5), fill(IN * OUT, weight, 6), fill(N * OUT, t, 7);
        for (int i = 0; i < N * IN; i++) x_t[i % IN * N + i / IN] = x[i];
        ag_graph *g = ag_graph_new(NULL);
        ag_node *p = ag_parameter(g, "W", AG_F64, AG_SHAPE(IN, OUT), weight), *dp;
        ag_node *error = ag_sub(ag_matmul(ag_constant(g, AG_F64, AG_SHAPE(N, IN), x), p),
                                ag_constant(g, AG_F64, AG_SHAPE(N, OUT), t));
        ag_node *loss = ag_mul(ag_sum(ag_square(error)), ag_number(g, 0.5));
        ck_assert_int_eq(ag_gradient(loss, 1, &p, &dp), AG_OK);
        ag_node *update = ag_sgd(loss, &(ag_sgd_options){ .rate = rate });
        ag_options o = native ? test_native() : test_options();
        ag_plan *plan = ag_compile(g, 3, (ag_node *[]){ loss, dp, update }, &o);
        ck_assert_msg(plan != NULL, "%s", ag_graph_error(g));
        ag_run *run = ag_run_new(plan);
        for (int step = 0; step < STEPS; step++) {
            double before = 0;
            multiply(N, IN, OUT, x, weight, y);
            for (int i = 0; i < N * OUT; i++) y[i] -= t[i], before += y[i] * y[i] / 2;
            multiply(IN, N, OUT, x_t, y, slope);
            for (int i = 0; i < IN * OUT; i++) weight[i] -= rate * slope[i];
            ck_assert_int_eq(ag_eval(run), AG_OK);
            expect_close(ag_item(run, loss), before, 1e-13);
            ck_assert_int_eq(ag_fetch(run, dp, got), AG_OK);
            for (int i = 0; i < IN * OUT; i++) expect_close(got[i], slope[i], 1e-13);
            ck_assert_int_eq(ag_fetch(run, p, got), AG_OK);
            for (int i = 0; i < IN * OUT; i++) expect_close(got[i], weight[i], 1e-13);
        }
        ag_run_free(run);
        ag_plan_free(plan);
        ag_graph_free(g);
    }
}
END_TEST

Suite *suite_in_place(void)
{
    Suite *s = suite_create("in_place");
    TCase *c = tcase_create("in_place");
    tcase_set_timeout(c, 60);
    tcase_add_test(c, a_store_waits_for_a_later_stage);
    tcase_add_test(c, a_gradient_is_read_beside_its_update);
    suite_add_tcase(s, c);
    return s;
}
