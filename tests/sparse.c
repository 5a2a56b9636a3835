/* Sparse derivatives: structure and values against dense ones, for every row of the operations' table, and against
 * closed forms of banded, gridded and gathered functions. */
#include "op_table.h"

static ag_graph *g;

static void begin(void)
{
    g = ag_graph_new(NULL);
}

static void end(void)
{
    ag_graph_free(g);
}

/* ---- comparing --------------------------------------------------------------------------------------------------- */

/* CSR as it should be: rows in order, columns ascending and inside. */
static void expect_sound(const ag_sparse *s, int64_t rows, int64_t columns)
{
    ck_assert_msg(s != NULL, "%s", ag_graph_error(g));
    ck_assert_int_eq(s->rows, rows);
    ck_assert_int_eq(s->columns, columns);
    ck_assert_int_eq(s->row_start[0], 0);
    ck_assert_int_eq(s->row_start[rows], s->nonzeros);
    for (int64_t i = 0; i < rows; i++)
        for (int64_t k = s->row_start[i]; k < s->row_start[i + 1]; k++) {
            ck_assert(s->column[k] >= 0 && s->column[k] < columns);
            ck_assert(k == s->row_start[i] || s->column[k] > s->column[k - 1]);
        }
    ck_assert(s->nonzeros ? !ag_is_bad(s->values) : !s->values);
    if (s->nonzeros) expect_shape(s->values, AG_SHAPE(s->nonzeros));
}

/* The matrix with its zeros. */
static double *spread(const ag_sparse *s, const double *values)
{
    double *m = calloc((size_t)(s->rows * s->columns), sizeof *m);
    for (int64_t i = 0; i < s->rows; i++)
        for (int64_t k = s->row_start[i]; k < s->row_start[i + 1]; k++) m[i * s->columns + s->column[k]] = values[k];
    return m;
}

static double *evaluate(ag_node *x)
{
    double *out = malloc((size_t)ag_size_of(x) * sizeof *out);
    test_evaluate(1, &x, NULL, &out);
    return out;
}

static void expect_matrix(const ag_sparse *s, const double *want, double tolerance)
{
    double *values = s->nonzeros ? evaluate(s->values) : NULL, *got = spread(s, values);
    for (int64_t i = 0; i < s->rows * s->columns; i++)
        ck_assert_msg(test_close(got[i], want[i], tolerance), "element %lld, %lld is %.17g, not %.17g",
                      (long long)(i / s->columns), (long long)(i % s->columns), got[i], want[i]);
    free(values);
    free(got);
}

static void expect_dense(const ag_sparse *s, ag_node *dense, double tolerance)
{
    double *want = evaluate(dense);
    expect_matrix(s, want, tolerance);
    free(want);
}

/* ---- every operation --------------------------------------------------------------------------------------------- */

/* More may depend than does: choices, masks, what is rounded to zero, and what LAPACK does. */
static int is_loose(const op_case *c)
{
    static const char *const names[] = { "amax", "amin", "minimum", "maximum", "where", "relu", "diag", "one_hot",
                                         "constant", "solve", "lu", "triangular_solve", "cholesky", "inverse", "det",
                                         "logdet", "cofactor", "cofactor_slope", "loop", "part", "unpart",
                                         "branch", "guard", "sigmoid_slope_of_exp", "shuffle", "dropout",
                                         "attention", "attention_slope", "max_pool", "max_pool_slope",
                                         "cross_entropy", "huber", "within", "clip", "fmod", "hardswish", "hardtanh",
                                         "norm" };
    for (size_t i = 0; i < COUNT(names); i++)
        if (!strcmp(names[i], c->op)) return 1;
    if (!strcmp(c->op, "gather") && c->flags & ROW_SPACED) return 1; /* positions that are computed */
    return op_count(c->out) == 1 || fabs(c->value[0][0]) > 10;
}

