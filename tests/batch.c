/* Batches, for every row of the operations' table: the batched graph against the graph built anew for each value, and
 * Hessians' Jacobians against third differences of values. */
#include "op_table.h"
#include "derive/derive.h"

enum { BATCH = 3, MOST_IN = 3 };

/* ---- all cases --------------------------------------------------------------------------------------------------- */

static void each_point(int i, void (*check)(const op_case *))
{
    for (int v = 0; v < op_variants(op_points[i].n); v++) {
        op_case c = op_case_of_point(&op_points[i], v);
        check(&c);
        op_case_free(&c);
    }
}

static void each_row(int table, void (*check)(const op_case *))
{
    for (size_t i = 0; i < *op_tables[table].count; i++) {
        op_case c = op_case_of_row(&op_tables[table].row[i]);
        check(&c);
        op_case_free(&c);
    }
}

/* ---- values ------------------------------------------------------------------------------------------------------ */

/* The case's own values, each moved on by `shift` places. */
static void shifted(const op_case *c, int k, int64_t shift, double *to)
{
    int64_t n = op_count(c->in[k]);
    for (int64_t i = 0; i < n; i++) to[i] = c->value[k][(i + shift) % n];
}

static double *plain_value(const op_case *c, unsigned subset, int64_t shift)
{
    ag_graph *g = ag_graph_new(NULL);
    ag_node *in[MOST_IN] = { NULL };
    double *out = malloc((size_t)op_count(c->out) * sizeof *out);
    for (int k = 0; k < c->n; k++) {
        double *x = malloc((size_t)op_count(c->in[k]) * sizeof *x);
        shifted(c, k, subset >> k & 1 ? shift : 0, x);
        in[k] = ag_parameter(g, NULL, AG_F64, c->in[k], x);
        free(x);
    }
    ag_node *y = c->build(in, c->arg);
    test_evaluate(1, &y, NULL, &out);
    ag_graph_free(g);
    return out;
}

static ag_node *batch_leaf(const op_case *c, int k, const ag_node *u)
{
    int64_t n = op_count(c->in[k]);
    double *x = malloc((size_t)(BATCH * n) * sizeof *x);
    for (int b = 0; b < BATCH; b++) shifted(c, k, b + 1, x + b * n);
    ag_node *leaf = ag_parameter(u->graph, NULL, AG_F64, ag_batch_shape(u, BATCH), x);
    free(x);
    return leaf;
}

/* Assignments have one value; loops and branches go one way for all of a batch. */
static int is_refusal(const op_case *c, ag_graph *g, ag_status status)
{
    if (c->flags & ROW_EFFECT) {
        ck_assert_int_eq(status, AG_ENOGRAD);
        expect_error(g, AG_ENOGRAD, "test", "assign");
        return 1;
    }
    return status == AG_ENOGRAD && strstr(ag_graph_error(g), "differs within a batch");
}

static void check_subset(const op_case *c, unsigned subset)
{
    ag_graph *g = ag_graph_new(NULL);
    ag_node *in[MOST_IN] = { NULL }, *u[MOST_IN], *of_u[MOST_IN], *all;
    int nu = 0;
    for (int k = 0; k < c->n; k++) {
        in[k] = ag_parameter(g, NULL, AG_F64, c->in[k], c->value[k]);
        if (!(subset >> k & 1)) continue;
        u[nu] = in[k];
        of_u[nu++] = batch_leaf(c, k, in[k]);
    }
    ag_node *y = c->build(in, c->arg);
    int64_t n = op_count(c->out);
    ag_status status = agi_batch("test", BATCH, nu, u, of_u, 1, &y, &all);
    if (is_refusal(c, g, status)) {
        ag_graph_free(g);
        return;
    }
    ck_assert_msg(status == AG_OK, "%s, subset %u: %s", c->label, subset, ag_graph_error(g));
    expect_shape(all, ag_batch_shape(y, BATCH));
    double *got = malloc((size_t)(BATCH * n) * sizeof *got);
    test_evaluate(1, &all, NULL, &got);
    for (int b = 0; b < BATCH; b++) {
        double *want = plain_value(c, subset, b + 1), tolerance = c->flags & ROW_LOOSE ? 1e-11 : 1e-13;
        for (int64_t i = 0; i < n; i++)
            ck_assert_msg(test_close(got[b * n + i], want[i], tolerance),
                          "%s, subset %u: element %lld of %d is %.17g, not %.17g", c->label, subset, (long long)i, b,
                          got[b * n + i], want[i]);
        free(want);
    }
    free(got);
    ag_graph_free(g);
}

