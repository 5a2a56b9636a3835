/* Linear algebra beyond the table: wrong calls, singular matrices, what is read and what is shared, larger sizes. */
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

static ag_node *matrix(int64_t n, const double *values)
{
    return ag_parameter(g, NULL, AG_F64, AG_SHAPE(n, n), values);
}

/* ---- wrong calls ------------------------------------------------------------------------------------------------ */

typedef struct {
    const char *label;
    ag_status status;
    const char *fragment[5];
    ag_node *(*call)(void);
} wrong;

static ag_node *leaf(const char *name, ag_dtype dtype, ag_shape shape)
{
    ag_node *known = ag_find(g, name);
    return known ? known : ag_input(g, name, dtype, shape);
}

#define OBLONG leaf("oblong", AG_F64, AG_SHAPE(2, 3))
#define SQUARE leaf("square", AG_F64, AG_SHAPE(3, 3))
#define BATCH leaf("batch", AG_F64, AG_SHAPE(2, 3, 3))
#define FOUR leaf("four", AG_F64, AG_SHAPE(4, 3, 1))
#define VECTOR leaf("vector", AG_F64, AG_SHAPE(3))
#define SHORT leaf("short", AG_F64, AG_SHAPE(2))
#define NUMBER leaf("number", AG_F64, AG_SCALAR)
#define INTEGERS leaf("integers", AG_I64, AG_SHAPE(3, 3))
#define LABELS leaf("labels", AG_I64, AG_SHAPE(3))
#define SINGLE leaf("single", AG_F32, AG_SHAPE(3, 3))

#define NOT_SQUARE(R, name, call) R(name##_oblong, AG_ESHAPE, call, #name, "square matrix", "'oblong' f64[2,3]")

/* R(label, status, call, fragments of the message...) */
#define WRONG_CALLS(R)                                                                                               \
    NOT_SQUARE(R, solve, ag_solve(OBLONG, SQUARE))                                                                   \
    NOT_SQUARE(R, triangular_solve, ag_triangular_solve(OBLONG, SQUARE, 0, 0))                                       \
    NOT_SQUARE(R, cholesky, ag_cholesky(OBLONG))                                                                     \
    NOT_SQUARE(R, inverse, ag_inverse(OBLONG))                                                                       \
    NOT_SQUARE(R, det, ag_det(OBLONG))                                                                               \
    NOT_SQUARE(R, logdet, ag_logdet(OBLONG))                                                                         \
    NOT_SQUARE(R, trace, ag_trace(OBLONG))                                                                           \
    R(inverse_of_vector, AG_ESHAPE, ag_inverse(VECTOR), "inverse", "square matrix", "'vector' f64[3]")               \
    R(det_of_number, AG_ESHAPE, ag_det(NUMBER), "det", "square matrix", "'number' f64[]")                            \
    R(diag_of_number, AG_ESHAPE, ag_diag(NUMBER), "diag", "'number' f64[]")                                          \
    R(rows, AG_ESHAPE, ag_solve(SQUARE, OBLONG), "solve", "3 columns", "2 rows", "'oblong' f64[2,3]")              \
    R(short_vector, AG_ESHAPE, ag_solve(SQUARE, SHORT), "solve", "3 columns", "2 rows", "'short' f64[2]")            \
    R(triangle_rows, AG_ESHAPE, ag_triangular_solve(SQUARE, SHORT, 1, 0), "triangular_solve", "'short' f64[2]")      \
    R(vector_for_batch, AG_ESHAPE, ag_solve(BATCH, VECTOR), "solve", "'batch' f64[2,3,3]", "'vector' f64[3]")        \
    R(number_for_matrix, AG_ESHAPE, ag_solve(SQUARE, NUMBER), "solve", "'square' f64[3,3]", "'number' f64[]")        \
    R(batches, AG_ESHAPE, ag_solve(BATCH, FOUR), "solve", "2 and 4", "'batch' f64[2,3,3]", "'four' f64[4,3,1]")      \
    R(outer_of_matrix, AG_ESHAPE, ag_outer(SQUARE, VECTOR), "outer", "vectors", "'square' f64[3,3]")                 \
    R(integer_solve, AG_ETYPE, ag_solve(INTEGERS, SQUARE), "solve", "i64", "'integers' i64[3,3]")                    \
    R(integer_triangle, AG_ETYPE, ag_triangular_solve(INTEGERS, SQUARE, 0, 0), "triangular_solve", "i64")            \
    R(integer_cholesky, AG_ETYPE, ag_cholesky(INTEGERS), "cholesky", "i64", "'integers' i64[3,3]")                   \
    R(integer_inverse, AG_ETYPE, ag_inverse(INTEGERS), "inverse", "i64", "'integers' i64[3,3]")                      \
    R(integer_det, AG_ETYPE, ag_det(INTEGERS), "det", "i64", "'integers' i64[3,3]")                                  \
    R(integer_logdet, AG_ETYPE, ag_logdet(INTEGERS), "logdet", "i64", "'integers' i64[3,3]")                         \
    R(integer_trace, AG_ETYPE, ag_trace(INTEGERS), "trace", "i64", "'integers' i64[3,3]")                            \
    R(integer_diag, AG_ETYPE, ag_diag(LABELS), "diag", "i64", "'labels' i64[3]")                                     \
    R(integer_outer, AG_ETYPE, ag_outer(VECTOR, LABELS), "outer", "i64", "'labels' i64[3]")                          \
    R(types, AG_ETYPE, ag_solve(SQUARE, SINGLE), "solve", "types", "'square' f64[3,3]", "'single' f32[3,3]")         \
    R(first_is_null, AG_EARG, ag_solve(NULL, SQUARE), "solve", "operand 0", "NULL")                                  \
    R(second_is_null, AG_EARG, ag_triangular_solve(SQUARE, NULL, 0, 0), "triangular_solve", "operand 1", "NULL")     \
    R(outer_with_null, AG_EARG, ag_outer(VECTOR, NULL), "outer", "operand 1", "NULL")

