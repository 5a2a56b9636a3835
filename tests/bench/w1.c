/* W1: the network 2-2-2 of sigmoids without biases, one sample: y = sigmoid(sigmoid(x w1) w2), E = mean((y - t)^2);
 * forward, backward and the update of the eight weights. */
#include "bench.h"

#include <math.h>

static const double start1[4] = { 0.1, 0.2, 0.3, 0.1 }, start2[4] = { 0.4, 0.5, 0.1, 0.3 };
static const double input[2] = { 0.5, 0.8 }, target[2] = { 0.2, 0.1 };
static const double rate = 0.3;

typedef struct {
    double x[2], t[2], w1[4], w2[4], loss; /* the limit's */
    ag_run *run;
} network;

BENCH_INLINE double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

BENCH_INLINE void limit(void *context)
{
    network *n = context;
    double z[2], y[2], d[2], back[2];
    double *w1 = n->w1, *w2 = n->w2;
    for (int j = 0; j < 2; j++) z[j] = sigmoid(n->x[0] * w1[j] + n->x[1] * w1[2 + j]);
    for (int k = 0; k < 2; k++) y[k] = sigmoid(z[0] * w2[k] + z[1] * w2[2 + k]);
    for (int k = 0; k < 2; k++) d[k] = (y[k] - n->t[k]) * y[k] * (1 - y[k]);
    n->loss = ((y[0] - n->t[0]) * (y[0] - n->t[0]) + (y[1] - n->t[1]) * (y[1] - n->t[1])) / 2;
    for (int j = 0; j < 2; j++) back[j] = (d[0] * w2[2 * j] + d[1] * w2[2 * j + 1]) * z[j] * (1 - z[j]);
    for (int j = 0; j < 2; j++)
        for (int k = 0; k < 2; k++) w2[2 * j + k] -= rate * d[k] * z[j];
    for (int i = 0; i < 2; i++)
        for (int j = 0; j < 2; j++) w1[2 * i + j] -= rate * back[j] * n->x[i];
}
BENCH_VARIANTS(limit)

static void ours(void *context)
{
    bench_eval(((network *)context)->run);
}

void bench_w1(const char *name)
{
    network n = { .w1 = { 0 } };
    ag_graph *g = ag_graph_new(NULL);
    ag_node *x = ag_input(g, "x", AG_F64, AG_SHAPE(1, 2)), *t = ag_input(g, "t", AG_F64, AG_SHAPE(1, 2));
    ag_node *w1 = ag_parameter(g, "w1", AG_F64, AG_SHAPE(2, 2), start1);
    ag_node *w2 = ag_parameter(g, "w2", AG_F64, AG_SHAPE(2, 2), start2);
    ag_node *y = ag_sigmoid(ag_matmul(ag_sigmoid(ag_matmul(x, w1)), w2));
    ag_node *loss = ag_mean(ag_square(ag_sub(y, t)));
    ag_node *update = ag_sgd(loss, &(ag_sgd_options){ .rate = rate });
    ag_plan *p = bench_compile(g, 2, (ag_node *[]){ loss, update });
    n.run = ag_run_new(p);
    bench_require(ag_feed(n.run, x, input), ag_run_error(n.run));
    bench_require(ag_feed(n.run, t, target), ag_run_error(n.run));
    for (int i = 0; i < 2; i++) n.x[i] = input[i], n.t[i] = target[i];
    for (int i = 0; i < 4; i++) n.w1[i] = start1[i], n.w2[i] = start2[i];

    for (int step = 0; step < 1000; step++) ours(&n), limit_best()(&n);
    double now = ag_item(n.run, loss);
    bench_agree_f64("W1 loss", 1, &now, &n.loss, 1e-12);
    bench_agree_f64("W1 w1", 4, ag_data(n.run, w1), n.w1, 1e-12);
    bench_agree_f64("W1 w2", 4, ag_data(n.run, w2), n.w2, 1e-12);

    bench_print(name, "us", 1e6, bench_compare(ours, limit_best(), &n));
    printf("\n");
    ag_run_free(n.run);
    ag_plan_free(p);
    ag_graph_free(g);
}
