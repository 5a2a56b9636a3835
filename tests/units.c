/* Whole derivatives: all products with unit vectors at once are those products one by one, and none is computed that is
 * known to be 0. */
#include "op_table.h"

enum { N = 12, MOST_IN = 3 };

/* ---- against one unit vector after the other --------------------------------------------------------------------- */

/* all [m, n] is to have the columns that `along` is where v, of n elements, is a unit vector. */
static void expect_columns(const char *label, ag_node *x, ag_node *all, ag_node *along, ag_node *v, double tolerance)
{
    const int64_t n = ag_size_of(v), m = ag_size_of(along);
    double *got = malloc((size_t)(m * n) * sizeof *got), *want = malloc((size_t)m * sizeof *want);
    double *unit = calloc((size_t)n, sizeof *unit);
    ag_options options = test_options();
    ag_node *both[] = { all, along };
    ag_plan *plan = ag_compile(ag_graph_of(x), 2, both, &options);
    ag_run *run = ag_run_new(plan);
    ck_assert_msg(run != NULL, "%s: %s", label, ag_graph_error(ag_graph_of(x)));
    for (int64_t j = 0; j < n; j++) {
        unit[j] = 1;
        ck_assert_int_eq(ag_feed(run, v, unit), AG_OK);
        ck_assert_msg(!ag_eval(run), "%s: %s", label, ag_run_error(run));
        ag_fetch(run, all, got);
        ag_fetch(run, along, want);
        for (int64_t i = 0; i < m; i++)
            ck_assert_msg(test_close(got[i * n + j], want[i], tolerance), "%s: element %lld, %lld is %.17g, not %.17g",
                          label, (long long)i, (long long)j, got[i * n + j], want[i]);
        unit[j] = 0;
    }
    free(got), free(want), free(unit);
    ag_run_free(run);
    ag_plan_free(plan);
}

static ag_node *weighted(ag_node *y)
{
    uint64_t seed = 3;
    ag_shape s = ag_shape_of(y);
    y = ag_mul(y, test_constant(ag_graph_of(y), s, &seed, 0.5, 1.5));
    return ag_sum(ag_mul(ag_square(y), test_constant(ag_graph_of(y), s, &seed, 0.5, 1.5)));
}

static void expect_wholes(const char *label, ag_node *y, ag_node *x, int third, double tolerance)
{
    ag_graph *g = ag_graph_of(x);
    ag_node *v = ag_input(g, NULL, AG_F64, ag_shape_of(x)), *f = weighted(y), *all = ag_jacobian(y, x), *d, *dx;
    if (ag_is_bad(all)) { /* loops and branches go one way for all of a batch */
        ck_assert_msg(strstr(ag_graph_error(g), "differs within a batch"), "%s: %s", label, ag_graph_error(g));
        return;
    }
    ag_jvp(1, &x, &v, 1, &y, &d);
    expect_well(g);
    expect_columns(label, x, all, d, v, tolerance);
    ag_gradient(f, 1, &x, &dx);
    ag_jvp(1, &x, &v, 1, &dx, &d);
    all = ag_hessian(f, x);
    ck_assert_msg(!ag_graph_status(g), "%s: %s", label, ag_graph_error(g));
    expect_columns(label, x, all, d, v, tolerance);
    if (!third) return;
    uint64_t seed = 5;
    ag_node *w = test_constant(g, ag_shape_of(x), &seed, 0.5, 1.5), *hw;
    ag_jvp(1, &x, &w, 1, &dx, &hw);
    ag_jvp(1, &x, &v, 1, &hw, &d);
    all = ag_jacobian(all, x);
    const int64_t n = ag_size_of(x);
    all = ag_matmul(ag_reshape(w, AG_SHAPE(1, n)), ag_reshape(all, AG_SHAPE(n, n * n)));
    expect_well(g);
    expect_columns(label, x, all, d, v, tolerance);
}

/* ---- every operation --------------------------------------------------------------------------------------------- */

static void check_case(const op_case *c)
{
    int64_t n = 0, at = 0;
    for (int k = 0; k < c->n; k++) n += op_count(c->in[k]);
    if (n > 64 || op_count(c->out) > 400 || c->flags & (ROW_NO_GRADIENT | ROW_EFFECT)) return;
    double *values = malloc((size_t)n * sizeof *values);
    for (int k = 0; k < c->n; at += op_count(c->in[k++]))
        memcpy(values + at, c->value[k], (size_t)op_count(c->in[k]) * sizeof *values);
    ag_graph *g = ag_graph_new(NULL);
    ag_node *x = ag_parameter(g, NULL, AG_F64, AG_SHAPE(n), values), *in[MOST_IN];
    at = 0;
    for (int k = 0; k < c->n; at += op_count(c->in[k++]))
        in[k] = ag_reshape(ag_slice(x, 0, at, at + op_count(c->in[k]), 1), c->in[k]);
    expect_wholes(c->label, c->build(in, c->arg), x, 0, c->flags & ROW_LOOSE ? 1e-9 : 1e-11);
    ag_graph_free(g);
    free(values);
}

