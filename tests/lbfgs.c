/* L-BFGS: known minima, stops, and what does not go well. */
#include "test.h"

#include "graph/graph.h"
#include "train/train.h"

static ag_graph *g;
static ag_plan *plan;
static ag_run *run;
static ag_lbfgs_report report;

static void begin(void)
{
    g = ag_graph_new(NULL);
}

static void drop(void)
{
    ag_run_free(run);
    ag_plan_free(plan);
    run = NULL;
    plan = NULL;
}

static void end(void)
{
    drop();
    ag_graph_free(g);
}

static void compile(ag_node *loss, int n, ag_node *const x[], ag_node *dx[])
{
    ag_node *y[4] = { loss };
    ck_assert_msg(ag_gradient(loss, n, x, dx) == AG_OK, "%s", ag_graph_error(g));
    for (int k = 0; k < n; k++) y[k + 1] = dx[k];
    drop();
    plan = ag_compile(g, n + 1, y, NULL);
    ck_assert_msg(plan != NULL, "%s", ag_graph_error(g));
    run = ag_run_new(plan);
}

static void minimise(ag_node *loss, int n, ag_node *const x[], ag_node *const dx[], ag_lbfgs_options o)
{
    ck_assert_msg(ag_lbfgs(run, loss, n, x, dx, &o, &report) == AG_OK, "%s", ag_run_error(run));
}

/* What is reported is what the run holds. */
static void expect_stop(ag_lbfgs_stop stop, const ag_node *loss)
{
    ck_assert_msg(report.stop == stop, "stop %d after %lld iterations, loss %g, gradient %g, change %g", report.stop,
                  (long long)report.iterations, report.loss, report.gradient, report.change);
    ck_assert(report.loss == ag_item(run, loss));
}

/* ---- functions --------------------------------------------------------------------------------------------------- */

/* sum of 100 (x[i+1] - x[i]^2)^2 + (1 - x[i])^2 */
static ag_node *rosenbrock(ag_node *x)
{
    ag_node *a = ag_slice(x, 0, 0, -1, 1), *b = ag_slice(x, 0, 1, AG_END, 1);
    return ag_sum(ag_add(ag_scale(ag_square(ag_sub(b, ag_square(a))), 100), ag_square(ag_one_minus(a))));
}

START_TEST(rosenbrock_is_found)
{
    static const int sizes[] = { 2, 2, 10, 100 };
    const int n = sizes[_i];
    double start[100];
    for (int i = 0; i < n; i++) start[i] = i % 2 ? 1 : -1.2;
    ag_node *x = ag_parameter(g, "x", AG_F64, AG_SHAPE(n), start), *dx, *loss = rosenbrock(x);
    compile(loss, 1, &x, &dx);
    minimise(loss, 1, &x, &dx, (ag_lbfgs_options){ .history = _i == 1 ? 1 : 0, .iterations = 1000, .gradient = 1e-9 });
    expect_stop(AG_LBFGS_GRADIENT, loss);
    ck_assert(report.gradient <= 1e-9 && report.evaluations >= report.iterations);
    if (_i != 1) ck_assert(report.evaluations < 1.3 * (double)report.iterations + 5); /* most steps are 1 */
    for (int i = 0; i < n; i++) expect_close(((const double *)ag_data(run, x))[i], 1, 1e-7);
}
END_TEST

/* With exact line searches and a long memory it is conjugate gradients: n steps for n unknowns. */
START_TEST(a_quadratic_takes_n_steps)
{
    enum { N = 8 };
    uint64_t seed = _i + 1;
    double start[N], k[N];
    for (int i = 0; i < N; i++) start[i] = test_random(&seed, -1, 1), k[i] = 1 + 3 * i;
    ag_node *x = ag_parameter(g, "x", AG_F64, AG_SHAPE(N), start), *dx, *c = ag_constant(g, AG_F64, AG_SHAPE(N), k);
    ag_node *mixed = ag_add(x, ag_scale(ag_flip(x, 0), 0.3)), *loss = ag_sum(ag_mul(c, ag_square(mixed)));
    compile(loss, 1, &x, &dx);
    minimise(loss, 1, &x, &dx,
             (ag_lbfgs_options){ .history = N, .curvature = 1e-6, .decrease = 1e-8, .gradient = 1e-7 });
    expect_stop(AG_LBFGS_GRADIENT, loss);
    ck_assert_msg(report.iterations <= N, "%lld steps", (long long)report.iterations);
}
END_TEST

