#include "lapack.h"

#include <cblas.h>
#include <float.h>
#include <limits.h>
#include <math.h>

/* LAPACK's own symbols, which OpenBLAS has. The length of a Fortran string follows at the end. */

void sgetrf_(const int *m, const int *n, float *a, const int *lda, int *pivot, int *info);
void dgetrf_(const int *m, const int *n, double *a, const int *lda, int *pivot, int *info);
void sgetri_(const int *n, float *a, const int *lda, const int *pivot, float *work, const int *size, int *info);
void dgetri_(const int *n, double *a, const int *lda, const int *pivot, double *work, const int *size, int *info);
void spotrf_(const char *uplo, const int *n, float *a, const int *lda, int *info, size_t uplo_length);
void dpotrf_(const char *uplo, const int *n, double *a, const int *lda, int *info, size_t uplo_length);

void agi_factor(ag_dtype dtype, int64_t order, void *factors)
{
    int n = (int)order, info, *exchanges = agi_exchanges(dtype, order, factors);
    if (dtype == AG_F32) sgetrf_(&n, &n, factors, &n, exchanges, &info);
    else dgetrf_(&n, &n, factors, &n, exchanges, &info);
}

void agi_invert(ag_dtype dtype, int64_t order, const void *factors, void *out, void *work)
{
    const int n = (int)order, *exchanges = agi_exchanges(dtype, order, factors);
    int size = n < INT_MAX / AGI_INVERSE_WORK ? n * AGI_INVERSE_WORK : INT_MAX, info;
    memcpy(out, factors, (size_t)(order * order) * ag_dtype_size(dtype));
    if (dtype == AG_F32) sgetri_(&n, out, &n, exchanges, work, &size, &info);
    else dgetri_(&n, out, &n, exchanges, work, &size, &info);
}

/* The upper triangle of LAPACK's columns is the lower one of rows. A NaN passes LAPACK, not the comparison here. */
int64_t agi_root(ag_dtype dtype, int64_t order, void *lower)
{
    int n = (int)order, info;
    if (dtype == AG_F32) spotrf_("U", &n, lower, &n, &info, 1);
    else dpotrf_("U", &n, lower, &n, &info, 1);
    if (info) return info - 1;
    for (int64_t i = 0; i < order; i++)
        if (!(agi_number_at(dtype, lower, i * (order + 1)) > 0)) return i;
    return -1;
}

void agi_swap_rows(ag_dtype dtype, int64_t cols, void *matrix, int64_t i, int64_t j)
{
    if (dtype == AG_F32) cblas_sswap((int)cols, (float *)matrix + i * cols, 1, (float *)matrix + j * cols, 1);
    else cblas_dswap((int)cols, (double *)matrix + i * cols, 1, (double *)matrix + j * cols, 1);
}

void agi_divide(ag_dtype dtype, agi_triangular how, int64_t order, int64_t cols, const void *t, void *x)
{
    CBLAS_UPLO uplo = how.upper ? CblasUpper : CblasLower;
    CBLAS_TRANSPOSE trans = how.transposed ? CblasTrans : CblasNoTrans;
    CBLAS_DIAG diag = how.unit ? CblasUnit : CblasNonUnit;
    int n = (int)order, k = (int)cols;
    if (dtype == AG_F32 && k == 1) cblas_strsv(CblasRowMajor, uplo, trans, diag, n, t, n, x, 1);
    else if (k == 1) cblas_dtrsv(CblasRowMajor, uplo, trans, diag, n, t, n, x, 1);
    else if (dtype == AG_F32) cblas_strsm(CblasRowMajor, CblasLeft, uplo, trans, diag, n, k, 1, t, n, x, k);
    else cblas_dtrsm(CblasRowMajor, CblasLeft, uplo, trans, diag, n, k, 1, t, n, x, k);
}

int64_t agi_zero_pivot(ag_dtype dtype, int64_t n, const void *matrix)
{
    double smallest = dtype == AG_F32 ? (double)FLT_MIN : DBL_MIN;
    for (int64_t i = 0; i < n; i++)
        if (fabs(agi_number_at(dtype, matrix, i * (n + 1))) < smallest) return i;
    return -1;
}

double agi_determinant(ag_dtype dtype, int64_t n, const void *factors, int64_t *exponent)
{
    const int *exchanges = agi_exchanges(dtype, n, factors);
    double fraction = 1;
    *exponent = 0;
    for (int64_t i = 0; i < n; i++) {
        int power = 0;
        fraction = frexp(fraction * agi_number_at(dtype, factors, i * (n + 1)), &power);
        *exponent += power;
        if (exchanges[i] != i + 1) fraction = -fraction;
    }
    if (fabs(fraction) < sqrt(0.5)) {
        fraction *= 2;
        --*exponent;
    }
    return fraction;
}
