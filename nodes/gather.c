/* numpy.take: slices of x at indices along an axis, which their dimensions replace;  the gradient is added up there. */
#include "shared/extent.h"
#include "shared/gather.h"
#include "shared/move.h"

ag_status agi_infer_gather(ag_infer *c, ag_shape *s)
{
    const ag_node *x = c->in[0], *indices = c->in[1];
    int axis = *(const int *)c->attribute;
    if (indices->dtype != AG_I64)
        return ag_refuse(c, AG_ETYPE, "the indices have to be i64: an AG_I64 input, or ag_cast");
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
    return agi_infer_gather(c, &c->shape);
}

static ag_status run(const ag_kernel_call *c)
{
    const ag_node *x = c->node->in[0];
    const int64_t count = ag_count(c->node->in[1]), *index = c->in[1];
    ag_extents s = ag_split_at(x, *(const int *)c->node->attribute);
    size_t bytes = (size_t)s.inner * ag_dtype_size((ag_dtype)x->dtype);
    const char *from = c->in[0];
    char *to = c->out;
    for (int64_t o = 0; o < s.outer; o++, from += (size_t)s.extent * bytes)
        for (int64_t k = 0; k < count; k++, to += bytes) {
            int64_t position = agi_counted(index[k], s.extent);
            if (position < 0) return agi_position(c, k, s.extent), AG_EARG;
            agi_move(to, from + (size_t)position * bytes, bytes);
        }
    return AG_OK;
}

int64_t agi_index_limit(const ag_node *y)
{
    return y->in[0]->dim[*(const int *)y->attribute];
}

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    if (ag_wanted(y, 0)) gin[0] = ag_scatter_add(ag_zeros_like(y->in[0]), *(const int *)y->attribute, y->in[1], gout);
}

/* ---- batches ---------------------------------------------------------------------------------------------------- */

ag_node *agi_move_axes(ag_node *x, int from, int n, int to)
{
    if (ag_is_bad(x)) return x;
    int axes[AG_MAX_RANK] = { 0 };
    for (int k = 0, next = 0; k < x->rank; k++) {
        if (next == from) next += n;
        axes[k] = k >= to && k < to + n ? from + k - to : next++;
    }
    return ag_transpose(x, axes);
}

ag_node *agi_flat_batch(ag_node *x, int axis)
{
    x = agi_move_axes(x, axis + 1, 1, 1);
    if (ag_is_bad(x)) return x;
    ag_shape s = { .rank = x->rank - 1, .dim = { x->dim[0] * x->dim[1] } };
    for (int i = 1; i < s.rank; i++) s.dim[i] = x->dim[i + 1];
    return ag_reshape(x, s);
}

/* In f64, which is exact far beyond any axis: there is no arithmetic on integers. */
ag_node *agi_flat_indices(ag_node *indices, int64_t extent)
{
    if (ag_is_bad(indices)) return indices;
    ag_graph *g = indices->graph;
    int64_t count = indices->dim[0];
    ag_node *zero = ag_number(g, 0), *n = agi_extent_number(g, AG_F64, extent), *index = ag_cast(indices, AG_F64);
    ag_shape column = { .rank = indices->rank, .dim = { count, 1, 1, 1, 1, 1, 1, 1 } };
    ag_node *start = ag_mul(ag_reshape(ag_arange(g, AG_F64, count), column), n);
    index = ag_where(ag_less(index, zero), ag_add(index, n), index);
    ag_node *inside = ag_mul(ag_greater_equal(index, zero), ag_less(index, n));
    ag_node *outside = agi_extent_number(g, AG_F64, count * extent);
    return ag_cast(ag_where(inside, ag_add(index, start), outside), AG_I64);
}

static ag_node *batch(const ag_node *y, ag_node *in[], const unsigned char batched[], int64_t count)
{
    const ag_node *x = y->in[0], *indices = y->in[1];
    int axis = *(const int *)y->attribute;
    (void)count;
    if (!batched[1]) return ag_gather(in[0], axis + 1, in[1]);
    if (!batched[0]) return agi_move_axes(ag_gather(in[0], axis, in[1]), axis, 1, 0);
    ag_node *taken = ag_gather(agi_flat_batch(in[0], axis), 0, agi_flat_indices(in[1], x->dim[axis]));
    return agi_move_axes(taken, 1 + indices->rank, axis, 1);
}

