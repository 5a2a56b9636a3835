/* A charged particle flies past two charges, one of them steered by w; where it crosses the axis, squared. Beside every
 * quantity q its derivative by w, dq. */
#include "primal.h"

#include "descent.h"

#include <math.h>
#include <stddef.h>

/* The repulsion of a charge at distance (x, y), and its derivative along (dx, dy). */
static void repel(double x, double y, double dx, double dy, double a[2], double da[2])
{
    double square = x * x + y * y, cube = square * sqrt(square), rate = 3 * (x * dx + y * dy) / square;
    a[0] += x / cube;
    a[1] += y / cube;
    da[0] += (dx - x * rate) / cube;
    da[1] += (dy - y * rate) / cube;
}

static double miss(double w, double *slope)
{
    const double dt = 0.1;
    double x[2] = { 0, 8 }, v[2] = { 0.75, 0 }, dx[2] = { 0, 0 }, dv[2] = { 0, 0 };
    for (;;) {
        double a[2] = { 0, 0 }, da[2] = { 0, 0 };
        repel(x[0] - 10, x[1] - (10 - w), dx[0], dx[1] + 1, a, da);
        repel(x[0] - 10, x[1], dx[0], dx[1], a, da);
        for (int i = 0; i < 2; i++) {
            x[i] += dt * v[i];
            dx[i] += dt * dv[i];
        }
        if (x[1] <= 0) break;
        for (int i = 0; i < 2; i++) {
            v[i] += dt * a[i];
            dv[i] += dt * da[i];
        }
    }
    double rest = -x[1] / v[1], drest = -(dx[1] + rest * dv[1]) / v[1];
    double place = x[0] + rest * v[0], dplace = dx[0] + drest * v[0] + rest * dv[0];
    if (slope) *slope = 2 * place * dplace;
    return place * place;
}

double gb_particle_miss(double w)
{
    return miss(w, NULL);
}

double gb_particle_miss_slope(double w)
{
    double slope;
    miss(w, &slope);
    return slope;
}

static double steered(const void *nothing, const double *w, double *slope)
{
    (void)nothing;
    return miss(*w, slope);
}

double gb_particle(double w)
{
    double best;
    gb_argmin(steered, NULL, 1, &w, &best);
    return best;
}
