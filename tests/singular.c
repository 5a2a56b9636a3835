/* Singular matrices: determinants and their derivatives, and batches in which one matrix does not fail the others. */
#include "test.h"

#include <dlfcn.h>
#include <unistd.h>

/* ---- cofactors --------------------------------------------------------------------------------------------------- */

enum { ORDER = 10 };

/* Elimination with complete pivoting, of no more than ORDER rows. */
static long double determinant(int n, long double a[ORDER][ORDER])
{
    long double det = 1;
    for (int k = 0; k < n; k++) {
        int p = k, q = k;
        for (int i = k; i < n; i++)
            for (int j = k; j < n; j++)
                if (fabsl(a[i][j]) > fabsl(a[p][q])) p = i, q = j;
        det *= a[p][q] * ((p == k) == (q == k) ? 1 : -1);
        for (int j = 0; j < n; j++) {
            long double t = a[k][j];
            a[k][j] = a[p][j];
            a[p][j] = t;
        }
        for (int i = 0; i < n; i++) {
            long double t = a[i][k];
            a[i][k] = a[i][q];
            a[i][q] = t;
        }
        for (int i = k + 1; i < n && det != 0; i++)
            for (int j = n - 1; j >= k; j--) a[i][j] -= a[i][k] / a[k][k] * a[k][j];
    }
    return det;
}

/* By its minor. */
static double cofactor(int n, const double *x, int row, int column)
{
    long double a[ORDER][ORDER];
    for (int i = 0; i < n - 1; i++)
        for (int j = 0; j < n - 1; j++) a[i][j] = x[(i + (i >= row)) * n + j + (j >= column)];
    return (double)determinant(n - 1, a) * ((row + column) % 2 ? -1 : 1);
}

/* How all cofactors change along v: sums of minors without two rows and two columns. */
static void change(int n, const double *x, const double *v, double *out)
{
    for (int at = 0; at < n * n; at++) {
        long double sum = 0;
        for (int by = 0; by < n * n; by++) {
            long double a[ORDER][ORDER];
            int i = at / n, j = at % n, k = by / n, l = by % n;
            if (i == k || j == l) continue;
            for (int r = 0, p = 0; r < n; r++) {
                if (r == i || r == k) continue;
                for (int c = 0, q = 0; c < n; c++)
                    if (c != j && c != l) a[p][q++] = x[r * n + c];
                p++;
            }
            int odd = (i + j + k + l + (k > i) + (l > j)) % 2;
            sum += (odd ? -1 : 1) * v[by] * determinant(n - 2, a);
        }
        out[at] = (double)sum;
    }
}

static void gradient_of_det(ag_dtype dtype, int n, const double *x, double *det, double *out)
{
    float few[ORDER * ORDER];
    ag_graph *g = ag_graph_new(NULL);
    for (int i = 0; i < n * n; i++) few[i] = (float)x[i];
    ag_node *a = ag_parameter(g, NULL, dtype, AG_SHAPE(n, n), dtype == AG_F32 ? (const void *)few : x), *da;
    ag_node *y = ag_det(a);
    ck_assert_int_eq(ag_gradient(y, 1, &a, &da), AG_OK);
    test_evaluate(2, (ag_node *const[]){ y, da }, NULL, (double *const[]){ det, out });
    ag_graph_free(g);
}

/* Of a largest element of about 1. */
static void expect_cofactors(int n, const double *x)
{
    double det, got[ORDER * ORDER], largest = 0;
    for (int dtype = 0; dtype < 2; dtype++) {
        gradient_of_det((ag_dtype)dtype, n, x, &det, got);
        for (int i = 0; i < n * n; i++) largest = fmax(largest, fabs(cofactor(n, x, i / n, i % n)));
        for (int i = 0; i < n * n; i++) {
            double want = cofactor(n, x, i / n, i % n), error = dtype == AG_F32 ? 1e-4 : 1e-13;
            ck_assert_msg(fabs(got[i] - want) <= error * fmax(1, largest),
                          "order %d, type %d: [%d] is %.17g, not %.17g", n, dtype, i, got[i], want);
        }
    }
}