static void against_dense(const op_case *c)
{
    int64_t columns = 0, rows = op_count(c->out), start = 0, nonzeros = 0;
    ag_node *in[3] = { NULL };
    for (int k = 0; k < c->n; k++) columns += op_count(c->in[k]);
    if (columns * rows > 10000 || c->flags & (ROW_NO_GRADIENT | ROW_STOPPED | ROW_EFFECT)) return;
    begin();
    for (int k = 0; k < c->n; k++) in[k] = ag_parameter(g, NULL, AG_F64, c->in[k], c->value[k]);
    ag_node *y = c->build(in, c->arg);
    const ag_sparse *s = ag_sparse_jacobian(y, c->n, in, NULL);
    ck_assert_msg(s != NULL, "%s: %s", c->label, ag_graph_error(g));
    expect_sound(s, rows, columns);
    double *values = s->nonzeros ? evaluate(s->values) : NULL, *got = spread(s, values);
    for (int k = 0; k < c->n; start += op_count(c->in[k++])) {
        int64_t n = op_count(c->in[k]);
        double *dense = evaluate(ag_reshape(ag_jacobian(ag_reshape(y, AG_SHAPE(rows)), in[k]), AG_SHAPE(rows, n)));
        for (int64_t i = 0; i < rows * n; i++) {
            double found = got[i / n * columns + start + i % n];
            nonzeros += dense[i] != 0;
            ck_assert_msg(test_close(found, dense[i], c->flags & ROW_LOOSE ? 1e-11 : 1e-13),
                          "%s: element %lld of operand %d is %.17g, not %.17g", c->label, (long long)i, k, found,
                          dense[i]);
        }
        free(dense);
    }
    ck_assert_msg(s->nonzeros == nonzeros || is_loose(c), "%s: %lld elements for %lld that are not 0", c->label,
                  (long long)s->nonzeros, (long long)nonzeros);
    free(values);
    free(got);
    end();
}

START_TEST(point_patterns)
{
    for (int v = 0; v < op_variants(op_points[_i].n); v++) {
        op_case c = op_case_of_point(&op_points[_i], v);
        against_dense(&c);
        op_case_free(&c);
    }
}
END_TEST

START_TEST(row_patterns)
{
    for (size_t i = 0; i < *op_tables[_i].count; i++) {
        op_case c = op_case_of_row(&op_tables[_i].row[i]);
        against_dense(&c);
        op_case_free(&c);
    }
}
END_TEST

/* ---- chained Rosenbrock: a band ---------------------------------------------------------------------------------- */

static ag_node *rosenbrock(ag_node *x)
{
    ag_node *a = ag_slice(x, 0, 0, -1, 1), *b = ag_slice(x, 0, 1, AG_END, 1), *one = ag_number(g, 1);
    ag_node *valley = ag_mul(ag_number(g, 100), ag_square(ag_sub(b, ag_square(a))));
    return ag_sum(ag_add(valley, ag_square(ag_sub(one, a))));
}

static double rosenbrock_second(int64_t n, const double *x, int64_t i, int64_t j)
{
    double inner = i < n - 1 ? 1200 * x[i] * x[i] - 400 * x[i + 1] + 2 : 0;
    if (i == j) return inner + (i > 0 ? 200 : 0);
    return -400 * x[i < j ? i : j];
}

static ag_node *chain(int64_t n, double **x)
{
    uint64_t seed = 8;
    *x = malloc((size_t)n * sizeof **x);
    for (int64_t i = 0; i < n; i++) (*x)[i] = test_random(&seed, -1, 1);
    return ag_parameter(g, NULL, AG_F64, AG_SHAPE(n), *x);
}

static void check_band(int64_t n)
{
    double *x;
    ag_node *p = chain(n, &x);
    const ag_sparse *s = ag_sparse_hessian(rosenbrock(p), 1, &p, NULL);
    expect_sound(s, n, n);
    ck_assert_int_eq(s->nonzeros, 3 * n - 2);
    ck_assert_int_eq(s->colours, n < 4 ? 2 : 3);
    double *values = evaluate(s->values);
    for (int64_t i = 0; i < n; i++) {
        ck_assert_int_eq(s->row_start[i + 1] - s->row_start[i], (i > 0) + 1 + (i < n - 1));
        for (int64_t k = s->row_start[i]; k < s->row_start[i + 1]; k++) {
            ck_assert(llabs(s->column[k] - i) <= 1);
            expect_close(values[k], rosenbrock_second(n, x, i, s->column[k]), 1e-12);
        }
    }
    free(values);
    free(x);
}

START_TEST(band)
{
    for (int64_t n = 2; n <= 9; n++) check_band(n);
    check_band(1000);
}
END_TEST