/* Several x, of both types, a parameter and a fed input: a line through points, and what shifts it. */
START_TEST(several_x_of_several_types)
{
    ag_node *a = ag_parameter(g, "a", AG_F32, AG_SCALAR, NULL), *b = ag_input(g, "b", AG_F64, AG_SHAPE(2));
    ag_node *t = ag_constant(g, AG_F64, AG_SHAPE(4, 1), (double[]){ 0, 1, 2, 3 });
    ag_node *y = ag_constant(g, AG_F64, AG_SHAPE(4, 2), (double[]){ 1, -1, 3, 1, 5, 3, 7, 5 });
    ag_node *loss = ag_mean(ag_square(ag_sub(ag_add(ag_mul(ag_cast(a, AG_F64), t), b), y))), *x[] = { a, b }, *dx[2];
    compile(loss, 2, x, dx);
    ck_assert_int_eq(ag_feed(run, b, (double[]){ 0, 0 }), AG_OK);
    minimise(loss, 2, x, dx, (ag_lbfgs_options){ .gradient = 1e-5 });
    expect_stop(AG_LBFGS_GRADIENT, loss);
    expect_close(ag_item(run, a), 2, 1e-5);
    for (int i = 0; i < 2; i++) expect_close(((const double *)ag_data(run, b))[i], i ? -1 : 1, 1e-4);
}
END_TEST

/* ---- stops ------------------------------------------------------------------------------------------------------- */

START_TEST(iterations_end)
{
    ag_node *x = ag_parameter(g, "x", AG_F64, AG_SHAPE(2), (double[]){ -1.2, 1 }), *dx, *loss = rosenbrock(x);
    compile(loss, 1, &x, &dx);
    double before = INFINITY;
    for (int k = 0; k < 4; k++) { /* each call goes on from where the last one was */
        minimise(loss, 1, &x, &dx, (ag_lbfgs_options){ .iterations = 3 });
        expect_stop(AG_LBFGS_ITERATIONS, loss);
        ck_assert(report.iterations == 3 && report.loss < before);
        before = report.loss;
    }
}
END_TEST

START_TEST(little_change_ends)
{
    ag_node *x = ag_parameter(g, "x", AG_F64, AG_SCALAR, (double[]){ 3 }), *dx;
    ag_node *loss = ag_add(ag_pow(x, ag_number(g, 4)), ag_number(g, 1)); /* flat at its minimum */
    compile(loss, 1, &x, &dx);
    minimise(loss, 1, &x, &dx, (ag_lbfgs_options){ .gradient = AG_ZERO, .change = 1e-9 });
    expect_stop(AG_LBFGS_CHANGE, loss);
    ck_assert(report.change >= 0 && report.change <= 1e-9 * report.loss);
}
END_TEST

START_TEST(a_start_at_the_minimum)
{
    ag_node *x = ag_parameter(g, "x", AG_F64, AG_SHAPE(3), (double[]){ 1, 1, 1 }), *dx, *loss = rosenbrock(x);
    compile(loss, 1, &x, &dx);
    minimise(loss, 1, &x, &dx, (ag_lbfgs_options){ 0 });
    expect_stop(AG_LBFGS_GRADIENT, loss);
    ck_assert(report.iterations == 0 && report.evaluations == 1);
}
END_TEST

/* A gradient of the wrong sign leads nowhere, however short the line search: the run is where it began. */
START_TEST(no_step_leads_down)
{
    ag_node *x = ag_parameter(g, "x", AG_F64, AG_SHAPE(2), (double[]){ 3, -2 }), *loss = ag_sum(ag_square(x));
    ag_node *wrong = ag_scale(x, -2), *y[] = { loss, wrong };
    plan = ag_compile(g, 2, y, NULL);
    run = ag_run_new(plan);
    minimise(loss, 1, &x, &wrong, (ag_lbfgs_options){ .evaluations = _i });
    expect_stop(AG_LBFGS_NO_STEP, loss);
    const double *at = ag_data(run, x);
    ck_assert(at[0] == 3 && at[1] == -2 && report.loss == 13);
}
END_TEST

/* ---- functions that are not everywhere --------------------------------------------------------------------------- */

/* x - log x has no values left of 0; steps that land there are taken back. So is a matrix that is not definite. */
START_TEST(steps_too_far_are_taken_back)
{
    ag_node *x = ag_parameter(g, "x", AG_F64, AG_SHAPE(2), (double[]){ 0.01, 20 }), *dx;
    ag_node *loss = ag_sum(ag_sub(x, ag_log(x)));
    if (_i) {
        ag_node *m = ag_diag(x); /* x must be above 0: tr m - log det m by Cholesky's factor */
        loss = ag_sub(ag_sum(x), ag_scale(ag_sum(ag_log(ag_diag(ag_cholesky(m)))), 2));
    }
    compile(loss, 1, &x, &dx);
    minimise(loss, 1, &x, &dx, (ag_lbfgs_options){ 0 });
    expect_stop(AG_LBFGS_GRADIENT, loss);
    for (int i = 0; i < 2; i++) expect_close(((const double *)ag_data(run, x))[i], 1, 1e-5);
}
END_TEST