#define FUNCTION(label, status, expression, ...) \
    static ag_node *wrong_##label(void)          \
    {                                            \
        return expression;                       \
    }
#define ROW(label, status, expression, ...) { #label, status, { __VA_ARGS__ }, wrong_##label },
WRONG_CALLS(FUNCTION)
static const wrong wrongs[] = { WRONG_CALLS(ROW) };

START_TEST(wrong_calls)
{
    const wrong *w = &wrongs[_i];
    ck_assert_msg(ag_is_bad(w->call()), "%s made a node", w->label);
    expect_failure(g, w->status, w->fragment);
}
END_TEST

/* ---- matrices that do not serve --------------------------------------------------------------------------------- */

static void expect_refused(ag_node *y, const char *operation, const char *reason)
{
    ag_options o = test_options();
    expect_well(g);
    ag_plan *plan = ag_compile(g, 1, &y, &o);
    ck_assert_ptr_nonnull(plan);
    ag_run *run = ag_run_new(plan);
    ck_assert_ptr_nonnull(run);
    ck_assert_int_eq(ag_eval(run), AG_ENUMERIC);
    const char *message = ag_run_error(run);
    ck_assert_msg(strstr(message, operation) && strstr(message, reason), "'%s' and '%s' are not in '%s'", operation,
                  reason, message);
    ag_run_free(run);
    ag_plan_free(plan);
}

START_TEST(singular_matrices)
{
    ag_node *a = matrix(2, (double[]){ 1, 2, 2, 4 }), *none = matrix(2, NULL);
    ag_node *b = ag_parameter(g, NULL, AG_F64, AG_SHAPE(2), (double[]){ 1, 1 });
    expect_refused(ag_solve(a, b), "solve (node", "the matrix is singular: pivot 1 is zero");
    expect_refused(ag_inverse(none), "inverse (node", "the matrix is singular: pivot 0 is zero");
    expect_refused(ag_triangular_solve(none, b, 0, 0), "triangular_solve (node", "singular: diagonal element 0 is");
    expect_refused(ag_inverse(matrix(1, (double[]){ 1e-310 })), "inverse (node", "singular");
}
END_TEST

START_TEST(indefinite_matrices)
{
    static const struct {
        double a[4];
        const char *reason;
    } row[] = { { { 1, 2, 2, 1 }, "the matrix is not positive definite: pivot 1" },
                { { 0, 0, 0, 0 }, "not positive definite: pivot 0" },
                { { NAN, 0, 0, 1 }, "not positive definite: pivot 0" },
                { { 1, NAN, NAN, 1 }, "not positive definite: pivot 1" } };
    for (size_t i = 0; i < COUNT(row); i++)
        expect_refused(ag_cholesky(matrix(2, row[i].a)), "cholesky (node", row[i].reason);
}
END_TEST

