/* Gradient descent with a step that doubles after ten successes in a row and halves at each failure; what is done in a
 * step is the caller's, so that it can be differentiated. */
#ifndef GRADBENCH_DESCENT_H
#define GRADBENCH_DESCENT_H

#include "eval.h"

#define SMALL 1e-5 /* the first step, and the length of gradient or step at which the descent ends */

typedef struct {
    double slope;  /* length of the gradient here */
    double length; /* of the step */
    double value;  /* there; need not be known where slope or length is at most SMALL */
} trial;

typedef struct {
    int (*attempt)(void *context, double rate, trial *, reason *);
    int (*accept)(void *context, double rate, reason *); /* the latest attempt's place becomes here */
} descent;

int descend(const descent *, void *context, double value_here, reason *);

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
