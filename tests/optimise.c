/* Optimisers against loops in plain C that follow the methods' definitions, and pictures of graphs. */
#include "test.h"
#include "graph/graph.h"

enum { N = 5, STEPS = 25 };

static ag_graph *g;

static void begin(void)
{
    g = ag_graph_new(NULL);
}

static void end(void)
{
    ag_graph_free(g);
}

/* ---- a problem: loss = sum(k p^2) / 2 + sum(q^2), so that dp = k p and dq = 2 q ---------------------------------- */

static const double k_values[N] = { 0.5, 1, 2, 3, 0.1 }, p_values[N] = { 1, -2, 0.5, 0.25, 3 }, q_value = -0.75;

typedef struct {
    double p[N + 1]; /* the last one is q */
} state;

static ag_node *problem(ag_node **p, ag_node **q)
{
    *p = ag_parameter(g, "p", AG_F64, AG_SHAPE(N), p_values);
    *q = ag_parameter(g, "q", AG_F64, AG_SCALAR, &q_value);
    ag_node *unused = ag_parameter(g, "unused", AG_F64, AG_SCALAR, &q_value);
    ag_node *k = ag_constant(g, AG_F64, AG_SHAPE(N), k_values);
    ag_node *half = ag_scale(ag_sum(ag_mul(k, ag_square(*p))), 0.5);
    return ag_add(ag_add(half, ag_square(*q)), ag_sum(ag_stop_gradient(unused)));
}

static void gradient_of(const state *s, double dp[N + 1])
{
    for (int i = 0; i < N; i++) dp[i] = k_values[i] * s->p[i];
    dp[N] = 2 * s->p[N];
}

static void clip(double dp[N + 1], double limit)
{
    double sum = 0;
    for (int i = 0; i <= N; i++) sum += dp[i] * dp[i];
    if (limit > 0 && sqrt(sum) > limit)
        for (int i = 0; i <= N; i++) dp[i] *= limit / sqrt(sum);
}

/* What STEPS evaluations of the update make of p and q. */
static void expect_path(ag_node *loss, ag_node *update, ag_node *p, ag_node *q, const state path[STEPS])
{
    expect_well(g);
    ag_options o = test_options();
    ag_plan *plan = ag_compile(g, 2, (ag_node *[]){ loss, update }, &o);
    ck_assert_msg(plan != NULL, "%s", ag_graph_error(g));
    ag_run *run = ag_run_new(plan);
    for (int step = 0; step < STEPS; step++) {
        double got[N];
        ck_assert_int_eq(ag_eval(run), AG_OK);
        ck_assert_int_eq(ag_fetch(run, p, got), AG_OK);
        for (int i = 0; i < N; i++) expect_close(got[i], path[step].p[i], 1e-13);
        expect_close(ag_item(run, q), path[step].p[N], 1e-13);
    }
    ag_run_free(run);
    ag_plan_free(plan);
}

static state start(void)
{
    state s;
    memcpy(s.p, p_values, sizeof p_values);
    s.p[N] = q_value;
    return s;
}

/* ---- gradient descent -------------------------------------------------------------------------------------------- */

static void follow_sgd(const ag_sgd_options *o, state path[STEPS])
{
    state s = start();
    double dp[N + 1], v[N + 1] = { 0 };
    for (int step = 0; step < STEPS; step++) {
        gradient_of(&s, dp);
        clip(dp, o->clip_norm);
        for (int i = 0; i <= N; i++) {
            double d = dp[i] + o->weight_decay * s.p[i];
            v[i] = o->momentum * v[i] + d;
            s.p[i] -= o->rate * (o->nesterov ? d + o->momentum * v[i] : v[i]);
        }
        path[step] = s;
    }
}

static const ag_sgd_options sgd_options[] = {
    { .rate = 0.1 },
    { .rate = 0.1, .weight_decay = 0.01 },
    { .rate = 0.1, .clip_norm = 0.5 },
    { .rate = 0.1, .weight_decay = 0.01, .clip_norm = 0.5 },
    { .rate = 0.05, .momentum = 0.9 },
    { .rate = 0.05, .momentum = 0.9, .nesterov = 1 },
    { .rate = 0.05, .momentum = 0.9, .nesterov = 1, .weight_decay = 0.02, .clip_norm = 1 },
};

