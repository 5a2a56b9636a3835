/* W5: a character LSTM, vocabulary 64, hidden 128, 64 steps, batch 32: loss, gradient and SGD through a loop. The limit
 * is its products alone: the inputs', the outputs' and the weights' gradients of all steps at once, those of the states
 * step by step, forth and back. */
#include "bench.h"

#include <stdlib.h>

enum { LETTERS = 64, HIDDEN = 128, GATES = 4 * HIDDEN, STEPS = 64, BATCH = 32, ROWS = STEPS * BATCH };

typedef struct {
    float *x, *h, *gates, *y, *wx, *wh, *wo; /* the limit's, as large as all steps' */
    ag_run *run;
} recurrent;

static void limit(void *context)
{
    const recurrent *r = context;
    for (int t = 0; t < STEPS; t++) {
        float *gates = r->gates + t * BATCH * GATES;
        bench_multiply(BATCH, GATES, LETTERS, 1, r->x + t * BATCH * LETTERS, 0, r->wx, 0, 0, gates);
        bench_multiply(BATCH, GATES, HIDDEN, 1, r->h + t * BATCH * HIDDEN, 0, r->wh, 0, 1, gates);
    }
    bench_multiply(ROWS, LETTERS, HIDDEN, 1, r->h, 0, r->wo, 0, 0, r->y);
    bench_multiply(HIDDEN, LETTERS, ROWS, -1e-9f, r->h, 1, r->y, 0, 1, r->wo);
    bench_multiply(ROWS, HIDDEN, LETTERS, 1e-3f, r->y, 0, r->wo, 1, 0, r->h);
    for (int t = STEPS; t-- > 0;)
        bench_multiply(BATCH, HIDDEN, GATES, 1e-3f, r->gates + t * BATCH * GATES, 0, r->wh, 1, 1e-3f,
                       r->h + t * BATCH * HIDDEN);
    bench_multiply(LETTERS, GATES, ROWS, -1e-9f, r->x, 1, r->gates, 0, 1, r->wx);
    bench_multiply(HIDDEN, GATES, ROWS, -1e-9f, r->h, 1, r->gates, 0, 1, r->wh);
}

static void ours(void *context)
{
    bench_eval(((recurrent *)context)->run);
}

static float *numbers(int64_t n, double size)
{
    float *x = bench_take(n, sizeof *x);
    bench_fill_f32(x, n, -size, size);
    return x;
}

/* Letter i as a row with a single 1. */
static float *make_text(const int64_t *letter)
{
    float *x = bench_take((int64_t)ROWS * LETTERS, sizeof *x);
    for (int64_t i = 0; i < (int64_t)ROWS * LETTERS; i++) x[i] = letter[i / LETTERS] == i % LETTERS;
    return x;
}

static ag_node *gate(ag_node *all, int k)
{
    return ag_slice(all, 1, k * HIDDEN, (k + 1) * HIDDEN, 1);
}

static ag_node *loss_of(ag_graph *g, const recurrent *r, ag_node *xs, ag_node *labels)
{
    const ag_shape state = AG_SHAPE(BATCH, HIDDEN);
    ag_node *wx = ag_parameter(g, NULL, AG_F32, AG_SHAPE(LETTERS, GATES), r->wx), *stacked;
    ag_node *wh = ag_parameter(g, NULL, AG_F32, AG_SHAPE(HIDDEN, GATES), r->wh);
    ag_node *wo = ag_parameter(g, NULL, AG_F32, AG_SHAPE(HIDDEN, LETTERS), r->wo);
    ag_node *b = ag_parameter(g, NULL, AG_F32, AG_SHAPE(GATES), NULL);
    ag_node *h = ag_input(g, NULL, AG_F32, state), *c = ag_input(g, NULL, AG_F32, state);
    ag_node *x = ag_input(g, NULL, AG_F32, AG_SHAPE(BATCH, LETTERS));
    ag_node *zero = ag_broadcast_to(ag_cast(ag_number(g, 0), AG_F32), state);
    ag_node *all = ag_add(ag_add(ag_dot(x, wx), ag_dot(h, wh)), b);
    ag_node *change = ag_mul(ag_sigmoid(gate(all, 0)), ag_tanh(gate(all, 1)));
    ag_node *cell = ag_add(ag_mul(ag_sigmoid(gate(all, 2)), c), change);
    ag_node *hidden = ag_mul(ag_sigmoid(gate(all, 3)), ag_tanh(cell));
    const ag_scan_body body = { .length = STEPS, .states = 2, .sequences = 1, .results = 1,
                                .initial = (ag_node *[]){ zero, zero }, .state = (ag_node *[]){ h, c },
                                .next = (ag_node *[]){ hidden, cell }, .sequence = &xs, .element = &x,
                                .result = &hidden };
    bench_require(ag_scan(&body, NULL, &stacked), ag_graph_error(g));
    return ag_cross_entropy(ag_dot(ag_reshape(stacked, AG_SHAPE(ROWS, HIDDEN)), wo), labels);
}

void bench_w5(const char *name)
{
    int64_t *letter = bench_take(ROWS + BATCH, sizeof *letter);
    bench_labels(letter, ROWS + BATCH, LETTERS);
    recurrent r = { .x = make_text(letter), .h = numbers(ROWS * HIDDEN, 1), .gates = numbers(ROWS * GATES, 1),
                    .y = numbers(ROWS * LETTERS, 1), .wx = numbers(LETTERS * GATES, 0.3),
                    .wh = numbers(HIDDEN * GATES, 0.1), .wo = numbers(HIDDEN * LETTERS, 0.1) };
    ag_graph *g = ag_graph_new(NULL);
    ag_node *xs = ag_input(g, "x", AG_F32, AG_SHAPE(STEPS, BATCH, LETTERS));
    ag_node *labels = ag_input(g, "labels", AG_I64, AG_SHAPE(ROWS));
    ag_node *loss = loss_of(g, &r, xs, labels), *step = ag_sgd(loss, &(ag_sgd_options){ .rate = 1 });
    ag_plan *p = bench_compile(g, 2, (ag_node *[]){ loss, step });
    r.run = ag_run_new(p);
    bench_require(ag_feed(r.run, xs, r.x), ag_run_error(r.run));
    bench_require(ag_feed(r.run, labels, letter + BATCH), ag_run_error(r.run));
    ours(&r);
    const double before = ag_item(r.run, loss);
    bench_print(name, "ms", 1e3, bench_compare(ours, limit, &r));
    printf("\n");
    bench_require(ag_item(r.run, loss) < before ? AG_OK : AG_ENAN, "the network does not learn");
    ag_run_free(r.run);
    ag_plan_free(p);
    ag_graph_free(g);
    float *all[] = { r.x, r.h, r.gates, r.y, r.wx, r.wh, r.wo };
    for (size_t k = 0; k < sizeof all / sizeof *all; k++) free(all[k]);
    free(letter);
}
