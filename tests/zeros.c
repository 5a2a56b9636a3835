/* What lies among zeros: read where it is, whoever reads it. */
#include "test.h"

typedef struct {
    int rows, columns, top, bottom, left, right;
} grid;

static int height(const grid *s)
{
    return s->top + s->rows + s->bottom;
}

static int width(const grid *s)
{
    return s->left + s->columns + s->right;
}

static ag_node *random_matrix(ag_graph *g, int rows, int columns, uint64_t *seed, double *values)
{
    for (int i = 0; i < rows * columns; i++) values[i] = (float)test_random(seed, -1, 1);
    return ag_parameter(g, NULL, AG_F64, AG_SHAPE(rows, columns), values);
}

static double *room(int64_t n)
{
    return calloc((size_t)n, sizeof(double));
}

static char *text_of(ag_graph *g, int n, ag_node *const y[], const ag_options *o)
{
    char *text = NULL;
    size_t size;
    ag_plan *p = ag_compile(g, n, y, o);
    FILE *f = open_memstream(&text, &size);
    ck_assert_msg(p != NULL, "%s", ag_graph_error(g));
    ck_assert_int_eq(ag_write_text(f, p), 0);
    fclose(f);
    ag_plan_free(p);
    return text;
}

/* ---- readers of all kinds ---------------------------------------------------------------------------------------- */

enum { ITSELF, TIMES, ROW_SUMS, COLUMN_SUMS, SQUARES, RUNNING, EVERY_SECOND, TURNED, SEVERAL, CAST, SUM, TRANSPOSED,
       FLAT, FIRST_ROW, BACKWARDS, READERS };

static void build(const grid *s, ag_node *x, ag_node *c, ag_node *z, ag_node *y[READERS])
{
    ag_node *p = ag_pad(ag_pad(x, 0, s->top, s->bottom), 1, s->left, s->right);
    y[ITSELF] = p;
    y[TIMES] = ag_mul(p, c);
    y[ROW_SUMS] = ag_sum_axis(p, 1, 0);
    y[COLUMN_SUMS] = ag_sum_axis(ag_mul(p, c), 0, 0);
    y[SQUARES] = ag_matmul(p, ag_transpose(p, NULL));
    y[RUNNING] = ag_cumsum(p, 1);
    y[EVERY_SECOND] = ag_slice(p, 0, 1, AG_END, 2);
    y[TURNED] = ag_flip(p, 1);
    y[SEVERAL] = ag_add(p, z);
    y[CAST] = ag_cast(ag_mul(ag_cast(p, AG_F32), ag_cast(c, AG_F32)), AG_F64);
    y[SUM] = ag_sum(p);
    y[TRANSPOSED] = ag_add(ag_transpose(p, NULL), ag_transpose(c, NULL));
    y[FLAT] = ag_mul(ag_reshape(p, AG_SHAPE(-1)), ag_reshape(c, AG_SHAPE(-1)));
    y[FIRST_ROW] = ag_sin(ag_slice(p, 0, 0, 1, 1));
    y[BACKWARDS] = ag_exp(ag_slice(ag_slice(p, 1, -2, AG_END, -2), 0, -1, AG_END, -1));
}

/* By loops over a matrix that holds the zeros. */
static void by_hand(const grid *s, const double *x, const double *c, const double *z, double *want[READERS])
{
    int h = height(s), w = width(s);
    double *p = want[ITSELF];
    for (int i = 0; i < s->rows; i++)
        memcpy(p + (i + s->top) * w + s->left, x + i * s->columns, (size_t)s->columns * sizeof *x);
    for (int i = 0; i < h; i++) {
        for (int j = 0; j < w; j++) {
            double v = p[i * w + j];
            want[TIMES][i * w + j] = v * c[i * w + j];
            want[ROW_SUMS][i] += v;
            want[COLUMN_SUMS][j] += v * c[i * w + j];
            want[RUNNING][i * w + j] = v + (j ? want[RUNNING][i * w + j - 1] : 0);
            if (i % 2) want[EVERY_SECOND][i / 2 * w + j] = v;
            want[TURNED][i * w + w - 1 - j] = v;
            for (int k = 0; k < 2; k++) want[SEVERAL][(k * h + i) * w + j] = v + z[k];
            want[CAST][i * w + j] = (double)((float)v * (float)c[i * w + j]);
            want[SUM][0] += v;
            want[TRANSPOSED][j * h + i] = v + c[i * w + j];
            want[FLAT][i * w + j] = v * c[i * w + j];
            if (i == 0) want[FIRST_ROW][j] = sin(v);
            if ((w - 2 - j) % 2 == 0 && j <= w - 2) want[BACKWARDS][(h - 1 - i) * (w / 2) + (w - 2 - j) / 2] = exp(v);
        }
        for (int j = 0; j < h; j++)
            for (int k = 0; k < w; k++) want[SQUARES][i * h + j] += p[i * w + k] * p[j * w + k];
    }
}

