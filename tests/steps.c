/* Loops at their limits: no steps, tensors of all axes; integers, through which no gradient flows; and what gradients
 * keep of each step. */
#include "test.h"

#include <stdlib.h>
#include <string.h>

static ag_node *scalar(ag_graph *g, double value)
{
    return ag_parameter(g, NULL, AG_F64, AG_SCALAR, &value);
}

static void evaluate(int n, ag_node *const y[], double value[])
{
    double *out[16];
    for (int k = 0; k < n; k++) out[k] = &value[k];
    test_evaluate(n, y, NULL, out);
}

/* ---- no steps ---------------------------------------------------------------------------------------------------- */

START_TEST(a_scan_of_no_steps)
{
    ag_graph *g = ag_graph_new(NULL);
    ag_node *x = scalar(g, 0), *s = ag_input(g, NULL, AG_F64, AG_SCALAR), *next = ag_add(s, ag_sqrt(x)), *three, *final;
    three = ag_add(ag_mul(ag_number(g, 3), x), ag_number(g, 1));
    ag_scan_body body = { .states = 1, .initial = &three, .state = &s, .next = &next, .max_bytes = (size_t)_i };
    ck_assert_int_eq(ag_scan(&body, &final, NULL), AG_OK);
    ag_node *one = ag_cast(ag_number(g, 1), AG_F64), *d, *t, *dd;
    ag_gradient(final, 1, &x, &d);
    ag_gradient(d, 1, &x, &dd);
    ag_jvp(1, &x, &one, 1, &final, &t);
    expect_well(g);
    double value[4];
    evaluate(4, (ag_node *[]){ final, d, t, dd }, value);
    const double want[4] = { 1, 3, 3, 0 };
    for (int k = 0; k < 4; k++) expect_close(value[k], want[k], 0);
    ag_node *stacked;
    body.results = 1;
    body.result = &next;
    ck_assert_int_eq(ag_scan(&body, &final, &stacked), AG_ESHAPE);
    expect_error(g, AG_ESHAPE, "scan", "no steps has no sequences and stacks no results");
    ag_graph_free(g);
}
END_TEST

/* ---- all axes ---------------------------------------------------------------------------------------------------- */

/* Sums and products along a sequence of rank 8, in segments or not. */
START_TEST(sequences_of_all_axes)
{
    enum { LENGTH = 7 };
    ag_shape one = AG_SHAPE(1, 1, 2, 1, 1, 1, 1), all = AG_SHAPE(LENGTH, 1, 1, 2, 1, 1, 1, 1);
    ag_graph *g = ag_graph_new(NULL);
    double values[2 * LENGTH], want[2 * LENGTH], got[2 * LENGTH], slope[2 * LENGTH], sum[2] = { 0, 0 };
    for (int k = 0; k < 2 * LENGTH; k++) want[k] = (sum[k % 2] += values[k] = k + 1);
    ag_node *start = ag_parameter(g, NULL, AG_F64, one, NULL), *xs = ag_parameter(g, NULL, AG_F64, all, values);
    ag_node *s = ag_input(g, NULL, AG_F64, one), *x = ag_input(g, NULL, AG_F64, one), *next = ag_add(s, x);
    ag_node *square = ag_square(next), *final, *stacked, *dx;
    ag_scan_body body = { .length = LENGTH, .states = 1, .sequences = 1, .results = 1, .initial = &start, .state = &s,
                          .next = &next, .sequence = &xs, .element = &x, .result = &square, .max_bytes = (size_t)_i };
    ck_assert_int_eq(ag_scan(&body, &final, &stacked), AG_OK);
    expect_shape(stacked, all);
    ag_gradient(ag_sum(stacked), 1, &xs, &dx);
    expect_well(g);
    test_evaluate(2, (ag_node *[]){ stacked, dx }, NULL, (double *[]){ got, slope });
    for (int k = 2 * LENGTH - 1; k >= 0; k--) {
        expect_close(got[k], want[k] * want[k], 0);
        double later = k + 2 < 2 * LENGTH ? slope[k + 2] : 0;
        expect_close(slope[k], later + 2 * want[k], 1e-14);
    }
    ag_graph_free(g);
}
END_TEST

