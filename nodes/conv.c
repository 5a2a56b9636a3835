/* y[n, g, o, i] = sum over c, k of x[n, g, c, (i stride + k dilation - pad) / spread] w[g, o, c, k], where there is
 * such an element. Its gradients are of that form, too: by x, the stride spreads gout's elements and the filters are
 * turned; by w, samples and channels change places, and so do stride and dilation. */
#include "dense/convolve.h"
#include "shared/convolution.h"
#include "shared/extent.h"
#include "shared/factors.h"
#include "shared/gather.h"

enum { BEFORE = 3 }; /* axes before the spatial ones */

static int axes_of(const ag_node *x)
{
    return x->rank - BEFORE;
}

static ag_status shape(ag_infer *c)
{
    const ag_node *x = c->in[0], *w = c->in[1];
    const agi_conv_form *f = c->attribute;
    c->shape.dim[2] = w->dim[1];
    for (int i = 0; i < axes_of(x); i++) c->shape.dim[BEFORE + i] = f->result[i];
    return AG_OK;
}

/* ---- rules ------------------------------------------------------------------------------------------------------- */

/* The first three axes in that order, the others as they are. */
static ag_node *reorder(ag_node *x, int first, int second, int third)
{
    int axes[AG_MAX_RANK] = { first, second, third };
    if (ag_is_bad(x)) return x;
    for (int i = BEFORE; i < x->rank; i++) axes[i] = i;
    return ag_transpose(x, axes);
}

ag_node *agi_conv_by_x(ag_node *dy, ag_node *w, const agi_conv_form *f, const int64_t size[])
{
    agi_conv_form turned = *f;
    ag_node *filters = reorder(w, 0, 2, 1);
    for (int i = 0; i < axes_of(w); i++) {
        turned.stride[i] = f->spread[i];
        turned.spread[i] = f->stride[i];
        turned.pad[i] = (w->dim[BEFORE + i] - 1) * f->dilation[i] - f->pad[i];
        turned.result[i] = size[i];
        filters = ag_flip(filters, BEFORE + i);
    }
    return agi_new_conv(dy, filters, &turned);
}

static ag_node *by_w(ag_node *dy, ag_node *x, ag_node *w, const agi_conv_form *f)
{
    agi_conv_form turned = *f;
    for (int i = 0; i < axes_of(w); i++) {
        turned.stride[i] = f->dilation[i];
        turned.dilation[i] = f->stride[i];
        turned.result[i] = w->dim[BEFORE + i];
    }
    return reorder(agi_new_conv(reorder(x, 2, 1, 0), reorder(dy, 1, 2, 0), &turned), 1, 2, 0);
}

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    ag_node *x = y->in[0], *w = y->in[1];
    const agi_conv_form *f = y->attribute;
    if (ag_wanted(y, 0)) gin[0] = agi_conv_by_x(gout, w, f, x->dim + BEFORE);
    if (ag_wanted(y, 1)) gin[1] = by_w(gout, x, w, f);
}

/* Values of x are samples, those of w are outputs, and of both at once they are groups. */
static ag_node *batch(const ag_node *y, ag_node *in[], const unsigned char batched[], int64_t count)
{
    const agi_conv_form *f = y->attribute;
    if (!batched[1]) return agi_split_groups(agi_new_conv(agi_join_groups(in[0], 0), in[1], f), 0, count);
    if (!batched[0]) {
        ag_node *w = agi_join_groups(reorder(in[1], 1, 0, 2), 1);
        return agi_move_axes(agi_split_groups(agi_new_conv(in[0], w, f), 2, count), 2, 1, 0);
    }
    ag_node *x = agi_join_groups(reorder(in[0], 1, 0, 2), 1), *w = agi_join_groups(in[1], 0);
    return reorder(agi_split_groups(agi_new_conv(x, w, f), 1, count), 1, 0, 2);
}

/* ---- kernel ------------------------------------------------------------------------------------------------------ */

