/* Plans and runs: what is computed, what is kept, what is shared. */
#include "test.h"

#include <pthread.h>

static ag_graph *g;
static ag_plan *plan;
static ag_run *run;

static void begin(void)
{
    g = ag_graph_new(NULL);
    plan = NULL;
    run = NULL;
}

static void end(void)
{
    ag_run_free(run);
    ag_plan_free(plan);
    ag_graph_free(g);
}

static void compile(int n, ag_node *const y[])
{
    ag_options o = test_options();
    plan = ag_compile(g, n, y, &o);
    ck_assert_msg(plan != NULL, "%s", ag_graph_error(g));
    run = ag_run_new(plan);
    ck_assert_ptr_nonnull(run);
}

static void eval(void)
{
    ck_assert_msg(ag_eval(run) == AG_OK, "%s", ag_run_error(run));
}

static void feed(const ag_node *x, const void *data)
{
    ck_assert_msg(ag_feed(run, x, data) == AG_OK, "%s", ag_run_error(run));
}

static void expect_fetched(const ag_node *x, int n, const double *want)
{
    double got[64];
    ck_assert_msg(ag_fetch(run, x, got) == AG_OK, "%s", ag_run_error(run));
    for (int i = 0; i < n; i++) expect_close(got[i], want[i], 1e-15);
}

#define expect_values(x, ...) \
    expect_fetched(x, (int)(sizeof((double[]){ __VA_ARGS__ }) / sizeof(double)), (double[]){ __VA_ARGS__ })

static ag_node *input(const char *name, ag_shape s)
{
    return ag_input(g, name, AG_F64, s);
}

/* ---- outputs ---------------------------------------------------------------------------------------------------- */

START_TEST(feed_eval_fetch)
{
    ag_node *x = input("x", AG_SHAPE(3)), *y = ag_mul(x, ag_number(g, 2));
    compile(1, &y);
    feed(x, (double[]){ 1, 2, 3 });
    eval();
    expect_values(y, 2, 4, 6);
    feed(x, (double[]){ -1, 0, 7 });
    expect_values(y, 2, 4, 6);
    eval();
    expect_values(y, -2, 0, 14);
    expect_values(x, -1, 0, 7);
    eval(); /* the feed stays */
    expect_values(y, -2, 0, 14);
    ck_assert_str_eq(ag_run_error(run), "");
}
END_TEST

START_TEST(ways_to_read)
{
    ag_node *x = input("x", AG_SHAPE(2)), *y = ag_neg(x), *s = ag_sum(x);
    compile(2, (ag_node *[]){ y, s });
    feed(x, (double[]){ 1, 2.5 });
    eval();
    const double *data = ag_data(run, y);
    ck_assert(data[0] == -1 && data[1] == -2.5);
    ck_assert(ag_item(run, s) == 3.5);
    ck_assert(*(const double *)ag_data(run, s) == 3.5);
}
END_TEST

START_TEST(items_of_every_type)
{
    ag_node *f = ag_parameter(g, NULL, AG_F32, AG_SCALAR, (float[]){ 0.1f });
    ag_node *i = ag_parameter(g, NULL, AG_I64, AG_SHAPE(3), (int64_t[]){ 1, INT64_C(1) << 53, -9 });
    ag_node *y[] = { ag_mul(f, ag_number(g, 2)), ag_reshape(ag_slice(i, 0, 1, 2, 1), AG_SCALAR), ag_cast(i, AG_F64) };
    compile(3, y);
    eval();
    ck_assert(ag_item(run, y[0]) == (double)(0.1f * 2));
    ck_assert(ag_item(run, y[1]) == 0x1p53);
    expect_values(y[2], 1, 0x1p53, -9);
}
END_TEST