START_TEST(a_run_goes_on_after_a_singular_matrix)
{
    ag_node *a = ag_input(g, "a", AG_F64, AG_SHAPE(2, 2)), *y = ag_inverse(a);
    ag_options o = test_options();
    ag_plan *plan = ag_compile(g, 1, &y, &o);
    ag_run *run = ag_run_new(plan);
    ck_assert_int_eq(ag_feed(run, a, (double[]){ 1, 1, 1, 1 }), AG_OK);
    ck_assert_int_eq(ag_eval(run), AG_ENUMERIC);
    ck_assert_int_eq(ag_feed(run, a, (double[]){ 0, 4, 2, 0 }), AG_OK);
    ck_assert_int_eq(ag_eval(run), AG_OK);
    const double *inverse = ag_data(run, y);
    const double want[] = { 0, 0.5, 0.25, 0 };
    for (int i = 0; i < 4; i++) ck_assert(inverse[i] == want[i]);
    ag_run_free(run);
    ag_plan_free(plan);
}
END_TEST

/* ---- determinants ----------------------------------------------------------------------------------------------- */

START_TEST(special_determinants)
{
    ck_assert(test_number(ag_det(matrix(2, (double[]){ 1, 2, 2, 4 }))) == 0);
    ck_assert(test_same_bits(test_number(ag_det(matrix(2, (double[]){ 0, 0, 0, -1 }))), 0.0));
    ck_assert(test_number(ag_det(matrix(2, (double[]){ 0, 1, 1, 0 }))) == -1);
    ck_assert(isnan(test_number(ag_det(matrix(2, (double[]){ NAN, 1, 1, 1 })))));
    const double huge[] = { 1e200, 0, 0, 0, 0, 1e200, 0, 0, 0, 0, 1e-200, 0, 0, 0, 0, -2e-200 };
    expect_close(test_number(ag_det(matrix(4, huge))), -2, 1e-15);
    expect_close(test_number(ag_logdet(matrix(4, huge))), log(2), 1e-15);
    expect_close(test_number(ag_logdet(matrix(2, (double[]){ 1e-200, 0, 0, 1e-200 }))), -400 * log(10), 1e-15);
}
END_TEST

/* ---- what is read and what is shared ---------------------------------------------------------------------------- */

START_TEST(the_other_triangle_is_not_read)
{
    ag_node *lower = matrix(2, (double[]){ 2, NAN, 1, 4 }), *upper = matrix(2, (double[]){ 2, 1, INFINITY, 4 });
    ag_node *b = ag_parameter(g, NULL, AG_F64, AG_SHAPE(2), (double[]){ 1, 2 });
    double x[4][2], *out[] = { x[0], x[1], x[2], x[3] };
    ag_node *y[] = { ag_triangular_solve(lower, b, 0, 0), ag_triangular_solve(lower, b, 0, 1),
                     ag_triangular_solve(upper, b, 1, 0), ag_triangular_solve(upper, b, 1, 1) };
    const double want[4][2] = { { 0.5, 0.375 }, { 0.25, 0.5 }, { 0.25, 0.5 }, { 0.5, 0.375 } };
    test_evaluate(4, y, NULL, out);
    for (int k = 0; k < 4; k++)
        for (int i = 0; i < 2; i++) ck_assert(x[k][i] == want[k][i]);
}
END_TEST

static int nodes_of(const ag_op *op, const ag_node *y)
{
    int n = 0;
    static const ag_node *seen[64];
    int count = 0, next = 0;
    for (seen[count++] = y; next < count; next++) {
        n += seen[next]->op == op;
        for (uint32_t k = 0; k < seen[next]->nin; k++) {
            int known = 0;
            for (int i = 0; i < count && !known; i++) known = seen[i] == seen[next]->in[k];
            ck_assert_int_lt(count, (int)COUNT(seen));
            if (!known) seen[count++] = seen[next]->in[k];
        }
    }
    return n;
}

