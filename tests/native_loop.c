/* Loops of scalar arithmetic, which native plans compile as one function each: the same bits as step by step, whatever
 * is carried, captured, stacked or nested, however many steps are made, and derivatives alike. */
#include "test.h"

enum { LENGTH = 7, MOST = 24 };

typedef struct {
    ag_graph *g;
    uint64_t seed;
    ag_dtype dtype;
    int count;
    ag_node *node[64]; /* numbers that a body may use */
} world;

static int below(world *w, int n)
{
    return (int)test_random(&w->seed, 0, n);
}

static ag_node *scalar(world *w, double value)
{
    float single = (float)value;
    return ag_parameter(w->g, NULL, w->dtype, AG_SCALAR, w->dtype == AG_F32 ? (const void *)&single : &value);
}

static ag_node *leaf(world *w)
{
    return ag_input(w->g, NULL, w->dtype, AG_SCALAR);
}

/* ---- bodies nobody wrote: arithmetic that every machine rounds alike --------------------------------------------- */

static ag_node *any(world *w)
{
    return w->node[below(w, w->count)];
}

static ag_node *operation(world *w)
{
    ag_node *a = any(w), *b = any(w), *one = ag_number(w->g, 1);
    switch (below(w, 8)) {
    case 0: return ag_add(a, b);
    case 1: return ag_mul(a, ag_number(w->g, 0.75));
    case 2: return ag_mul(a, b);
    case 3: return ag_div(a, ag_add(ag_square(b), one));
    case 4: return ag_sqrt(ag_add(ag_square(a), one));
    case 5: return ag_maximum(a, ag_neg(b));
    case 6: return ag_sub(a, ag_mul(b, any(w)));
    default: return ag_where(ag_greater(a, b), b, ag_sub(a, one));
    }
}

/* Numbers made of those there are; what a body makes stays small. */
static void grow(world *w, int n)
{
    ag_node *one = ag_number(w->g, 1);
    for (int k = 0; k < n; k++) {
        ag_node *y = operation(w);
        w->node[w->count++] = ag_div(y, ag_add(one, ag_abs(y)));
    }
}

/* ---- loops: `count` starts as what they may capture; `out` gets values that depend on it ------------------------- */

typedef int maker(world *, ag_node *out[]);

static int make_scan(world *w, ag_node *out[])
{
    enum { STATES = 3 };
    double values[LENGTH];
    float single[LENGTH];
    ag_node *initial[STATES], *state[STATES], *next[STATES], *sequence, *element = leaf(w), *result[2], *stacked[2];
    for (int k = 0; k < LENGTH; k++) single[k] = (float)(values[k] = test_random(&w->seed, -1, 1));
    sequence = ag_parameter(w->g, NULL, w->dtype, AG_SHAPE(LENGTH), w->dtype == AG_F32 ? (const void *)single : values);
    for (int k = 0; k < STATES; k++) {
        initial[k] = any(w);
        state[k] = leaf(w);
    }
    for (int k = 0; k < STATES; k++) w->node[w->count++] = state[k];
    w->node[w->count++] = element;
    grow(w, 12);
    for (int k = 0; k < STATES; k++) next[k] = any(w); /* perhaps another state, the element, a capture */
    result[0] = any(w), result[1] = w->node[w->count - 1];
    ag_scan_body body = { .length = LENGTH, .states = STATES, .sequences = 1, .results = 2, .initial = initial,
                          .state = state, .next = next, .sequence = &sequence, .element = &element, .result = result,
                          .reverse = below(w, 2) };
    ag_scan(&body, out, stacked);
    for (int k = 0; k < 2; k++) out[STATES + k] = ag_sum(stacked[k]);
    return STATES + 2;
}

/* Between no and 2 LENGTH steps, of which LENGTH are made at most. */
static int make_while(world *w, ag_node *out[])
{
    enum { STATES = 3 };
    ag_node *one = ag_number(w->g, 1), *initial[STATES], *state[STATES], *next[STATES];
    double start = below(w, 3) * LENGTH;
    for (int k = 0; k < STATES; k++) {
        initial[k] = k ? any(w) : scalar(w, start);
        state[k] = leaf(w);
    }
    for (int k = 0; k < STATES; k++) w->node[w->count++] = state[k];
    grow(w, 12);
    next[0] = ag_sub(state[0], one);
    for (int k = 1; k < STATES; k++) next[k] = any(w);
    ag_while(ag_greater(ag_add(state[0], ag_square(state[1])), one), STATES, initial, state, next, LENGTH, out);
    return STATES;
}

