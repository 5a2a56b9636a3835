/* Layers that go over a sequence, by ag_scan. What they make of its elements alone is one product, before all steps. */
#include "layers.h"

#include <math.h>

typedef struct {
    ag_net net;
    int64_t steps, batch, hidden;
    ag_node *inputs;             /* what all elements add to the gates, [steps, batch, gates hidden] */
    ag_node *weight, *bias;      /* of the hidden state */
    ag_node *element, *state[2]; /* of a step: its inputs, and what it begins with */
} layer;

/* Not 0, if x is a sequence; if it is none, *bad. */
static int start(layer *l, const ag_op *op, ag_net net, const char *name, ag_node *x, int64_t hidden, int64_t gates,
                 ag_node **bad)
{
    *bad = x;
    if (ag_is_bad(x)) return 0;
    const ag_shape s = ag_shape_of(x);
    if (s.rank != 3) *bad = ag_reject(x, op, AG_ESHAPE, "'%s' takes a sequence, [steps, batch, in]", name);
    if (s.rank != 3) return 0;
    *l = (layer){ .net = ag_net_in(net, "%s", name), .steps = s.dim[0], .batch = s.dim[1], .hidden = hidden };
    const double bound = 1 / sqrt((double)hidden);
    const int64_t rows = gates * hidden;
    ag_node *w = ag_net_weight(l->net, "weight_ih", AG_SHAPE(rows, s.dim[2]), AG_UNIFORM, bound);
    l->weight = ag_net_weight(l->net, "weight_hh", AG_SHAPE(rows, hidden), AG_UNIFORM, bound);
    ag_node *b = ag_net_weight(l->net, "bias_ih", AG_SHAPE(rows), AG_UNIFORM, bound);
    l->bias = ag_net_weight(l->net, "bias_hh", AG_SHAPE(rows), AG_UNIFORM, bound);
    ag_node *all = agi_net_product(ag_reshape(x, AG_SHAPE(-1, s.dim[2])), w, b);
    l->inputs = ag_reshape(all, AG_SHAPE(s.dim[0], s.dim[1], rows));
    l->element = ag_input(l->net.graph, NULL, net.dtype, AG_SHAPE(s.dim[1], rows));
    for (int k = 0; k < 2; k++) l->state[k] = ag_input(l->net.graph, NULL, net.dtype, AG_SHAPE(s.dim[1], hidden));
    *bad = l->inputs;
    return !ag_is_bad(l->inputs);
}

static ag_node *gate(const layer *l, ag_node *all, int k)
{
    return ag_slice(all, 1, k * l->hidden, (k + 1) * l->hidden, 1);
}

/* The hidden state after each step. */
static ag_node *scan(const layer *l, int states, ag_node *const initial[], ag_node *const next[], ag_node *final[])
{
    ag_node *begin[2], *end[2], *stacked;
    ag_node *zeros = ag_broadcast_to(ag_cast(ag_number(l->net.graph, 0), l->net.dtype), AG_SHAPE(l->batch, l->hidden));
    for (int k = 0; k < states; k++) begin[k] = initial && initial[k] ? initial[k] : zeros;
    const ag_scan_body body = { .length = l->steps, .states = states, .sequences = 1, .results = 1, .initial = begin,
                                .state = l->state, .next = next, .sequence = &l->inputs, .element = &l->element,
                                .result = next };
    ag_scan(&body, end, &stacked);
    for (int k = 0; final && k < states; k++) final[k] = end[k];
    return stacked;
}

ag_node *ag_net_lstm(ag_net net, const char *name, ag_node *x, int64_t hidden, ag_node *const initial[],
                     ag_node *final[])
{
    static const ag_op lstm = { .name = "ag_net_lstm" };
    layer l;
    ag_node *bad;
    if (!start(&l, &lstm, net, name, x, hidden, 4, &bad)) return final ? final[0] = final[1] = bad : bad;
    ag_node *all = ag_add(agi_net_product(l.state[0], l.weight, l.bias), l.element);
    ag_node *change = ag_mul(ag_sigmoid(gate(&l, all, 0)), ag_tanh(gate(&l, all, 2)));
    ag_node *cell = ag_add(ag_mul(ag_sigmoid(gate(&l, all, 1)), l.state[1]), change);
    ag_node *next[] = { ag_mul(ag_sigmoid(gate(&l, all, 3)), ag_tanh(cell)), cell };
    return scan(&l, 2, initial, next, final);
}

ag_node *ag_net_gru(ag_net net, const char *name, ag_node *x, int64_t hidden, ag_node *initial, ag_node **final)
{
    static const ag_op gru = { .name = "ag_net_gru" };
    layer l;
    ag_node *bad;
    if (!start(&l, &gru, net, name, x, hidden, 3, &bad)) return final ? *final = bad : bad;
    ag_node *h = l.state[0], *of_h = agi_net_product(h, l.weight, l.bias);
    ag_node *reset = ag_sigmoid(ag_add(gate(&l, l.element, 0), gate(&l, of_h, 0)));
    ag_node *keep = ag_sigmoid(ag_add(gate(&l, l.element, 1), gate(&l, of_h, 1)));
    ag_node *fresh = ag_tanh(ag_add(gate(&l, l.element, 2), ag_mul(reset, gate(&l, of_h, 2))));
    ag_node *next = ag_add(fresh, ag_mul(keep, ag_sub(h, fresh)));
    return scan(&l, 1, &initial, &next, final);
}