START_TEST(the_same_output_twice_and_leaves_as_outputs)
{
    ag_node *x = input("x", AG_SHAPE(2)), *p = ag_parameter(g, "p", AG_F64, AG_SHAPE(2), (double[]){ 5, 6 });
    ag_node *c = ag_constant(g, AG_F64, AG_SHAPE(2), (double[]){ 7, 8 }), *y = ag_add(x, p);
    compile(5, (ag_node *[]){ y, y, x, p, c });
    feed(x, (double[]){ 1, 2 });
    eval();
    expect_values(y, 6, 8);
    expect_values(x, 1, 2);
    expect_values(p, 5, 6);
    expect_values(c, 7, 8);
}
END_TEST

START_TEST(views_as_outputs)
{
    ag_node *x = input("x", AG_SHAPE(2, 3)), *h = ag_neg(x);
    ag_node *y[] = { ag_transpose(h, NULL), ag_reshape(x, AG_SHAPE(3, 2)), ag_broadcast_to(ag_sum(x), AG_SHAPE(2)),
                     ag_slice(ag_flip(x, 1), 1, 0, 2, 1), ag_slice(h, 0, 1, 2, 1) };
    compile(5, y);
    feed(x, (double[]){ 1, 2, 3, 4, 5, 6 });
    eval();
    expect_values(y[0], -1, -4, -2, -5, -3, -6);
    expect_values(y[1], 1, 2, 3, 4, 5, 6);
    expect_values(y[2], 21, 21);
    expect_values(y[3], 3, 2, 6, 5);
    expect_values(y[4], -4, -5, -6);
}
END_TEST

/* Views of views whose strides no single view can express are copied, and only then. */
START_TEST(views_of_views)
{
    ag_node *x = input("x", AG_SHAPE(2, 3)), *t = ag_transpose(x, NULL);
    ag_node *y[] = { ag_reshape(t, AG_SHAPE(6)), ag_reshape(ag_slice(t, 0, 2, AG_END, -2), AG_SHAPE(4)),
                     ag_matmul(t, ag_reshape(t, AG_SHAPE(2, 3))),
                     ag_sum_axis(ag_reshape(ag_flip(t, 0), AG_SHAPE(2, 3)), 0, 0) };
    compile(4, y);
    feed(x, (double[]){ 1, 2, 3, 4, 5, 6 });
    eval();
    expect_values(y[0], 1, 4, 2, 5, 3, 6);
    expect_values(y[1], 3, 6, 1, 4);
    /* [[1,4],[2,5],[3,6]] [[1,4,2],[5,3,6]] */
    expect_values(y[2], 21, 16, 26, 27, 23, 34, 33, 30, 42);
    expect_values(y[3], 3 + 5, 6 + 1, 2 + 4);
}
END_TEST

START_TEST(only_what_outputs_need_is_fed)
{
    ag_node *x = input("x", AG_SHAPE(2)), *unused = input("unused", AG_SHAPE(1000)), *y = ag_exp(x);
    ag_node *big = ag_sum(ag_exp(unused)); /* in the graph, not in the plan */
    compile(1, &y);
    ck_assert(!ag_is_bad(big));
    feed(x, (double[]){ 0, 1 });
    eval();
    expect_values(y, 1, exp(1));
    ck_assert_uint_lt(ag_plan_bytes(plan), 8000);
}
END_TEST

START_TEST(the_graph_may_grow_after_compiling)
{
    ag_node *x = input("x", AG_SCALAR), *y = ag_exp(x);
    compile(1, &y);
    for (int i = 0; i < 100000; i++) y = ag_add(y, ag_number(g, i));
    feed(x, (double[]){ 1 });
    eval();
    expect_values(ag_exp(x), exp(1));
}
END_TEST

START_TEST(initial_values_are_copied)
{
    double initial[] = { 1, 2 };
    ag_node *p = ag_parameter(g, "p", AG_F64, AG_SHAPE(2), initial), *c = ag_constant(g, AG_F64, AG_SHAPE(2), initial);
    ag_node *y = ag_mul(p, c);
    initial[0] = initial[1] = 100;
    compile(1, &y);
    eval();
    expect_values(y, 1, 4);
}
END_TEST

