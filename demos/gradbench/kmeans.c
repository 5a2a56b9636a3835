/* Clustering: the sum over points of the squared distance to the nearest centroid, and Newton's direction, the gradient
 * divided by the Hessian's diagonal. The Hessian has nothing else, so its product with ones is the diagonal. */
#include "eval.h"

#include <stdlib.h>

enum { COST, DIR };
enum { POINTS, CENTROIDS, OUT };

typedef struct {
    problem common;
    array points, centroids;
    double cost, *dir;
} kmeans;

static int parse(problem *base, const json_t *input, reason *why)
{
    kmeans *p = (kmeans *)base;
    array *points = &p->points, *centroids = &p->centroids;
    if (read_array(input, "points", 2, points, why) || read_array(input, "centroids", 2, centroids, why) ||
        check_shape(points, "points", points->dim, why) ||
        check_shape(centroids, "centroids", (int64_t[]){ centroids->dim[0], points->dim[1] }, why))
        return -1;
    p->dir = malloc((size_t)centroids->count * sizeof *p->dir);
    return p->dir ? 0 : refuse(why, "out of memory");
}

/* Which centroid is nearest does not change for small changes, so the cost is that of the chosen ones. |p|^2 is the
 * same for all centroids of a point and left out of the choice. */
static ag_node *cost_of(ag_node *points, ag_node *centroids)
{
    ag_graph *g = ag_graph_of(points);
    ag_node *product = ag_matmul(points, ag_transpose(centroids, NULL));
    ag_node *norm = ag_sum_axis(ag_square(centroids), 1, 0);
    ag_node *nearest = ag_argmax(ag_sub(ag_mul(ag_number(g, 2), product), norm), 1);
    return ag_sum(ag_square(ag_sub(ag_gather(centroids, 0, nearest), points)));
}

static int build(model *m, const kmeans *p, reason *why)
{
    ag_node *points = m->node[POINTS] = real_input(m, "points", 2, p->points.dim);
    ag_node *centroids = m->node[CENTROIDS] = real_input(m, "centroids", 2, p->centroids.dim);
    ag_node *cost = m->node[OUT] = cost_of(points, centroids), *gradient;
    if (p->common.function == DIR) {
        ag_gradient(cost, 1, &centroids, &gradient);
        m->node[OUT] = ag_div(gradient, ag_hvp(cost, centroids, constant_like(centroids, 1)));
    }
    return model_compile(m, 0, 1, &m->node[OUT], why);
}

static int prepare(problem *base, reason *why)
{
    kmeans *p = (kmeans *)base;
    const int64_t *n = p->points.dim;
    model *m = base->model = cache_model(base->cache, 3, why, "kmeans %d %lld %lld %lld", base->function,
                                         (long long)n[0], (long long)n[1], (long long)p->centroids.dim[0]);
    if (m) m->native = 1;
    if (!m || (!m->ready && build(m, p, why))) return -1;
    m->ready = 1;
    model_feed(m, 0, m->node[POINTS], p->points.data);
    model_feed(m, 0, m->node[CENTROIDS], p->centroids.data);
    return model_fill(m, 0, m->node[OUT], base->function == COST ? &p->cost : p->dir, why);
}

static json_t *output(const problem *base)
{
    const kmeans *p = (const kmeans *)base;
    return base->function == COST ? write_number(p->cost) : write_array(2, p->centroids.dim, p->dir);
}

static void release(problem *base)
{
    kmeans *p = (kmeans *)base;
    free(p->points.data);
    free(p->centroids.data);
    free(p->dir);
}

const eval kmeans_eval = { "kmeans", { "cost", "dir" }, sizeof(kmeans), parse, prepare, NULL, output, release };
