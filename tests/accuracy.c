/* Accuracy: values, first and second derivatives of every pointwise operation, in ulp of what MPFR gives. AG_TABLE=1 in
 * the environment prints the largest error of each. */
#include "accuracy.h"

#include <float.h>

/* Value, first and second derivative, unless a row says otherwise. */
static const double default_bound[ACCURACY_ORDERS] = { 4, 4, 16 };

enum { MOST_OUTPUTS = 1 + 3 + 6 };

/* The value and all derivatives to second order, as nodes and as exact numbers. */
typedef struct {
    int n, i[MOST_OUTPUTS], j[MOST_OUTPUTS];
    long double *exact[MOST_OUTPUTS];
} outputs;

static outputs make_outputs(const accuracy_row *r)
{
    outputs o = { .n = 1, .i = { -1 }, .j = { -1 } };
    for (int i = 0; i < r->n; i++, o.n++) o.i[o.n] = i, o.j[o.n] = -1;
    for (int i = 0; i < r->n; i++)
        for (int j = i; j < r->n; j++, o.n++) o.i[o.n] = i, o.j[o.n] = j;
    return o;
}

static int order_of(const outputs *o, int k)
{
    return (o->i[k] >= 0) + (o->j[k] >= 0);
}

static ag_status differentiate(ag_node *y, int n, ag_node *const x[], ag_node *dx[])
{
    return ag_gradient(ag_sum(y), n, x, dx);
}

static void evaluate(const accuracy_row *r, ag_dtype dtype, int isa, size_t points, double *const x[], double *got[])
{
    ag_graph *g = ag_graph_new(NULL);
    ag_node *in[ACCURACY_OPERANDS], *node[MOST_OUTPUTS], *second[ACCURACY_OPERANDS];
    ag_options options = test_options();
    int n = 1 + r->n;
    if (isa) options.isa = isa;
    for (int k = 0; k < r->n; k++) in[k] = op_leaf(g, dtype, AG_SHAPE((int64_t)points), x[k]);
    node[0] = r->build(in, &r->arg);
    differentiate(node[0], r->n, in, node + 1);
    for (int i = 0; i < r->n; i++) {
        differentiate(node[1 + i], r->n, in, second);
        for (int j = i; j < r->n; j++) node[n++] = second[j];
    }
    expect_well(g);
    test_evaluate(n, node, &options, got);
    ag_graph_free(g);
}

/* ---- how far ----------------------------------------------------------------------------------------------------- */

double accuracy_distance(ag_dtype dtype, double got, long double want, double least)
{
    int digits = dtype == AG_F32 ? FLT_MANT_DIG : DBL_MANT_DIG, exponent;
    int lowest = dtype == AG_F32 ? FLT_MIN_EXP : DBL_MIN_EXP, most = dtype == AG_F32 ? FLT_MAX_EXP : DBL_MAX_EXP;
    long double limit = ldexpl(1, most), found = got;
    if (isinf(got)) found = got > 0 ? limit : -limit;
    if (want > limit) want = limit;
    if (want < -limit) want = -limit;
    frexpl(fabsl(want) < least ? least : want, &exponent);
    if (exponent > most) exponent = most;
    if ((want == 0 && least == 0) || exponent < lowest) exponent = lowest;
    long double error = fabsl(found - want);
    return isnan(got) ? INFINITY : (double)(error / ldexpl(1, exponent - digits));
}

static const char *const order_name[] = { "value", "first derivative", "second derivative" };

/* What row's `least` says of point p. */
static double least_at(const accuracy_row *r, ag_dtype dtype, double *const x[], size_t p, int order)
{
    double at[ACCURACY_OPERANDS] = { 0 };
    for (int k = 0; k < r->n; k++) at[k] = x[k][p];
    return r->least ? r->least(at, order, dtype == AG_F32 ? FLT_MIN : DBL_MIN) : 0;
}

