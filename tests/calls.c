/* What plans and runs are told and tell: values with a type and a length, parameters that two runs share, updates that
 * were forgotten, names of one node. */
#include "test.h"

static ag_graph *g;

static void begin(void)
{
    g = ag_graph_new(NULL);
}

static void end(void)
{
    ag_graph_free(g);
}

static ag_run *run_of(ag_plan **plan, int n, ag_node *const out[])
{
    *plan = ag_compile(g, n, out, NULL);
    ck_assert_msg(*plan != NULL, "%s", ag_graph_error(g));
    return ag_run_new(*plan);
}

static void discard(ag_run *run, ag_plan *plan)
{
    ag_run_free(run);
    ag_plan_free(plan);
}

#define expect_refusal(run, call, ...)                                                                \
    do {                                                                                              \
        const char *const part_[] = { __VA_ARGS__ };                                                  \
        ck_assert_int_eq(call, AG_EARG);                                                              \
        for (size_t k_ = 0; k_ < COUNT(part_); k_++)                                                  \
            ck_assert_msg(strstr(ag_run_error(run), part_[k_]) != NULL, "'%s' is not in '%s'", part_[k_], \
                          ag_run_error(run));                                                         \
    } while (0)

/* ---- feeding ----------------------------------------------------------------------------------------------------- */

START_TEST(feeding_with_a_length)
{
    ag_plan *plan;
    ag_node *x = ag_input(g, "x", AG_F64, AG_SHAPE(2, 3)), *y = ag_input(g, "y", AG_F32, AG_SHAPE(3));
    ag_node *i = ag_input(g, "i", AG_I64, AG_SHAPE(2)), *p = ag_parameter(g, "p", AG_F64, AG_SCALAR, NULL);
    ag_node *idle = ag_input(g, "idle", AG_F64, AG_SHAPE(4)), *out[] = { x, y, i, p };
    ag_run *run = run_of(&plan, 4, out);
    const double d[6] = { 1, -2, 0.1, 4, 1e300, NAN };
    const float f[6] = { 1, -2, 0.1f, 4, 5, 6 };
    const int64_t n[2] = { 7, INT64_MIN };
    ck_assert_int_eq(ag_feed_f64(run, x, d, 6), AG_OK);
    ck_assert(!memcmp(ag_data(run, x), d, sizeof d));
    ck_assert_int_eq(ag_feed_f32(run, x, f, 6), AG_OK);
    for (int k = 0; k < 6; k++) ck_assert(((const double *)ag_data(run, x))[k] == f[k]);
    ck_assert_int_eq(ag_feed_f64(run, y, d, 3), AG_OK);
    for (int k = 0; k < 3; k++) ck_assert(((const float *)ag_data(run, y))[k] == (float)d[k]);
    ck_assert_int_eq(ag_feed_f32(run, y, f + 3, 3), AG_OK);
    ck_assert(!memcmp(ag_data(run, y), f + 3, 3 * sizeof *f));
    ck_assert_int_eq(ag_feed_i64(run, i, n, 2), AG_OK);
    ck_assert(!memcmp(ag_data(run, i), n, sizeof n));
    ck_assert_int_eq(ag_feed_f32(run, p, f + 2, 1), AG_OK);
    ck_assert(ag_item(run, p) == f[2]);
    ck_assert_int_eq(ag_feed_f64(run, idle, d, 4), AG_OK);
    ck_assert_int_eq(ag_eval(run), AG_OK);
    expect_refusal(run, ag_feed_f64(run, x, d, 5), "ag_feed_f64", "'x' f64[2,3]", "takes 6 elements, not 5");
    expect_refusal(run, ag_feed_f32(run, y, f, 0), "ag_feed_f32", "'y' f32[3]", "takes 3 elements, not 0");
    expect_refusal(run, ag_feed_i64(run, i, n, -1), "ag_feed_i64", "'i' i64[2]", "takes 2 elements, not -1");
    expect_refusal(run, ag_feed_i64(run, x, n, 6), "'x' f64[2,3]", "ag_feed_f64");
    expect_refusal(run, ag_feed_f64(run, i, d, 2), "'i' i64[2]", "ag_feed_i64");
    expect_refusal(run, ag_feed_f32(run, i, f, 2), "'i' i64[2]", "ag_feed_i64");
    expect_refusal(run, ag_feed_f64(run, idle, d, 6), "'idle'", "takes 4 elements, not 6");
    expect_refusal(run, ag_feed_f64(run, ag_exp(x), d, 6), "exp", "is computed");
    expect_refusal(run, ag_feed_f64(run, x, NULL, 6), "'x'", "NULL");
    expect_refusal(run, ag_feed_f64(run, NULL, d, 6), "NULL");
    ck_assert(((const double *)ag_data(run, x))[0] == 1); /* refused: as it was */
    discard(run, plan);
}
END_TEST

/* ---- parameters of two runs -------------------------------------------------------------------------------------- */

