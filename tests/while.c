/* Loops that end by themselves, branches, and what all loops share: budgets, wrong calls, memory that ends. */
#include "test.h"

#include <stddef.h>

static ag_node *number(ag_graph *g, double value)
{
    return ag_number(g, value);
}

static ag_node *scalar(ag_graph *g, const char *name, double value)
{
    return ag_parameter(g, name, AG_F64, AG_SCALAR, &value);
}

static ag_node *leaf(ag_graph *g)
{
    return ag_input(g, NULL, AG_F64, AG_SCALAR);
}

static ag_node *slope(ag_node *y, ag_node *x)
{
    ag_node *dx;
    ag_gradient(y, 1, &x, &dx);
    return dx;
}

static ag_node *tangent(ag_node *y, ag_node *x)
{
    ag_node *v = ag_cast(ag_number(ag_graph_of(x), 1), AG_F64), *dy;
    ag_jvp(1, &x, &v, 1, &y, &dy);
    return dy;
}

static void evaluate(int n, ag_node *const y[], const ag_options *or_null, double value[])
{
    double *out[32];
    for (int k = 0; k < n; k++) out[k] = &value[k];
    test_evaluate(n, y, or_null, out);
}

/* ---- while: s = 0.3 s^2 + a until s >= 10 ------------------------------------------------------------------------ */

static ag_node *grow(ag_node *start, ag_node *a, int64_t max_steps)
{
    ag_graph *g = ag_graph_of(a);
    ag_node *s = leaf(g), *next = ag_add(ag_mul(number(g, 0.3), ag_square(s)), a), *final;
    ag_while(ag_less(s, number(g, 10)), 1, &start, &s, &next, max_steps, &final);
    expect_well(g);
    return final;
}

/* s, ds/da, d2s/da2, ds/dstart */
static void grown(double start, double a, int64_t max_steps, double want[4])
{
    double s = start, d = 0, dd = 0, ds = 1;
    for (int64_t k = 0; s < 10 && k < max_steps; k++) {
        dd = 0.6 * (d * d + s * dd);
        d = 0.6 * s * d + 1;
        ds *= 0.6 * s;
        s = 0.3 * s * s + a;
    }
    want[0] = s, want[1] = d, want[2] = dd, want[3] = ds;
}

static const struct {
    double start, a;
    int64_t max_steps;
} growths[] = { { 1, 1.5, 50 }, { 1, 1.5, 3 }, { 1, 1.5, 1 }, { 11, 1.5, 50 }, { -2, 0.9, 1000 }, { 0, 4, 50 } };

START_TEST(a_loop_ends_by_itself)
{
    ag_graph *g = ag_graph_new(NULL);
    ag_node *start = scalar(g, NULL, growths[_i].start), *a = scalar(g, NULL, growths[_i].a);
    ag_node *s = grow(start, a, growths[_i].max_steps), *d = slope(s, a), *forward = tangent(s, a);
    ag_node *y[] = { s, d, slope(d, a), slope(s, start), forward, tangent(forward, a), tangent(d, a),
                     slope(forward, a) };
    double value[8], want[4];
    expect_well(g);
    grown(growths[_i].start, growths[_i].a, growths[_i].max_steps, want);
    for (int isa = 1; isa <= test_best_isa(); isa++)
        for (int how = 0; how < 5; how++) {
            ag_options o = { .isa = isa, .unfused = how == 1, .poison = how == 2, .threads = how == 3 ? 2 : 1,
                             .native = how == 4 };
            evaluate(8, y, &o, value);
            for (int k = 0; k < 4; k++) expect_close(value[k], want[k], 1e-12);
            expect_close(value[4], want[1], 1e-12);
            for (int k = 5; k < 8; k++) expect_close(value[k], want[2], 1e-12);
        }
    ag_graph_free(g);
}
END_TEST

START_TEST(without_a_bound_forward_mode_goes_through)
{
    ag_graph *g = ag_graph_new(NULL);
    ag_node *start = scalar(g, "start", 1), *a = scalar(g, "a", 1.1), *s = grow(start, a, 0), *d = tangent(s, a);
    ag_node *both[2] = { start, a }, *ones[2] = { number(g, 1), number(g, 1) }, *sum;
    for (int k = 0; k < 2; k++) ones[k] = ag_cast(ones[k], AG_F64);
    ag_jvp(2, both, ones, 1, &s, &sum);
    ag_node *y[] = { s, d, tangent(d, a), tangent(s, start), ag_sub(sum, d) };
    double value[5], want[4];
    expect_well(g);
    grown(1, 1.1, INT64_MAX, want);
    evaluate(5, y, NULL, value);
    for (int k = 0; k < 4; k++) expect_close(value[k], want[k], 1e-12);
    expect_close(value[4], want[3], 1e-12);
    ag_node *dx;
    ck_assert_int_eq(ag_gradient(ag_square(s), 1, &a, &dx), AG_ENOGRAD);
    expect_error(g, AG_ENOGRAD, "loop", "needs a bound", "max_steps");
    ag_graph_free(g);
}
END_TEST

/* How many steps are made differs from evaluation to evaluation. */
START_TEST(the_number_of_steps_is_found_anew)
{
    ag_graph *g = ag_graph_new(NULL);
    ag_node *start = ag_input(g, "start", AG_F64, AG_SCALAR), *a = scalar(g, "a", 1.1), *s = grow(start, a, 100);
    ag_node *y[] = { s, slope(s, a), tangent(s, a), slope(slope(s, a), a) };
    ag_options o = test_options();
    o.poison = 1;
    ag_plan *plan = ag_compile(g, 4, y, &o);
    ag_run *run = ag_run_new(plan);
    const double starts[] = { 1, 12, 5, -3, 1, 0 };
    for (size_t k = 0; k < COUNT(starts); k++) {
        double want[4];
        grown(starts[k], 1.1, 100, want);
        ag_feed(run, start, &starts[k]);
        ck_assert_int_eq(ag_eval(run), AG_OK);
        expect_close(ag_item(run, y[0]), want[0], 1e-12);
        expect_close(ag_item(run, y[1]), want[1], 1e-12);
        expect_close(ag_item(run, y[2]), want[1], 1e-12);
        expect_close(ag_item(run, y[3]), want[2], 1e-12);
    }
    ag_run_free(run);
    ag_plan_free(plan);
    ag_graph_free(g);
}
END_TEST

