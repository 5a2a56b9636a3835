/* LAPACK and BLAS for both real types, on contiguous row-major matrices.
 *
 * LAPACK stores columns one after the other, so it takes a row-major matrix for its transpose. Nothing is copied for
 * that: each function below asks LAPACK for the transposed problem. */
#ifndef AGI_LAPACK_H
#define AGI_LAPACK_H

#include "node.h"

static inline double agi_number_at(ag_dtype dtype, const void *data, int64_t i)
{
    return dtype == AG_F32 ? (double)((const float *)data)[i] : ((const double *)data)[i];
}

/* Factors [n+1, n] of a: a = U^T L^T P^T. Rows 0 to n-1 hold U^T on and below the diagonal and L^T, whose diagonal is
 * 1, above it; row n holds P as LAPACK's integers. */
static inline int *agi_exchanges(ag_dtype dtype, int64_t n, const void *factors)
{
    return (int *)((char *)factors + (size_t)(n * n) * ag_dtype_size(dtype));
}

void agi_factor(ag_dtype, int64_t n, void *factors); /* in place, a in rows 0 to n-1; singular ones, too */
/* The first diagonal element that cannot be divided by, or -1. Below the smallest normal number counts as zero: LAPACK
 * multiplies by the reciprocal, which is infinite. */
int64_t agi_zero_pivot(ag_dtype, int64_t n, const void *matrix);
/* out = the inverse, from regular factors. `work`: AGI_INVERSE_WORK n elements. */
enum { AGI_INVERSE_WORK = 64 }; /* the block size of LAPACK's faster way */
void agi_invert(ag_dtype, int64_t n, const void *factors, void *out, void *work);
/* fraction 2^exponent = the determinant by regular factors, sqrt(1/2) <= |fraction| < sqrt(2), or not finite. */
double agi_determinant(ag_dtype, int64_t n, const void *factors, int64_t *exponent);

/* The lower triangle becomes its Cholesky factor. The pivot that is not positive, or -1. */
int64_t agi_root(ag_dtype, int64_t n, void *lower);

/* x = t^-1 x in place; t is a triangle of a matrix, or its transpose. unit: its diagonal is taken as 1. */
typedef struct {
    int upper, transposed, unit;
} agi_triangular;
void agi_divide(ag_dtype, agi_triangular, int64_t n, int64_t cols, const void *t, void *x);
void agi_write_divide(ag_source *, agi_triangular); /* the same in C: x = f^-1 x */
void agi_swap_rows(ag_dtype, int64_t cols, void *matrix, int64_t i, int64_t j);

#endif
