#include "normalise.h"

static int fits(const ag_node *x, const ag_node *of, int64_t last)
{
    if (last == AGI_BY_CHANNELS) return of->rank == 1 && of->dim[0] == x->dim[1];
    if (of->rank != last) return 0;
    for (int64_t i = 0; i < last; i++)
        if (of->dim[i] != x->dim[x->rank - last + i]) return 0;
    return 1;
}

ag_status agi_infer_norm(ag_infer *c)
{
    const agi_norm_check *f = c->attribute;
    const ag_node *x = c->in[0];
    if (x->dtype == AG_I64) return ag_refuse(c, AG_ETYPE, "there is no arithmetic on i64: make it real with ag_cast");
    if (f->last == AGI_BY_CHANNELS && x->rank < 2) return ag_refuse(c, AG_ESHAPE, "x has to be [n, channels, ...]");
    if (f->last != AGI_BY_CHANNELS && (f->last < 1 || f->last > x->rank))
        return ag_refuse(c, AG_ESHAPE, "the last %lld axes are to be normalised, of %d: at least one, at most all",
                         (long long)f->last, x->rank);
    if (!(f->epsilon >= 0 && f->epsilon <= 1))
        return ag_refuse(c, AG_EARG, "epsilon is %g: it is from 0 to 1", f->epsilon);
    for (int k = 1; k < c->n; k++) {
        if (c->in[k]->dtype != x->dtype) return ag_refuse(c, AG_ETYPE, "element types differ: ag_cast one of them");
        if (!fits(x, c->in[k], f->last))
            return ag_refuse(c, AG_ESHAPE, "what a norm takes beside x has to be %s", f->last == AGI_BY_CHANNELS
                             ? "[channels]" : "of the shape of the last axes, which are normalised");
    }
    return AG_OK;
}

ag_node *agi_norm_vet(const ag_op *op, ag_node *x, ag_node *gain, ag_node *bias, int64_t last, double epsilon)
{
    const agi_norm_check f = { .last = last, .epsilon = epsilon };
    ag_node *in[3] = { x };
    int n = 1;
    if (gain) in[n++] = gain;
    if (bias) in[n++] = bias;
    return ag_vet(op, n, in, &f);
}

ag_node *agi_norm_affine(ag_node *y, ag_node *gain, ag_node *bias, ag_shape s)
{
    if (gain) y = ag_mul(y, ag_reshape(gain, s));
    return bias ? ag_add(y, ag_reshape(bias, s)) : y;
}