/* 10^5 variables: three products, and memory for a few vectors of them only. */
START_TEST(long_band)
{
    const int64_t n = test_quick() ? 10000 : 100000;
    double *x;
    check_band(n);
    ag_node *p = chain(n, &x);
    const ag_sparse *s = ag_sparse_hessian(rosenbrock(p), 1, &p, NULL);
    ag_plan *plan = ag_compile(g, 1, &s->values, NULL);
    ck_assert_msg(plan != NULL, "%s", ag_graph_error(g));
    ck_assert(ag_plan_bytes(plan) < (size_t)n * 200);
    ag_plan_free(plan);
    free(x);
}
END_TEST

/* ---- other structures -------------------------------------------------------------------------------------------- */

/* u^2 minus the sum of the neighbours on a grid. */
START_TEST(grid)
{
    enum { W = 7, H = 6 };
    uint64_t seed = 3;
    double u[W * H], want[W * H * W * H] = { 0 };
    for (int i = 0; i < W * H; i++) u[i] = test_random(&seed, -1, 1);
    ag_node *x = ag_parameter(g, NULL, AG_F64, AG_SHAPE(H, W), u), *y = ag_square(x);
    for (int axis = 0; axis < 2; axis++)
        for (int side = 0; side < 2; side++) {
            ag_node *inner = side ? ag_slice(x, axis, 1, AG_END, 1) : ag_slice(x, axis, 0, -1, 1);
            y = ag_sub(y, ag_pad(inner, axis, !side, side));
        }
    for (int i = 0; i < H * W; i++)
        for (int j = 0; j < H * W; j++) {
            int distance = abs(i / W - j / W) + abs(i % W - j % W);
            want[i * W * H + j] = distance == 0 ? 2 * u[i] : distance == 1 ? -1 : 0;
        }
    const ag_sparse *s = ag_sparse_jacobian(y, 1, &x, NULL);
    expect_sound(s, W * H, W * H);
    ck_assert_int_eq(s->nonzeros, 5 * W * H - 2 * W - 2 * H);
    ck_assert(s->colours >= 5 && s->colours <= 8);
    expect_matrix(s, want, 1e-15);
}
END_TEST

/* A few sums over many variables: rows have the colours. And rows that share all their columns count as one. */
START_TEST(few_rows_or_columns)
{
    uint64_t seed = 5;
    ag_node *x = test_parameter(g, AG_SHAPE(3, 50), &seed, -1, 1), *sums = ag_sum_axis(ag_square(x), 1, 0);
    const ag_sparse *s = ag_sparse_jacobian(sums, 1, &x, NULL);
    expect_sound(s, 3, 150);
    ck_assert_int_eq(s->nonzeros, 150);
    ck_assert_int_eq(s->colours, 1);
    expect_dense(s, ag_jacobian(sums, x), 1e-15);
    ag_node *z = ag_slice(ag_reshape(x, AG_SHAPE(150)), 0, 0, 4, 1);
    ag_node *many = ag_dot(ag_sin(test_constant(g, AG_SHAPE(500, 4), &seed, -1, 1)), ag_exp(z));
    s = ag_sparse_jacobian(many, 1, &z, NULL);
    expect_sound(s, 500, 4);
    ck_assert_int_eq(s->colours, 4);
    expect_dense(s, ag_jacobian(many, z), 1e-15);
}
END_TEST

/* Springs between points that a table of pairs joins: sum over pairs of |p_a - p_b|^4. */
static ag_node *springs(ag_node *points, ag_node *pairs)
{
    ag_node *end[2];
    for (int k = 0; k < 2; k++) {
        ag_node *which = ag_reshape(ag_slice(pairs, 1, k, k + 1, 1), AG_SHAPE(-1));
        end[k] = ag_gather(points, 0, which);
    }
    return ag_sum(ag_square(ag_sum_axis(ag_square(ag_sub(end[0], end[1])), 1, 0)));
}

static const int64_t pair[] = { 0, 1, 1, 2, 2, 3, 3, -2, 4, 5, 5, 0 };
enum { POINTS = 6, PAIRS = 6, AXES = 2 };

START_TEST(gathered)
{
    uint64_t seed = 6;
    ag_node *points = test_parameter(g, AG_SHAPE(POINTS, AXES), &seed, -1, 1);
    ag_node *pairs = ag_constant(g, AG_I64, AG_SHAPE(PAIRS, 2), pair), *energy = springs(points, pairs);
    const ag_sparse *s = ag_sparse_hessian(energy, 1, &points, NULL);
    expect_sound(s, POINTS * AXES, POINTS * AXES);
    ck_assert_int_eq(s->nonzeros, POINTS * AXES * AXES * 3); /* a ring: every point has two neighbours */
    expect_dense(s, ag_hessian(energy, points), 1e-13);
}
END_TEST

