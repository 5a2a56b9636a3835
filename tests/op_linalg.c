/* Rows of linear algebra: plain elimination in long double, a matrix at a time. Leaves are small numbers: square
 * matrices get 3 on the diagonal, which makes them regular, and their symmetric part positive definite. */
#include "op_table.h"

typedef long double real;

/* ---- one matrix ------------------------------------------------------------------------------------------------- */

/* Gauss-Jordan elimination with pivoting: b [n, k] becomes a^-1 b, a is lost. The determinant. */
static real eliminate(int64_t n, int64_t k, real *a, real *b)
{
    real det = 1;
    for (int64_t c = 0; c < n; c++) {
        int64_t p = c;
        for (int64_t i = c; i < n; i++) p = fabsl(a[i * n + c]) > fabsl(a[p * n + c]) ? i : p;
        for (int64_t j = 0; p != c && j < n + k; j++) {
            real *x = j < n ? &a[c * n + j] : &b[c * k + j - n];
            real *y = j < n ? &a[p * n + j] : &b[p * k + j - n], t = *x;
            *x = *y;
            *y = t;
        }
        real pivot = a[c * n + c];
        det *= p == c ? pivot : -pivot;
        for (int64_t j = 0; j < n; j++) a[c * n + j] /= pivot;
        for (int64_t j = 0; j < k; j++) b[c * k + j] /= pivot;
        for (int64_t i = 0; i < n; i++) {
            real factor = i == c ? 0 : a[i * n + c];
            for (int64_t j = 0; factor != 0 && j < n; j++) a[i * n + j] -= factor * a[c * n + j];
            for (int64_t j = 0; factor != 0 && j < k; j++) b[i * k + j] -= factor * b[c * k + j];
        }
    }
    return det;
}

static real *shifted(int64_t n, const double *x)
{
    real *a = malloc((size_t)(n * n) * sizeof *a);
    for (int64_t i = 0; i < n * n; i++) a[i] = (real)x[i] + (i / n == i % n ? 3 : 0);
    return a;
}

/* x = (x + 3)^-1 b; returns the determinant. */
static real solve_shifted(int64_t n, int64_t k, const double *x, const double *b, double *out)
{
    real *a = shifted(n, x), *r = malloc((size_t)(n * k) * sizeof *r);
    for (int64_t i = 0; i < n * k; i++) r[i] = b ? (real)b[i] : i / k == i % k;
    real det = eliminate(n, k, a, r);
    for (int64_t i = 0; out && i < n * k; i++) out[i] = (double)r[i];
    free(a);
    free(r);
    return det;
}

/* ---- batches ---------------------------------------------------------------------------------------------------- */

/* The number of the matrix of a tensor of shape s that meets matrix m of the result, of shape out. */
static int64_t matrix_of(ag_shape s, ag_shape out, int64_t m)
{
    int64_t number = 0, factor = 1;
    for (int i = out.rank - 2; i-- > 0; m /= out.dim[i]) {
        int axis = i - (out.rank - s.rank);
        if (axis < 0) continue;
        number += (s.dim[axis] == 1 ? 0 : m % out.dim[i]) * factor;
        factor *= s.dim[axis];
    }
    return number;
}

static int64_t rows(ag_shape s)
{
    return s.dim[s.rank - 2];
}

static int64_t cols(ag_shape s)
{
    return s.dim[s.rank - 1];
}

static int64_t matrices(ag_shape s)
{
    return op_count(s) / (rows(s) * cols(s));
}

/* ---- systems ---------------------------------------------------------------------------------------------------- */

/* x + 3 on the diagonal, where x can be added to. */
static ag_node *regular(ag_node *x)
{
    enum { MOST = 16 };
    static double eye[MOST * MOST];
    if (ag_is_bad(x) || ag_type_of(x) == AG_I64) return x;
    int64_t n = cols(ag_shape_of(x));
    for (int64_t i = 0; i < n * n; i++) eye[i] = i / n == i % n ? 3 : 0;
    return ag_add(x, ag_cast(ag_constant(ag_graph_of(x), AG_F64, AG_SHAPE(n, n), eye), ag_type_of(x)));
}

static ag_node *build_solve(ag_node *const in[], const int *arg)
{
    (void)arg;
    return ag_solve(regular(in[0]), in[1]);
}