/* x = a sum of `rank` outer products of small whole numbers, which is exact. */
static void make_matrix(int n, int rank, double x[ORDER * ORDER])
{
    uint64_t seed = (uint64_t)(n * 16 + rank);
    for (int i = 0; i < n * n; i++) x[i] = 0;
    for (int k = 0; k < rank; k++) {
        double u[ORDER], v[ORDER];
        for (int i = 0; i < n; i++) {
            u[i] = floor(test_random(&seed, -2, 3));
            v[i] = floor(test_random(&seed, -2, 3));
        }
        for (int i = 0; i < n * n; i++) x[i] += u[i / n] * v[i % n] / 4;
    }
}

START_TEST(cofactors_of_every_rank)
{
    double x[ORDER * ORDER];
    for (int n = 1; n <= ORDER; n++)
        for (int rank = n > 3 ? n - 3 : 0; rank <= n; rank++) {
            make_matrix(n, rank, x);
            expect_cofactors(n, x);
        }
}
END_TEST

/* The second derivative of det along v, backwards and forwards. */
static void expect_change(ag_dtype dtype, int n, const double *x, const double *v)
{
    double want[ORDER * ORDER], got[2][ORDER * ORDER], largest = 1, error = dtype == AG_F32 ? 1e-4 : 1e-13;
    float few[2][ORDER * ORDER];
    for (int i = 0; i < n * n; i++) few[0][i] = (float)x[i], few[1][i] = (float)v[i];
    ag_graph *g = ag_graph_new(NULL);
    ag_node *a = ag_parameter(g, NULL, dtype, AG_SHAPE(n, n), dtype == AG_F32 ? (const void *)few[0] : x), *da, *y[2];
    ag_node *along = ag_constant(g, dtype, AG_SHAPE(n, n), dtype == AG_F32 ? (const void *)few[1] : v);
    ag_gradient(ag_det(a), 1, &a, &da);
    ag_vjp(1, &da, &along, 1, &a, &y[0]);
    ag_jvp(1, &a, &along, 1, &da, &y[1]);
    expect_well(g);
    test_evaluate(2, y, NULL, (double *const[]){ got[0], got[1] });
    change(n, x, v, want);
    for (int i = 0; i < n * n; i++) largest = fmax(largest, fabs(want[i]));
    for (int i = 0; i < 2 * n * n; i++) {
        double off = fabs(got[i % 2][i / 2] - want[i / 2]);
        ck_assert_msg(off <= error * largest, "order %d, type %d, %s: [%d] is %.17g, not %.17g", n, (int)dtype,
                      i % 2 ? "forwards" : "backwards", i / 2, got[i % 2][i / 2], want[i / 2]);
    }
    ag_graph_free(g);
}

START_TEST(changes_of_every_rank)
{
    double x[ORDER * ORDER], v[ORDER * ORDER];
    uint64_t seed = 5;
    for (int n = 2; n < ORDER; n++)
        for (int rank = n > 4 ? n - 4 : 0; rank <= n; rank++)
            for (int dtype = 0; dtype < 2; dtype++) {
                make_matrix(n, rank, x);
                for (int i = 0; i < n * n; i++) v[i] = floor(test_random(&seed, -4, 5));
                expect_change((ag_dtype)dtype, n, x, v);
            }
}
END_TEST

/* Of order 3 the whole Hessian, and the third derivative, which is constant. */
START_TEST(derivatives_of_order_3)
{
    const double x[] = { 1, 2, 3, 2, 4, 6, -1, -2, -3 }, v[] = { 1, 0, 2, 0, 3, 0, 1, 1, 5 };
    ag_graph *g = ag_graph_new(NULL);
    ag_node *a = ag_parameter(g, NULL, AG_F64, AG_SHAPE(3, 3), x), *along = ag_constant(g, AG_F64, AG_SHAPE(3, 3), v);
    ag_node *y[] = { ag_hessian(ag_det(a), a), NULL }, *hv = ag_hvp(ag_det(a), a, along);
    double hessian[81], third[9], unit[9] = { 0 }, want[9];
    ag_gradient(ag_sum(ag_mul(hv, along)), 1, &a, &y[1]);
    expect_well(g);
    test_evaluate(2, y, NULL, (double *const[]){ hessian, third });
    for (int k = 0; k < 9; k++) {
        unit[k] = 1;
        change(3, x, unit, want);
        for (int i = 0; i < 9; i++) expect_close(hessian[k * 9 + i], want[i], 1e-14);
        unit[k] = 0;
    }
    change(3, v, v, want); /* |a + t v|: t^2 times <a, cofactors of v>, of which this is twice the derivative */
    for (int i = 0; i < 9; i++) expect_close(third[i], want[i], 1e-14);
    ag_graph_free(g);
}
END_TEST

