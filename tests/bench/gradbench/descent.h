/* Gradient descent with a step that grows by doubling after ten successes in a row and halves at each failure. */
#ifndef GRADBENCH_DESCENT_H
#define GRADBENCH_DESCENT_H

/* The value at x[n], and if gradient is not NULL the derivatives. */
typedef double gb_function(const void *context, const double *x, double *gradient);

void gb_argmin(gb_function *, const void *context, int n, const double *start, double *out); /* n <= 4 */

#endif
