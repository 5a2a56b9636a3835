/* Of each group of channels less the mean, divided by the deviation; times gain, plus bias of each channel. */
#include "shared/extent.h"
#include "shared/normalise.h"

ag_node *ag_group_norm(ag_node *x, int64_t groups, ag_node *gain, ag_node *bias, double epsilon)
{
    static const ag_op group_norm = { .name = "group_norm", .shape = agi_infer_norm };
    const agi_norm_form f = { .epsilon = agi_norm_epsilon(epsilon, 1e-5), .centred = 1 };
    x = agi_norm_vet(&group_norm, x, gain, bias, AGI_BY_CHANNELS, f.epsilon);
    if (ag_is_bad(x)) return x;
    if (groups < 1 || x->dim[1] % groups)
        return ag_reject(x, &group_norm, AG_EARG, "%lld groups of %lld channels are not alike", (long long)groups,
                         (long long)x->dim[1]);
    if (groups > 1 && agi_holds_extent(x->graph, x->dim[1]))
        return ag_reject(x, &group_norm, AG_ESHAPE,
                         "there are as many channels as plans choose, which cannot be divided");
    ag_node *y = agi_new_normalise(ag_reshape(x, AG_SHAPE(x->dim[0] * groups, -1)), &f);
    y = ag_reshape(y, AG_SHAPE(x->dim[0], x->dim[1], -1));
    return ag_reshape(agi_norm_affine(y, gain, bias, AG_SHAPE(-1, 1)), ag_shape_in(x));
}
