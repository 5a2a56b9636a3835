/* Pointwise operations against MPFR, over their whole domain. A row says what an operation's exact value is; its exact
 * derivatives are differences of that with hundreds of digits (accuracy_exact.c). */
#ifndef ACCURACY_H
#define ACCURACY_H

#include "op_table.h"

#include <mpfr.h>

enum { ACCURACY_OPERANDS = 3, ACCURACY_ORDERS = 3 };

/* y from v[0], v[1], ..., the operands; v[3] and v[4] are free. All have one precision. */
typedef void exact_value(mpfr_t y, mpfr_t v[]);

typedef struct {
    const char *op; /* its name in the registry */
    int n;
    op_build *build;
    int arg;
    exact_value *value;
    void (*derivative)(mpfr_t y, mpfr_t x, int order); /* of one operand, order 1 or 2; NULL: differences */
    double domain[ACCURACY_OPERANDS][2];
    double near[6];              /* where something happens: a zero, a pole, a kink; until the first 0 */
    double turn;                 /* multiples of this, too; or 0 */
    /* NaN at kinks, where nothing is expected; near roots of sums, and for products with a factor that is less than
     * `tiny`, the type's smallest normal number: what the error is measured by at least. Or NULL. */
    double (*least)(const double *x, int order, double tiny);
    double f32[ACCURACY_ORDERS], f64[ACCURACY_ORDERS]; /* ulp of value, first and second derivative; 0: the default */
} accuracy_row;

extern const accuracy_row accuracy_rows[];
extern const size_t accuracy_rows_count;

/* Points of the domain: `n` values in turn for each operand, which the type has. Returns how many; free(). */
size_t accuracy_points(const accuracy_row *, ag_dtype, double *x[ACCURACY_OPERANDS]);

/* The exact value at x (i = j = -1), its derivative for operand i (j = -1), or for i and j. NaN where there is none. */
long double accuracy_exact(const accuracy_row *, const double *x, int i, int j);

/* |got - want| in units of the last place of want or of `least`, whichever is larger; that of the smallest numbers for
 * still smaller ones. What is too large for the type is as far as the first such number. */
double accuracy_distance(ag_dtype, double got, long double want, double least);

/* The n-th derivative of digamma; n = -1: log |gamma|. */
void accuracy_psi(mpfr_t y, mpfr_t x, int n);

#endif
