/* Sum over points of the squared distance to the nearest centroid. */
#include "primal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

gb_kmeans gb_kmeans_random(int64_t k, int64_t n, int64_t d, uint64_t seed)
{
    gb_rng r = { seed };
    gb_kmeans m = { .n = n, .k = k, .d = d };
    m.points = gb_uniforms(&r, n * d, 0, 1);
    m.centroids = gb_take(k * d, sizeof *m.centroids); /* the last points: no cluster is empty */
    memcpy(m.centroids, m.points + (n - k) * d, (size_t)(k * d) * sizeof *m.centroids);
    return m;
}

void gb_kmeans_free(gb_kmeans *m)
{
    free(m->points), free(m->centroids);
}

double gb_kmeans_cost(const gb_kmeans *m)
{
    double cost = 0;
    for (int64_t i = 0; i < m->n; i++) {
        const double *p = m->points + i * m->d;
        double nearest = INFINITY;
        for (int64_t j = 0; j < m->k; j++) {
            const double *c = m->centroids + j * m->d;
            double distance = 0;
            for (int64_t a = 0; a < m->d; a++) distance += (c[a] - p[a]) * (c[a] - p[a]);
            if (distance < nearest) nearest = distance;
        }
        cost += nearest;
    }
    return cost;
}
