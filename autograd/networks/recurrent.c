/* Layers that go over a sequence, by ag_scan. What they make of its elements alone is one product, before all steps. */
#include "layers.h"

#include <math.h>
#include <stdio.h>

typedef struct {
    ag_net net;
    int64_t steps, batch, hidden;
    ag_node *inputs;             /* what all elements add to the gates, [steps, batch, gates hidden] */
    ag_node *weight, *bias;      /* of the hidden state */
    ag_node *element, *state[2]; /* of a step: its inputs, and what it begins with */
} layer;

/* One of the four that a layer has: "weight_ih_l0". */
static ag_node *weight(const layer *l, const char *what, int k, ag_shape s)
{
    char name[32];
    snprintf(name, sizeof name, "%s_l%d", what, k);
    return ag_net_weight(l->net, name, s, AG_UNIFORM, 1 / sqrt((double)l->hidden));
}

/* The k-th layer over x, [steps, batch, in]; 0: x, or what it is made with, is bad, and so are the layer's inputs. */
static int start(layer *l, ag_net net, int k, ag_node *x, int64_t hidden, int64_t gates)
{
    *l = (layer){ .net = net, .inputs = x };
    if (ag_is_bad(x)) return 0;
    const ag_shape s = ag_shape_of(x);
    const int64_t rows = gates * hidden;
    *l = (layer){ .net = net, .steps = s.dim[0], .batch = s.dim[1], .hidden = hidden };
    ag_node *w = weight(l, "weight_ih", k, AG_SHAPE(rows, s.dim[2]));
    l->weight = weight(l, "weight_hh", k, AG_SHAPE(rows, hidden));
    ag_node *b = weight(l, "bias_ih", k, AG_SHAPE(rows));
    l->bias = weight(l, "bias_hh", k, AG_SHAPE(rows));
    ag_node *all = agi_net_product(ag_reshape(x, AG_SHAPE(-1, s.dim[2])), w, b);
    l->inputs = ag_reshape(all, AG_SHAPE(s.dim[0], s.dim[1], rows));
    l->element = ag_input(net.graph, NULL, net.dtype, AG_SHAPE(s.dim[1], rows));
    for (int i = 0; i < 2; i++) l->state[i] = ag_input(net.graph, NULL, net.dtype, AG_SHAPE(s.dim[1], hidden));
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

typedef ag_node *layer_over(ag_net, int k, ag_node *x, int64_t hidden, ag_node *const initial[], ag_node *final[]);

static ag_node *lstm_layer(ag_net net, int k, ag_node *x, int64_t hidden, ag_node *const initial[], ag_node *final[])
{
    layer l;
    if (!start(&l, net, k, x, hidden, 4)) return final ? final[0] = final[1] = l.inputs : l.inputs;
    ag_node *all = ag_add(agi_net_product(l.state[0], l.weight, l.bias), l.element);
    ag_node *change = ag_mul(ag_sigmoid(gate(&l, all, 0)), ag_tanh(gate(&l, all, 2)));
    ag_node *cell = ag_add(ag_mul(ag_sigmoid(gate(&l, all, 1)), l.state[1]), change);
    ag_node *next[] = { ag_mul(ag_sigmoid(gate(&l, all, 3)), ag_tanh(cell)), cell };
    return scan(&l, 2, initial, next, final);
}

static ag_node *gru_layer(ag_net net, int k, ag_node *x, int64_t hidden, ag_node *const initial[], ag_node *final[])
{
    layer l;
    if (!start(&l, net, k, x, hidden, 3)) return final ? final[0] = l.inputs : l.inputs;
    ag_node *h = l.state[0], *of_h = agi_net_product(h, l.weight, l.bias);
    ag_node *reset = ag_sigmoid(ag_add(gate(&l, l.element, 0), gate(&l, of_h, 0)));
    ag_node *keep = ag_sigmoid(ag_add(gate(&l, l.element, 1), gate(&l, of_h, 1)));
    ag_node *fresh = ag_tanh(ag_add(gate(&l, l.element, 2), ag_mul(reset, gate(&l, of_h, 2))));
    ag_node *next = ag_add(fresh, ag_mul(keep, ag_sub(h, fresh)));
    return scan(&l, 1, initial, &next, final);
}

/* x, or a bad node in its place. */
static ag_node *check(const ag_op *op, const char *name, ag_node *x, int layers)
{
    if (ag_is_bad(x)) return x;
    if (ag_shape_of(x).rank != 3) return ag_reject(x, op, AG_ESHAPE, "'%s' takes a sequence, [steps, batch, in]", name);
    return layers < 1 ? ag_reject(x, op, AG_EARG, "'%s': there cannot be %d layers", name, layers) : x;
}

/* Each over what the one before makes, some of that dropped. */
static ag_node *stack(layer_over *over, ag_net net, ag_node *x, int64_t hidden, int layers, int states,
                      ag_node *const initial[], ag_node *final[])
{
    for (int k = 0; k < layers; k++)
        x = over(net, k, k ? agi_net_drop(net, x) : x, hidden, initial ? initial + k * states : NULL,
                 final ? final + k * states : NULL);
    return x;
}

ag_node *ag_net_lstm(ag_net net, const char *name, ag_node *x, int64_t hidden, int layers, ag_node *const initial[],
                     ag_node *final[])
{
    static const ag_op lstm = { .name = "ag_net_lstm" };
    x = check(&lstm, name, x, layers);
    return stack(lstm_layer, ag_net_in(net, "%s", name), x, hidden, layers, 2, initial, final);
}

ag_node *ag_net_gru(ag_net net, const char *name, ag_node *x, int64_t hidden, int layers, ag_node *const initial[],
                    ag_node *final[])
{
    static const ag_op gru = { .name = "ag_net_gru" };
    x = check(&gru, name, x, layers);
    return stack(gru_layer, ag_net_in(net, "%s", name), x, hidden, layers, 1, initial, final);
}