START_TEST(gradient_descent)
{
    state path[STEPS];
    ag_node *p, *q, *loss = problem(&p, &q);
    follow_sgd(&sgd_options[_i], path);
    expect_path(loss, ag_sgd(loss, &sgd_options[_i]), p, q, path);
}
END_TEST

/* The rate is a fed input that halves at every step; of the other type, too. */
START_TEST(a_rate_can_be_fed)
{
    ag_dtype type = _i ? AG_F32 : AG_F64;
    ag_node *p = ag_parameter(g, "p", AG_F64, AG_SCALAR, (double[]){ 1 }), *rate = ag_input(g, "rate", type, AG_SCALAR);
    ag_node *update = ag_sgd(ag_square(p), &(ag_sgd_options){ .rate_node = rate });
    expect_well(g);
    ag_plan *plan = ag_compile(g, 1, &update, NULL);
    ag_run *run = ag_run_new(plan);
    double want = 1, r = 0.25;
    for (int step = 0; step < 10; step++, r /= 2) {
        float single = (float)r;
        ck_assert_int_eq(ag_feed(run, rate, _i ? (void *)&single : (void *)&r), AG_OK);
        ck_assert_int_eq(ag_eval(run), AG_OK);
        want -= r * (2 * want);
        expect_close(ag_item(run, p), want, 1e-15);
    }
    ag_run_free(run);
    ag_plan_free(plan);
}
END_TEST

/* ---- methods with means of squares ------------------------------------------------------------------------------- */

static void follow_adam(const ag_adam_options *o, double b1, double b2, double epsilon, state path[STEPS])
{
    state s = start();
    double dp[N + 1], m[N + 1] = { 0 }, v[N + 1] = { 0 };
    for (int step = 0; step < STEPS; step++) {
        gradient_of(&s, dp);
        clip(dp, o->clip_norm);
        for (int i = 0; i <= N; i++) {
            s.p[i] -= o->rate * o->weight_decay * s.p[i];
            m[i] = b1 * m[i] + (1 - b1) * dp[i];
            v[i] = b2 * v[i] + (1 - b2) * dp[i] * dp[i];
            double m_hat = m[i] / (1 - pow(b1, step + 1)), v_hat = v[i] / (1 - pow(b2, step + 1));
            s.p[i] -= o->rate * m_hat / (sqrt(v_hat) + epsilon);
        }
        path[step] = s;
    }
}

START_TEST(adam)
{
    static const ag_adam_options o[] = { { .rate = 0.1 },
                                         { .rate = 0.1, .weight_decay = 0.05 },
                                         { .rate = 0.1, .beta1 = 0.8, .beta2 = 0.9, .epsilon = 0.01, .clip_norm = 1 } };
    state path[STEPS];
    ag_node *p, *q, *loss = problem(&p, &q);
    if (_i < 2) follow_adam(&o[_i], 0.9, 0.999, 1e-8, path);
    else follow_adam(&o[_i], 0.8, 0.9, 0.01, path);
    expect_path(loss, ag_adam(loss, &o[_i]), p, q, path);
}
END_TEST

START_TEST(rmsprop)
{
    static const ag_rmsprop_options o[] = {
        { .rate = 0.02 },
        { .rate = 0.02, .smoothing = 0.9, .epsilon = 0.01, .momentum = 0.5, .weight_decay = 0.03, .clip_norm = 1 },
    };
    double a = _i ? 0.9 : 0.99, epsilon = _i ? 0.01 : 1e-8;
    state s = start(), path[STEPS];
    double dp[N + 1], v[N + 1] = { 0 }, b[N + 1] = { 0 };
    for (int step = 0; step < STEPS; step++) {
        gradient_of(&s, dp);
        clip(dp, o[_i].clip_norm);
        for (int i = 0; i <= N; i++) {
            double d = dp[i] + o[_i].weight_decay * s.p[i];
            v[i] = a * v[i] + (1 - a) * d * d;
            b[i] = o[_i].momentum * b[i] + d / (sqrt(v[i]) + epsilon);
            s.p[i] -= o[_i].rate * b[i];
        }
        path[step] = s;
    }
    ag_node *p, *q, *loss = problem(&p, &q);
    expect_path(loss, ag_rmsprop(loss, &o[_i]), p, q, path);
}
END_TEST

