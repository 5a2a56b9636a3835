/* W2, W3: networks of dense layers with biases, ReLU between them and cross-entropy at the end, trained on one batch.
 * The limit is what remains in the end: the matrix products, each with the transposes and the accumulation that spare
 * any other pass over memory. Their operands lie in memory of their own and hold numbers of the same kind. */
#include "bench.h"

#include <math.h>
#include <stdlib.h>

enum { MOST = 3 };

typedef struct {
    int layers, batch, width[MOST + 1];
    int in_place; /* weights are updated by the product that makes their gradient */
} network_shape;

typedef struct {
    const network_shape *s;
    float *weight[MOST], *gradient[MOST], *value[MOST + 1], *error[MOST + 1]; /* the limit's */
    ag_run *run;
} network;

static void limit(void *context)
{
    const network *n = context;
    const network_shape *s = n->s;
    for (int l = 0; l < s->layers; l++)
        bench_multiply(s->batch, s->width[l + 1], s->width[l], 1, n->value[l], 0, n->weight[l], 0, 0, n->value[l + 1]);
    for (int l = s->layers; l-- > 0;) {
        int in = s->width[l], out = s->width[l + 1];
        if (l) bench_multiply(s->batch, in, out, 1, n->error[l + 1], 0, n->weight[l], 1, 0, n->error[l]);
        if (s->in_place) bench_multiply(in, out, s->batch, -1e-6f, n->value[l], 1, n->error[l + 1], 0, 1, n->weight[l]);
        else bench_multiply(in, out, s->batch, 1, n->value[l], 1, n->error[l + 1], 0, 0, n->gradient[l]);
    }
}

static void ours(void *context)
{
    bench_eval(((network *)context)->run);
}

static float *numbers(int64_t n, double size)
{
    float *x = bench_take(n, sizeof *x);
    bench_fill_f32(x, n, -size, size);
    return x;
}

static network make_limit(const network_shape *s)
{
    network n = { .s = s };
    for (int l = 0; l <= s->layers; l++) {
        n.value[l] = numbers((int64_t)s->batch * s->width[l], 1);
        n.error[l] = numbers((int64_t)s->batch * s->width[l], 0.01);
        if (l == s->layers) continue;
        n.weight[l] = numbers((int64_t)s->width[l] * s->width[l + 1], 1 / sqrt(s->width[l]));
        n.gradient[l] = numbers((int64_t)s->width[l] * s->width[l + 1], 0.01);
    }
    return n;
}

static void free_limit(const network *n)
{
    for (int l = 0; l <= n->s->layers; l++) free(n->value[l]), free(n->error[l]);
    for (int l = 0; l < n->s->layers; l++) free(n->weight[l]), free(n->gradient[l]);
}

static ag_node *loss_of(ag_graph *g, const network *n, ag_node *x, ag_node *labels)
{
    const int *width = n->s->width;
    for (int l = 0; l < n->s->layers; l++) {
        ag_node *w = ag_parameter(g, NULL, AG_F32, AG_SHAPE(width[l], width[l + 1]), n->weight[l]);
        x = ag_add(ag_matmul(x, w), ag_parameter(g, NULL, AG_F32, AG_SHAPE(width[l + 1]), NULL));
        if (l + 1 < n->s->layers) x = ag_relu(x);
    }
    return ag_cross_entropy(x, labels);
}

static void train(const char *name, const network_shape *s, ag_node *update(ag_node *loss))
{
    network n = make_limit(s);
    int64_t *label = bench_take(s->batch, sizeof *label);
    bench_labels(label, s->batch, s->width[s->layers]);
    ag_graph *g = ag_graph_new(NULL);
    ag_node *x = ag_input(g, "x", AG_F32, AG_SHAPE(s->batch, s->width[0]));
    ag_node *labels = ag_input(g, "labels", AG_I64, AG_SHAPE(s->batch));
    ag_node *loss = loss_of(g, &n, x, labels);
    ag_plan *p = bench_compile(g, 2, (ag_node *[]){ loss, update(loss) });
    n.run = ag_run_new(p);
    bench_require(ag_feed(n.run, x, n.value[0]), ag_run_error(n.run));
    bench_require(ag_feed(n.run, labels, label), ag_run_error(n.run));

    ours(&n);
    double before = ag_item(n.run, loss);
    bench_print(name, "ms", 1e3, bench_compare(ours, limit, &n));
    printf("\n");
    bench_require(ag_item(n.run, loss) < before ? AG_OK : AG_ENAN, "the network does not learn");
    ag_run_free(n.run);
    ag_plan_free(p);
    ag_graph_free(g);
    free(label);
    free_limit(&n);
}

static ag_node *descent(ag_node *loss)
{
    return ag_sgd(loss, &(ag_sgd_options){ .rate = 0.01 });
}

static ag_node *adam(ag_node *loss)
{
    return ag_adam(loss, NULL);
}

void bench_w2(const char *name)
{
    train(name, &(network_shape){ 2, 64, { 784, 128, 10 }, 1 }, descent);
}

void bench_w3(const char *name)
{
    train(name, &(network_shape){ 3, 256, { 784, 1024, 1024, 10 }, 0 }, adam);
}
