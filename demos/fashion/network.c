/* Two networks. The default one: convolutions 3x3 to 32 and 64 channels, each with ReLU and max-pooling by 2, dense 128
 * and 10. LeNet: convolutions 5x5 to 8 and 16 without padding, dense 120 and 10. */
#include "fashion.h"

#include "../../autograd/networks/networks.h"

static ag_node *convolve(ag_net net, const char *name, ag_node *x, int channels, int kernel, int padding)
{
    ag_node *y = ag_net_conv(net, name, x, channels, kernel, &(ag_conv_options){ .padding = { padding, padding } });
    return ag_max_pool(ag_relu(y), &(ag_pool_options){ .kernel = { 2, 2 } });
}

ag_node *network_logits(const network *n, ag_node *pixels)
{
    static const struct {
        int first, second, kernel, padding, dense;
    } sizes[] = { { 32, 64, 3, 1, 128 }, { 8, 16, 5, 0, 120 } };
    const int k = n->lenet != 0, kernel = sizes[k].kernel, padding = sizes[k].padding;
    ag_net net = ag_net_new(n->graph, AG_F32, 1);
    ag_node *x = convolve(net, "conv1", pixels, sizes[k].first, kernel, padding);
    x = convolve(net, "conv2", x, sizes[k].second, kernel, padding);
    x = ag_reshape(x, AG_SHAPE(ag_shape_of(pixels).dim[0], -1));
    return ag_net_dense(net, "dense2", ag_relu(ag_net_dense(net, "dense1", x, sizes[k].dense)), CLASSES);
}