/* As kernels take it: three axes, of which the first may be missing. */
static agi_convolution convolution_of(const ag_node *y, const ag_strides stride[])
{
    const ag_node *x = y->in[0], *w = y->in[1];
    const agi_conv_form *f = y->attribute;
    const int64_t *of_x = stride[0].stride, *of_w = stride[1].stride;
    agi_convolution c = { .batch = x->dim[0], .groups = x->dim[1], .in = x->dim[2], .out = w->dim[1],
                          .x_batch = of_x[0], .x_group = of_x[1], .x_in = of_x[2], .w_group = of_w[0],
                          .w_out = of_w[1], .w_in = of_w[2] };
    for (int k = 0, i; k < AGI_CONV_AXES; k++) {
        i = k - (AGI_CONV_AXES - axes_of(x));
        c.size[k] = i < 0 ? 1 : x->dim[BEFORE + i];
        c.kernel[k] = i < 0 ? 1 : w->dim[BEFORE + i];
        c.result[k] = i < 0 ? 1 : f->result[i];
        c.stride[k] = i < 0 ? 1 : f->stride[i];
        c.dilation[k] = i < 0 ? 1 : f->dilation[i];
        c.spread[k] = i < 0 ? 1 : f->spread[i];
        c.pad[k] = i < 0 ? 0 : f->pad[i];
        c.x_axis[k] = i < 0 ? 0 : of_x[BEFORE + i];
        c.w_axis[k] = i < 0 ? 0 : of_w[BEFORE + i];
    }
    return c;
}

static ag_status run(const ag_kernel_call *c)
{
    agi_convolution of = convolution_of(c->node, c->in_stride);
    const ag_ending *e = c->ending;
    const agi_convolution_end end = { e ? e->bias : NULL, e ? e->step : 0, e && e->clips };
    of.end = e ? &end : NULL;
    agi_dense_for(c)->convolve(&of, c->in[0], c->in[1], c->out, c->scratch, c->first, c->end);
    return AG_OK;
}

static size_t scratch(const ag_node *y)
{
    const ag_strides none[2] = { { 0, { 0 } }, { 0, { 0 } } };
    const agi_convolution of = convolution_of(y, none);
    return (size_t)agi_convolution_work(y->dtype == AG_F64, &of);
}

static int ends(const ag_node *y, int64_t inner, int64_t count)
{
    int64_t points = 1;
    for (int i = BEFORE; i < y->rank; i++) points *= y->dim[i];
    return count == 1 || (inner == points && count == y->dim[1] * y->dim[2]);
}

static int64_t pieces(const ag_node *y)
{
    const ag_strides none[2] = { { 0, { 0 } }, { 0, { 0 } } };
    const agi_convolution of = convolution_of(y, none);
    return agi_cut_convolution(y->dtype == AG_F64, &of).pieces;
}

/* Elements that are spread are met by one tap of so many. */
static double flops(const ag_node *y)
{
    const ag_node *w = y->in[1];
    const agi_conv_form *f = y->attribute;
    double all = 2 * (double)ag_count(y) * (double)ag_count(w) / (double)(w->dim[0] * w->dim[1]);
    for (int i = 0; i < axes_of(y); i++) all /= (double)f->spread[i];
    return all;
}

static const char *way(const ag_node *y, const ag_strides in_stride[], int isa)
{
    static const char *const text[AGI_CONVOLUTION_WAYS] = {
        [AGI_BATCH_LANES] = "samples in lanes",        [AGI_INPUT_LANES] = "input channels in lanes",
        [AGI_PIXEL_LANES] = "output points in lanes",  [AGI_OUTPUT_LANES] = "output channels in lanes",
        [AGI_ROW_LANES] = "points of rows in lanes",   [AGI_TAP_LANES] = "taps of rows in lanes",
        [AGI_FLAT_PIXELS] = "all points in lanes",     [AGI_FLAT_TAPS] = "taps of planes in lanes",
        [AGI_MATRICES] = "matrix products"
    };
    const agi_convolution of = convolution_of(y, in_stride);
    return text[agi_plan_convolution(isa, y->dtype == AG_F64, &of, 1, agi_is_straight(&of)).way];
}

/* ---- what depends on what ---------------------------------------------------------------------------------------- */

