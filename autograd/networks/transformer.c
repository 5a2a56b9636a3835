/* Attention with its projections, and the block that transformers are made of. */
#include "layers.h"

/* x [batch, t, width] times rows `from` on of the weights, [batch, t, parts, heads, width / heads]. */
static ag_node *project(ag_node *x, ag_node *weight, ag_node *bias, int from, int parts, int heads)
{
    const ag_shape s = ag_shape_of(x);
    const int64_t width = s.dim[2], first = from * width, end = (from + parts) * width;
    ag_node *y = agi_net_product(ag_reshape(x, AG_SHAPE(-1, width)), ag_slice(weight, 0, first, end, 1),
                                 ag_slice(bias, 0, first, end, 1));
    return ag_reshape(y, AG_SHAPE(s.dim[0], s.dim[1], parts, heads, width / heads));
}

/* One of the parts, heads before rows. */
static ag_node *part(ag_node *all, int k)
{
    const ag_shape s = ag_shape_of(all);
    ag_node *one = ag_reshape(ag_slice(all, 2, k, k + 1, 1), AG_SHAPE(s.dim[0], s.dim[1], s.dim[3], s.dim[4]));
    return ag_transpose(one, (int[]){ 0, 2, 1, 3 });
}

static ag_node *check(ag_node *x, ag_node *to, int heads, const char *name)
{
    static const ag_op attention = { .name = "ag_net_attention" };
    const ag_shape s = ag_shape_of(x), m = ag_shape_of(to);
    if (s.rank != 3 || m.rank != 3 || s.dim[0] != m.dim[0] || s.dim[2] != m.dim[2])
        return ag_reject(x, &attention, AG_ESHAPE, "'%s' takes [batch, t, width], and attends to [batch, s, width]",
                         name);
    if (heads < 1 || s.dim[2] % heads)
        return ag_reject(x, &attention, AG_EARG, "'%s': %lld columns are not %d heads of one width", name,
                         (long long)s.dim[2], heads);
    return x;
}

ag_node *ag_net_attention(ag_net net, const char *name, ag_node *x, ag_node *to, int heads, ag_node *mask, int causal)
{
    if (!to) to = x;
    if (ag_is_bad(x) || ag_is_bad(to)) return ag_is_bad(x) ? x : to;
    x = check(x, to, heads, name);
    if (ag_is_bad(x)) return x;
    const ag_shape s = ag_shape_of(x);
    const int64_t width = s.dim[2];
    net = ag_net_in(net, "%s", name);
    ag_node *weight = ag_net_weight(net, "in_proj_weight", AG_SHAPE(3 * width, width), AG_XAVIER_UNIFORM, 0);
    ag_node *bias = ag_net_weight(net, "in_proj_bias", AG_SHAPE(3 * width), AG_ZEROS, 0);
    ag_node *own = project(x, weight, bias, 0, to == x ? 3 : 1, heads);
    ag_node *other = to == x ? own : project(to, weight, bias, 1, 2, heads);
    if (ag_is_bad(own) || ag_is_bad(other)) return ag_is_bad(own) ? own : other;
    const int first = to == x;
    ag_node *y = ag_attention_with(part(own, 0), part(other, first), part(other, first + 1), mask, 0, causal);
    y = ag_reshape(ag_transpose(y, (int[]){ 0, 2, 1, 3 }), s);
    return ag_net_dense(net, "out_proj", y, width);
}

ag_node *ag_net_transformer(ag_net net, const char *name, ag_node *x, int heads, int64_t hidden, ag_node *mask,
                            int causal)
{
    if (ag_is_bad(x)) return x;
    const ag_shape s = ag_shape_of(x);
    net = ag_net_in(net, "%s", name);
    ag_node *seen = ag_net_attention(net, "self_attn", ag_net_layer_norm(net, "norm1", x), NULL, heads, mask, causal);
    x = ag_add(x, agi_net_drop(net, seen));
    ag_node *h = ag_gelu(ag_net_dense(net, "linear1", ag_net_layer_norm(net, "norm2", x), hidden));
    h = ag_net_dense(net, "linear2", agi_net_drop(net, h), s.rank ? s.dim[s.rank - 1] : 1);
    return ag_add(x, agi_net_drop(net, h));
}