/* Vectors as states, an integer that counts, a test that reads a capture: Newton's iteration for roots. */
START_TEST(newton_for_roots)
{
    enum { N = 50 };
    ag_graph *g = ag_graph_new(NULL);
    uint64_t seed = 5;
    ag_shape shape = AG_SHAPE(N);
    ag_node *a = test_parameter(g, shape, &seed, 0.5, 4), *limit = scalar(g, NULL, 1e-13), *final[2];
    ag_node *state[] = { ag_input(g, NULL, AG_F64, shape), ag_input(g, NULL, AG_I64, AG_SCALAR) };
    ag_node *initial[] = { a, ag_cast(number(g, 0), AG_I64) }, *x = state[0];
    ag_node *next[] = { ag_mul(ag_add(x, ag_div(a, x)), number(g, 0.5)),
                        ag_cast(ag_add(ag_cast(state[1], AG_F64), number(g, 1)), AG_I64) };
    ag_node *test = ag_greater(ag_amax(ag_abs(ag_sub(ag_square(x), a))), limit);
    ag_while(test, 2, initial, state, next, 60, final);
    ag_node *d = slope(ag_sum(final[0]), a), *h = ag_hessian(ag_sum(final[0]), a);
    double root[N], dd[N], value[N], second[N * N], steps, *out[] = { root, dd, value, second, &steps };
    test_evaluate(5, (ag_node *[]){ final[0], d, a, h, final[1] }, NULL, out);
    ck_assert_msg(steps > 3 && steps < 12, "%g steps", steps);
    for (int i = 0; i < N; i++) {
        expect_close(root[i], sqrt(value[i]), 1e-13);
        expect_close(dd[i], 0.5 / sqrt(value[i]), 1e-9); /* the derivative lags behind by a step */
        for (int k = 0; k < N; k++)
            ck_assert_msg(i == k || second[i * N + k] == 0, "%d, %d: %g", i, k, second[i * N + k]);
        expect_close(second[i * N + i], -0.25 * pow(value[i], -1.5), 1e-4);
    }
    ag_graph_free(g);
}
END_TEST

/* ---- branches ---------------------------------------------------------------------------------------------------- */

/* p ? (x y)^2 + c : sin(x) exp(y) and their derivatives: value, dx, dy, dxx, dxy, dyy */
static void branch_values(int taken, double x, double y, double c, double want[6])
{
    if (taken) {
        const double v[] = { x * x * y * y + c, 2 * x * y * y, 2 * x * x * y, 2 * y * y, 4 * x * y, 2 * x * x };
        memcpy(want, v, sizeof v);
    } else {
        double s = sin(x), k = cos(x), e = exp(y);
        const double v[] = { s * e, k * e, s * e, -s * e, k * e, s * e };
        memcpy(want, v, sizeof v);
    }
}

START_TEST(derivatives_of_branches)
{
    ag_graph *g = ag_graph_new(NULL);
    ag_node *p = ag_input(g, "p", _i ? AG_I64 : AG_F64, AG_SCALAR), *x = scalar(g, "x", 0.7), *y = scalar(g, "y", -0.4);
    ag_node *c = scalar(g, "c", 3), *u = leaf(g), *unread = leaf(g), *out[2];
    ag_node *then[] = { ag_add(ag_square(ag_mul(u, y)), c), u }, *otherwise[] = { ag_mul(ag_sin(u), ag_exp(y)), y };
    ag_node *value[] = { x, c }, *argument[] = { u, unread };
    ag_cond(p, 2, value, argument, 2, then, otherwise, out);
    expect_well(g);
    ag_node *z = out[0], *dx = slope(z, x), *dy = slope(z, y);
    ag_node *all[] = { z,  dx, dy, slope(dx, x), slope(dx, y), slope(dy, y), tangent(z, x), tangent(dx, x),
                       tangent(dy, x),
                       tangent(tangent(z, y), x), slope(z, c), out[1], slope(out[1], x), slope(out[1], y) };
    expect_well(g);
    ag_options o = test_options();
    for (o.poison = 0; o.poison < 2; o.poison++) {
        ag_plan *plan = ag_compile(g, (int)COUNT(all), all, &o);
        ck_assert_msg(plan != NULL, "%s", ag_graph_error(g));
        ag_run *run = ag_run_new(plan);
        for (int taken = 0; taken < 3; taken++) {
            double want[6];
            ag_feed(run, p, _i ? (const void *)&(int64_t){ taken } : (const void *)&(double){ -taken });
            ck_assert_msg(ag_eval(run) == AG_OK, "%s", ag_run_error(run));
            branch_values(taken, 0.7, -0.4, 3, want);
            for (int k = 0; k < 6; k++) expect_close(ag_item(run, all[k]), want[k], 1e-13);
            expect_close(ag_item(run, all[6]), want[1], 1e-13);
            expect_close(ag_item(run, all[7]), want[3], 1e-13);
            expect_close(ag_item(run, all[8]), want[4], 1e-13);
            expect_close(ag_item(run, all[9]), want[4], 1e-13);
            expect_close(ag_item(run, all[10]), taken != 0, 0);
            expect_close(ag_item(run, all[11]), taken ? 0.7 : -0.4, 0);
            expect_close(ag_item(run, all[12]), taken != 0, 0);
            expect_close(ag_item(run, all[13]), taken == 0, 0);
        }
        ag_run_free(run);
        ag_plan_free(plan);
    }
    ag_graph_free(g);
}
END_TEST

