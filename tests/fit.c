/* Training on data: against a plain loop, stopped anywhere and gone on with, told to stop, given what does not fit. */
#include "test.h"

#include "fit/fit.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

enum { N = 50, FEATURES = 3, TESTS = 13 };

static double features[N * FEATURES], targets[N], test_features[TESTS * FEATURES], test_targets[TESTS];
static const ag_array train_x = { .element = AG_DATA_F64, .shape = { 2, { N, FEATURES } }, .values = features };
static const ag_array train_t = { .element = AG_DATA_F64, .shape = { 1, { N } }, .values = targets };
static const ag_array test_x = { .element = AG_DATA_F64, .shape = { 2, { TESTS, FEATURES } }, .values = test_features };
static const ag_array test_t = { .element = AG_DATA_F64, .shape = { 1, { TESTS } }, .values = test_targets };
static char folder[32], checkpoint[64], best[64], csv[64], svg[64];
static ag_problem why;

static void make_data(void)
{
    uint64_t seed = 3;
    for (int i = 0; i < N * FEATURES; i++) features[i] = test_random(&seed, -1, 1);
    for (int i = 0; i < TESTS * FEATURES; i++) test_features[i] = test_random(&seed, -1, 1);
    for (int i = 0; i < N; i++) targets[i] = features[FEATURES * i] - 2 * features[FEATURES * i + 1] + 0.3;
    for (int i = 0; i < TESTS; i++)
        test_targets[i] = test_features[FEATURES * i] - 2 * test_features[FEATURES * i + 1] + 0.3;
}