START_TEST(parameters_without_values_are_zero)
{
    ag_node *p = ag_parameter(g, "p", AG_F64, AG_SHAPE(3), NULL), *y = ag_cos(p);
    compile(1, &y);
    eval();
    expect_values(y, 1, 1, 1);
    expect_values(p, 0, 0, 0);
}
END_TEST

START_TEST(values_in_one_call)
{
    ck_assert(ag_value(ag_mul(ag_number(g, 6), ag_number(g, 7))) == 42);
    ck_assert(ag_value(ag_sum(ag_arange(g, AG_F64, 5))) == 10);
    expect_well(g);
}
END_TEST

/* ---- parameters and assignments --------------------------------------------------------------------------------- */

START_TEST(parameters_live_in_the_run)
{
    ag_node *p = ag_parameter(g, "p", AG_F64, AG_SHAPE(2), (double[]){ 1, 10 });
    ag_node *next = ag_assign(p, ag_mul(p, ag_number(g, 2)));
    compile(1, &next);
    ag_run *second = ag_run_new(plan);
    for (int i = 0; i < 3; i++) eval();
    expect_values(p, 8, 80);
    expect_values(next, 8, 80);
    double other[2];
    ck_assert_int_eq(ag_fetch(second, p, other), AG_OK);
    ck_assert(other[0] == 1 && other[1] == 10);
    feed(p, (double[]){ 3, 4 });
    eval();
    expect_values(p, 6, 8);
    ag_run_free(second);
}
END_TEST

START_TEST(everything_reads_the_old_value)
{
    ag_node *p = ag_parameter(g, "p", AG_F64, AG_SHAPE(2), (double[]){ 1, 2 });
    ag_node *update = ag_assign(p, ag_neg(p));
    ag_node *y[] = { ag_add(p, ag_number(g, 100)), update, ag_sum(p), ag_mul(update, ag_number(g, 10)) };
    compile(4, y);
    eval();
    expect_values(y[0], 101, 102);
    expect_values(y[1], -1, -2);
    expect_values(y[2], 3);
    expect_values(y[3], -10, -20);
    expect_values(p, -1, -2);
    eval();
    expect_values(y[0], 99, 98);
    expect_values(p, 1, 2);
}
END_TEST

START_TEST(parameters_trade_places)
{
    ag_node *p = ag_parameter(g, "p", AG_F64, AG_SHAPE(2), (double[]){ 1, 2 });
    ag_node *q = ag_parameter(g, "q", AG_F64, AG_SHAPE(2), (double[]){ 3, 4 });
    ag_node *r = ag_parameter(g, "r", AG_F64, AG_SHAPE(2), (double[]){ 5, 6 });
    ag_node *turn = ag_group(3, (ag_node *[]){ ag_assign(p, q), ag_assign(q, r), ag_assign(r, p) });
    compile(1, &turn);
    eval();
    expect_values(p, 3, 4);
    expect_values(q, 5, 6);
    expect_values(r, 1, 2);
    eval();
    eval();
    expect_values(p, 1, 2);
    expect_values(turn, 5, 6);
}
END_TEST

/* A group's value is its last member's: a call among the others that stores nothing is not made. */
START_TEST(a_group_leaves_out_what_nobody_reads)
{
    ag_node *p = ag_parameter(g, "p", AG_F64, AG_SHAPE(2, 2), (double[]){ 1, 2, 2, 4 });
    ag_node *singular = ag_inverse(p), *sums = ag_cumsum(ag_exp(p), 0);
    ag_node *y = ag_group(3, (ag_node *[]){ singular, sums, ag_assign(p, ag_neg(p)) });
    compile(1, &y);
    eval();
    expect_values(p, -1, -2, -2, -4);
}
END_TEST

