/* Tensors one after the other along an axis;  each takes its part of the gradient. */
#include "shared/join.h"
#include "shared/move.h"
#include "shared/positions.h"

static ag_status shape(ag_infer *c)
{
    int axis = *(const int *)c->attribute;
    for (int k = 1; k < c->n; k++) {
        const ag_node *x = c->in[k];
        if (x->dtype != c->dtype) return ag_refuse(c, AG_ETYPE, "element types differ: ag_cast one of them");
        if (x->rank != c->shape.rank) return ag_refuse(c, AG_ESHAPE, "ranks differ, %d and %d", c->shape.rank, x->rank);
        for (int i = 0; i < x->rank; i++)
            if (i != axis && x->dim[i] != c->shape.dim[i])
                return ag_refuse(c, AG_ESHAPE, "extents of axis %d differ, %lld and %lld", i,
                                 (long long)c->shape.dim[i], (long long)x->dim[i]);
        if (x->dim[axis] > INT64_MAX - c->shape.dim[axis])
            return ag_refuse(c, AG_ESHAPE, "the extents of axis %d are too much together", axis);
        c->shape.dim[axis] += x->dim[axis];
    }
    return AG_OK;
}

static void adds(const ag_node *y, uint32_t k, ag_window *w)
{
    if (k) w->start += y->in[k - 1]->dim[w->axis];
    else *w = (ag_window){ *(const int *)y->attribute, 0, 1 };
}

static int inlays(const ag_node *y, uint32_t k, ag_strides *at)
{
    const int axis = *(const int *)y->attribute;
    if (k) at->offset += y->in[k - 1]->dim[axis] * at->stride[axis];
    else *at = ag_contiguous(y);
    return 1;
}

static void move_rows(char *to, const char *from, int64_t rows, size_t row, size_t part)
{
    for (int64_t r = 0; r < rows; r++) agi_move(to + (size_t)r * row, from + (size_t)r * part, part);
}

/* All tensors' parts of some rows, which the cache holds until the last is there. */
static ag_status run(const ag_kernel_call *c)
{
    enum { TOGETHER = 64 };
    const ag_node *y = c->node;
    int axis = *(const int *)y->attribute;
    ag_extents s = ag_split_at(y, axis);
    size_t bytes = (size_t)s.inner * ag_dtype_size((ag_dtype)y->dtype), row = (size_t)s.extent * bytes;
    for (int64_t o = 0; o < s.outer; o += TOGETHER) {
        const int64_t rows = s.outer - o < TOGETHER ? s.outer - o : TOGETHER;
        char *to = (char *)c->out + (size_t)o * row;
        for (uint32_t k = 0; k < y->nin; k++) {
            const size_t part = (size_t)y->in[k]->dim[axis] * bytes;
            if (c->in[k]) move_rows(to, (const char *)c->in[k] + (size_t)o * part, rows, row, part);
            to += part;
        }
    }
    return AG_OK;
}

/* Of one tensor: it is rewritten to that, which is then no part. */
static uint32_t parts(const ag_node *y)
{
    return y->nin - (uint32_t)y->rewritten;
}

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    int axis = *(const int *)y->attribute;
    agi_positions p = { .axis = axis, .step = 1, .size = y->dim[axis] };
    for (uint32_t k = 0; k < parts(y); k++, p.start += p.count) {
        p.count = y->in[k]->dim[axis];
        if (ag_wanted(y, (int)k)) gin[k] = agi_new_slice(gout, &p);
    }
}

static ag_node *batch(const ag_node *y, ag_node *in[], const unsigned char batched[], int64_t count)
{
    for (uint32_t k = 0; k < y->nin; k++)
        if (!batched[k]) in[k] = ag_batch_all(in[k], count);
    return ag_concat((int)y->nin, in, *(const int *)y->attribute + 1);
}

static int pattern(const ag_node *y, ag_dependence *d)
{
    ag_extents s = ag_split_at(y, *(const int *)y->attribute);
    int64_t start = 0;
    for (uint32_t k = 0; k < parts(y); k++) {
        int64_t row = ag_count(y->in[k]) / s.outer;
        for (int64_t o = 0, from = 0; o < s.outer; o++)
            for (int64_t i = 0; i < row; i++) ag_depends(d, o * s.extent * s.inner + start + i, (int)k, from++);
        start += row;
    }
    return 1;
}

/* Operand k: `part` elements of each row, `start` being where the first go. */
static void write_part(ag_source *s, uint32_t k, const ag_extents *split, int64_t start, int64_t part)
{
    if (split->outer > 1) ag_emit(s, "    for (i = 0; i < %lld; i++) {\n", (long long)split->outer);
    ag_emit(s, "        INDEPENDENT\n        for (j = 0; j < %lld; j++) out[", (long long)part);
    if (split->outer > 1) ag_emit(s, "i * %lld + ", (long long)(split->extent * split->inner));
    if (start) ag_emit(s, "%lld + ", (long long)start);
    if (split->outer > 1) ag_emit(s, "j] = in%u[i * %lld + j];\n    }\n", k, (long long)part);
    else ag_emit(s, "j] = in%u[j];\n", k);
}

static void write_c(ag_source *s, const ag_node *y, const ag_strides in_stride[])
{
    const int axis = *(const int *)y->attribute;
    const ag_extents split = ag_split_at(y, axis);
    int64_t start = 0;
    (void)in_stride;
    ag_emit(s, split.outer > 1 ? "    int64_t i, j;\n" : "    int64_t j;\n");
    for (uint32_t k = 0; k < y->nin; k++) {
        const int64_t part = y->in[k]->dim[axis] * split.inner;
        if (!ag_lies_there(s, k)) write_part(s, k, &split, start, part);
        start += part;
    }
    ag_emit(s, "    return 0;\n");
}

/* concat of one -> x, of parts of a tensor, in order -> that tensor */
static ag_node *simplify(const ag_infer *c)
{
    return c->n == 1 ? c->in[0] : agi_join(c->n, c->in, *(const int *)c->attribute);
}

const ag_op agi_concat = { .name = "concat",
                           .formula = "one after the other",
                           .inputs = -1,
                           .flags = AG_LIBRARY | AG_KEEPS_ZERO | AG_SMOOTH | AG_SURE,
                           .attribute_size = sizeof(int),
                           .shape = shape,
                           .adds = adds,
                           .run = run,
                           .inlays = inlays,
                           .c = write_c,
                           .simplify = simplify,
                           .gradient = gradient,
                           .batch = batch,
                           .pattern = pattern };

ag_node *ag_concat(int n, ag_node *const x[], int axis)
{
    if (n < 1 || !x) return NULL;
    for (int k = 0; k < n; k++)
        if (ag_is_bad(x[k])) return ag_apply(&agi_concat, n, x, &axis); /* which reports it */
    ag_node *first = x[0];
    int counted = ag_axis(&first, &agi_concat, axis);
    return ag_is_bad(first) ? first : ag_apply(&agi_concat, n, x, &counted);
}