static int pattern(const ag_node *y, ag_dependence *d)
{
    ag_extents s = ag_split_at(y->in[0], *(const int *)y->attribute);
    const int64_t *index = ag_known_integers(d, y->in[1]), count = ag_count(y->in[1]);
    for (int64_t o = 0, to = 0; index && o < s.outer; o++)
        for (int64_t k = 0; k < count; k++) {
            int64_t position = agi_counted(index[k], s.extent), from = (o * s.extent + position) * s.inner;
            for (int64_t i = 0; i < s.inner; i++, to++)
                if (position >= 0) ag_depends(d, to, 0, from + i);
        }
    return index != NULL;
}

/* ---- as C -------------------------------------------------------------------------------------------------------- */

int agi_write_table(ag_source *s, const ag_node *indices, int64_t extent)
{
    enum { LINE = 16 };
    const int64_t *index = indices->attribute, count = ag_count(indices);
    const int bits = extent <= 1 << 8 ? 8 : extent <= 1 << 16 ? 16 : 64;
    if (indices->op->role != AG_IS_CONSTANT) return 0;
    for (int64_t k = 0; k < count; k++)
        if (agi_counted(index[k], extent) < 0) return 0;
    ag_emit(s, "    static const uint%d_t position[%lld] = {", bits, (long long)count);
    for (int64_t k = 0; k < count; k++)
        ag_emit(s, "%s%lld%s", k % LINE ? " " : "\n        ", (long long)agi_counted(index[k], extent),
                k + 1 < count ? "," : "\n    };\n");
    return 1;
}

void agi_write_position(ag_source *s, int table, int input, int64_t extent)
{
    if (table) {
        ag_emit(s, "            at = (int64_t)position[k];\n");
        return;
    }
    ag_emit(s, "            at = in%d[k] < 0 ? in%d[k] + %lld : in%d[k];\n", input, input, (long long)extent, input);
    ag_emit(s, "            if (at < 0 || at >= %lld) return %d;\n", (long long)extent, (int)AG_EARG);
}

static void write_c(ag_source *s, const ag_node *y, const ag_strides in_stride[])
{
    ag_extents split = ag_split_at(y->in[0], *(const int *)y->attribute);
    long long count = (long long)ag_count(y->in[1]), extent = (long long)split.extent, inner = (long long)split.inner;
    int table = agi_write_table(s, y->in[1], extent);
    (void)in_stride;
    if (table && split.outer == 1 && inner == 1) {
        ag_emit(s, "    int64_t k;\n    for (k = 0; k < %lld; k++) out[k] = in0[position[k]];\n    return 0;\n", count);
        return;
    }
    ag_emit(s, "    int64_t i, j, k, at;\n    for (i = 0; i < %lld; i++)\n", (long long)split.outer);
    ag_emit(s, "        for (k = 0; k < %lld; k++) {\n", count);
    agi_write_position(s, table, 1, extent);
    ag_emit(s, "            for (j = 0; j < %lld; j++)\n", inner);
    ag_emit(s, "                out[(i * %lld + k) * %lld + j] = in0[(i * %lld + at) * %lld + j];\n", count, inner,
            extent, inner);
    ag_emit(s, "        }\n    return 0;\n");
}

const ag_op agi_gather = { .name = "gather",
                           .formula = "x[indices]",
                           .inputs = 2,
                           .flags = AG_LIBRARY | AG_SMOOTH,
                           .attribute_size = sizeof(int),
                           .shape = shape,
                           .run = run,
                           .limit = agi_index_limit,
                           .c = write_c,
                           .gradient = gradient,
                           .batch = batch,
                           .pattern = pattern };

ag_node *ag_gather(ag_node *x, int axis, ag_node *indices)
{
    int counted = ag_axis(&x, &agi_gather, axis);
    ag_node *in[] = { x, indices };
    return ag_apply(&agi_gather, 2, in, &counted);
}
