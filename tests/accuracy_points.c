/* Where an operation is looked at: everywhere in its domain, most often where something happens. */
#include "accuracy.h"

#include <float.h>

enum { POINTS = 1500, PLACES = 64 };

static double in_type(ag_dtype dtype, double x)
{
    return dtype == AG_F32 ? (double)(float)x : x;
}

static int inside(const accuracy_row *r, int k, double x)
{
    return isfinite(x) && x >= r->domain[k][0] && x <= r->domain[k][1];
}

/* The neighbours of x in the type, n steps away. */
static double beside(ag_dtype dtype, double x, int n)
{
    for (; n; n += n < 0 ? 1 : -1) {
        double to = n < 0 ? -INFINITY : INFINITY;
        x = dtype == AG_F32 ? (double)nextafterf((float)x, (float)to) : nextafter(x, to);
    }
    return x;
}

/* Numbers that every operation sees: zero, the smallest, the largest, the sides of what stands in the row. */
static int places(const accuracy_row *r, int k, ag_dtype dtype, double at[PLACES])
{
    double tiny = dtype == AG_F32 ? FLT_MIN : DBL_MIN, least = dtype == AG_F32 ? 0x1p-149 : 0x1p-1074;
    double most = dtype == AG_F32 ? FLT_MAX : DBL_MAX;
    const double plain[] = { least, 3 * least, tiny / 2, tiny, most, most / 2, 1, 2, 0.5, 3, 0x1p-10, 1e3 };
    int n = 0;
    at[n++] = 0;
    for (size_t i = 0; i < COUNT(plain); i++) at[n++] = plain[i], at[n++] = -plain[i];
    for (int side = -1; side <= 1; side++) {
        for (int i = 0; i < 6 && r->near[i] != 0; i++) at[n++] = beside(dtype, in_type(dtype, r->near[i]), side);
        for (int i = 0; i < 2; i++) at[n++] = beside(dtype, in_type(dtype, r->domain[k][i]), side);
    }
    return n;
}

/* A number of any size or near one of the places. */
static double draw(const accuracy_row *r, ag_dtype dtype, uint64_t *seed)
{
    static const double width[] = { 1, 4, 25, 120, 800 };
    double kind = test_random(seed, 0, 10), sign = test_random(seed, 0, 1) < 0.5 ? -1 : 1;
    double low = dtype == AG_F32 ? -149 : -1074, high = dtype == AG_F32 ? 128 : 1024;
    double digits = dtype == AG_F32 ? 25 : 54;
    if (kind < 3) return sign * ldexp(test_random(seed, 1, 2), (int)test_random(seed, low, high));
    if (kind < 7) return test_random(seed, -1, 1) * width[(int)test_random(seed, 0, COUNT(width))];
    double off = sign * exp2(-test_random(seed, 0, digits));
    if (r->turn != 0) return (floor(exp2(test_random(seed, 0, 20))) * sign + (kind < 8 ? 0 : off)) * r->turn;
    double place = r->near[(int)test_random(seed, 0, 6)];
    return place != 0 ? place * (1 + off) : sign * exp(test_random(seed, -12, 12));
}

static double draw_inside(const accuracy_row *r, int k, ag_dtype dtype, uint64_t *seed)
{
    for (int tries = 0; tries < 100; tries++) {
        double x = in_type(dtype, draw(r, dtype, seed));
        if (inside(r, k, x)) return x;
    }
    double low = fmax(r->domain[k][0], -FLT_MAX), high = fmin(r->domain[k][1], FLT_MAX);
    double x = in_type(dtype, test_random(seed, low, high));
    return inside(r, k, x) ? x : in_type(dtype, low);
}

size_t accuracy_points(const accuracy_row *r, ag_dtype dtype, double *x[ACCURACY_OPERANDS])
{
    double at[PLACES];
    uint64_t seed = 9;
    size_t points = POINTS / (r->n == 1 ? 1 : r->n == 2 ? 2 : 4) / (test_quick() ? 5 : 1);
    for (int k = 0; k < r->n; k++) {
        x[k] = malloc(points * sizeof **x);
        int n = places(r, k, dtype, at);
        for (size_t i = 0; i < points; i++) {
            /* Operands of two meet in every pair of places, roughly; often they are alike. */
            double special = i < points / 2 ? at[(r->n == 1 ? i : i * (k ? 7 : 1) + i / 31) % (size_t)n] : NAN;
            double alike = x[0][i] * (1 + exp2(-test_random(&seed, 0, 54)));
            int once = r->n > 1 || i < (size_t)n;
            x[k][i] = once && inside(r, k, special) ? special : draw_inside(r, k, dtype, &seed);
            alike = in_type(dtype, alike);
            if (k && i % 5 == 0 && i > points / 2 && inside(r, k, alike)) x[k][i] = alike;
        }
    }
    return points;
}