static void expect_solve(const op_row *r, const double *const in[], double *out)
{
    int64_t n = cols(r->in[0]), k = r->in[1].rank == 1 ? 1 : cols(r->out);
    ag_shape b = r->in[1], y = r->out;
    if (b.rank == 1) b = y = AG_SHAPE(n, 1);
    for (int64_t m = 0; m < matrices(y); m++)
        solve_shifted(n, k, in[0] + matrix_of(r->in[0], y, m) * n * n, in[1] + matrix_of(b, y, m) * n * k,
                      out + m * n * k);
}

static ag_node *build_triangular_solve(ag_node *const in[], const int *arg)
{
    return ag_triangular_solve(regular(in[0]), in[1], arg[0], arg[1]);
}

/* The triangle, or its transpose, as a full matrix. */
static void expect_triangular_solve(const op_row *r, const double *const in[], double *out)
{
    int64_t n = cols(r->in[0]), k = r->in[1].rank == 1 ? 1 : cols(r->out);
    ag_shape b = r->in[1], y = r->out;
    double *t = malloc((size_t)(n * n) * sizeof *t);
    if (b.rank == 1) b = y = AG_SHAPE(n, 1);
    for (int64_t m = 0; m < matrices(y); m++) {
        const double *a = in[0] + matrix_of(r->in[0], y, m) * n * n;
        for (int64_t i = 0; i < n; i++)
            for (int64_t j = 0; j < n; j++) {
                int inside = r->arg[0] ? i <= j : i >= j;
                t[r->arg[1] ? j * n + i : i * n + j] = inside ? a[i * n + j] : 0;
            }
        solve_shifted(n, k, t, in[1] + matrix_of(b, y, m) * n * k, out + m * n * k);
    }
    free(t);
}

/* ---- factorisations and numbers --------------------------------------------------------------------------------- */

static ag_node *build_cholesky(ag_node *const in[], const int *arg)
{
    (void)arg;
    return ag_cholesky(regular(in[0]));
}

static void expect_cholesky(const op_row *r, const double *const in[], double *out)
{
    int64_t n = cols(r->out);
    for (int64_t m = 0; m < matrices(r->out); m++) {
        real *a = shifted(n, in[0] + m * n * n);
        double *l = out + m * n * n;
        for (int64_t i = 0; i < n; i++)
            for (int64_t j = 0; j < n; j++) {
                real sum = (a[i * n + j] + a[j * n + i]) / 2;
                for (int64_t k = 0; k < j; k++) sum -= (real)l[i * n + k] * l[j * n + k];
                l[i * n + j] = j > i ? 0 : (double)(j == i ? sqrtl(sum) : sum / l[j * n + j]);
            }
        free(a);
    }
}

static ag_node *build_inverse(ag_node *const in[], const int *arg)
{
    (void)arg;
    return ag_inverse(regular(in[0]));
}

static void expect_inverse(const op_row *r, const double *const in[], double *out)
{
    int64_t n = cols(r->out);
    for (int64_t m = 0; m < matrices(r->out); m++) solve_shifted(n, n, in[0] + m * n * n, NULL, out + m * n * n);
}

static ag_node *build_det(ag_node *const in[], const int *arg)
{
    (void)arg;
    return ag_det(regular(in[0]));
}

static void expect_det(const op_row *r, const double *const in[], double *out)
{
    int64_t n = cols(r->in[0]);
    for (int64_t m = 0; m < matrices(r->in[0]); m++)
        out[m] = (double)solve_shifted(n, n, in[0] + m * n * n, NULL, NULL);
}

static ag_node *build_logdet(ag_node *const in[], const int *arg)
{
    (void)arg;
    return ag_logdet(regular(in[0]));
}

static void expect_logdet(const op_row *r, const double *const in[], double *out)
{
    expect_det(r, in, out);
    for (int64_t m = 0; m < op_count(r->out); m++) out[m] = log(fabs(out[m]));
}

/* The derivative of det: det a^-T. */
static ag_node *build_cofactor(ag_node *const in[], const int *arg)
{
    ag_node *a = regular(in[0]), *da = NULL;
    (void)arg;
    ag_gradient(ag_sum(ag_det(a)), 1, &a, &da);
    return da;
}