/* The other branch would fail: its matrix is singular. */
START_TEST(the_other_branch_is_not_evaluated)
{
    ag_graph *g = ag_graph_new(NULL);
    ag_shape shape = AG_SHAPE(3, 3);
    ag_node *p = ag_input(g, "p", AG_F64, AG_SCALAR), *a = ag_parameter(g, "singular", AG_F64, shape, NULL);
    ag_node *m = ag_input(g, NULL, AG_F64, shape), *y, *da;
    ag_node *then = ag_sum(ag_inverse(m)), *otherwise = ag_sum(ag_mul(m, number(g, 2)));
    ag_cond(p, 1, &a, &m, 1, &then, &otherwise, &y);
    ag_gradient(y, 1, &a, &da);
    ag_node *out[] = { y, da, ag_hvp(y, a, ag_add(a, ag_cast(number(g, 1), AG_F64))) };
    expect_well(g);
    ag_options o = test_options();
    ag_plan *plan = ag_compile(g, 3, out, &o);
    ag_run *run = ag_run_new(plan);
    for (int round = 0; round < 2; round++) {
        ag_feed(run, p, &(double){ 0 });
        ck_assert_msg(ag_eval(run) == AG_OK, "%s", ag_run_error(run));
        expect_close(ag_item(run, y), 0, 0);
        expect_close(((const double *)ag_data(run, da))[4], 2, 0);
        ag_feed(run, p, &(double){ 1 });
        ck_assert_int_eq(ag_eval(run), AG_ENUMERIC);
        ck_assert_msg(strstr(ag_run_error(run), "singular") != NULL, "%s", ag_run_error(run));
    }
    const double well[] = { 2, 0, 0, 0, 4, 0, 0, 0, 5 };
    ag_feed(run, a, well);
    ck_assert_int_eq(ag_eval(run), AG_OK);
    expect_close(ag_item(run, y), 0.95, 1e-15);
    expect_close(((const double *)ag_data(run, da))[4], -1.0 / 16, 1e-15);
    ag_run_free(run);
    ag_plan_free(plan);
    ag_graph_free(g);
}
END_TEST

/* ---- scans against closed forms; plans -------------------------------------------------------------------------- */

START_TEST(powers)
{
    enum { LENGTH = 9 };
    ag_graph *g = ag_graph_new(NULL);
    ag_node *start = scalar(g, NULL, 3), *a = scalar(g, NULL, 0.8), *x = leaf(g), *next = ag_mul(a, x), *y;
    ag_scan(&(ag_scan_body){ .length = LENGTH, .states = 1, .initial = &start, .state = &x, .next = &next }, &y, NULL);
    ag_node *d[5] = { y }, *t[5] = { y };
    double value[10], want = 3 * pow(0.8, LENGTH);
    for (int k = 1; k < 5; k++) d[k] = slope(d[k - 1], a), t[k] = tangent(t[k - 1], a);
    evaluate(5, d, NULL, value);
    evaluate(5, t, NULL, value + 5);
    for (int k = 0; k < 5; k++) { /* the k-th derivative of 3 a^n */
        expect_close(value[k], want, 1e-12);
        expect_close(value[5 + k], want, 1e-12);
        want *= (LENGTH - k) / 0.8;
    }
    ag_graph_free(g);
}
END_TEST

/* The mean of a long recurrence's squares; `bytes`: the budget. */
static ag_node *long_recurrence(ag_graph *g, ag_node *w, int64_t length, int64_t width, size_t bytes)
{
    ag_shape shape = AG_SHAPE(width);
    ag_node *initial = ag_broadcast_to(ag_cast(number(g, 0.5), AG_F64), shape), *h = ag_input(g, NULL, AG_F64, shape);
    ag_node *next = ag_sin(ag_add(ag_mul(h, w), number(g, 0.3))), *final;
    ag_scan_body body = { .length = length, .states = 1, .initial = &initial, .state = &h, .next = &next,
                          .max_bytes = bytes };
    ck_assert_int_eq(ag_scan(&body, &final, NULL), AG_OK);
    return ag_mean(ag_square(final));
}

START_TEST(budgets_bound_the_memory)
{
    enum { LENGTH = 2000, WIDTH = 100 };
    const size_t state = WIDTH * sizeof(double), budgets[] = { 0, 1000 * state, 200 * state, 100 * state, 1 };
    size_t bytes[5];
    double first[WIDTH], d[WIDTH], *out[] = { d };
    for (int k = 0; k < 5; k++) {
        ag_graph *g = ag_graph_new(NULL);
        uint64_t seed = 3;
        ag_node *w = test_parameter(g, AG_SHAPE(WIDTH), &seed, 0.5, 1.5);
        ag_node *y = long_recurrence(g, w, LENGTH, WIDTH, budgets[k]), *dw = slope(y, w);
        ag_plan *plan = ag_compile(g, 1, &dw, NULL);
        bytes[k] = ag_plan_bytes(plan);
        ag_plan_free(plan);
        test_evaluate(1, &dw, NULL, out);
        if (!k) memcpy(first, d, sizeof d);
        for (int i = 0; i < WIDTH; i++) expect_close(d[i], first[i], 1e-13);
        ag_graph_free(g);
    }
    ck_assert_msg(bytes[0] >= LENGTH * state, "%zu bytes hold all states", bytes[0]);
    for (int k = 1; k < 4; k++)
        ck_assert_msg(bytes[k] < budgets[k] + 60 * state, "%zu bytes, the budget is %zu", bytes[k], budgets[k]);
    ck_assert_msg(bytes[4] <= bytes[3], "%zu bytes at least, %zu with a budget", bytes[4], bytes[3]);
}
END_TEST

