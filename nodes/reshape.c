/* The same elements in row-major order under another shape: a view where the strides allow it. */
#include "shared/algebra.h"

static ag_status shape(ag_infer *c)
{
    const ag_shape *to = c->attribute;
    c->shape = *to;
    return AG_OK;
}

/* Extents are matched from the left in the smallest runs of equal product; a run of the input must lie evenly. */
static int view(const ag_node *y, ag_strides *s)
{
    const ag_node *x = y->in[0];
    ag_strides out = { .offset = s->offset };
    int i = 0, j = 0;
    while (j < y->rank) {
        int64_t from = 1, to = y->dim[j];
        int first = j++, start = i;
        while (from != to)
            if (from < to && i < x->rank) from *= x->dim[i++];
            else if (j < y->rank) to *= y->dim[j++];
            else return 0;
        int64_t stride = 0;
        for (int k = i, inner = 0; k-- > start;) {
            if (x->dim[k] == 1) continue;
            if (inner && s->stride[k] != stride) return 0;
            if (!inner) out.stride[j - 1] = s->stride[k];
            stride = s->stride[k] * x->dim[k];
            inner = 1;
        }
        for (int k = j - 1; k-- > first;) out.stride[k] = out.stride[k + 1] * y->dim[k + 1];
    }
    *s = out;
    return 1;
}

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    gin[0] = ag_reshape(gout, ag_shape_in(y->in[0]));
}

static ag_node *batch(const ag_node *y, ag_node *in[], const unsigned char batched[], int64_t count)
{
    (void)batched;
    return ag_reshape(in[0], ag_batch_shape(y, count));
}

static ag_node *same_shape(const ag_infer *c)
{
    return agi_has_result_shape(c, c->in[0]) ? c->in[0] : NULL;
}

static ag_node *reshape_twice(const ag_infer *c)
{
    return c->in[0]->op == &agi_reshape ? ag_reshape(c->in[0]->in[0], c->shape) : NULL;
}

static ag_node *simplify(const ag_infer *c)
{
    ag_node *y = agi_view_of_one(c); /* a view of one element, repeated -> the element repeated */
    if (!y) y = same_shape(c);      /* reshape to the same shape -> x */
    if (!y) y = reshape_twice(c);   /* reshape of a reshape -> one reshape */
    return y;
}

const ag_op agi_reshape = { .name = "reshape",
                            .formula = "x under another shape",
                            .inputs = 1,
                            .flags = AG_VIEW | AG_SMOOTH,
                            .attribute_size = sizeof(ag_shape),
                            .extents = agi_each_of_shape,
                            .shape = shape,
                            .view = view,
                            .simplify = simplify,
                            .gradient = gradient,
                            .batch = batch };

static ag_node *refuse(ag_node *x, const ag_shape *to)
{
    char text[AG_SHAPE_TEXT];
    return ag_reject(x, &agi_reshape, AG_ESHAPE, "%lld elements do not fit %s", (long long)ag_count(x),
                     ag_describe(text, (ag_dtype)x->dtype, to));
}

ag_node *ag_reshape(ag_node *x, ag_shape to)
{
    if (ag_is_bad(x)) return x;
    int64_t known = 1, count = ag_count(x);
    int open = -1;
    if (to.rank < 0 || to.rank > AG_MAX_RANK)
        return ag_reject(x, &agi_reshape, AG_ESHAPE, "rank %d is outside 0 to %d", to.rank, AG_MAX_RANK);
    for (int k = 0; k < to.rank; k++) {
        if (to.dim[k] == -1 && open < 0) open = k;
        else if (to.dim[k] < 1 || to.dim[k] > count) known = 0;
        else known *= to.dim[k];
        if (known < 1 || known > count) return refuse(x, &to);
    }
    if (open >= 0 && count % known == 0) to.dim[open] = count / known;
    else if (open >= 0 || known != count) return refuse(x, &to);
    for (int k = to.rank; k < AG_MAX_RANK; k++) to.dim[k] = 0;
    ag_shape attribute;
    memset(&attribute, 0, sizeof attribute);
    attribute.rank = to.rank;
    memcpy(attribute.dim, to.dim, sizeof to.dim);
    return ag_unary_with(&agi_reshape, x, &attribute);
}

ag_node *ag_keepdims(ag_node *reduced, const ag_node *like, int axis)
{
    ag_shape s = ag_shape_in(like);
    for (int i = 0; i < s.rank; i++)
        if (axis == AG_ALL || i == axis) s.dim[i] = 1;
    return ag_reshape(reduced, s);
}
