/* Two networks. The default one: convolutions 3x3 to 32 and 64 channels, each with ReLU and max-pooling by 2, dense 128
 * and 10. LeNet: convolutions 5x5 to 8 and 16 without padding, dense 120 and 10. */
#include "fashion.h"

#include <math.h>
#include <stdlib.h>

/* Uniform within +-1 / sqrt(inputs of a neuron), as PyTorch has it. */
static ag_node *weights(ag_graph *g, const char *name, ag_shape s, int64_t inputs, uint64_t *state)
{
    int64_t n = 1;
    for (int i = 0; i < s.rank; i++) n *= s.dim[i];
    float *value = malloc((size_t)n * sizeof *value);
    for (int64_t i = 0; value && i < n; i++) {
        *state = *state * 6364136223846793005u + 1442695040888963407u;
        value[i] = (float)(((double)(*state >> 11) * 0x1p-52 - 1) / sqrt((double)inputs));
    }
    ag_node *p = ag_parameter(g, name, AG_F32, s, value);
    free(value);
    return p;
}

static void layer(network *n, int k, const char *name, ag_shape s, uint64_t *state)
{
    char text[32];
    int64_t inputs = 1;
    for (int i = 1; i < s.rank; i++) inputs *= s.dim[i];
    snprintf(text, sizeof text, "%s/weight", name);
    n->weight[k] = weights(n->graph, text, s, inputs, state);
    snprintf(text, sizeof text, "%s/bias", name);
    n->bias[k] = weights(n->graph, text, AG_SHAPE(s.dim[0]), inputs, state);
}

void network_make(network *n, ag_graph *g, int lenet)
{
    uint64_t state = 1;
    *n = (network){ .graph = g, .lenet = lenet };
    layer(n, 0, "conv1", lenet ? AG_SHAPE(8, 1, 5, 5) : AG_SHAPE(32, 1, 3, 3), &state);
    layer(n, 1, "conv2", lenet ? AG_SHAPE(16, 8, 5, 5) : AG_SHAPE(64, 32, 3, 3), &state);
    layer(n, 2, "dense1", lenet ? AG_SHAPE(120, 16 * 4 * 4) : AG_SHAPE(128, 64 * 7 * 7), &state);
    layer(n, 3, "dense2", AG_SHAPE(CLASSES, lenet ? 120 : 128), &state);
}

static ag_node *convolve(const network *n, int k, ag_node *x)
{
    const int64_t padding = n->lenet ? 0 : 1;
    ag_node *y = ag_conv(x, n->weight[k], &(ag_conv_options){ .padding = { padding, padding } });
    y = ag_add(y, ag_reshape(n->bias[k], AG_SHAPE(-1, 1, 1)));
    return ag_max_pool(ag_relu(y), &(ag_pool_options){ .kernel = { 2, 2 } });
}

static ag_node *dense(const network *n, int k, ag_node *x)
{
    return ag_add(ag_dot(x, ag_transpose(n->weight[k], NULL)), n->bias[k]);
}

ag_node *network_logits(const network *n, ag_node *pixels)
{
    ag_node *x = convolve(n, 1, convolve(n, 0, pixels));
    x = ag_reshape(x, AG_SHAPE(ag_shape_of(pixels).dim[0], -1));
    return dense(n, 3, ag_relu(dense(n, 2, x)));
}