/* What a linear recurrence carries is not kept for its gradient. */
START_TEST(linear_loops_keep_nothing)
{
    enum { LENGTH = 1000, WIDTH = 50 };
    ag_graph *g = ag_graph_new(NULL);
    uint64_t seed = 3;
    ag_shape shape = AG_SHAPE(WIDTH);
    ag_node *start = test_parameter(g, shape, &seed, 0, 1), *h = ag_input(g, NULL, AG_F64, shape);
    ag_node *next = ag_sub(ag_flip(h, 0), ag_mul(h, number(g, 0.5))), *final;
    ag_scan(&(ag_scan_body){ .length = LENGTH, .states = 1, .initial = &start, .state = &h, .next = &next }, &final,
            NULL);
    ag_node *d = slope(ag_sum(final), start), *t;
    ag_jvp(1, &start, &start, 1, &final, &t);
    ag_node *y[] = { final, d, t, ag_sub(t, final) };
    ag_plan *plan = ag_compile(g, 4, y, NULL);
    ck_assert_msg(ag_plan_bytes(plan) < 60 * WIDTH * sizeof(double), "%zu bytes", ag_plan_bytes(plan));
    ag_run *run = ag_run_new(plan);
    ck_assert_int_eq(ag_eval(run), AG_OK);
    for (int i = 0; i < WIDTH; i++) {
        expect_close(((const double *)ag_data(run, d))[i], pow(0.5, LENGTH), 1e-12);
        expect_close(((const double *)ag_data(run, y[3]))[i], 0, 1e-15);
    }
    ag_run_free(run);
    ag_plan_free(plan);
    ag_graph_free(g);
}
END_TEST

/* Forward mode keeps no trajectory, reverse mode does. */
START_TEST(tangents_keep_no_trajectory)
{
    enum { LENGTH = 1000, WIDTH = 64 };
    ag_graph *g = ag_graph_new(NULL);
    uint64_t seed = 3;
    ag_node *w = test_parameter(g, AG_SHAPE(WIDTH), &seed, 0.5, 1.5), *y = long_recurrence(g, w, LENGTH, WIDTH, 0), *dy;
    ag_jvp(1, &w, &w, 1, &y, &dy);
    ag_node *both[] = { y, dy };
    ag_plan *plan = ag_compile(g, 2, both, NULL);
    ck_assert_msg(ag_plan_bytes(plan) < 60 * WIDTH * sizeof(double), "%zu bytes", ag_plan_bytes(plan));
    ag_plan_free(plan);
    double value[2];
    evaluate(2, (ag_node *[]){ dy, ag_sum(ag_mul(slope(y, w), w)) }, NULL, value);
    expect_close(value[0], value[1], 1e-12);
    ag_graph_free(g);
}
END_TEST

/* Parameters that a loop reads are updated in place, after it: as the unrolled graph is. */
START_TEST(training_through_a_loop)
{
    double loss[2][5], *trained[2] = { (double[40]){ 0 }, (double[40]){ 0 } };
    for (int unrolled = 0; unrolled < 2; unrolled++) {
        ag_graph *g = ag_graph_new(NULL);
        uint64_t seed = 9;
        ag_shape shape = AG_SHAPE(40);
        ag_node *w = test_parameter(g, shape, &seed, -1, 1), *x = ag_input(g, "x", AG_F64, shape), *h = x;
        if (unrolled) {
            for (int k = 0; k < 6; k++) h = ag_tanh(ag_mul(h, w));
        } else {
            ag_node *s = ag_input(g, NULL, AG_F64, shape), *next = ag_tanh(ag_mul(s, w));
            ag_scan(&(ag_scan_body){ .length = 6, .states = 1, .initial = &x, .state = &s, .next = &next }, &h, NULL);
        }
        ag_node *y = ag_sum(ag_square(ag_sub(h, number(g, 0.1))));
        ag_node *out[] = { y, ag_sgd(y, &(ag_sgd_options){ .rate = 0.3, .momentum = 0.5 }) };
        ag_plan *plan = ag_compile(g, 2, out, NULL);
        ag_run *run = ag_run_new(plan);
        double values[40];
        for (int i = 0; i < 40; i++) values[i] = cos(i);
        ag_feed(run, x, values);
        for (int step = 0; step < 5; step++) {
            ck_assert_int_eq(ag_eval(run), AG_OK);
            loss[unrolled][step] = ag_item(run, y);
        }
        ag_fetch(run, w, trained[unrolled]);
        ag_run_free(run);
        ag_plan_free(plan);
        ag_graph_free(g);
    }
    for (int k = 0; k < 5; k++) expect_close(loss[0][k], loss[1][k], 1e-13);
    for (int i = 0; i < 40; i++) expect_close(trained[0][i], trained[1][i], 1e-13);
    ck_assert(loss[0][4] < loss[0][0]);
}
END_TEST

