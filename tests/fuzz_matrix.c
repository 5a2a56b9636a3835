/* The reference's linear algebra: elimination in long double; bounds through the inverse, which is part of them. */
#include "fuzz.h"
#include "shared/matrix.h"

enum { MOST = 24, GROWTH = 16 }; /* order of matrices; what pivoting lets elements grow by, and more */

typedef real matrix[MOST][MOST];

/* The inverse by Gauss-Jordan, and the determinant; 0: singular. */
static int invert(int n, matrix a, matrix inverse, real *determinant)
{
    real w[MOST][2 * MOST];
    *determinant = 1;
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) w[i][j] = a[i][j], w[i][n + j] = i == j;
    for (int k = 0; k < n; k++) {
        int p = k;
        for (int i = k; i < n; i++)
            if (fabsl(w[i][k]) > fabsl(w[p][k])) p = i;
        if (!(fabsl(w[p][k]) > 0) || !isfinite(w[p][k])) return 0;
        *determinant *= p == k ? w[p][k] : -w[p][k];
        for (int j = 0; j < 2 * n; j++) {
            real t = w[p][j];
            w[p][j] = w[k][j];
            w[k][j] = t;
        }
        for (int i = 0; i < n; i++) {
            real factor = w[i][k] / w[k][k];
            for (int j = k; j < 2 * n && i != k; j++) w[i][j] -= factor * w[k][j];
        }
    }
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) inverse[i][j] = w[i][n + j] / w[i][i];
    return 1;
}

/* ---- a matrix with the bounds of its elements, and what elimination adds to them --------------------------------- */

typedef struct {
    int n, regular;
    matrix a, error, inverse;
    real determinant, relative; /* the determinant's relative error */
} operand;

static int load(operand *m, const ag_node *x, const fuzz_value *v, int64_t which, int transposed)
{
    real unit = x->dtype == AG_F32 ? 0x1p-24L : 0x1p-53L, largest = 0;
    int n = m->n = (int)agi_cols(x);
    if (n > MOST) return 0;
    for (int k = 0; k < n * n; k++) {
        int64_t at = which * n * n + k;
        int i = transposed ? k % n : k / n, j = transposed ? k / n : k % n;
        if (!fuzz_is_known(v, at) || !isfinite(v->value[at])) return 0;
        m->a[i][j] = v->value[at];
        m->error[i][j] = v->bound[at];
        largest = fmaxl(largest, fabsl(v->value[at]));
    }
    m->regular = invert(n, m->a, m->inverse, &m->determinant);
    m->relative = 0;
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) {
            m->error[i][j] += GROWTH * n * unit * largest;
            if (m->regular) m->relative += m->error[i][j] * fabsl(m->inverse[j][i]);
        }
    return m->regular && m->relative < 0.01L; /* a matrix as near as that is not singular either */
}

static void forget(fuzz_value *out, int64_t from, int64_t n)
{
    for (int64_t i = from; i < from + n; i++) fuzz_unknown(out, i);
}

/* ---- operations -------------------------------------------------------------------------------------------------- */

/* Column j of x = a^-1 b:  |error of x| <= |a^-1| (|error of b| + |error of a| |x|), twice, for what is of second
 * order. */
static void solve_column(operand *m, const ag_node *y, const real b[MOST], const real e[MOST], int64_t first,
                         int64_t step, fuzz_value *out)
{
    real x[MOST] = { 0 }, rest[MOST];
    for (int i = 0; i < m->n; i++)
        for (int k = 0; k < m->n; k++) x[i] += m->inverse[i][k] * b[k];
    for (int i = 0; i < m->n; i++) {
        rest[i] = e[i];
        for (int k = 0; k < m->n; k++) rest[i] += m->error[i][k] * fabsl(x[k]);
    }
    for (int i = 0; i < m->n; i++) {
        real spread = 0;
        for (int k = 0; k < m->n; k++) spread += 2 * fabsl(m->inverse[i][k]) * rest[k];
        int64_t at = first + i * step;
        fuzz_round((ag_dtype)y->dtype, 4, x[i], spread, &out->value[at], &out->bound[at]);
    }
}

static int64_t matrix_of(const ag_node *y, const ag_node *x, int64_t m)
{
    const ag_node batch = { .rank = y->rank - 2, .dim = y->dim }, of_x = { .rank = x->rank - 2, .dim = x->dim };
    return fuzz_broadcast(&batch, &of_x, m);
}

typedef struct {
    int upper, transposed; /* as triangular_solve's attribute */
} triangle;

static void keep_triangle(operand *m, const triangle *t)
{
    real ignored;
    for (int i = 0; i < m->n; i++)
        for (int j = 0; j < m->n; j++)
            if ((t->upper != t->transposed) ? j < i : j > i) m->a[i][j] = m->error[i][j] = 0;
    m->regular = invert(m->n, m->a, m->inverse, &ignored);
}