START_TEST(no_start)
{
    ag_node *x = ag_parameter(g, "x", AG_F64, AG_SHAPE(2), (double[]){ -1, 1 }), *dx, *loss = ag_sum(ag_log(x));
    compile(loss, 1, &x, &dx);
    ck_assert_int_eq(ag_lbfgs(run, loss, 1, &x, &dx, NULL, &report), AG_ENAN);
    ck_assert_int_eq(report.stop, AG_LBFGS_NO_START);
    ck_assert_ptr_nonnull(strstr(ag_run_error(run), "not finite"));
    ag_node *singular = ag_sum(ag_cholesky(ag_diag(x)));
    compile(singular, 1, &x, &dx);
    ck_assert_int_eq(ag_lbfgs(run, singular, 1, &x, &dx, NULL, &report), AG_ENUMERIC);
    ck_assert_int_eq(report.stop, AG_LBFGS_NO_START);
    ck_assert_ptr_nonnull(strstr(ag_run_error(run), "cholesky"));
}
END_TEST

/* ---- wrong calls ------------------------------------------------------------------------------------------------- */

START_TEST(wrong_calls_say_so)
{
    ag_node *x = ag_parameter(g, "x", AG_F64, AG_SHAPE(2), NULL), *i = ag_parameter(g, "i", AG_I64, AG_SHAPE(2), NULL);
    ag_node *loss = ag_sum(ag_square(x)), *dx, *none = NULL, *fed = ag_input(g, "fed", AG_F64, AG_SHAPE(2));
    compile(loss, 1, &x, &dx);
    ck_assert_int_eq(ag_lbfgs(NULL, loss, 1, &x, &dx, NULL, NULL), AG_EARG);
    const struct {
        ag_node *loss, *const *x, *const *dx;
        int n;
        ag_lbfgs_options o;
        const char *why;
    } wrong[] = { { loss, &x, &dx, 0, { 0 }, "no x" },
                  { loss, NULL, &dx, 1, { 0 }, "no x" },
                  { loss, &x, NULL, 1, { 0 }, "no x" },
                  { x, &x, &dx, 1, { 0 }, "the loss" },
                  { NULL, &x, &dx, 1, { 0 }, "the loss" },
                  { loss, &i, &dx, 1, { 0 }, "an x" },
                  { loss, &loss, &dx, 1, { 0 }, "an x" },
                  { loss, &none, &dx, 1, { 0 }, "an x" },
                  { loss, &x, &loss, 1, { 0 }, "shape" },
                  { loss, &fed, &dx, 1, { 0 }, "no value" },
                  { loss, &x, &dx, 1, { .curvature = 1 }, "curvature" },
                  { loss, &x, &dx, 1, { .decrease = 0.95 }, "decrease" },
                  { loss, &x, &dx, 1, { .history = -1 }, "at least" },
                  { loss, &x, &dx, 1, { .gradient = NAN }, "at least" } };
    for (size_t k = 0; k < COUNT(wrong); k++) {
        ag_status status = ag_lbfgs(run, wrong[k].loss, wrong[k].n, wrong[k].x, wrong[k].dx, &wrong[k].o, NULL);
        ck_assert_msg(status != AG_OK && strstr(ag_run_error(run), wrong[k].why) &&
                      !strncmp(ag_run_error(run), "ag_lbfgs: ", 10), "%zu: %s", k, ag_run_error(run));
    }
}
END_TEST

START_TEST(memory_ends)
{
    int done = 0;
    for (int64_t left = 0; !done && left < 1000; left++) {
        test_budget budget = { .left = INT64_MAX };
        ag_allocator a = test_allocator(&budget);
        ag_graph *small = ag_graph_new(&a);
        ag_node *x = ag_parameter(small, "x", AG_F64, AG_SHAPE(2), NULL), *dx, *loss = ag_sum(ag_square(x));
        ag_gradient(loss, 1, &x, &dx);
        ag_plan *p = ag_compile(small, 2, (ag_node *[]){ loss, dx }, NULL);
        ag_run *r = ag_run_new(p);
        budget.left = left;
        ag_status status = ag_lbfgs(r, loss, 1, &x, &dx, NULL, NULL);
        ck_assert(status == AG_OK || status == AG_EMEM);
        done = status == AG_OK;
        ag_run_free(r);
        ag_plan_free(p);
        ag_graph_free(small);
        ck_assert_int_eq(budget.taken, 0);
    }
    ck_assert(done);
}
END_TEST

Suite *suite_lbfgs(void)
{
    Suite *s = suite_create("lbfgs");
    TCase *t = tcase_create("lbfgs");
    tcase_add_checked_fixture(t, begin, end);
    tcase_add_loop_test(t, rosenbrock_is_found, 0, 4);
    tcase_add_loop_test(t, a_quadratic_takes_n_steps, 0, 4);
    tcase_add_test(t, several_x_of_several_types);
    tcase_add_test(t, iterations_end);
    tcase_add_test(t, little_change_ends);
    tcase_add_test(t, a_start_at_the_minimum);
    tcase_add_loop_test(t, no_step_leads_down, 0, 3);
    tcase_add_loop_test(t, steps_too_far_are_taken_back, 0, 2);
    tcase_add_test(t, no_start);
    tcase_add_test(t, wrong_calls_say_so);
    tcase_add_test(t, memory_ends);
    suite_add_tcase(s, t);
    return s;
}
