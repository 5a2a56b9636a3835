/* x[start:stop:step] along an axis, as in Python: a view;  the gradient is placed where the elements came from. */
#include "shared/algebra.h"
#include "shared/extent.h"
#include "shared/positions.h"

static ag_status shape(ag_infer *c)
{
    const agi_positions *p = c->attribute;
    ag_status status = agi_infer_positions(c, c->shape.dim[p->axis]);
    c->shape.dim[p->axis] = p->count;
    return status;
}

static int view(const ag_node *y, ag_strides *s)
{
    const agi_positions *p = y->attribute;
    s->offset += p->start * s->stride[p->axis];
    s->stride[p->axis] *= p->step;
    return 1;
}

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    gin[0] = agi_new_embed(gout, y->attribute);
}

static ag_node *batch(const ag_node *y, ag_node *in[], const unsigned char batched[], int64_t count)
{
    agi_positions p = *(const agi_positions *)y->attribute;
    (void)batched, (void)count;
    p.axis++;
    return agi_new_slice(in[0], &p);
}

static ag_node *whole(const ag_infer *c)
{
    return agi_all_positions(c->attribute) ? c->in[0] : NULL;
}

static ag_node *simplify(const ag_infer *c)
{
    ag_node *y = agi_view_of_one(c); /* a view of one element, repeated -> the element repeated */
    if (!y) y = whole(c);           /* slice of everything, in order -> x */
    return y;
}

const ag_op agi_slice = { .name = "slice",
                          .formula = "x[start:stop:step]",
                          .inputs = 1,
                          .flags = AG_VIEW | AG_SMOOTH,
                          .attribute_size = sizeof(agi_positions),
                          .extents = agi_each_position,
                          .shape = shape,
                          .view = view,
                          .simplify = simplify,
                          .gradient = gradient,
                          .batch = batch };

ag_node *agi_new_slice(ag_node *x, const agi_positions *p)
{
    return ag_is_bad(x) ? x : ag_unary_with(&agi_slice, x, p);
}

/* A bound counted from 0 and clipped to what the direction of the step can reach: 0 to n upwards, n - 1 to -1 down. */
static int64_t clip(int64_t bound, int64_t n, int down)
{
    if (bound < 0) bound += n;
    if (bound < 0) return down ? -1 : 0;
    return bound < n ? bound : n - down;
}

/* As far as plans choose, of an axis of one size: whether they reach beyond it, each run says. */
static ag_node *gathered(ag_node *x, int axis, int64_t start, int64_t stop)
{
    ag_node *at = ag_arange(x->graph, AG_I64, stop - start);
    return ag_gather(x, axis, start ? ag_add(at, ag_number(x->graph, (double)start)) : at);
}

ag_node *ag_slice(ag_node *x, int axis, int64_t start, int64_t stop, int64_t step)
{
    int counted = ag_axis(&x, &agi_slice, axis), down = step < 0;
    if (ag_is_bad(x)) return x;
    if (step == 0) return ag_reject(x, &agi_slice, AG_EARG, "the step is 0: it is 1, -1 or another number");
    if (step == 1 && start >= 0 && agi_holds_extent(x->graph, stop) && !agi_holds_extent(x->graph, x->dim[counted]))
        return gathered(x, counted, start, stop);
    int64_t n = x->dim[counted], from = clip(start, n, down);
    int64_t to = down && stop == AG_END ? -1 : clip(stop, n, down), length = down ? from - to : to - from;
    if (length < 1)
        return ag_reject(x, &agi_slice, AG_ESHAPE, "empty slice of axis %d, from %lld to %lld of %lld by %lld", counted,
                         (long long)from, (long long)to, (long long)n, (long long)step);
    if ((step > 1 || step < -1) && agi_holds_extent(x->graph, length))
        return ag_reject(x, &agi_slice, AG_ESHAPE, "a step of %lld through %lld elements: an extent that plans choose "
                         "cannot be divided", (long long)step, (long long)length);
    if (step > length) step = length; /* one element; and -step cannot overflow */
    if (step < -length) step = -length;
    int64_t count = (length - 1) / (down ? -step : step) + 1;
    agi_positions p = { .axis = counted, .start = from, .step = count > 1 ? step : 1, .count = count, .size = n };
    return agi_new_slice(x, &p);
}