/* The likelihood of a Gaussian process: f = log det k + y^T k^-1 y, df/dk = k^-T - (k^-T y) (k^-1 y)^T. */
START_TEST(one_factorisation_serves_all)
{
    ag_node *k = matrix(2, (double[]){ 4, 1, 1, 2 }), *dk;
    ag_node *y = ag_parameter(g, NULL, AG_F64, AG_SHAPE(2), (double[]){ 3, -1 });
    ag_node *f = ag_add(ag_logdet(k), ag_dot(y, ag_solve(k, y)));
    ck_assert_int_eq(ag_gradient(f, 1, &k, &dk), AG_OK);
    ck_assert_int_eq(nodes_of(&agi_lu, ag_add(f, ag_sum(dk))), 1);
    double value, gradient[4], *out[] = { &value, gradient };
    test_evaluate(2, (ag_node *[]){ f, dk }, NULL, out);
    expect_close(value, log(7) + 4, 1e-15); /* k^-1 y = (1, -1) */
    const double want[] = { 2.0 / 7 - 1, -1.0 / 7 + 1, -1.0 / 7 + 1, 4.0 / 7 - 1 };
    for (int i = 0; i < 4; i++) expect_close(gradient[i], want[i], 1e-15);
}
END_TEST

START_TEST(cholesky_takes_the_symmetric_part)
{
    ag_node *l = ag_cholesky(matrix(2, (double[]){ 4, 1, 3, 5 }));
    double values[4], *out[] = { values };
    test_evaluate(1, &l, NULL, out);
    const double want[] = { 2, 0, 1, 2 };
    for (int i = 0; i < 4; i++) ck_assert(values[i] == want[i]);
}
END_TEST

/* ---- larger, in both types, through views ----------------------------------------------------------------------- */

/* max |a x - b|, for x = a^-1 b with a and b seen through transposes. */
static double residual(int64_t n, ag_dtype dtype)
{
    uint64_t seed = (uint64_t)n;
    ag_node *a = ag_cast(test_constant(g, AG_SHAPE(2, n, n), &seed, -1, 1), dtype);
    ag_node *b = ag_cast(test_constant(g, AG_SHAPE(3, 2, n), &seed, -1, 1), dtype);
    ag_node *a_t = ag_transpose(a, (int[]){ 0, 2, 1 }), *b_t = ag_transpose(b, (int[]){ 1, 2, 0 });
    return test_number(ag_amax(ag_abs(ag_sub(ag_matmul(a_t, ag_solve(a_t, b_t)), b_t))));
}

static double residual_of_root(int64_t n, ag_dtype dtype)
{
    uint64_t seed = (uint64_t)n;
    ag_node *x = test_constant(g, AG_SHAPE(2, n, 2 * n), &seed, -1, 1);
    ag_node *a = ag_cast(ag_matmul(x, ag_transpose(x, (int[]){ 0, 2, 1 })), dtype), *l = ag_cholesky(a);
    ag_node *rest = ag_sub(ag_matmul(l, ag_transpose(l, (int[]){ 0, 2, 1 })), a);
    ag_node *lower = ag_triangular_solve(l, a, 0, 0); /* = l^T */
    ag_node *other = ag_sub(ag_transpose(lower, (int[]){ 0, 2, 1 }), l);
    return test_number(ag_maximum(ag_amax(ag_abs(rest)), ag_amax(ag_abs(other))));
}

START_TEST(larger_matrices)
{
    static const int64_t n[] = { 2, 16, 65, 150 };
    for (size_t i = 0; i < COUNT(n); i++) {
        ck_assert_double_lt(residual(n[i], AG_F64), 1e-11);
        ck_assert_double_lt(residual(n[i], AG_F32), 1e-2);
        ck_assert_double_lt(residual_of_root(n[i], AG_F64), 1e-11);
        ck_assert_double_lt(residual_of_root(n[i], AG_F32), 1e-2);
    }
}
END_TEST

Suite *suite_linalg(void)
{
    Suite *s = suite_create("linalg");
    TCase *c = tcase_create("linalg");
    tcase_add_checked_fixture(c, begin, end);
    tcase_add_loop_test(c, wrong_calls, 0, (int)COUNT(wrongs));
    tcase_add_test(c, singular_matrices);
    tcase_add_test(c, indefinite_matrices);
    tcase_add_test(c, a_run_goes_on_after_a_singular_matrix);
    tcase_add_test(c, special_determinants);
    tcase_add_test(c, the_other_triangle_is_not_read);
    tcase_add_test(c, one_factorisation_serves_all);
    tcase_add_test(c, cholesky_takes_the_symmetric_part);
    tcase_add_test(c, larger_matrices);
    suite_add_tcase(s, c);
    return s;
}
