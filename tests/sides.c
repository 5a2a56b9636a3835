/* What only one side of a branch reads is computed if that side is taken, and not otherwise: counted, by an operation
 * that knows how often it was evaluated, and by what fails. */
#include "test.h"

#include <stdatomic.h>

static ag_graph *g;

static void begin(void)
{
    g = ag_graph_new(NULL);
}

static void end(void)
{
    ag_graph_free(g);
}

/* ---- y = 2 x, counted -------------------------------------------------------------------------------------------- */

static atomic_int times;

static ag_status run_counted(const ag_kernel_call *c)
{
    const double *x = c->in[0];
    double *y = c->out;
    for (int64_t i = 0; i < ag_count(c->node); i++) y[i] = 2 * x[i];
    times++;
    return AG_OK;
}

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[]);

static const ag_op counted_op = { .name = "counted", .formula = "2 x", .inputs = 1, .flags = AG_LIBRARY | AG_SMOOTH,
                                  .run = run_counted, .gradient = gradient };

static ag_node *counted(ag_node *x)
{
    return ag_custom(&counted_op, 1, &x, NULL);
}

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    (void)y;
    gin[0] = counted(gout);
}

static ag_node *choose(ag_node *predicate, ag_node *then, ag_node *otherwise)
{
    ag_node *out;
    ag_cond(predicate, 0, NULL, NULL, 1, &then, &otherwise, &out);
    return out;
}

/* Evaluates y for this predicate: its sum, and how often the operation was evaluated. */
static void expect_times(ag_plan *plan, ag_node *p, double predicate, ag_node *y, double want, int often)
{
    ag_run *run = ag_run_new(plan);
    ck_assert_int_eq(ag_feed(run, p, &predicate), AG_OK);
    times = 0;
    ck_assert_msg(ag_eval(run) == AG_OK, "%s", ag_run_error(run));
    expect_close(ag_item(run, y), want, 1e-14);
    ck_assert_msg(times == often, "%d evaluations instead of %d", (int)times, often);
    ag_run_free(run);
}

static void expect_both(ag_node *p, ag_node *y, double then, int often, double otherwise, int often_otherwise)
{
    expect_well(g);
    ag_options all[] = { test_options(), { .unfused = 1 }, { .poison = 1, .verify = 1 }, test_native() };
    for (size_t k = 0; k < COUNT(all); k++) {
        ag_plan *plan = ag_compile(g, 1, &y, &all[k]);
        ck_assert_msg(plan != NULL, "%s", ag_graph_error(g));
        expect_times(plan, p, 1, y, then, often);
        expect_times(plan, p, 0, y, otherwise, often_otherwise);
        ag_plan_free(plan);
    }
}

static ag_node *vector(void)
{
    return ag_parameter(g, "x", AG_F64, AG_SHAPE(3), (double[]){ 1, 2, 3 });
}

static ag_node *number(double value)
{
    return ag_number(g, value);
}

static ag_node *predicate(void)
{
    return ag_input(g, "p", AG_F64, AG_SCALAR);
}

/* ---- what goes in ------------------------------------------------------------------------------------------------ */

START_TEST(chains_go_in)
{
    ag_node *p = predicate(), *x = vector(), *a = counted(ag_exp(x)), *b = counted(ag_add(counted(a), x));
    ag_node *c = ag_sum(counted(ag_sin(x)));
    const double e = exp(1) + exp(2) + exp(3), s = sin(1) + sin(2) + sin(3);
    expect_both(p, choose(p, ag_sum(b), ag_scale(c, 3)), 8 * e + 12, 3, 6 * s, 1);
}
END_TEST

/* By the other side, by the plan's outputs, or by another branch. */
START_TEST(what_others_read_stays)
{
    ag_node *p = predicate(), *x = vector(), *shared = ag_sum(counted(x));
    ag_node *own = ag_sum(counted(ag_add(counted(x), x)));
    expect_both(p, choose(p, ag_add(shared, number(1)), ag_neg(shared)), 13, 1, -12, 1);
    expect_both(p, ag_add(shared, choose(p, ag_scale(shared, 2), number(0))), 36, 1, 12, 1);
    expect_both(p, choose(p, own, number(4)), 36, 2, 4, 0);
    ag_node *both = ag_add(choose(p, own, number(4)), choose(p, number(1), ag_scale(own, 3)));
    expect_both(p, both, 37, 2, 112, 2);
}
END_TEST

