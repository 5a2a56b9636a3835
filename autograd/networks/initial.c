/* First values: drawn from a generator of our own, so that they are the same everywhere. */
#include "layers.h"

#include <math.h>

/* ---- random numbers: splitmix64, by S. Vigna --------------------------------------------------------------------- */

static uint64_t next(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static double uniform(uint64_t *state) /* above 0, below 1 */
{
    return ((double)(next(state) >> 12) + 0.5) * 0x1p-52;
}

static double normal(uint64_t *state)
{
    const double length = sqrt(-2 * log(uniform(state)));
    return length * cos(6.283185307179586477 * uniform(state));
}

/* ---- kinds ------------------------------------------------------------------------------------------------------- */

typedef struct {
    double in, out;
} fans;

static fans fans_of(ag_shape s)
{
    double kernel = 1;
    for (int i = 2; i < s.rank; i++) kernel *= (double)s.dim[i];
    const double in = s.rank > 1 ? (double)s.dim[1] : s.rank ? (double)s.dim[0] : 1;
    return (fans){ in * kernel, (s.rank ? (double)s.dim[0] : 1) * kernel };
}

static double spread_of(ag_shape s, ag_init kind, double size)
{
    const fans f = fans_of(s);
    if (size == 0) size = kind == AG_HE_UNIFORM || kind == AG_HE_NORMAL ? sqrt(2) : 1;
    switch (kind) {
    case AG_USUAL: return size / sqrt(f.in);
    case AG_XAVIER_UNIFORM: return size * sqrt(6 / (f.in + f.out));
    case AG_XAVIER_NORMAL: return size * sqrt(2 / (f.in + f.out));
    case AG_HE_UNIFORM: return size * sqrt(3 / f.in);
    case AG_HE_NORMAL: return size / sqrt(f.in);
    default: return size;
    }
}

static double draw(ag_init kind, double spread, uint64_t *state)
{
    double x;
    switch (kind) {
    case AG_ZEROS: return 0;
    case AG_ONES: return 1;
    case AG_NORMAL: case AG_XAVIER_NORMAL: case AG_HE_NORMAL: case AG_ORTHOGONAL: return spread * normal(state);
    case AG_TRUNCATED_NORMAL:
        do x = spread * normal(state);
        while (fabs(x) > 2);
        return x;
    default: return spread * (2 * uniform(state) - 1);
    }
}

/* ---- orthonormal vectors ----------------------------------------------------------------------------------------- */

/* v of n elements, `step` apart, less its part along w; twice, as rounding leaves some of it. */
static void leave_out(int64_t n, int64_t step, double *v, const double *w)
{
    for (int k = 0; k < 2; k++) {
        double along = 0;
        for (int64_t i = 0; i < n; i++) along += v[i * step] * w[i * step];
        for (int64_t i = 0; i < n; i++) v[i * step] -= along * w[i * step];
    }
}

static void normalise(int64_t n, int64_t step, double *v, double size)
{
    double square = 0;
    for (int64_t i = 0; i < n; i++) square += v[i * step] * v[i * step];
    for (int64_t i = 0; i < n; i++) v[i * step] *= size / sqrt(square);
}

/* Of the matrix [out, the rest]: rows, or columns where there are fewer. */
static void make_orthogonal(double *x, ag_shape s, double size)
{
    const int64_t rows = s.rank ? s.dim[0] : 1;
    int64_t columns = 1;
    for (int i = 1; i < s.rank; i++) columns *= s.dim[i];
    const int by_rows = rows <= columns;
    const int64_t count = by_rows ? rows : columns, n = by_rows ? columns : rows;
    const int64_t next_vector = by_rows ? columns : 1, step = by_rows ? 1 : columns;
    for (int64_t k = 0; k < count; k++) {
        for (int64_t l = 0; l < k; l++) leave_out(n, step, x + k * next_vector, x + l * next_vector);
        normalise(n, step, x + k * next_vector, 1);
    }
    for (int64_t i = 0; i < rows * columns; i++) x[i] *= size;
}

void agi_net_draw(double *x, ag_shape s, ag_init kind, double size, uint64_t seed)
{
    const double spread = spread_of(s, kind, size);
    int64_t n = 1;
    for (int i = 0; i < s.rank; i++) n *= s.dim[i];
    for (int64_t i = 0; i < n; i++) x[i] = draw(kind, kind == AG_ORTHOGONAL ? 1 : spread, &seed);
    if (kind == AG_ORTHOGONAL) make_orthogonal(x, s, spread);
}