/* A matrix of which every row is the same, or every column, or both. */
static ag_node *spread_matrix(ag_graph *g, const grid *s, int same_rows, int same_columns, uint64_t *seed, double *x)
{
    int rows = same_rows ? 1 : s->rows, columns = same_columns ? 1 : s->columns;
    ag_node *of_x = random_matrix(g, rows, columns, seed, x);
    for (int i = s->rows * s->columns; i-- > 0;)
        x[i] = x[(same_rows ? 0 : i / s->columns * columns) + (same_columns ? 0 : i % s->columns)];
    return ag_broadcast_to(of_x, AG_SHAPE(s->rows, s->columns));
}

static const grid grids[] = { { 5, 7, 1, 2, 3, 1 }, { 9, 300, 0, 3, 2, 0 }, { 300, 3, 4, 0, 0, 2 },
                              { 1, 400, 6, 0, 0, 0 }, { 30, 20, 0, 0, 0, 25 }, { 2, 1000, 1, 1, 30, 500 },
                              { 2, 3, 1, 1, 1, 1 } };

START_TEST(readers_of_all_kinds)
{
    static const ag_options options[] = { { 0 }, { .unfused = 1 }, { .poison = 1 }, { .threads = 3 }, { .native = 1 } };
    const grid s = grids[_i / 4];
    int h = height(&s), w = width(&s);
    uint64_t seed = 5;
    double *x = room(s.rows * s.columns), *c = room(h * w), z[2], *want[READERS], *got[READERS];
    ag_graph *g = ag_graph_new(NULL);
    ag_node *y[READERS], *of_x = spread_matrix(g, &s, _i & 1, _i & 2, &seed, x);
    ag_node *of_c = random_matrix(g, h, w, &seed, c);
    build(&s, of_x, of_c, ag_reshape(random_matrix(g, 2, 1, &seed, z), AG_SHAPE(2, 1, 1)), y);
    for (int k = 0; k < READERS; k++) want[k] = room(ag_size_of(y[k])), got[k] = room(ag_size_of(y[k]));
    by_hand(&s, x, c, z, want);
    for (size_t o = 0; o < COUNT(options); o++) {
        if (options[o].native && _i % 4 != _i / 4 % 4) continue; /* compilers take their time */
        test_evaluate(READERS, y, &options[o], got);
        for (int k = 0; k < READERS; k++)
            for (int64_t i = 0; i < ag_size_of(y[k]); i++)
                ck_assert_msg(test_close(got[k][i], want[k][i], 1e-12),
                              "options %zu, reader %d: element %lld is %.17g, not %.17g", o, k, (long long)i,
                              got[k][i], want[k][i]);
    }
    for (int k = 0; k < READERS; k++) free(want[k]), free(got[k]);
    free(x);
    free(c);
    ag_graph_free(g);
}
END_TEST

/* ---- gradients of slices ----------------------------------------------------------------------------------------- */

