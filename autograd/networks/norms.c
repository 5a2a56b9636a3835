/* Layers that normalise, then scale and shift by parameters: weight, at first 1, and bias, at first 0. */
#include "layers.h"

/* The shape of axis k alone, from the end if it is below 0; of what has no such axis, 1. */
static ag_shape along(ag_node *x, int k)
{
    const ag_shape s = ag_shape_of(x);
    if (k < 0) k += s.rank;
    return AG_SHAPE(k >= 0 && k < s.rank ? s.dim[k] : 1);
}

ag_node *ag_net_layer_norm(ag_net net, const char *name, ag_node *x)
{
    if (ag_is_bad(x)) return x;
    net = ag_net_in(net, "%s", name);
    ag_node *gain = ag_net_weight(net, "weight", along(x, -1), AG_ONES, 0);
    return ag_layer_norm(x, 1, gain, ag_net_weight(net, "bias", along(x, -1), AG_ZEROS, 0), 0);
}

ag_node *ag_net_rms_norm(ag_net net, const char *name, ag_node *x)
{
    if (ag_is_bad(x)) return x;
    return ag_rms_norm(x, 1, ag_net_weight(ag_net_in(net, "%s", name), "weight", along(x, -1), AG_ONES, 0), 0);
}

ag_node *ag_net_group_norm(ag_net net, const char *name, ag_node *x, int64_t groups)
{
    if (ag_is_bad(x)) return x;
    net = ag_net_in(net, "%s", name);
    ag_node *gain = ag_net_weight(net, "weight", along(x, 1), AG_ONES, 0);
    return ag_group_norm(x, groups, gain, ag_net_weight(net, "bias", along(x, 1), AG_ZEROS, 0), 0);
}

ag_node *ag_net_batch_norm(ag_net net, const char *name, ag_node *x, ag_node **update)
{
    if (update) *update = x;
    if (ag_is_bad(x)) return x;
    const ag_shape channels = along(x, 1);
    net = ag_net_in(net, "%s", name);
    ag_node *gain = ag_net_weight(net, "weight", channels, AG_ONES, 0);
    ag_node *bias = ag_net_weight(net, "bias", channels, AG_ZEROS, 0);
    ag_node *mean = ag_net_weight(net, "running_mean", channels, AG_ZEROS, 0);
    ag_node *variance = ag_net_weight(net, "running_var", channels, AG_ONES, 0);
    if (!update) return ag_batch_norm(x, gain, bias, mean, variance, 0);
    return ag_batch_norm_train(x, gain, bias, 0, mean, variance, 0, update);
}
