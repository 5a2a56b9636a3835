/* Steps that go along the rows of one large matrix together: what they compute, whatever stands between them. */
#include "test.h"

#include <string.h>

enum { MOST = 4, ROWS = 1500, MOST_COLUMNS = 180, MOST_ELEMENTS = 3 * ROWS };

typedef struct {
    ag_dtype dtype;
    int64_t columns;             /* of X [ROWS, columns], which is a little larger than what bands are made for */
    ag_graph *graph;
    ag_node *x, *w, *v, *u;      /* X, [columns], [columns], [ROWS] */
    double *of_x, of_w[MOST_COLUMNS], of_v[MOST_COLUMNS], of_u[ROWS];
} data;

typedef struct {
    int n;
    ag_node *node[MOST];
    long double want[MOST][MOST_ELEMENTS];
} results;

/* ---- by plain loops ---------------------------------------------------------------------------------------------- */

static void forward(const data *d, const double *w, long double *out)
{
    for (int64_t i = 0; i < ROWS; i++) {
        out[i] = 0;
        for (int64_t j = 0; j < d->columns; j++) out[i] += (long double)d->of_x[i * d->columns + j] * w[j];
    }
}

static void backward(const data *d, const long double *r, long double *out)
{
    for (int64_t j = 0; j < d->columns; j++) out[j] = 0;
    for (int64_t i = 0; i < ROWS; i++)
        for (int64_t j = 0; j < d->columns; j++) out[j] += d->of_x[i * d->columns + j] * r[i];
}

/* ---- programs ---------------------------------------------------------------------------------------------------- */

static void two_products(const data *d, results *r)
{
    r->n = 2;
    r->node[0] = ag_dot(d->x, d->w), r->node[1] = ag_dot(d->x, d->v);
    forward(d, d->of_w, r->want[0]), forward(d, d->of_v, r->want[1]);
}

static void there_and_back(const data *d, results *r)
{
    static long double m[ROWS];
    r->n = 1;
    r->node[0] = ag_dot(ag_transpose(d->x, NULL), ag_dot(d->x, d->v));
    forward(d, d->of_v, m), backward(d, m, r->want[0]);
}

/* loss = mean(softplus(u m)), m = X w; its gradient; its Hessian times v. */
static void regression(const data *d, results *r)
{
    static long double m[ROWS], t[ROWS];
    ag_node *loss = ag_mean(ag_softplus(ag_mul(d->u, ag_dot(d->x, d->w)))), *w = d->w;
    r->n = 3;
    r->node[0] = loss;
    ck_assert_int_eq(ag_gradient(loss, 1, &w, &r->node[1]), AG_OK);
    r->node[2] = ag_hvp(loss, d->w, d->v);
    forward(d, d->of_w, m), forward(d, d->of_v, t);
    r->want[0][0] = 0;
    for (int i = 0; i < ROWS; i++) {
        const long double u = d->of_u[i], p = 1 / (1 + expl(-u * m[i]));
        r->want[0][0] += log1pl(expl(u * m[i])) / ROWS;
        m[i] = u * p / ROWS, t[i] *= u * u * p * (1 - p) / ROWS;
    }
    backward(d, m, r->want[1]), backward(d, t, r->want[2]);
}

/* The gradient without the loss, scaled by what is computed meanwhile. */
static void gradient_alone(const data *d, results *r)
{
    static long double m[ROWS];
    long double norm = 0;
    ag_node *m_ = ag_tanh(ag_dot(d->x, d->w)), *scale = ag_sqrt(ag_sum(ag_square(d->v)));
    r->n = 2;
    r->node[0] = ag_dot(ag_transpose(d->x, NULL), ag_mul(ag_mul(m_, d->u), scale));
    r->node[1] = ag_sum(ag_square(m_));
    forward(d, d->of_w, m);
    for (int j = 0; j < d->columns; j++) norm += (long double)d->of_v[j] * d->of_v[j];
    r->want[1][0] = 0;
    for (int i = 0; i < ROWS; i++) {
        r->want[1][0] += tanhl(m[i]) * tanhl(m[i]);
        m[i] = tanhl(m[i]) * d->of_u[i] * sqrtl(norm);
    }
    backward(d, m, r->want[0]);
}

