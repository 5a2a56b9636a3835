/* Loops of scalar arithmetic, which native plans compile as one function each: the same bits as step by step, whatever
 * is carried, captured, stacked or nested, however many steps are made, and derivatives alike. */
#include "test.h"

/* ---- the same bits ---------------------------------------------------------------------------------------------- */

static int count(const char *text, const char *what)
{
    int n = 0;
    for (const char *at = text; (at = strstr(at, what)) != NULL; at++) n++;
    return n;
}

/* How many loops and branches are functions of their own: at least `least`, and with least < 0 every loop. */
static void expect_whole(const ag_plan *p, int least)
{
    char *text;
    size_t bytes;
    FILE *f = open_memstream(&text, &bytes);
    ck_assert_int_eq(ag_write_text(f, p), 0);
    fclose(f);
    ck_assert_msg(strstr(text, "compiled by") != NULL, "%.200s", text);
    const int whole = count(text, "compiled as a whole");
    ck_assert_msg(whole >= (least < 0 ? count(text, ": loop @") : least), "%d of %d:\n%s", whole, least, text);
    free(text);
}

static void evaluate(int n, ag_node *const y[], const ag_options *o, int least, double value[])
{
    ag_plan *p = ag_compile(ag_graph_of(y[0]), n, y, o);
    ck_assert_msg(p != NULL, "%s", ag_graph_error(ag_graph_of(y[0])));
    if (o->native) expect_whole(p, least);
    ag_run *r = ag_run_new(p);
    ck_assert_msg(ag_eval(r) == AG_OK, "%s", ag_run_error(r));
    for (int k = 0; k < n; k++) value[k] = ag_item(r, y[k]);
    ag_run_free(r);
    ag_plan_free(p);
}

static void compare(int kind, int seed, ag_dtype dtype, int least)
{
    ag_graph *g;
    ag_node *y[TEST_RANDOM_LOOPS];
    double want[TEST_RANDOM_LOOPS], got[TEST_RANDOM_LOOPS];
    int n = test_random_loops(kind, seed, dtype, &g, y);
    for (int way = 0; way < 3; way++) { /* an operation at a time, rank 0 is a pass */
        ag_options o = test_native();
        o.native = 0, o.distinct = way == 1, o.unfused = o.poison = way == 2;
        evaluate(n, y, &o, 0, want);
        o.native = 1;
        evaluate(n, y, &o, way == 2 ? 0 : least, got);
        for (int j = 0; j < n; j++)
            ck_assert_msg(test_same_bits(got[j], want[j]), "kind %d, seed %d, way %d: output %d is %.17g, not %.17g",
                          kind, seed, way, j, got[j], want[j]);
    }
    ag_graph_free(g);
}

/* Scans, whiles, loops in loops, of which those that keep their steps for a gradient are functions of their own. A loop
 * into which no gradient flows has none the other way. In loops with loops, those are counted in which no other is. */
START_TEST(the_same_bits)
{
    for (int kind = 0; kind < TEST_LOOP_KINDS; kind++) compare(kind, _i, _i % 2 ? AG_F32 : AG_F64, kind == 2 ? 11 : -1);
}
END_TEST

/* ---- what none of those bodies has ------------------------------------------------------------------------------ */

/* x_{k+1} = x_k + a exp(-x_k) of six numbers at once: functions of vectors are some units of the last place away. */
START_TEST(functions_of_several_numbers)
{
    enum { N = 6 };
    ag_graph *g = ag_graph_new(NULL);
    ag_node *initial[N], *state[N], *next[N], *final[N], *a = ag_parameter(g, "a", AG_F64, AG_SCALAR, &(double){ 0.3 });
    double value[N], *out[N];
    for (int k = 0; k < N; k++) {
        initial[k] = ag_cast(ag_number(g, 0.1 * k), AG_F64);
        state[k] = ag_input(g, NULL, AG_F64, AG_SCALAR);
        next[k] = ag_add(state[k], ag_mul(a, ag_exp(ag_neg(state[k]))));
        out[k] = &value[k];
    }
    ag_scan_body body = { .length = 20, .states = N, .initial = initial, .state = state, .next = next };
    ag_scan(&body, final, NULL);
    expect_well(g);
    ag_options o = test_native();
    test_evaluate(N, final, &o, out);
    for (int k = 0; k < N; k++) {
        double x = 0.1 * k;
        for (int t = 0; t < 20; t++) x += 0.3 * exp(-x);
        expect_close(value[k], x, 1e-14);
    }
    ag_graph_free(g);
}
END_TEST

/* The caller's memory, inputs that change the number of steps, and a whole number carried along: Collatz' steps. */
START_TEST(bound_memory)
{
    ag_graph *g = ag_graph_new(NULL);
    ag_node *n = ag_input(g, "n", AG_F64, AG_SCALAR), *mark = ag_input(g, "mark", AG_I64, AG_SCALAR);
    ag_node *half = ag_number(g, 0.5);
    ag_node *x = ag_input(g, NULL, AG_F64, AG_SCALAR), *steps = ag_input(g, NULL, AG_F64, AG_SCALAR);
    ag_node *carried = ag_input(g, NULL, AG_I64, AG_SCALAR), *halved = ag_mul(x, half), *one = ag_number(g, 1);
    ag_node *even = ag_equal(ag_floor(halved), halved), *grown = ag_add(ag_mul(x, ag_number(g, 3)), one);
    ag_node *initial[] = { n, ag_zeros_like(n), mark }, *state[] = { x, steps, carried }, *final[3];
    ag_node *next[] = { ag_where(even, halved, grown), ag_add(steps, one), carried };
    ag_while(ag_greater(x, one), 3, initial, state, next, 0, final);
    expect_well(g);
    ag_options o = test_native();
    ag_plan *p = ag_compile(g, 3, final, &o);
    ck_assert_msg(p != NULL, "%s", ag_graph_error(g));
    expect_whole(p, 1);
    ag_run *r = ag_run_new(p);
    double from, made;
    int64_t label = 42;
    ag_bind(r, n, &from);
    ag_bind(r, mark, &label);
    ag_bind(r, final[1], &made);
    static const double known[][2] = { { 27, 111 }, { 1, 0 }, { 97, 118 }, { 2, 1 } };
    for (size_t k = 0; k < COUNT(known); k++) {
        from = known[k][0];
        ck_assert_msg(ag_eval(r) == AG_OK, "%s", ag_run_error(r));
        ck_assert(made == known[k][1]);
        ck_assert(ag_item(r, final[0]) == 1 && ag_item(r, final[2]) == 42);
    }
    ag_run_free(r);
    ag_plan_free(p);
    ag_graph_free(g);
}
END_TEST

Suite *suite_native_loop(void)
{
    Suite *s = suite_create("native_loop");
    TCase *t = tcase_create("native_loop");
    tcase_set_timeout(t, 300);
    tcase_add_loop_test(t, the_same_bits, 0, test_quick() ? 2 : 8);
    tcase_add_test(t, functions_of_several_numbers);
    tcase_add_test(t, bound_memory);
    suite_add_tcase(s, t);
    return s;
}