/* Output point `to` of indices `at`: what of one channel's elements and filter it is made of. */
static void depend(ag_dependence *d, const agi_convolution *c, int64_t to, const int64_t at[3], int64_t x, int64_t w)
{
    agi_taps t[3];
    for (int i = 0; i < 3; i++) t[i] = agi_taps_at(c, i, at[i]);
    for (int64_t i = 0; i < t[0].count; i++)
        for (int64_t j = 0; j < t[1].count; j++)
            for (int64_t k = 0; k < t[2].count; k++) {
                ag_depends(d, to, 0, x + (t[0].at + i * t[0].next) * c->x_axis[0] +
                                         (t[1].at + j * t[1].next) * c->x_axis[1] + t[2].at + k * t[2].next);
                ag_depends(d, to, 1, w + (t[0].first + i * t[0].step) * c->w_axis[0] +
                                         (t[1].first + j * t[1].step) * c->w_axis[1] + t[2].first + k * t[2].step);
            }
}

static int pattern(const ag_node *y, ag_dependence *d)
{
    const ag_strides contiguous[] = { ag_contiguous(y->in[0]), ag_contiguous(y->in[1]) };
    const agi_convolution c = convolution_of(y, contiguous);
    const int64_t points = agi_volume(c.result);
    for (int64_t to = 0; to < ag_count(y); to++) {
        const int64_t p = to % points, o = to / points % c.out, g = to / points / c.out % c.groups;
        const int64_t n = to / points / c.out / c.groups;
        const int64_t at[] = { p / c.result[2] / c.result[1], p / c.result[2] % c.result[1], p % c.result[2] };
        for (int64_t k = 0; k < c.in; k++)
            depend(d, &c, to, at, n * c.x_batch + g * c.x_group + k * c.x_in,
                   g * c.w_group + o * c.w_out + k * c.w_in);
    }
    return 1;
}

/* ---- C ----------------------------------------------------------------------------------------------------------- */

static void open_loop(ag_source *s, int *depth, char name, int number, int64_t n)
{
    ag_emit(s, "    %*sfor (int64_t %c%d = 0; %c%d < %lld; %c%d++) {\n", 4 * (*depth)++, "", name, number, name, number,
            (long long)n, name, number);
}

/* The position of tap k of axis i, and what becomes of one that is outside. */
static void write_position(ag_source *s, int depth, const ag_node *y, int i)
{
    const agi_conv_form *f = y->attribute;
    ag_emit(s, "    %*sconst int64_t p%d = i%d * %lld + k%d * %lld - %lld;\n", 4 * depth, "", i, i,
            (long long)f->stride[i], i, (long long)f->dilation[i], (long long)f->pad[i]);
    ag_emit(s, "    %*sif (p%d < 0 || p%d > %lld", 4 * depth, "", i, i,
            (long long)((y->in[0]->dim[BEFORE + i] - 1) * f->spread[i]));
    if (f->spread[i] > 1) ag_emit(s, " || p%d %% %lld", i, (long long)f->spread[i]);
    ag_emit(s, ") continue;\n");
}

static void write_term(ag_source *s, int depth, const ag_node *y, const ag_strides in_stride[])
{
    const agi_conv_form *f = y->attribute;
    const int64_t *x = in_stride[0].stride, *w = in_stride[1].stride;
    ag_emit(s, "    %*ssum += in0[n0 * %lld + g0 * %lld + c0 * %lld", 4 * depth, "", (long long)x[0], (long long)x[1],
            (long long)x[2]);
    for (int i = 0; i < axes_of(y); i++)
        ag_emit(s, " + p%d / %lld * %lld", i, (long long)f->spread[i], (long long)x[BEFORE + i]);
    ag_emit(s, "] * in1[g0 * %lld + o0 * %lld + c0 * %lld", (long long)w[0], (long long)w[1], (long long)w[2]);
    for (int i = 0; i < axes_of(y); i++) ag_emit(s, " + k%d * %lld", i, (long long)w[BEFORE + i]);
    ag_emit(s, "];\n");
}