START_TEST(points)
{
    for (int v = 0; v < op_variants(op_points[_i].n); v++) {
        op_case c = op_case_of_point(&op_points[_i], v);
        check_case(&c);
        op_case_free(&c);
    }
}
END_TEST

START_TEST(rows)
{
    for (size_t i = 0; i < *op_tables[_i].count; i++) {
        op_case c = op_case_of_row(&op_tables[_i].row[i]);
        check_case(&c);
        op_case_free(&c);
    }
}
END_TEST

/* ---- programs ---------------------------------------------------------------------------------------------------- */

static ag_node *x;
static uint64_t seed;

static ag_node *constant(ag_shape s)
{
    return test_constant(ag_graph_of(x), s, &seed, -1, 1);
}
#define C(...) constant(AG_SHAPE(__VA_ARGS__))

static ag_node *matrix(int height)
{
    return ag_reshape(x, AG_SHAPE(height, -1));
}

static ag_node *repeated(int at_end) /* rows, or columns, that are all x */
{
    return ag_broadcast_to(matrix(at_end ? N : 1), at_end ? AG_SHAPE(N, 5) : AG_SHAPE(5, N));
}

static ag_node *padded(void) /* some of x among zeros */
{
    return ag_pad(ag_slice(x, 0, 2, 7, 1), 0, 1, 2);
}

static ag_node *part(int k)
{
    return ag_reshape(ag_slice(x, 0, 4 * k, 4 * k + 4, 1), AG_SHAPE(4, 1));
}

static ag_node *scores(void)
{
    return ag_matmul(part(0), ag_transpose(part(1), NULL));
}

static ag_node *products(int k)
{
    switch (k) {
    case 0: return ag_matmul(matrix(3), C(4, 5));
    case 1: return ag_matmul(C(5, 3), matrix(3));
    case 2: return ag_matmul(matrix(N), C(1, 3));
    case 3: return ag_matmul(matrix(1), C(N, 3));
    case 4: return ag_matmul(C(3, N), matrix(N));
    case 5: return ag_matmul(C(3, 1), matrix(1));
    case 6: return ag_matmul(ag_reshape(padded(), AG_SHAPE(8, 1)), C(1, 3));
    case 7: return ag_matmul(ag_reshape(padded(), AG_SHAPE(1, 8)), C(8, 3));
    case 8: return ag_matmul(C(3, 8), ag_reshape(padded(), AG_SHAPE(8, 1)));
    case 9: return ag_matmul(repeated(1), C(5, 3));
    case 10: return ag_matmul(repeated(0), C(N, 3));
    case 11: return ag_matmul(C(2, 5), repeated(0));
    case 12: return ag_matmul(C(2, N), repeated(1));
    case 13: return ag_matmul(ag_matmul(matrix(3), C(4, 3)), C(3, 2));
    case 14: return ag_matmul(ag_matmul(matrix(N), C(1, 3)), C(3, 2));
    case 15: return ag_matmul(matrix(3), ag_transpose(matrix(3), NULL));
    case 16: return ag_matmul(C(2, 3), ag_pad(ag_slice(matrix(4), 0, 1, 2, 1), 0, 1, 1));
    case 17: return ag_matmul(scores(), part(2));
    case 18: return ag_matmul(ag_softmax(scores(), 1), part(2));
    case 19: return ag_attention(part(0), part(1), part(2), 0, 1);
    default: return NULL;
    }
}

static ag_node *sums(int k)
{
    switch (k) {
    case 20: return ag_sum_axis(matrix(3), 0, 0);
    case 21: return ag_sum_axis(matrix(3), 1, 1);
    case 22: return ag_sum_axis(ag_mul(ag_outer(x, x), C(N, N)), 0, 0);
    case 23: return ag_sum(ag_mul(matrix(3), C(3, 4)));
    case 24: return ag_sum(ag_pad(ag_transpose(matrix(3), NULL), 1, 1, 1));
    case 25: return ag_sum_axis(ag_broadcast_to(ag_sin(matrix(N)), AG_SHAPE(2, N, 5)), 0, 0);
    case 26: return ag_mean_axis(ag_square(matrix(3)), 0, 0);
    case 27: return ag_sum_axis(ag_mul(repeated(1), C(N, 5)), 0, 1);
    case 28: return ag_sum(ag_mul(repeated(0), C(5, N)));
    case 29: return ag_softmax(matrix(3), 1);
    default: return NULL;
    }
}