static void begin(void)
{
    make_data();
    strcpy(folder, "/tmp/autograd-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(checkpoint, sizeof checkpoint, "%s/checkpoint", folder);
    snprintf(best, sizeof best, "%s/best", folder);
    snprintf(csv, sizeof csv, "%s/curve.csv", folder);
    snprintf(svg, sizeof svg, "%s/curve.svg", folder);
}

static void end(void)
{
    char command[64];
    snprintf(command, sizeof command, "rm -r %s", folder);
    ck_assert_int_eq(system(command), 0);
}

/* A plane through the targets: y = x . w + b. */
typedef struct {
    ag_node *w, *b;
    int adam;
    int64_t stop_at; /* steps until each() says so; 0: never */
    int signal, steps;
} model;

static model make(ag_graph *g)
{
    return (model){ .w = ag_parameter(g, "w", AG_F64, AG_SHAPE(FEATURES), (double[]){ 0.1, 0.2, 0.3 }),
                    .b = ag_parameter(g, "b", AG_F64, AG_SCALAR, NULL) };
}

static void build(ag_graph *g, int64_t rows, ag_fit_model *m, void *context)
{
    const model *w = context;
    m->input[0] = ag_input(g, NULL, AG_F64, AG_SHAPE(rows, FEATURES));
    m->input[1] = ag_input(g, NULL, AG_F64, AG_SHAPE(rows));
    ag_node *error = ag_sub(ag_add(ag_dot(m->input[0], w->w), w->b), m->input[1]);
    m->loss = ag_mean(ag_square(error));
    m->metric[0] = ag_mean(ag_less(ag_abs(error), ag_number(g, 0.1)));
    m->update = w->adam ? ag_adam(m->loss, NULL) : ag_sgd(m->loss, &(ag_sgd_options){ .rate = 0.1 });
}

static int each(void *context, const ag_fit_state *s)
{
    model *m = context;
    (void)s;
    if (++m->steps == m->stop_at && m->signal) kill(getpid(), m->signal);
    return m->steps == m->stop_at && !m->signal;
}

static ag_fit_options options(ag_graph *g, model *m)
{
    return (ag_fit_options){ .graph = g, .build = build, .context = m, .batch = 8, .epochs = 3, .metric = { "close" },
                             .field = { { .train = &train_x, .test = &test_x },
                                        { .train = &train_t, .test = &test_t } },
                             .each = each };
}

static ag_fit *make_fit(const ag_fit_options *o)
{
    ag_fit *f = ag_fit_new(o, &why);
    ck_assert_msg(f != NULL, "%s", why.message);
    ck_assert_str_eq(why.message, "");
    return f;
}

static void train(ag_fit *f)
{
    ck_assert_msg(ag_fit_train(f) == AG_OK, "%s", ag_fit_error(f));
}

/* ---- what it does ------------------------------------------------------------------------------------------------ */

/* One epoch of gradient descent in batches of 8, the last of 2, as a loop; the mean loss over the samples. */
static double plain_epoch(double *w)
{
    double total = 0;
    for (int first = 0; first < N; first += 8) {
        const int n = N - first < 8 ? N - first : 8;
        double g[FEATURES + 1] = { 0 };
        for (int i = first; i < first + n; i++) {
            const double *x = &features[i * FEATURES];
            double e = x[0] * w[0] + x[1] * w[1] + x[2] * w[2] + w[3] - targets[i];
            total += e * e;
            for (int k = 0; k <= FEATURES; k++) g[k] += 2 * e * (k < FEATURES ? x[k] : 1) / n;
        }
        for (int k = 0; k <= FEATURES; k++) w[k] -= 0.1 * g[k];
    }
    return total / N;
}

START_TEST(it_does_what_a_loop_does)
{
    begin();
    double w[FEATURES + 1] = { 0.1, 0.2, 0.3, 0 }, loss = 0, test_loss = 0, got;
    ag_graph *g = ag_graph_new(NULL);
    model m = make(g);
    ag_fit_options o = options(g, &m);
    o.in_order = 1;
    ag_fit *f = make_fit(&o);
    train(f);
    for (int e = 0; e < 3; e++) loss = plain_epoch(w);
    for (int k = 0; k < FEATURES; k++)
        ck_assert_double_eq_tol(((const double *)ag_data(ag_fit_run(f), m.w))[k], w[k], 1e-13);
    ck_assert_double_eq_tol(ag_item(ag_fit_run(f), m.b), w[3], 1e-13);
    ck_assert_double_eq_tol(ag_fit_now(f)->loss, loss, 1e-13);
    for (int i = 0; i < TESTS; i++) {
        const double *x = &test_features[i * FEATURES];
        double e = x[0] * w[0] + x[1] * w[1] + x[2] * w[2] + w[3] - test_targets[i];
        test_loss += e * e / TESTS;
    }
    ck_assert_double_eq_tol(ag_fit_now(f)->test_loss, test_loss, 1e-13);
    ck_assert_int_eq(ag_fit_test(f, &got, NULL), AG_OK);
    ck_assert_double_eq(got, ag_fit_now(f)->test_loss);
    ck_assert_int_eq(ag_fit_now(f)->epoch, 3);
    ck_assert_int_eq(m.steps, 3 * 7);
    ag_fit_free(f);
    ag_graph_free(g);
    end();
}
END_TEST

/* Powers of two that are added up once each have all their bits. */
static void build_powers(ag_graph *g, int64_t rows, ag_fit_model *m, void *context)
{
    ag_node *w = context;
    m->input[0] = ag_input(g, NULL, AG_F64, AG_SHAPE(rows));
    m->loss = ag_mean(ag_pow(ag_number(g, 2), m->input[0]));
    m->metric[0] = ag_slice(m->input[0], 0, 0, 1, 1);
    m->metric[0] = ag_reshape(m->metric[0], AG_SCALAR);
    m->update = ag_assign(w, ag_add(w, ag_sum(m->input[0])));
}

START_TEST(every_epoch_has_every_sample_once_in_another_order)
{
    double number[40], sums[6];
    for (int i = 0; i < 40; i++) number[i] = i;
    const ag_array rows = { .element = AG_DATA_F64, .shape = AG_SHAPE(40), .values = number };
    for (int seed = 0; seed < 2; seed++) {
        ag_graph *g = ag_graph_new(NULL);
        ag_node *w = ag_parameter(g, "w", AG_F64, AG_SCALAR, NULL);
        ag_fit_options o = { .graph = g, .build = build_powers, .context = w, .batch = 8, .seed = (uint64_t)seed,
                             .metric = { "first" }, .field = { { .train = &rows } } };
        for (int e = 0; e < 3; e++) {
            o.epochs = e + 1;
            ag_fit *f = make_fit(&o);
            train(f);
            ck_assert_double_eq(ag_fit_now(f)->loss * 40, 0x1p40 - 1);
            sums[3 * seed + e] = ag_fit_now(f)->metric[0];
            ag_fit_free(f);
        }
        ag_graph_free(g);
    }
    for (int a = 0; a < 6; a++)
        for (int b = 0; b < a; b++) ck_assert_double_ne(sums[a], sums[b]);
}
END_TEST

/* ---- stopping and going on --------------------------------------------------------------------------------------- */

/* Trains to the end, stopped after every `every` steps and gone on with by a new graph. */
static void train_with_stops(int every, double *w, char *curve, size_t room)
{
    for (int stops = 0;; stops++) {
        ag_graph *g = ag_graph_new(NULL);
        model m = make(g);
        m.adam = 1;
        m.stop_at = every;
        ag_fit_options o = options(g, &m);
        o.checkpoint = checkpoint, o.csv = csv, o.seed = 5, o.epochs = 4;
        ag_fit *f = make_fit(&o);
        train(f);
        int going_on = ag_fit_now(f)->interrupted;
        ag_fetch(ag_fit_run(f), m.w, w);
        w[3] = ag_item(ag_fit_run(f), m.b), w[4] = ag_fit_now(f)->test_loss, w[5] = ag_fit_now(f)->best;
        ag_fit_free(f);
        ag_graph_free(g);
        if (going_on) continue;
        ck_assert_int_ge(stops, every ? 28 / every - 1 : 0);
        break;
    }
    FILE *file = fopen(csv, "r");
    for (char line[512]; fgets(line, sizeof line, file); room -= strlen(line)) {
        *strrchr(line, ',') = 0; /* the last number is time */
        curve += snprintf(curve, room, "%s\n", line);
    }
    fclose(file);
    ck_assert_int_eq(unlink(checkpoint) || unlink(csv), 0);
}

START_TEST(resumed_is_uninterrupted)
{
    double want[6], got[6];
    char curve[2][4096];
    begin();
    train_with_stops(0, want, curve[0], sizeof curve[0]);
    for (int every = 1; every < 16; every += 3) {
        train_with_stops(every, got, curve[1], sizeof curve[1]);
        ck_assert_int_eq(memcmp(got, want, sizeof want), 0);
        ck_assert_str_eq(curve[1], curve[0]);
    }
    end();
}
END_TEST

START_TEST(signals_wait_for_the_end_of_a_step)
{
    const int numbers[] = { SIGINT, SIGTERM };
    begin();
    for (int k = 0; k < 2; k++) {
        ag_graph *g = ag_graph_new(NULL);
        model m = make(g);
        m.stop_at = 9, m.signal = numbers[k];
        ag_fit_options o = options(g, &m);
        o.interrupt = 1, o.options.threads = 3;
        ag_fit *f = make_fit(&o);
        train(f);
        ck_assert_int_eq(ag_fit_now(f)->interrupted, 1);
        ck_assert_int_eq(ag_fit_now(f)->epoch, 1);
        ck_assert_int_eq(ag_fit_now(f)->step, 2);
        train(f); /* goes on */
        ck_assert_int_eq(ag_fit_now(f)->epoch, 3);
        ck_assert_int_eq(m.steps, 21);
        ag_fit_free(f);
        ag_graph_free(g);
    }
    sigset_t mask;
    sigprocmask(SIG_BLOCK, NULL, &mask);
    ck_assert(!sigismember(&mask, SIGINT));
    end();
}
END_TEST

START_TEST(it_stops_when_nothing_becomes_better)
{
    begin();
    ag_graph *g = ag_graph_new(NULL), *h = ag_graph_new(NULL);
    model m = make(g), other = make(h);
    ag_fit_options o = options(g, &m);
    o.epochs = 1000, o.patience = 4, o.watch = 1, o.best = best;
    ag_fit *f = make_fit(&o);
    train(f);
    const ag_fit_state *s = ag_fit_now(f);
    ck_assert_int_eq(s->stopped, 1);
    ck_assert_double_eq(s->best, 1); /* all are close, and cannot become closer */
    ck_assert_int_eq(s->epoch, s->best_epoch + 4);
    ag_fit_options again = options(h, &other);
    ag_fit *kept = make_fit(&again);
    double metric[1];
    ck_assert_int_eq(ag_load(ag_fit_run(kept), best), AG_OK);
    ck_assert_int_eq(ag_fit_test(kept, NULL, metric), AG_OK);
    ck_assert_double_eq(metric[0], 1);
    ag_fit_free(f), ag_fit_free(kept);
    ag_graph_free(g), ag_graph_free(h);
    end();
}
END_TEST

START_TEST(a_loss_that_is_no_number_ends_training)
{
    begin();
    ag_graph *g = ag_graph_new(NULL);
    model m = make(g);
    ag_fit_options o = options(g, &m);
    o.checkpoint = checkpoint;
    targets[20] = INFINITY;
    ag_fit *f = make_fit(&o);
    ck_assert_int_eq(ag_fit_train(f), AG_ENAN);
    ck_assert_msg(strstr(ag_fit_error(f), "the loss became inf in epoch 1, step") != NULL, "%s", ag_fit_error(f));
    ck_assert_int_ne(access(checkpoint, F_OK), 0);
    ag_fit_free(f);
    ag_graph_free(g);
    end();
}
END_TEST

/* ---- what is shown ----------------------------------------------------------------------------------------------- */

START_TEST(progress_and_curves)
{
    char text[4096], *line = text;
    begin();
    ag_graph *g = ag_graph_new(NULL);
    model m = make(g);
    FILE *shown = tmpfile();
    ag_fit_options o = options(g, &m);
    o.progress = shown, o.svg = svg, o.csv = csv, o.metric[0] = "a < b & c";
    ag_fit *f = make_fit(&o);
    train(f);
    rewind(shown);
    text[fread(text, 1, sizeof text - 1, shown)] = 0;
    for (int e = 1; e <= 3; e++) {
        char start[32];
        snprintf(start, sizeof start, "epoch %d/3  loss ", e);
        ck_assert_msg(strncmp(line, start, strlen(start)) == 0, "%s", text);
        line = strchr(line, '\n') + 1;
    }
    ck_assert_str_eq(line, "");
    FILE *picture = fopen(svg, "r");
    text[fread(text, 1, sizeof text - 1, picture)] = 0;
    ck_assert_ptr_nonnull(strstr(text, "a &lt; b &amp; c"));
    ck_assert_ptr_null(strstr(text, "nan"));
    ag_array table = { 0 };
    ck_assert_msg(ag_read_csv(&table, csv, NULL, &why) == AG_OK, "%s", why.message);
    ck_assert_int_eq(table.shape.dim[0], 3);
    ck_assert_str_eq(table.heading[1], "loss");
    ck_assert_str_eq(table.heading[4], "test a < b & c");
    ck_assert_double_eq(((double *)table.values)[2 * table.shape.dim[1] + 3], ag_fit_now(f)->test_loss);
    ag_array_free(&table);
    fclose(shown), fclose(picture);
    ag_fit_free(f);
    ag_graph_free(g);
    end();
}
END_TEST

/* ---- what does not fit ------------------------------------------------------------------------------------------- */

static void build_wrong(ag_graph *g, int64_t rows, ag_fit_model *m, void *context)
{
    const int what = *(const int *)context;
    ag_node *w = ag_find(g, "v");
    if (!w) w = ag_parameter(g, "v", AG_F64, AG_SHAPE(FEATURES), NULL);
    m->input[0] = ag_input(g, NULL, AG_F64, what == 1 ? AG_SHAPE(rows, 2) : AG_SHAPE(rows + (what == 2), FEATURES));
    if (what != 3) m->input[1] = ag_input(g, NULL, AG_F64, AG_SHAPE(rows));
    ag_node *y = ag_sum(ag_square(ag_mul(w, w)));
    m->loss = what == 4 ? NULL : what == 5 ? w : y;
    m->metric[0] = what == 6 ? NULL : y;
    m->update = what == 7 ? NULL : ag_assign(w, ag_neg(w));
    if (what == 8) ag_dot(m->input[1], w);
}

START_TEST(what_does_not_fit_is_refused)
{
    static const char *const parts[] = {
        [1] = "input[0] takes 2 elements a row, field[0].train has 3", [2] = "input[0] has 9 rows, in a batch of 8",
        [3] = "no input[1]", [4] = "no loss", [5] = "loss is not of rank 0", [6] = "no metric[0]", [7] = "no update",
        [8] = "dot (node", [9] = "field[1].train has 13 rows, those before have 50", [10] = "field[1].test is NULL",
        [11] = "watch is 2, and there are 1", [12] = "options.graph and options.build", [13] = "there is no data",
    };
    begin();
    for (int what = 1; what < (int)COUNT(parts); what++) {
        ag_graph *g = ag_graph_new(NULL);
        model m = { 0 };
        ag_fit_options o = options(g, &m);
        o.build = build_wrong, o.context = &what;
        if (what == 9) o.field[1].train = &test_t;
        if (what == 10) o.field[1].test = NULL;
        if (what == 11) o.watch = 2;
        if (what == 12) o.build = NULL;
        if (what == 13) o.field[0].train = NULL;
        ck_assert_ptr_null(ag_fit_new(&o, &why));
        ck_assert_msg(strstr(why.message, parts[what]) != NULL, "%d: %s", what, why.message);
        ag_graph_free(g);
    }
    ck_assert_ptr_null(ag_fit_new(NULL, &why));
    ck_assert_int_eq(ag_fit_train(NULL), AG_EARG);
    end();
}
END_TEST

START_TEST(checkpoints_of_other_training_are_refused)
{
    static const char *const parts[] = { "its batch is 8, here it is 9", "its seed is 0, here it is 1",
                                         "number of samples", "in_order" };
    begin();
    for (int k = -1; k < (int)COUNT(parts); k++) {
        ag_graph *g = ag_graph_new(NULL);
        model m = make(g);
        ag_fit_options o = options(g, &m);
        o.checkpoint = checkpoint;
        if (k == 0) o.batch = 9;
        if (k == 1) o.seed = 1;
        if (k == 2) o.field[0].train = &test_x, o.field[1].train = &test_t;
        if (k == 3) o.in_order = 1;
        ag_fit *f = ag_fit_new(&o, &why);
        if (k < 0) train(f);
        else ck_assert_msg(!f && strstr(why.message, parts[k]) != NULL, "%s", why.message);
        ag_fit_free(f);
        ag_graph_free(g);
    }
    end();
}
END_TEST

Suite *suite_fit(void)
{
    Suite *s = suite_create("fit");
    TCase *t = tcase_create("fit");
    tcase_set_timeout(t, 120);
    tcase_add_test(t, it_does_what_a_loop_does);
    tcase_add_test(t, every_epoch_has_every_sample_once_in_another_order);
    tcase_add_test(t, resumed_is_uninterrupted);
    tcase_add_test(t, signals_wait_for_the_end_of_a_step);
    tcase_add_test(t, it_stops_when_nothing_becomes_better);
    tcase_add_test(t, a_loss_that_is_no_number_ends_training);
    tcase_add_test(t, progress_and_curves);
    tcase_add_test(t, what_does_not_fit_is_refused);
    tcase_add_test(t, checkpoints_of_other_training_are_refused);
    suite_add_tcase(s, t);
    return s;
}