START_TEST(no_axis_is_left)
{
    ag_shape full = AG_SHAPE(1, 1, 1, 1, 1, 1, 1, 2);
    ag_graph *g = ag_graph_new(NULL);
    ag_node *x = ag_parameter(g, NULL, AG_F64, full, NULL), *s = ag_input(g, NULL, AG_F64, full), *next = ag_sin(s);
    ag_node *final, *stacked, *dx;
    ag_scan_body body = { .length = 4, .states = 1, .initial = &x, .state = &s, .next = &next, .max_bytes = 1 };
    ck_assert_int_eq(ag_scan(&body, &final, NULL), AG_OK);
    ag_gradient(ag_sum(final), 1, &x, &dx);
    expect_error(g, AG_ESHAPE, "a state has all 8 axes");
    body.results = 1;
    body.result = &next;
    ck_assert_int_eq(ag_scan(&body, &final, &stacked), AG_ESHAPE);
    expect_error(g, AG_ESHAPE, "scan", "result 0 has too many axes to stack");
    ag_jacobian(x, x);
    expect_error(g, AG_ESHAPE, "8 and 8 axes");
    ag_one_hot(ag_cast(x, AG_I64), 3, AG_F64);
    expect_error(g, AG_ESHAPE, "one_hot", "more than 8 axes");
    ag_gather(x, 0, ag_constant(g, AG_I64, AG_SHAPE(1, 1), (int64_t[]){ 0 }));
    expect_error(g, AG_ESHAPE, "gather", "more than 8 axes");
    expect_shape(ag_jacobian(ag_sum(x), x), full);
    expect_well(g);
    ag_graph_free(g);
}
END_TEST

START_TEST(segments_take_no_longer_sequences)
{
    ag_graph *g = ag_graph_new(NULL);
    ag_node *xs = ag_parameter(g, NULL, AG_F64, AG_SHAPE(9), NULL), *start = scalar(g, 0), *final;
    ag_node *s = ag_input(g, NULL, AG_F64, AG_SCALAR), *x = ag_input(g, NULL, AG_F64, AG_SCALAR), *next = ag_add(s, x);
    ag_scan_body body = { .length = 8, .states = 1, .sequences = 1, .initial = &start, .state = &s, .next = &next,
                          .sequence = &xs, .element = &x, .max_bytes = 1 };
    ck_assert_int_eq(ag_scan(&body, &final, NULL), AG_ESHAPE);
    expect_error(g, AG_ESHAPE, "sequence 0 is not 8 elements of f64[]");
    ag_graph_free(g);
}
END_TEST

/* ---- fewer steps than there might be ----------------------------------------------------------------------------- */

/* s = 0.3 s^2 + a until s >= 10: s and its first three derivatives. */
static void grown(double a, double d[4])
{
    d[0] = 1, d[1] = d[2] = d[3] = 0;
    while (d[0] < 10) {
        d[3] = 0.6 * (3 * d[1] * d[2] + d[0] * d[3]);
        d[2] = 0.6 * (d[1] * d[1] + d[0] * d[2]);
        d[1] = 0.6 * d[0] * d[1] + 1;
        d[0] = 0.3 * d[0] * d[0] + a;
    }
}

/* What the steps that were not made would have stacked is poison, and no derivative of any order looks there. */
START_TEST(derivatives_of_what_ends_early)
{
    ag_graph *g = ag_graph_new(NULL);
    ag_node *start = scalar(g, 1), *a = scalar(g, 1.5), *s = ag_input(g, NULL, AG_F64, AG_SCALAR), *y[5];
    ag_node *next = ag_add(ag_mul(ag_number(g, 0.3), ag_square(s)), a), *one = ag_cast(ag_number(g, 1), AG_F64);
    ag_while(ag_less(s, ag_number(g, 10)), 1, &start, &s, &next, 50, y);
    for (int k = 0; k < 3; k++) ag_gradient(y[k], 1, &a, &y[k + 1]);
    ag_jvp(1, &a, &one, 1, &y[2], &y[4]);
    expect_well(g);
    double want[4], got[5];
    grown(1.5, want);
    for (int native = 0; native < 2; native++) {
        ag_options o = native ? test_native() : test_options();
        o.poison = 1;
        test_evaluate(5, y, &o, (double *[]){ &got[0], &got[1], &got[2], &got[3], &got[4] });
        for (int k = 0; k < 4; k++) expect_close(got[k], want[k], 1e-12);
        expect_close(got[4], want[3], 1e-12);
    }
    ag_graph_free(g);
}
END_TEST