static double largest(const accuracy_row *r, ag_dtype dtype, const outputs *o, int k, size_t points,
                      double *const x[], const double *got)
{
    int order = order_of(o, k);
    const double *bounds = dtype == AG_F32 ? r->f32 : r->f64;
    double bound = bounds[order] != 0 ? bounds[order] : default_bound[order], most = 0;
    for (size_t p = 0; p < points; p++) {
        if (isnan(o->exact[k][p])) continue;
        double off = accuracy_distance(dtype, got[p], o->exact[k][p], least_at(r, dtype, x, p, order));
        if (off > most) most = off;
        ck_assert_msg(off <= bound || getenv("AG_TABLE"),
                      "%s of %s (%d %d), f%d, at %.17g %.17g %.17g: %.17g, not %.17Lg; %.3g ulp", order_name[order],
                      r->op, o->i[k], o->j[k], dtype == AG_F32 ? 32 : 64, x[0][p], r->n > 1 ? x[1][p] : 0,
                      r->n > 2 ? x[2][p] : 0, got[p], o->exact[k][p], off);
    }
    return most;
}

static void find_exact(const accuracy_row *r, ag_dtype dtype, outputs *o, size_t points, double *const x[])
{
    for (int k = 0; k < o->n; k++) {
        o->exact[k] = malloc(points * sizeof *o->exact[k]);
        for (size_t p = 0; p < points; p++) {
            double at[ACCURACY_OPERANDS] = { 0 };
            for (int i = 0; i < r->n; i++) at[i] = x[i][p];
            int open = isnan(least_at(r, dtype, x, p, order_of(o, k)));
            o->exact[k][p] = open ? (long double)NAN : accuracy_exact(r, at, o->i[k], o->j[k]);
        }
    }
}

static void examine(const accuracy_row *r, ag_dtype dtype, double most[ACCURACY_ORDERS])
{
    double *x[ACCURACY_OPERANDS], *got[MOST_OUTPUTS];
    size_t points = accuracy_points(r, dtype, x);
    outputs o = make_outputs(r);
    find_exact(r, dtype, &o, points, x);
    for (int k = 0; k < o.n; k++) got[k] = malloc(points * sizeof **got);
    for (int isa = 0; isa <= 1; isa++) { /* the best one, the baseline */
        evaluate(r, dtype, isa, points, x, got);
        for (int k = 0; k < o.n; k++) {
            double off = largest(r, dtype, &o, k, points, x, got[k]);
            most[order_of(&o, k)] = fmax(most[order_of(&o, k)], off);
        }
    }
    for (int k = 0; k < o.n; k++) free(got[k]), free(o.exact[k]);
    for (int k = 0; k < r->n; k++) free(x[k]);
}

/* ---- the tests --------------------------------------------------------------------------------------------------- */

START_TEST(every_row)
{
    const accuracy_row *r = &accuracy_rows[_i];
    double most[2][ACCURACY_ORDERS] = { { 0 } };
    examine(r, AG_F32, most[0]);
    if (!test_quick()) examine(r, AG_F64, most[1]); /* valgrind's long double is a double */
    if (getenv("AG_TABLE")) {
        printf("%-20s", r->op);
        for (int k = 0; k < 6; k++) printf(" %9.3g", most[k / 3][k % 3]);
        printf("\n");
    }
    mpfr_free_cache();
}
END_TEST

START_TEST(every_pointwise_operation_has_a_row)
{
    static const ag_op *const registry[] = {
#define NODE(name) &agi_##name,
#include "nodes.def"
#undef NODE
    };
    for (size_t i = 0; i < COUNT(registry); i++) {
        size_t k = 0;
        if (!registry[i]->code && !(registry[i]->flags & AG_POINTWISE)) continue;
        while (k < accuracy_rows_count && strcmp(accuracy_rows[k].op, registry[i]->name)) k++;
        ck_assert_msg(k < accuracy_rows_count, "%s has no row", registry[i]->name);
    }
}
END_TEST

Suite *suite_accuracy(void)
{
    Suite *suite = suite_create("accuracy");
    TCase *rows = tcase_create("rows");
    tcase_set_timeout(rows, 120);
    tcase_add_test(rows, every_pointwise_operation_has_a_row);
    tcase_add_loop_test(rows, every_row, 0, (int)accuracy_rows_count);
    suite_add_tcase(suite, rows);
    return suite;
}
