/* x with updates added at indices along an axis, one after the other;  x takes gout, the updates what they fell on. */
#include "gather.h"

static ag_status shape(ag_infer *c)
{
    const ag_node *x = c->in[0], *updates = c->in[2];
    ag_shape s = { 0 };
    if (x->dtype == AG_I64) return ag_refuse(c, AG_ETYPE, "there is no arithmetic on i64: make it real with ag_cast");
    if (x->dtype != updates->dtype)
        return ag_refuse(c, AG_ETYPE, "x and updates differ in element type: ag_cast one of them");
    ag_status status = ag_infer_gather(c, &s);
    if (status) return status;
    int fits = updates->rank == s.rank;
    for (int i = 0; i < s.rank && fits; i++) fits = updates->dim[i] == s.dim[i];
    return fits ? AG_OK : ag_refuse(c, AG_ESHAPE, "the updates do not have the shape of x gathered at the indices");
}

#define ADD(real)                                                                                \
    for (int64_t i = 0; i < s.inner; i++)                                                        \
        ((real *)c->out)[to + i] += ((const real *)c->in[2])[from + i]

static ag_status run(const ag_kernel_call *c)
{
    const ag_node *x = c->node->in[0];
    const int64_t count = ag_count(c->node->in[1]);
    ag_split s = ag_split_at(x, *(const int *)c->node->attribute);
    memcpy(c->out, c->in[0], (size_t)ag_count(x) * ag_dtype_size((ag_dtype)x->dtype));
    for (int64_t o = 0, from = 0; o < s.outer; o++)
        for (int64_t k = 0; k < count; k++, from += s.inner) {
            int64_t position = ag_position(c, k, s.extent), to = (o * s.extent + position) * s.inner;
            if (position < 0) return AG_EARG;
            if (x->dtype == AG_F32) ADD(float);
            else ADD(double);
        }
    return AG_OK;
}

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    gin[0] = gout;
    if (ag_wanted(y, 2)) gin[2] = ag_gather(gout, *(const int *)y->attribute, y->in[1]);
}

static double flops(const ag_node *y)
{
    return (double)ag_count(y->in[2]);
}

static ag_node *batch(const ag_node *y, ag_node *in[], const unsigned char batched[], int64_t count)
{
    const ag_node *x = y->in[0], *indices = y->in[1];
    int axis = *(const int *)y->attribute;
    for (int k = 0; k < 3; k += 2)
        if (!batched[k]) in[k] = ag_batch_all(in[k], count);
    if (!batched[1]) return ag_scatter_add(in[0], axis + 1, in[1], in[2]);
    ag_node *updates = ag_move_axes(in[2], axis + 1, indices->rank, 1);
    ag_node *sums = ag_scatter_add(ag_flat_batch(in[0], axis), 0, ag_flat_indices(in[1], x->dim[axis]), updates);
    ag_shape s = ag_batch_shape(x, count); /* with the axis right after the first */
    for (int i = axis + 1; i > 1; i--) s.dim[i] = s.dim[i - 1];
    s.dim[1] = x->dim[axis];
    return ag_move_axes(ag_reshape(sums, s), 1, 1, axis + 1);
}

static int pattern(const ag_node *y, ag_dependence *d)
{
    ag_split s = ag_split_at(y, *(const int *)y->attribute);
    const int64_t *index = ag_known_integers(d, y->in[1]), count = ag_count(y->in[1]);
    for (int64_t e = 0; index && e < ag_count(y); e++) ag_depends(d, e, 0, e);
    for (int64_t o = 0, from = 0; index && o < s.outer; o++)
        for (int64_t k = 0; k < count; k++) {
            int64_t position = ag_counted(index[k], s.extent), to = (o * s.extent + position) * s.inner;
            for (int64_t i = 0; i < s.inner; i++, from++)
                if (position >= 0) ag_depends(d, to + i, 2, from);
        }
    return index != NULL;
}

static void write_c(ag_source *s, const ag_node *y, const ag_strides in_stride[])
{
    ag_split split = ag_split_at(y, *(const int *)y->attribute);
    long long count = (long long)ag_count(y->in[1]), extent = (long long)split.extent, inner = (long long)split.inner;
    (void)in_stride;
    ag_emit(s, "    int64_t i, j, k, at;\n    for (i = 0; i < %lld; i++) out[i] = in0[i];\n", (long long)ag_count(y));
    ag_emit(s, "    for (i = 0; i < %lld; i++)\n        for (k = 0; k < %lld; k++) {\n", (long long)split.outer, count);
    ag_write_position(s, 1, extent);
    ag_emit(s, "            for (j = 0; j < %lld; j++)\n", inner);
    ag_emit(s, "                out[(i * %lld + at) * %lld + j] += in2[(i * %lld + k) * %lld + j];\n", extent, inner,
            count, inner);
    ag_emit(s, "        }\n    return 0;\n");
}

const ag_op agi_scatter_add = { .name = "scatter_add",
                                .formula = "x[indices] += updates",
                                .inputs = 3,
                                .flags = AG_LIBRARY | AG_SMOOTH,
                                .attribute_size = sizeof(int),
                                .shape = shape,
                                .run = run,
                                .limit = ag_index_limit,
                                .c = write_c,
                                .flops = flops,
                                .gradient = gradient,
                                .batch = batch,
                                .pattern = pattern };

ag_node *ag_scatter_add(ag_node *x, int axis, ag_node *indices, ag_node *updates)
{
    int counted = ag_axis(&x, &agi_scatter_add, axis);
    ag_node *in[] = { x, indices, updates };
    return ag_apply(&agi_scatter_add, 3, in, &counted);
}
