#include "pool.h"
#include "convolution.h"
#include "extent.h"

#include <limits.h>

/* ---- options ----------------------------------------------------------------------------------------------------- */

static int is_fit(int64_t n, int64_t least)
{
    return n >= least && n <= INT_MAX;
}

static ag_node *read_axis(const ag_op *op, ag_node *x, const ag_pool_options *o, int i, agi_pool_form *f)
{
    const int64_t size = x->dim[2 + i];
    f->kernel[i] = o->kernel[i];
    f->stride[i] = o->stride[i] ? o->stride[i] : o->kernel[i];
    f->dilation[i] = o->dilation[i] ? o->dilation[i] : 1;
    f->pad[i] = o->padding[i];
    f->size[i] = size;
    if (!is_fit(f->kernel[i], 1) || !is_fit(f->stride[i], 1) || !is_fit(f->dilation[i], 1) || !is_fit(size, 1))
        return ag_reject(x, op, AG_EARG, "spatial axis %d: kernel %lld, stride %lld, dilation %lld: each is 1 to %d", i,
                         (long long)f->kernel[i], (long long)f->stride[i], (long long)f->dilation[i], INT_MAX);
    const int64_t span = (f->kernel[i] - 1) * f->dilation[i] + 1;
    if (!is_fit(f->pad[i], 0) || f->pad[i] > f->kernel[i] / 2)
        return ag_reject(x, op, AG_EARG, "padding[%d] is %lld: it is 0 to half the kernel, %lld", i,
                         (long long)f->pad[i], (long long)(f->kernel[i] / 2));
    if (span > size + 2 * f->pad[i])
        return ag_reject(x, op, AG_ESHAPE, "windows span %lld elements of spatial axis %d, which has %lld, padded %lld",
                         (long long)span, i, (long long)size, (long long)(size + 2 * f->pad[i]));
    if (f->stride[i] > 1 && agi_holds_extent(x->graph, size))
        return ag_reject(x, op, AG_ESHAPE, "a stride of %lld along spatial axis %d: an extent that plans choose cannot "
                         "be divided", (long long)f->stride[i], i);
    f->result[i] = (size + 2 * f->pad[i] - span) / f->stride[i] + 1;
    return x;
}

ag_node *agi_read_pool(const ag_op *op, ag_node *x, const ag_pool_options *o, agi_pool_form *f)
{
    memset(f, 0, sizeof *f);
    if (ag_is_bad(x)) return ag_apply(op, 1, &x, NULL); /* which says why, if it is no bad node */
    if (x->dtype == AG_I64)
        return ag_reject(x, op, AG_ETYPE, "there is no arithmetic on i64: make it real with ag_cast");
    if (x->rank < 3 || x->rank > 2 + AGI_POOL_AXES)
        return ag_reject(x, op, AG_ESHAPE, "images are [n, channels, *size] of 1 to %d spatial axes", AGI_POOL_AXES);
    if (!o) return ag_reject(x, op, AG_EARG, "the options are NULL: they say how large windows are");
    ag_node *sound = x;
    f->divisor = 1;
    for (int i = 0; i < x->rank - 2 && !ag_is_bad(sound); i++) sound = read_axis(op, x, o, i, f);
    return sound;
}

/* ---- shapes ------------------------------------------------------------------------------------------------------ */

static ag_status infer(ag_infer *c, const int64_t extent[])
{
    for (int i = 0; i < c->shape.rank - 2; i++) c->shape.dim[2 + i] = extent[i];
    return AG_OK;
}

ag_status agi_infer_pooled(ag_infer *c)
{
    return infer(c, ((const agi_pool_form *)c->attribute)->result);
}

ag_status agi_infer_image(ag_infer *c)
{
    return infer(c, ((const agi_pool_form *)c->attribute)->size);
}

void agi_each_of_pool(void *attribute, ag_each_extent *each, void *context)
{
    agi_pool_form *f = attribute;
    for (int i = 0; i < AGI_POOL_AXES; i++) {
        each(context, &f->kernel[i]);
        each(context, &f->stride[i]);
        each(context, &f->size[i]);
        each(context, &f->result[i]);
    }
}

agi_windows agi_windows_of(const ag_node *y)
{
    const agi_pool_form *f = y->attribute;
    const int axes = y->rank - 2;
    agi_windows w = { .planes = y->dim[0] * y->dim[1], .divisor = f->divisor };
    for (int k = 0, i; k < AGI_POOL_AXES; k++) {
        i = k - (AGI_POOL_AXES - axes);
        w.size[k] = i < 0 ? 1 : f->size[i];
        w.kernel[k] = i < 0 ? 1 : f->kernel[i];
        w.result[k] = i < 0 ? 1 : f->result[i];
        w.stride[k] = i < 0 ? 1 : f->stride[i];
        w.dilation[k] = i < 0 ? 1 : f->dilation[i];
        w.pad[k] = i < 0 ? 0 : f->pad[i];
    }
    return w;
}

