/* W7 and GPT-2: a transformer's loss, gradient and AdamW step. The limit is its products alone, forth and back: of the
 * dense layers and the logits over all rows at once, of attention head by head. */
#include "bench.h"

#include "../../autograd/networks/networks.h"

#include <stdlib.h>

typedef struct {
    int layers, width, heads, steps, batch, words;
} size;

typedef struct {
    size s;
    float *weights, *wide, *narrow, *scores; /* the limit's: one layer's activations, all layers' weights */
    float *slope;                            /* of the largest matrix */
    ag_run *run;
} contest;

static void ours(void *context)
{
    bench_eval(((contest *)context)->run);
}

/* rows x in by out x in, and its gradients by both. */
static void dense(const contest *c, int rows, int out, int in, const float *w, const float *x, float *y)
{
    bench_multiply(rows, out, in, 1e-3f, x, 0, w, 1, 0, y);
    bench_multiply(rows, in, out, 1e-3f, y, 0, w, 0, 0, c->narrow);
    bench_multiply(out, in, rows, 1e-3f, y, 1, x, 0, 0, c->slope);
}

static void attend(const contest *c)
{
    const int t = c->s.steps, d = c->s.width / c->s.heads;
    for (int k = 0; k < c->s.batch * c->s.heads; k++) {
        float *q = c->wide + (int64_t)k * t * d, *g = c->narrow + (int64_t)k * t * d;
        bench_multiply(t, t, d, 1e-3f, q, 0, q, 1, 0, c->scores);
        bench_multiply(t, d, t, 1e-3f, c->scores, 0, q, 0, 0, g);
        bench_multiply(t, t, d, 1e-3f, g, 0, q, 1, 0, c->scores);
        bench_multiply(t, d, t, 1e-3f, c->scores, 0, q, 0, 0, g);
        for (int back = 0; back < 2; back++) bench_multiply(t, d, t, 1e-3f, c->scores, 1, q, 0, 0, g);
    }
}

static void limit(void *context)
{
    const contest *c = context;
    const int w = c->s.width, rows = c->s.batch * c->s.steps;
    const float *weights = c->weights;
    for (int k = 0; k < c->s.layers; k++, weights += 12 * (int64_t)w * w) {
        dense(c, rows, 3 * w, w, weights, c->narrow, c->wide);
        attend(c);
        dense(c, rows, w, w, weights + 3 * (int64_t)w * w, c->narrow, c->wide);
        dense(c, rows, 4 * w, w, weights + 4 * (int64_t)w * w, c->narrow, c->wide);
        dense(c, rows, w, 4 * w, weights + 8 * (int64_t)w * w, c->wide, c->narrow);
    }
    dense(c, rows, c->s.words, w, weights, c->narrow, c->wide);
}

static ag_node *loss_of(ag_graph *g, const size *s, ag_node *words, ag_node *next)
{
    ag_net net = ag_net_new(g, AG_F32, 1);
    ag_node *table = ag_net_weight(net, "embedding", AG_SHAPE(s->words, s->width), AG_NORMAL, 0.02);
    ag_node *places = ag_net_weight(net, "position", AG_SHAPE(s->steps, s->width), AG_NORMAL, 0.02);
    ag_node *x = ag_add(ag_gather(table, 0, words), places);
    for (int k = 0; k < s->layers; k++) {
        char name[16];
        snprintf(name, sizeof name, "block%d", k);
        x = ag_net_transformer(net, name, x, s->heads, 4 * s->width, NULL, 1);
    }
    x = ag_reshape(ag_net_layer_norm(net, "norm", x), AG_SHAPE(-1, s->width));
    return ag_cross_entropy(ag_dot(x, ag_transpose(table, NULL)), ag_reshape(next, AG_SHAPE(-1)));
}

static float *numbers(int64_t n)
{
    float *x = bench_take(n, sizeof *x);
    bench_fill_f32(x, n, -1, 1);
    return x;
}

static void run(const char *name, size s)
{
    const int64_t rows = (int64_t)s.batch * s.steps, square = (int64_t)s.width * s.width;
    const int64_t most = s.words > 4 * s.width ? s.words : 4 * s.width;
    contest c = { .s = s, .weights = numbers(12 * square * s.layers + (int64_t)s.words * s.width),
                  .wide = numbers(rows * most), .narrow = numbers(rows * 4 * s.width),
                  .scores = numbers((int64_t)s.steps * s.steps), .slope = numbers(most * s.width) };
    int64_t *word = bench_take(rows + 1, sizeof *word);
    bench_labels(word, rows + 1, s.words);
    ag_graph *g = ag_graph_new(NULL);
    ag_node *words = ag_input(g, "words", AG_I64, AG_SHAPE(s.batch, s.steps));
    ag_node *next = ag_input(g, "next", AG_I64, AG_SHAPE(s.batch, s.steps));
    ag_node *loss = loss_of(g, &s, words, next);
    ag_node *step = ag_adam(loss, &(ag_adam_options){ .rate = 1e-4, .weight_decay = 0.01 });
    ag_plan *p = bench_compile(g, 2, (ag_node *[]){ loss, step });
    c.run = ag_run_new(p);
    bench_require(ag_feed(c.run, words, word), ag_run_error(c.run));
    bench_require(ag_feed(c.run, next, word + 1), ag_run_error(c.run));
    ours(&c);
    const double before = ag_item(c.run, loss);
    bench_print(name, "ms", 1e3, bench_compare(ours, limit, &c));
    printf("\n");
    bench_require(ag_item(c.run, loss) < before ? AG_OK : AG_ENAN, "the network does not learn");
    ag_run_free(c.run);
    ag_plan_free(p);
    ag_graph_free(g);
    float *all[] = { c.weights, c.wide, c.narrow, c.scores, c.slope };
    for (size_t k = 0; k < sizeof all / sizeof *all; k++) free(all[k]);
    free(word);
}

void bench_w7(const char *name)
{
    run(name, (size){ .layers = 4, .width = 256, .heads = 4, .steps = 128, .batch = 4, .words = 1024 });
}

void bench_gpt2(const char *name)
{
    char text[32];
    for (int steps = 64; steps <= 256; steps *= 4) {
        snprintf(text, sizeof text, "%s T %d", name, steps);
        run(text, (size){ .layers = 12, .width = 768, .heads = 12, .steps = steps, .batch = 1, .words = 50257 });
    }
}