enum { ROWS = 11, BATCH = 4, LAST = 3 }; /* batches of 4, 4 and 3 rows */

typedef struct {
    ag_node *x, *loss, *step;
} batch;

static batch make_batch(int64_t rows, ag_node *w, ag_node *b, int64_t wide)
{
    batch s = { .x = ag_input(g, NULL, AG_F64, AG_SHAPE(rows, wide)) };
    s.loss = ag_mean(ag_square(ag_sub(ag_matmul(s.x, w), b)));
    s.step = ag_adam(s.loss, &(ag_adam_options){ .rate = 0.1 });
    return s;
}

/* Two epochs with a smaller last batch, each by a plan of its own, beside the formulas in plain C. */
static void train(int64_t wide)
{
    enum { MOST = 64 };
    static double data[ROWS * MOST], w[MOST + 1], m[MOST + 1], v[MOST + 1];
    ag_node *p = ag_parameter(g, "w", AG_F64, AG_SHAPE(wide, 1), NULL);
    ag_node *b = ag_parameter(g, "b", AG_F64, AG_SCALAR, NULL);
    batch full = make_batch(BATCH, p, b, wide), last = make_batch(LAST, p, b, wide);
    ag_plan *plan[2];
    ag_run *run = run_of(&plan[0], 1, &full.step), *rest = run_of(&plan[1], 1, &last.step);
    const double one = 1;
    ag_feed(run, b, &one);
    ck_assert_int_eq(ag_run_share(rest, run), AG_OK);
    for (int k = 0; k < ROWS * wide; k++) data[k] = sin(3.7 * k);
    for (int k = 0; k <= wide; k++) w[k] = k == wide, m[k] = v[k] = 0;
    for (int step = 1; step <= 6; step++) {
        int at = (step - 1) % 3 * BATCH, rows = at + BATCH > ROWS ? LAST : BATCH;
        double d[MOST + 1] = { 0 };
        for (int r = at; r < at + rows; r++) {
            double y = -w[wide];
            for (int k = 0; k < wide; k++) y += data[r * wide + k] * w[k];
            for (int k = 0; k < wide; k++) d[k] += 2 * y * data[r * wide + k] / rows;
            d[wide] -= 2 * y / rows;
        }
        for (int k = 0; k <= wide; k++) {
            m[k] = 0.9 * m[k] + 0.1 * d[k];
            v[k] = 0.999 * v[k] + 0.001 * d[k] * d[k];
            w[k] -= 0.1 * (m[k] / (1 - pow(0.9, step))) / (sqrt(v[k] / (1 - pow(0.999, step))) + 1e-8);
        }
        ag_run *now = rows == BATCH ? run : rest;
        ck_assert_int_eq(ag_feed_f64(now, rows == BATCH ? full.x : last.x, data + at * wide, rows * wide), AG_OK);
        ck_assert_int_eq(ag_eval(now), AG_OK);
        for (int which = 0; which < 2; which++) {
            const double *got = ag_data(which ? run : rest, p);
            for (int k = 0; k < wide; k++) expect_close(got[k], w[k], 1e-9);
            expect_close(ag_item(which ? run : rest, b), w[wide], 1e-9);
        }
    }
    discard(rest, plan[1]);
    ck_assert_int_eq(ag_eval(run), AG_OK);
    discard(run, plan[0]);
}

START_TEST(a_smaller_last_batch)
{
    train(_i ? 64 : 2); /* tiny parameters belong to scalar programs */
}
END_TEST

START_TEST(sharing_nothing)
{
    ag_plan *plan[3];
    ag_node *p = ag_parameter(g, "p", AG_F64, AG_SCALAR, NULL), *q = ag_parameter(g, "q", AG_F64, AG_SCALAR, NULL);
    ag_node *out[] = { ag_exp(p), ag_exp(q), ag_add(p, q) };
    ag_run *run[3];
    for (int k = 0; k < 3; k++) run[k] = run_of(&plan[k], 1, &out[k]);
    expect_refusal(run[0], ag_run_share(run[0], run[1]), "ag_run_share", "no parameter in common");
    ck_assert_int_eq(ag_run_share(run[0], NULL), AG_EARG);
    ck_assert_int_eq(ag_run_share(run[0], run[0]), AG_OK);
    ck_assert_int_eq(ag_run_share(run[2], run[0]), AG_OK);
    ck_assert_int_eq(ag_feed_f64(run[0], p, (double[]){ 3 }, 1), AG_OK);
    ck_assert_int_eq(ag_feed_f64(run[2], q, (double[]){ 4 }, 1), AG_OK); /* of its own still */
    ck_assert_int_eq(ag_eval(run[2]), AG_OK);
    ck_assert(ag_item(run[2], out[2]) == 7 && ag_item(run[1], q) == 0);
    ck_assert_int_eq(ag_feed_f64(run[2], p, (double[]){ 5 }, 1), AG_OK); /* of both */
    ck_assert(ag_item(run[0], p) == 5);
    for (int k = 3; k-- > 0;) discard(run[k], plan[k]);
}
END_TEST

