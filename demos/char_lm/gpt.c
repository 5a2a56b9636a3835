/* A transformer as in GPT-2: characters and their places embedded; blocks of attention to what came before and of two
 * dense layers, each on normalised values and added to what there was; logits by the embedding's transpose. Radford and
 * others, "Language models are unsupervised multitask learners", 2019. */
#include "char_lm.h"

#include <math.h>

enum { WIDTH = 128, HEADS = 4, LAYERS = 3 };

/* x [rows, WIDTH] times the k-th weights */
static ag_node *dense(const model *m, int k, ag_node *x)
{
    return ag_add(ag_dot(x, m->weight[k]), m->bias[k]);
}

/* Mean 0 and variance 1 along the last axis, then the k-th gain and shift. */
static ag_node *normalise(const model *m, int k, ag_node *x)
{
    ag_node *rest = ag_sub(x, ag_mean_axis(x, -1, 1)), *variance = ag_mean_axis(ag_square(rest), -1, 1);
    ag_node *scaled = ag_div(rest, ag_sqrt(ag_add(variance, ag_number(m->graph, 1e-5))));
    return ag_add(ag_mul(scaled, m->gain[k]), m->shift[k]);
}

/* The k-th third of [rows * WINDOW, 3 * WIDTH] as [rows, HEADS, WINDOW, WIDTH / HEADS]. */
static ag_node *heads(ag_node *all, int k)
{
    ag_node *x = ag_slice(all, 1, (int64_t)k * WIDTH, (int64_t)(k + 1) * WIDTH, 1);
    return ag_transpose(ag_reshape(x, AG_SHAPE(-1, WINDOW, HEADS, WIDTH / HEADS)), (int[]){ 0, 2, 1, 3 });
}

static ag_node *attend(const model *m, int layer, ag_node *x)
{
    ag_node *all = dense(m, 4 * layer, normalise(m, 2 * layer, x));
    ag_node *y = ag_attention(heads(all, 0), heads(all, 1), heads(all, 2), 0, 1);
    return dense(m, 4 * layer + 1, ag_reshape(ag_transpose(y, (int[]){ 0, 2, 1, 3 }), AG_SHAPE(-1, WIDTH)));
}

static ag_node *think(const model *m, int layer, ag_node *x)
{
    return dense(m, 4 * layer + 3, ag_gelu(dense(m, 4 * layer + 2, normalise(m, 2 * layer + 1, x))));
}

static ag_node *logits(const model *m, ag_node *codes)
{
    ag_node *x = ag_reshape(ag_add(ag_gather(m->embedding, 0, codes), m->position), AG_SHAPE(-1, WIDTH));
    for (int k = 0; k < LAYERS; k++) {
        x = ag_add(x, attend(m, k, x));
        x = ag_add(x, think(m, k, x));
    }
    return ag_dot(normalise(m, 2 * LAYERS, x), ag_transpose(m->embedding, NULL));
}

static void make_dense(model *m, int k, const char *name, int64_t in, int64_t out, double deviation)
{
    char full[48];
    snprintf(full, sizeof full, "block%d/%s/weight", k / 4 + 1, name);
    m->weight[k] = drawn(m->graph, full, AG_SHAPE(in, out), deviation);
    snprintf(full, sizeof full, "block%d/%s/bias", k / 4 + 1, name);
    m->bias[k] = drawn(m->graph, full, AG_SHAPE(out), 0);
}

static void make_norm(model *m, int k)
{
    float one[WIDTH];
    char name[32];
    for (int i = 0; i < WIDTH; i++) one[i] = 1;
    snprintf(name, sizeof name, "norm%d/gain", k + 1);
    m->gain[k] = ag_parameter(m->graph, name, AG_F32, AG_SHAPE(WIDTH), one);
    snprintf(name, sizeof name, "norm%d/shift", k + 1);
    m->shift[k] = drawn(m->graph, name, AG_SHAPE(WIDTH), 0);
}

void gpt_make(model *m, ag_graph *g, int kinds)
{
    const double deviation = 0.04, last = deviation / sqrt(2.0 * LAYERS); /* of what is added to the rest */
    *m = (model){ .logits = logits, .graph = g, .kinds = kinds };
    m->embedding = drawn(g, "embedding", AG_SHAPE(kinds, WIDTH), deviation);
    m->position = drawn(g, "position", AG_SHAPE(WINDOW, WIDTH), deviation);
    for (int k = 0; k < LAYERS; k++) {
        make_dense(m, 4 * k, "attention", WIDTH, 3 * WIDTH, deviation);
        make_dense(m, 4 * k + 1, "projection", WIDTH, WIDTH, last);
        make_dense(m, 4 * k + 2, "wide", WIDTH, 4 * WIDTH, deviation);
        make_dense(m, 4 * k + 3, "narrow", 4 * WIDTH, WIDTH, last);
    }
    for (int k = 0; k <= 2 * LAYERS; k++) make_norm(m, k);
}
