/* Random convolutions, windows and attention. */
#include "fuzz_grow.h"

static ag_node *images(fuzz_world *w, int64_t channels)
{
    const int axes = 1 + fuzz_below(w, 2);
    ag_shape s = { .rank = 2 + axes, .dim = { 1 + fuzz_below(w, 3), channels } };
    for (int i = 0; i < axes; i++) s.dim[2 + i] = 2 + fuzz_below(w, 4);
    return fuzz_size(s) > w->largest ? NULL : fuzz_fit(w, fuzz_any(w), s);
}

static ag_node *convolution(fuzz_world *w)
{
    ag_conv_options o = { .groups = 1 + fuzz_below(w, 2) };
    const int64_t in = 1 + fuzz_below(w, 2), out = 1 + fuzz_below(w, 2);
    const int turned = fuzz_below(w, 3) == 0;
    ag_node *x = images(w, in * o.groups);
    if (!x) return NULL;
    ag_shape s = ag_shape_of(x), f = { .rank = s.rank, .dim = { (turned ? in : out) * o.groups, turned ? out : in } };
    for (int i = 0; i < s.rank - 2; i++) {
        f.dim[2 + i] = 1 + fuzz_below(w, 2);
        o.stride[i] = 1 + fuzz_below(w, 2);
        o.dilation[i] = 1 + fuzz_below(w, 4) / 3;
        o.padding[i] = turned ? 0 : 1 + fuzz_below(w, 2);
    }
    if (fuzz_size(f) > w->largest) return NULL;
    ag_node *filters = fuzz_fit(w, fuzz_any(w), f);
    ag_node *y = turned ? ag_conv_transpose(x, filters, &o) : ag_conv(x, filters, &o);
    return fuzz_size(ag_shape_of(y)) > w->largest ? NULL : y;
}

static ag_node *windows(fuzz_world *w)
{
    ag_node *x = images(w, 1 + fuzz_below(w, 2));
    ag_pool_options o = { .exclude_padding = fuzz_below(w, 2) };
    for (int i = 0; i < 2; i++) {
        o.kernel[i] = 1 + fuzz_below(w, 2);
        o.stride[i] = fuzz_below(w, 3);
        o.padding[i] = fuzz_below(w, 2) * (o.kernel[i] / 2);
    }
    if (!x) return NULL;
    return fuzz_below(w, 2) ? ag_max_pool(x, &o) : ag_avg_pool(x, &o);
}

static ag_node *attention(fuzz_world *w)
{
    const int64_t queries = 1 + fuzz_below(w, 4), keys = 1 + fuzz_below(w, 4), depth = 1 + fuzz_below(w, 3);
    const int64_t width = 1 + fuzz_below(w, 3);
    if (16 > w->largest) return NULL;
    ag_node *q = fuzz_fit(w, fuzz_any(w), AG_SHAPE(queries, depth));
    ag_node *k = fuzz_fit(w, fuzz_any(w), AG_SHAPE(keys, depth));
    ag_node *v = fuzz_fit(w, fuzz_any(w), AG_SHAPE(keys, width));
    ag_node *mask = fuzz_below(w, 3) ? NULL : fuzz_small(w, fuzz_fit(w, fuzz_any(w), AG_SHAPE(queries, keys)));
    return ag_attention_with(fuzz_small(w, q), fuzz_small(w, k), v, mask, fuzz_below(w, 2) ? 0.5 : 0, fuzz_below(w, 2));
}

ag_node *fuzz_network(fuzz_world *w)
{
    switch (fuzz_below(w, 3)) {
    case 0: return convolution(w);
    case 1: return windows(w);
    default: return attention(w);
    }
}
