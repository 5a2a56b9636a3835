/* Runge-Kutta of order four for y'_0 = x_0, y'_i = x_i y_(i-1) from y = 0, over times 0 to 2. */
#include "primal.h"

#include <stdlib.h>
#include <string.h>

static void slope(int64_t n, const double *restrict x, const double *restrict y, double *restrict out)
{
    out[0] = x[0];
    for (int64_t i = 1; i < n; i++) out[i] = x[i] * y[i - 1];
}

static void move(int64_t n, const double *restrict y, double h, const double *restrict k, double *restrict out)
{
    for (int64_t i = 0; i < n; i++) out[i] = y[i] + h * k[i];
}

void gb_ode(int64_t n, const double *x, int64_t steps, double *y)
{
    double h = 2.0 / (double)steps, *k1 = gb_take(5 * n, sizeof *k1);
    double *k2 = k1 + n, *k3 = k2 + n, *k4 = k3 + n, *at = k4 + n;
    memset(y, 0, (size_t)n * sizeof *y);
    for (int64_t s = 0; s < steps; s++) {
        slope(n, x, y, k1);
        move(n, y, h / 2, k1, at);
        slope(n, x, at, k2);
        move(n, y, h / 2, k2, at);
        slope(n, x, at, k3);
        move(n, y, h, k3, at);
        slope(n, x, at, k4);
        for (int64_t i = 0; i < n; i++) y[i] += h / 6 * (k1[i] + 2 * k2[i] + 2 * k3[i] + k4[i]);
    }
    free(k1);
}