/* A result of a loop goes in if all its results do. */
START_TEST(loops_go_in)
{
    ag_node *p = predicate(), *x = vector(), *start[] = { x, ag_sum(x) }, *state[2], *final[2];
    state[0] = ag_input(g, NULL, AG_F64, AG_SHAPE(3));
    state[1] = ag_input(g, NULL, AG_F64, AG_SCALAR);
    ag_node *next[] = { counted(state[0]), ag_add(state[1], ag_sum(state[0])) };
    ag_scan_body body = { .length = 3, .states = 2, .initial = start, .state = state, .next = next };
    ck_assert_int_eq(ag_scan(&body, final, NULL), AG_OK);
    expect_both(p, choose(p, ag_sum(final[0]), number(5)), 48, 3, 5, 0);
    expect_both(p, choose(p, ag_add(ag_sum(final[0]), final[1]), number(5)), 96, 3, 5, 0);
    expect_both(p, choose(p, ag_sum(final[0]), final[1]), 48, 3, 48, 3);
    expect_both(p, ag_add(final[1], choose(p, ag_sum(final[0]), number(5))), 96, 3, 53, 3);
}
END_TEST

START_TEST(branches_go_in)
{
    ag_node *p = predicate(), *x = vector(), *one = ag_sum(counted(x)), *other = ag_sum(counted(ag_neg(x)));
    ag_node *inner = choose(ag_one_minus(p), one, other);
    expect_both(p, choose(p, ag_scale(inner, 2), ag_sum(x)), -24, 1, 6, 0);
    ag_node *y = ag_sum(counted(x)); /* each in the next, but no deeper than bodies may be nested */
    for (int k = 0; k < 100; k++) y = choose(p, ag_add(y, number(1)), number(k));
    expect_both(p, y, 112, 1, 99, 0);
}
END_TEST

/* In a loop: at every step that takes the side; from outside the loop, once. */
START_TEST(a_loop_takes_nothing_in)
{
    ag_node *p = predicate(), *x = vector(), *s = ag_input(g, NULL, AG_F64, AG_SCALAR), *start = number(0), *final;
    ag_node *outside = ag_sum(counted(x)), *inside = ag_sum(counted(ag_mul(x, s)));
    ag_node *one = ag_add(s, ag_cast(number(1), AG_F64));
    ag_node *more = ag_add(ag_mul(number(0), inside), ag_add(one, outside));
    ag_node *next = choose(ag_mul(p, ag_greater(s, number(2))), more, one);
    start = ag_cast(start, AG_F64);
    ag_scan_body body = { .length = 6, .states = 1, .initial = &start, .state = &s, .next = &next };
    ck_assert_int_eq(ag_scan(&body, &final, NULL), AG_OK);
    expect_both(p, final, 3 + 3 * 13, 1 + 3, 6, 1);
}
END_TEST

/* ---- derivatives, failures --------------------------------------------------------------------------------------- */

START_TEST(of_backward_branches)
{
    ag_node *p = predicate(), *x = vector(), *weight = counted(ag_exp(x)), *out, *dx;
    ag_node *u = ag_input(g, NULL, AG_F64, AG_SHAPE(3)), *then = ag_sum(ag_mul(u, weight)), *otherwise = ag_sum(u);
    ag_cond(p, 1, &x, &u, 1, &then, &otherwise, &out);
    ck_assert_int_eq(ag_gradient(out, 1, &x, &dx), AG_OK);
    ag_node *direction[] = { ag_stop_gradient(x) }, *slope;
    ck_assert_int_eq(ag_jvp(1, &x, direction, 1, &out, &slope), AG_OK);
    double want = 0, e[3];
    for (int i = 0; i < 3; i++) e[i] = 2 * exp(i + 1), want += (i + 1) * e[i] + (i + 1) * (i + 1) * e[i];
    expect_both(p, ag_sum(ag_mul(dx, x)), want, 2, 6, 1);
    expect_both(p, slope, want, 2, 6, 0);
}
END_TEST

