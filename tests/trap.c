/* options.trap_nan: the operation that makes the first NaN or infinity is named, in any sweep and loop; no other one,
 * and nothing has changed. */
#include "op_table.h"

static ag_graph *g;
static const ag_options trap = { .trap_nan = 1 };

static void begin(void)
{
    g = ag_graph_new(NULL);
}

static void end(void)
{
    ag_graph_free(g);
}

/* The message holds the parts, in this order; "": the evaluation is fine. */
static void expect_trap(ag_node *y, ag_node *x, const double *value, const char *const parts[])
{
    ck_assert_msg(!ag_is_bad(y), "%s", ag_graph_error(g));
    ag_plan *plan = ag_compile(g, 1, &y, &trap);
    ag_run *run = ag_run_new(plan);
    ck_assert_int_eq(ag_feed(run, x, value), AG_OK);
    ag_status status = ag_eval(run);
    const char *at = ag_run_error(run);
    ck_assert_msg(status == (parts ? AG_ENAN : AG_OK), "%s", at);
    for (int k = 0; parts && parts[k]; k++) {
        at = strstr(at, parts[k]);
        ck_assert_msg(at != NULL, "no '%s' in: %s", parts[k], ag_run_error(run));
    }
    ag_run_free(run);
    ag_plan_free(plan);
}

#define EXPECT(y, x, value, ...) expect_trap(y, x, value, (const char *const[]){ __VA_ARGS__, NULL })

START_TEST(the_operation_is_named)
{
    double v[] = { 1, 2, -3, 4, 5 };
    ag_node *x = ag_input(g, "x", AG_F64, AG_SHAPE(5)), *l = ag_log(ag_mul(ag_number(g, 2), x));
    ag_node *y = ag_sum(ag_mul(l, x));
    ag_name(l, "log term");
    EXPECT(y, x, v, "log (node", "'log term' f64[5]: the first NaN at [2]", "of mul (node", "there -6, in all -6 to 10",
           "'x' > mul (node", "> 'log term'");
    v[2] = 0;
    EXPECT(y, x, v, "the first -Inf at [2]", "there 0");
    v[2] = 3;
    expect_trap(y, x, v, NULL);
}
END_TEST

/* The value is fine, its derivative is not. */
START_TEST(in_a_reverse_sweep)
{
    const double v[6] = { 1, 2, 3 };
    ag_node *x = ag_input(g, "x", AG_F64, AG_SHAPE(2, 3)), *dx;
    ag_node *y = ag_sum(ag_sqrt(ag_sum_axis(ag_square(x), 1, 0)));
    ag_gradient(y, 1, &x, &dx);
    expect_trap(y, x, v, NULL);
    EXPECT(dx, x, v, "div (node", "f64[2]: the first Inf at [1]", "sqrt (node", "there 0", "'x' > ");
}
END_TEST

START_TEST(views_and_broadcasting)
{
    const double v[6] = { 1, 2, 3, 4, -5, 6 };
    ag_node *x = ag_input(g, "x", AG_F64, AG_SHAPE(2, 3));
    ag_node *row = ag_slice(ag_transpose(x, NULL), 0, 2, AG_END, -1); /* [3, 2], upside down */
    ag_node *y = ag_log(ag_add(row, ag_constant(g, AG_F64, AG_SHAPE(2), (double[]){ 0, 1 })));
    EXPECT(y, x, v, "log (node", "f64[3,2]: the first NaN at [1,1]", "there -4");
    ag_node *z = ag_pow(row, ag_constant(g, AG_F64, AG_SHAPE(2), (double[]){ 2, 0.5 }));
    EXPECT(z, x, v, "pow (node", "the first NaN at [1,1]", "there -5, in all -5 to 6", "there 0.5");
}
END_TEST

START_TEST(in_loops_and_branches)
{
    const double v[2] = { 0.1, 1 };
    ag_node *x = ag_input(g, "x", AG_F64, AG_SHAPE(2)), *h = ag_input(g, "h", AG_F64, AG_SHAPE(2));
    ag_node *next = ag_mul(ag_exp(h), h), *last;
    ag_scan(&(ag_scan_body){ .length = 10, .states = 1, .initial = &x, .state = &h, .next = &next }, &last, NULL);
    EXPECT(last, x, v, "exp (node", "the first Inf at [1], of 'h' f64[2], there 3.19", "in step 3 of a loop");
    ag_node *a = ag_input(g, "a", AG_F64, AG_SHAPE(2)), *dx, *chosen;
    ag_gradient(ag_sum(last), 1, &x, &dx);
    EXPECT(dx, x, v, "exp (node", "in step 3 of a loop");
    ag_node *then = ag_log(ag_neg(a)), *otherwise = ag_exp(a);
    ag_cond(ag_less(ag_sum(x), ag_number(g, 2)), 1, &x, &a, 1, &then, &otherwise, &chosen);
    EXPECT(chosen, x, v, "log (node", "the first NaN at [0]");
    const double w[2] = { 3, 4 };
    expect_trap(chosen, x, w, NULL);
}
END_TEST

