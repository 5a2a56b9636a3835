/* Reports and profiles: what they count is what is known of small plans; measuring changes no bit, takes no memory. */
#include "test.h"

#include <jansson.h>

static ag_graph *g;
static ag_plan *plan;
static ag_run *run;
static char *text;

static void begin(void)
{
    g = ag_graph_new(NULL);
    plan = NULL;
    run = NULL;
    text = NULL;
}

static void end(void)
{
    ag_run_free(run);
    ag_plan_free(plan);
    ag_graph_free(g);
    free(text);
}

static void compile(int n, ag_node *const y[], const ag_options *or_null)
{
    ag_run_free(run);
    ag_plan_free(plan);
    plan = ag_compile(g, n, y, or_null);
    expect_well(g);
    run = ag_run_new(plan);
}

static int write_report(FILE *f)
{
    return ag_write_report(f, plan);
}

static int write_profile(FILE *f)
{
    return ag_write_profile(f, run);
}

static int write_trace(FILE *f)
{
    return ag_write_trace(f, run);
}

static int write_picture(FILE *f)
{
    return ag_write_plan_dot(f, plan);
}

static void take(int (*of)(FILE *))
{
    size_t size;
    free(text);
    FILE *f = open_memstream(&text, &size);
    const int failed = of(f);
    fclose(f);
    ck_assert_int_eq(failed, 0);
}

#define expect(part) ck_assert_msg(strstr(text, part) != NULL, "%s is not in:\n%s", part, text)
#define expect_not(part) ck_assert_msg(strstr(text, part) == NULL, "%s is in:\n%s", part, text)

/* s [32] times w [32, 32], so many steps */
static ag_node *loop(int64_t length)
{
    ag_node *w = ag_parameter(g, "rnn/w", AG_F32, AG_SHAPE(32, 32), NULL);
    ag_node *s = ag_input(g, NULL, AG_F32, AG_SHAPE(1, 32));
    ag_node *start = ag_parameter(g, "start", AG_F32, AG_SHAPE(1, 32), NULL), *next = ag_matmul(s, w), *final;
    ag_scan(&(ag_scan_body){ .length = length, .states = 1, .initial = &start, .state = &s, .next = &next }, &final,
            NULL);
    return final;
}

/* ---- reports ----------------------------------------------------------------------------------------------------- */

START_TEST(bodies_count_as_often_as_they_go_round)
{
    ag_node *y = loop(500);
    compile(1, &y, NULL);
    take(write_report);
    expect("steps: 2;");
    expect("one evaluation: 1.02 Mflop"); /* 500 of 2 * 32 * 32 */
    expect("loop, 500 steps");
    expect("body 0, steps: 2, each time 2.05 kflop, ");
}
END_TEST

START_TEST(what_goes_through_memory_is_explained)
{
    ag_node *x = ag_parameter(g, "x", AG_F32, AG_SHAPE(100, 50), NULL);
    ag_node *w = ag_parameter(g, "w", AG_F32, AG_SHAPE(50, 50), NULL);
    ag_node *e = ag_exp(x), *scaled = ag_div(e, ag_sum(e)), *h = ag_tanh(ag_matmul(scaled, w));
    ag_name(scaled, "scaled");
    compile(1, &h, NULL);
    take(write_report);
    expect("'scaled' f32[100,50]: a product reads it");
    expect(": a product makes it whole");
    expect("f32[]: a reduction, which is known when its pass has ended");
    expect("f32[100,50], 500 kflop, by ");
    expect("the graph has 5 operations below the outputs");
    compile(1, &h, &(ag_options){ .unfused = 1 });
    take(write_report);
    expect("the plan is not fused, as its options say");
}
END_TEST

START_TEST(memory_and_what_is_computed_again)
{
    ag_node *p = ag_parameter(g, "p", AG_F64, AG_SHAPE(1000), NULL), *h = p, *dp;
    for (int k = 0; k < 20; k++) h = ag_sin(ag_cumsum(h, 0));
    ag_node *y = ag_sum(h);
    ag_gradient(y, 1, &p, &dp);
    ag_node *both[] = { y, dp };
    compile(2, both, NULL);
    char bytes[64];
    snprintf(bytes, sizeof bytes, "a run takes %.3g kB", (double)ag_plan_bytes(plan) / 1000);
    take(write_report);
    expect(bytes);
    expect("is in use at step");
    expect_not("computed again");
    compile(2, both, &(ag_options){ .max_bytes = 1 });
    take(write_report);
    expect("computed again for derivatives: ");
}
END_TEST

/* ---- pictures of plans ------------------------------------------------------------------------------------------- */