static void check_values(const op_case *c)
{
    for (unsigned subset = 1; subset < 1u << c->n; subset++) check_subset(c, subset);
}

START_TEST(point_values)
{
    each_point(_i, check_values);
}
END_TEST

START_TEST(row_values)
{
    each_row(_i, check_values);
}
END_TEST

/* ---- third derivatives ------------------------------------------------------------------------------------------- */

enum { MOST_VARIABLES = 18, STENCIL = 9, STEPS = 5 };

typedef struct {
    int64_t n;
    double at[MOST_VARIABLES];
    ag_graph *g;
    ag_node *x, *f; /* f(x): a weighted sum of the case's y, x all operands one after the other */
} function;

static ag_node *weighted(ag_node *y)
{
    uint64_t seed = 11;
    return ag_sum(ag_mul(test_constant(y->graph, ag_shape_of(y), &seed, 0.5, 1.5), y));
}

static function function_of(const op_case *c)
{
    function f = { .g = ag_graph_new(NULL) };
    ag_node *in[MOST_IN];
    for (int k = 0; k < c->n; f.n += op_count(c->in[k++]))
        for (int64_t i = 0; i < op_count(c->in[k]); i++) f.at[f.n + i] = c->value[k][i];
    f.x = ag_parameter(f.g, NULL, AG_F64, AG_SHAPE(f.n), f.at);
    for (int64_t k = 0, from = 0; k < c->n; from += op_count(c->in[k++]))
        in[k] = ag_reshape(ag_slice(f.x, 0, from, from + op_count(c->in[k]), 1), c->in[k]);
    ag_node *y = c->build(in, c->arg);
    f.f = weighted(y);
    expect_well(f.g);
    return f;
}

/* The third derivative of f(at + t direction) at t = 0 by central differences of order 6. */
static double third_difference(const function *f, ag_run *run, const double *direction, double h)
{
    static const double weight[STENCIL] = { -7.0 / 240, 3.0 / 10, -169.0 / 120, 61.0 / 30, 0, -61.0 / 30, 169.0 / 120,
                                            -3.0 / 10, 7.0 / 240 };
    double sum = 0, x[MOST_VARIABLES];
    const ag_node *counter = ag_find(f->g, "random/counter");
    const int64_t first = 0;
    for (int k = 0; k < STENCIL; k++) {
        for (int64_t i = 0; i < f->n; i++) x[i] = f->at[i] + (k - STENCIL / 2) * h * direction[i];
        ck_assert_int_eq(ag_feed(run, f->x, x), AG_OK);
        if (counter) ck_assert_int_eq(ag_feed(run, counter, &first), AG_OK); /* the same numbers each time */
        ck_assert_msg(ag_eval(run) == AG_OK, "%s", ag_run_error(run));
        sum += weight[k] * ag_item(run, f->f);
    }
    return sum / (h * h * h);
}

static double contracted(int64_t n, const double *third, const double *v)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < n; j++)
            for (int64_t k = 0; k < n; k++) sum += third[(i * n + j) * n + k] * v[i] * v[j] * v[k];
    return sum;
}

