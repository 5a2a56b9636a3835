/* numpy.take: slices of x at indices along an axis, which their dimensions replace;  the gradient is added up there. */
#include "gather.h"
#include "move.h"

ag_status ag_infer_gather(ag_infer *c, ag_shape *s)
{
    const ag_node *x = c->in[0], *indices = c->in[1];
    int axis = *(const int *)c->attribute;
    if (indices->dtype != AG_I64) return ag_refuse(c, AG_ETYPE, "indices are i64, use ag_cast");
    if (x->rank - 1 + indices->rank > AG_MAX_RANK)
        return ag_refuse(c, AG_ESHAPE, "the result has more than %d axes", AG_MAX_RANK);
    s->rank = 0;
    for (int i = 0; i < axis; i++) s->dim[s->rank++] = x->dim[i];
    for (int i = 0; i < indices->rank; i++) s->dim[s->rank++] = indices->dim[i];
    for (int i = axis + 1; i < x->rank; i++) s->dim[s->rank++] = x->dim[i];
    return AG_OK;
}

static ag_status shape(ag_infer *c)
{
    return ag_infer_gather(c, &c->shape);
}

static ag_status run(const ag_kernel_call *c)
{
    const ag_node *x = c->node->in[0];
    const int64_t *index = c->in[1], count = ag_count(c->node->in[1]);
    ag_split s = ag_split_at(x, *(const int *)c->node->attribute);
    size_t bytes = (size_t)s.inner * ag_dtype_size((ag_dtype)x->dtype);
    const char *from = c->in[0];
    char *to = c->out;
    for (int64_t o = 0; o < s.outer; o++, from += (size_t)s.extent * bytes)
        for (int64_t k = 0; k < count; k++, to += bytes) {
            int64_t position = ag_position(c, index[k], s.extent);
            if (position < 0) return AG_EARG;
            ag_move(to, from + (size_t)position * bytes, bytes);
        }
    return AG_OK;
}

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    if (ag_wanted(y, 0)) gin[0] = ag_scatter_add(ag_zeros_like(y->in[0]), *(const int *)y->attribute, y->in[1], gout);
}

const ag_op agi_gather = { .name = "gather",
                           .formula = "x[indices]",
                           .inputs = 2,
                           .flags = AG_LIBRARY | AG_SMOOTH,
                           .attribute_size = sizeof(int),
                           .shape = shape,
                           .run = run,
                           .gradient = gradient };

ag_node *ag_gather(ag_node *x, int axis, ag_node *indices)
{
    int counted = ag_axis(&x, &agi_gather, axis);
    ag_node *in[] = { x, indices };
    return ag_apply(&agi_gather, 2, in, &counted);
}