/* sum of (x[i+2] - 2 x[i+1] + x[i])^2: what three slices leave to the gradient is one pass. */
START_TEST(a_stencil_takes_no_pass_for_zeros)
{
    enum { N = 3000 };
    uint64_t seed = 3;
    double x[N], want[N] = { 0 }, got[N], *results[] = { got };
    ag_graph *g = ag_graph_new(NULL);
    ag_node *u = ag_reshape(random_matrix(g, N, 1, &seed, x), AG_SHAPE(N)), *d;
    ag_node *bend = ag_add(ag_sub(ag_slice(u, 0, 2, AG_END, 1), ag_mul(ag_number(g, 2), ag_slice(u, 0, 1, -1, 1))),
                           ag_slice(u, 0, 0, -2, 1));
    ck_assert_int_eq(ag_gradient(ag_sum(ag_square(bend)), 1, &u, &d), AG_OK);
    for (int i = 0; i + 2 < N; i++) {
        double r = x[i + 2] - 2 * x[i + 1] + x[i];
        want[i] += 2 * r;
        want[i + 1] -= 4 * r;
        want[i + 2] += 2 * r;
    }
    ag_options o = test_options();
    char *text = text_of(g, 1, &d, &o);
    ck_assert_ptr_null(strstr(text, "embed"));
    ck_assert_ptr_nonnull(strstr(text, "among zeros"));
    ck_assert_ptr_nonnull(strstr(text, "\n2 steps"));
    test_evaluate(1, &d, &o, results);
    for (int i = 0; i < N; i++) expect_close(got[i], want[i], 1e-13);
    free(text);
    ag_graph_free(g);
}
END_TEST

enum { ROWS = 9, COLUMNS = 70 };

static ag_node *inner(ag_node *u, int64_t row, int64_t column)
{
    return ag_slice(ag_slice(u, 0, row, row + ROWS - 2, 1), 1, column, column + COLUMNS - 2, 1);
}

/* Half of the sum of (a + b + c + d - 4 x)^2, of which a to d are x's neighbours, one perhaps twice: slices of
 * slices leave sums of sums, which are added up where x lies. */
START_TEST(a_stencil_of_two_axes_is_one_sum)
{
    static const int by[][2] = { { 0, 1 }, { 2, 1 }, { 1, 0 }, { 1, 2 }, { 1, 1 } };
    uint64_t seed = 3;
    double x[ROWS * COLUMNS], want[ROWS * COLUMNS] = { 0 }, got[ROWS * COLUMNS], *results[] = { got };
    const double weight[] = { 1, 1, 1 + _i, 1, -4 };
    ag_graph *g = ag_graph_new(NULL);
    ag_node *u = random_matrix(g, ROWS, COLUMNS, &seed, x), *all = NULL, *d;
    for (int k = 0; k < 5; k++) {
        ag_node *part = ag_mul(ag_number(g, weight[k]), inner(u, by[k][0], by[k][1]));
        all = all ? ag_add(all, part) : part;
    }
    ag_gradient(ag_mul(ag_number(g, 0.5), ag_sum(ag_square(all))), 1, &u, &d);
    expect_well(g);
    for (int i = 0; i < ROWS - 2; i++)
        for (int j = 0; j < COLUMNS - 2; j++) {
            double r = 0;
            for (int k = 0; k < 5; k++) r += weight[k] * x[(i + by[k][0]) * COLUMNS + j + by[k][1]];
            for (int k = 0; k < 5; k++) want[(i + by[k][0]) * COLUMNS + j + by[k][1]] += weight[k] * r;
        }
    ag_options o = test_options();
    char *text = text_of(g, 1, &d, &o);
    ck_assert_msg(strstr(text, "\n2 steps") != NULL, "%s", text);
    test_evaluate(1, &d, &o, results);
    for (int i = 0; i < ROWS * COLUMNS; i++) expect_close(got[i], want[i], 1e-13);
    free(text);
    ag_graph_free(g);
}
END_TEST

