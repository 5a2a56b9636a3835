/* y[k] = b[k] + a[k] y[k - 1] along an axis, y[-1] being 0: what running products are made of, and the gradients of all
 * that runs along an axis.  With t[k] = gout[k] + a[k + 1] t[k + 1], the same from the other end: d/db = t,
 * d/da = t[k] y[k - 1]. */
#include "shared/extent.h"
#include "shared/recur.h"

static int axis_of(const ag_node *y)
{
    return *(const int *)y->attribute;
}

static ag_status shape(ag_infer *c)
{
    if (!ag_same_shape(c->in[0], c->in[1]) || c->in[0]->dtype != c->in[1]->dtype || c->dtype == AG_I64)
        return ag_refuse(c, AG_ESHAPE, "factors and terms have one shape and one real type");
    return AG_OK;
}

#define RECUR(name, real)                                                                           \
    static void name(ag_extents s, const real *a, const real *b, real *out)                           \
    {                                                                                               \
        int64_t row = s.extent * s.inner;                                                           \
        for (int64_t o = 0; o < s.outer; o++, a += row, b += row, out += row) {                     \
            memcpy(out, b, (size_t)s.inner * sizeof *out);                                          \
            for (int64_t i = s.inner; i < row; i++) out[i] = b[i] + a[i] * out[i - s.inner];        \
        }                                                                                           \
    }
RECUR(recur_f32, float)
RECUR(recur_f64, double)

static ag_status run(const ag_kernel_call *c)
{
    ag_extents s = ag_split_at(c->node, axis_of(c->node));
    if (c->node->dtype == AG_F32) recur_f32(s, c->in[0], c->in[1], c->out);
    else recur_f64(s, c->in[0], c->in[1], c->out);
    return AG_OK;
}

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    int axis = axis_of(y);
    ag_node *t = agi_recur_back(y->in[0], gout, axis);
    gin[1] = t;
    if (ag_wanted(y, 0)) gin[0] = ag_mul(t, agi_shifted(y, axis, 1));
}

static ag_node *batch(const ag_node *y, ag_node *in[], const unsigned char batched[], int64_t count)
{
    for (int k = 0; k < 2; k++)
        if (!batched[k]) in[k] = ag_batch_all(in[k], count);
    return agi_new_recur(in[0], in[1], axis_of(y) + 1);
}

/* Of a long axis a list of pairs is no structure: nearly everything there depends on everything. */
static int pattern(const ag_node *y, ag_dependence *d)
{
    enum { LONG = 4096 };
    ag_extents s = ag_split_at(y, axis_of(y));
    if (s.extent > LONG) return 0;
    for (int64_t e = 0; e < ag_count(y); e++) {
        int64_t k = e / s.inner % s.extent;
        for (int64_t j = 0; j <= k; j++) {
            if (j) ag_depends(d, e, 0, e - (k - j) * s.inner);
            ag_depends(d, e, 1, e - (k - j) * s.inner);
        }
    }
    return 1;
}

static void write_c(ag_source *s, const ag_node *y, const ag_strides in_stride[])
{
    ag_extents split = ag_split_at(y, axis_of(y));
    long long row = (long long)(split.extent * split.inner), inner = (long long)split.inner;
    (void)in_stride;
    ag_emit(s, "    int64_t i, j, k;\n    for (i = 0; i < %lld; i++)\n", (long long)split.outer);
    ag_emit(s, "        for (j = 0; j < %lld; j++) {\n            k = i * %lld + j;\n", row, row);
    ag_emit(s, "            out[k] = j < %lld ? in1[k] : in1[k] + in0[k] * out[k - %lld];\n", inner, inner);
    ag_emit(s, "        }\n    return 0;\n");
}

const ag_op agi_recur = { .name = "recur",
                          .formula = "y[k] = b[k] + a[k] y[k - 1]",
                          .inputs = 2,
                          .flags = AG_LIBRARY | AG_SMOOTH | AG_SURE,
                          .attribute_size = sizeof(int),
                          .shape = shape,
                          .run = run,
                          .c = write_c,
                          .gradient = gradient,
                          .batch = batch,
                          .pattern = pattern };

ag_node *agi_new_recur(ag_node *a, ag_node *b, int axis)
{
    ag_node *in[] = { a, b };
    return ag_apply(&agi_recur, 2, in, &axis);
}

ag_node *agi_recur_back(ag_node *a, ag_node *b, int axis)
{
    return ag_flip(agi_new_recur(ag_flip(agi_shifted(a, axis, -1), axis), ag_flip(b, axis), axis), axis);
}

ag_node *agi_shifted(ag_node *x, int axis, int by)
{
    if (ag_is_bad(x)) return x;
    const int64_t n = x->dim[axis];
    if (n == 1) return ag_zeros_like(x);
    if (agi_holds_extent(x->graph, n)) /* which may be 1 */
        return ag_slice(ag_pad(x, axis, by > 0, by < 0), axis, by < 0, n + (by < 0), 1);
    return by > 0 ? ag_pad(ag_slice(x, axis, 0, n - 1, 1), axis, 1, 0) : ag_pad(ag_slice(x, axis, 1, n, 1), axis, 0, 1);
}