/* A fed gradient c of p, whose square overflows, vanishes or is 0 at first: steps have the length that others have, and
 * later ones of size 1 do, too. */
static double step_after(ag_run *run, ag_node *c, ag_node *p, double gradient, int times)
{
    const float single = (float)gradient;
    double before = 0;
    ck_assert_int_eq(ag_feed(run, c, c->dtype == AG_F32 ? (const void *)&single : (const void *)&gradient), AG_OK);
    for (int k = 0; k < times; k++) {
        before = ag_item(run, p);
        ck_assert_int_eq(ag_eval(run), AG_OK);
    }
    return before - ag_item(run, p);
}

START_TEST(squares_may_overflow_or_vanish)
{
    static const double rate = 0.5, limit[] = { 0x1p63, 0x1p511 };
    const ag_dtype type = _i % 2 ? AG_F32 : AG_F64;
    const double large = type == AG_F32 ? 0x1p100 : 0x1p1000, tiny = type == AG_F32 ? 0x1p-100 : 0x1p-1000;
    ag_node *p = ag_parameter(g, "p", type, AG_SCALAR, NULL), *c = ag_input(g, "c", type, AG_SCALAR);
    ag_node *loss = ag_mul(c, p);
    ag_adam_options adam_options = { .rate = rate, .beta1 = 0.5, .beta2 = 0.5, .epsilon = AG_ZERO };
    ag_rmsprop_options rms_options = { .rate = rate, .smoothing = 0.5, .epsilon = AG_ZERO };
    ag_node *update = _i < 2 ? ag_adam(loss, &adam_options) : ag_rmsprop(loss, &rms_options);
    expect_well(g);
    ag_options o = test_options();
    ag_plan *plan = ag_compile(g, 1, &update, &o);
    ag_run *run = ag_run_new(plan);
    ck_assert(step_after(run, c, p, 0, 1) == 0);
    ck_assert(fabs(step_after(run, c, p, tiny, 1)) <= 4 * rate * tiny * limit[type == AG_F64]);
    for (int k = 0; k < 2; k++) {
        double step = step_after(run, c, p, k ? large : -large, 1);
        ck_assert_msg(fabs(step) < 2 * rate && (k || step < -rate / 2), "%g", step); /* the second turns around */
        step = step_after(run, c, p, k ? large : -large, 30);
        expect_close(step, k ? rate : -rate, 1e-5);
    }
    expect_close(step_after(run, c, p, 1, type == AG_F32 ? 300 : 2200), rate, 1e-5);
    ag_run_free(run);
    ag_plan_free(plan);
}
END_TEST

/* Parameters of both types under one norm: f32 within its rounding of f64. */
START_TEST(types_may_differ)
{
    ag_node *p = ag_parameter(g, "p", AG_F64, AG_SCALAR, (double[]){ 3 });
    ag_node *q = ag_parameter(g, "q", AG_F32, AG_SCALAR, (float[]){ 4 });
    ag_node *loss = ag_scale(ag_add(ag_square(p), ag_cast(ag_square(q), AG_F64)), 0.5);
    ag_node *update = ag_sgd(loss, &(ag_sgd_options){ .rate = 1, .clip_norm = 1 });
    expect_well(g);
    ag_plan *plan = ag_compile(g, 1, &update, NULL);
    ag_run *run = ag_run_new(plan);
    ck_assert_int_eq(ag_eval(run), AG_OK);
    expect_close(ag_item(run, p), 3 - 0.6, 1e-14);
    expect_close(ag_item(run, q), 4 - 0.8, 1e-6);
    ag_run_free(run);
    ag_plan_free(plan);
}
END_TEST

START_TEST(what_a_method_keeps_has_names)
{
    ag_node *p = ag_parameter(g, "p", AG_F64, AG_SCALAR, NULL), *loss = ag_square(p);
    ag_adam(loss, NULL);
    ag_sgd(loss, &(ag_sgd_options){ .rate = 1, .momentum = 0.5 });
    ck_assert_ptr_nonnull(ag_find(g, "p/m"));
    ck_assert_ptr_nonnull(ag_find(g, "p/v"));
    ck_assert_ptr_nonnull(ag_find(g, "adam/step"));
    ck_assert_ptr_nonnull(ag_find(g, "p/momentum"));
    ag_node *q = ag_parameter(g, "q", AG_F64, AG_SCALAR, NULL);
    ag_adam(ag_mul(loss, q), NULL); /* of other parameters, too: on its own */
    ck_assert_ptr_nonnull(ag_find(g, "p/m 2"));
    ck_assert_ptr_nonnull(ag_find(g, "adam/step 2"));
    expect_well(g);
}
END_TEST

