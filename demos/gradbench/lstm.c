/* A recurrent network of layers with diagonal weights, its loss over a sequence and the loss's gradient. The steps are
 * a scan that carries each layer's hidden and cell state. Weights and states are flat; a slice of `bits` is one gate's
 * weight or one state. */
#include "eval.h"

#include <stdlib.h>

enum { OBJECTIVE, JACOBIAN };
enum { MAIN, EXTRA, STATE, SEQUENCE, LEAVES, LOSS = LEAVES, GRADIENT, NODES };
enum { PER_LAYER = 8, EXTRAS = 3, MOST_LAYERS = 64 };
enum { FORGET, INGATE, OUTGATE, CHANGE, BIAS }; /* a layer's slices: four weights, their four biases */

typedef struct {
    problem common;
    int64_t layers, bits, count;
    array given[LEAVES];
    double loss, *gradient; /* by main, then by extra */
} lstm;

static int64_t weights(const lstm *p)
{
    return PER_LAYER * p->layers + EXTRAS;
}

/* ---- input ------------------------------------------------------------------------------------------------------ */

static int parse(problem *base, const json_t *input, reason *why)
{
    static const char *const name[] = { "main_params", "extra_params", "state", "sequence" };
    lstm *p = (lstm *)base;
    array *a = p->given;
    for (int i = MAIN; i < LEAVES; i++)
        if (read_array(input, name[i], 2, &a[i], why)) return -1;
    int64_t l = p->layers = a[MAIN].dim[0] / 2, b = p->bits = a[SEQUENCE].dim[1], c = p->count = a[SEQUENCE].dim[0];
    const int64_t want[][2] = { { 2 * l, 4 * b }, { EXTRAS, b }, { 2 * l, b }, { c, b } };
    if (l > MOST_LAYERS) return refuse(why, "main_params: more than %d layers", MOST_LAYERS);
    for (int i = MAIN; i < LEAVES; i++)
        if (check_shape(&a[i], name[i], want[i], why)) return -1;
    if (c < 2) return refuse(why, "sequence: nothing to predict in %lld elements", (long long)c);
    p->gradient = malloc((size_t)(weights(p) * b) * sizeof *p->gradient);
    return p->gradient ? 0 : refuse(why, "out of memory");
}

/* ---- graph ------------------------------------------------------------------------------------------------------ */

static void cut(ag_node *flat, int64_t bits, ag_node **piece)
{
    int64_t n = ag_shape_of(flat).dim[0] / bits;
    for (int64_t i = 0; i < n; i++) piece[i] = ag_slice(flat, 0, i * bits, (i + 1) * bits, 1);
}

static ag_node *gate(ag_node *const w[PER_LAYER], int which, ag_node *in)
{
    return ag_add(ag_mul(in, w[which]), w[BIAS + which]);
}

/* The layer's new hidden and cell state. */
static void advance(ag_node *const w[PER_LAYER], ag_node *in, ag_node *const state[2], ag_node *next[2])
{
    ag_node *forget = ag_sigmoid(gate(w, FORGET, in)), *ingate = ag_sigmoid(gate(w, INGATE, state[0]));
    ag_node *outgate = ag_sigmoid(gate(w, OUTGATE, in)), *change = ag_tanh(gate(w, CHANGE, state[0]));
    next[1] = ag_add(ag_mul(state[1], forget), ag_mul(ingate, change));
    next[0] = ag_mul(outgate, ag_tanh(next[1]));
}

/* -(gold . (y - log(2 + sum exp y))) for the prediction y. */
static ag_node *loss_of(ag_node *y, ag_node *gold)
{
    ag_node *norm = ag_log(ag_add(ag_sum(ag_exp(y)), ag_number(ag_graph_of(y), 2)));
    return ag_neg(ag_sum(ag_mul(gold, ag_sub(y, norm))));
}

