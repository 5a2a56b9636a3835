/* Many slices of one tensor: what they give its gradient is put together once, not added tensor by tensor. */
#include "test.h"

static ag_node *random_tensor(ag_graph *g, ag_dtype dtype, ag_shape s, uint64_t *seed, double *values)
{
    int64_t n = 1;
    for (int i = 0; i < s.rank; i++) n *= s.dim[i];
    float *floats = malloc((size_t)n * sizeof *floats);
    for (int64_t i = 0; i < n; i++) floats[i] = (float)(values[i] = (float)test_random(seed, -1, 1));
    ag_node *x = ag_parameter(g, NULL, dtype, s, dtype == AG_F32 ? (void *)floats : values);
    free(floats);
    return x;
}

static int count(const char *text, const char *word)
{
    int n = 0;
    for (; (text = strstr(text, word)); text++) n++;
    return n;
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

static ag_node *element(ag_node *x, int64_t i)
{
    return ag_reshape(ag_slice(x, 0, i, i + 1, 1), AG_SCALAR);
}

/* ---- numbers: elements of one vector ----------------------------------------------------------------------------- */

/* Rosenbrock's function of elements, its gradient and second derivatives along v: one scalar program for all. */
START_TEST(elements_are_one_program)
{
    enum { N = 6000 };
    uint64_t seed = 5;
    double *x = calloc(5 * N, sizeof *x), *v = x + N, *got[] = { x + 2 * N, x + 3 * N }, *want = x + 4 * N;
    ag_graph *g = ag_graph_new(NULL);
    ag_node *of_x = random_tensor(g, AG_F64, AG_SHAPE(N), &seed, x), *y = ag_number(g, 0), *out[2];
    ag_node *of_v = random_tensor(g, AG_F64, AG_SHAPE(N), &seed, v);
    for (int i = 0; i + 1 < N; i++) {
        ag_node *a = element(of_x, i), *b = element(of_x, i + 1);
        y = ag_add(y, ag_add(ag_square(ag_sub(b, ag_square(a))), ag_square(ag_sub(ag_number(g, 1), a))));
    }
    ck_assert_int_eq(ag_gradient(y, 1, &of_x, &out[0]), AG_OK);
    ck_assert_int_eq(ag_vjp(1, &out[0], &of_v, 1, &of_x, &out[1]), AG_OK);
    char *text = text_of(g, 2, out, NULL);
    ck_assert_msg(count(text, "\n1 step") == 1, "%.400s", text);
    test_evaluate(2, out, NULL, got);
    for (int i = 0; i + 1 < N; i++) {
        want[i] += -4 * x[i] * (x[i + 1] - x[i] * x[i]) - 2 * (1 - x[i]);
        want[i + 1] += 2 * (x[i + 1] - x[i] * x[i]);
    }
    for (int i = 0; i < N; i++) expect_close(got[0][i], want[i], 1e-13);
    for (int i = 0; i < N; i++) {
        double before = i ? x[i - 1] : 0, h = i ? 2 : 0, second;
        if (i + 1 < N) h += 12 * x[i] * x[i] - 4 * x[i + 1] + 2;
        second = h * v[i] + (i ? -4 * before * v[i - 1] : 0) + (i + 1 < N ? -4 * x[i] * v[i + 1] : 0);
        expect_close(got[1][i], second, 1e-12);
    }
    free(text);
    free(x);
    ag_graph_free(g);
}
END_TEST

/* ---- larger pieces ----------------------------------------------------------------------------------------------- */

/* sum_k sum(c_k * s_k), s_k the slices: their gradient is each c_k where the slice was. */
typedef struct {
    int axis, n;
    int64_t first[3]; /* of the k-th: first[0] + k first[1], every first[2]-th; count of them */
    int64_t count;
} pieces;

static const pieces all_pieces[] = {
    { 0, 40, { 0, 1, 1 }, 1 },   /* all rows */
    { 0, 12, { 3, 2, 1 }, 2 },   /* neighbours, with rows before and after */
    { 0, 20, { 0, 2, 1 }, 1 },   /* every second one */
    { 0, 30, { 0, 1, 1 }, 5 },   /* windows that overlap */
    { 1, 50, { 0, 1, 1 }, 1 },   /* all columns */
    { 1, 30, { 0, 1, 4 }, 5 },   /* windows of every fourth column */
    { 1, 5, { 49, -1, -5 }, 10 }, /* backwards, all of it */
    { 0, 3, { 1, 5, 1 }, 3 },    /* few: read where they are */
};

START_TEST(pieces_are_put_together)
{
    enum { ROWS = 40, COLUMNS = 50, N = ROWS * COLUMNS };
    const pieces *p = &all_pieces[_i / 2];
    const ag_dtype dtype = _i % 2 ? AG_F32 : AG_F64;
    const ag_options options[] = { { 0 }, { .unfused = 1 }, { .poison = 1 }, { .threads = 3 }, { .distinct = 1 } };
    uint64_t seed = (uint64_t)_i;
    double x[N], c[N], want[N] = { 0 };
    ag_graph *g = ag_graph_new(NULL);
    ag_node *of_x = random_tensor(g, dtype, AG_SHAPE(ROWS, COLUMNS), &seed, x), *y = ag_number(g, 0), *d;
    for (int k = 0; k < p->n; k++) {
        const int64_t from = p->first[0] + k * p->first[1], step = p->first[2], end = from + p->count * step;
        ag_node *s = ag_slice(of_x, p->axis, from, end < 0 ? AG_END : end, step);
        ag_node *of_c = random_tensor(g, dtype, ag_shape_of(s), &seed, c);
        const int64_t columns = p->axis ? p->count : COLUMNS;
        y = ag_add(y, ag_sum(ag_mul(s, of_c)));
        for (int64_t i = 0; i < ag_size_of(s); i++) {
            const int64_t row = i / columns, column = i % columns;
            want[p->axis ? row * COLUMNS + from + column * step : (from + row * step) * COLUMNS + column] += c[i];
        }
    }
    ck_assert_int_eq(ag_gradient(y, 1, &of_x, &d), AG_OK);
    char *text = text_of(g, 1, &d, NULL);
    ck_assert_msg(count(text, "call assemble") == (p->n > 3), "%.900s", text);
    ck_assert_msg(p->n <= 3 || count(text, "\n1 step") == 1, "%.900s", text);
    for (size_t o = 0; o < COUNT(options); o++) {
        double got[N];
        float floats[N];
        void *result = dtype == AG_F32 ? (void *)floats : got;
        ag_plan *plan = ag_compile(g, 1, &d, &options[o]);
        ag_run *r = ag_run_new(plan);
        ck_assert_int_eq(ag_eval(r), AG_OK);
        ck_assert_int_eq(ag_fetch(r, d, result), AG_OK);
        for (int i = 0; i < N; i++) {
            if (dtype == AG_F32) expect_close(floats[i], want[i], 1e-6);
            else expect_close(got[i], want[i], 1e-15);
        }
        ag_run_free(r), ag_plan_free(plan);
    }
    free(text);
    ag_graph_free(g);
}
END_TEST

/* Parts k of x, [2, 12], as [3, 2, 2], times likewise parts of c: x's gradient is c, which nothing is put together for
 * where its parts lie as x's do. */
START_TEST(parts_of_what_is_one_stay_one)
{
    enum { N = 24 };
    static const int order[][3] = { { 0, 1, 2 }, { 2, 1, 0 }, { 0, 0, 1 } };
    const int *at = order[_i], swap[] = { 1, 2, 0 };
    uint64_t seed = (uint64_t)_i;
    double x[N], c[N], got[N], *results[] = { got };
    ag_graph *g = ag_graph_new(NULL);
    ag_node *of_x = random_tensor(g, AG_F64, AG_SHAPE(2, 12), &seed, x), *y = ag_number(g, 0), *d;
    ag_node *of_c = random_tensor(g, AG_F64, AG_SHAPE(2, 12), &seed, c);
    for (int k = 0; k < 3; k++) {
        ag_node *part[2] = { ag_slice(of_x, 1, 4 * k, 4 * k + 4, 1), ag_slice(of_c, 1, 4 * at[k], 4 * at[k] + 4, 1) };
        for (int i = 0; i < 2; i++) part[i] = ag_transpose(ag_reshape(part[i], AG_SHAPE(2, 2, 2)), swap);
        y = ag_add(y, ag_sum(ag_mul(part[0], part[1])));
    }
    ck_assert_int_eq(ag_gradient(y, 1, &of_x, &d), AG_OK);
    const ag_node *made = d->op == &agi_derivative ? d->in[d->nin - 1] : d;
    ck_assert_msg((made == of_c) == !_i, "%s", made->op->name);
    test_evaluate(1, &d, NULL, results);
    for (int i = 0; i < N; i++) ck_assert_double_eq(got[i], c[i / 12 * 12 + 4 * at[i % 12 / 4] + i % 4]);
    ag_graph_free(g);
}
END_TEST

/* Thousands of floats that fall on one another are added as accurately as in pairs. */
START_TEST(overlapping_floats_hardly_round)
{
    enum { N = 80 };
    float x[N] = { 0 }, got[N], tenth = 0.1f;
    int hits[N] = { 0 };
    ag_graph *g = ag_graph_new(NULL);
    ag_node *of_x = ag_parameter(g, NULL, AG_F32, AG_SHAPE(N), x), *y = ag_cast(ag_number(g, 0), AG_F32), *d;
    for (int from = 0; from < N; from++)
        for (int end = from + 1; end <= N; end++) {
            y = ag_add(y, ag_mul(ag_cast(ag_number(g, tenth), AG_F32), ag_sum(ag_slice(of_x, 0, from, end, 1))));
            for (int i = from; i < end; i++) hits[i]++;
        }
    ck_assert_int_eq(ag_gradient(y, 1, &of_x, &d), AG_OK);
    ag_plan *p = ag_compile(g, 1, &d, NULL);
    ag_run *r = ag_run_new(p);
    ck_assert_int_eq(ag_eval(r), AG_OK);
    ck_assert_int_eq(ag_fetch(r, d, got), AG_OK);
    for (int i = 0; i < N; i++) expect_close(got[i], hits[i] * (double)tenth, 3e-7);
    ag_run_free(r), ag_plan_free(p), ag_graph_free(g);
}
END_TEST

/* ---- indices ----------------------------------------------------------------------------------------------------- */

/* Rows looked up one by one: all of them are added in one go. */
START_TEST(lookups_are_added_together)
{
    enum { ROWS = 30, COLUMNS = 6, TIMES = 50 };
    uint64_t seed = 9;
    double x[ROWS * COLUMNS], c[2 * COLUMNS], want[ROWS * COLUMNS] = { 0 }, got[ROWS * COLUMNS], *results[] = { got };
    ag_graph *g = ag_graph_new(NULL);
    ag_node *of_x = random_tensor(g, AG_F64, AG_SHAPE(ROWS, COLUMNS), &seed, x), *y = ag_number(g, 0), *d;
    for (int k = 0; k < TIMES; k++) {
        const int64_t at[] = { k * 7 % ROWS, -1 - k * 11 % ROWS };
        ag_node *row = ag_gather(of_x, 0, ag_constant(g, AG_I64, AG_SHAPE(2), at));
        y = ag_add(y, ag_sum(ag_mul(row, random_tensor(g, AG_F64, AG_SHAPE(2, COLUMNS), &seed, c))));
        for (int i = 0; i < 2 * COLUMNS; i++)
            want[(i < COLUMNS ? at[0] : ROWS + at[1]) * COLUMNS + i % COLUMNS] += c[i];
    }
    ck_assert_int_eq(ag_gradient(y, 1, &of_x, &d), AG_OK);
    char *text = text_of(g, 1, &d, NULL);
    ck_assert_msg(count(text, "call scatter_add") == 1, "%.900s", text);
    test_evaluate(1, &d, NULL, results);
    for (int i = 0; i < ROWS * COLUMNS; i++) expect_close(got[i], want[i], 1e-14);
    free(text);
    ag_graph_free(g);
}
END_TEST

Suite *suite_slices(void)
{
    Suite *s = suite_create("slices");
    TCase *t = tcase_create("slices");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, elements_are_one_program);
    tcase_add_loop_test(t, pieces_are_put_together, 0, 2 * (int)COUNT(all_pieces));
    tcase_add_loop_test(t, parts_of_what_is_one_stay_one, 0, 3);
    tcase_add_test(t, overlapping_floats_hardly_round);
    tcase_add_test(t, lookups_are_added_together);
    suite_add_tcase(s, t);
    return s;
}
