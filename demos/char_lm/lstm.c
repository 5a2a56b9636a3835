/* A long short-term memory: gates i, f, g, o from the character and what came before, as a loop over the window. A
 * character's product with the input weights is their row of its number. Hochreiter, Schmidhuber, 1997. */
#include "char_lm.h"

#include <math.h>

enum { HIDDEN = 192 };

static ag_node *part(ag_node *gates, int k)
{
    return ag_slice(gates, 1, (int64_t)k * HIDDEN, (int64_t)(k + 1) * HIDDEN, 1);
}

static ag_node *logits(const model *m, ag_node *codes)
{
    ag_graph *g = m->graph;
    const int64_t rows = ag_shape_of(codes).dim[0];
    ag_node *sequence = ag_transpose(codes, NULL), *element = ag_input(g, NULL, AG_I64, AG_SHAPE(rows));
    ag_node *nothing = ag_broadcast_to(ag_cast(ag_number(g, 0), AG_F32), AG_SHAPE(rows, HIDDEN));
    ag_node *initial[] = { nothing, nothing }, *state[2], *next[2], *last[2], *outputs;
    for (int k = 0; k < 2; k++) state[k] = ag_input(g, NULL, AG_F32, AG_SHAPE(rows, HIDDEN));
    ag_node *gates = ag_add(ag_add(ag_gather(m->embedding, 0, element), ag_dot(state[0], m->weight[0])), m->bias[0]);
    ag_node *kept = ag_mul(ag_sigmoid(part(gates, 1)), state[1]);
    next[1] = ag_add(kept, ag_mul(ag_sigmoid(part(gates, 0)), ag_tanh(part(gates, 2))));
    next[0] = ag_mul(ag_sigmoid(part(gates, 3)), ag_tanh(next[1]));
    ag_scan(&(ag_scan_body){ .length = WINDOW, .states = 2, .initial = initial, .state = state, .next = next,
                             .sequences = 1, .sequence = &sequence, .element = &element, .results = 1,
                             .result = next }, last, &outputs);
    ag_node *h = ag_reshape(ag_transpose(outputs, (int[]){ 1, 0, 2 }), AG_SHAPE(rows * WINDOW, HIDDEN));
    return ag_add(ag_dot(h, m->weight[1]), m->bias[1]);
}

void lstm_make(model *m, ag_graph *g, int kinds)
{
    const double deviation = 1 / sqrt(3.0 * HIDDEN);
    float bias[4 * HIDDEN] = { 0 };
    for (int i = HIDDEN; i < 2 * HIDDEN; i++) bias[i] = 1; /* it remembers, at first */
    *m = (model){ .logits = logits, .graph = g, .kinds = kinds };
    m->embedding = drawn(g, "lstm/input", AG_SHAPE(kinds, 4 * HIDDEN), deviation);
    m->weight[0] = drawn(g, "lstm/hidden", AG_SHAPE(HIDDEN, 4 * HIDDEN), deviation);
    m->bias[0] = ag_parameter(g, "lstm/bias", AG_F32, AG_SHAPE(4 * HIDDEN), bias);
    m->weight[1] = drawn(g, "output/weight", AG_SHAPE(HIDDEN, kinds), deviation);
    m->bias[1] = drawn(g, "output/bias", AG_SHAPE(kinds), 0);
}
