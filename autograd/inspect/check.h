/* Derivatives beside numerical differences. A part of autograd.h, which includes it. */
#ifndef AUTOGRAD_CHECK_H
#define AUTOGRAD_CHECK_H

#include "../autograd.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    int orders;       /* 1: first derivatives; 0 and 2: of the gradient too */
    double step;      /* the largest step for |x| <= 1, more in proportion; finer ones follow. 0: 1/128 */
    double tolerance; /* accepted |analytic - numeric| / max(1, |analytic|, |numeric|); 0: 1e-6; AG_ZERO: exact */
    uint64_t seed;    /* of the random directions; 0 is one, too */
    const ag_run *at; /* take the leaves' values from this run; NULL: parameters' initial values, inputs random */
} ag_check_options;
typedef struct {
    int input;        /* the worst element: its x[input], */
    int64_t index;    /* flat index there; both -1: only the sum along the random tangent is wrong, */
    int order;        /* order of the derivative (1 or 2), */
    double analytic, numeric, error; /* the two values, and |analytic - numeric| / max(1, |analytic|, |numeric|) */
    int64_t compared; /* number of comparisons made */
    char message[256];
} ag_check_report;
/* Compare the gradient of y (any shape; a random cotangent makes it a number) for the leaves x, all f64, with central
 * differences: along a random tangent, then element by element: all up to 64, else some, and those that a failure leads
 * to. AG_OK: all errors <= tolerance. AG_ENAN: something is NaN or infinite. AG_EARG: the errors are too large. The
 * report tells the worst element in every case. Inputs without a value are drawn from 0.25 to 0.75. The graph grows. */
ag_status ag_check_gradient(ag_node *y, int n, ag_node *const x[], const ag_check_options *or_null, ag_check_report *);

#ifdef __cplusplus
}
#endif
#endif