/* ---- updates that were forgotten --------------------------------------------------------------------------------- */

static char *text_of(const ag_plan *plan)
{
    char *text;
    size_t size;
    FILE *f = open_memstream(&text, &size);
    ck_assert_int_eq(ag_write_text(f, plan), 0);
    fclose(f);
    return text;
}

static void expect_note(int n, ag_node *const out[], const char *const part[2])
{
    ag_plan *plan = ag_compile(g, n, out, NULL);
    char *text = text_of(plan);
    for (int k = 0; k < 2 && part[k]; k++) {
        ck_assert_msg(strstr(ag_plan_note(plan), part[k]) != NULL, "%s", ag_plan_note(plan));
        ck_assert(strstr(text, ag_plan_note(plan)) && strstr(text, part[k]));
    }
    if (!part[0]) ck_assert_str_eq(ag_plan_note(plan), "");
    if (!part[0]) ck_assert_ptr_null(strstr(text, "note:"));
    free(text);
    ag_plan_free(plan);
}

START_TEST(forgotten_updates)
{
    ag_node *w = ag_parameter(g, "w", AG_F64, AG_SHAPE(3), NULL), *b = ag_parameter(g, "b", AG_F64, AG_SCALAR, NULL);
    ag_node *other = ag_parameter(g, "other", AG_F64, AG_SCALAR, NULL), *loss = ag_sum(ag_square(ag_sub(w, b)));
    expect_note(1, &loss, (const char *const[2]){ NULL, NULL });
    ag_node *step = ag_sgd(loss, &(ag_sgd_options){ .rate = 1 });
    expect_note(1, &loss, (const char *const[2]){ "'w' f64[3] and 1 other parameter", "listed" });
    expect_note(2, (ag_node *[]){ loss, step }, (const char *const[2]){ NULL, NULL });
    expect_note(2, (ag_node *[]){ loss, ag_assign(w, ag_exp(w)) }, (const char *const[2]){ "'b' f64[] will", "its" });
    ag_node *y = ag_exp(other);
    expect_note(1, &y, (const char *const[2]){ NULL, NULL }); /* of parameters that are not here */
}
END_TEST

/* ---- names of one node ------------------------------------------------------------------------------------------- */

START_TEST(both_names_stay)
{
    ag_node *x = ag_input(g, "x", AG_F64, AG_SHAPE(2)), *a = ag_sin(x), *c = ag_sin(x), *k;
    ag_name(a, "first");
    ck_assert_str_eq(ag_name(c, "second"), "second");
    ck_assert_ptr_eq(a, c);
    ck_assert_ptr_eq(ag_find(g, "first"), a);
    ck_assert_ptr_eq(ag_find(g, "second"), a);
    ag_add(a, ag_input(g, NULL, AG_F64, AG_SHAPE(3)));
    expect_error(g, AG_ESHAPE, "add", "'second' alias 'first' f64[2]");
    char *text;
    size_t size;
    FILE *f = open_memstream(&text, &size);
    ck_assert_int_eq(ag_write_dot(f, 1, &a, NULL), 0);
    fclose(f);
    ck_assert_ptr_nonnull(strstr(text, "<b>second</b><br/><b>first</b><br/>"));
    free(text);
    k = ag_constant(g, AG_F64, AG_SCALAR, (double[]){ 42 });
    ag_name(k, "answer");
    ag_name(ag_constant(g, AG_F64, AG_SCALAR, (double[]){ 42 }), "question");
    ck_assert_ptr_eq(ag_find(g, "answer"), k);
    ck_assert_ptr_eq(ag_find(g, "question"), k);
    ag_name(x, "z"); /* an input is nobody else's */
    ck_assert_ptr_null(ag_find(g, "x"));
    ck_assert_ptr_eq(ag_find(g, "z"), x);
    ag_node *h = ag_exp(x); /* a leaf made later comes first */
    ag_name(h, "h");
    ag_node *leaf = ag_input(g, "h", AG_F64, AG_SCALAR);
    ck_assert_ptr_eq(ag_find(g, "h"), leaf);
    ck_assert_ptr_eq(ag_parse(g, "h"), leaf);
    expect_well(g);
}
END_TEST

Suite *suite_calls(void)
{
    Suite *s = suite_create("calls");
    TCase *t = tcase_create("calls");
    tcase_add_checked_fixture(t, begin, end);
    tcase_add_test(t, feeding_with_a_length);
    tcase_add_loop_test(t, a_smaller_last_batch, 0, 2);
    tcase_add_test(t, sharing_nothing);
    tcase_add_test(t, forgotten_updates);
    tcase_add_test(t, both_names_stay);
    suite_add_tcase(s, t);
    return s;
}
