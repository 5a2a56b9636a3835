/* A recurrent network of layers with diagonal weights, its loss over a sequence and the loss's gradient. A step of the
 * sequence is a compiled plan; its states are recorded, and the step's vector-Jacobian product runs over them
 * backwards, what it carries kept in parameters that it updates. Weights, states and inputs are flat; a slice of `bits`
 * is one gate's weight or one layer's hidden or cell state. */
#include "eval.h"

#include <stdlib.h>
#include <string.h>

enum { OBJECTIVE, JACOBIAN };
enum { FORWARD, BACKWARD }; /* plans */
enum { MAIN, EXTRA, STATE, IN, GOLD, LEAVES, NEXT = LEAVES, LOSS, BAR, MAIN_BAR, EXTRA_BAR, NODES };
enum { PER_LAYER = 8, EXTRAS = 3, MOST_LAYERS = 64 };
enum { FORGET, INGATE, OUTGATE, CHANGE, BIAS }; /* a layer's slices: four weights, their four biases */

typedef struct {
    problem common;
    int64_t layers, bits, count;
    array given[LEAVES]; /* main, extra, state; and the sequence as IN */
    double *states, *bar, *gradient; /* [count][2 layers * bits] (or 2 used in turn); of main, then of extra */
    double loss, total;
} lstm;

static int64_t state_size(const lstm *p)
{
    return 2 * p->layers * p->bits;
}

static int64_t main_size(const lstm *p)
{
    return PER_LAYER * p->layers * p->bits;
}

/* ---- input ------------------------------------------------------------------------------------------------------ */