/* Two runs of a plan, the callers' memory for everything that is read and written. */
START_TEST(runs_and_bound_memory)
{
    enum { LENGTH = 4, WIDTH = 20 };
    ag_graph *g = ag_graph_new(NULL);
    ag_shape shape = AG_SHAPE(WIDTH);
    ag_node *x = ag_input(g, "x", AG_F64, AG_SHAPE(LENGTH, WIDTH)), *start = ag_input(g, "start", AG_F64, shape);
    ag_node *c = ag_input(g, "c", AG_F64, shape), *s = ag_input(g, NULL, AG_F64, shape),
            *e = ag_input(g, NULL, AG_F64, shape);
    ag_node *next = ag_add(ag_mul(s, c), e), *out[2];
    ag_scan_body body = { .length = LENGTH, .states = 1, .sequences = 1, .results = 1, .initial = &start, .state = &s,
                          .next = &next, .sequence = &x, .element = &e, .result = &next };
    ag_scan(&body, &out[0], &out[1]);
    ag_plan *plan = ag_compile(g, 2, out, NULL);
    ag_run *run[2] = { ag_run_new(plan), ag_run_new(plan) };
    double xs[2][LENGTH * WIDTH], starts[2][WIDTH], cs[2][WIDTH], final[2][WIDTH], all[2][LENGTH * WIDTH];
    for (int r = 0; r < 2; r++) {
        for (int i = 0; i < LENGTH * WIDTH; i++) xs[r][i] = sin(i + r);
        for (int i = 0; i < WIDTH; i++) starts[r][i] = i + r, cs[r][i] = 0.5 + 0.01 * i * (r + 1);
        ag_bind(run[r], x, xs[r]);
        ag_bind(run[r], start, starts[r]);
        ag_bind(run[r], c, cs[r]);
        ag_bind(run[r], out[0], final[r]);
        ag_bind(run[r], out[1], all[r]);
    }
    for (int round = 0; round < 3; round++, starts[1][3] += 1, xs[0][5] -= 1)
        for (int r = 0; r < 2; r++) {
            ck_assert_int_eq(ag_eval(run[r]), AG_OK);
            for (int i = 0; i < WIDTH; i++) {
                double h = starts[r][i];
                for (int t = 0; t < LENGTH; t++) {
                    h = h * cs[r][i] + xs[r][t * WIDTH + i];
                    expect_close(all[r][t * WIDTH + i], h, 1e-14);
                }
                expect_close(final[r][i], h, 1e-14);
            }
        }
    FILE *nowhere = fopen("/dev/null", "w");
    ck_assert_int_eq(ag_write_text(nowhere, plan), 0);
    ck_assert_int_eq(ag_write_dot(nowhere, 2, out, run[0]), 0);
    fclose(nowhere);
    ag_run_free(run[0]);
    ag_run_free(run[1]);
    ag_plan_free(plan);
    ag_graph_free(g);
}
END_TEST

START_TEST(constants_are_differentiated_by_too)
{
    ag_graph *g = ag_graph_new(NULL);
    ag_node *c = ag_constant(g, AG_F64, AG_SCALAR, &(double){ 2 }), *start = scalar(g, NULL, 5), *s = leaf(g);
    ag_node *next = ag_mul(s, c), *y;
    ag_scan(&(ag_scan_body){ .length = 3, .states = 1, .initial = &start, .state = &s, .next = &next }, &y, NULL);
    expect_close(test_number(slope(y, c)), 5 * 3 * 4, 1e-15);
    ag_graph_free(g);
}
END_TEST

START_TEST(without_interning)
{
    ag_graph *g = ag_graph_new(NULL);
    ag_graph_intern(g, 0);
    ag_node *start = scalar(g, NULL, 0.4), *a = scalar(g, NULL, 1.3), *s[] = { leaf(g), leaf(g) }, *final[2];
    ag_node *next[] = { ag_sin(ag_mul(s[0], a)), ag_add(s[1], ag_mul(s[0], s[0])) }, *initial[] = { start, start };
    ag_scan(&(ag_scan_body){ .length = 3, .states = 2, .initial = initial, .state = s, .next = next }, final, NULL);
    ag_node *y = ag_add(ag_mul(final[0], final[1]), ag_square(final[0]));
    double x[] = { 0.4, 0.4 }, d[] = { 0, 0 }, got[2];
    for (int k = 0; k < 3; k++) {
        double u = x[0] * 1.3, du = d[0] * 1.3 + x[0];
        d[1] += 2 * x[0] * d[0], x[1] += x[0] * x[0];
        d[0] = cos(u) * du, x[0] = sin(u);
    }
    evaluate(2, (ag_node *[]){ slope(y, a), tangent(y, a) }, NULL, got);
    for (int k = 0; k < 2; k++) expect_close(got[k], d[0] * x[1] + x[0] * d[1] + 2 * x[0] * d[0], 1e-14);
    ag_graph_free(g);
}
END_TEST

/* ---- wrong calls ------------------------------------------------------------------------------------------------- */

typedef struct {
    ag_graph *g, *other;
    ag_node *vector, *matrix, *narrow, *integer, *s, *e, *next, *bad, *foreign;
} nodes;

static nodes make_nodes(void)
{
    nodes n = { .g = ag_graph_new(NULL), .other = ag_graph_new(NULL) };
    ag_shape v = AG_SHAPE(3);
    n.vector = ag_input(n.g, "vector", AG_F64, v);
    n.matrix = ag_input(n.g, "matrix", AG_F64, AG_SHAPE(4, 3));
    n.narrow = ag_input(n.g, "narrow", AG_F32, v);
    n.integer = ag_input(n.g, "integer", AG_I64, v);
    n.s = ag_input(n.g, "s", AG_F64, v);
    n.e = ag_input(n.g, "e", AG_F64, v);
    n.next = ag_add(n.s, n.e);
    n.foreign = ag_input(n.other, "foreign", AG_F64, v);
    n.bad = ag_add(n.vector, ag_input(n.g, NULL, AG_F64, AG_SHAPE(7)));
    ag_graph_clear(n.g);
    return n;
}

static void free_nodes(nodes *n)
{
    ag_graph_free(n->g);
    ag_graph_free(n->other);
}

typedef struct {
    ag_node *initial, *state, *next, *sequence, *element, *result;
    int64_t length;
} wrong;

static ag_status scan(const wrong *w)
{
    ag_node *final, *stacked;
    ag_scan_body body = { .length = w->length, .states = 1, .sequences = 1, .results = 1, .initial = &w->initial,
                          .state = &w->state, .next = &w->next, .sequence = &w->sequence, .element = &w->element,
                          .result = &w->result };
    ag_status status = ag_scan(&body, &final, &stacked);
    ck_assert(status == AG_OK || (ag_is_bad(final) && ag_is_bad(stacked)));
    return status;
}

