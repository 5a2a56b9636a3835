/* Rates that depend on the step, against the definitions of PyTorch's schedulers. */
#include "test.h"

#include "train/train.h"

static ag_graph *g;
static ag_plan *plan;
static ag_run *run;

static const double pi = 3.14159265358979323846;

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

static void compile(int n, ag_node *const y[])
{
    drop();
    expect_well(g);
    plan = ag_compile(g, n, y, NULL);
    ck_assert_msg(plan != NULL, "%s", ag_graph_error(g));
    run = ag_run_new(plan);
}

static double annealed(double from, double to, double part, int linear)
{
    return linear ? from + (to - from) * part : to + (from - to) / 2 * (1 + cos(pi * part));
}

/* torch.optim.lr_scheduler.OneCycleLR with two phases. */
static double one_cycle(double peak, int steps, double rising, double start, double finish, int linear, int t)
{
    const double low = peak / start, top = rising * steps - 1, end = steps - 1;
    if (t > end) t = steps - 1;
    if (t <= top) return annealed(low, peak, t / top, linear);
    return annealed(peak, low / finish, (t - top) / (end - top), linear);
}

START_TEST(rates)
{
    enum { STEPS = 20, SHOWN = 26 };
    ag_node *t = ag_step(g, NULL, 0), *fixed = ag_number(g, 0.5);
    ag_node *y[] = { t,
                     ag_rate_linear(t, 0.1, 1, STEPS),
                     ag_rate_linear(t, 1, 0.1, STEPS),
                     ag_rate_cosine(t, 0.4, 0.01, STEPS),
                     ag_rate_stairs(t, 0.4, 0.5, 7),
                     ag_warm_up(fixed, t, 5),
                     ag_warm_up(ag_rate_cosine(t, 0.4, 0, STEPS), t, 5),
                     ag_rate_one_cycle(t, 0.3, STEPS, NULL),
                     ag_rate_one_cycle(t, 0.3, STEPS, &(ag_one_cycle_options){ 0.5, 10, 100, 1 }),
                     ag_rate_one_cycle(t, 0.3, STEPS, &(ag_one_cycle_options){ .linear = 1 }) };
    compile((int)COUNT(y), y);
    for (int k = 0; k < SHOWN; k++) {
        const int m = k < STEPS ? k : STEPS;
        const double cosine = 0.01 + 0.39 * (1 + cos(pi * m / STEPS)) / 2, warm = k < 4 ? (k + 1) / 5.0 : 1;
        const double want[] = { k,
                                0.1 + 0.9 * m / STEPS,
                                1 - 0.9 * m / STEPS,
                                cosine,
                                0.4 * pow(0.5, k / 7),
                                0.5 * warm,
                                0.4 * (1 + cos(pi * m / STEPS)) / 2 * warm,
                                one_cycle(0.3, STEPS, 0.3, 25, 1e4, 0, k),
                                one_cycle(0.3, STEPS, 0.5, 10, 100, 1, k),
                                one_cycle(0.3, STEPS, 0.3, 25, 1e4, 1, k) };
        ck_assert_int_eq(ag_eval(run), AG_OK);
        for (size_t i = 0; i < COUNT(y); i++)
            ck_assert_msg(fabs(ag_item(run, y[i]) - want[i]) <= 1e-15 * fmax(1, k), "rate %zu at %d: %.17g, not %.17g",
                          i, k, ag_item(run, y[i]), want[i]);
    }
}
END_TEST

/* Steps that begin late: warm-up first, then the course. */
START_TEST(steps_may_be_shifted)
{
    ag_node *t = ag_step(g, NULL, 0), *late = ag_rate_linear(ag_sub(t, ag_number(g, 3)), 1, 0, 4);
    compile(1, &late);
    for (int k = 0; k < 10; k++) {
        ck_assert_int_eq(ag_eval(run), AG_OK);
        expect_close(ag_item(run, late), k < 3 ? 1 : k < 7 ? 1 - (k - 3) / 4.0 : 0, 1e-15);
    }
}
END_TEST