START_TEST(where_in_the_source)
{
    const double v[1] = { -1 };
    char place[32];
    ag_node *x = ag_input(g, "x", AG_F64, AG_SHAPE(1)), *y = AG_HERE(ag_sqrt(x));
    snprintf(place, sizeof place, "sqrt (node 1) 'trap.c:%d'", __LINE__ - 1);
    EXPECT(ag_sum(y), x, v, place);
    ag_name(y, "root");
    ck_assert_str_eq(ag_name(AG_HERE(y), NULL), "root");
    ck_assert_str_eq(ag_name(AG_HERE(ag_input(g, NULL, AG_F64, AG_SCALAR)), NULL), "");
    ck_assert(ag_is_bad(AG_HERE(ag_dot(x, ag_arange(g, AG_F64, 2)))));
}
END_TEST

/* What was not finite to begin with is nobody's fault, nor is what is made of it. */
START_TEST(infinities_that_are_fed)
{
    const double v[3] = { 1, -INFINITY, 2 };
    ag_node *x = ag_input(g, "x", AG_F64, AG_SHAPE(3));
    expect_trap(ag_softmax(ag_add(x, x), 0), x, v, NULL);
    expect_trap(ag_sub(x, x), x, v, NULL);
}
END_TEST

START_TEST(parameters_stay_as_they_were)
{
    const double first[2] = { 1, -2 };
    ag_node *a = ag_parameter(g, "a", AG_F64, AG_SHAPE(2), first);
    ag_node *b = ag_parameter(g, "b", AG_F64, AG_SHAPE(2), first);
    ag_node *out[2] = { ag_assign(a, ag_add(a, ag_number(g, 1))), ag_assign(b, ag_log(b)) };
    for (int swap = 0; swap < 2; swap++) {
        ag_plan *plan = ag_compile(g, 2, (ag_node *[]){ out[swap], out[!swap] }, &trap);
        ag_run *run = ag_run_new(plan);
        ck_assert_int_eq(ag_eval(run), AG_ENAN);
        ck_assert_ptr_nonnull(strstr(ag_run_error(run), "log (node"));
        ck_assert_mem_eq(ag_data(run, a), first, sizeof first);
        ck_assert_mem_eq(ag_data(run, b), first, sizeof first);
        ag_run_free(run);
        ag_plan_free(plan);
    }
}
END_TEST

/* ---- the table --------------------------------------------------------------------------------------------------- */

static ag_status evaluate(const op_built *b, op_outputs *out, const ag_options *o, char message[512])
{
    ag_plan *plan = ag_compile(b->g, out->n, out->node, o);
    ag_run *run = ag_run_new(plan);
    ck_assert_ptr_nonnull(run);
    ag_status status = ag_eval(run);
    snprintf(message, 512, "%s", ag_run_error(run));
    for (int k = 0; k < out->n && !status; k++) ag_fetch(run, out->node[k], out->value[k]);
    ag_run_free(run);
    ag_plan_free(plan);
    return status;
}

static int is_finite(const op_outputs *out)
{
    for (int k = 0; k < out->n; k++)
        for (int64_t i = 0; i < ag_size_of(out->node[k]) && ag_type_of(out->node[k]) == AG_F64; i++)
            if (!isfinite(out->value[k][i])) return 0;
    return 1;
}

/* Where values and derivatives are finite, no operation on the way there makes what is not. */
static void expect_quiet(const op_case *c)
{
    char message[512];
    op_built b = op_build_case(c, AG_F64);
    op_outputs out = op_program(c, &b, c->flags & (ROW_NO_GRADIENT | ROW_EFFECT) ? 0 : 2);
    if (evaluate(&b, &out, NULL, message) == AG_OK && is_finite(&out))
        ck_assert_msg(evaluate(&b, &out, &trap, message) == AG_OK, "%s: %s", c->label, message);
    op_outputs_free(&out);
    ag_graph_free(b.g);
}

START_TEST(sound_operations_are_not_accused)
{
    for (size_t k = 0; k < op_points_count; k++)
        for (int v = 0; v < 4; v++) {
            op_case c = op_case_of_point(&op_points[k], v);
            expect_quiet(&c);
            op_case_free(&c);
        }
    for (size_t k = 0; k < op_row_count(); k++) {
        op_case c = op_case_of_row(op_row_at(k));
        expect_quiet(&c);
        op_case_free(&c);
    }
}
END_TEST

Suite *suite_trap(void)
{
    Suite *s = suite_create("trap");
    TCase *t = tcase_create("trap");
    tcase_add_checked_fixture(t, begin, end);
    tcase_set_timeout(t, 120);
    tcase_add_test(t, the_operation_is_named);
    tcase_add_test(t, in_a_reverse_sweep);
    tcase_add_test(t, views_and_broadcasting);
    tcase_add_test(t, in_loops_and_branches);
    tcase_add_test(t, where_in_the_source);
    tcase_add_test(t, infinities_that_are_fed);
    tcase_add_test(t, parameters_stay_as_they_were);
    tcase_add_test(t, sound_operations_are_not_accused);
    suite_add_tcase(s, t);
    return s;
}
