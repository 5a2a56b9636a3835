#include "factors.h"
#include "matrix.h"

#include <float.h>
#include <math.h>

const agi_dense *agi_dense_for(const ag_kernel_call *c)
{
    return agi_dense_of(c->isa, c->node->dtype == AG_F64);
}

size_t agi_dense_scratch(const ag_node *y)
{
    const ag_node *a = y->in[0];
    return (size_t)agi_dense_work(a->dtype == AG_F64, agi_cols(a), agi_cols(y));
}

int64_t agi_zero_pivot(ag_dtype dtype, int64_t n, const void *matrix)
{
    double smallest = dtype == AG_F32 ? (double)FLT_MIN : DBL_MIN;
    for (int64_t i = 0; i < n; i++)
        if (fabs(agi_number_at(dtype, matrix, i * (n + 1))) < smallest) return i;
    return -1;
}

static void exchange_rows(ag_dtype dtype, int64_t columns, void *x, int64_t i, int64_t k)
{
    const size_t size = ag_dtype_size(dtype), row = (size_t)columns * size;
    char piece[512], *a = (char *)x + (size_t)i * row, *b = (char *)x + (size_t)k * row;
    for (size_t at = 0, n; at < row && i != k; at += n) {
        n = row - at < sizeof piece ? row - at : sizeof piece;
        memcpy(piece, a + at, n);
        memcpy(a + at, b + at, n);
        memcpy(b + at, piece, n);
    }
}

/* P a = L U */
void agi_solve_by(const agi_dense *d, ag_dtype dtype, int64_t n, int64_t columns, const void *factors, int transposed,
                  void *x, void *work)
{
    const agi_triangular l = { .unit = 1, .transposed = transposed }, u = { .upper = 1, .transposed = transposed };
    for (int64_t i = 0; !transposed && i < n; i++)
        exchange_rows(dtype, columns, x, i, (int64_t)agi_number_at(dtype, factors, n * n + i));
    d->divide(transposed ? u : l, n, columns, factors, x, work);
    d->divide(transposed ? l : u, n, columns, factors, x, work);
    for (int64_t i = n; transposed && i-- > 0;)
        exchange_rows(dtype, columns, x, i, (int64_t)agi_number_at(dtype, factors, n * n + i));
}

void agi_invert(const agi_dense *d, ag_dtype dtype, int64_t n, const void *factors, void *out, void *work)
{
    memset(out, 0, (size_t)(n * n) * ag_dtype_size(dtype));
    for (int64_t i = 0; i < n; i++) {
        if (dtype == AG_F32) ((float *)out)[i * (n + 1)] = 1;
        else ((double *)out)[i * (n + 1)] = 1;
    }
    agi_solve_by(d, dtype, n, n, factors, 0, out, work);
}

double agi_determinant(ag_dtype dtype, int64_t n, const void *factors, int64_t *exponent)
{
    double fraction = 1;
    *exponent = 0;
    for (int64_t i = 0; i < n; i++) {
        int power = 0;
        fraction = frexp(fraction * agi_number_at(dtype, factors, i * (n + 1)), &power);
        *exponent += power;
        if ((int64_t)agi_number_at(dtype, factors, n * n + i) != i) fraction = -fraction;
    }
    if (fabs(fraction) < sqrt(0.5)) {
        fraction *= 2;
        --*exponent;
    }
    return fraction;
}