static int parse(problem *base, const json_t *input, reason *why)
{
    static const char *const name[] = { "main_params", "extra_params", "state", "sequence" };
    lstm *p = (lstm *)base;
    array *a = p->given;
    for (int i = MAIN; i <= IN; i++)
        if (read_array(input, name[i], 2, &a[i], why)) return -1;
    int64_t l = p->layers = a[MAIN].dim[0] / 2, b = p->bits = a[IN].dim[1], c = p->count = a[IN].dim[0];
    const int64_t want[][2] = { { 2 * l, 4 * b }, { EXTRAS, b }, { 2 * l, b }, { c, b } };
    if (l > MOST_LAYERS) return refuse(why, "main_params: more than %d layers", MOST_LAYERS);
    for (int i = MAIN; i <= IN; i++)
        if (check_shape(&a[i], name[i], want[i], why)) return -1;
    if (c < 2) return refuse(why, "sequence: nothing to predict in %lld elements", (long long)c);
    int64_t kept = base->function == JACOBIAN ? c : 2;
    p->states = malloc((size_t)(kept * state_size(p)) * sizeof *p->states);
    p->bar = malloc((size_t)state_size(p) * sizeof *p->bar);
    p->gradient = malloc((size_t)(main_size(p) + EXTRAS * b) * sizeof *p->gradient);
    return p->states && p->bar && p->gradient ? 0 : refuse(why, "out of memory");
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

typedef struct {
    ag_node *state[2 * MOST_LAYERS], *main[PER_LAYER * MOST_LAYERS], *extra[EXTRAS];
} pieces;

/* Differentiated by the pieces, and put together at the end. */
static int build_backward(model *m, const lstm *p, const pieces *at, ag_node *const next[], reason *why)
{
    enum { MOST = (2 + PER_LAYER) * MOST_LAYERS + EXTRAS };
    ag_node **v = m->node, *by[MOST], *bar[MOST], *y[2 * MOST_LAYERS + 1], *w[2 * MOST_LAYERS + 1];
    int states = 2 * (int)p->layers, mains = PER_LAYER * (int)p->layers, n = states + mains + EXTRAS;
    int64_t b = p->bits;
    v[BAR] = ag_parameter(m->graph, "bar", AG_F64, AG_SHAPE(states * b), NULL);
    v[MAIN_BAR] = ag_parameter(m->graph, "main bar", AG_F64, AG_SHAPE(mains * b), NULL);
    v[EXTRA_BAR] = ag_parameter(m->graph, "extra bar", AG_F64, AG_SHAPE(EXTRAS * b), NULL);
    memcpy(by, at->state, (size_t)states * sizeof *by);
    memcpy(by + states, at->main, (size_t)mains * sizeof *by);
    memcpy(by + states + mains, at->extra, sizeof at->extra);
    memcpy(y, next, (size_t)states * sizeof *y);
    cut(v[BAR], b, w);
    y[states] = v[LOSS], w[states] = constant_like(v[LOSS], 1);
    ag_vjp(states + 1, y, w, n, by, bar);
    ag_node *main_bar = ag_concat(mains, bar + states, 0), *extra_bar = ag_concat(EXTRAS, bar + states + mains, 0);
    ag_node *updates[] = { ag_assign(v[BAR], ag_concat(states, bar, 0)),
                           ag_assign(v[MAIN_BAR], ag_add(v[MAIN_BAR], main_bar)),
                           ag_assign(v[EXTRA_BAR], ag_add(v[EXTRA_BAR], extra_bar)) };
    return model_compile(m, BACKWARD, 3, updates, why);
}

static int build(model *m, const lstm *p, reason *why)
{
    int64_t b = p->bits, size[] = { main_size(p), EXTRAS * b, state_size(p), b, b };
    ag_node **v = m->node, *next[2 * MOST_LAYERS];
    pieces at;
    for (int i = MAIN; i < LEAVES; i++) v[i] = real_input(m, NULL, 1, &size[i]);
    cut(v[MAIN], b, at.main);
    cut(v[EXTRA], b, at.extra);
    cut(v[STATE], b, at.state);
    ag_node *in = ag_mul(v[IN], at.extra[0]);
    for (int64_t l = 0; l < p->layers; l++) {
        advance(at.main + PER_LAYER * l, in, at.state + 2 * l, next + 2 * l);
        in = next[2 * l];
    }
    v[LOSS] = loss_of(ag_add(ag_mul(in, at.extra[1]), at.extra[2]), v[GOLD]);
    v[NEXT] = ag_concat(2 * (int)p->layers, next, 0);
    if (model_compile(m, FORWARD, 2, &v[NEXT], why)) return -1;
    return p->common.function == OBJECTIVE ? 0 : build_backward(m, p, &at, next, why);
}

static int prepare(problem *base, reason *why)
{
    lstm *p = (lstm *)base;
    model *m = base->model = cache_model(base->cache, NODES, why, "lstm %d %lld %lld", base->function,
                                         (long long)p->layers, (long long)p->bits);
    if (!m || (!m->ready && build(m, p, why))) return -1;
    m->ready = 1;
    ag_node **v = m->node;
    for (int plan = FORWARD; plan <= (base->function == JACOBIAN ? BACKWARD : FORWARD); plan++) {
        model_feed(m, plan, v[MAIN], p->given[MAIN].data);
        model_feed(m, plan, v[EXTRA], p->given[EXTRA].data);
    }
    if (base->function == JACOBIAN) {
        model_feed(m, BACKWARD, v[BAR], p->bar);
        model_feed(m, BACKWARD, v[MAIN_BAR], p->gradient);
        model_feed(m, BACKWARD, v[EXTRA_BAR], p->gradient + main_size(p));
    }
    return model_fill(m, FORWARD, v[LOSS], &p->loss, why);
}

/* ---- loops ------------------------------------------------------------------------------------------------------ */

static double *state(const lstm *p, int64_t t)
{
    return p->states + (p->common.function == JACOBIAN ? t : t % 2) * state_size(p);
}

static int run_step(const lstm *p, int plan, int64_t t, reason *why)
{
    model *m = p->common.model;
    ag_node **v = m->node;
    const double *in = p->given[IN].data + t * p->bits;
    model_feed(m, plan, v[STATE], state(p, t));
    model_feed(m, plan, v[IN], in);
    model_feed(m, plan, v[GOLD], in + p->bits);
    if (plan == FORWARD && model_fill(m, plan, v[NEXT], state(p, t + 1), why)) return -1;
    return model_run(m, plan, why);
}

static int evaluate(problem *base, reason *why)
{
    lstm *p = (lstm *)base;
    int64_t steps = p->count - 1, outputs = main_size(p) + EXTRAS * p->bits;
    memcpy(state(p, 0), p->given[STATE].data, (size_t)state_size(p) * sizeof *p->states);
    p->total = 0;
    for (int64_t t = 0; t < steps; t++) {
        if (run_step(p, FORWARD, t, why)) return -1;
        p->total += p->loss;
    }
    p->total /= (double)(steps * p->bits);
    if (base->function == OBJECTIVE) return 0;
    memset(p->gradient, 0, (size_t)outputs * sizeof *p->gradient);
    memset(p->bar, 0, (size_t)state_size(p) * sizeof *p->bar);
    for (int64_t t = steps - 1; t >= 0; t--)
        if (run_step(p, BACKWARD, t, why)) return -1;
    for (int64_t i = 0; i < outputs; i++) p->gradient[i] /= (double)(steps * p->bits);
    return 0;
}

static json_t *output(const problem *base)
{
    const lstm *p = (const lstm *)base;
    const int64_t n = main_size(p) + EXTRAS * p->bits;
    return base->function == OBJECTIVE ? write_number(p->total) : write_array(1, &n, p->gradient);
}

static void release(problem *base)
{
    lstm *p = (lstm *)base;
    for (int i = MAIN; i <= IN; i++) free(p->given[i].data);
    free(p->states);
    free(p->bar);
    free(p->gradient);
}

const eval lstm_eval = { "lstm", { "objective", "jacobian" }, sizeof(lstm), parse, prepare, evaluate, output, release };
