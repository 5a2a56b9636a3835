/* Hand tracking: a skeleton of 22 bones poses a skin of vertices; its distance from measured points. */
#include "primal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { COLUMNS = GB_BONES + 3 };

static void random_transform(gb_rng *r, double m[16])
{
    double a = 0.5 * gb_normal(r), c = cos(a), s = sin(a);
    double turn[16] = { c, -s, 0, 0, s, c, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1 };
    for (int i = 0; i < 3; i++) turn[4 * i + 3] = 0.3 * gb_normal(r);
    memcpy(m, turn, sizeof turn);
}

static void random_skin(gb_rng *r, gb_ht *h)
{
    h->base_positions = gb_normals(r, 4 * h->vertices);
    h->weights = gb_take(h->vertices * GB_BONES, sizeof *h->weights);
    for (int64_t v = 0; v < h->vertices; v++) {
        h->base_positions[4 * v + 3] = 1;
        for (int i = 0; i < 4; i++) /* four bones move a vertex */
            h->weights[v * GB_BONES + (int)(gb_uniform(r) * GB_BONES)] += 0.25;
    }
    h->triangles = gb_take(3 * h->faces, sizeof *h->triangles);
    for (int64_t i = 0; i < 3 * h->faces; i++) h->triangles[i] = (int)(gb_uniform(r) * (double)h->vertices);
}

gb_ht gb_ht_random(int64_t vertices, int64_t count, int with_us, uint64_t seed)
{
    gb_rng r = { seed };
    gb_ht h = { .vertices = vertices, .faces = 2 * vertices, .count = count };
    h.base_relatives = gb_take(16 * GB_BONES, sizeof(double));
    h.base_inverses = gb_take(16 * GB_BONES, sizeof(double));
    for (int i = 0; i < GB_BONES; i++) {
        h.parents[i] = (int)(gb_uniform(&r) * i) - (i == 0);
        random_transform(&r, h.base_relatives + 16 * i);
        random_transform(&r, h.base_inverses + 16 * i);
    }
    random_skin(&r, &h);
    h.correspondences = gb_take(count, sizeof *h.correspondences);
    double range = (double)(with_us ? h.faces : vertices);
    for (int64_t i = 0; i < count; i++) h.correspondences[i] = (int)(gb_uniform(&r) * range);
    h.points = gb_normals(&r, 3 * count);
    for (int i = 0; i < GB_THETA; i++) h.theta[i] = 0.3 * gb_normal(&r);
    h.us = with_us ? gb_uniforms(&r, 2 * count, 0, 0.5) : NULL;
    return h;
}

void gb_ht_free(gb_ht *h)
{
    free(h->base_relatives), free(h->base_inverses), free(h->base_positions), free(h->weights);
    free(h->triangles), free(h->correspondences), free(h->points), free(h->us);
}

static void multiply(const double a[16], const double b[16], double out[16])
{
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < 4; j++) {
            double sum = 0;
            for (int k = 0; k < 4; k++) sum += a[4 * i + k] * b[4 * k + j];
            out[4 * i + j] = sum;
        }
}

/* Columns: rotation, scale, translation, then one of angles for each bone; the fingers' start at column 5. */
static void pose_of(const double *theta, double pose[3][COLUMNS])
{
    memset(pose, 0, 3 * COLUMNS * sizeof(double));
    for (int i = 0; i < 3; i++) {
        pose[i][0] = theta[i];
        pose[i][1] = 1;
        pose[i][2] = theta[3 + i];
    }
    const double *next = theta + 6;
    for (int finger = 0; finger < 5; finger++) {
        int column = 5 + 4 * finger;
        pose[0][column] = *next++;
        pose[1][column] = *next++;
        pose[0][column + 1] = *next++;
        pose[0][column + 2] = *next++;
    }
}