/* Any graph of pairs: sum of (p_a p_b)^2 over pairs drawn at random, and of p^3. */
static void check_pairs(int64_t n, int64_t pairs, uint64_t seed)
{
    int64_t *end[2];
    ag_node *x = test_parameter(g, AG_SHAPE(n), &seed, 0.5, 1.5), *side[2];
    for (int k = 0; k < 2; k++) {
        end[k] = malloc((size_t)pairs * sizeof *end[k]);
        for (int64_t i = 0; i < pairs; i++) end[k][i] = (int64_t)test_random(&seed, 0, (double)n);
        side[k] = ag_gather(x, 0, ag_constant(g, AG_I64, AG_SHAPE(pairs), end[k]));
    }
    ag_node *y = ag_add(ag_sum(ag_square(ag_mul(side[0], side[1]))), ag_sum(ag_pow(x, ag_number(g, 3))));
    const ag_sparse *s = ag_sparse_hessian(y, 1, &x, NULL);
    expect_sound(s, n, n);
    ck_assert(s->nonzeros <= n + 2 * pairs);
    expect_dense(s, ag_hessian(y, x), 1e-12);
    for (int k = 0; k < 2; k++) free(end[k]);
}

START_TEST(random_pairs)
{
    for (int k = 0; k < 20; k++) check_pairs(30, 10 + 6 * k, (uint64_t)k);
}
END_TEST

/* One variable meets all others: two products, whether it comes first or last, where columns alone would need n. */
START_TEST(arrow)
{
    const int64_t n = test_quick() ? 2000 : 100000;
    for (int last = 0; last < 2; last++) {
        uint64_t seed = 1;
        ag_node *x = test_parameter(g, AG_SHAPE(n), &seed, -1, 1);
        ag_node *one = ag_slice(x, 0, last ? -1 : 0, AG_END, last ? 1 : n);
        ag_node *y = ag_sum(ag_mul(ag_square(ag_slice(x, 0, !last, last ? -1 : AG_END, 1)), ag_exp(one)));
        const ag_sparse *s = ag_sparse_hessian(y, 1, &x, NULL);
        expect_sound(s, n, n);
        ck_assert_int_eq(s->nonzeros, 3 * n - 2);
        ck_assert_int_eq(s->colours, 2);
        double *at = evaluate(x), *got = evaluate(s->values), hub = at[last ? n - 1 : 0];
        for (int64_t i = !last; i < n - last; i++)
            for (int64_t k = s->row_start[i]; k < s->row_start[i + 1]; k++)
                expect_close(got[k], (s->column[k] == i ? 2 : 2 * at[i]) * exp(hub), 1e-14);
        free(at);
        free(got);
    }
}
END_TEST

/* Indices that are fed: unknown without a run, then as of that run. */
START_TEST(gathered_from_run)
{
    uint64_t seed = 6;
    ag_node *points = test_parameter(g, AG_SHAPE(POINTS, AXES), &seed, -1, 1);
    ag_node *pairs = ag_input(g, "pairs", AG_I64, AG_SHAPE(PAIRS, 2)), *energy = springs(points, pairs);
    const ag_sparse *all = ag_sparse_hessian(energy, 1, &points, NULL);
    expect_sound(all, POINTS * AXES, POINTS * AXES);
    ck_assert_int_eq(all->nonzeros, POINTS * AXES * POINTS * AXES);
    ag_plan *plan = ag_compile(g, 1, &energy, NULL);
    ag_run *run = ag_run_new(plan);
    ck_assert_ptr_nonnull(ag_sparse_hessian(energy, 1, &points, run)); /* not fed: unknown still */
    ck_assert_int_eq(ag_feed(run, pairs, pair), AG_OK);
    const ag_sparse *s = ag_sparse_hessian(energy, 1, &points, run);
    expect_sound(s, POINTS * AXES, POINTS * AXES);
    ck_assert_int_eq(s->nonzeros, POINTS * AXES * AXES * 3);
    ag_run_free(run);
    ag_plan_free(plan);
    double got[2][POINTS * AXES * POINTS * AXES];
    ag_node *dense = ag_hessian(energy, points);
    plan = ag_compile(g, 2, (ag_node *[]){ s->values, dense }, NULL);
    run = ag_run_new(plan);
    ag_feed(run, pairs, pair);
    ck_assert_msg(ag_eval(run) == AG_OK, "%s", ag_run_error(run));
    ag_fetch(run, s->values, got[0]);
    ag_fetch(run, dense, got[1]);
    double *matrix = spread(s, got[0]);
    for (int i = 0; i < POINTS * AXES * POINTS * AXES; i++) expect_close(matrix[i], got[1][i], 1e-13);
    free(matrix);
    ag_run_free(run);
    ag_plan_free(plan);
}
END_TEST