/* A gradient keeps no inverse of a step that makes none: it would fail. */
START_TEST(steps_keep_nothing_that_is_not_taken)
{
    enum { N = 20 };
    ag_node *p = predicate(), *a = ag_parameter(g, "a", AG_F64, AG_SHAPE(N, N), NULL), *last, *da;
    ag_node *all = ag_parameter(g, "all", AG_F64, AG_SHAPE(3, N, N), NULL);
    ag_node *m = ag_input(g, NULL, AG_F64, AG_SHAPE(N, N)), *u = ag_input(g, NULL, AG_F64, AG_SHAPE(N, N));
    ag_node *v = ag_input(g, NULL, AG_F64, AG_SHAPE(N, N)), *next;
    ag_node *then = ag_mul(v, ag_inverse(m)), *otherwise = ag_mul(v, number(3));
    ag_cond(p, 1, &u, &v, 1, &then, &otherwise, &next);
    ag_scan_body body = { .length = 3, .states = 1, .sequences = 1, .initial = &a, .state = &u, .next = &next,
                          .sequence = &all, .element = &m };
    ck_assert_int_eq(ag_scan(&body, &last, NULL), AG_OK);
    ck_assert_int_eq(ag_gradient(ag_sum(last), 1, &a, &da), AG_OK);
    ag_plan *plan = ag_compile(g, 1, &da, &(ag_options){ .isa = test_options().isa });
    ck_assert_msg(plan != NULL, "%s", ag_graph_error(g));
    ag_run *run = ag_run_new(plan);
    ag_feed(run, p, &(double){ 0 });
    ck_assert_msg(ag_eval(run) == AG_OK, "%s", ag_run_error(run));
    for (int i = 0; i < N * N; i++) ck_assert_double_eq(((const double *)ag_data(run, da))[i], 27);
    ag_feed(run, p, &(double){ 1 });
    ck_assert_int_eq(ag_eval(run), AG_ENUMERIC);
    ag_run_free(run);
    ag_plan_free(plan);
}
END_TEST

START_TEST(nothing_fails_in_what_is_not_taken)
{
    ag_node *p = predicate(), *a = ag_parameter(g, "a", AG_F64, AG_SHAPE(2, 2), NULL);
    ag_node *label = ag_constant(g, AG_I64, AG_SHAPE(2), (int64_t[]){ 0, 7 });
    ag_node *y = choose(p, ag_sum(ag_inverse(a)), number(3)), *z = choose(p, ag_cross_entropy(a, label), number(2));
    ag_node *loss = ag_add(ag_sum(a), ag_stop_gradient(ag_add(y, z)));
    ag_node *outputs[] = { y, z, ag_sgd(loss, &(ag_sgd_options){ .rate = 1 }) };
    expect_well(g);
    ag_options all[] = { test_options(), test_native() };
    for (int k = 0; k < 4; k++) {
        ag_plan *plan = ag_compile(g, k < 2 ? 1 : 3, outputs + (k == 1), &all[k == 3]);
        ck_assert_msg(plan != NULL, "%s", ag_graph_error(g));
        ag_run *run = ag_run_new(plan);
        for (int turn = 0; turn < 2; turn++) {
            ag_feed(run, p, &(double){ 0 });
            ck_assert_msg(ag_eval(run) == AG_OK, "%s", ag_run_error(run));
            ag_feed(run, p, &(double){ 1 });
            const ag_status status = ag_eval(run);
            ck_assert(status == (k == 1 || status == AG_EARG ? AG_EARG : AG_ENUMERIC) && (k || status == AG_ENUMERIC));
            ck_assert(k < 2 || ((const double *)ag_data(run, a))[1] == -1 - turn); /* those that failed changed none */
        }
        ag_run_free(run);
        ag_plan_free(plan);
    }
}
END_TEST

Suite *suite_sides(void)
{
    Suite *s = suite_create("sides");
    TCase *t = tcase_create("sides");
    tcase_set_timeout(t, 120);
    tcase_add_checked_fixture(t, begin, end);
    tcase_add_test(t, chains_go_in);
    tcase_add_test(t, what_others_read_stays);
    tcase_add_test(t, loops_go_in);
    tcase_add_test(t, branches_go_in);
    tcase_add_test(t, a_loop_takes_nothing_in);
    tcase_add_test(t, of_backward_branches);
    tcase_add_test(t, steps_keep_nothing_that_is_not_taken);
    tcase_add_test(t, nothing_fails_in_what_is_not_taken);
    suite_add_tcase(s, t);
    return s;
}