/* An update that reads the parameter in another order than it writes must not overwrite what it still reads. */
START_TEST(assignments_that_overlap)
{
    ag_node *p = ag_parameter(g, "p", AG_F64, AG_SHAPE(3, 3), (double[]){ 1, 2, 3, 4, 5, 6, 7, 8, 9 });
    ag_node *turned = ag_assign(p, ag_transpose(p, NULL));
    compile(1, &turned);
    eval();
    expect_values(p, 1, 4, 7, 2, 5, 8, 3, 6, 9);
    ag_run_free(run);
    ag_plan_free(plan);
    ag_node *flipped = ag_assign(p, ag_add(ag_flip(p, 0), ag_sum_axis(p, 0, 1)));
    compile(1, &flipped);
    eval();
    expect_values(p, 19, 23, 27, 16, 20, 24, 13, 17, 21);
    ag_run_free(run);
    ag_plan_free(plan);
    ag_node *squared = ag_assign(p, ag_matmul(p, p));
    compile(1, &squared);
    eval();
    expect_values(p, 30, 36, 42, 66, 81, 96, 102, 126, 150);
}
END_TEST

/* ---- the caller's memory ---------------------------------------------------------------------------------------- */

START_TEST(binding_inputs_and_outputs)
{
    double in[] = { 1, 2, 3 }, out[3] = { 0 }, in2[] = { 4, 5, 6 };
    ag_node *x = input("x", AG_SHAPE(3)), *y = ag_square(x), *s = ag_sum(y);
    compile(2, (ag_node *[]){ y, s });
    ck_assert_int_eq(ag_bind(run, x, in), AG_OK);
    ck_assert_int_eq(ag_bind(run, y, out), AG_OK);
    eval();
    ck_assert(out[0] == 1 && out[1] == 4 && out[2] == 9);
    ck_assert_ptr_eq(ag_data(run, y), out);
    in[0] = 10;
    eval();
    ck_assert(out[0] == 100 && ag_item(run, s) == 113);
    ck_assert_int_eq(ag_bind(run, x, in2), AG_OK);
    eval();
    ck_assert(out[0] == 16 && out[2] == 36);
    feed(x, (double[]){ 0, 0, 1 });
    eval();
    ck_assert(ag_item(run, s) == 1);
    ck_assert(in2[0] == 4 || in2[2] == 1); /* feeding either leaves the caller's memory or fills it */
}
END_TEST

START_TEST(binding_a_parameter)
{
    double memory[] = { 1, 2 };
    ag_node *p = ag_parameter(g, "p", AG_F64, AG_SHAPE(2), NULL), *step = ag_assign(p, ag_add(p, ag_number(g, 1)));
    compile(1, &step);
    ck_assert_int_eq(ag_bind(run, p, memory), AG_OK);
    eval();
    eval();
    ck_assert(memory[0] == 2 && memory[1] == 2);
}
END_TEST

/* ---- memory ----------------------------------------------------------------------------------------------------- */

START_TEST(buffers_are_reused)
{
    const int64_t n = 100000;
    ag_node *x = input("x", AG_SHAPE(300, 300)), *y = x;
    for (int i = 0; i < 20; i++) y = ag_matmul(y, x); /* no fusion */
    compile(1, &y);
    ck_assert_uint_lt(ag_plan_bytes(plan), (size_t)(4.5 * 300 * 300 * 8));
    ag_run_free(run);
    ag_plan_free(plan);
    ag_node *v = input("v", AG_SHAPE(n)), *z = v;
    for (int i = 0; i < 50; i++) z = ag_add(ag_cumsum(z, 0), v);
    compile(1, &z);
    ck_assert_uint_lt(ag_plan_bytes(plan), (size_t)(4.5 * (double)n * 8));
}
END_TEST

/* A product with a transposed operand needs no copy of it. */
START_TEST(views_take_no_memory)
{
    ag_node *x = input("x", AG_SHAPE(900, 900)), *y = ag_sum(ag_matmul(ag_transpose(x, NULL), x));
    compile(1, &y);
    ck_assert_uint_lt(ag_plan_bytes(plan), (size_t)(2.2 * 900 * 900 * 8));
}
END_TEST