/* ---- the same parameters, other losses --------------------------------------------------------------------------- */

typedef ag_node *method(ag_node *loss);

static ag_node *by_momentum(ag_node *loss)
{
    return ag_sgd(loss, &(ag_sgd_options){ .rate = 0.05, .momentum = 0.9 });
}

static ag_node *by_adam(ag_node *loss)
{
    return ag_adam(loss, &(ag_adam_options){ .rate = 0.05 });
}

static ag_node *by_rmsprop(ag_node *loss)
{
    return ag_rmsprop(loss, &(ag_rmsprop_options){ .rate = 0.05, .momentum = 0.5 });
}

static method *const methods[] = { by_momentum, by_adam, by_rmsprop };

static int64_t count_parameters(void)
{
    int64_t n = 0;
    for (int64_t id = 0; id < ag_node_count(g); id++) n += agi_node(g, id)->op == &agi_parameter;
    return n;
}

/* Steps for losses scaled by 1 and 3 in turn: of one plan, which is told the scale, and of two, whose second call goes
 * on with what the first one keeps; a run of the second plan takes over all parameters, and gives them back. */
START_TEST(a_second_call_goes_on)
{
    static const double scale[] = { 1, 3 };
    ag_node *p, *q, *loss = problem(&p, &q), *s = ag_input(g, "s", AG_F64, AG_SCALAR);
    ag_node *once = methods[_i](ag_mul(s, loss)), *step[2];
    int64_t parameters = count_parameters();
    for (int k = 0; k < 2; k++) step[k] = methods[_i](ag_scale(loss, scale[k]));
    ck_assert_int_eq(count_parameters(), parameters);
    expect_well(g);
    ag_plan *one = ag_compile(g, 1, &once, NULL), *plan[] = { ag_compile(g, 1, step, NULL),
                                                              ag_compile(g, 1, step + 1, NULL) };
    ag_run *told = ag_run_new(one), *run[] = { ag_run_new(plan[0]), ag_run_new(plan[1]) };
    for (int k = 0; k < STEPS; k++) {
        ag_feed(told, s, &scale[k % 2]);
        ck_assert_int_eq(ag_eval(told), AG_OK);
        ck_assert_int_eq(ag_eval(run[k % 2]), AG_OK);
        for (int64_t id = 0; id < ag_node_count(g); id++) {
            ag_node *x = agi_node(g, id);
            const void *now = x->op == &agi_parameter ? ag_data(run[k % 2], x) : NULL;
            if (now) ck_assert_int_eq(ag_feed(run[1 - k % 2], x, now), AG_OK);
        }
        const double *a = ag_data(told, p), *b = ag_data(run[k % 2], p);
        for (int i = 0; i < N; i++) expect_close(b[i], a[i], 1e-13);
    }
    for (int k = 0; k < 2; k++) ag_run_free(run[k]), ag_plan_free(plan[k]);
    ag_run_free(told);
    ag_plan_free(one);
}
END_TEST

/* ---- options of which 0 means another default -------------------------------------------------------------------- */

/* Adam without memory is the gradient's sign; RMSprop, too; a rate of nought stands still. */
START_TEST(nought_can_be_said)
{
    ag_node *p, *q, *loss = problem(&p, &q);
    ag_node *step[] = {
        ag_adam(loss, &(ag_adam_options){ .rate = 0.5, .beta1 = AG_ZERO, .beta2 = AG_ZERO, .epsilon = AG_ZERO }),
        ag_rmsprop(loss, &(ag_rmsprop_options){ .rate = 0.5, .smoothing = AG_ZERO, .epsilon = AG_ZERO }),
        ag_sgd(loss, &(ag_sgd_options){ .rate = AG_ZERO }), ag_adam(loss, &(ag_adam_options){ .rate = AG_ZERO }),
        ag_rmsprop(loss, &(ag_rmsprop_options){ .rate = AG_ZERO }) };
    expect_well(g);
    for (size_t k = 0; k < COUNT(step); k++) {
        ag_plan *plan = ag_compile(g, 1, &step[k], NULL);
        ag_run *run = ag_run_new(plan);
        for (int n = 1; n <= 2; n++) {
            ck_assert_int_eq(ag_eval(run), AG_OK);
            const double *now = ag_data(run, p);
            for (int i = 0; i < N && n == 1; i++)
                expect_close(now[i], p_values[i] - (k < 2 ? copysign(0.5, p_values[i]) : 0), 1e-15);
        }
        ag_run_free(run);
        ag_plan_free(plan);
    }
    ag_check_report report;
    ag_check_options exact = { .tolerance = AG_ZERO, .orders = 1 };
    ck_assert_int_eq(ag_check_gradient(ag_sum(ag_sin(p)), 1, &p, NULL, &report), AG_OK);
    ck_assert_int_eq(ag_check_gradient(ag_sum(ag_sin(p)), 1, &p, &exact, &report), AG_EARG);
}
END_TEST

