/* The gradient of a convolution by its input, as an operation: each element of x adds the filters to the result. */
#include "shared/convolution.h"

ag_node *ag_conv_transpose(ag_node *x, ag_node *w, const ag_conv_options *options)
{
    ag_conv_options o;
    agi_conv_form f;
    int64_t size[AGI_CONV_AXES];
    x = agi_read_conv(&agi_conv, x, w, options, &o);
    if (ag_is_bad(x)) return x;
    if (x->dim[1] != w->dim[0])
        return ag_reject(x, &agi_conv, AG_ESHAPE, "%lld channels, filters for %lld: [channels, out / groups, *kernel] "
                         "is needed", (long long)x->dim[1], (long long)w->dim[0]);
    memset(&f, 0, sizeof f);
    for (int i = 0; i < x->rank - 2; i++) {
        f.stride[i] = o.stride[i];
        f.dilation[i] = o.dilation[i];
        f.spread[i] = 1;
        f.pad[i] = o.padding[i];
        size[i] = (x->dim[2 + i] - 1) * o.stride[i] - 2 * o.padding[i] + (w->dim[2 + i] - 1) * o.dilation[i] +
                  o.output_padding[i] + 1;
        if (o.output_padding[i] && o.output_padding[i] >= o.stride[i] && o.output_padding[i] >= o.dilation[i])
            return ag_reject(x, &agi_conv, AG_EARG, "output_padding[%d] is %lld, not less than stride or dilation", i,
                             (long long)o.output_padding[i]);
        if (size[i] < 1)
            return ag_reject(x, &agi_conv, AG_ESHAPE, "spatial axis %d of the result would have %lld elements", i,
                             (long long)size[i]);
    }
    ag_node *by_groups = agi_split_groups(x, 1, o.groups);
    return agi_join_groups(agi_conv_by_x(by_groups, agi_split_groups(w, 0, o.groups), &f, size), 1);
}