/* Pivots of any size, and what is not finite. */
START_TEST(changes_of_extreme_matrices)
{
    static const struct {
        double x[9], v[9], want[9];
    } row[] = {
        { { 1e200, 0, 0, 0, 1e-200, 0, 0, 0, 0 }, { 1, 0, 0, 0, 0, 0, 0, 0, 1 },
          { 1e-200, 0, 0, 0, 1e200, 0, 0, 0, 1e-200 } },
        { { 0 }, { 1, 1, 1, 1, 1, 1, 1, 1, 1 }, { 0 } },
        { { 1e-300, 0, 0, 0, 2e-300 }, { 0, 0, 0, 0, 1e300, 0, 0, 0, 1e300 }, { 2, 0, 0, 0, 1, 0, 0, 0, 1 } },
        { { NAN, 0, 0, 0, 1, 0, 0, 0, 1 }, { 1 }, { NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN } },
    };
    for (size_t k = 0; k < COUNT(row); k++) {
        ag_graph *g = ag_graph_new(NULL);
        ag_node *a = ag_parameter(g, NULL, AG_F64, AG_SHAPE(3, 3), row[k].x);
        ag_node *y = ag_hvp(ag_det(a), a, ag_constant(g, AG_F64, AG_SHAPE(3, 3), row[k].v));
        double got[9];
        test_evaluate(1, &y, NULL, (double *const[]){ got });
        for (int i = 0; i < 9; i++) {
            double want = row[k].want[i];
            int right = (isnan(got[i]) && isnan(want)) || fabs(got[i] - want) <= 1e-14 * fabs(want);
            ck_assert_msg(right, "%zu: [%d] is %.17g, not %.17g", k, i, got[i], want);
        }
        ag_graph_free(g);
    }
}
END_TEST

START_TEST(known_cofactors)
{
    static const struct {
        int n;
        double x[9], want[9];
    } row[] = {
        { 2, { 1, 2, 2, 4 }, { 4, -2, -2, 1 } },
        { 2, { 0 }, { 0 } },
        { 1, { 0 }, { 1 } },
        { 2, { 1e200, 2e200, 2e200, 4e200 }, { 4e200, -2e200, -2e200, 1e200 } },
        { 2, { 1e-310, 2e-310, 2e-310, 4e-310 }, { 4e-310, -2e-310, -2e-310, 1e-310 } },
        { 3, { 1e200, 0, 0, 0, 1e-200, 0, 0, 0, 0 }, { 0, 0, 0, 0, 0, 0, 0, 0, 1 } },
        { 3, { 1e200, 0, 0, 0, 1e200, 0, 0, 0, 1e-150 }, { 1e50, 0, 0, 0, 1e50, 0, 0, 0, INFINITY } },
        { 3, { 1e-300, 0, 0, 0, 1e300, 0, 0, 0, 2 }, { 2e300, 0, 0, 0, 2e-300, 0, 0, 0, 1 } },
        { 2, { NAN, 1, 1, 1 }, { NAN, NAN, NAN, NAN } },
        { 2, { INFINITY, 1, 1, 1 }, { NAN, NAN, NAN, NAN } },
    };
    for (size_t k = 0; k < COUNT(row); k++) {
        double det, got[9];
        gradient_of_det(AG_F64, row[k].n, row[k].x, &det, got);
        for (int i = 0; i < row[k].n * row[k].n; i++) {
            double want = row[k].want[i];
            int right = (isnan(got[i]) && isnan(want)) || got[i] == want || fabs(got[i] - want) <= 1e-14 * fabs(want);
            ck_assert_msg(right, "%zu: [%d] is %.17g, not %.17g", k, i, got[i], want);
        }
    }
}
END_TEST