/* ---- wrong calls ------------------------------------------------------------------------------------------------- */

START_TEST(wrong_calls_say_so)
{
    ag_node *p = ag_parameter(g, "p", AG_F64, AG_SHAPE(2), NULL), *x = ag_input(g, "x", AG_F64, AG_SCALAR);
    ag_node *loss = ag_sum(ag_square(p)), *i = ag_input(g, "i", AG_I64, AG_SCALAR);
    ck_assert_ptr_null(ag_sgd(NULL, &(ag_sgd_options){ .rate = 1 }));
    ck_assert(ag_is_bad(ag_sgd(loss, NULL)));
    expect_error(g, AG_EARG, "ag_sgd", "no rate", "options.rate", "rate_node");
    ck_assert(ag_is_bad(ag_sgd(loss, &(ag_sgd_options){ .momentum = 0.9 })));
    expect_error(g, AG_EARG, "ag_sgd", "no rate");
    const double rates[] = { -0.1, NAN, INFINITY, -INFINITY };
    for (size_t k = 0; k < COUNT(rates); k++) {
        ck_assert(ag_is_bad(ag_sgd(loss, &(ag_sgd_options){ .rate = rates[k] })));
        expect_error(g, AG_EARG, "ag_sgd", "options.rate is");
        ck_assert(ag_is_bad(ag_adam(loss, &(ag_adam_options){ .rate = rates[k] })));
        expect_error(g, AG_EARG, "ag_adam", "options.rate is");
        ck_assert(ag_is_bad(ag_rmsprop(loss, &(ag_rmsprop_options){ .rate = rates[k] })));
        expect_error(g, AG_EARG, "ag_rmsprop", "options.rate is");
        ck_assert(ag_is_bad(ag_adam(loss, &(ag_adam_options){ .epsilon = rates[k] })));
        expect_error(g, AG_EARG, "ag_adam", "options.epsilon is");
    }
    ck_assert(ag_is_bad(ag_sgd(p, &(ag_sgd_options){ .rate = 1 })));
    expect_error(g, AG_ESHAPE, "not a single number", "ag_mean", "'p' f64[2]");
    ck_assert(ag_is_bad(ag_sgd(ag_square(x), &(ag_sgd_options){ .rate = 1 })));
    expect_error(g, AG_EARG, "no parameter");
    ck_assert(ag_is_bad(ag_sgd(ag_sum(ag_stop_gradient(p)), &(ag_sgd_options){ .rate = 1 })));
    expect_error(g, AG_EARG, "no parameter");
    ck_assert(ag_is_bad(ag_sgd(loss, &(ag_sgd_options){ .rate = NAN })));
    expect_error(g, AG_EARG, "rate");
    ck_assert(ag_is_bad(ag_sgd(loss, &(ag_sgd_options){ .rate = 1, .momentum = -1 })));
    expect_error(g, AG_EARG, "momentum");
    ck_assert(ag_is_bad(ag_sgd(loss, &(ag_sgd_options){ .rate = 1, .clip_norm = NAN })));
    expect_error(g, AG_EARG, "clip_norm");
    ck_assert(ag_is_bad(ag_sgd(loss, &(ag_sgd_options){ .rate_node = p })));
    expect_error(g, AG_ESHAPE, "rate_node", "'p'");
    ck_assert(ag_is_bad(ag_adam(loss, &(ag_adam_options){ .rate_node = i })));
    expect_error(g, AG_ETYPE, "rate_node", "'i'");
    ck_assert(ag_is_bad(ag_adam(loss, &(ag_adam_options){ .beta1 = 1 })));
    expect_error(g, AG_EARG, "ag_adam", "options.beta1 is 1", "below 1");
    ck_assert(ag_is_bad(ag_rmsprop(loss, &(ag_rmsprop_options){ .smoothing = 2 })));
    expect_error(g, AG_EARG, "ag_rmsprop", "options.smoothing is 2", "below 1");
}
END_TEST