/* ---- integers: x times what is constant between jumps ----------------------------------------------------------- */

static ag_node *whole(ag_node *x)
{
    return ag_cast(ag_cast(x, AG_I64), AG_F64);
}

static ag_node *best(ag_node *x)
{
    return ag_cast(ag_argmax(x, 0), AG_F64);
}

static ag_node *carried(ag_node *x) /* 4 i, by an integer state */
{
    ag_graph *g = ag_graph_of(x);
    ag_node *i = ag_input(g, NULL, AG_I64, AG_SCALAR), *s = ag_input(g, NULL, AG_F64, AG_SCALAR), *final[2];
    ag_node *initial[] = { ag_cast(ag_sum(x), AG_I64), ag_cast(ag_number(g, 0), AG_F64) }, *state[] = { i, s };
    ag_node *next[] = { i, ag_add(s, ag_cast(i, AG_F64)) };
    ag_scan_body body = { .length = 4, .states = 2, .initial = initial, .state = state, .next = next };
    ag_scan(&body, final, NULL);
    return final[1];
}

static ag_node *chosen(ag_node *x)
{
    ag_node *then = ag_cast(x, AG_I64), *otherwise = ag_cast(ag_neg(x), AG_I64), *out;
    ag_cond(ag_sum(x), 0, NULL, NULL, 1, &then, &otherwise, &out);
    return ag_cast(out, AG_F64);
}

START_TEST(nothing_flows_through_integers)
{
    static ag_node *(*const make[])(ag_node *) = { whole, best, carried, chosen };
    static const double want[][2] = { { 1, 2 }, { 1, 1 }, { 16, 16 }, { 1, 2 } };
    ag_graph *g = ag_graph_new(NULL);
    ag_node *x = ag_parameter(g, NULL, AG_F64, AG_SHAPE(2), (double[]){ 1.75, 2.5 }), *w = make[_i](x), *dx, *dy;
    ag_node *y = ag_mul(w, x), *ones = ag_add(ag_zeros_like(x), ag_number(g, 1)), *dw;
    ag_gradient(ag_sum(y), 1, &x, &dx);
    ag_gradient(ag_sum(w), 1, &x, &dw);
    ag_jvp(1, &x, &ones, 1, &y, &dy);
    ag_node *hvp = ag_hvp(ag_sum(y), x, ones), *jacobian = ag_jacobian(y, x);
    expect_well(g);
    double first[2], second[2], none[2], again[2], all[4];
    test_evaluate(5, (ag_node *[]){ dx, dy, dw, hvp, jacobian }, NULL, (double *[]){ first, second, none, again, all });
    for (int k = 0; k < 2; k++) {
        expect_close(first[k], want[_i][k], 0);
        expect_close(second[k], want[_i][k], 0);
        expect_close(none[k], 0, 0);
        expect_close(again[k], 0, 0);
        for (int j = 0; j < 2; j++) expect_close(all[2 * k + j], j == k ? want[_i][k] : 0, 0);
    }
    const ag_sparse *s = ag_sparse_jacobian(y, 1, &x, NULL);
    ck_assert(s && s->nonzeros == 2);
    ag_check_report report;
    ck_assert_msg(ag_check_gradient(y, 1, &x, NULL, &report) == AG_OK, "%s", report.message);
    ag_graph_free(g);
}
END_TEST