static void expect_cofactor(const op_row *r, const double *const in[], double *out)
{
    int64_t n = cols(r->out);
    double *inverse = malloc((size_t)(n * n) * sizeof *inverse);
    for (int64_t m = 0; m < matrices(r->out); m++) {
        real det = solve_shifted(n, n, in[0] + m * n * n, NULL, inverse);
        for (int64_t i = 0; i < n * n; i++) out[m * n * n + i] = (double)(det * inverse[i % n * n + i / n]);
    }
    free(inverse);
}

/* How that changes along v: det (<v, r> r - r v^T r), r = a^-T. */
static ag_node *build_cofactor_slope(ag_node *const in[], const int *arg)
{
    ag_node *a = regular(in[0]), *da = NULL, *slope = NULL;
    (void)arg;
    if (ag_is_bad(a) || ag_is_bad(in[1])) return ag_mul(in[0], in[1]);
    ag_gradient(ag_sum(ag_det(a)), 1, &a, &da);
    ag_vjp(1, &da, &in[1], 1, &a, &slope);
    return slope;
}

static void expect_cofactor_slope(const op_row *r, const double *const in[], double *out)
{
    int64_t n = cols(r->out), count = n * n;
    double *inverse = malloc((size_t)count * sizeof *inverse);
    for (int64_t m = 0; m < matrices(r->out); m++) {
        const double *v = in[1] + m * count;
        real det = solve_shifted(n, n, in[0] + m * count, NULL, inverse), inner = 0;
        for (int64_t i = 0; i < count; i++) inner += (real)v[i] * inverse[i % n * n + i / n];
        for (int64_t i = 0; i < count; i++) {
            real sum = 0;
            for (int64_t p = 0; p < count; p++)
                sum += (real)inverse[p % n * n + i / n] * v[p] * inverse[i % n * n + p / n];
            out[m * count + i] = (double)(det * (inner * inverse[i % n * n + i / n] - sum));
        }
    }
    free(inverse);
}

/* ---- diagonals and products ------------------------------------------------------------------------------------- */

static ag_node *build_trace(ag_node *const in[], const int *arg)
{
    (void)arg;
    return ag_trace(in[0]);
}

static void expect_trace(const op_row *r, const double *const in[], double *out)
{
    int64_t n = cols(r->in[0]);
    for (int64_t m = 0; m < op_count(r->out); m++) {
        out[m] = 0;
        for (int64_t i = 0; i < n; i++) out[m] += in[0][(m * n + i) * n + i];
    }
}

static ag_node *build_diag(ag_node *const in[], const int *arg)
{
    (void)arg;
    return ag_diag(in[0]);
}

static void expect_diag(const op_row *r, const double *const in[], double *out)
{
    int64_t n = cols(r->out);
    for (int64_t i = 0; i < n * n; i++) out[i] = i / n == i % n ? in[0][i / n] : 0;
}

static void expect_diagonal(const op_row *r, const double *const in[], double *out)
{
    int64_t k = cols(r->out), n = rows(r->in[0]), c = cols(r->in[0]);
    for (int64_t o = 0; o < op_count(r->out); o++) out[o] = in[0][(o / k * n + o % k) * c + o % k];
}

static ag_node *build_outer(ag_node *const in[], const int *arg)
{
    (void)arg;
    return ag_outer(in[0], in[1]);
}

static void expect_outer(const op_row *r, const double *const in[], double *out)
{
    int64_t m = cols(r->out);
    for (int64_t o = 0; o < op_count(r->out); o++) out[o] = in[0][o / m] * in[1][o % m];
}

/* ---- the rows --------------------------------------------------------------------------------------------------- */

