/* Gaussian elimination with complete pivoting in doubles: for determinants and cofactors of matrices that the usual
 * factors say too little of, singular ones and those of extreme elements. Exported C is the same text. */
#include "elimination.h"
#include "factors.h"
#include "matrix.h"

#include <math.h>

#define SHARED(name, ...)                                                \
    const char agi_##name##_text[] = "static " #__VA_ARGS__; \
    __VA_ARGS__

/* w [n, n], a matrix, becomes L U, with rows and columns in the order row[n], column[n], which `place` begins with,
 * scaled by powers of two, so that all are of one size: element i, j of the matrix counts 2^(down[i] + across[j]),
 * which follow. Returns the rank, or -1: not all are finite. *sign: of the order. */
SHARED(eliminate, int64_t agi_eliminate(int64_t n, double *w, int64_t *place, int *sign)
{
    int64_t *row = place, *column = row + n, *down = column + n, *across = down + n, i, j, k, p, q, t;
    double top, v;
    int power;
    *sign = 1;
    for (i = 0; i < n; i++) {
        for (top = 0, j = 0; j < n; j++) {
            v = fabs(w[i * n + j]);
            if (!(v <= 1.7976931348623157e308)) return -1;
            if (v > top) top = v;
        }
        frexp(top, &power);
        row[i] = column[i] = i;
        down[i] = power;
        for (j = 0; j < n; j++) w[i * n + j] = ldexp(w[i * n + j], -power);
    }
    for (j = 0; j < n; j++) {
        for (top = 0, i = 0; i < n; i++)
            if (fabs(w[i * n + j]) > top) top = fabs(w[i * n + j]);
        frexp(top, &power);
        across[j] = power;
        for (i = 0; i < n; i++) w[i * n + j] = ldexp(w[i * n + j], -power);
    }
    for (k = 0; k < n; k++) {
        for (p = q = k, i = k; i < n; i++)
            for (j = k; j < n; j++)
                if (fabs(w[i * n + j]) > fabs(w[p * n + q])) { p = i; q = j; }
        if (!(fabs(w[p * n + q]) > 0)) return k;
        for (j = 0; j < n && p != k; j++) { v = w[k * n + j]; w[k * n + j] = w[p * n + j]; w[p * n + j] = v; }
        for (i = 0; i < n && q != k; i++) { v = w[i * n + k]; w[i * n + k] = w[i * n + q]; w[i * n + q] = v; }
        if ((p != k) != (q != k)) *sign = -*sign;
        t = row[k]; row[k] = row[p]; row[p] = t;
        t = column[k]; column[k] = column[q]; column[q] = t;
        for (i = k + 1; i < n; i++) {
            w[i * n + k] /= w[k * n + k];
            for (j = k + 1; j < n; j++) w[i * n + j] -= w[i * n + k] * w[k * n + j];
        }
    }
    return n;
})

/* out [n, n] = the cofactors of w: the adjugate of L U is that of U times L^-1, and the adjugate of U, with U1 and u
 * above its last pivot v, is d [v U1^-1, -U1^-1 u; 0, 1], where d is the determinant of U1. Nothing is divided by v, so
 * this is right for rank n - 1, too; below it all are 0. y: room for n numbers. */
SHARED(cofactors, void agi_cofactors(int64_t n, double *w, double *out, double *y, int64_t *place)
{
    const int64_t *row = place, *column = row + n, *down = column + n, *across = down + n;
    int64_t i, j, k, power = 0, rank;
    double fraction, last, sum;
    int sign, step;
    rank = agi_eliminate(n, w, place, &sign);
    for (i = 0; i < n * n; i++) out[i] = rank < 0 ? NAN : 0;
    if (rank < n - 1) return;
    for (fraction = sign, k = 0; k < n; k++) {
        power += down[k] + across[k];
        if (k == n - 1) continue;
        fraction = frexp(fraction * w[k * n + k], &step);
        power += step;
    }
    for (i = 0; i < n; i++) {
        for (k = 0; k < n; k++) {
            for (sum = k == i, j = i; j < k; j++) sum -= w[k * n + j] * y[j];
            y[k] = k < i ? 0 : sum;
        }
        last = y[n - 1];
        for (k = n - 2; k >= 0; k--) {
            sum = (rank < n ? 0 : w[n * n - 1]) * y[k] - w[k * n + n - 1] * last;
            for (j = k + 1; j < n - 1; j++) sum -= w[k * n + j] * y[j];
            y[k] = sum / w[k * n + k];
        }
        for (j = 0; j < n; j++)
            out[row[i] * n + column[j]] = ldexp(fraction * y[j], (int)(power - down[row[i]] - across[column[j]]));
    }
})

agi_room agi_room_at(void *scratch, int64_t n)
{
    double *w = scratch;
    return (agi_room){ w, w + n * n, w + 2 * n * n, (int64_t *)(void *)(w + 2 * n * n + n) };
}

size_t agi_room_bytes(int64_t n)
{
    return (size_t)(2 * n * n + 5 * n) * sizeof(double);
}

void agi_take_matrix(const ag_kernel_call *c, int k, int64_t m, double *w)
{
    const ag_node *a = c->node->in[k];
    const int64_t *stride = c->in_stride[k].stride + a->rank - 2, n = agi_cols(a);
    const void *from = agi_matrix_in(c, k, m);
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < n; j++)
            w[i * n + j] = agi_number_at((ag_dtype)a->dtype, from, i * stride[0] + j * stride[1]);
}

double agi_any_determinant(const ag_kernel_call *c, int64_t m, int64_t *exponent)
{
    const ag_node *a = c->node->in[0];
    int64_t n = agi_cols(a);
    const void *factors = agi_matrix_in(c, 1, m);
    if (agi_zero_pivot((ag_dtype)a->dtype, n, factors) < 0)
        return agi_determinant((ag_dtype)a->dtype, n, factors, exponent);
    agi_room r = agi_room_at(c->scratch, n);
    int sign, power;
    agi_take_matrix(c, 0, m, r.w);
    int64_t rank = agi_eliminate(n, r.w, r.place, &sign);
    *exponent = 0;
    if (rank < n) return rank < 0 ? NAN : 0;
    double fraction = sign;
    for (int64_t i = 0; i < n; i++) {
        fraction = frexp(fraction * r.w[i * (n + 1)], &power);
        *exponent += power + r.place[2 * n + i] + r.place[3 * n + i];
    }
    return fraction;
}