agi_planes agi_planes_of(const ag_kernel_call *c)
{
    const ag_node *y = c->node;
    const size_t size = ag_dtype_size((ag_dtype)y->dtype);
    agi_planes p = { .windows = agi_windows_of(y) };
    p.windows.planes = c->end - c->first;
    for (uint32_t k = 0; k < y->nin; k++)
        p.in[k] = (const char *)c->in[k] + (size_t)(c->first * (ag_count(y->in[k]) / agi_count_planes(y))) * size;
    p.out = (char *)c->out + (size_t)(c->first * (ag_count(y) / agi_count_planes(y))) * size;
    return p;
}

int64_t agi_count_planes(const ag_node *y)
{
    return y->dim[0] * y->dim[1];
}

double agi_pool_flops(const ag_node *y)
{
    const agi_windows w = agi_windows_of(y);
    double n = (double)w.planes;
    for (int i = 0; i < 3; i++) n *= (double)w.result[i] * (double)w.kernel[i];
    return n;
}

/* Values are images. */
ag_node *agi_batch_planes(const ag_node *y, ag_node *in[], const unsigned char batched[], int64_t count)
{
    for (uint32_t k = 0; k < y->nin; k++) in[k] = agi_join_groups(batched[k] ? in[k] : ag_batch_all(in[k], count), 0);
    return agi_split_groups(ag_apply(y->op, (int)y->nin, in, y->attribute), 0, count);
}

/* ---- all elements of all windows --------------------------------------------------------------------------------- */

/* Of tap number k at output point p, both counted over three axes: the element of a plane, or -1. */
static int64_t element(const agi_windows *w, int64_t p, int64_t k)
{
    int64_t at = 0, size = 1;
    for (int i = 2; i >= 0; size *= w->size[i--]) {
        const int64_t x = p % w->result[i] * w->stride[i] + k % w->kernel[i] * w->dilation[i] - w->pad[i];
        if (x < 0 || x >= w->size[i]) return -1;
        at += x * size;
        p /= w->result[i];
        k /= w->kernel[i];
    }
    return at;
}

void agi_each_window(const agi_windows *w, agi_window_element *each, void *context)
{
    const int64_t points = w->result[0] * w->result[1] * w->result[2];
    const int64_t taps = w->kernel[0] * w->kernel[1] * w->kernel[2];
    const int64_t size = w->size[0] * w->size[1] * w->size[2];
    for (int64_t to = 0; to < w->planes * points; to++)
        for (int64_t k = 0; k < taps; k++) {
            const int64_t at = element(w, to % points, k);
            if (at >= 0) each(context, to, to / points * size + at);
        }
}

/* ---- C ----------------------------------------------------------------------------------------------------------- */

void agi_write_windows(ag_source *s, const ag_node *y, const char *start, const char *each, const char *end)
{
    const agi_windows w = agi_windows_of(y);
    int depth = 0;
    ag_emit(s, "    int64_t to = 0, plane;\n    for (plane = 0; plane < %lld; plane++) {\n", (long long)w.planes);
    for (int i = 0; i < 3; i++, depth++)
        ag_emit(s, "    %*sfor (int64_t i%d = 0; i%d < %lld; i%d++) {\n", 4 * depth, "", i, i,
                (long long)w.result[i], i);
    ag_emit(s, "    %*s%s\n", 4 * depth, "", start);
    for (int i = 0; i < 3; i++, depth++) {
        ag_emit(s, "    %*sfor (int64_t k%d = 0; k%d < %lld; k%d++) {\n", 4 * depth, "", i, i,
                (long long)w.kernel[i], i);
        ag_emit(s, "    %*sconst int64_t x%d = i%d * %lld + k%d * %lld - %lld;\n", 4 * depth + 4, "", i, i,
                (long long)w.stride[i], i, (long long)w.dilation[i], (long long)w.pad[i]);
        ag_emit(s, "    %*sif (x%d < 0 || x%d >= %lld) continue;\n", 4 * depth + 4, "", i, i, (long long)w.size[i]);
    }
    ag_emit(s, "    %*sconst int64_t at = ((plane * %lld + x0) * %lld + x1) * %lld + x2;\n", 4 * depth, "",
            (long long)w.size[0], (long long)w.size[1], (long long)w.size[2]);
    ag_emit(s, "    %*s%s\n", 4 * depth, "", each);
    while (depth-- > 3) ag_emit(s, "    %*s}\n", 4 * depth, "");
    ag_emit(s, "    %*s%s\n", 12, "", end);
    for (depth = 2; depth >= 0; depth--) ag_emit(s, "    %*s}\n", 4 * depth, "");
    ag_emit(s, "    }\n    return 0;\n");
}