/* A step from one state to the next; the loss of what it predicts. */
static ag_node *step(const lstm *p, ag_node *const weight[], ag_node *in, ag_node *gold, ag_node *const state[],
                     ag_node *next[])
{
    ag_node *const *extra = weight + PER_LAYER * p->layers;
    in = ag_mul(in, extra[0]);
    for (int64_t l = 0; l < p->layers; l++) {
        advance(weight + PER_LAYER * l, in, state + 2 * l, next + 2 * l);
        in = next[2 * l];
    }
    return loss_of(ag_add(ag_mul(in, extra[1]), extra[2]), gold);
}

static ag_node *mean_loss(model *m, const lstm *p, ag_node *const weight[])
{
    ag_node *initial[2 * MOST_LAYERS], *state[2 * MOST_LAYERS], *next[2 * MOST_LAYERS], *final[2 * MOST_LAYERS];
    ag_node *element[2], *losses, *all = m->node[SEQUENCE];
    int64_t steps = p->count - 1, b = p->bits;
    cut(m->node[STATE], b, initial);
    for (int i = 0; i < 2 * p->layers; i++) state[i] = ag_input(m->graph, NULL, AG_F64, AG_SHAPE(b));
    for (int i = 0; i < 2; i++) element[i] = ag_input(m->graph, NULL, AG_F64, AG_SHAPE(b));
    ag_node *sequence[] = { ag_slice(all, 0, 0, steps, 1), ag_slice(all, 0, 1, AG_END, 1) };
    ag_node *loss = step(p, weight, element[0], element[1], state, next);
    ag_scan_body body = { .length = steps, .states = 2 * (int)p->layers, .initial = initial, .state = state,
                          .next = next, .sequences = 2, .sequence = sequence, .element = element,
                          .results = 1, .result = &loss };
    ag_scan(&body, final, &losses);
    return ag_div(ag_sum(losses), ag_number(m->graph, (double)(steps * b)));
}

static int build(model *m, const lstm *p, reason *why)
{
    ag_node **v = m->node, *weight[PER_LAYER * MOST_LAYERS + EXTRAS], *bar[PER_LAYER * MOST_LAYERS + EXTRAS];
    for (int i = MAIN; i < SEQUENCE; i++) v[i] = real_input(m, NULL, 1, &p->given[i].count);
    v[SEQUENCE] = real_input(m, "sequence", 2, p->given[SEQUENCE].dim);
    cut(v[MAIN], p->bits, weight);
    cut(v[EXTRA], p->bits, weight + PER_LAYER * p->layers);
    v[LOSS] = mean_loss(m, p, weight);
    if (p->common.function == OBJECTIVE) return model_compile(m, 0, 1, &v[LOSS], why);
    ag_gradient(v[LOSS], (int)weights(p), weight, bar);
    v[GRADIENT] = ag_concat((int)weights(p), bar, 0);
    return model_compile(m, 0, 1, &v[GRADIENT], why);
}

static int prepare(problem *base, reason *why)
{
    lstm *p = (lstm *)base;
    model *m = base->model = cache_model(base->cache, NODES, why, "lstm %d %lld %lld %lld", base->function,
                                         (long long)p->layers, (long long)p->bits, (long long)p->count);
    if (m) m->native = 1;
    if (!m || (!m->ready && build(m, p, why))) return -1;
    m->ready = 1;
    for (int i = MAIN; i < LEAVES; i++) model_feed(m, 0, m->node[i], p->given[i].data);
    if (base->function == OBJECTIVE) return model_fill(m, 0, m->node[LOSS], &p->loss, why);
    return model_fill(m, 0, m->node[GRADIENT], p->gradient, why);
}

/* ---- output ----------------------------------------------------------------------------------------------------- */

static json_t *output(const problem *base)
{
    const lstm *p = (const lstm *)base;
    const int64_t n = weights(p) * p->bits;
    return base->function == OBJECTIVE ? write_number(p->loss) : write_array(1, &n, p->gradient);
}

static void release(problem *base)
{
    lstm *p = (lstm *)base;
    for (int i = MAIN; i < LEAVES; i++) free(p->given[i].data);
    free(p->gradient);
}

const eval lstm_eval = { "lstm", { "objective", "jacobian" }, sizeof(lstm), parse, prepare, NULL, output, release };
