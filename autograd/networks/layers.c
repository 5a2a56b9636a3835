/* Layers that look at one place, or the places around one. */
#include "layers.h"

#include <math.h>

ag_node *agi_net_product(ag_node *x, ag_node *weight, ag_node *bias)
{
    ag_node *y = ag_matmul(x, ag_transpose(weight, NULL));
    return bias ? ag_add(y, bias) : y;
}

ag_node *agi_net_drop(ag_net net, ag_node *x)
{
    return net.dropout ? ag_dropout(x, net.dropout) : x;
}

static ag_node *bias_of(ag_net net, int64_t out, int64_t fan_in)
{
    return net.no_bias ? NULL : ag_net_weight(net, "bias", AG_SHAPE(out), AG_UNIFORM, 1 / sqrt((double)fan_in));
}

ag_node *ag_net_dense(ag_net net, const char *name, ag_node *x, int64_t out)
{
    static const ag_op dense = { .name = "ag_net_dense" };
    if (ag_is_bad(x)) return x;
    ag_shape s = ag_shape_of(x);
    if (!s.rank) return ag_reject(x, &dense, AG_ESHAPE, "'%s' takes [..., in], not a single number", name);
    const int64_t in = s.dim[s.rank - 1];
    net = ag_net_in(net, "%s", name);
    ag_node *weight = ag_net_weight(net, "weight", AG_SHAPE(out, in), net.init, net.size);
    ag_node *y = agi_net_product(ag_reshape(x, AG_SHAPE(-1, in)), weight, bias_of(net, out, in));
    s.dim[s.rank - 1] = out;
    return ag_reshape(y, s);
}

ag_node *ag_net_mlp(ag_net net, const char *name, ag_node *x, int layers, const int64_t width[],
                    ag_node *activation(ag_node *))
{
    net = ag_net_in(net, "%s", name);
    for (int k = 0; k < layers; k++) {
        char number[16];
        snprintf(number, sizeof number, "%d", k);
        x = ag_net_dense(net, number, x, width[k]);
        if (k + 1 < layers) x = activation ? activation(x) : ag_relu(x);
    }
    return x;
}

typedef ag_node *convolution(ag_node *x, ag_node *w, const ag_conv_options *);

/* Filters that are as long along each axis, [out, channels / groups, *kernel] or, transposed, [channels, out / groups,
 * *kernel]; plus a bias, of which there is one for each of the result's channels. */
static ag_node *convolve(const ag_op *op, convolution *f, ag_net net, const char *name, ag_node *x, int64_t out,
                         int64_t kernel, const ag_conv_options *options)
{
    if (ag_is_bad(x)) return x;
    const ag_shape s = ag_shape_of(x);
    const int64_t groups = options && options->groups ? options->groups : 1;
    if (s.rank < 3) return ag_reject(x, op, AG_ESHAPE, "'%s' takes images, [n, channels, *size]", name);
    if (groups < 1 || s.dim[1] % groups || out % groups)
        return ag_reject(x, op, AG_EARG, "'%s': %lld groups of %lld channels and %lld filters are not alike", name,
                         (long long)groups, (long long)s.dim[1], (long long)out);
    const int transposed = f == ag_conv_transpose;
    const int64_t first = transposed ? s.dim[1] : out, second = (transposed ? out : s.dim[1]) / groups;
    ag_shape filters = { .rank = s.rank, .dim = { first, second } }, column = { .rank = s.rank - 1 };
    int64_t fan_in = second;
    for (int i = 2; i < s.rank; i++) fan_in *= filters.dim[i] = kernel;
    for (int i = 0; i < column.rank; i++) column.dim[i] = i ? 1 : out;
    net = ag_net_in(net, "%s", name);
    ag_node *y = f(x, ag_net_weight(net, "weight", filters, net.init, net.size), options);
    ag_node *bias = bias_of(net, out, fan_in);
    return bias ? ag_add(y, ag_reshape(bias, column)) : y;
}

ag_node *ag_net_conv(ag_net net, const char *name, ag_node *x, int64_t out, int64_t kernel,
                     const ag_conv_options *options)
{
    static const ag_op conv = { .name = "ag_net_conv" };
    return convolve(&conv, ag_conv, net, name, x, out, kernel, options);
}

ag_node *ag_net_conv_transpose(ag_net net, const char *name, ag_node *x, int64_t out, int64_t kernel,
                               const ag_conv_options *options)
{
    static const ag_op conv = { .name = "ag_net_conv_transpose" };
    return convolve(&conv, ag_conv_transpose, net, name, x, out, kernel, options);
}

ag_node *ag_net_embedding(ag_net net, const char *name, ag_node *indices, int64_t count, int64_t width)
{
    net = ag_net_in(net, "%s", name);
    return ag_gather(ag_net_weight(net, "weight", AG_SHAPE(count, width), AG_NORMAL, 0), 0, indices);
}
