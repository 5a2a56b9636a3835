/* x repeated along new axes and axes of extent 1: a view with stride 0;  the sweep sums the gradient back. */
#include "node.h"

static ag_status shape(ag_infer *c)
{
    const ag_shape *to = c->attribute;
    ag_shape from = c->shape;
    int lead = to->rank - from.rank;
    char text[AG_SHAPE_TEXT];
    c->shape = *to;
    for (int i = 0; i < from.rank; i++)
        if (lead < 0 || (from.dim[i] != 1 && from.dim[i] != to->dim[lead + i]))
            return ag_refuse(c, AG_ESHAPE, "does not broadcast to %s", ag_describe(text, c->dtype, to));
    return AG_OK;
}

static int view(const ag_node *y, ag_strides *s)
{
    const ag_node *x = y->in[0];
    int lead = y->rank - x->rank;
    ag_strides out = { .offset = s->offset };
    for (int i = 0; i < x->rank; i++) out.stride[lead + i] = x->dim[i] == 1 ? 0 : s->stride[i];
    *s = out;
    return 1;
}

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    (void)y;
    gin[0] = gout;
}

static ag_node *batch(const ag_node *y, ag_node *in[], const unsigned char batched[], int64_t count)
{
    const ag_node *x = y->in[0];
    ag_shape s = { .rank = y->rank + 1, .dim = { count } };
    (void)batched;
    for (int i = 0, lead = y->rank - x->rank; i < y->rank; i++) s.dim[i + 1] = i < lead ? 1 : x->dim[i - lead];
    return ag_broadcast_to(ag_reshape(in[0], s), ag_batch_shape(y, count));
}

const ag_op agi_broadcast_to = { .name = "broadcast_to",
                                 .formula = "x repeated",
                                 .inputs = 1,
                                 .flags = AG_VIEW | AG_SMOOTH,
                                 .attribute_size = sizeof(ag_shape),
                                 .shape = shape,
                                 .view = view,
                                 .gradient = gradient,
                                 .batch = batch };

ag_node *ag_broadcast_to(ag_node *x, ag_shape to)
{
    ag_shape attribute;
    if (to.rank < 0 || to.rank > AG_MAX_RANK)
        return ag_reject(x, &agi_broadcast_to, AG_ESHAPE, "rank %d is outside 0 to %d", to.rank, AG_MAX_RANK);
    memset(&attribute, 0, sizeof attribute);
    attribute.rank = to.rank;
    memcpy(attribute.dim, to.dim, (size_t)to.rank * sizeof to.dim[0]);
    return ag_unary_with(&agi_broadcast_to, x, &attribute);
}