static void solve(const ag_node *y, const fuzz_value *const in[], fuzz_value *out)
{
    const triangle *t = y->op == &agi_triangular_solve ? y->attribute : NULL;
    int transposed = t ? t->transposed : *(const int *)y->attribute, n = (int)agi_rows(y);
    int64_t columns = agi_cols(y), each = n * columns;
    static operand m;
    for (int64_t k = 0; k < out->n / each; k++) {
        int known = load(&m, y->in[0], in[0], matrix_of(y, y->in[0], k), transposed);
        if (t && m.n == n) keep_triangle(&m, t);
        int64_t from = matrix_of(y, y->in[1], k) * each;
        for (int64_t j = 0; j < columns; j++) {
            real b[MOST], e[MOST];
            for (int i = 0; i < n; i++) {
                b[i] = in[1]->value[from + i * columns + j];
                e[i] = in[1]->bound[from + i * columns + j];
                known &= isfinite(b[i]) && e[i] < INFINITY;
            }
            if (known && m.regular) solve_column(&m, y, b, e, k * each + j, columns, out);
            else for (int i = 0; i < n; i++) fuzz_unknown(out, k * each + j + i * columns);
        }
    }
}

static void inverse(const ag_node *y, const fuzz_value *x, fuzz_value *out)
{
    static operand m;
    int n = (int)agi_cols(y);
    for (int64_t k = 0; k < out->n / (n * n); k++) {
        if (!load(&m, y->in[0], x, k, 0)) {
            forget(out, k * n * n, n * n);
            continue;
        }
        for (int j = 0; j < n; j++) {
            real b[MOST] = { 0 }, e[MOST] = { 0 };
            b[j] = 1;
            solve_column(&m, y, b, e, k * n * n + j, n, out);
        }
    }
}

static void number(const ag_node *y, const fuzz_value *x, fuzz_value *out)
{
    static operand m;
    for (int64_t k = 0; k < out->n; k++) {
        int known = load(&m, y->in[0], x, k, 0);
        real d = m.determinant, log = logl(fabsl(d)), e = 2 * m.relative;
        if (!known) fuzz_unknown(out, k);
        else if (y->op == &agi_det) fuzz_round((ag_dtype)y->dtype, 8, d, fabsl(d) * e, &out->value[k], &out->bound[k]);
        else fuzz_round((ag_dtype)y->dtype, 32, log, e, &out->value[k], &out->bound[k]);
    }
}

/* det a^-T */
static void cofactor(const ag_node *y, const fuzz_value *x, fuzz_value *out)
{
    static operand m;
    int n = (int)agi_cols(y);
    inverse(y, x, out);
    for (int64_t k = 0; k < out->n / (n * n); k++) {
        fuzz_value copy = { n * n, out->value + k * n * n, out->bound + k * n * n };
        real v[MOST * MOST], e[MOST * MOST];
        if (!load(&m, y->in[0], x, k, 0)) continue;
        memcpy(v, copy.value, sizeof(real) * (size_t)copy.n);
        memcpy(e, copy.bound, sizeof(real) * (size_t)copy.n);
        for (int i = 0; i < n * n; i++) {
            int from = i % n * n + i / n;
            real spread = fabsl(m.determinant) * (e[from] + 2 * m.relative * (fabsl(v[from]) + e[from]));
            fuzz_round((ag_dtype)y->dtype, 8, m.determinant * v[from], spread, &copy.value[i], &copy.bound[i]);
        }
    }
}

/* Of (a + a^T) / 2, l l^T; by d, l moves by l times the lower triangle, half its diagonal, of l^-1 d l^-T. */
static void cholesky_of(const ag_node *y, operand *m, fuzz_value *out, int64_t first)
{
    static matrix l, backward, e, moved;
    int n = m->n;
    real ignored;
    memset(l, 0, sizeof l);
    for (int j = 0; j < n; j++)
        for (int i = j; i < n; i++) {
            real s = (m->a[i][j] + m->a[j][i]) / 2;
            for (int k = 0; k < j; k++) s -= l[i][k] * l[j][k];
            l[i][j] = i == j ? sqrtl(s) : s / l[j][j];
        }
    if (!invert(n, l, backward, &ignored)) {
        forget(out, first, n * n);
        return;
    }
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) {
            e[i][j] = 0;
            for (int p = 0; p < n; p++)
                for (int q = 0; q < n; q++)
                    e[i][j] += fabsl(backward[i][p] * backward[j][q]) * fmaxl(m->error[p][q], m->error[q][p]);
        }
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) {
            moved[i][j] = 0;
            for (int k = j; k <= i; k++) moved[i][j] += 2 * fabsl(l[i][k]) * e[k][j];
            int64_t at = first + i * n + j;
            fuzz_round((ag_dtype)y->dtype, j <= i ? 4 : 0, l[i][j], moved[i][j], &out->value[at], &out->bound[at]);
        }
}

static void cholesky(const ag_node *y, const fuzz_value *x, fuzz_value *out)
{
    static operand m;
    int n = (int)agi_cols(y);
    for (int64_t k = 0; k < out->n / (n * n); k++)
        if (load(&m, y->in[0], x, k, 0)) cholesky_of(y, &m, out, k * n * n);
        else forget(out, k * n * n, n * n);
}

int fuzz_matrices(const ag_node *y, const fuzz_value *const in[], fuzz_value *out)
{
    if (y->op == &agi_solve || y->op == &agi_triangular_solve) solve(y, in, out);
    else if (y->op == &agi_inverse) inverse(y, in[0], out);
    else if (y->op == &agi_det || y->op == &agi_logdet) number(y, in[0], out);
    else if (y->op == &agi_cofactor) cofactor(y, in[0], out);
    else if (y->op == &agi_cholesky) cholesky(y, in[0], out);
    else if (y->op == &agi_lu) forget(out, 0, out->n); /* who takes factors takes the matrix, too, and looks there */
    else if (y->op == &agi_cofactor_slope) forget(out, 0, out->n);
    else return 0;
    return 1;
}
