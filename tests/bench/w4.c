/* W4: images of 28 x 28, convolution 5x5x8, ReLU, max-pool 2, convolution 5x5x16, ReLU, max-pool 2, dense 120 and 10,
 * batch 64, SGD. The limit is what its products are: five convolutions of ours, each alone, and six bare sgemm. */
#include "bench.h"

#include "dense/convolve.h"

#include <cblas.h>
#include <stdlib.h>

enum { BATCH = 64, CLASSES = 10, HIDDEN = 120, FLAT = 16 * 4 * 4 };

typedef struct {
    ag_run *run;
    agi_convolution conv[5];
    float *a, *b, *out; /* room for any operand */
    void *work;
} network;

/* x [n, in, size, size] by filters [out, in, 5, 5]. */
static agi_convolution forward(int64_t n, int64_t in, int64_t size, int64_t out)
{
    const int64_t result = size - 4;
    return (agi_convolution){ .batch = n, .groups = 1, .in = in, .out = out, .size = { 1, size, size },
                              .kernel = { 1, 5, 5 }, .result = { 1, result, result }, .stride = { 1, 1, 1 },
                              .dilation = { 1, 1, 1 }, .spread = { 1, 1, 1 }, .x_batch = in * size * size,
                              .x_group = in * size * size, .x_in = size * size, .x_axis = { size * size, size, 1 },
                              .w_group = out * in * 25, .w_out = in * 25, .w_in = 25, .w_axis = { 25, 5, 1 } };
}

static agi_convolution by_filters(int64_t n, int64_t in, int64_t size, int64_t out)
{
    const int64_t result = size - 4;
    agi_convolution c = forward(n, in, size, out);
    c.batch = in, c.in = n, c.x_batch = size * size, c.x_in = in * size * size;
    c.kernel[1] = c.kernel[2] = result, c.result[1] = c.result[2] = 5;
    c.w_out = result * result, c.w_in = out * result * result;
    c.w_axis[0] = result * result, c.w_axis[1] = result;
    return c;
}

static agi_convolution by_input(int64_t n, int64_t in, int64_t size, int64_t out)
{
    agi_convolution c = forward(n, out, size - 4, in);
    c.result[1] = c.result[2] = size, c.pad[1] = c.pad[2] = 4;
    c.w_out = 25, c.w_in = in * 25;
    return c;
}

static void multiply(const network *n, int rows, int columns, int inner)
{
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, rows, columns, inner, 1, n->a, inner, n->b, columns, 0,
                n->out, columns);
}

static void limit(void *context)
{
    const network *n = context;
    for (int k = 0; k < 5; k++)
        agi_dense_of(bench_isa(), 0)->convolve(&n->conv[k], n->a, n->b, n->out, n->work, 0,
                                     agi_cut_convolution(0, &n->conv[k]).pieces);
    multiply(n, BATCH, HIDDEN, FLAT), multiply(n, BATCH, CLASSES, HIDDEN);
    multiply(n, HIDDEN, CLASSES, BATCH), multiply(n, BATCH, HIDDEN, CLASSES);
    multiply(n, FLAT, HIDDEN, BATCH), multiply(n, BATCH, FLAT, HIDDEN);
}

static void ours(void *context)
{
    bench_eval(((network *)context)->run);
}

static ag_node *parameter(ag_graph *g, ag_shape s, double size)
{
    int64_t n = 1;
    for (int i = 0; i < s.rank; i++) n *= s.dim[i];
    float *values = bench_take(n, sizeof *values);
    bench_fill_f32(values, n, -size, size);
    ag_node *p = ag_parameter(g, NULL, AG_F32, s, values);
    free(values);
    return p;
}

static ag_node *layer(ag_graph *g, ag_node *x, int in, int out)
{
    ag_node *bias = parameter(g, AG_SHAPE(1, out, 1, 1), 0.1);
    ag_node *y = ag_add(ag_conv(x, parameter(g, AG_SHAPE(out, in, 5, 5), 0.2), NULL), bias);
    return ag_max_pool(ag_relu(y), &(ag_pool_options){ .kernel = { 2, 2 } });
}

static ag_node *dense(ag_graph *g, ag_node *x, int in, int out)
{
    return ag_add(ag_matmul(x, parameter(g, AG_SHAPE(in, out), 0.1)), parameter(g, AG_SHAPE(out), 0.1));
}

void bench_w4(const char *name)
{
    network n = { .conv = { forward(BATCH, 1, 28, 8), by_filters(BATCH, 1, 28, 8), forward(BATCH, 8, 12, 16),
                            by_filters(BATCH, 8, 12, 16), by_input(BATCH, 8, 12, 16) } };
    const int64_t room = BATCH * 8 * 24 * 24;
    int64_t work = 1;
    ag_graph *g = ag_graph_new(NULL);
    ag_node *x = ag_input(g, "x", AG_F32, AG_SHAPE(BATCH, 1, 28, 28));
    ag_node *labels = ag_input(g, "labels", AG_I64, AG_SHAPE(BATCH));
    ag_node *h = ag_reshape(layer(g, layer(g, x, 1, 8), 8, 16), AG_SHAPE(BATCH, FLAT));
    ag_node *loss = ag_cross_entropy(dense(g, ag_relu(dense(g, h, FLAT, HIDDEN)), HIDDEN, CLASSES), labels);
    ag_node *step = ag_sgd(loss, &(ag_sgd_options){ .rate = 0.01 });
    ag_plan *p = bench_compile(g, 2, (ag_node *[]){ loss, step });
    n.run = ag_run_new(p);
    int64_t label[BATCH];
    n.a = bench_take(room, sizeof(float)), n.b = bench_take(room, sizeof(float));
    n.out = bench_take(room, sizeof(float));
    bench_fill_f32(n.a, room, -1, 1);
    bench_fill_f32(n.b, room, -1, 1);
    bench_labels(label, BATCH, CLASSES);
    for (int k = 0; k < 5; k++) {
        const int64_t bytes = agi_convolution_work(0, &n.conv[k]);
        work = bytes > work ? bytes : work;
    }
    n.work = bench_take(work, 1);
    bench_require(ag_feed_f32(n.run, x, n.a, BATCH * 28 * 28), ag_run_error(n.run));
    bench_require(ag_feed_i64(n.run, labels, label, BATCH), ag_run_error(n.run));
    bench_print(name, "ms", 1e3, bench_compare(ours, limit, &n));
    printf("\n");
    ag_run_free(n.run);
    ag_plan_free(p);
    ag_graph_free(g);
    free(n.a), free(n.b), free(n.out), free(n.work);
}
