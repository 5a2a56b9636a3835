/* Bundle adjustment: how far each camera's picture of a point is from where the point was seen. */
#include "primal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static double *repeat(gb_rng *r, int64_t n, int size, double scale)
{
    double *all = gb_take(n * size, sizeof *all), *one = gb_uniforms(r, size, -scale, scale);
    for (int64_t i = 0; i < n; i++) memcpy(all + i * size, one, (size_t)size * sizeof *one);
    free(one);
    return all;
}

gb_ba gb_ba_random(int64_t n, int64_t m, int64_t p, uint64_t seed)
{
    gb_rng r = { seed };
    gb_ba b = { .n = n, .m = m, .p = p };
    b.cameras = repeat(&r, n, GB_CAMERA, 1);
    b.points = repeat(&r, m, 3, 1);
    for (int64_t i = 0; i < m; i++) b.points[3 * i + 2] += 4; /* in front of the camera */
    b.weights = repeat(&r, p, 1, 1);
    b.features = repeat(&r, p, 2, 1);
    return b;
}

void gb_ba_free(gb_ba *b)
{
    free(b->cameras), free(b->points), free(b->weights), free(b->features);
}

static void cross(const double a[3], const double b[3], double out[3])
{
    out[0] = a[1] * b[2] - a[2] * b[1];
    out[1] = a[2] * b[0] - a[0] * b[2];
    out[2] = a[0] * b[1] - a[1] * b[0];
}

static void rotate(const double r[3], const double x[3], double out[3])
{
    double square = r[0] * r[0] + r[1] * r[1] + r[2] * r[2], turned[3];
    if (square == 0) {
        cross(r, x, turned);
        for (int i = 0; i < 3; i++) out[i] = x[i] + turned[i];
        return;
    }
    double theta = sqrt(square), c = cos(theta), s = sin(theta), v[3];
    for (int i = 0; i < 3; i++) v[i] = r[i] / theta;
    cross(v, x, turned);
    double along = (v[0] * x[0] + v[1] * x[1] + v[2] * x[2]) * (1 - c);
    for (int i = 0; i < 3; i++) out[i] = x[i] * c + turned[i] * s + v[i] * along;
}

static void project(const double camera[GB_CAMERA], const double x[3], double out[2])
{
    double offset[3], seen[3];
    for (int i = 0; i < 3; i++) offset[i] = x[i] - camera[3 + i];
    rotate(camera, offset, seen);
    double px = seen[0] / seen[2], py = seen[1] / seen[2], rho = px * px + py * py;
    double bend = 1 + camera[9] * rho + camera[10] * rho * rho;
    out[0] = px * bend * camera[6] + camera[7];
    out[1] = py * bend * camera[6] + camera[8];
}

void gb_ba_objective(const gb_ba *b, double *reprojection, double *weight)
{
    for (int64_t i = 0; i < b->p; i++) {
        double at[2], w = b->weights[i];
        project(b->cameras + GB_CAMERA * (i % b->n), b->points + 3 * (i % b->m), at);
        reprojection[2 * i] = w * (at[0] - b->features[2 * i]);
        reprojection[2 * i + 1] = w * (at[1] - b->features[2 * i + 1]);
    }
    for (int64_t i = 0; i < b->p; i++) weight[i] = 1 - b->weights[i] * b->weights[i];
}