START_TEST(plans_are_drawn)
{
    ag_node *x = ag_input(g, "x", AG_F32, AG_SHAPE(64, 32)), *w = ag_parameter(g, "w", AG_F32, AG_SHAPE(32, 16), NULL);
    ag_node *y = ag_sum(ag_mul(ag_tanh(ag_matmul(x, w)), ag_number(g, 3)));
    ag_node *both[] = { y, ag_assign(w, ag_sin(w)) };
    compile(2, both, NULL);
    take(write_picture);
    expect("<b>0: </b>matmul");
    expect("pass</b>&#160;over 1 &#215; 1024 f32");
    expect("label=\"mul, b = 3\"");
    expect("label=\"sum of all\"");
    expect("f32[64,16]\\n4.1 kB");
    expect("[style=dashed, constraint=false]"); /* into w */
    if (system("command -v dot >/dev/null 2>&1") == 0) {
        FILE *f = popen("dot -Tsvg 2>&1 >/dev/null | grep . >&2 && exit 1 || exit 0", "w");
        fputs(text, f);
        ck_assert_int_eq(pclose(f), 0);
    }
    ag_node *s = ag_parameter(g, "s", AG_F64, AG_SHAPE(2), NULL), *e = ag_exp(ag_add(s, ag_number(g, 5)));
    compile(1, &e, NULL);
    take(write_picture);
    expect("program</b>&#160;of 4 elements f64");
    expect("label=\"add, b = 5\"");
    expect("[label=\"[1]\"]"); /* of s, its second element */
    ck_assert_ptr_nonnull(strstr(strstr(text, "label=\"exp\"") + 1, "label=\"exp\""));
    y = loop(9);
    compile(1, &y, NULL);
    take(write_picture);
    expect("label=\"0: body 0\"");
    ck_assert_int_eq(ag_write_plan_dot(NULL, plan), -1);
    ck_assert_int_eq(ag_write_plan_dot(stdout, NULL), -1);
}
END_TEST

/* ---- profiles ---------------------------------------------------------------------------------------------------- */

static ag_options way(int k)
{
    ag_options o = k == 1 ? test_native() : test_options();
    if (k == 2) o.threads = 2;
    return o;
}

START_TEST(steps_are_timed)
{
    const ag_options o = way(_i);
    ag_node *y = loop(30), *z = ag_sum(ag_square(y));
    ag_node *both[] = { z, ag_sgd(z, &(ag_sgd_options){ .rate = 0.1 }) };
    compile(2, both, &o);
    ck_assert_int_eq(ag_eval(run), AG_OK);
    ck_assert_int_eq(ag_write_profile(stderr, run), -1); /* nothing was measured */
    ck_assert_int_eq(ag_profile_start(run, 0), AG_OK);
    for (int k = 0; k < 7; k++) ck_assert_int_eq(ag_eval(run), AG_OK);
    ag_profile_stop(run);
    ck_assert_int_eq(ag_eval(run), AG_OK);
    take(write_profile);
    ck_assert_int_eq(strncmp(text, "7 evaluations of ", 17), 0);
    expect("GFLOP/s"), expect("matmul"), expect("loop, 30 steps"), expect("rnn");
    double share = 0, row_share, us, times;
    int whole = 0, steps = 0; /* the first table's shares make up the time in steps */
    const char *line = strstr(text, "step\n") + 5;
    for (; sscanf(line, "%lf %lf %lf", &us, &row_share, &times) == 3; steps++) {
        ck_assert(times == 1 || times == 30);
        whole += times == 30;
        share += row_share;
        line = strchr(line, '\n') + 1;
    }
    ck_assert_int_gt(steps, 3);
    if (_i != 1) ck_assert_int_gt(whole, 0); /* a loop may be compiled as a whole */
    ck_assert_msg(share > 20 && share < 101, "%g %%\n%s", share, text);
}
END_TEST

START_TEST(traces_are_events_within_events)
{
    ag_node *y = loop(30);
    json_error_t why;
    const ag_options o = way(0);
    compile(1, &y, &o);
    ck_assert_int_eq(ag_profile_start(run, 1000), AG_OK);
    for (int k = 0; k < 2; k++) ag_eval(run);
    take(write_trace);
    json_t *trace = json_loads(text, 0, &why), *events = json_object_get(trace, "traceEvents");
    ck_assert_msg(trace != NULL, "%s\n%s", why.text, text);
    ck_assert_uint_eq(json_array_size(events), 1 + 2 * 62); /* the process; a loop, its body's steps, one more */
    const json_t *whole = json_array_get(events, 61), *inner = json_array_get(events, 7); /* the loop ends last */
    ck_assert_str_eq(json_string_value(json_object_get(whole, "name")), "loop, 30 steps");
    ck_assert_str_eq(json_string_value(json_object_get(inner, "cat")), "product");
    ck_assert_str_eq(json_string_value(json_object_get(inner, "ph")), "X");
    const double from = json_number_value(json_object_get(whole, "ts"));
    const double at = json_number_value(json_object_get(inner, "ts"));
    const double length = json_number_value(json_object_get(whole, "dur"));
    ck_assert(from <= at + 0.001 && at + json_number_value(json_object_get(inner, "dur")) <= from + length + 0.002);
    expect_close(json_number_value(json_object_get(json_object_get(inner, "args"), "flops")), 2048, 0);
    json_decref(trace);
    ck_assert_int_eq(ag_profile_start(run, 5), AG_OK); /* anew, with room for 5 */
    ag_eval(run);
    take(write_trace);
    trace = json_loads(text, 0, &why);
    ck_assert_uint_eq(json_array_size(json_object_get(trace, "traceEvents")), 6);
    json_decref(trace);
}
END_TEST