#define S OP_SHAPE
#define UNARY(name, in, out) { #name, build_##name, expect_##name, 1, { in }, out, -0.5, 0.5, { 0 }, ROW_LOOSE },
#define SYSTEM(name, a, b, out, ...) \
    { #name, build_##name, expect_##name, 2, { a, b }, out, -0.5, 0.5, { __VA_ARGS__ }, ROW_LOOSE },
#define TRIANGLES(n, ...)                                                          \
    SYSTEM(triangular_solve, S(n, n), S(__VA_ARGS__), S(__VA_ARGS__), 0, 0)        \
    SYSTEM(triangular_solve, S(n, n), S(__VA_ARGS__), S(__VA_ARGS__), 0, 1)        \
    SYSTEM(triangular_solve, S(n, n), S(__VA_ARGS__), S(__VA_ARGS__), 1, 0)        \
    SYSTEM(triangular_solve, S(n, n), S(__VA_ARGS__), S(__VA_ARGS__), 1, 1)
#define SQUARE(name)                             \
    UNARY(name, S(1, 1), S(1, 1))                \
    UNARY(name, S(3, 3), S(3, 3))                \
    UNARY(name, S(2, 1, 2, 2), S(2, 1, 2, 2))    \
    UNARY(name, S(7, 7), S(7, 7))
#define NUMBER(name)                             \
    UNARY(name, S(1, 1), OP_SCALAR)              \
    UNARY(name, S(3, 3), OP_SCALAR)              \
    UNARY(name, S(2, 1, 2, 2), S(2, 1))          \
    UNARY(name, S(7, 7), OP_SCALAR)

#define COFACTOR(...)                                                                                      \
    { "cofactor", build_cofactor, expect_cofactor, 1, { S(__VA_ARGS__) }, S(__VA_ARGS__), -0.5, 0.5, { 0 }, \
      ROW_LOOSE | ROW_INNER },

#define COFACTOR_SLOPE(...)                                                                                    \
    { "cofactor_slope", build_cofactor_slope, expect_cofactor_slope, 2, { S(__VA_ARGS__), S(__VA_ARGS__) },   \
      S(__VA_ARGS__), -0.5, 0.5, { 0 }, ROW_LOOSE | ROW_INNER },

const op_row op_linalg[] = {
    SYSTEM(solve, S(1, 1), S(1, 1), S(1, 1), 0)
    SYSTEM(solve, S(3, 3), S(3), S(3), 0)
    SYSTEM(solve, S(3, 3), S(3, 2), S(3, 2), 0)
    SYSTEM(solve, S(2, 2), S(3, 2, 1), S(3, 2, 1), 0)
    SYSTEM(solve, S(2, 1, 2, 2), S(3, 2, 2), S(2, 3, 2, 2), 0)
    SYSTEM(solve, S(2, 2, 2), S(2, 3), S(2, 2, 3), 0)
    SYSTEM(solve, S(7, 7), S(7, 5), S(7, 5), 0)
    TRIANGLES(3, 3, 2)
    TRIANGLES(3, 3)
    SYSTEM(triangular_solve, S(1, 1), S(1, 3), S(1, 3), 0, 0)
    SYSTEM(triangular_solve, S(2, 2), S(3, 2, 1), S(3, 2, 1), 1, 0)
    SYSTEM(triangular_solve, S(2, 1, 2, 2), S(3, 2, 2), S(2, 3, 2, 2), 0, 1)
    SYSTEM(triangular_solve, S(7, 7), S(7, 5), S(7, 5), 0, 0)
    SQUARE(cholesky)
    SQUARE(inverse)
    NUMBER(det)
    NUMBER(logdet)
    NUMBER(trace)
    COFACTOR(2, 2)
    COFACTOR(3, 3)
    COFACTOR(2, 1, 3, 3)
    COFACTOR(9, 9)
    COFACTOR_SLOPE(3, 3)
    COFACTOR_SLOPE(2, 1, 4, 4)
    COFACTOR_SLOPE(7, 7)
    UNARY(diag, S(1), S(1, 1))
    UNARY(diag, S(4), S(4, 4))
    { "diagonal", build_diag, expect_diagonal, 1, { S(3, 3) }, S(3), -2, 2, { 0 }, ROW_INTEGERS },
    { "diagonal", build_diag, expect_diagonal, 1, { S(2, 3, 2) }, S(2, 2), -2, 2, { 0 }, ROW_INTEGERS },
    { "diagonal", build_diag, expect_diagonal, 1, { S(2, 2, 5) }, S(2, 2), -2, 2, { 0 }, ROW_INTEGERS },
    { "outer", build_outer, expect_outer, 2, { S(1), S(3) }, S(1, 3), -2, 2, { 0 }, 0 },
    { "outer", build_outer, expect_outer, 2, { S(4), S(3) }, S(4, 3), -2, 2, { 0 }, 0 },
    { "lu", build_det, expect_det, 1, { S(4, 4) }, OP_SCALAR, -0.5, 0.5, { 0 }, ROW_LOOSE | ROW_INNER },
};
const size_t op_linalg_count = COUNT(op_linalg);