START_TEST(wrong_scans)
{
    nodes n = make_nodes();
    const wrong right = { n.vector, n.s, n.next, n.matrix, n.e, n.next, 4 };
    ck_assert_int_eq(scan(&right), AG_OK);
    const struct {
        size_t place;
        ag_node *x;
        ag_status status;
        const char *text[3];
    } rows[] = {
        { offsetof(wrong, initial), NULL, AG_EARG, { "initial state 0 is NULL" } },
        { offsetof(wrong, state), NULL, AG_EARG, { "state 0 is NULL" } },
        { offsetof(wrong, next), NULL, AG_EARG, { "next state 0 is NULL" } },
        { offsetof(wrong, sequence), NULL, AG_EARG, { "sequence 0 is NULL" } },
        { offsetof(wrong, element), NULL, AG_EARG, { "element 0 is NULL" } },
        { offsetof(wrong, result), NULL, AG_EARG, { "result 0 is NULL" } },
        { offsetof(wrong, next), n.foreign, AG_EARG, { "next state 0 is a node of another graph" } },
        { offsetof(wrong, element), n.foreign, AG_EARG, { "element 0 is a node of another graph" } },
        { offsetof(wrong, state), n.next, AG_EARG, { "state 0 has to be an ag_input", "add" } },
        { offsetof(wrong, element), n.s, AG_EARG, { "element 0 stands for something else already", "'s'" } },
        { offsetof(wrong, initial), n.matrix, AG_ESHAPE, { "state 0 is f64[3], its initial value f64[4,3]" } },
        { offsetof(wrong, initial), n.narrow, AG_ETYPE, { "state 0 is f64[3], its initial value f32[3]" } },
        { offsetof(wrong, next), n.matrix, AG_ESHAPE, { "state 0 is f64[3], its next value f64[4,3]" } },
        { offsetof(wrong, next), n.integer, AG_ETYPE, { "state 0 is f64[3], its next value i64[3]" } },
        { offsetof(wrong, sequence), n.vector, AG_ESHAPE, { "sequence 0 is not 4 elements of f64[3]", "'vector'" } },
        { offsetof(wrong, sequence), ag_cast(n.matrix, AG_F32), AG_ETYPE,
          { "sequence 0 is not 4 elements of f64[3]" } },
    };
    for (size_t k = 0; k < COUNT(rows); k++) {
        wrong w = right;
        memcpy((char *)&w + rows[k].place, &rows[k].x, sizeof rows[k].x);
        ck_assert_int_eq(scan(&w), rows[k].status);
        expect_failure(n.g, rows[k].status, rows[k].text);
        ag_graph_clear(n.other);
    }
    const int64_t lengths[] = { -1, INT64_MAX };
    for (size_t k = 0; k < COUNT(lengths); k++) {
        wrong w = right;
        w.length = lengths[k];
        ck_assert_int_eq(scan(&w), AG_EARG);
        expect_error(n.g, AG_EARG, "scan", "steps; there are at most 2^48");
    }
    wrong w = right;
    w.length = 5;
    ck_assert_int_eq(scan(&w), AG_ESHAPE);
    expect_error(n.g, AG_ESHAPE, "sequence 0 is not 5 elements of f64[3]", "'matrix' f64[4,3]");
    w = right;
    w.next = n.bad;
    ck_assert_int_eq(scan(&w), AG_EARG); /* handed on: nothing new has failed */
    ck_assert_int_eq(ag_graph_status(n.g), AG_OK);
    ck_assert_int_eq(ag_scan(NULL, NULL, NULL), AG_EARG);
    ck_assert_int_eq(ag_scan(&(ag_scan_body){ .length = 3, .states = 1 }, NULL, NULL), AG_EARG);
    ck_assert_int_eq(ag_scan(&(ag_scan_body){ .length = 3, .states = 1, .initial = &n.vector }, NULL, NULL), AG_EARG);
    expect_error(n.g, AG_EARG, "the list of the 1 states is NULL");
    ck_assert_int_eq(ag_scan(&(ag_scan_body){ .length = 3, .states = -1, .results = 1, .result = &n.next }, NULL, NULL),
                     AG_EARG);
    expect_error(n.g, AG_EARG, "-1 initial states");
    ck_assert_int_eq(scan(&right), AG_OK);
    free_nodes(&n);
}
END_TEST