START_TEST(bands_are_timed_too)
{
    ag_node *a = ag_parameter(g, "a", AG_F64, AG_SHAPE(1500, 180), NULL);
    ag_node *x = ag_parameter(g, "x", AG_F64, AG_SHAPE(180, 1), NULL), *h = ag_sigmoid(ag_matmul(a, x));
    ag_node *y = ag_matmul(ag_transpose(a, NULL), h);
    const ag_options o = way(0);
    compile(1, &y, &o);
    take(write_report);
    expect("bands of steps by rows: 1");
    ag_profile_start(run, 0);
    for (int k = 0; k < 3; k++) ag_eval(run);
    take(write_profile);
    for (const char *line = strstr(text, "step\n") + 5; *line == ' '; line = strchr(line, '\n') + 1) {
        double us, share, times;
        ck_assert_int_eq(sscanf(line, "%lf %lf %lf", &us, &share, &times), 3);
        ck_assert_double_eq(times, 1);
    }
}
END_TEST

START_TEST(measuring_changes_nothing_and_takes_no_memory)
{
    test_budget b = { .left = INT64_MAX };
    const ag_allocator counted = test_allocator(&b);
    ag_graph_free(g);
    g = ag_graph_new(&counted);
    ag_node *x = ag_parameter(g, "x", AG_F64, AG_SHAPE(300), NULL), *z = ag_sum(ag_sin(ag_add(x, ag_number(g, 1))));
    ag_node *both[] = { z, ag_sgd(z, &(ag_sgd_options){ .rate = 0.1 }) };
    compile(2, both, NULL);
    ag_run *plain = ag_run_new(plan);
    ck_assert_int_eq(ag_profile_start(run, 10), AG_OK);
    const int64_t before = b.count;
    for (int k = 0; k < 5; k++) {
        ag_eval(run), ag_eval(plain);
        ck_assert(test_same_bits(ag_item(run, z), ag_item(plain, z)));
    }
    ck_assert_int_eq(b.count, before);
    ag_run_free(plain);
    for (int64_t n = 0, status = AG_EMEM; status; n++) {
        b.left = n;
        status = ag_profile_start(run, 3);
        ck_assert(status == AG_OK || status == AG_EMEM);
        if (status) ck_assert_ptr_nonnull(strstr(ag_run_error(run), "out of memory"));
        b.left = INT64_MAX;
        ck_assert_int_eq(ag_eval(run), AG_OK);
    }
    for (int64_t n = 0, failed = 1; failed; n++) {
        FILE *f = fopen("/dev/null", "w");
        b.left = n;
        failed = ag_write_profile(f, run) || ag_write_report(f, plan) || ag_write_plan_dot(f, plan);
        b.left = INT64_MAX;
        fclose(f);
    }
    ag_run_free(run), ag_plan_free(plan), ag_graph_free(g);
    run = NULL, plan = NULL, g = NULL;
    ck_assert_int_eq(b.taken, 0);
}
END_TEST

START_TEST(wrong_calls_are_refused)
{
    ag_node *y = loop(3);
    compile(1, &y, NULL);
    ck_assert_int_eq(ag_profile_start(NULL, 0), AG_EARG);
    ck_assert_int_eq(ag_profile_start(run, -1), AG_EARG);
    ck_assert_ptr_nonnull(strstr(ag_run_error(run), "-1 events"));
    ck_assert_int_eq(ag_profile_start(run, INT64_MAX), AG_EARG);
    ag_profile_stop(NULL);
    ag_profile_stop(run);
    ck_assert(ag_write_trace(stderr, run) == -1 && ag_write_trace(stderr, NULL) == -1);
    ck_assert_int_eq(ag_write_profile(NULL, run), -1);
    ck_assert(ag_write_report(NULL, plan) == -1 && ag_write_report(stderr, NULL) == -1);
    ck_assert_int_eq(ag_profile_start(run, 0), AG_OK);
    take(write_profile);
    expect("0 evaluations");
    take(write_trace);
}
END_TEST

Suite *suite_reports(void)
{
    Suite *s = suite_create("reports");
    TCase *c = tcase_create("reports");
    tcase_add_checked_fixture(c, begin, end);
    tcase_add_test(c, bodies_count_as_often_as_they_go_round);
    tcase_add_test(c, what_goes_through_memory_is_explained);
    tcase_add_test(c, memory_and_what_is_computed_again);
    tcase_add_test(c, plans_are_drawn);
    tcase_add_loop_test(c, steps_are_timed, 0, 3);
    tcase_add_test(c, traces_are_events_within_events);
    tcase_add_test(c, bands_are_timed_too);
    tcase_add_test(c, measuring_changes_nothing_and_takes_no_memory);
    tcase_add_test(c, wrong_calls_are_refused);
    suite_add_tcase(s, c);
    return s;
}
