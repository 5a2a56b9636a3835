/* x repeated along new axes and axes of extent 1: a view with stride 0;  the sweep sums the gradient back. */
#include "shared/algebra.h"

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

static ag_node *same_shape(const ag_infer *c)
{
    return agi_has_result_shape(c, c->in[0]) ? c->in[0] : NULL;
}

/* Of two broadcasts the second says it all; so it does after a reshape that puts axes of extent 1 in front. */
static ag_node *broadcast_twice(const ag_infer *c)
{
    const ag_node *r = c->in[0];
    if (r->op == &agi_broadcast_to) return ag_broadcast_to(r->in[0], c->shape);
    if (r->op != &agi_reshape) return NULL;
    ag_node *x = r->in[0];
    int lead = r->rank - x->rank;
    if (lead < 0) return NULL;
    for (int i = 0; i < r->rank; i++)
        if (r->dim[i] != (i < lead ? 1 : x->dim[i - lead])) return NULL;
    return ag_broadcast_to(x, c->shape);
}

static ag_node *simplify(const ag_infer *c)
{
    ag_node *y = agi_view_of_one(c); /* a view of one element, repeated -> the element repeated */
    if (!y) y = same_shape(c);      /* broadcast to the same shape -> x */
    if (!y) y = broadcast_twice(c); /* broadcast of a broadcast, or of new leading axes -> one broadcast */
    return y;
}

const ag_op agi_broadcast_to = { .name = "broadcast_to",
                                 .formula = "x repeated",
                                 .inputs = 1,
                                 .flags = AG_VIEW | AG_REPEATS | AG_SMOOTH,
                                 .attribute_size = sizeof(ag_shape),
                                 .extents = agi_each_of_shape,
                                 .shape = shape,
                                 .view = view,
                                 .simplify = simplify,
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