/* ---- pictures ---------------------------------------------------------------------------------------------------- */

static char *picture(int n, ag_node *const outputs[], const ag_run *run)
{
    char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);
    int failed = ag_write_dot(f, n, outputs, run);
    fclose(f);
    ck_assert_int_eq(failed, 0);
    return text;
}

#define expect_text(text, part) ck_assert_msg(strstr(text, part) != NULL, "%s is not in:\n%s", part, text)
#define expect_no_text(text, part) ck_assert_msg(strstr(text, part) == NULL, "%s is in:\n%s", part, text)

START_TEST(a_picture_tells_names_shapes_and_values)
{
    ag_node *w = ag_parameter(g, "w \"1\" \\", AG_F32, AG_SHAPE(2, 2), (float[]){ 1, 2, 3, 4.5f });
    ag_node *k = ag_constant(g, AG_I64, AG_SHAPE(2), (int64_t[]){ 7, -8 });
    ag_node *y = ag_mean(ag_square(w)), *z = ag_add(ag_cast(k, AG_F32), y);
    ag_name(y, "loss");
    ag_plan *plan = ag_compile(g, 1, &y, NULL);
    ag_run *run = ag_run_new(plan);
    ck_assert_int_eq(ag_eval(run), AG_OK);
    char *text = picture(2, (ag_node *[]){ y, z }, run);
    expect_text(text, "digraph");
    expect_text(text, "<b>w &quot;1&quot; \\</b>");
    expect_text(text, "f32[2,2]");
    expect_text(text, "[[1 2]<br/> [3 4.5]]");
    expect_text(text, "[7 -8]");
    expect_text(text, "<b>loss</b><br/>mean ");
    expect_text(text, ">sum of x / n<");
    expect_text(text, ">8.5625<");
    expect_text(text, "square ");
    expect_no_text(text, "\"sum"); /* the mean's definition is not shown */
    expect_no_text(text, "div");
    free(text);
    text = picture(1, &y, NULL);
    expect_no_text(text, "8.5625");
    expect_no_text(text, "cast");
    free(text);
    ag_run_free(run);
    ag_plan_free(plan);
}
END_TEST

START_TEST(nothing_is_drawn_of_nothing)
{
    ag_node *x = ag_input(g, "x", AG_F64, AG_SCALAR);
    ck_assert_int_eq(ag_write_dot(NULL, 1, &x, NULL), -1);
    ck_assert_int_eq(ag_write_dot(stderr, 0, &x, NULL), -1);
    ck_assert_int_eq(ag_write_dot(stderr, 1, NULL, NULL), -1);
    ck_assert_int_eq(ag_write_dot(stderr, 1, &(ag_node *){ NULL }, NULL), -1);
}
END_TEST

Suite *suite_optimise(void)
{
    Suite *s = suite_create("optimise");
    TCase *c = tcase_create("optimise");
    tcase_add_checked_fixture(c, begin, end);
    tcase_add_loop_test(c, gradient_descent, 0, COUNT(sgd_options));
    tcase_add_loop_test(c, a_rate_can_be_fed, 0, 2);
    tcase_add_loop_test(c, adam, 0, 3);
    tcase_add_loop_test(c, squares_may_overflow_or_vanish, 0, 4);
    tcase_add_loop_test(c, rmsprop, 0, 2);
    tcase_add_test(c, types_may_differ);
    tcase_add_test(c, what_a_method_keeps_has_names);
    tcase_add_loop_test(c, a_second_call_goes_on, 0, COUNT(methods));
    tcase_add_test(c, nought_can_be_said);
    tcase_add_test(c, wrong_calls_say_so);
    tcase_add_test(c, a_picture_tells_names_shapes_and_values);
    tcase_add_test(c, nothing_is_drawn_of_nothing);
    suite_add_tcase(s, c);
    return s;
}