static void against_differences(const op_case *c, const function *f, const double *third)
{
    uint64_t seed = 5;
    ag_options options = test_options();
    ag_plan *plan = ag_compile(f->g, 1, &f->f, &options);
    ag_run *run = ag_run_new(plan);
    for (int trial = 0; trial < 4; trial++) {
        double v[MOST_VARIABLES], best = INFINITY, numeric = 0, h = 0.04;
        for (int64_t i = 0; i < f->n; i++) v[i] = test_random(&seed, 0.4, 1) * (test_random(&seed, -1, 1) < 0 ? -1 : 1);
        double analytic = contracted(f->n, third, v);
        for (int s = 0; s < STEPS; s++, h /= 2) {
            double d = third_difference(f, run, v, h), error = fabs(d - analytic) / fmax(1, fabs(analytic));
            if (!(error < best)) continue;
            best = error;
            numeric = d;
        }
        ck_assert_msg(best <= 2e-6, "%s: third derivative %.12g, by differences %.12g", c->label, analytic, numeric);
    }
    ag_run_free(run);
    ag_plan_free(plan);
}

static void symmetric(const op_case *c, int64_t n, const double *third)
{
    double largest = 1;
    for (int64_t i = 0; i < n * n * n; i++) largest = fmax(largest, fabs(third[i]));
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j <= i; j++)
            for (int64_t k = 0; k <= j; k++) {
                double a = third[(i * n + j) * n + k], b = third[(j * n + k) * n + i], d = third[(k * n + i) * n + j];
                double e = third[(j * n + i) * n + k];
                ck_assert_msg(fabs(a - b) + fabs(a - d) + fabs(a - e) <= 1e-10 * largest,
                              "%s: third derivatives %lld %lld %lld are %g %g %g %g", c->label, (long long)i,
                              (long long)j, (long long)k, a, b, d, e);
            }
}

static int wanted(const op_case *c)
{
    int64_t n = 0;
    for (int k = 0; k < c->n; k++) n += op_count(c->in[k]);
    return n <= MOST_VARIABLES && !(c->flags & (ROW_NO_GRADIENT | ROW_STOPPED | ROW_EFFECT));
}

static void check_third(const op_case *c)
{
    if (!wanted(c)) return;
    function f = function_of(c);
    ag_node *y = f.f, *third = ag_jacobian(ag_hessian(y, f.x), f.x);
    ck_assert_msg(!ag_is_bad(third), "%s: %s", c->label, ag_graph_error(f.g));
    expect_shape(third, AG_SHAPE(f.n, f.n, f.n));
    double *value = malloc((size_t)ag_size_of(third) * sizeof *value);
    test_evaluate(1, &third, NULL, &value);
    symmetric(c, f.n, value);
    against_differences(c, &f, value);
    free(value);
    ag_graph_free(f.g);
}

START_TEST(point_thirds)
{
    each_point(_i, check_third);
}
END_TEST

START_TEST(row_thirds)
{
    each_row(_i, check_third);
}
END_TEST

/* Every smooth operation is among the cases. */
START_TEST(all_smooth)
{
    static const ag_op *const registry[] = {
#define NODE(name) &agi_##name,
#include "nodes.def"
#undef NODE
    };
    for (size_t i = 0; i < COUNT(registry); i++) {
        int found = !(registry[i]->flags & AG_SMOOTH);
        for (size_t k = 0; k < op_points_count && !found; k++) found = !strcmp(op_points[k].op, registry[i]->name);
        for (size_t t = 0; t < OP_TABLES; t++)
            for (size_t k = 0; k < *op_tables[t].count && !found; k++) {
                op_case c = op_case_of_row(&op_tables[t].row[k]);
                found = wanted(&c) && !strcmp(c.op, registry[i]->name);
                op_case_free(&c);
            }
        ck_assert_msg(found, "no third derivatives of %s", registry[i]->name);
    }
}
END_TEST

Suite *suite_batch(void)
{
    Suite *s = suite_create("batch");
    TCase *values = tcase_create("values"), *thirds = tcase_create("third derivatives");
    tcase_set_timeout(values, 120);
    tcase_set_timeout(thirds, 240);
    tcase_add_loop_test(values, point_values, 0, (int)op_points_count);
    tcase_add_loop_test(values, row_values, 0, OP_TABLES);
    tcase_add_loop_test(thirds, point_thirds, 0, (int)op_points_count);
    tcase_add_loop_test(thirds, row_thirds, 0, OP_TABLES);
    tcase_add_test(thirds, all_smooth);
    suite_add_tcase(s, values);
    suite_add_tcase(s, thirds);
    return s;
}