/* What others read, too, is computed once, and has no zeros around it. */
START_TEST(sums_that_are_read_elsewhere_stay)
{
    enum { N = 40 };
    uint64_t seed = 3;
    double a[N], b[N], sum[N], padded[N + 7], *results[] = { sum, padded };
    ag_graph *g = ag_graph_new(NULL);
    ag_node *x = ag_reshape(random_matrix(g, N, 1, &seed, a), AG_SHAPE(N));
    ag_node *y = ag_add(x, ag_reshape(random_matrix(g, N, 1, &seed, b), AG_SHAPE(N)));
    ag_node *out[] = { y, ag_pad(y, 0, 3, 4) };
    ag_options o = test_options();
    char *text = text_of(g, 2, out, &o);
    ck_assert_ptr_nonnull(strstr(text, "among zeros"));
    test_evaluate(2, out, &o, results);
    for (int i = 0; i < N; i++) ck_assert(sum[i] == a[i] + b[i]);
    for (int i = 0; i < N + 7; i++) ck_assert(padded[i] == (i < 3 || i >= N + 3 ? 0 : sum[i - 3]));
    free(text);
    ag_graph_free(g);
}
END_TEST

START_TEST(a_row_is_added_to_each_and_not_to_zeros)
{
    uint64_t seed = 3;
    double x[ROWS * COLUMNS], row[COLUMNS], got[(ROWS + 3) * COLUMNS], *results[] = { got };
    ag_graph *g = ag_graph_new(NULL);
    ag_node *u = random_matrix(g, ROWS, COLUMNS, &seed, x), *v = random_matrix(g, 1, COLUMNS, &seed, row);
    ag_node *y = ag_pad(ag_add(u, v), 0, 1, 2);
    ag_options o = test_options();
    test_evaluate(1, &y, &o, results);
    for (int i = 0; i < ROWS + 3; i++)
        for (int j = 0; j < COLUMNS; j++)
            ck_assert(got[i * COLUMNS + j] == (i < 1 || i > ROWS ? 0 : x[(i - 1) * COLUMNS + j] + row[j]));
    ag_graph_free(g);
}
END_TEST

/* 0 times what is no number is none: such a product has its zeros around it. */
START_TEST(zeros_stay_zero_whatever_is_beside_them)
{
    enum { N = 40 };
    static const double factor[] = { -2, INFINITY, NAN };
    uint64_t seed = 3;
    double x[N], got[N + 7], *results[] = { got };
    ag_graph *g = ag_graph_new(NULL);
    ag_node *u = ag_reshape(random_matrix(g, N, 1, &seed, x), AG_SHAPE(N));
    ag_node *y = ag_pad(ag_mul(u, ag_number(g, factor[_i])), 0, 3, 4);
    ag_options o = test_options();
    test_evaluate(1, &y, &o, results);
    for (int i = 0; i < N + 7; i++) {
        const double want = i < 3 || i >= N + 3 ? 0 : x[i - 3] * factor[_i];
        ck_assert(got[i] == want || (isnan(got[i]) && isnan(want)));
    }
    ag_graph_free(g);
}
END_TEST

/* The gradient of sum(c * x[from:to:step]) is c at those positions. */
START_TEST(slices_of_any_step)
{
    static const int64_t cut[][3] = { { 3, 40, 1 }, { 40, 3, -1 }, { 0, 50, 1 }, { 49, AG_END, -1 }, { 2, 47, 3 },
                                      { 45, 1, -2 }, { 20, 21, 1 }, { 49, 30, -1 } };
    enum { N = 50 };
    const int64_t from = cut[_i][0], step = cut[_i][2];
    uint64_t seed = 3;
    double x[N], c[N], want[N] = { 0 }, got[N], *results[] = { got };
    ag_graph *g = ag_graph_new(NULL);
    ag_node *u = ag_reshape(random_matrix(g, N, 1, &seed, x), AG_SHAPE(N)), *d, *twice;
    ag_node *part = ag_slice(u, 0, from, cut[_i][1], step);
    int n = (int)ag_size_of(part);
    ag_node *of_c = ag_reshape(random_matrix(g, n, 1, &seed, c), AG_SHAPE(n));
    ck_assert_int_eq(ag_gradient(ag_sum(ag_mul(part, of_c)), 1, &u, &d), AG_OK);
    for (int k = 0; k < n; k++) want[from + k * step] = 2 * c[k];
    twice = ag_add(d, d);
    ag_options o = test_options();
    test_evaluate(1, &twice, &o, results);
    for (int i = 0; i < N; i++) expect_close(got[i], want[i], 0);
    ag_graph_free(g);
}
END_TEST