static void write_c(ag_source *s, const ag_node *y, const ag_strides in_stride[])
{
    const ag_node *w = y->in[1];
    const char *type = ag_c_type((ag_dtype)y->dtype);
    int depth = 0, outside;
    ag_emit(s, "    int64_t to = 0;\n");
    open_loop(s, &depth, 'n', 0, y->dim[0]);
    open_loop(s, &depth, 'g', 0, y->dim[1]);
    open_loop(s, &depth, 'o', 0, y->dim[2]);
    for (int i = 0; i < axes_of(y); i++) open_loop(s, &depth, 'i', i, y->dim[BEFORE + i]);
    ag_emit(s, "    %*sdouble sum = 0;\n", 4 * depth, "");
    outside = depth;
    open_loop(s, &depth, 'c', 0, w->dim[2]);
    for (int i = 0; i < axes_of(y); i++) {
        open_loop(s, &depth, 'k', i, w->dim[BEFORE + i]);
        write_position(s, depth, y, i);
    }
    write_term(s, depth, y, in_stride);
    while (depth-- > outside) ag_emit(s, "    %*s}\n", 4 * depth, "");
    ag_emit(s, "    %*sout[to++] = (%s)sum;\n", 4 * outside, "", type);
    while (outside-- > 0) ag_emit(s, "    %*s}\n", 4 * outside, "");
    ag_emit(s, "    return 0;\n");
}

static void extents(void *attribute, ag_each_extent *each, void *context)
{
    agi_conv_form *f = attribute;
    for (int i = 0; i < AGI_CONV_AXES; i++) {
        each(context, &f->pad[i]);
        each(context, &f->result[i]);
    }
}

const ag_op agi_conv = { .name = "conv",
                         .formula = "x * w, summed over channels",
                         .inputs = 2,
                         .flags = AG_LIBRARY | AG_STRIDED | AG_SMOOTH | AG_SURE,
                         .attribute_size = sizeof(agi_conv_form),
                         .extents = extents,
                         .shape = shape,
                         .run = run,
                         .scratch = scratch,
                         .pieces = pieces,
                         .ends = ends,
                         .c = write_c,
                         .gradient = gradient,
                         .batch = batch,
                         .pattern = pattern,
                         .flops = flops,
                         .way = way };

ag_node *agi_new_conv(ag_node *x, ag_node *w, const agi_conv_form *f)
{
    ag_node *in[] = { x, w };
    return ag_apply(&agi_conv, 2, in, f);
}

ag_node *ag_conv(ag_node *x, ag_node *w, const ag_conv_options *options)
{
    ag_conv_options o;
    agi_conv_form f;
    x = agi_read_conv(&agi_conv, x, w, options, &o);
    if (ag_is_bad(x)) return x;
    if (x->dim[1] / o.groups != w->dim[1])
        return ag_reject(x, &agi_conv, AG_ESHAPE, "%lld channels in %lld groups, filters of %lld channels: [out, "
                         "channels / groups, *kernel] is needed", (long long)x->dim[1], (long long)o.groups,
                         (long long)w->dim[1]);
    if (w->dim[0] % o.groups)
        return ag_reject(x, &agi_conv, AG_ESHAPE, "%lld filters cannot be %lld groups", (long long)w->dim[0],
                         (long long)o.groups);
    memset(&f, 0, sizeof f);
    for (int i = 0; i < x->rank - 2; i++) {
        const int64_t span = (w->dim[2 + i] - 1) * o.dilation[i] + 1, room = x->dim[2 + i] + 2 * o.padding[i] - span;
        if (o.output_padding[i])
            return ag_reject(x, &agi_conv, AG_EARG, "output_padding is an option of ag_conv_transpose");
        if (room < 0)
            return ag_reject(x, &agi_conv, AG_ESHAPE, "filters span %lld elements of spatial axis %d, which has %lld, "
                             "padded %lld", (long long)span, i, (long long)x->dim[2 + i], (long long)(room + span));
        if (o.stride[i] > 1 && agi_holds_extent(x->graph, room))
            return ag_reject(x, &agi_conv, AG_ESHAPE, "a stride of %lld along spatial axis %d: an extent that plans "
                             "choose cannot be divided", (long long)o.stride[i], i);
        f.stride[i] = o.stride[i];
        f.dilation[i] = o.dilation[i];
        f.spread[i] = 1;
        f.pad[i] = o.padding[i];
        f.result[i] = room / o.stride[i] + 1;
    }
    return agi_join_groups(agi_new_conv(agi_split_groups(x, 1, o.groups), agi_split_groups(w, 0, o.groups), &f), 1);
}