static ag_node *moves(int k)
{
    switch (k) {
    case 30: return ag_slice(ag_pad(x, 0, 3, 2), 0, 1, 9, 1);
    case 31: return ag_slice(ag_pad(x, 0, 3, 2), 0, 12, 2, -1);
    case 32: return ag_slice(ag_pad(x, 0, 3, 2), 0, 2, 12, 2);
    case 33: return ag_slice(padded(), 0, 3, 4, 1);
    case 34: return ag_mul(ag_pad(ag_slice(x, 0, 0, AG_END, 3), 0, 2, 2), C(5, 8));
    case 35: return ag_flip(ag_transpose(ag_pad(matrix(3), 0, 1, 1), NULL), 1);
    case 36: return ag_mul(C(8, 1), ag_reshape(padded(), AG_SHAPE(1, 8)));
    case 37: return ag_concat(3, (ag_node *[]){ x, ag_square(x), C(2) }, 0);
    case 38: return ag_mul(ag_pad(x, 0, 1, 0), ag_pad(x, 0, 0, 1));
    case 39: return ag_cumsum(ag_square(x), 0);
    case 40: return ag_where(C(N), ag_mul(x, x), ag_neg(x));
    case 41: return ag_div(ag_sub(C(4, N), x), C(4, 1));
    case 42: return ag_mul(ag_sub(ag_slice(x, 0, 1, AG_END, 1), ag_slice(x, 0, 0, -1, 1)), ag_slice(x, 0, 0, -1, 1));
    case 43: return ag_mul(ag_gather(x, 0, ag_arange(ag_graph_of(x), AG_I64, 5)), C(5));
    default: return NULL;
    }
}

enum { PROGRAMS = 44 };

START_TEST(programs)
{
    char label[32];
    double at[N];
    ag_graph *g = ag_graph_new(NULL);
    seed = 9;
    for (int i = 0; i < N; i++) at[i] = test_random(&seed, 0.3, 1.5);
    x = ag_parameter(g, NULL, AG_F64, AG_SHAPE(N), at);
    ag_node *y = _i < 20 ? products(_i) : _i < 30 ? sums(_i) : moves(_i);
    snprintf(label, sizeof label, "program %d", _i);
    expect_wholes(label, y, x, 1, 1e-12);
    ag_graph_free(g);
}
END_TEST

/* ---- what is not computed ---------------------------------------------------------------------------------------- */

static char *plan_of(ag_node *out)
{
    char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);
    ag_plan *plan = ag_compile(ag_graph_of(out), 1, &out, NULL);
    ck_assert_int_eq(ag_write_text(f, plan), 0);
    fclose(f);
    ag_plan_free(plan);
    return text;
}

static int times(const char *text, const char *part)
{
    int n = 0;
    for (; (text = strstr(text, part)); text++) n++;
    return n;
}

static void expect_in_plan(ag_node *out, const char *part, int want)
{
    char *text = plan_of(out);
    ck_assert_msg(times(text, part) == want, "'%s' is not there %d times:\n%s", part, want, text);
    free(text);
}

/* One pass over vectors, and what puts them on diagonals. */
START_TEST(chain)
{
    ag_graph *g = ag_graph_new(NULL);
    x = ag_input(g, "x", AG_F64, AG_SHAPE(50));
    ag_node *a = ag_slice(x, 0, 0, -1, 1), *b = ag_slice(x, 0, 1, AG_END, 1);
    ag_node *h = ag_hessian(ag_sum(ag_square(ag_sub(b, ag_square(a)))), x);
    expect_in_plan(h, "pass over 1 x 49", 1);
    expect_in_plan(h, "call strew", 1);
    expect_in_plan(h, "2 steps", 1);
    ag_graph_free(g);
}
END_TEST

static ag_node *differences(ag_node *u, int axis)
{
    return ag_sub(ag_slice(u, axis, 1, AG_END, 1), ag_slice(u, axis, 0, -1, 1));
}

/* Sparse values lie at regular places, however they are coloured: none is looked up. */
START_TEST(sparse_chain)
{
    ag_graph *g = ag_graph_new(NULL);
    x = ag_input(g, "x", AG_F64, AG_SHAPE(5000));
    ag_node *f = ag_sum(ag_square(ag_sub(ag_slice(x, 0, 1, AG_END, 1), ag_square(ag_slice(x, 0, 0, -1, 1)))));
    const ag_sparse *s = ag_sparse_hessian(f, 1, &x, NULL);
    expect_well(g);
    ck_assert_int_eq(s->nonzeros, 3 * 5000 - 2);
    expect_in_plan(s->values, "pass over 1 x 4999", 1);
    expect_in_plan(s->values, "2 steps", 1);
    ag_graph_free(g);
}
END_TEST