START_TEST(determinants)
{
    static const struct {
        double x[4], det, logdet;
    } row[] = { { { 1, 2, 2, 4 }, 0, -INFINITY },
                { { 0, 0, 0, 0 }, 0, -INFINITY },
                { { 0, 0, 0, -1 }, 0, -INFINITY },
                { { 1e-310, 0, 0, 1e-310 }, 0, -1427.6027576563083 },
                { { 1e-310, 0, 0, 1e308 }, 1e-2, -4.6051701859880914 },
                { { 1e200, 0, 0, 1e-200 }, 1, 0 },
                { { 1e300, 1, 1, 1e300 }, INFINITY, 1381.5510557964274 },
                { { NAN, 0, 0, 0 }, NAN, NAN } };
    for (size_t k = 0; k < COUNT(row); k++) {
        ag_graph *g = ag_graph_new(NULL);
        ag_node *a = ag_parameter(g, NULL, AG_F64, AG_SHAPE(2, 2), row[k].x), *da;
        double det, logdet, slope[4];
        ag_node *y[] = { ag_det(a), ag_logdet(a), NULL };
        ck_assert_int_eq(ag_gradient(y[1], 1, &a, &da), AG_OK);
        y[2] = da;
        test_evaluate(3, y, NULL, (double *const[]){ &det, &logdet, slope });
        expect_close(det, row[k].det, 1e-14);
        expect_close(logdet, row[k].logdet, 1e-14);
        if (row[k].det == 0 && isinf(row[k].logdet)) ck_assert(isnan(slope[0]) && isnan(slope[3]));
        ag_graph_free(g);
    }
}
END_TEST

/* ---- batches ----------------------------------------------------------------------------------------------------- */

enum { MATRICES = 3, OUTPUTS = 11 };
static const double batch[MATRICES][9] = { { 4, 1, 0, 1, 5, 2, 0, 2, 6 },   /* the second has a row twice */
                                           { 1, 2, 3, 1, 2, 3, 0, 0, 0 },
                                           { 3, 1, 1, 1, 3, 1, 1, 1, 3 } };

static const double direction[9] = { 1, 2, 0, -1, 3, 1, 0, 5, 2 };

/* What has a value for each matrix, with its gradients, and the second derivative of its determinant. */
static int build(ag_graph *g, int n, const double x[][9], ag_node *y[OUTPUTS])
{
    ag_shape s = n > 1 ? AG_SHAPE(n, 3, 3) : AG_SHAPE(3, 3);
    ag_node *a = ag_parameter(g, NULL, AG_F64, s, x);
    ag_node *b = ag_constant(g, AG_F64, AG_SHAPE(3, 1), (double[]){ 1, 2, 3 });
    y[0] = ag_inverse(a);
    y[1] = ag_solve(a, b);
    y[2] = ag_cholesky(a);
    y[3] = ag_triangular_solve(a, b, 0, 0);
    y[4] = ag_det(a);
    y[5] = ag_logdet(a);
    for (int k = 0; k < 4; k++) {
        static const int of[] = { 0, 1, 4, 5 };
        ck_assert_int_eq(ag_gradient(ag_sum(ag_square(y[of[k]])), 1, &a, &y[6 + k]), AG_OK);
    }
    ag_node *da, *along = ag_constant(g, AG_F64, AG_SHAPE(3, 3), direction);
    ck_assert_int_eq(ag_gradient(ag_sum(y[4]), 1, &a, &da), AG_OK);
    ck_assert_int_eq(ag_gradient(ag_sum(ag_mul(da, along)), 1, &a, &y[10]), AG_OK);
    return OUTPUTS;
}

static void check_matrix(int m, const double *got, const double *alone, int64_t each, const char *what)
{
    for (int64_t i = 0; i < each; i++)
        ck_assert_msg(test_close(got[m * each + i], alone[i], 1e-12), "%s, matrix %d: [%d] is %.17g, not %.17g", what,
                      m, (int)i, got[m * each + i], alone[i]);
}