/* Numbers outside the integers' range become the nearest integer, NaN 0; others lose what is behind the point. */
START_TEST(integers_end_somewhere)
{
    static const double x[] = { 0x1p63, -0x1p63, 1e300, -INFINITY, INFINITY, NAN, 0x1.fffffep62, -0x1.8p62, 2.75 };
    static const int64_t want[] = { INT64_MAX, INT64_MIN, INT64_MAX, INT64_MIN, INT64_MAX, 0, 0x7fffff8000000000,
                                    -0x6000000000000000, 2 };
    for (int how = 0; how < 4; how++) {
        int64_t got[COUNT(x)];
        ag_graph *g = ag_graph_new(NULL);
        ag_node *y = ag_parameter(g, "x", AG_F64, AG_SHAPE(COUNT(x)), x);
        ag_options o = how & 1 ? test_native() : test_options();
        if (how & 2) y = ag_cast(y, AG_F32);
        y = ag_cast(y, AG_I64);
        ag_plan *p = ag_compile(g, 1, &y, &o);
        ck_assert_msg(p != NULL, "%s", ag_graph_error(g));
        ag_run *r = ag_run_new(p);
        ck_assert_int_eq(ag_eval(r), AG_OK);
        ck_assert_int_eq(ag_fetch(r, y, got), AG_OK);
        for (size_t k = 0; k < COUNT(x); k++)
            ck_assert_msg(got[k] == want[k], "%d: %g becomes %lld, not %lld", how, x[k], (long long)got[k],
                          (long long)want[k]);
        ag_run_free(r);
        ag_plan_free(p);
        ag_graph_free(g);
    }
}
END_TEST

/* ---- what is kept of each step ----------------------------------------------------------------------------------- */

enum { WIDTH = 64 };

typedef struct {
    ag_graph *g;
    ag_node *w, *loss, *dw;
} recurrent;

/* h' = tanh(h w + 0.1), so many times; the loss is the mean of the last h. */
static recurrent make_recurrent(int64_t length, size_t max_bytes)
{
    uint64_t seed = 3;
    ag_graph *g = ag_graph_new(NULL);
    recurrent r = { .g = g, .w = test_parameter(g, AG_SHAPE(WIDTH, WIDTH), &seed, -0.2, 0.2) };
    ag_node *first = test_parameter(g, AG_SHAPE(WIDTH), &seed, -1, 1), *last;
    ag_node *h = ag_input(g, NULL, AG_F64, AG_SHAPE(WIDTH));
    ag_node *next = ag_tanh(ag_add(ag_dot(h, r.w), ag_number(g, 0.1)));
    ag_scan_body body = { .length = length, .states = 1, .initial = &first, .state = &h, .next = &next,
                          .max_bytes = max_bytes };
    ck_assert_int_eq(ag_scan(&body, &last, NULL), AG_OK);
    r.loss = ag_mean(last);
    ck_assert_int_eq(ag_gradient(r.loss, 1, &r.w, &r.dw), AG_OK);
    return r;
}

static size_t bytes_of(int64_t length, size_t max_bytes)
{
    recurrent r = make_recurrent(length, max_bytes);
    ag_plan *p = ag_compile(r.g, 1, &r.dw, &(ag_options){ .isa = test_options().isa });
    ck_assert_msg(p != NULL, "%s", ag_graph_error(r.g));
    const size_t bytes = ag_plan_bytes(p);
    ag_plan_free(p);
    ag_graph_free(r.g);
    return bytes;
}

/* The states before each step, the products, and the gradients that come to these. Under a budget the states at the
 * segments' starts and of one, and what there is room for beside them; the loops have matrices for their sums. */
START_TEST(budgets_hold_for_all_that_is_stacked)
{
    const size_t state = WIDTH * sizeof(double), steps = 2048, matrices = 12 * WIDTH * state;
    const size_t all = bytes_of(steps, 0), few = bytes_of(4, 0);
    ck_assert_msg(all <= few + 3 * steps * state, "%zu bytes, %zu for four steps", all, few);
    for (size_t budget = 100; budget <= 800; budget += 100) {
        const size_t bytes = bytes_of(steps, budget * state);
        ck_assert_msg(bytes <= few + budget * state + matrices, "%zu bytes, %zu for four steps", bytes, few);
    }
}
END_TEST