START_TEST(sparse_grid)
{
    ag_graph *g = ag_graph_new(NULL);
    x = ag_input(g, "x", AG_F32, AG_SHAPE(60, 70));
    ag_node *f = ag_add(ag_sum(ag_sin(differences(x, 0))), ag_sum(ag_sin(differences(x, 1))));
    const ag_sparse *h = ag_sparse_hessian(f, 1, &x, NULL);
    const ag_sparse *j = ag_sparse_jacobian(ag_sin(differences(x, 1)), 1, &x, NULL);
    expect_well(g);
    for (int k = 0; k < 2; k++) {
        expect_in_plan(k ? j->values : h->values, "call strew", 1);
        expect_in_plan(k ? j->values : h->values, "gather#", 0);
    }
    ag_graph_free(g);
}
END_TEST

/* Rows by rows: of each a few sums, products and columns, all of which stay diagonals. */
enum { ROWS = 20, WIDE = 9 };

static void fill(int64_t n, double *to)
{
    uint64_t state = 8;
    for (int64_t i = 0; i < n; i++) to[i] = test_random(&state, -1, 1);
}

static double of_row(const double *at, const double *by, int64_t j) /* sum of at[m] by[m, j] */
{
    double sum = 0;
    for (int64_t m = 0; m < WIDE; m++) sum += at[m] * by[m * WIDE + j];
    return sum;
}

/* y[k, i] = |x[k]|^2 sum of x[k + 1, j] a[j, i] */
START_TEST(sparse_rows)
{
    ag_graph *g = ag_graph_new(NULL);
    double at[ROWS * WIDE], by[WIDE * WIDE], *got;
    fill(ROWS * WIDE, at);
    fill(WIDE * WIDE, by);
    x = ag_parameter(g, "x", AG_F64, AG_SHAPE(ROWS, WIDE), at);
    ag_node *a = ag_parameter(g, "a", AG_F64, AG_SHAPE(WIDE, WIDE), by);
    ag_node *size = ag_sum_axis(ag_square(ag_slice(x, 0, 0, -1, 1)), 1, 1);
    const ag_sparse *s = ag_sparse_jacobian(ag_mul(size, ag_matmul(ag_slice(x, 0, 1, AG_END, 1), a)), 1, &x, NULL);
    expect_well(g);
    ck_assert_int_eq(s->nonzeros, (ROWS - 1) * WIDE * 2 * WIDE);
    expect_in_plan(s->values, "gather#", 0);
    got = malloc((size_t)s->nonzeros * sizeof *got);
    test_evaluate(1, (ag_node *[]){ s->values }, NULL, &got);
    for (int64_t r = 0; r < s->rows; r++)
        for (int64_t e = s->row_start[r]; e < s->row_start[r + 1]; e++) {
            const int64_t k = r / WIDE, i = r % WIDE, j = s->column[e] % WIDE, next = s->column[e] / WIDE - k;
            double norm = 0;
            for (int64_t m = 0; m < WIDE; m++) norm += at[k * WIDE + m] * at[k * WIDE + m];
            const double slope = 2 * at[k * WIDE + j] * of_row(at + (k + 1) * WIDE, by, i);
            const double want = next ? norm * by[j * WIDE + i] : slope;
            ck_assert_msg(test_close(got[e], want, 1e-13), "%lld, %lld: %.17g, not %.17g", (long long)r, (long long)j,
                          got[e], want);
        }
    free(got);
    ag_graph_free(g);
}
END_TEST

/* More diagonals than are kept apart: y[i] = sum of (k + 1) x[i + k]^2. */
START_TEST(sparse_many)
{
    enum { LENGTH = 640, WINDOW = 600 };
    ag_graph *g = ag_graph_new(NULL);
    double at[LENGTH], *got;
    fill(LENGTH, at);
    x = ag_parameter(g, "x", AG_F64, AG_SHAPE(LENGTH), at);
    ag_node *y = NULL;
    for (int k = 0; k < WINDOW; k++) {
        ag_node *term = ag_mul(ag_number(g, k + 1), ag_square(ag_slice(x, 0, k, k + LENGTH - WINDOW, 1)));
        y = y ? ag_add(y, term) : term;
    }
    const ag_sparse *s = ag_sparse_jacobian(y, 1, &x, NULL);
    expect_well(g);
    ck_assert_int_eq(s->nonzeros, (LENGTH - WINDOW) * WINDOW);
    got = malloc((size_t)s->nonzeros * sizeof *got);
    test_evaluate(1, (ag_node *[]){ s->values }, NULL, &got);
    for (int64_t i = 0; i < s->rows; i++)
        for (int64_t e = s->row_start[i]; e < s->row_start[i + 1]; e++) {
            const int64_t j = s->column[e];
            ck_assert(test_close(got[e], 2 * (double)(j - i + 1) * at[j], 1e-13));
        }
    free(got);
    ag_graph_free(g);
}
END_TEST