/* The others are what they are alone; where each has a value and is a matrix, that of the singular one is NaN. */
static void check_batch(double *const got[], const char *what)
{
    static const int64_t each[OUTPUTS] = { 9, 3, 9, 3, 1, 1, 9, 9, 9, 9, 9 };
    double room[OUTPUTS][9], *alone[OUTPUTS], bend[9];
    for (int k = 0; k < OUTPUTS; k++) alone[k] = room[k];
    for (int m = 0; m < MATRICES; m += 2) {
        ag_graph *g = ag_graph_new(NULL);
        ag_node *y[OUTPUTS];
        test_evaluate(build(g, 1, &batch[m], y), y, NULL, alone);
        for (int k = 0; k < OUTPUTS; k++) check_matrix(m, got[k], alone[k], each[k], what);
        ag_graph_free(g);
    }
    change(3, batch[1], direction, bend);
    for (int k = 0; k < OUTPUTS; k++)
        for (int64_t i = 0; i < each[k]; i++) {
            double v = got[k][each[k] + i];
            if (k == 3) continue; /* its triangle is regular but for the last row */
            if (k == 10) expect_close(v, bend[i], 1e-13);
            else if (k == 4) ck_assert_double_eq(v, 0);
            else if (k == 5) ck_assert(isinf(v) && v < 0);
            else if (k == 8) ck_assert_double_eq(v, 0); /* 2 det cofactors */
            else ck_assert_msg(isnan(v), "%s: output %d [%d] is %g", what, k, (int)i, v);
        }
}

START_TEST(one_of_a_batch)
{
    double room[OUTPUTS][9 * MATRICES], *out[OUTPUTS];
    for (int native = 0; native < 2; native++) {
        ag_graph *g = ag_graph_new(NULL);
        ag_node *y[OUTPUTS];
        ag_options o = test_options();
        o.native = native;
        for (int k = 0; k < OUTPUTS; k++) out[k] = room[k];
        test_evaluate(build(g, MATRICES, batch, y), y, &o, out);
        check_batch(out, native ? "compiled" : "interpreted");
        ag_graph_free(g);
    }
}
END_TEST

START_TEST(one_of_a_batch_exported)
{
    char folder[] = "/tmp/autograd-XXXXXX", path[64], command[256];
    double room[OUTPUTS][9 * MATRICES], *out[OUTPUTS], x[MATRICES * 9];
    ag_graph *g = ag_graph_new(NULL);
    ag_node *y[OUTPUTS];
    int n = build(g, MATRICES, batch, y);
    ag_plan *p = ag_compile(g, n, y, NULL);
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/batch.c", folder);
    FILE *source = fopen(path, "w");
    ck_assert_int_eq(ag_write_c(p, "batch", source, NULL, NULL), 0);
    fprintf(source, "const int64_t size = batch_WORKSPACE;\n");
    fclose(source);
    snprintf(command, sizeof command, "cc -std=c99 -Wall -Wextra -Wpedantic -Wshadow -Werror -O1 -fPIC -shared"
             " %s -o %s.so -lm", path, path);
    ck_assert_int_eq(system(command), 0);
    strcat(path, ".so");
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    ck_assert_msg(library != NULL, "%s", dlerror());
    int (*function)(const double *parameters, double *const outputs[], void *workspace);
    *(void **)&function = dlsym(library, "batch");
    memcpy(x, batch, sizeof x);
    for (int k = 0; k < OUTPUTS; k++) out[k] = room[k];
    void *work = malloc((size_t)*(const int64_t *)dlsym(library, "size"));
    ck_assert_int_eq(function(x, out, work), 0);
    check_batch(out, "exported");
    free(work);
    dlclose(library);
    snprintf(command, sizeof command, "rm -r %s", folder);
    ck_assert_int_eq(system(command), 0);
    ag_plan_free(p);
    ag_graph_free(g);
}
END_TEST

Suite *suite_singular(void)
{
    Suite *s = suite_create("singular");
    TCase *c = tcase_create("singular");
    tcase_set_timeout(c, 120);
    tcase_add_test(c, cofactors_of_every_rank);
    tcase_add_test(c, known_cofactors);
    tcase_add_test(c, changes_of_every_rank);
    tcase_add_test(c, derivatives_of_order_3);
    tcase_add_test(c, changes_of_extreme_matrices);
    tcase_add_test(c, determinants);
    tcase_add_test(c, one_of_a_batch);
    tcase_add_test(c, one_of_a_batch_exported);
    suite_add_tcase(s, c);
    return s;
}
