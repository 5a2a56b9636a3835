/* What plans move through memory: each tensor as often as it must, and not too many at once. */
#include "test.h"

#include "plan/plan.h"

#include <math.h>

static ag_graph *g;

static void begin(void)
{
    g = ag_graph_new(NULL);
    ck_assert_ptr_nonnull(g);
}

static void end(void)
{
    ag_graph_free(g);
}

static ag_plan *compiled(int n, ag_node *const y[])
{
    ag_options o = test_options();
    expect_well(g);
    ag_plan *p = ag_compile(g, n, y, &o);
    ck_assert_msg(p != NULL, "%s", ag_graph_error(g));
    return p;
}

/* ---- streams ----------------------------------------------------------------------------------------------------- */

enum { LENGTH = 2048 };

static int full_loads(const agi_pass *p)
{
    int n = 0;
    for (int k = 0; k < p->nloads; k++) n += p->load[k].access == AGI_DIRECT;
    return n;
}

static int most_loads(const ag_plan *p, int *passes)
{
    int most = 0;
    *passes = 0;
    for (int k = 0; k < p->nsteps; k++) {
        if (p->step[k].kind != AGI_PASS || p->step[k].is.pass->columns < LENGTH) continue;
        int n = full_loads(p->step[k].is.pass);
        if (n > most) most = n;
        ++*passes;
    }
    return most;
}

START_TEST(unrelated_updates_are_few_at_a_time)
{
    enum { PARAMETERS = 24 };
    ag_node *loss = ag_number(g, 0);
    for (int i = 0; i < PARAMETERS; i++) {
        ag_node *p = ag_parameter(g, NULL, AG_F32, AG_SHAPE(LENGTH), NULL);
        loss = ag_add(loss, ag_sum(ag_square(p)));
    }
    ag_node *step = ag_adam(loss, NULL);
    int passes;
    ag_plan *p = compiled(1, &step);
    int most = most_loads(p, &passes);
    ck_assert_msg(most <= 36, "%d tensors are read at once", most); /* twelve parameters with their two means */
    ck_assert_msg(passes <= PARAMETERS, "%d passes for %d parameters", passes, PARAMETERS);
    ag_plan_free(p);
}
END_TEST

/* However many there are: another pass would read one of them again. */
START_TEST(what_reads_the_same_is_one_pass)
{
    enum { TERMS = 40 };
    ag_node *x[TERMS], *y[TERMS];
    for (int i = 0; i < TERMS; i++) x[i] = ag_parameter(g, NULL, AG_F32, AG_SHAPE(LENGTH), NULL);
    for (int i = 0; i < TERMS; i++) y[i] = ag_mul(x[i], x[(i + 1) % TERMS]);
    int passes;
    ag_plan *p = compiled(TERMS, y);
    ck_assert_int_eq(most_loads(p, &passes), TERMS);
    ck_assert_int_eq(passes, 1);
    ag_plan_free(p);
}
END_TEST

/* ---- embeddings -------------------------------------------------------------------------------------------------- */

enum { ROWS = 5000, WIDTH = 24, TOKENS = 8 };
static const int64_t tokens[TOKENS] = { 3, 77, 3, -1, 4999, 0, 3, 1024 };
static double table[ROWS * WIDTH], scales[TOKENS * WIDTH];

static void fill(int64_t n, double x[], uint64_t seed)
{
    for (int64_t i = 0; i < n; i++) x[i] = test_random(&seed, -1, 1);
}

static int64_t row_of(int k)
{
    return tokens[k] < 0 ? tokens[k] + ROWS : tokens[k];
}

static ag_run *running(const ag_plan *p, const ag_node *ids, const int64_t *index)
{
    ag_run *r = ag_run_new(p);
    ck_assert_ptr_nonnull(r);
    ck_assert_int_eq(ag_feed(r, ids, index), AG_OK);
    return r;
}

/* p - r scatter_add(0, ids, u) touches the rows of the ids, in the parameter itself; each row is changed once. */
START_TEST(an_update_of_rows_is_in_place)
{
    static double want[ROWS * WIDTH];
    const int64_t bad[TOKENS] = { 3, 77, 3, -1, ROWS, 0, 3, 1024 };
    fill(ROWS * WIDTH, table, 1), fill(TOKENS * WIDTH, scales, 2);
    memcpy(want, table, sizeof want);
    ag_node *w = ag_parameter(g, "w", AG_F64, AG_SHAPE(ROWS, WIDTH), table);
    ag_node *ids = ag_input(g, "ids", AG_I64, AG_SHAPE(TOKENS));
    ag_node *x = ag_constant(g, AG_F64, AG_SHAPE(TOKENS, WIDTH), scales);
    ag_node *step = ag_sgd(ag_sum(ag_mul(x, ag_gather(w, 0, ids))), &(ag_sgd_options){ .rate = 0.5 });
    for (int k = 0; k < TOKENS; k++)
        for (int i = 0; i < WIDTH; i++) want[row_of(k) * WIDTH + i] -= 0.5 * scales[k * WIDTH + i];
    ag_plan *p = compiled(1, &step);
    ck_assert_uint_lt(ag_plan_bytes(p), (size_t)(1.2 * sizeof table));
    ag_run *r = running(p, ids, bad);
    ck_assert_int_ne(ag_eval(r), AG_OK);
    ck_assert_int_eq(memcmp(ag_data(r, w), table, sizeof table), 0);
    ck_assert_int_eq(ag_feed(r, ids, tokens), AG_OK);
    ck_assert_int_eq(ag_eval(r), AG_OK);
    const double *got = ag_data(r, w);
    for (int i = 0; i < ROWS * WIDTH; i++) expect_close(got[i], want[i], 1e-15);
    ag_run_free(r);
    ag_plan_free(p);
}
END_TEST