/* Rz Ry Rx as a transform. */
static void euler(double x, double z, double y, double out[16])
{
    double rx[16] = { 1, 0, 0, 0, 0, cos(x), -sin(x), 0, 0, sin(x), cos(x), 0, 0, 0, 0, 1 };
    double ry[16] = { cos(y), 0, sin(y), 0, 0, 1, 0, 0, -sin(y), 0, cos(y), 0, 0, 0, 0, 1 };
    double rz[16] = { cos(z), -sin(z), 0, 0, sin(z), cos(z), 0, 0, 0, 0, 1, 0, 0, 0, 0, 1 }, zy[16];
    multiply(rz, ry, zy);
    multiply(zy, rx, out);
}

static void global_rotation(double pose[3][COLUMNS], double r[3][3])
{
    double norm = sqrt(pose[0][0] * pose[0][0] + pose[1][0] * pose[1][0] + pose[2][0] * pose[2][0]);
    double s = sin(norm), c = cos(norm), v[3];
    for (int i = 0; i < 3; i++) v[i] = norm < 1e-4 ? 0 : pose[i][0] / norm;
    double turn[3][3] = { { 0, -v[2], v[1] }, { v[2], 0, -v[0] }, { -v[1], v[0], 0 } };
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++) {
            r[i][j] = norm < 1e-4 ? i == j : (i == j) * c + v[i] * v[j] * (1 - c) + turn[i][j] * s;
            r[i][j] *= pose[j][1];
        }
}

static void bone_transforms(const gb_ht *h, double pose[3][COLUMNS], double transform[GB_BONES][16])
{
    double absolute[GB_BONES][16];
    for (int i = 0; i < GB_BONES; i++) {
        double turn[16], relative[16];
        euler(pose[0][i + 3], pose[1][i + 3], pose[2][i + 3], turn);
        multiply(h->base_relatives + 16 * i, turn, relative);
        if (h->parents[i] < 0) memcpy(absolute[i], relative, sizeof relative);
        else multiply(absolute[h->parents[i]], relative, absolute[i]);
        multiply(absolute[i], h->base_inverses + 16 * i, transform[i]);
    }
}

static void skin(const gb_ht *h, double transform[GB_BONES][16], double *position)
{
    for (int64_t v = 0; v < h->vertices; v++) {
        const double *base = h->base_positions + 4 * v, *weight = h->weights + v * GB_BONES;
        double sum[3] = { 0, 0, 0 };
        for (int i = 0; i < GB_BONES; i++)
            for (int a = 0; a < 3; a++) {
                const double *row = transform[i] + 4 * a;
                sum[a] += weight[i] * (row[0] * base[0] + row[1] * base[1] + row[2] * base[2] + row[3] * base[3]);
            }
        if (h->mirrored) sum[0] = -sum[0];
        memcpy(position + 3 * v, sum, sizeof sum);
    }
}

static void place(int64_t n, double pose[3][COLUMNS], double *position)
{
    double r[3][3];
    global_rotation(pose, r);
    for (int64_t v = 0; v < n; v++) {
        double p[3] = { position[3 * v], position[3 * v + 1], position[3 * v + 2] };
        for (int a = 0; a < 3; a++)
            position[3 * v + a] = r[a][0] * p[0] + r[a][1] * p[1] + r[a][2] * p[2] + pose[a][2];
    }
}

void gb_ht_objective(const gb_ht *h, double *error)
{
    double pose[3][COLUMNS], transform[GB_BONES][16], *position = gb_take(3 * h->vertices, sizeof *position);
    pose_of(h->theta, pose);
    bone_transforms(h, pose, transform);
    skin(h, transform, position);
    place(h->vertices, pose, position);
    for (int64_t i = 0; i < h->count; i++)
        for (int a = 0; a < 3; a++) {
            int c = h->correspondences[i];
            double at;
            if (h->us) {
                const int *t = h->triangles + 3 * c;
                double u = h->us[2 * i], v = h->us[2 * i + 1];
                at = u * position[3 * t[0] + a] + v * position[3 * t[1] + a] + (1 - u - v) * position[3 * t[2] + a];
            } else {
                at = position[3 * c + a];
            }
            error[3 * i + a] = h->points[3 * i + a] - at;
        }
    free(position);
}