START_TEST(pointwise_chains_take_no_memory)
{
    const int64_t n = 1000000;
    ag_node *x = input("x", AG_SHAPE(n)), *y = x, *dx;
    for (int i = 0; i < 10; i++) y = ag_sigmoid(ag_mul(ag_add(y, x), ag_number(g, 0.5)));
    ck_assert_int_eq(ag_gradient(ag_mean(ag_square(y)), 1, &x, &dx), AG_OK);
    compile(1, &dx);
    ck_assert_uint_lt(ag_plan_bytes(plan), (size_t)(2.5 * (double)n * 8));
}
END_TEST

/* ---- threads ---------------------------------------------------------------------------------------------------- */

typedef struct {
    const ag_plan *plan;
    const ag_node *x, *y;
    double factor, result;
} job;

static void *work(void *argument)
{
    job *j = argument;
    ag_run *r = ag_run_new(j->plan);
    double x[1000];
    for (int i = 0; i < 1000; i++) x[i] = j->factor * i;
    for (int i = 0; i < 200 && r; i++)
        if (ag_feed(r, j->x, x) || ag_eval(r)) break;
    j->result = r ? ag_item(r, j->y) : NAN;
    ag_run_free(r);
    return NULL;
}

START_TEST(threads_share_a_plan)
{
    enum { THREADS = 4 };
    ag_node *x = input("x", AG_SHAPE(1000)), *w = ag_reshape(x, AG_SHAPE(25, 40));
    ag_node *y = ag_add(ag_sum(ag_square(x)), ag_sum(ag_matmul(w, ag_transpose(w, NULL))));
    pthread_t thread[THREADS];
    job jobs[THREADS];
    compile(1, &y);
    for (int i = 0; i < THREADS; i++) {
        jobs[i] = (job){ .plan = plan, .x = x, .y = y, .factor = i + 1 };
        ck_assert_int_eq(pthread_create(&thread[i], NULL, work, &jobs[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) pthread_join(thread[i], NULL);
    double want = 1000.0 * 999 * 1999 / 6;
    for (int column = 0; column < 40; column++) {
        double s = 0;
        for (int row = 0; row < 25; row++) s += row * 40 + column;
        want += s * s;
    }
    for (int i = 0; i < THREADS; i++) expect_close(jobs[i].result, want * (i + 1) * (i + 1), 1e-13);
}
END_TEST

/* Element i of the result takes element i + 1 of a value that dies: in one memory, one thread's first results would be
 * another's last operands. */
START_TEST(threads_read_what_lies_ahead)
{
    enum { N = 1 << 19 };
    ag_options o = test_options();
    ag_node *x = ag_arange(g, AG_F64, N + 1), *y = ag_slice(ag_square(x), 0, 1, AG_END, 1);
    y = ag_add(y, ag_number(g, 1));
    o.threads = 3;
    plan = ag_compile(g, 1, &y, &o);
    run = ag_run_new(plan);
    ck_assert_int_eq(ag_eval(run), AG_OK);
    const double *value = ag_data(run, y);
    for (int64_t i = 0; i < N; i++) ck_assert_double_eq(value[i], (double)(i + 1) * (double)(i + 1) + 1);
}
END_TEST

/* ---- to read ---------------------------------------------------------------------------------------------------- */

static char *written(int (*write)(FILE *, void *), void *what)
{
    char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);
    ck_assert_int_eq(write(f, what), 0);
    fclose(f);
    return text;
}

static int write_plan(FILE *f, void *p)
{
    return ag_write_text(f, p);
}

static int write_picture(FILE *f, void *y)
{
    return ag_write_dot(f, 1, (ag_node *[]){ y }, run);
}

START_TEST(plans_can_be_read)
{
    ag_node *x = input("pixels", AG_SHAPE(8, 784)), *w = ag_parameter(g, "W1", AG_F64, AG_SHAPE(784, 10), NULL);
    ag_node *y = ag_mean(ag_sigmoid(ag_matmul(x, w)));
    compile(1, &y);
    char *text = written(write_plan, plan);
    const char *const words[] = { "pixels", "W1", "matmul", "sigmoid", "784" };
    for (size_t i = 0; i < COUNT(words); i++)
        ck_assert_msg(strstr(text, words[i]) != NULL, "no '%s' in\n%s", words[i], text);
    free(text);
    ck_assert_int_ne(ag_write_text(stdout, NULL), 0);
}
END_TEST

static int times(const char *word, const char *text)
{
    int n = 0;
    for (size_t at = 0; text[at]; at++) n += !strncmp(text + at, word, strlen(word));
    return n;
}

/* Who needs a value alone has one operation compute it; with its slope, what both need is computed once. */
START_TEST(a_slope_shares_what_the_value_is_made_of)
{
    enum { N = 1000 };
    double at[N], want[N], got[N];
    ag_node *x = input("x", AG_SHAPE(N)), *z = ag_flip(x, 0), *y = ag_gelu(x), *both = ag_add(y, ag_gelu(z)), *d[2];
    ck_assert_int_eq(ag_gradient(ag_sum(both), 2, (ag_node *[]){ x, z }, d), AG_OK);
    compile(1, &y);
    char *alone = written(write_plan, plan);
    ck_assert_msg(times("= gelu r0", alone) == 1 && !times("= normal", alone), "%s", alone);
    ag_run_free(run), ag_plan_free(plan);
    compile(3, (ag_node *[]){ both, d[0], d[1] });
    char *all = written(write_plan, plan);
    ck_assert_msg(times("= normal", all) == 2 && !times("= gelu r", all), "%s", all);
    for (int i = 0; i < N; i++) at[i] = i ? 0.012 * (i - N / 2) : -INFINITY;
    for (int i = 0; i < N; i++) want[i] = i ? at[i] * erfc(-at[i] / sqrt(2)) / 2 : 0;
    feed(x, at);
    eval();
    ck_assert_int_eq(ag_fetch(run, both, got), AG_OK);
    for (int i = 0; i < N; i++) expect_close(got[i], want[i] + want[N - 1 - i], 1e-15);
    free(alone);
    free(all);
}
END_TEST

/* Of floats, the distribution is made of its density's exponential; of none other. */
START_TEST(a_distribution_shares_its_exponential)
{
    enum { N = 1000 };
    float at[N], got[N];
    ag_node *x = ag_input(g, NULL, AG_F32, AG_SHAPE(N)), *y = ag_gelu(x), *dx, *other;
    ck_assert_int_eq(ag_gradient(ag_sum(y), 1, &x, &dx), AG_OK);
    ck_assert_int_eq(ag_gradient(ag_sum(ag_erf(x)), 1, &x, &other), AG_OK);
    compile(3, (ag_node *[]){ y, dx, other });
    char *all = written(write_plan, plan);
    ck_assert_msg(times("= normal_of_bell", all) == 1 && times("= bell", all) == 2 && !times("= normal r", all), "%s",
                  all);
    for (int i = 0; i < N; i++) at[i] = 0.012f * (float)(i - N / 2);
    ck_assert_int_eq(ag_feed(run, x, at), AG_OK);
    eval();
    ck_assert_int_eq(ag_fetch(run, dx, got), AG_OK);
    for (int i = 0; i < N; i++) {
        const double z = (double)at[i];
        expect_close((double)got[i], erfc(-z / sqrt(2)) / 2 + z * exp(-z * z / 2) * 0.39894228040143267794, 1e-6);
    }
    free(all);
}
END_TEST

/* What a rule writes down again, as the definition has it, is there already. */
START_TEST(rules_find_what_definitions_compute)
{
    ag_node *x = input("x", AG_SHAPE(40, 32)), *y = ag_layer_norm(ag_exp(x), 1, NULL, NULL, 0), *dx;
    ck_assert_int_eq(ag_gradient(ag_sum(ag_exp(y)), 1, &x, &dx), AG_OK);
    compile(2, (ag_node *[]){ y, dx });
    char *text = written(write_plan, plan);
    ck_assert_msg(times("= sqrt", text) == 1, "%s", text);
    free(text);
}
END_TEST

START_TEST(graphs_can_be_drawn)
{
    ag_node *x = ag_input(g, "\"quoted\\ <x>", AG_F64, AG_SCALAR), *y = ag_square(x);
    ag_node *unused = ag_exp(x);
    compile(1, &y);
    feed(x, (double[]){ 7.25 });
    eval();
    char *text = written(write_picture, y);
    ck_assert_int_eq(strncmp(text, "digraph", 7), 0);
    ck_assert_ptr_nonnull(strstr(text, "square"));
    ck_assert_ptr_nonnull(strstr(text, "7.25"));
    ck_assert_ptr_nonnull(strstr(text, "->"));
    ck_assert_ptr_nonnull(strstr(text, "&quot;quoted\\ &lt;x&gt;"));
    ck_assert_ptr_null(strstr(text, unused->op->name));
    free(text);
}
END_TEST

/* An optimiser's steps come one after the other, each just after the gradient that it reads; also where all of them
 * wait for what may fail, an inverse of the gradient that is there last. */
START_TEST(gradients_wait_for_their_updates)
{
    enum { LAYERS = 10, WIDTH = 512 };
    ag_node *h = ag_input(g, "x", AG_F32, AG_SHAPE(16, WIDTH)), *w[LAYERS], *first, *y[2];
    char name[16];
    for (int k = 0; k < LAYERS; k++) {
        snprintf(name, sizeof name, "W%d", k);
        w[k] = ag_parameter(g, name, AG_F32, AG_SHAPE(WIDTH, WIDTH), NULL);
        h = ag_tanh(ag_matmul(h, w[k]));
    }
    ag_adam_options o = { .rate = 1e-3 };
    ag_node *loss = ag_mean(ag_square(h));
    y[0] = ag_adam(loss, &o);
    ck_assert_int_eq(ag_gradient(loss, 1, w, &first), AG_OK);
    y[1] = ag_sum(ag_inverse(first));
    ag_options verify = test_options();
    verify.verify = 1;
    for (int n = 1; n <= 2; n++) {
        ag_plan *p = ag_compile(g, n, y, &verify);
        expect_well(g);
        /* A parameter and two moments a layer; what an inverse takes. */
        ck_assert_uint_le(ag_plan_bytes(p), (size_t)(3 * LAYERS + 5 * n) * WIDTH * WIDTH * sizeof(float));
        ag_plan_free(p);
    }
}
END_TEST

START_TEST(leaves_and_outputs_are_listed)
{
    ag_node *w = ag_parameter(g, "w", AG_F32, AG_SHAPE(2), NULL), *x = ag_input(g, "x", AG_F32, AG_SHAPE(2));
    ag_node *n = ag_input(g, NULL, AG_I64, AG_SCALAR), *b = ag_parameter(g, "b", AG_F32, AG_SCALAR, NULL);
    ag_input(g, "unused", AG_F64, AG_SCALAR);
    ag_node *y = ag_add(ag_mul(w, x), b), *out[3] = { y, ag_cast(n, AG_F64), y };
    ag_plan *p = ag_compile(g, 3, out, NULL);
    expect_well(g);
    ck_assert(ag_plan_input(p, 0) == x && ag_plan_input(p, 1) == n && !ag_plan_input(p, 2) && !ag_plan_input(p, -1));
    ck_assert(ag_plan_parameter(p, 0) == w && ag_plan_parameter(p, 1) == b && !ag_plan_parameter(p, 2));
    for (int k = 0; k < 3; k++) ck_assert_ptr_eq(ag_plan_output(p, k), out[k]);
    ck_assert(!ag_plan_output(p, 3) && !ag_plan_output(p, -1) && !ag_plan_output(NULL, 0) && !ag_plan_input(NULL, 0));
    ag_plan_free(p);
}
END_TEST

/* Adam's state and its counter are parameters as well: a step from there is the same step. */
START_TEST(snapshots_are_restored)
{
    ag_node *w = ag_parameter(g, "w", AG_F32, AG_SHAPE(3), (float[]){ 1, 2, 3 });
    ag_node *b = ag_parameter(g, "b", AG_F64, AG_SCALAR, NULL);
    ag_node *loss = ag_sum(ag_square(ag_sub(ag_cast(w, AG_F64), ag_add(b, ag_number(g, 5)))));
    ag_plan *p = ag_compile(g, 1, (ag_node *[]){ ag_adam(loss, NULL) }, NULL);
    ag_run *r = ag_run_new(p), *other = ag_run_new(p);
    float first[3], second[3];
    char *kept = malloc(ag_snapshot_bytes(p));
    ck_assert_uint_eq(ag_snapshot_bytes(p), 3 * 16 + 3 * 8 + 8);
    for (int i = 0; i < 3; i++) ck_assert_int_eq(ag_eval(r), AG_OK);
    ck_assert_int_eq(ag_snapshot(r, kept), AG_OK);
    ag_eval(r), ag_fetch(r, w, first);
    ag_eval(r);
    ck_assert_int_eq(ag_restore(r, kept) || ag_restore(other, kept), AG_OK);
    ag_eval(r), ag_fetch(r, w, second);
    ck_assert_mem_eq(first, second, sizeof first);
    ag_eval(other), ag_fetch(other, w, second);
    ck_assert_mem_eq(first, second, sizeof first);
    ck_assert_int_eq(ag_snapshot(NULL, kept), AG_EARG);
    ck_assert_int_eq(ag_restore(r, NULL), AG_EARG);
    free(kept);
    ag_run_free(r), ag_run_free(other), ag_plan_free(p);
}
END_TEST

Suite *suite_plan(void)
{
    Suite *s = suite_create("plan");
    TCase *t = tcase_create("plan");
    tcase_add_checked_fixture(t, begin, end);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, feed_eval_fetch);
    tcase_add_test(t, leaves_and_outputs_are_listed);
    tcase_add_test(t, snapshots_are_restored);
    tcase_add_test(t, ways_to_read);
    tcase_add_test(t, items_of_every_type);
    tcase_add_test(t, the_same_output_twice_and_leaves_as_outputs);
    tcase_add_test(t, views_as_outputs);
    tcase_add_test(t, views_of_views);
    tcase_add_test(t, only_what_outputs_need_is_fed);
    tcase_add_test(t, the_graph_may_grow_after_compiling);
    tcase_add_test(t, initial_values_are_copied);
    tcase_add_test(t, parameters_without_values_are_zero);
    tcase_add_test(t, values_in_one_call);
    tcase_add_test(t, parameters_live_in_the_run);
    tcase_add_test(t, everything_reads_the_old_value);
    tcase_add_test(t, parameters_trade_places);
    tcase_add_test(t, a_group_leaves_out_what_nobody_reads);
    tcase_add_test(t, assignments_that_overlap);
    tcase_add_test(t, binding_inputs_and_outputs);
    tcase_add_test(t, binding_a_parameter);
    tcase_add_test(t, buffers_are_reused);
    tcase_add_test(t, views_take_no_memory);
    tcase_add_test(t, pointwise_chains_take_no_memory);
    tcase_add_test(t, threads_share_a_plan);
    tcase_add_test(t, threads_read_what_lies_ahead);
    tcase_add_test(t, plans_can_be_read);
    tcase_add_test(t, a_slope_shares_what_the_value_is_made_of);
    tcase_add_test(t, a_distribution_shares_its_exponential);
    tcase_add_test(t, rules_find_what_definitions_compute);
    tcase_add_test(t, graphs_can_be_drawn);
    tcase_add_test(t, gradients_wait_for_their_updates);
    suite_add_tcase(s, t);
    return s;
}