START_TEST(steps_count_by_name)
{
    ag_node *a = ag_step(g, "a", 0), *by_three = ag_step(g, "a", 3), *b = ag_step(g, "b", 2);
    ag_node *half = ag_cast(a, AG_F32), *rate = ag_rate_linear(half, 0, 1, 4);
    compile(4, (ag_node *[]){ a, by_three, rate, ag_find(g, "a") });
    ck_assert_int_eq(ag_type_of(rate), AG_F32);
    for (int k = 0; k < 10; k++) {
        ck_assert_int_eq(ag_eval(run), AG_OK);
        ck_assert(ag_item(run, a) == k && ag_item(run, by_three) == k / 3 && ag_item(run, ag_find(g, "a")) == k + 1);
        expect_close(ag_item(run, rate), fmin(k / 4.0, 1), 1e-7);
    }
    ck_assert_ptr_null(ag_data(run, ag_find(g, "b")));
    compile(1, &b);
    for (int k = 0; k < 5; k++) {
        ck_assert_int_eq(ag_eval(run), AG_OK);
        ck_assert(ag_item(run, b) == k / 2);
    }
}
END_TEST

/* As a rate: one step an update, whatever is gathered between, in each method; p moves by the rates' sum. */
START_TEST(updates_take_rates)
{
    enum { UPDATES = 6 };
    const int every = _i ? 3 : 1;
    ag_node *x = ag_parameter(g, "x", AG_F32, AG_SCALAR, NULL);
    ag_node *rate = ag_rate_cosine(ag_step(g, NULL, every), 0.5, 0.125, UPDATES);
    const ag_sgd_options sgd = { .rate_node = rate };
    ag_node *update = ag_train(x, 1, &(ag_parameter_group){ .sgd = &sgd }, &(ag_train_options){ .every = every });
    double want = 0;
    compile(1, &update);
    for (int k = 0; k < UPDATES * every; k++) {
        ck_assert_int_eq(ag_eval(run), AG_OK);
        if (k % every == every - 1) want -= 0.125 + 0.375 * (1 + cos(pi * (k / every) / UPDATES)) / 2;
        expect_close(ag_item(run, x), want, 1e-6);
    }
}
END_TEST

START_TEST(wrong_calls_say_so)
{
    ag_node *t = ag_step(g, NULL, 0), *v = ag_input(g, "v", AG_F64, AG_SHAPE(2));
    ag_node *i = ag_input(g, "i", AG_I64, AG_SCALAR);
    ck_assert_ptr_null(ag_step(NULL, NULL, 0));
    ck_assert_ptr_null(ag_rate_cosine(NULL, 1, 0, 5));
    ck_assert_ptr_null(ag_rate_stairs(NULL, 1, 0, 5));
    ck_assert_ptr_null(ag_rate_one_cycle(NULL, 1, 5, NULL));
    ck_assert_ptr_null(ag_warm_up(NULL, t, 5));
    ag_warm_up(t, NULL, 5);
    expect_error(g, AG_EARG, "ag_warm_up");
    ag_step(g, NULL, -1);
    expect_error(g, AG_EARG, "ag_step", "-1");
    ag_step(g, "v", 0);
    expect_error(g, AG_EARG, "'v'", "used already");
    ag_rate_cosine(v, 1, 0, 5);
    expect_error(g, AG_ESHAPE, "ag_rate_cosine", "'v'");
    ag_rate_linear(i, 1, 0, 5);
    expect_error(g, AG_ETYPE, "ag_rate_linear", "'i'");
    ag_rate_linear(t, -1, 0, 5);
    expect_error(g, AG_EARG, "ag_rate_linear", "from is -1");
    ag_rate_linear(t, 1, NAN, 5);
    expect_error(g, AG_EARG, "ag_rate_linear", "to is");
    ag_rate_stairs(t, 1, 0.5, 0);
    expect_error(g, AG_EARG, "ag_rate_stairs", "0 steps");
    ag_warm_up(v, t, 5);
    expect_error(g, AG_ESHAPE, "ag_warm_up", "rate");
    ag_rate_one_cycle(t, 1, 3, NULL);
    expect_error(g, AG_EARG, "ag_rate_one_cycle", "of 3 steps");
    ag_rate_one_cycle(t, INFINITY, 30, NULL);
    expect_error(g, AG_EARG, "ag_rate_one_cycle", "peak");
}
END_TEST

Suite *suite_schedules(void)
{
    Suite *s = suite_create("schedules");
    TCase *t = tcase_create("schedules");
    tcase_add_checked_fixture(t, begin, end);
    tcase_add_test(t, rates);
    tcase_add_test(t, steps_may_be_shifted);
    tcase_add_test(t, steps_count_by_name);
    tcase_add_loop_test(t, updates_take_rates, 0, 2);
    tcase_add_test(t, wrong_calls_say_so);
    suite_add_tcase(s, t);
    return s;
}