/* A loop in a loop, and a branch. */
static int make_nested(world *w, ag_node *out[])
{
    ag_node *s = leaf(w), *t = leaf(w), *u = leaf(w), *one = ag_number(w->g, 1), *initial[] = { any(w), any(w) };
    ag_node *state[] = { t, u }, *bent = ag_div(ag_add(t, ag_mul(s, u)), ag_add(one, ag_square(u)));
    ag_node *from[] = { s, ag_mul(s, any(w)) }, *to[] = { bent, ag_mul(u, ag_number(w->g, 0.5)) };
    ag_node *final[2], *inner[2], *chosen;
    ag_while(ag_greater(ag_abs(u), ag_number(w->g, 0.01)), 2, from, state, to, 9, inner);
    ag_node *then = ag_mul(t, any(w)), *otherwise = ag_sub(one, t);
    ag_cond(ag_greater(inner[0], any(w)), 1, &inner[0], &t, 1, &then, &otherwise, &chosen);
    ag_node *carried[] = { s, leaf(w) }, *next[] = { chosen, ag_add(carried[1], inner[1]) };
    ag_while(ag_less(carried[1], ag_number(w->g, 5)), 2, initial, carried, next, LENGTH, final);
    memcpy(out, final, sizeof final);
    return 2;
}

/* ---- the same bits ---------------------------------------------------------------------------------------------- */

static int whole_loops(const ag_plan *p)
{
    char *text;
    size_t bytes;
    int n = 0;
    FILE *f = open_memstream(&text, &bytes);
    ck_assert_int_eq(ag_write_text(f, p), 0);
    fclose(f);
    ck_assert_msg(strstr(text, "compiled by") != NULL, "%.200s", text);
    for (const char *at = text; (at = strstr(at, "compiled as a whole")) != NULL; at++) n++;
    free(text);
    return n;
}

/* With at least so many loops as functions of their own. */
static void evaluate(world *w, int n, ag_node *const y[], const ag_options *o, int least, double value[])
{
    ag_plan *p = ag_compile(w->g, n, y, o);
    ck_assert_msg(p != NULL, "%s", ag_graph_error(w->g));
    if (o->native) ck_assert_int_ge(whole_loops(p), least);
    ag_run *r = ag_run_new(p);
    ck_assert_msg(ag_eval(r) == AG_OK, "%s", ag_run_error(r));
    for (int k = 0; k < n; k++) value[k] = ag_item(r, y[k]);
    ag_run_free(r);
    ag_plan_free(p);
}

/* Values, tangents, gradients, and the gradients of tangents. */
static void compare(const char *how, maker *make, int seed, ag_dtype dtype, int least)
{
    enum { PARAMETERS = 2 };
    world w = { .g = ag_graph_new(NULL), .seed = (uint64_t)seed, .dtype = dtype };
    ag_node *p[PARAMETERS], *y[MOST], *v[PARAMETERS], *dx[PARAMETERS];
    double want[MOST], got[MOST];
    for (int k = 0; k < PARAMETERS; k++) p[k] = w.node[w.count++] = scalar(&w, test_random(&w.seed, -1, 1));
    w.node[w.count++] = scalar(&w, 0.5);
    for (int k = 0; k < PARAMETERS; k++) v[k] = ag_add(ag_zeros_like(p[k]), ag_number(w.g, 1 + k));
    int n = make(&w, y), values = n;
    ag_jvp(PARAMETERS, p, v, values, y, y + n);
    n += values;
    for (int k = values - 1; k < values + 1; k++) {
        ag_gradient(y[k], PARAMETERS, p, dx);
        for (int j = 0; j < PARAMETERS; j++) y[n++] = dx[j];
    }
    expect_well(w.g);
    for (int way = 0; way < 3; way++) { /* an operation at a time, rank 0 is a pass */
        ag_options o = { .isa = test_options().isa, .distinct = way == 1, .unfused = way == 2, .poison = way == 2 };
        evaluate(&w, n, y, &o, 0, want);
        o.native = 1;
        evaluate(&w, n, y, &o, way == 2 ? 0 : least, got);
        for (int j = 0; j < n; j++)
            ck_assert_msg(test_same_bits(got[j], want[j]), "%s %d, way %d: output %d is %.17g, not %.17g", how, seed, way, j,
                          got[j], want[j]);
    }
    ag_graph_free(w.g);
}

START_TEST(scans)
{
    compare("scan", make_scan, _i, _i % 2 ? AG_F32 : AG_F64, 3);
}
END_TEST

START_TEST(whiles)
{
    compare("while", make_while, _i, _i % 2 ? AG_F32 : AG_F64, 3);
}
END_TEST

START_TEST(loops_in_loops)
{
    compare("nested", make_nested, _i, _i % 2 ? AG_F32 : AG_F64, 2);
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
    ag_options o = test_options();
    o.native = 1;
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
    ag_options o = test_options();
    o.native = 1;
    ag_plan *p = ag_compile(g, 3, final, &o);
    ck_assert_msg(p != NULL, "%s", ag_graph_error(g));
    ck_assert_int_eq(whole_loops(p), 1);
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
    int seeds = test_quick() ? 2 : 8;
    tcase_set_timeout(t, 300);
    tcase_add_loop_test(t, scans, 0, seeds);
    tcase_add_loop_test(t, whiles, 0, seeds);
    tcase_add_loop_test(t, loops_in_loops, 0, seeds);
    tcase_add_test(t, functions_of_several_numbers);
    tcase_add_test(t, bound_memory);
    suite_add_tcase(s, t);
    return s;
}
