/* Over the last axes less the mean, divided by the deviation; times gain, plus bias. */
#include "shared/normalise.h"

#include <float.h>

/* As rows of the last axes; back to x's shape. */
static ag_node *by_rows(ag_node *x, int axes, ag_node *gain, ag_node *bias, const agi_norm_form *f)
{
    const ag_shape s = ag_shape_in(x);
    int64_t n = 1;
    for (int i = s.rank - axes; i < s.rank; i++) n *= s.dim[i];
    ag_node *y = agi_new_normalise(ag_reshape(x, AG_SHAPE(-1, n)), f);
    return ag_reshape(agi_norm_affine(y, gain, bias, AG_SHAPE(n)), s);
}

ag_node *ag_layer_norm(ag_node *x, int axes, ag_node *gain, ag_node *bias, double epsilon)
{
    static const ag_op layer_norm = { .name = "layer_norm", .shape = agi_infer_norm };
    const agi_norm_form f = { .epsilon = agi_norm_epsilon(epsilon, 1e-5), .centred = 1 };
    x = agi_norm_vet(&layer_norm, x, gain, bias, axes, f.epsilon);
    return ag_is_bad(x) ? x : by_rows(x, axes, gain, bias, &f);
}

ag_node *ag_rms_norm(ag_node *x, int axes, ag_node *gain, double epsilon)
{
    static const ag_op rms_norm = { .name = "rms_norm", .shape = agi_infer_norm };
    const double least = x && !ag_is_bad(x) && x->dtype == AG_F32 ? FLT_EPSILON : DBL_EPSILON;
    const agi_norm_form f = { .epsilon = agi_norm_epsilon(epsilon, least) };
    x = agi_norm_vet(&rms_norm, x, gain, NULL, axes, f.epsilon);
    return ag_is_bad(x) ? x : by_rows(x, axes, gain, NULL, &f);
}
