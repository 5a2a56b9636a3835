/* min over x of max over y of |x|^2 - |y|^2, the maximum found anew for every x. */
#include "primal.h"

#include "descent.h"

#include <stddef.h>

typedef struct {
    double x[2], start[2];
} setting;

static double height(const double x[2], const double y[2])
{
    return (x[0] * x[0] + x[1] * x[1]) - (y[0] * y[0] + y[1] * y[1]);
}

static double below(const void *context, const double *y, double *gradient)
{
    const setting *s = context;
    if (gradient) gradient[0] = 2 * y[0], gradient[1] = 2 * y[1];
    return -height(s->x, y);
}

static double highest(const void *context, const double *x, double *gradient)
{
    const setting *at = context;
    setting here = { { x[0], x[1] }, { at->start[0], at->start[1] } };
    double y[2];
    gb_argmin(below, &here, 2, here.start, y);
    if (gradient) gradient[0] = 2 * x[0], gradient[1] = 2 * x[1];
    return height(x, y);
}

void gb_saddle(const double start[2], double out[4])
{
    setting s = { { 0, 0 }, { start[0], start[1] } };
    gb_argmin(highest, &s, 2, start, out);
    s.x[0] = out[0], s.x[1] = out[1];
    gb_argmin(below, &s, 2, start, out + 2);
}