/* A table that is read as rows and as a matrix: the product is accumulated onto it, then the rows. */
START_TEST(a_tied_table_is_updated_in_place)
{
    fill(ROWS * WIDTH, table, 3), fill(TOKENS * WIDTH, scales, 4);
    ag_node *w = ag_parameter(g, "w", AG_F64, AG_SHAPE(ROWS, WIDTH), table), *dw;
    ag_node *ids = ag_input(g, "ids", AG_I64, AG_SHAPE(TOKENS));
    ag_node *x = ag_constant(g, AG_F64, AG_SHAPE(TOKENS, WIDTH), scales);
    ag_node *h = ag_mul(x, ag_gather(w, 0, ids)), *w_t = ag_transpose(w, NULL);
    ag_node *y = _i ? ag_dot(h, w_t) : ag_matmul(h, w_t);
    ag_node *loss = ag_mean(ag_tanh(ag_mul(y, ag_sigmoid(y)))), *step = ag_sgd(loss, &(ag_sgd_options){ .rate = 0.5 });
    ag_gradient(loss, 1, &w, &dw);
    ag_plan *p = compiled(1, &step), *of_slope = compiled(1, &dw);
    size_t logits = (size_t)TOKENS * ROWS * sizeof(double);
    ck_assert_uint_lt(ag_plan_bytes(p), (size_t)(1.1 * sizeof table) + 3 * logits);
    ck_assert_uint_lt(ag_plan_bytes(of_slope), (size_t)(2.1 * sizeof table) + 3 * logits);
    ag_run *r = running(p, ids, tokens), *s = running(of_slope, ids, tokens);
    ck_assert_int_eq(ag_eval(r), AG_OK);
    ck_assert_int_eq(ag_eval(s), AG_OK);
    const double *got = ag_data(r, w), *slope = ag_data(s, dw);
    for (int i = 0; i < ROWS * WIDTH; i++) expect_close(got[i], table[i] - 0.5 * slope[i], 1e-15);
    ag_run_free(r), ag_run_free(s);
    ag_plan_free(p), ag_plan_free(of_slope);
}
END_TEST

/* Where the factor is no number, nothing is: it multiplies the zeros, too. */
START_TEST(what_is_scaled_by_nan_is_nan)
{
    enum { N = 40 };
    const int64_t index[] = { 7, 9 };
    const double factors[] = { NAN, INFINITY };
    for (int k = 0; k < 2; k++) {
        double ones[N], got[N];
        for (int i = 0; i < N; i++) ones[i] = 1;
        ag_node *p = ag_parameter(g, NULL, AG_F64, AG_SHAPE(N), ones);
        ag_node *f = ag_parameter(g, NULL, AG_F64, AG_SCALAR, &factors[k]);
        ag_node *sums = ag_scatter_add(ag_zeros_like(p), 0, ag_constant(g, AG_I64, AG_SHAPE(2), index),
                                       ag_constant(g, AG_F64, AG_SHAPE(2), ones));
        ag_node *y = ag_sub(p, ag_mul(f, sums));
        test_evaluate(1, &y, NULL, (double *const[]){ got });
        for (int i = 0; i < N; i++) {
            if (k && (i == 7 || i == 9)) ck_assert(got[i] == -INFINITY);
            else ck_assert(isnan(got[i]));
        }
    }
}
END_TEST

Suite *suite_traffic(void)
{
    Suite *s = suite_create("traffic");
    TCase *t = tcase_create("traffic");
    tcase_add_checked_fixture(t, begin, end);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, unrelated_updates_are_few_at_a_time);
    tcase_add_test(t, what_reads_the_same_is_one_pass);
    tcase_add_test(t, an_update_of_rows_is_in_place);
    tcase_add_loop_test(t, a_tied_table_is_updated_in_place, 0, 2);
    tcase_add_test(t, what_is_scaled_by_nan_is_nan);
    suite_add_tcase(s, t);
    return s;
}