/* What all rows are needed for comes between. */
static void centred(const data *d, results *r)
{
    static long double m[ROWS];
    long double mean = 0;
    ag_node *m_ = ag_dot(d->x, d->w);
    r->n = 1;
    r->node[0] = ag_dot(ag_sub(m_, ag_mean(m_)), d->x);
    forward(d, d->of_w, m);
    for (int i = 0; i < ROWS; i++) mean += m[i] / ROWS;
    for (int i = 0; i < ROWS; i++) m[i] -= mean;
    backward(d, m, r->want[0]);
}

/* Other rows' elements are read, of later rows, too. */
static void flipped(const data *d, results *r)
{
    static long double m[ROWS], other[ROWS];
    r->n = 1;
    r->node[0] = ag_dot(ag_mul(ag_flip(ag_dot(d->x, d->w), 0), d->u), d->x);
    forward(d, d->of_w, m);
    for (int i = 0; i < ROWS; i++) other[i] = m[ROWS - 1 - i] * d->of_u[i];
    backward(d, other, r->want[0]);
}

static void shifted(const data *d, results *r)
{
    static long double m[ROWS], other[ROWS];
    ag_node *m_ = ag_dot(d->x, d->w), *zero = ag_sub(ag_slice(d->u, 0, 0, 1, 1), ag_slice(d->u, 0, 0, 1, 1));
    r->n = 1;
    r->node[0] = ag_dot(ag_concat(2, (ag_node *[]){ ag_slice(m_, 0, 1, ROWS, 1), zero }, 0), d->x);
    forward(d, d->of_w, m);
    for (int i = 0; i < ROWS; i++) other[i] = i + 1 < ROWS ? m[i + 1] : 0;
    backward(d, other, r->want[0]);
}

/* Several vectors at once: W [columns, 3] from w and v, rows of three between. */
static void three_columns(const data *d, results *r)
{
    static long double m[3][ROWS], sum[MOST_COLUMNS];
    ag_node *w = ag_reshape(d->w, AG_SHAPE(d->columns, 1)), *v = ag_reshape(d->v, AG_SHAPE(d->columns, 1));
    ag_node *m_ = ag_matmul(d->x, ag_concat(3, (ag_node *[]){ w, v, ag_sub(w, v) }, 1));
    r->n = 2;
    r->node[0] = ag_matmul(ag_transpose(d->x, NULL), ag_square(m_));
    r->node[1] = ag_dot(ag_transpose(d->x, NULL), ag_sum_axis(ag_square(m_), 1, 0));
    forward(d, d->of_w, m[0]), forward(d, d->of_v, m[1]);
    for (int i = 0; i < ROWS; i++) {
        m[2][i] = m[0][i] - m[1][i];
        for (int k = 0; k < 3; k++) m[k][i] *= m[k][i];
    }
    memset(r->want[1], 0, sizeof r->want[1]);
    for (int k = 0; k < 3; k++) {
        backward(d, m[k], sum);
        for (int j = 0; j < d->columns; j++) r->want[0][3 * j + k] = sum[j], r->want[1][j] += sum[j];
    }
}

/* Columns of which two are there before the products, where a pass stores them, and one after them. */
static void columns_of_three_steps(const data *d, results *r)
{
    static long double m[ROWS], g[MOST_COLUMNS], column[ROWS];
    const ag_shape shape = AG_SHAPE(d->columns, 1);
    ag_node *g_ = ag_dot(ag_transpose(d->x, NULL), ag_dot(d->x, d->w));
    ag_node *part[] = { ag_reshape(ag_square(d->v), shape), ag_reshape(ag_neg(d->v), shape), ag_reshape(g_, shape) };
    double of[MOST_COLUMNS];
    r->n = 1;
    r->node[0] = ag_matmul(d->x, ag_concat(3, part, 1));
    forward(d, d->of_w, m), backward(d, m, g);
    for (int k = 0; k < 3; k++) {
        for (int j = 0; j < d->columns; j++)
            of[j] = k == 0 ? d->of_v[j] * d->of_v[j] : k == 1 ? -d->of_v[j] : (double)g[j];
        forward(d, of, column);
        for (int i = 0; i < ROWS; i++) r->want[0][3 * i + k] = column[i];
    }
}