/* ---- moves of moves ---------------------------------------------------------------------------------------------- */

/* Moves say of every element of the result which element it is, -1 being zero. */
typedef struct {
    ag_node *node;
    int64_t size, *from;
} moved;

enum { MOST_ELEMENTS = 20000, PAD, SLICE, EMBED, FLIP, TURN, SPLIT, JOIN, MOVES };

static int below(uint64_t *seed, int64_t n)
{
    return (int)test_random(seed, 0, (double)n);
}

/* y's axis of n elements: y[first + step k] is x[k], everything else zero. The gradient of a slice. */
static ag_node *embedded(ag_node *x, int axis, int64_t n, int64_t first, int64_t step)
{
    ag_shape s = ag_shape_of(x);
    int64_t end = first + s.dim[axis] * step;
    s.dim[axis] = n;
    ag_node *all = ag_parameter(ag_graph_of(x), NULL, AG_F64, s, NULL), *y;
    ag_node *part = ag_slice(all, axis, first, end < 0 ? AG_END : end, step);
    ag_vjp(1, &part, &x, 1, &all, &y);
    return y;
}

static ag_shape split(ag_shape s, int axis)
{
    int64_t d = s.dim[axis] % 2 ? s.dim[axis] % 3 ? 1 : 3 : 2;
    memmove(s.dim + axis + 1, s.dim + axis, (size_t)(s.rank++ - axis) * sizeof *s.dim);
    s.dim[axis] = d;
    s.dim[axis + 1] /= d;
    return s;
}

static ag_shape join(ag_shape s, int axis)
{
    s.dim[axis] *= s.dim[axis + 1];
    s.rank--;
    memmove(s.dim + axis + 1, s.dim + axis + 2, (size_t)(s.rank - axis - 1) * sizeof *s.dim);
    return s;
}

/* One move; y[first + step k] along the axis is x[k], but for a turn: the last axis then is the first. */
static moved move(moved x, uint64_t *seed)
{
    const ag_shape s = ag_shape_of(x.node);
    int kind = PAD + below(seed, MOVES - PAD), axis = below(seed, s.rank), turn[] = { s.rank - 1, 0, 1, 2, 3, 4 };
    const int64_t n = s.dim[axis], cut = below(seed, kind == PAD ? 5 : n);
    int64_t first = 0, step = 1, stride = 1;
    moved y = x;
    if ((kind == PAD || kind == EMBED) && x.size * 4 > MOST_ELEMENTS) kind = FLIP;
    if ((kind == SPLIT && s.rank == 5) || (kind == JOIN && axis == s.rank - 1)) kind = TURN;
    if (kind == PAD) y.node = ag_pad(x.node, axis, cut, below(seed, 5)), first = cut;
    if (kind == SLICE) y.node = ag_slice(x.node, axis, cut, n - below(seed, n - cut), 1), first = -cut;
    if (kind == EMBED) {
        step = below(seed, 3) ? 1 : 2;
        int64_t all = (n - 1) * step + 1 + below(seed, 5);
        if (below(seed, 2)) first = all - 1, step = -step;
        y.node = embedded(x.node, axis, all, first, step);
    }
    if (kind == FLIP) y.node = ag_flip(x.node, axis), first = n - 1, step = -1;
    if (kind == TURN) y.node = ag_transpose(x.node, turn);
    if (kind == SPLIT) y.node = ag_reshape(x.node, split(s, axis));
    if (kind == JOIN) y.node = ag_reshape(x.node, join(s, axis));
    const int64_t m = ag_shape_of(y.node).dim[axis], last = s.dim[s.rank - 1];
    for (int i = axis + 1; i < s.rank; i++) stride *= s.dim[i];
    y.size = ag_size_of(y.node);
    y.from = malloc((size_t)y.size * sizeof *y.from);
    for (int64_t i = 0; i < y.size; i++) {
        int64_t at = i / stride % m - first, k = at / step, row = i / stride / m;
        if (kind == TURN) y.from[i] = x.from[i % (x.size / last) * last + i / (x.size / last)];
        else if (kind == SPLIT || kind == JOIN) y.from[i] = x.from[i];
        else y.from[i] = at % step || k < 0 || k >= n ? -1 : x.from[(row * n + k) * stride + i % stride];
    }
    free(x.from);
    return y;
}