static int products_in(const ag_plan *p)
{
    char *text = NULL;
    size_t size;
    int n = 0;
    FILE *f = open_memstream(&text, &size);
    ck_assert(f && ag_write_text(f, p) == 0);
    fclose(f);
    for (const char *at = text; (at = strstr(at, ": product ")); at++) n++;
    free(text);
    return n;
}

/* One in each step, one in each step back, and one after that. */
START_TEST(no_product_is_computed_twice)
{
    recurrent r = make_recurrent(50, 0);
    ag_plan *p = ag_compile(r.g, 2, (ag_node *[]){ r.loss, r.dw }, &(ag_options){ .isa = test_options().isa });
    ck_assert_int_eq(products_in(p), 3);
    ag_plan_free(p);
    ag_graph_free(r.g);
}
END_TEST

/* But for what is marked: of tanh(tanh(h a) b) the inner tanh is computed again, and so is h a, which only that reads.
 * Products by step, forth and back, and after those: with the gradient by the first h; by b, which is summed up where
 * the tanh that it is made of is not kept. */
START_TEST(marked_values_are_not_kept)
{
    static const int products[2][2] = { { 2 + 2, 2 + 2 + 1 }, { 2 + 3, 2 + 3 } };
    double value[2][WIDTH * WIDTH];
    for (int k = 0; k < 4; k++) {
        const int marked = k / 2;
        uint64_t seed = 3;
        ag_graph *g = ag_graph_new(NULL);
        ag_node *a = test_parameter(g, AG_SHAPE(WIDTH, WIDTH), &seed, -0.2, 0.2), *last, *d;
        ag_node *b = test_parameter(g, AG_SHAPE(WIDTH, WIDTH), &seed, -0.2, 0.2);
        ag_node *first = test_parameter(g, AG_SHAPE(WIDTH), &seed, -1, 1);
        ag_node *h = ag_input(g, NULL, AG_F64, AG_SHAPE(WIDTH)), *inner = ag_tanh(ag_dot(h, a));
        ag_node *next = ag_tanh(ag_dot(marked ? ag_checkpoint(inner) : inner, b));
        ag_scan_body body = { .length = 5, .states = 1, .initial = &first, .state = &h, .next = &next };
        ck_assert_int_eq(ag_scan(&body, &last, NULL), AG_OK);
        ck_assert_int_eq(ag_gradient(ag_sum(last), 1, k % 2 ? &b : &first, &d), AG_OK);
        ag_plan *p = ag_compile(g, 1, &d, &(ag_options){ .isa = test_options().isa });
        ck_assert_int_eq(products_in(p), products[marked][k % 2]);
        test_evaluate(1, &d, NULL, (double *const[]){ value[marked] });
        ag_plan_free(p);
        ag_graph_free(g);
    }
    for (int i = 0; i < WIDTH * WIDTH; i++) ck_assert_double_eq_tol(value[0][i], value[1][i], 1e-13);
}
END_TEST

START_TEST(derivatives_through_products_of_steps)
{
    for (int tight = 0; tight < 2; tight++) {
        recurrent r = make_recurrent(7, (size_t)tight);
        ag_check_report report;
        ag_status status = ag_check_gradient(r.loss, 1, &r.w, NULL, &report);
        ck_assert_msg(status == AG_OK, "%s", report.message);
        ag_graph_free(r.g);
    }
}
END_TEST

/* There is nothing to step back for: the gradient by w of the sum over t and j of (x_t w)_j is the sum of the x_t. */
START_TEST(a_product_of_what_is_given)
{
    enum { STEPS = 70 };
    uint64_t seed = 5;
    ag_graph *g = ag_graph_new(NULL);
    ag_node *w = test_parameter(g, AG_SHAPE(3, 4), &seed, -1, 1), *x = ag_input(g, NULL, AG_F64, AG_SHAPE(3));
    ag_node *xs = test_parameter(g, AG_SHAPE(STEPS, 3), &seed, -1, 1), *y = ag_dot(x, w), *ys, *dw;
    ag_scan_body body = { .length = STEPS, .sequences = 1, .results = 1, .sequence = &xs, .element = &x,
                          .result = &y };
    ck_assert_int_eq(ag_scan(&body, NULL, &ys), AG_OK);
    ck_assert_int_eq(ag_gradient(ag_sum(ys), 1, &w, &dw), AG_OK);
    double given[STEPS * 3], got[12];
    test_evaluate(2, (ag_node *[]){ dw, ag_add(xs, ag_number(g, 0)) }, NULL, (double *const[]){ got, given });
    for (int i = 0; i < 12; i++) {
        double sum = 0;
        for (int t = 0; t < STEPS; t++) sum += given[t * 3 + i / 4];
        ck_assert_double_eq_tol(got[i], sum, 1e-12);
    }
    ag_graph_free(g);
}
END_TEST

