/* Factors of matrices, of both real types: contiguous, by rows, as dense.h has them. */
#ifndef AGI_FACTORS_H
#define AGI_FACTORS_H

#include "dense/dense.h"
#include "node.h"

static inline double agi_number_at(ag_dtype dtype, const void *data, int64_t i)
{
    return dtype == AG_F32 ? (double)((const float *)data)[i] : ((const double *)data)[i];
}

/* Of a call's result. */
const agi_dense *agi_dense_for(const ag_kernel_call *);
/* `scratch` of operations that work on in[0]'s matrices and nothing else than the result's. */
size_t agi_dense_scratch(const ag_node *y);

/* The first diagonal element that cannot be divided by, or -1. Below the smallest normal number counts as zero: what is
 * divided by it overflows. */
int64_t agi_zero_pivot(ag_dtype, int64_t n, const void *matrix);
/* x = a^-1 x, or a^-T x, by the regular factors of a. */
void agi_solve_by(const agi_dense *, ag_dtype, int64_t n, int64_t columns, const void *factors, int transposed, void *x,
                  void *work);
/* out = the inverse, from regular factors. */
void agi_invert(const agi_dense *, ag_dtype, int64_t n, const void *factors, void *out, void *work);
/* fraction 2^exponent = the determinant by regular factors, sqrt(1/2) <= |fraction| < sqrt(2), or not finite. */
double agi_determinant(ag_dtype, int64_t n, const void *factors, int64_t *exponent);

void agi_write_divide(ag_source *, agi_triangular); /* in C: x = f^-1 x */

#endif
