#include "descent.h"

#include <math.h>
#include <string.h>

enum { MOST = 4 };

void gb_argmin(gb_function *f, const void *context, int n, const double *start, double *x)
{
    double gradient[MOST], trial[MOST], eta = 1e-5;
    memcpy(x, start, (size_t)n * sizeof *x);
    double value = f(context, x, gradient);
    for (int successes = 0;;) {
        double slope = 0, length = 0;
        for (int i = 0; i < n; i++) slope += gradient[i] * gradient[i];
        if (sqrt(slope) <= 1e-5) return;
        if (successes == 10) {
            eta *= 2;
            successes = 0;
        }
        for (int i = 0; i < n; i++) {
            trial[i] = x[i] - eta * gradient[i];
            length += (x[i] - trial[i]) * (x[i] - trial[i]);
        }
        if (sqrt(length) <= 1e-5) return;
        double there = f(context, trial, NULL);
        if (there < value) {
            memcpy(x, trial, (size_t)n * sizeof *x);
            value = f(context, x, gradient);
            successes++;
        } else {
            eta /= 2;
            successes = 0;
        }
    }
}
