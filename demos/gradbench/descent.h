/* Gradient descent with a step that doubles after ten successes in a row and halves at each failure. */
#ifndef GRADBENCH_DESCENT_H
#define GRADBENCH_DESCENT_H

#include "eval.h"

#define SMALL 1e-5 /* the first step, and the length of gradient or step at which the descent ends */
enum { ROW = 10 }; /* successes after which the step doubles */

/* A function of n <= 2 numbers, to be descended from x. */
typedef struct {
    int n;
    double x[2], there[2], gradient[2];
    int (*value)(void *context, const double *x, double *value, reason *);
    int (*differentiate)(void *context, double *gradient, reason *); /* at the x of the latest value */
    void *context;
} hill;

int descend_hill(hill *, reason *);

#endif