/* Rows of X along the columns of a result: a row vector, then two of them. */
static void along_columns(const data *d, results *r)
{
    static long double m[2][ROWS];
    ag_node *w = ag_reshape(d->w, AG_SHAPE(1, d->columns)), *v = ag_reshape(d->v, AG_SHAPE(1, d->columns));
    ag_node *one = ag_matmul(w, ag_transpose(d->x, NULL)), *both = ag_concat(2, (ag_node *[]){ w, v }, 0);
    r->n = 3;
    r->node[0] = ag_matmul(ag_square(one), d->x);
    r->node[1] = ag_matmul(both, ag_transpose(d->x, NULL));
    r->node[2] = ag_matmul(ag_square(r->node[1]), d->x);
    forward(d, d->of_w, m[0]), forward(d, d->of_v, m[1]);
    for (int k = 0; k < 2; k++)
        for (int i = 0; i < ROWS; i++) {
            r->want[1][k * ROWS + i] = m[k][i];
            m[k][i] *= m[k][i];
        }
    backward(d, m[0], r->want[0]);
    backward(d, m[0], r->want[2]), backward(d, m[1], r->want[2] + d->columns);
}

/* ---- every way of executing -------------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    void (*build)(const data *, results *);
    int together;
} programs[] = {
    { "two products", two_products, 1 }, { "there and back", there_and_back, 1 }, { "regression", regression, 1 },
    { "gradient alone", gradient_alone, 1 }, { "centred", centred, 0 }, { "flipped", flipped, 0 },
    { "shifted", shifted, 0 }, { "three columns", three_columns, 1 }, { "along columns", along_columns, 1 },
    { "columns of three steps", columns_of_three_steps, 1 },
};

static data make(ag_dtype dtype)
{
    uint64_t seed = 5;
    data d = { .dtype = dtype, .columns = dtype == AG_F32 ? MOST_COLUMNS : MOST_COLUMNS / 2 };
    d.of_x = malloc((size_t)(ROWS * d.columns) * sizeof *d.of_x);
    ck_assert(d.of_x);
    for (int64_t i = 0; i < ROWS * d.columns; i++) d.of_x[i] = (float)test_random(&seed, -1, 1);
    for (int64_t j = 0; j < d.columns; j++) d.of_w[j] = (float)test_random(&seed, -0.3, 0.3);
    for (int64_t j = 0; j < d.columns; j++) d.of_v[j] = (float)test_random(&seed, -1, 1);
    for (int64_t i = 0; i < ROWS; i++) d.of_u[i] = (float)test_random(&seed, -1, 1);
    d.graph = ag_graph_new(NULL);
    d.x = ag_cast(ag_parameter(d.graph, "X", AG_F64, AG_SHAPE(ROWS, d.columns), d.of_x), dtype);
    d.w = ag_cast(ag_parameter(d.graph, "w", AG_F64, AG_SHAPE(d.columns), d.of_w), dtype);
    d.v = ag_cast(ag_parameter(d.graph, "v", AG_F64, AG_SHAPE(d.columns), d.of_v), dtype);
    d.u = ag_cast(ag_parameter(d.graph, "u", AG_F64, AG_SHAPE(ROWS), d.of_u), dtype);
    return d;
}

static int is_together(const ag_plan *p)
{
    char *text = NULL;
    size_t size;
    FILE *to = open_memstream(&text, &size);
    ck_assert(to && ag_write_text(to, p) == 0);
    fclose(to);
    const int found = strstr(text, "rows at a time") != NULL;
    free(text);
    return found;
}

static void compare(const char *name, ag_dtype dtype, int64_t n, const double *got, const long double *want)
{
    long double scale = 0;
    for (int64_t i = 0; i < n; i++) scale = fmaxl(scale, fabsl(want[i]));
    for (int64_t i = 0; i < n; i++)
        ck_assert_msg(fabsl(got[i] - want[i]) <= scale * (dtype == AG_F32 ? 2e-5L : 4e-14L),
                      "%s: element %d is %.17g, not %.17Lg", name, (int)i, got[i], want[i]);
}

static void check(const char *name, const results *r, ag_dtype dtype, const ag_options *o,
                  double got[MOST][MOST_ELEMENTS])
{
    double *out[MOST];
    for (int k = 0; k < MOST; k++) out[k] = got[k];
    test_evaluate(r->n, r->node, o, out);
    for (int k = 0; k < r->n; k++) compare(name, dtype, ag_size_of(r->node[k]), got[k], r->want[k]);
}

static void check_program(size_t which, ag_dtype dtype)
{
    static results r;
    static double got[4][MOST][MOST_ELEMENTS];
    ag_options o = test_options(), threads = o, checked = o, native = test_native();
    data d = make(dtype);
    threads.threads = 2, checked.verify = checked.poison = 1;
    programs[which].build(&d, &r);
    expect_well(d.graph);
    ag_plan *p = ag_compile(d.graph, r.n, r.node, &checked);
    ck_assert_msg(p != NULL, "%s: %s", programs[which].name, ag_graph_error(d.graph));
    ck_assert_msg(is_together(p) == programs[which].together, "%s", programs[which].name);
    ag_plan_free(p);
    check(programs[which].name, &r, dtype, &o, got[0]);
    check(programs[which].name, &r, dtype, &threads, got[1]);
    check(programs[which].name, &r, dtype, &checked, got[2]);
    check(programs[which].name, &r, dtype, &native, got[3]);
    ck_assert_msg(!memcmp(got[0], got[1], sizeof got[0]), "%s: threads change bits", programs[which].name);
    ck_assert_msg(!memcmp(got[0], got[2], sizeof got[0]), "%s: poison changes bits", programs[which].name);
    ag_graph_free(d.graph);
    free(d.of_x);
}

START_TEST(agree_with_loops)
{
    check_program((size_t)_i % COUNT(programs), (size_t)_i < COUNT(programs) ? AG_F64 : AG_F32);
}
END_TEST

/* Parameters change after everything has read them, however often. */
START_TEST(updates)
{
    static long double m[ROWS], gradient[MOST_COLUMNS];
    data d = make(AG_F64);
    ag_node *x = ag_find(d.graph, "X"), *w = ag_find(d.graph, "w"), *loss, *gradient_, *step;
    loss = ag_sum(ag_square(ag_sub(ag_dot(x, w), ag_find(d.graph, "u"))));
    ck_assert_int_eq(ag_gradient(loss, 1, &w, &gradient_), AG_OK);
    step = ag_assign(w, ag_sub(w, ag_scale(gradient_, 1e-5)));
    ag_options o = test_options();
    o.verify = 1;
    ag_plan *p = ag_compile(d.graph, 2, (ag_node *[]){ loss, step }, &o);
    expect_well(d.graph);
    ck_assert(is_together(p));
    ag_run *r = ag_run_new(p);
    for (int k = 0; k < 3; k++) {
        long double want = 0;
        ck_assert_int_eq(ag_eval(r), AG_OK);
        forward(&d, d.of_w, m);
        for (int i = 0; i < ROWS; i++) m[i] -= d.of_u[i], want += m[i] * m[i];
        expect_close(ag_item(r, loss) / (double)want, 1, 1e-13);
        backward(&d, m, gradient);
        for (int j = 0; j < d.columns; j++) d.of_w[j] -= 2e-5 * (double)gradient[j];
    }
    for (int j = 0; j < d.columns; j++) expect_close(((const double *)ag_data(r, w))[j], d.of_w[j], 1e-13);
    ag_run_free(r);
    ag_plan_free(p);
    ag_graph_free(d.graph);
    free(d.of_x);
}
END_TEST

Suite *suite_bands(void)
{
    Suite *s = suite_create("bands");
    TCase *c = tcase_create("bands");
    tcase_set_timeout(c, 120);
    tcase_add_loop_test(c, agree_with_loops, 0, 2 * (int)COUNT(programs));
    tcase_add_test(c, updates);
    suite_add_tcase(s, c);
    return s;
}