/* What is read of y = moves of x: itself, c y, its sum, and the gradient of the sum of c sin(y). */
START_TEST(moves_of_moves)
{
    enum { N = 60, WORLDS = 40, READ = 4 };
    static const ag_options options[] = { { 0 }, { .unfused = 1 }, { .poison = 1 }, { .threads = 3 },
                                          { .max_bytes = 1 } };
    static const ag_shape shape[] = { { 1, { N } }, { 2, { 6, 10 } }, { 3, { 3, 4, 5 } }, { 4, { 2, 1, 5, 6 } } };
    for (int w = 0; w < WORLDS; w++) {
        uint64_t seed = (uint64_t)(_i * WORLDS + w) * 1000;
        double x[N], sum = 0, gradient[N] = { 0 }, *got[READ], *c = room(MOST_ELEMENTS * 4);
        ag_graph *g = ag_graph_new(NULL);
        ag_node *of_x = random_matrix(g, N, 1, &seed, x), *y[READ];
        moved m = { ag_reshape(of_x, shape[w % 4]), N, malloc(N * sizeof *m.from) };
        for (int i = 0; i < N; i++) m.from[i] = i;
        for (int k = 0; k < 6; k++) m = move(m, &seed);
        ag_node *of_c = ag_reshape(random_matrix(g, 1, (int)m.size, &seed, c), ag_shape_of(m.node));
        y[0] = m.node;
        y[1] = ag_mul(m.node, of_c);
        y[2] = ag_sum(m.node);
        ag_gradient(ag_sum(ag_mul(of_c, ag_sin(m.node))), 1, &of_x, &y[3]);
        expect_well(g);
        for (int64_t i = 0; i < m.size; i++) {
            if (m.from[i] < 0) continue;
            sum += x[m.from[i]];
            gradient[m.from[i]] += c[i] * cos(x[m.from[i]]);
        }
        for (int k = 0; k < READ; k++) got[k] = room(ag_size_of(y[k]));
        for (size_t o = 0; o < COUNT(options); o++) {
            test_evaluate(READ, y, &options[o], got);
            for (int64_t i = 0; i < m.size; i++) {
                double v = m.from[i] < 0 ? 0 : x[m.from[i]];
                ck_assert_msg(got[0][i] == v && got[1][i] == v * c[i],
                              "world %d, options %zu: element %lld is %g, not %g", _i * WORLDS + w, o, (long long)i,
                              got[0][i], v);
            }
            expect_close(got[2][0], sum, 1e-12);
            for (int i = 0; i < N; i++) expect_close(got[3][i], gradient[i], 1e-12);
        }
        for (int k = 0; k < READ; k++) free(got[k]);
        free(c);
        free(m.from);
        ag_graph_free(g);
    }
}
END_TEST

Suite *suite_zeros(void)
{
    Suite *s = suite_create("zeros");
    TCase *t = tcase_create("zeros");
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, readers_of_all_kinds, 0, 4 * (int)COUNT(grids));
    tcase_add_test(t, a_stencil_takes_no_pass_for_zeros);
    tcase_add_loop_test(t, a_stencil_of_two_axes_is_one_sum, 0, 2);
    tcase_add_test(t, sums_that_are_read_elsewhere_stay);
    tcase_add_test(t, a_row_is_added_to_each_and_not_to_zeros);
    tcase_add_loop_test(t, zeros_stay_zero_whatever_is_beside_them, 0, 3);
    tcase_add_loop_test(t, slices_of_any_step, 0, 8);
    tcase_add_loop_test(t, moves_of_moves, 0, test_quick() ? 2 : 20);
    suite_add_tcase(s, t);
    return s;
}
