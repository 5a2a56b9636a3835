/* Of each channel less the mean, divided by the deviation, of this batch or as given; times gain, plus bias. */
#include "shared/extent.h"
#include "shared/normalise.h"

#include <math.h>

static ag_node *flat(ag_node *x)
{
    return ag_reshape(x, AG_SHAPE(x->dim[0], x->dim[1], -1));
}

/* kept += momentum (value - kept) */
static ag_node *follow(ag_node *kept, ag_node *value, double momentum)
{
    return ag_assign(kept, ag_add(ag_scale(kept, 1 - momentum), ag_scale(ag_reshape(value, AG_SHAPE(-1)), momentum)));
}

ag_node *ag_batch_norm(ag_node *x, ag_node *gain, ag_node *bias, ag_node *mean, ag_node *variance, double epsilon)
{
    static const ag_op batch_norm = { .name = "batch_norm", .shape = agi_infer_norm };
    const agi_norm_check f = { .last = AGI_BY_CHANNELS, .epsilon = agi_norm_epsilon(epsilon, 1e-5) };
    ag_node *in[] = { x, mean, variance }, *sound = ag_vet(&batch_norm, 3, in, &f);
    x = ag_is_bad(sound) ? sound : agi_norm_vet(&batch_norm, x, gain, bias, AGI_BY_CHANNELS, f.epsilon);
    if (ag_is_bad(x)) return x;
    const ag_shape s = AG_SHAPE(-1, 1);
    ag_node *factor = ag_div(ag_number(x->graph, 1), ag_sqrt(ag_add(variance, ag_number(x->graph, f.epsilon))));
    ag_node *y = ag_mul(ag_sub(flat(x), ag_reshape(mean, s)), ag_reshape(gain ? ag_mul(gain, factor) : factor, s));
    return ag_reshape(agi_norm_affine(y, NULL, bias, s), ag_shape_in(x));
}

ag_node *ag_batch_norm_train(ag_node *x, ag_node *gain, ag_node *bias, double epsilon, ag_node *mean,
                             ag_node *variance, double momentum, ag_node **update)
{
    static const ag_op batch_norm = { .name = "batch_norm_train", .shape = agi_infer_norm };
    const agi_norm_form f = { .epsilon = agi_norm_epsilon(epsilon, 1e-5), .centred = 1, .channels = 1 };
    const agi_norm_check check = { .last = AGI_BY_CHANNELS, .epsilon = f.epsilon };
    ag_node *in[] = { x, mean, variance }, *sound = ag_vet(&batch_norm, update ? 3 : 1, in, &check), *now;
    x = ag_is_bad(sound) ? sound : agi_norm_vet(&batch_norm, x, gain, bias, AGI_BY_CHANNELS, f.epsilon);
    if (update) *update = x;
    if (ag_is_bad(x)) return x;
    ag_node *flat_x = flat(x), *y = agi_norm_affine(agi_new_normalise(flat_x, &f), gain, bias, AG_SHAPE(-1, 1));
    const int64_t n = agi_norm_count(flat_x, &f);
    const double m = momentum == 0 ? 0.1 : momentum;
    if (!(m > 0 && m <= 1)) return ag_reject(x, &batch_norm, AG_EARG, "the momentum is %g: it is from 0 to 1", m);
    if (n < 2)
        return ag_reject(x, &batch_norm, AG_ESHAPE, "a channel has one element, of which there is no variance");
    if (!update) return ag_reshape(y, ag_shape_in(x));
    ag_node *spread = agi_norm_variance(flat_x, &f, &now), *all = agi_extent_number(x->graph, (ag_dtype)x->dtype, n);
    spread = ag_mul(ag_div(all, agi_extent_number(x->graph, (ag_dtype)x->dtype, n - 1)), spread);
    *update = ag_group(2, (ag_node *[]){ follow(mean, now, m), follow(variance, spread, m) });
    return ag_reshape(y, ag_shape_in(x));
}
