#include "convolution.h"

#include <limits.h>

ag_node *agi_split_groups(ag_node *x, int axis, int64_t groups)
{
    if (ag_is_bad(x)) return x;
    ag_shape s = { .rank = x->rank + 1 };
    for (int i = 0; i < x->rank; i++) s.dim[i + (i > axis)] = x->dim[i];
    s.dim[axis] = groups;
    s.dim[axis + 1] = x->dim[axis] / groups;
    return ag_reshape(x, s);
}

ag_node *agi_join_groups(ag_node *x, int axis)
{
    if (ag_is_bad(x)) return x;
    ag_shape s = { .rank = x->rank - 1 };
    for (int i = 0; i < s.rank; i++) s.dim[i] = x->dim[i + (i > axis)];
    s.dim[axis] = x->dim[axis] * x->dim[axis + 1];
    return ag_reshape(x, s);
}

/* An extent that products of two of them do not overflow with. */
static int is_fit(int64_t n, int64_t least)
{
    return n >= least && n <= INT_MAX;
}

static ag_node *refuse_option(const ag_op *op, ag_node *x, const char *what, int axis, int64_t value)
{
    return ag_reject(x, op, AG_EARG, "%s[%d] is %lld, outside 0 to %d", what, axis, (long long)value, INT_MAX);
}

/* By axis; 0 is what it is without the option. */
static ag_node *read_axes(const ag_op *op, ag_node *x, ag_node *w, ag_conv_options *o)
{
    for (int i = 0; i < x->rank - 2; i++) {
        if (!is_fit(x->dim[2 + i], 1) || !is_fit(w->dim[2 + i], 1))
            return ag_reject(x, op, AG_ESHAPE, "spatial extents are at most %d", INT_MAX);
        if (!is_fit(o->stride[i], 0)) return refuse_option(op, x, "stride", i, o->stride[i]);
        if (!is_fit(o->dilation[i], 0)) return refuse_option(op, x, "dilation", i, o->dilation[i]);
        if (!is_fit(o->padding[i], 0)) return refuse_option(op, x, "padding", i, o->padding[i]);
        if (!is_fit(o->output_padding[i], 0)) return refuse_option(op, x, "output_padding", i, o->output_padding[i]);
        if (!o->stride[i]) o->stride[i] = 1;
        if (!o->dilation[i]) o->dilation[i] = 1;
    }
    return x;
}

ag_node *agi_read_conv(const ag_op *op, ag_node *x, ag_node *w, const ag_conv_options *o, ag_conv_options *out)
{
    static const ag_conv_options defaults = { { 0 }, { 0 }, { 0 }, { 0 }, 0 };
    char text[AG_SHAPE_TEXT];
    ag_node *in[] = { x, w };
    if (ag_is_bad(x) || ag_is_bad(w)) return ag_apply(op, 2, in, NULL); /* which says why, if it is no bad node */
    const ag_shape of_w = ag_shape_in(w);
    ag_describe(text, (ag_dtype)w->dtype, &of_w);
    *out = o ? *o : defaults;
    if (x->dtype == AG_I64 || w->dtype != x->dtype)
        return ag_reject(x, op, AG_ETYPE, "images and filters %s have to be of one real type: ag_cast one", text);
    if (x->rank < 3 || x->rank > 2 + AGI_CONV_AXES || w->rank != x->rank)
        return ag_reject(x, op, AG_ESHAPE, "images are [n, channels, *size] of 1 to %d spatial axes, filters of the "
                         "same rank: these are %s", AGI_CONV_AXES, text);
    if (out->groups < 0 || x->dim[1] % (out->groups ? out->groups : 1))
        return ag_reject(x, op, AG_EARG, "%lld channels cannot be %lld groups", (long long)x->dim[1],
                         (long long)out->groups);
    if (!out->groups) out->groups = 1;
    return read_axes(op, x, w, out);
}