/* What has been kept of a loop that ends early is whole as far as it came: as a scan of so many steps. */
START_TEST(products_of_what_ends_early)
{
    enum { MADE = 5, MOST = 9 };
    uint64_t seed = 7;
    ag_graph *g = ag_graph_new(NULL);
    ag_node *w = test_parameter(g, AG_SHAPE(WIDTH, WIDTH), &seed, -0.4, 0.4), *n = ag_input(g, NULL, AG_F64, AG_SCALAR);
    ag_node *h = ag_input(g, NULL, AG_F64, AG_SHAPE(WIDTH)), *next[] = { ag_sin(ag_dot(h, w)), NULL };
    ag_node *initial[] = { test_parameter(g, AG_SHAPE(WIDTH), &seed, -1, 1), ag_cast(ag_number(g, 0), AG_F64) };
    ag_node *state[] = { h, n }, *last[2][2], *d[4];
    next[1] = ag_add(n, ag_number(g, 1));
    ck_assert_int_eq(ag_while(ag_less(n, ag_number(g, MADE)), 2, initial, state, next, MOST, last[0]), AG_OK);
    ag_scan_body body = { .length = MADE, .states = 2, .initial = initial, .state = state, .next = next };
    ck_assert_int_eq(ag_scan(&body, last[1], NULL), AG_OK);
    for (int k = 0; k < 2; k++) {
        ck_assert_int_eq(ag_gradient(ag_sum(ag_square(last[k][0])), 1, &w, &d[k]), AG_OK);
        ck_assert_int_eq(ag_gradient(ag_sum(ag_sin(d[k])), 1, &w, &d[2 + k]), AG_OK);
    }
    ag_plan *p = ag_compile(g, 4, d, &(ag_options){ .poison = 1, .isa = test_options().isa });
    ag_run *r = ag_run_new(p);
    ck_assert_int_eq(ag_eval(r), AG_OK);
    double value[4][WIDTH * WIDTH];
    for (int k = 0; k < 4; k++) ck_assert_int_eq(ag_fetch(r, d[k], value[k]), AG_OK);
    for (int k = 0; k < 4; k += 2)
        for (int i = 0; i < WIDTH * WIDTH; i++) ck_assert_double_eq_tol(value[k][i], value[k + 1][i], 1e-12);
    ag_run_free(r), ag_plan_free(p), ag_graph_free(g);
}
END_TEST

Suite *suite_steps(void)
{
    Suite *s = suite_create("steps");
    TCase *t = tcase_create("steps");
    tcase_add_loop_test(t, a_scan_of_no_steps, 0, 2);
    tcase_add_loop_test(t, sequences_of_all_axes, 0, 2);
    tcase_add_test(t, no_axis_is_left);
    tcase_add_test(t, segments_take_no_longer_sequences);
    tcase_add_loop_test(t, nothing_flows_through_integers, 0, 4);
    tcase_add_test(t, derivatives_of_what_ends_early);
    tcase_add_test(t, integers_end_somewhere);
    tcase_add_test(t, budgets_hold_for_all_that_is_stacked);
    tcase_add_test(t, no_product_is_computed_twice);
    tcase_add_test(t, marked_values_are_not_kept);
    tcase_add_test(t, derivatives_through_products_of_steps);
    tcase_add_test(t, a_product_of_what_is_given);
    tcase_add_test(t, products_of_what_ends_early);
    suite_add_tcase(s, t);
    return s;
}