/* Columns of several x, one of which depends on another; a Hessian over two. */
START_TEST(several_x)
{
    static const double at[] = { 0.5, -1, 2 };
    ag_node *a = ag_parameter(g, NULL, AG_F64, AG_SHAPE(3), at), *b = ag_exp(a);
    ag_node *c = ag_parameter(g, NULL, AG_F64, AG_SCALAR, at);
    ag_node *x[] = { a, b, c }, *y = ag_mul(ag_mul(a, b), c);
    double want[3 * 7] = { 0 }, second[4 * 4] = { 0 };
    for (int i = 0; i < 3; i++) {
        want[i * 7 + i] = 0.5 * exp(at[i]) * (1 + at[i]);
        want[i * 7 + 3 + i] = 0.5 * at[i];
        want[i * 7 + 6] = at[i] * exp(at[i]);
        second[i * 4 + i] = 0.5 * exp(at[i]) * (2 + at[i]);
        second[i * 4 + 3] = second[3 * 4 + i] = exp(at[i]) * (1 + at[i]);
    }
    const ag_sparse *s = ag_sparse_jacobian(y, 3, x, NULL);
    expect_sound(s, 3, 7);
    ck_assert_int_eq(s->nonzeros, 9);
    expect_matrix(s, want, 1e-15);
    ag_node *both[] = { a, c };
    const ag_sparse *h = ag_sparse_hessian(ag_sum(y), 2, both, NULL);
    expect_sound(h, 4, 4);
    ck_assert_int_eq(h->nonzeros, 9);
    expect_matrix(h, second, 1e-15);
}
END_TEST

START_TEST(nothing_there)
{
    ag_node *x = ag_input(g, "x", AG_F64, AG_SHAPE(5)), *z = ag_input(g, "z", AG_F64, AG_SHAPE(3));
    const ag_sparse *s = ag_sparse_jacobian(ag_floor(x), 1, &x, NULL);
    expect_sound(s, 5, 5);
    ck_assert(s->nonzeros == 0 && s->colours == 0);
    expect_sound(ag_sparse_jacobian(z, 1, &x, NULL), 3, 5);
    s = ag_sparse_hessian(ag_sum(x), 1, &x, NULL);
    expect_sound(s, 5, 5);
    ck_assert_int_eq(s->nonzeros, 0);
    s = ag_sparse_jacobian(ag_stop_gradient(x), 1, &x, NULL);
    ck_assert_int_eq(s->nonzeros, 0);
    s = ag_sparse_jacobian(x, 1, &x, NULL);
    ck_assert(s->nonzeros == 5 && s->colours == 1);
}
END_TEST

START_TEST(in_f32)
{
    static const float at[] = { 1, 2, 4 };
    ag_node *x = ag_parameter(g, NULL, AG_F32, AG_SHAPE(3), at);
    const ag_sparse *s = ag_sparse_jacobian(ag_log(ag_flip(x, 0)), 1, &x, NULL);
    expect_sound(s, 3, 3);
    ck_assert_int_eq(ag_type_of(s->values), AG_F32);
    expect_matrix(s, (double[]){ 0, 0, 0.25, 0, 0.5, 0, 1, 0, 0 }, 1e-6);
}
END_TEST

/* The values are graph: their sum's gradient, of sum x^3, is 6. */
START_TEST(differentiated_again)
{
    uint64_t seed = 2;
    ag_node *x = test_parameter(g, AG_SHAPE(6), &seed, 0.5, 1), *dx;
    const ag_sparse *s = ag_sparse_hessian(ag_sum(ag_pow(x, ag_number(g, 3))), 1, &x, NULL);
    ck_assert_int_eq(ag_gradient(ag_sum(s->values), 1, &x, &dx), AG_OK);
    double *got = evaluate(dx);
    for (int i = 0; i < 6; i++) expect_close(got[i], 6, 1e-14);
    free(got);
}
END_TEST