START_TEST(wrong_loops_and_branches)
{
    nodes n = make_nodes();
    ag_node *out = NULL, *two = ag_input(n.g, "two", AG_F64, AG_SHAPE(2)), *any = ag_sum(n.s), *tall = ag_sum(n.matrix);
    ck_assert_int_eq(ag_while(any, 1, &n.vector, &n.s, &n.s, 0, &out), AG_OK);
    ck_assert_int_eq(ag_while(NULL, 1, &n.vector, &n.s, &n.s, 0, &out), AG_EARG);
    expect_error(n.g, AG_EARG, "while", "test 0 is NULL");
    ck_assert_int_eq(ag_while(any, 1, &n.vector, &n.s, &n.s, -1, &out), AG_EARG);
    expect_error(n.g, AG_EARG, "while", "max_steps is -1");
    ck_assert_int_eq(ag_while(two, 1, &n.vector, &n.s, &n.s, 0, &out), AG_ESHAPE);
    expect_error(n.g, AG_ESHAPE, "while", "the test is not a single number");
    ck_assert_int_eq(ag_while(any, 0, NULL, NULL, NULL, 0, NULL), AG_EARG);
    expect_error(n.g, AG_EARG, "no state");
    ck_assert_int_eq(ag_while(any, 1, &n.vector, &n.next, &n.s, 0, &out), AG_EARG);
    ck_assert(ag_is_bad(out));
    expect_error(n.g, AG_EARG, "state 0 has to be an ag_input");
    ck_assert_int_eq(ag_while(NULL, 1, NULL, NULL, NULL, 0, &out), AG_EARG);
    ck_assert_ptr_null(out);

    ck_assert_int_eq(ag_cond(any, 1, &n.vector, &n.s, 1, &n.next, &n.s, &out), AG_OK);
    ck_assert_int_eq(ag_cond(NULL, 1, &n.vector, &n.s, 1, &n.next, &n.s, &out), AG_EARG);
    expect_error(n.g, AG_EARG, "cond", "predicate 0 is NULL");
    ck_assert_int_eq(ag_cond(two, 1, &n.vector, &n.s, 1, &n.next, &n.s, &out), AG_ESHAPE);
    expect_error(n.g, AG_ESHAPE, "cond", "the predicate is not a single number");
    ck_assert_int_eq(ag_cond(any, 1, &n.matrix, &n.s, 1, &n.next, &n.s, &out), AG_ESHAPE);
    expect_error(n.g, AG_ESHAPE, "argument 0 is f64[3], its value f64[4,3]");
    ck_assert_int_eq(ag_cond(any, 1, &n.vector, &n.s, 1, &n.next, &tall, &out), AG_ESHAPE);
    expect_error(n.g, AG_ESHAPE, "result 0 is f64[3], that of the other branch f64[]");
    ck_assert_int_eq(ag_cond(any, 1, &n.vector, &n.s, 1, &n.next, &n.narrow, &out), AG_ETYPE);
    expect_error(n.g, AG_ETYPE, "result 0 is f64[3], that of the other branch f32[3]");
    ck_assert_int_eq(ag_cond(any, 1, &n.vector, &n.vector, 1, &n.next, &n.foreign, &out), AG_EARG);
    expect_error(n.g, AG_EARG, "other result 0 is a node of another graph");
    ck_assert(ag_is_bad(out));
    free_nodes(&n);
}
END_TEST

START_TEST(what_bodies_may_not_hold)
{
    ag_graph *g = ag_graph_new(NULL);
    ag_node *p = scalar(g, "p", 1), *s = leaf(g), *out, *next = ag_assign(p, ag_add(s, p));
    ag_scan_body body = { .length = 2, .states = 1, .initial = &p, .state = &s, .next = &next };
    ck_assert_int_eq(ag_scan(&body, &out, NULL), AG_EARG);
    expect_error(g, AG_EARG, "assign", "the body of a loop or branch assigns no parameter");
    ag_node *value = p;
    for (int depth = 1; depth <= AG_MAX_RANK * 2 + 1; depth++) { /* a loop in a loop in a loop ... */
        s = leaf(g);
        next = depth == 1 ? ag_mul(s, p) : NULL;
        ag_node *inner = s, *leaves[20], *initial = s;
        for (int k = 0; k < depth; k++) leaves[k] = leaf(g);
        next = ag_mul(leaves[depth - 1], p);
        for (int k = depth - 1; k >= 0; k--) {
            initial = k ? leaves[k - 1] : value;
            body = (ag_scan_body){ .length = 1, .states = 1, .initial = &initial, .state = &leaves[k], .next = &next };
            ag_status status = ag_scan(&body, &inner, NULL);
            if (depth - k > 16) {
                ck_assert_int_eq(status, AG_EARG);
                expect_error(g, AG_EARG, "nested more than 16 deep");
            } else {
                ck_assert_msg(status == AG_OK, "%s", ag_graph_error(g));
            }
            next = inner;
        }
        if (depth > 16) break;
        if (depth % 5 == 1) expect_close(test_number(slope(slope(ag_square(inner), p), p)), 12, 1e-13);
    }
    ag_graph_free(g);
}
END_TEST

START_TEST(inner_leaves_are_not_fed)
{
    ag_graph *g = ag_graph_new(NULL);
    ag_node *x = ag_input(g, "x", AG_F64, AG_SCALAR), *s = ag_input(g, "s", AG_F64, AG_SCALAR);
    ag_node *forgotten = ag_input(g, "forgotten", AG_F64, AG_SCALAR), *next = ag_add(ag_mul(s, x), forgotten), *y;
    ag_scan(&(ag_scan_body){ .length = 3, .states = 1, .initial = &x, .state = &s, .next = &next }, &y, NULL);
    ag_plan *plan = ag_compile(g, 1, &y, NULL);
    ag_run *run = ag_run_new(plan);
    const double two = 2;
    ck_assert_int_eq(ag_feed(run, s, &two), AG_EARG);
    ck_assert_msg(strstr(ag_run_error(run), "'s' f64[] stands for a value inside") != NULL, "%s", ag_run_error(run));
    ag_feed(run, x, &two);
    ck_assert_int_eq(ag_eval(run), AG_EARG);
    ck_assert_msg(strstr(ag_run_error(run), "'forgotten' f64[] has not been fed") != NULL, "%s", ag_run_error(run));
    ag_feed(run, forgotten, &two);
    ck_assert_int_eq(ag_eval(run), AG_OK);
    expect_close(ag_item(run, y), ((2 * 2 + 2) * 2 + 2) * 2 + 2, 0);
    ag_run_free(run);
    ag_plan_free(plan);
    ag_graph_free(g);
}
END_TEST

/* What fails inside a body says so outside. */
START_TEST(failures_inside_come_out)
{
    ag_graph *g = ag_graph_new(NULL);
    ag_node *x = ag_parameter(g, "x", AG_F64, AG_SHAPE(4), NULL), *s = ag_input(g, NULL, AG_I64, AG_SCALAR), *y;
    ag_node *at = ag_cast(number(g, 0), AG_I64), *next = ag_cast(ag_add(ag_cast(s, AG_F64), number(g, 1)), AG_I64);
    ag_node *result = ag_gather(x, 0, s);
    ag_scan_body body = { .length = 6, .states = 1, .results = 1, .initial = &at, .state = &s, .next = &next,
                          .result = &result };
    ag_scan(&body, NULL, &y);
    ag_plan *plan = ag_compile(g, 1, &y, NULL);
    ag_run *run = ag_run_new(plan);
    ck_assert_int_eq(ag_eval(run), AG_EARG);
    ck_assert_msg(strstr(ag_run_error(run), "gather") != NULL, "%s", ag_run_error(run));
    ck_assert_ptr_null(ag_data(run, y));
    ag_run_free(run);
    ag_plan_free(plan);
    ag_graph_free(g);
}
END_TEST

