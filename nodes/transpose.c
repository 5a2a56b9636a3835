/* Axes in another order: a view;  the gradient goes back through the inverse order. */
#include "shared/algebra.h"

typedef struct {
    int axis[AG_MAX_RANK]; /* axis k of y is axis[k] of x */
} order;

static ag_status shape(ag_infer *c)
{
    const order *o = c->attribute;
    ag_shape s = c->shape;
    for (int k = 0; k < s.rank; k++) c->shape.dim[k] = s.dim[o->axis[k]];
    return AG_OK;
}

static int view(const ag_node *y, ag_strides *s)
{
    const order *o = y->attribute;
    ag_strides x = *s;
    for (int k = 0; k < y->rank; k++) s->stride[k] = x.stride[o->axis[k]];
    return 1;
}

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    const order *o = y->attribute;
    int inverse[AG_MAX_RANK];
    for (int k = 0; k < y->rank; k++) inverse[o->axis[k]] = k;
    gin[0] = ag_transpose(gout, inverse);
}

static ag_node *batch(const ag_node *y, ag_node *in[], const unsigned char batched[], int64_t count)
{
    const order *o = y->attribute;
    int axes[AG_MAX_RANK] = { 0 };
    (void)batched, (void)count;
    for (int k = 0; k < y->rank; k++) axes[k + 1] = o->axis[k] + 1;
    return ag_transpose(in[0], axes);
}

static ag_node *same_order(const ag_infer *c)
{
    const int *axis = c->attribute;
    for (int k = 0; k < c->shape.rank; k++)
        if (axis[k] != k) return NULL;
    return c->in[0];
}

static ag_node *transpose_twice(const ag_infer *c)
{
    const int *second = c->attribute;
    int axes[AG_MAX_RANK];
    if (c->in[0]->op != &agi_transpose) return NULL;
    const int *first = c->in[0]->attribute;
    for (int k = 0; k < c->shape.rank; k++) axes[k] = first[second[k]];
    return ag_transpose(c->in[0]->in[0], axes);
}

static ag_node *simplify(const ag_infer *c)
{
    ag_node *y = agi_view_of_one(c); /* a view of one element, repeated -> the element repeated */
    if (!y) y = same_order(c);      /* transpose by the identity -> x */
    if (!y) y = transpose_twice(c); /* transpose of a transpose -> one transpose */
    return y;
}

const ag_op agi_transpose = { .name = "transpose",
                              .formula = "axes in another order",
                              .inputs = 1,
                              .flags = AG_VIEW | AG_SMOOTH,
                              .attribute_size = sizeof(order),
                              .shape = shape,
                              .view = view,
                              .simplify = simplify,
                              .gradient = gradient,
                              .batch = batch };

ag_node *ag_transpose(ag_node *x, const int *axes_or_null)
{
    if (ag_is_bad(x)) return x;
    order o = { { 0 } };
    unsigned seen = 0;
    for (int k = 0; k < x->rank; k++) {
        int axis = axes_or_null ? axes_or_null[k] : x->rank - 1 - k;
        if (axis < 0) axis += x->rank;
        if (axis < 0 || axis >= x->rank || (seen & 1u << axis))
            return ag_reject(x, &agi_transpose, AG_ESHAPE, "the axes are no permutation of 0 to %d", x->rank - 1);
        seen |= 1u << axis;
        o.axis[k] = axis;
    }
    return ag_unary_with(&agi_transpose, x, &o);
}