/* ---- wrong calls ------------------------------------------------------------------------------------------------- */

START_TEST(errors)
{
    ag_graph *other = ag_graph_new(NULL);
    ag_node *x = ag_input(g, "x", AG_F64, AG_SHAPE(4)), *i = ag_input(g, "i", AG_I64, AG_SHAPE(4)), *none = NULL;
    ag_node *foreign = ag_input(other, "f", AG_F64, AG_SHAPE(4)), *twice[] = { x, x };
    ck_assert_ptr_null(ag_sparse_jacobian(NULL, 1, &none, NULL));
    ck_assert_ptr_null(ag_sparse_jacobian(x, 0, NULL, NULL));
    expect_error(g, AG_EARG, "ag_sparse_jacobian", "no x");
    ck_assert_ptr_null(ag_sparse_jacobian(x, 1, &none, NULL));
    expect_error(g, AG_EARG, "ag_sparse_jacobian", "x[0] is NULL");
    ck_assert_ptr_null(ag_sparse_jacobian(x, 1, &foreign, NULL));
    expect_error(g, AG_EARG, "another graph");
    ck_assert_ptr_null(ag_sparse_jacobian(ag_sin(x), 2, twice, NULL));
    expect_error(g, AG_EARG, "x[1] is among the x before it");
    ck_assert_ptr_null(ag_sparse_jacobian(x, 1, &i, NULL));
    expect_error(g, AG_ENOGRAD, "integers");
    ck_assert_ptr_null(ag_sparse_jacobian(i, 1, &x, NULL));
    expect_error(g, AG_ENOGRAD, "integers");
    ck_assert_ptr_null(ag_sparse_hessian(x, 1, &x, NULL));
    expect_error(g, AG_ESHAPE, "rank 0");
    ck_assert_ptr_null(ag_sparse_hessian(ag_sum(x), 1, &foreign, NULL));
    expect_error(g, AG_EARG, "another graph");
    ag_graph_free(other);
}
END_TEST

/* Every element of 10^5 depends on every other: no such matrix is made. */
START_TEST(not_sparse)
{
    ag_node *x = ag_input(g, "x", AG_F64, AG_SHAPE(100000));
    ck_assert_ptr_null(ag_sparse_jacobian(ag_softmax(x, 0), 1, &x, NULL));
    expect_error(g, AG_EARG, "ag_sparse_jacobian", "not sparse", "100000 x 100000");
    ag_node *all = ag_sum(x), *y = ag_concat(2, (ag_node *[]){ ag_mul(x, x), ag_reshape(all, AG_SHAPE(1)) }, 0);
    const ag_sparse *s = ag_sparse_jacobian(ag_add(y, ag_slice(x, 0, 0, 1, 1)), 1, &x, NULL);
    ck_assert_ptr_null(s); /* a full row and a full column: every product gives only one element of either */
    expect_error(g, AG_EARG, "ag_sparse_jacobian", "not sparse", "products of");
}
END_TEST

Suite *suite_sparse(void)
{
    Suite *s = suite_create("sparse");
    TCase *table = tcase_create("sparse table"), *t = tcase_create("sparse");
    tcase_set_timeout(table, 120);
    tcase_add_loop_test(table, point_patterns, 0, (int)op_points_count);
    tcase_add_loop_test(table, row_patterns, 0, OP_TABLES);
    tcase_add_checked_fixture(t, begin, end);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, band);
    tcase_add_test(t, long_band);
    tcase_add_test(t, grid);
    tcase_add_test(t, few_rows_or_columns);
    tcase_add_test(t, gathered);
    tcase_add_test(t, gathered_from_run);
    tcase_add_test(t, random_pairs);
    tcase_add_test(t, arrow);
    tcase_add_test(t, several_x);
    tcase_add_test(t, nothing_there);
    tcase_add_test(t, in_f32);
    tcase_add_test(t, differentiated_again);
    tcase_add_test(t, errors);
    tcase_add_test(t, not_sparse);
    suite_add_tcase(s, table);
    suite_add_tcase(s, t);
    return s;
}