/* ---- memory ------------------------------------------------------------------------------------------------------ */

/* A scan in segments, whose body holds a branch and a bounded loop, with all derivatives; the sum of everything. */
static ag_node *everything(ag_graph *g)
{
    ag_shape shape = AG_SHAPE(5);
    ag_node *w = ag_parameter(g, "w", AG_F64, shape, (double[]){ 1, 2, 3, 4, 5 }),
            *x = ag_parameter(g, "x", AG_F64, AG_SHAPE(7, 5), NULL);
    ag_node *h = ag_input(g, NULL, AG_F64, shape), *e = ag_input(g, NULL, AG_F64, shape),
            *u = ag_input(g, NULL, AG_F64, shape);
    ag_node *t = leaf(g), *one = ag_cast(number(g, 1), AG_F64), *halved, *taken, *final, *stacked;
    ag_node *half = ag_mul(t, number(g, 0.5)), *start = ag_add(ag_sum(h), one);
    ag_while(ag_greater(t, one), 1, &start, &t, &half, 9, &halved);
    ag_node *then = ag_mul(u, w), *otherwise = ag_sin(u), *next;
    ag_cond(ag_greater(halved, one), 1, &h, &u, 1, &then, &otherwise, &taken);
    next = ag_add(ag_mul(taken, halved), e);
    ag_scan_body body = { .length = 7, .states = 1, .sequences = 1, .results = 1, .initial = &w, .state = &h,
                          .next = &next, .sequence = &x, .element = &e, .result = &halved, .max_bytes = 1 };
    ag_scan(&body, &final, &stacked);
    ag_node *y = ag_add(ag_sum(ag_square(final)), ag_sum(stacked)), *leaves[] = { w, x }, *d[2], *dd[2], *dy;
    if (ag_gradient(y, 2, leaves, d)) return d[0];
    ag_node *sum = ag_add(ag_sum(d[0]), ag_sum(d[1]));
    if (ag_gradient(sum, 2, leaves, dd)) return dd[0];
    if (ag_jvp(2, leaves, d, 1, &sum, &dy)) return dy;
    ag_node *all[] = { y, sum, ag_sum(dd[0]), ag_sum(dd[1]), dy, ag_sum(ag_jacobian(final, w)),
                       ag_sum(ag_hessian(y, w)) };
    for (int k = 1; k < 7; k++) all[0] = ag_add(all[0], all[k]);
    return all[0];
}

static ag_status whole(test_budget *b, double *value)
{
    const ag_allocator limited = test_allocator(b);
    ag_graph *g = ag_graph_new(&limited);
    if (!g) return AG_EMEM;
    ag_node *y = everything(g);
    ag_plan *plan = ag_is_bad(y) ? NULL : ag_compile(g, 1, &y, NULL);
    ag_run *run = ag_run_new(plan);
    ag_status status = run ? ag_eval(run) : AG_EMEM;
    if (!run && plan == NULL) {
        ck_assert_int_eq(ag_graph_status(g), AG_EMEM);
        ck_assert_str_ne(ag_graph_error(g), "");
    }
    int64_t before = b->count;
    if (run) ag_eval(run);
    ck_assert_int_eq(b->count, before);
    if (run) *value = ag_item(run, y);
    ag_run_free(run);
    ag_plan_free(plan);
    ag_graph_free(g);
    return status;
}

START_TEST(every_allocation_may_fail)
{
    double value = NAN, first = NAN;
    test_budget b = { .left = INT64_MAX };
    ck_assert_int_eq(whole(&b, &first), AG_OK);
    ck_assert(isfinite(first) && b.taken == 0);
    int64_t all = b.count, step = test_quick() ? 97 : 1;
    for (int64_t n = 0; n < all; n += n < 200 ? 1 : step) {
        b = (test_budget){ .left = n };
        ck_assert_msg(whole(&b, &value) == AG_EMEM, "allocation %lld of %lld fails unnoticed", (long long)n,
                      (long long)all);
        ck_assert_msg(b.taken == 0, "%lld blocks leak when allocation %lld fails", (long long)b.taken, (long long)n);
    }
}
END_TEST

Suite *suite_while(void)
{
    Suite *s = suite_create("while");
    TCase *t = tcase_create("while");
    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, a_loop_ends_by_itself, 0, (int)COUNT(growths));
    tcase_add_test(t, without_a_bound_forward_mode_goes_through);
    tcase_add_test(t, the_number_of_steps_is_found_anew);
    tcase_add_test(t, newton_for_roots);
    tcase_add_loop_test(t, derivatives_of_branches, 0, 2);
    tcase_add_test(t, the_other_branch_is_not_evaluated);
    tcase_add_test(t, powers);
    tcase_add_test(t, budgets_bound_the_memory);
    tcase_add_test(t, linear_loops_keep_nothing);
    tcase_add_test(t, tangents_keep_no_trajectory);
    tcase_add_test(t, training_through_a_loop);
    tcase_add_test(t, runs_and_bound_memory);
    tcase_add_test(t, constants_are_differentiated_by_too);
    tcase_add_test(t, without_interning);
    tcase_add_test(t, wrong_scans);
    tcase_add_test(t, wrong_loops_and_branches);
    tcase_add_test(t, what_bodies_may_not_hold);
    tcase_add_test(t, inner_leaves_are_not_fed);
    tcase_add_test(t, failures_inside_come_out);
    tcase_add_test(t, every_allocation_may_fail);
    suite_add_tcase(s, t);
    return s;
}
