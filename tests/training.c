/* train.h against loops in plain C that follow the definitions: methods, groups, gradients of several evaluations,
 * averages. */
#include "test.h"

#include "graph/graph.h"
#include "train/train.h"

#include <unistd.h>

enum { N = 5, STEPS = 24 };

static ag_graph *g;
static ag_node *p, *q, *r, *s, *loss;
static ag_plan *plan;
static ag_run *run;

/* ---- a problem: loss = s (sum(k p^2) / 2 + q^2) + r, so that dp = s k p, dq = 2 s q, dr = 1 ---------------------- */

static const double k_values[N] = { 0.5, 1, 2, 3, 0.1 }, p_values[N] = { 1, -2, 0.5, 0.25, 3 }, q_value = -0.75;
static const double scales[] = { 1, 3, 0.5, 2, 0.25, 1.5 };

static void begin(void)
{
    g = ag_graph_new(NULL);
    p = ag_parameter(g, "p", AG_F64, AG_SHAPE(N), p_values);
    q = ag_parameter(g, "q", AG_F64, AG_SCALAR, &q_value);
    r = ag_parameter(g, "r", AG_F64, AG_SCALAR, NULL);
    s = ag_input(g, "s", AG_F64, AG_SCALAR);
    ag_node *half = ag_scale(ag_sum(ag_mul(ag_constant(g, AG_F64, AG_SHAPE(N), k_values), ag_square(p))), 0.5);
    loss = ag_add(ag_mul(s, ag_add(half, ag_square(q))), r);
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

typedef struct {
    double p[N + 2]; /* the last ones are q and r */
} state;

static state start(void)
{
    state at = { { 0 } };
    memcpy(at.p, p_values, sizeof p_values);
    at.p[N] = q_value;
    return at;
}

static void gradient_of(const state *at, double scale, double d[N + 2])
{
    for (int i = 0; i < N; i++) d[i] = scale * k_values[i] * at->p[i];
    d[N] = 2 * scale * at->p[N];
    d[N + 1] = 1;
}

static void clip(double d[], int n, double limit)
{
    double sum = 0;
    for (int i = 0; i < n; i++) sum += d[i] * d[i];
    for (int i = 0; i < n && sqrt(sum) > limit; i++) d[i] *= limit / sqrt(sum);
}

static void compile(ag_node *update)
{
    ag_options o = test_options();
    drop();
    expect_well(g);
    plan = ag_compile(g, 2, (ag_node *[]){ loss, update }, &o);
    ck_assert_msg(plan != NULL, "%s", ag_graph_error(g));
    run = ag_run_new(plan);
}

static void evaluate(double scale)
{
    ck_assert_int_eq(ag_feed(run, s, &scale), AG_OK);
    ck_assert_msg(ag_eval(run) == AG_OK, "%s", ag_run_error(run));
}

static void expect_state(const state *want)
{
    for (int i = 0; i < N; i++) expect_close(((const double *)ag_data(run, p))[i], want->p[i], 1e-13);
    expect_close(ag_item(run, q), want->p[N], 1e-13);
    expect_close(ag_item(run, r), want->p[N + 1], 1e-13);
}

/* ---- methods ----------------------------------------------------------------------------------------------------- */

START_TEST(adagrad)
{
    static const ag_adagrad_options o[] = {
        { 0 },
        { .rate = 0.3 },
        { .rate = 0.3, .epsilon = 0.01, .weight_decay = 0.05, .clip_norm = 1 },
    };
    const double rate = _i ? 0.3 : 0.01, epsilon = _i == 2 ? 0.01 : 1e-10;
    state at = start();
    double d[N + 2], sum[N + 2] = { 0 };
    compile(ag_adagrad(loss, _i ? &o[_i] : NULL));
    ck_assert_ptr_nonnull(ag_find(g, "p/squares"));
    for (int step = 0; step < STEPS; step++) {
        evaluate(1);
        gradient_of(&at, 1, d);
        if (o[_i].clip_norm > 0) clip(d, N + 2, o[_i].clip_norm);
        for (int i = 0; i < N + 2; i++) {
            d[i] += o[_i].weight_decay * at.p[i];
            sum[i] += d[i] * d[i];
            at.p[i] -= rate * d[i] / (sqrt(sum[i]) + epsilon);
        }
        expect_state(&at);
    }
}
END_TEST

START_TEST(lion)
{
    static const ag_lion_options o[] = {
        { 0 },
        { .rate = 0.02, .weight_decay = 0.1 },
        { .rate = 0.02, .beta1 = 0.5, .beta2 = AG_ZERO, .clip_norm = 0.3 },
    };
    const double rate = _i ? 0.02 : 1e-4, b1 = _i == 2 ? 0.5 : 0.9, b2 = _i == 2 ? 0 : 0.99;
    state at = start();
    double d[N + 2], m[N + 2] = { 0 };
    compile(ag_lion(loss, _i ? &o[_i] : NULL));
    for (int step = 0; step < 3 * STEPS; step++) {
        evaluate(1);
        gradient_of(&at, 1, d);
        if (o[_i].clip_norm > 0) clip(d, N + 2, o[_i].clip_norm);
        for (int i = 0; i < N + 2; i++) {
            const double u = b1 * m[i] + (1 - b1) * d[i];
            at.p[i] -= rate * o[_i].weight_decay * at.p[i];
            at.p[i] -= rate * ((u > 0) - (u < 0));
            m[i] = b2 * m[i] + (1 - b2) * d[i];
        }
        expect_state(&at);
    }
}
END_TEST

/* Where squares overflow or vanish, steps are as long as others, or none; the sum stays finite. */
START_TEST(adagrad_of_extreme_gradients)
{
    const ag_dtype type = _i ? AG_F64 : AG_F32;
    ag_node *x = ag_parameter(g, "x", type, AG_SCALAR, NULL), *c = ag_input(g, "c", type, AG_SCALAR);
    ag_node *update = ag_adagrad(ag_mul(c, x), &(ag_adagrad_options){ .rate = 1, .epsilon = AG_ZERO });
    const double large = _i ? 1e300 : 1e38, tiny = _i ? 1e-300 : 1e-38;
    const double feed[] = { 0, tiny, large, -large, large, large };
    loss = x;
    compile(update);
    for (size_t k = 0; k < COUNT(feed); k++) {
        const double before = k ? ag_item(run, x) : 0;
        ck_assert_int_eq(ag_feed_f64(run, c, &feed[k], 1), AG_OK);
        ck_assert_int_eq(ag_eval(run), AG_OK);
        const double moved = fabs(ag_item(run, x) - before);
        ck_assert_msg(k < 2 ? moved < 1e-6 : moved > 0.4 && moved <= 1, "step %zu: %g", k, moved);
    }
}
END_TEST

/* ---- groups ------------------------------------------------------------------------------------------------------ */

/* p by Adam with decay and a norm of its own, q by momentum, r frozen, by a group or by being in none. */
START_TEST(groups_have_methods_of_their_own)
{
    const ag_adam_options adam = { .rate = 0.1, .weight_decay = 0.05, .clip_norm = 1 };
    const ag_sgd_options sgd = { .rate = 0.05, .momentum = 0.9 };
    const ag_parameter_group group[] = { { .count = 1, .parameter = &p, .adam = &adam },
                                         { .count = 1, .parameter = &q, .sgd = &sgd }, { 0 } };
    state at = start();
    double d[N + 2], m[N] = { 0 }, v[N] = { 0 }, b = 0;
    compile(ag_train(loss, _i ? 3 : 2, group, NULL));
    for (int step = 1; step <= STEPS; step++) {
        evaluate(1);
        gradient_of(&at, 1, d);
        clip(d, N, 1);
        for (int i = 0; i < N; i++) {
            m[i] = 0.9 * m[i] + 0.1 * d[i];
            v[i] = 0.999 * v[i] + 0.001 * d[i] * d[i];
            at.p[i] -= 0.1 * 0.05 * at.p[i];
            at.p[i] -= 0.1 * m[i] / (1 - pow(0.9, step)) / (sqrt(v[i] / (1 - pow(0.999, step))) + 1e-8);
        }
        b = 0.9 * b + d[N];
        at.p[N] -= 0.05 * b;
        expect_state(&at);
    }
}
END_TEST

/* The rest is a group, wherever it stands; r, which is frozen, is not moved though the loss depends on it. */
START_TEST(the_rest_is_a_group)
{
    const ag_sgd_options slow = { .rate = 0.01 }, fast = { .rate = 0.1 };
    const ag_parameter_group orders[2][3] = { { { .sgd = &fast }, { .count = 1, .parameter = &q, .sgd = &slow },
                                                { .count = 1, .parameter = &r } },
                                              { { .count = 1, .parameter = &r },
                                                { .count = 1, .parameter = &q, .sgd = &slow }, { .sgd = &fast } } };
    state at = start();
    double d[N + 2];
    compile(ag_train(loss, 3, orders[_i], NULL));
    for (int step = 0; step < STEPS; step++) {
        evaluate(2);
        gradient_of(&at, 2, d);
        for (int i = 0; i <= N; i++) at.p[i] -= (i < N ? 0.1 : 0.01) * d[i];
        expect_state(&at);
    }
}
END_TEST

START_TEST(values_are_clipped_before_norms)
{
    const ag_sgd_options sgd = { .rate = 0.1 };
    const ag_train_options o = { .clip_value = _i < 2 ? 0.8 : 0, .clip_norm = _i > 0 ? 1 : 0 };
    const ag_parameter_group group[] = { { .count = 1, .parameter = &q, .sgd = &sgd }, { .sgd = &sgd } };
    state at = start();
    double d[N + 2];
    compile(ag_train(loss, 2, group, &o));
    for (int step = 0; step < STEPS; step++) {
        evaluate(1.5);
        gradient_of(&at, 1.5, d);
        for (int i = 0; i < N + 2 && o.clip_value > 0; i++) d[i] = fmax(fmin(d[i], o.clip_value), -o.clip_value);
        if (o.clip_norm > 0) clip(d, N + 2, o.clip_norm);
        for (int i = 0; i < N + 2; i++) at.p[i] -= 0.1 * d[i];
        expect_state(&at);
    }
}
END_TEST

/* ---- gradients of several evaluations ---------------------------------------------------------------------------- */

static ag_node *by(int method, const ag_train_options *o)
{
    const ag_parameter_group group[] = {
        { .sgd = &(ag_sgd_options){ .rate = 0.05, .momentum = 0.9, .weight_decay = 0.01, .clip_norm = 1 } },
        { .adam = &(ag_adam_options){ .rate = 0.05 } },
        { .rmsprop = &(ag_rmsprop_options){ .rate = 0.02, .momentum = 0.5 } },
        { .adagrad = &(ag_adagrad_options){ .rate = 0.1 } },
        { .lion = &(ag_lion_options){ .rate = 0.01 } },
    };
    return ag_train(loss, 1, &group[method], o);
}

enum { METHODS = 5 };

static int64_t count_parameters(void)
{
    int64_t n = 0;
    for (int64_t id = 0; id < ag_node_count(g); id++) n += agi_node(g, id)->op == &agi_parameter;
    return n;
}

static state now(void)
{
    state at;
    ck_assert_int_eq(ag_fetch(run, p, at.p), AG_OK);
    at.p[N] = ag_item(run, q);
    at.p[N + 1] = ag_item(run, r);
    return at;
}

/* An update of k evaluations is one of a batch of all; nothing but sums moves before. */
START_TEST(k_evaluations_are_one_batch)
{
    enum { K = 3 };
    state want[STEPS];
    compile(by(_i, NULL));
    for (int step = 0; step < STEPS; step++) {
        double mean = 0;
        for (int k = 0; k < K; k++) mean += scales[(K * step + k) % COUNT(scales)] / K;
        evaluate(mean);
        want[step] = now();
    }
    compile(by(_i, &(ag_train_options){ .every = K }));
    ck_assert_ptr_nonnull(ag_find(g, "p/gradient"));
    for (int step = 0; step < STEPS; step++)
        for (int k = 0; k < K; k++) {
            const state before = step || k ? now() : start();
            evaluate(scales[(K * step + k) % COUNT(scales)]);
            const state after = now();
            if (k < K - 1) ck_assert_mem_eq(before.p, after.p, sizeof before.p);
            else expect_state(&want[step]);
        }
}
END_TEST

/* Plans of two batches' sizes, whose second call makes no new parameter, gather into one sum. */
START_TEST(a_second_call_goes_on)
{
    ag_train_options o = { .every = 2, .average = 0.9 };
    compile(by(_i, &o));
    const int64_t parameters = count_parameters();
    state want[STEPS];
    for (int step = 0; step < STEPS; step++) {
        evaluate(scales[step % 2]);
        want[step] = now();
    }
    ag_node *first = loss, *update = by(_i, &o);
    loss = ag_scale(loss, 1); /* another loss of the same value */
    ag_node *other = by(_i, &o);
    ck_assert_int_eq(count_parameters(), parameters);
    compile(other);
    ag_plan *plans[] = { plan, ag_compile(g, 2, (ag_node *[]){ first, update }, NULL) };
    ag_run *runs[] = { run, ag_run_new(plans[1]) };
    ck_assert_int_eq(ag_run_share(runs[1], runs[0]), AG_OK);
    for (int step = 0; step < STEPS; step++) {
        run = runs[step % 2];
        evaluate(scales[step % 2]);
        run = runs[0];
        expect_state(&want[step]);
    }
    ag_run_free(runs[1]);
    ag_plan_free(plans[1]);
}
END_TEST

START_TEST(a_saved_run_goes_on)
{
    char path[] = "/tmp/autograd-XXXXXX";
    const ag_train_options o = { .every = 3, .average = 0.9, .clip_norm = 2 };
    close(mkstemp(path));
    compile(by(_i, &o));
    for (int k = 0; k < 7; k++) evaluate(scales[k % COUNT(scales)]);
    ck_assert_int_eq(ag_save(run, path), AG_OK);
    for (int k = 7; k < 12; k++) evaluate(scales[k % COUNT(scales)]);
    const state want = now();
    const double average = ag_item(run, ag_find(g, "q/average"));
    end();
    begin();
    compile(by(_i, &o));
    ck_assert_int_eq(ag_load(run, path), AG_OK);
    for (int k = 7; k < 12; k++) evaluate(scales[k % COUNT(scales)]);
    const state got = now();
    ck_assert_mem_eq(want.p, got.p, sizeof want.p);
    ck_assert(average == ag_item(run, ag_find(g, "q/average")));
    unlink(path);
}
END_TEST

/* ---- averages ---------------------------------------------------------------------------------------------------- */

START_TEST(averages_follow)
{
    const ag_train_options o = { .every = _i ? 2 : 0, .average = 0.8 };
    double want[N], average = 0;
    ck_assert_ptr_null(ag_average_of(p));
    compile(by(1, &o));
    ck_assert(ag_average_of(p) == ag_find(g, "p/average") && ag_average_of(q) == ag_find(g, "q/average"));
    for (int step = 0; step < STEPS; step++) {
        evaluate(1);
        const double *value = ag_data(run, p), *got = ag_data(run, ag_average_of(p));
        if (_i && step % 2 == 0) continue;
        for (int i = 0; i < N; i++) want[i] = step < 2 && (_i || !step) ? value[i] : 0.8 * want[i] + 0.2 * value[i];
        average = step < 2 && (_i || !step) ? ag_item(run, q) : 0.8 * average + 0.2 * ag_item(run, q);
        for (int i = 0; i < N; i++) expect_close(got[i], want[i], 1e-14);
        expect_close(ag_item(run, ag_average_of(q)), average, 1e-14);
    }
}
END_TEST

START_TEST(types_may_differ)
{
    ag_node *f = ag_parameter(g, "f", AG_F32, AG_SHAPE(2), (float[]){ 1, 2 }), *d = p;
    const ag_adam_options adam = { .rate = 0.1 };
    loss = ag_add(ag_sum(ag_square(d)), ag_cast(ag_sum(ag_square(f)), AG_F64));
    compile(ag_train(loss, 1, &(ag_parameter_group){ .adam = &adam },
                     &(ag_train_options){ .clip_value = 1, .clip_norm = 1, .every = 2, .average = 0.5 }));
    for (int k = 0; k < 4; k++) ck_assert_int_eq(ag_eval(run), AG_OK);
    ck_assert_int_eq(ag_type_of(ag_average_of(f)), AG_F32);
    for (int i = 0; i < 2; i++) expect_close(((const float *)ag_data(run, f))[i], 1 + i - 0.2, 1e-3);
}
END_TEST

/* ---- wrong calls ------------------------------------------------------------------------------------------------- */

START_TEST(wrong_calls_say_so)
{
    const ag_sgd_options sgd = { .rate = 1 };
    const ag_adam_options adam = { .beta1 = 2 };
    ag_node *x = ag_parameter(g, "x", AG_F64, AG_SCALAR, NULL);
    ag_graph *other = ag_graph_new(NULL);
    ag_node *foreign = ag_parameter(other, "p", AG_F64, AG_SCALAR, NULL), *twice[] = { p, p }, *inner = ag_exp(x);
    ck_assert_ptr_null(ag_train(NULL, 1, &(ag_parameter_group){ .sgd = &sgd }, NULL));
    ck_assert_ptr_null(ag_adagrad(NULL, NULL));
    ck_assert_ptr_null(ag_lion(NULL, NULL));
    ck_assert_ptr_null(ag_average_of(NULL));
    ag_train(loss, 0, NULL, NULL);
    expect_error(g, AG_EARG, "ag_train", "no groups");
    ag_train(p, 1, &(ag_parameter_group){ .sgd = &sgd }, NULL);
    expect_error(g, AG_ESHAPE, "ag_train", "'p'");
    ag_train(loss, 1, &(ag_parameter_group){ 0 }, NULL);
    expect_error(g, AG_EARG, "ag_train", "nothing is trained");
    ag_train(loss, 1, &(ag_parameter_group){ .sgd = &sgd, .adam = &adam }, NULL);
    expect_error(g, AG_EARG, "ag_train", "group 0", "two methods");
    ag_train(loss, 1, &(ag_parameter_group){ .adam = &adam }, NULL);
    expect_error(g, AG_EARG, "ag_adam", "beta1 is 2");
    ag_train(loss, 2, (ag_parameter_group[]){ { .sgd = &sgd }, { .sgd = &sgd } }, NULL);
    expect_error(g, AG_EARG, "groups 0 and 1", "all other");
    ag_node *const wrong[] = { x, inner, foreign, NULL };
    for (size_t k = 0; k < COUNT(wrong); k++) {
        ag_train(loss, 1, &(ag_parameter_group){ .count = 1, .parameter = &wrong[k], .sgd = &sgd }, NULL);
        expect_error(g, AG_EARG, "ag_train", "parameter");
    }
    ag_train(loss, 1, &(ag_parameter_group){ .count = 2, .parameter = twice, .sgd = &sgd }, NULL);
    expect_error(g, AG_EARG, "groups 0 and 0", "'p'");
    ag_train(loss, 1, &(ag_parameter_group){ .count = 2, .sgd = &sgd }, NULL);
    expect_error(g, AG_EARG, "group 0", "no list");
    const ag_train_options o[] = { { .clip_value = -1 }, { .clip_norm = NAN }, { .every = -1 }, { .average = 1 } };
    static const char *const names[] = { "clip_value", "clip_norm", "every", "average" };
    for (size_t k = 0; k < COUNT(o); k++) {
        ag_train(loss, 1, &(ag_parameter_group){ .sgd = &sgd }, &o[k]);
        expect_error(g, AG_EARG, "ag_train", names[k]);
    }
    ag_adagrad(loss, &(ag_adagrad_options){ .epsilon = -1 });
    expect_error(g, AG_EARG, "ag_adagrad", "epsilon");
    ag_lion(loss, &(ag_lion_options){ .beta2 = 1 });
    expect_error(g, AG_EARG, "ag_lion", "beta2 is 1");
    ag_graph_free(other);
}
END_TEST

/* Frozen lists may name what this loss does not depend on. */
START_TEST(frozen_lists_may_be_longer)
{
    ag_node *x = ag_parameter(g, "x", AG_F64, AG_SCALAR, NULL), *frozen[] = { x, q };
    const ag_sgd_options sgd = { .rate = 0.1 };
    compile(ag_train(loss, 2, (ag_parameter_group[]){ { .count = 2, .parameter = frozen }, { .sgd = &sgd } }, NULL));
    evaluate(1);
    ck_assert(ag_item(run, q) == q_value && ag_item(run, r) == -0.1);
}
END_TEST

START_TEST(memory_ends)
{
    int done = 0;
    for (int64_t left = 0; !done && left < 3000; left++) {
        test_budget budget = { .left = left };
        ag_allocator a = test_allocator(&budget);
        ag_graph *small = ag_graph_new(&a);
        if (!small) continue;
        ag_node *w = ag_parameter(small, "w", AG_F64, AG_SHAPE(3), NULL);
        ag_node *b = ag_parameter(small, "b", AG_F64, AG_SCALAR, NULL);
        const ag_adam_options adam = { .rate = 1 };
        const ag_sgd_options sgd = { .rate = 1 };
        ag_node *update = ag_train(ag_sum(ag_square(ag_add(w, b))), 2, (ag_parameter_group[]){
                                       { .count = 1, .parameter = &w, .adam = &adam }, { .sgd = &sgd } },
                                   &(ag_train_options){ .every = 2, .average = 0.5, .clip_norm = 1 });
        ck_assert(ag_graph_status(small) == (ag_is_bad(update) ? AG_EMEM : AG_OK));
        done = !ag_is_bad(update);
        ag_graph_free(small);
        ck_assert_int_eq(budget.taken, 0);
    }
    ck_assert(done);
}
END_TEST

Suite *suite_training(void)
{
    Suite *suite = suite_create("training");
    TCase *t = tcase_create("training");
    tcase_add_checked_fixture(t, begin, end);
    tcase_add_loop_test(t, adagrad, 0, 3);
    tcase_add_loop_test(t, lion, 0, 3);
    tcase_add_loop_test(t, adagrad_of_extreme_gradients, 0, 2);
    tcase_add_loop_test(t, groups_have_methods_of_their_own, 0, 2);
    tcase_add_loop_test(t, the_rest_is_a_group, 0, 2);
    tcase_add_loop_test(t, values_are_clipped_before_norms, 0, 3);
    tcase_add_loop_test(t, k_evaluations_are_one_batch, 0, METHODS);
    tcase_add_loop_test(t, a_second_call_goes_on, 0, METHODS);
    tcase_add_loop_test(t, a_saved_run_goes_on, 0, METHODS);
    tcase_add_loop_test(t, averages_follow, 0, 2);
    tcase_add_test(t, types_may_differ);
    tcase_add_test(t, wrong_calls_say_so);
    tcase_add_test(t, frozen_lists_may_be_longer);
    tcase_add_test(t, memory_ends);
    suite_add_tcase(suite, t);
    return suite;
}