/* Large results are made piece by piece, on any number of threads. */
START_TEST(pieces)
{
    enum { LARGE = 20000 };
    ag_graph *g = ag_graph_new(NULL);
    uint64_t state = 4;
    x = test_constant(g, AG_SHAPE(LARGE), &state, -1, 1);
    ag_node *a = ag_slice(x, 0, 0, -1, 1), *b = ag_slice(x, 0, 1, AG_END, 1);
    const ag_sparse *s = ag_sparse_hessian(ag_sum(ag_mul(ag_square(a), ag_square(b))), 1, &x, NULL);
    double *got[2], *at = malloc(LARGE * sizeof *at);
    test_evaluate(1, &x, NULL, &at);
    for (int k = 0; k < 2; k++) {
        const ag_options options = { .threads = 1 + 2 * k };
        got[k] = malloc((size_t)s->nonzeros * sizeof *got[k]);
        test_evaluate(1, (ag_node *[]){ s->values }, &options, &got[k]);
    }
    for (int64_t i = 0; i < LARGE; i++)
        for (int64_t k = s->row_start[i]; k < s->row_start[i + 1]; k++) {
            const int64_t j = s->column[k];
            double want = 4 * at[i] * at[j];
            if (i == j) want = (i ? 2 * at[i - 1] * at[i - 1] : 0) + (i + 1 < LARGE ? 2 * at[i + 1] * at[i + 1] : 0);
            ck_assert_msg(test_close(got[0][k], want, 1e-14) && got[0][k] == got[1][k],
                          "row %lld: %.17g %.17g, not %.17g", (long long)i, got[0][k], got[1][k], want);
        }
    free(at), free(got[0]), free(got[1]);
    ag_graph_free(g);
}
END_TEST

/* W^T D W takes W x and one more product, whose other factor is W, scaled. */
START_TEST(no_product_with_units)
{
    ag_graph *g = ag_graph_new(NULL);
    x = ag_input(g, "x", AG_F64, AG_SHAPE(30));
    ag_node *w = ag_parameter(g, "w", AG_F64, AG_SHAPE(40, 30), NULL);
    ag_node *h = ag_hessian(ag_sum(ag_log1p(ag_square(ag_dot(w, x)))), x);
    expect_in_plan(h, ": product", 2);
    expect_in_plan(h, "strew", 0);
    expect_in_plan(ag_jacobian(ag_dot(w, x), x), ": product", 0);
    ag_graph_free(g);
}
END_TEST

/* What does not depend on an x is 0, not 0 times an infinite slope. */
START_TEST(zeros_are_exact)
{
    ag_graph *g = ag_graph_new(NULL);
    x = ag_parameter(g, NULL, AG_F64, AG_SHAPE(3), (double[]){ 0, 1, 4 });
    ag_node *j = ag_jacobian(ag_sqrt(x), x);
    double got[9];
    test_evaluate(1, &j, NULL, (double *[]){ got });
    for (int i = 0; i < 9; i++) {
        const double want = i == 0 ? INFINITY : i == 4 ? 0.5 : i == 8 ? 0.25 : 0;
        ck_assert_msg(got[i] == want, "element %d is %g, not %g", i, got[i], want);
    }
    ag_graph_free(g);
}
END_TEST

Suite *suite_units(void)
{
    Suite *s = suite_create("units");
    TCase *t = tcase_create("units");
    tcase_add_loop_test(t, points, 0, (int)op_points_count);
    tcase_add_loop_test(t, rows, 0, OP_TABLES);
    tcase_add_loop_test(t, programs, 0, PROGRAMS);
    tcase_add_test(t, chain);
    tcase_add_test(t, sparse_chain);
    tcase_add_test(t, sparse_grid);
    tcase_add_test(t, sparse_rows);
    tcase_add_test(t, sparse_many);
    tcase_add_test(t, pieces);
    tcase_add_test(t, no_product_with_units);
    tcase_add_test(t, zeros_are_exact);
    suite_add_tcase(s, t);
    return s;
}
