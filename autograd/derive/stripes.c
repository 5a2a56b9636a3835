/* How stripes go through operations: what is linear in them is done to their values. Where an operation is not, or
 * they lie along more than the axis that is summed over, the caller makes them a tensor. */
#include "stripes.h"
#include "shared/path.h"
#include "shared/positions.h"
#include "shared/strew.h"

/* ---- one stripe ------------------------------------------------------------------------------------------------ */

static void normalise(agi_stripe *d)
{
    for (int i = 0; i < AG_MAX_RANK; i++) {
        const int there = i < d->value->rank, one = there && d->value->dim[i] == 1;
        if (!there || one) d->along.stride[i] = 0;
        if (!there) d->start[i] = d->step[i] = 0;
        if (one) d->step[i] = 1;
    }
}

static int lie_alike(const agi_stripe *a, const agi_stripe *b)
{
    return ag_same_shape(a->value, b->value) && !memcmp(&a->along, &b->along, sizeof a->along) &&
           !memcmp(a->start, b->start, sizeof a->start) && !memcmp(a->step, b->step, sizeof a->step);
}

static int add(agi_stripes *out, agi_stripe *d)
{
    if (ag_is_bad(d->value)) return 0;
    if (agi_is_nought(d->value)) return 1;
    normalise(d);
    for (int k = 0; k < out->n; k++) {
        if (!lie_alike(&out->stripe[k], d)) continue;
        out->stripe[k].value = ag_add(out->stripe[k].value, d->value);
        return !ag_is_bad(out->stripe[k].value);
    }
    if (out->n == AGI_MOST_STRIPES) return 0;
    out->stripe[out->n++] = *d;
    return 1;
}

static int add_rest(agi_stripes *out, ag_node *dense)
{
    out->rest = out->rest ? ag_add(out->rest, dense) : dense;
    return !ag_is_bad(dense);
}

static int is_whole(const agi_stripe *d, const ag_node *x)
{
    for (int i = 0; i < x->rank; i++)
        if (d->value->dim[i] != x->dim[i] || d->start[i] || d->step[i] != 1) return 0;
    return 1;
}

static void fill(agi_stripe *d, const ag_node *like) /* all of it */
{
    for (int i = 0; i < AG_MAX_RANK; i++) d->start[i] = 0, d->step[i] = i < like->rank;
}

/* x, along its axis, where the stripe lies on axis i of another tensor. */
static ag_node *beside(const agi_stripe *d, int i, ag_node *x, int axis)
{
    agi_positions p = { axis, d->start[i], d->step[i], d->value->dim[i], x->dim[axis] };
    return agi_all_positions(&p) ? x : agi_new_slice(x, &p);
}

/* Its axis is axis k of x, which has `extent` elements there. */
static ag_node *spread_out(const agi_stripe *d, int i, ag_node *x, int k, int64_t extent)
{
    agi_positions p = { k, d->start[i], d->step[i], d->value->dim[i], extent };
    return agi_new_embed(x, &p);
}

/* x has the stripe's axis i as its first one: by direction. */
static ag_node *by_direction(const agi_stripe *d, int i, ag_node *x, int64_t count)
{
    const int64_t step = d->along.stride[i];
    agi_positions p = { 0, d->along.offset, step ? step : 1, x->dim[0], count };
    return agi_new_embed(x, &p);
}

void agi_unit_stripes(const ag_node *x, int64_t first, agi_stripes *out)
{
    ag_node *one = ag_cast(ag_number(x->graph, 1), (ag_dtype)x->dtype);
    agi_stripe d = { .value = ag_broadcast_to(one, ag_shape_in(x)), .along = ag_contiguous(x) };
    d.along.offset = first;
    fill(&d, x);
    out->rest = NULL;
    out->n = 0;
    add(out, &d);
}

ag_node *agi_tensor_of_stripes(const agi_stripes *all, const ag_node *like, int64_t count)
{
    ag_graph *g = like->graph;
    ag_node *rest = all->rest, **value = agi_allocate(&g->allocator, ((size_t)all->n + 1) * sizeof *value);
    ag_strides *at = agi_allocate(&g->allocator, ((size_t)all->n + 1) * sizeof *at), own = ag_contiguous(like);
    for (int k = 0; value && at && k < all->n; k++) {
        const agi_stripe *d = &all->stripe[k];
        at[k] = (ag_strides){ .offset = d->along.offset * ag_count(like) };
        for (int i = 0; i < like->rank; i++) {
            at[k].offset += d->start[i] * own.stride[i];
            at[k].stride[i] = d->along.stride[i] * ag_count(like) + d->step[i] * own.stride[i];
        }
        value[k] = d->value;
    }
    if (!rest) rest = ag_broadcast_to(ag_cast(ag_number(g, 0), (ag_dtype)like->dtype), ag_batch_shape(like, count));
    ag_node *y = value && at ? agi_new_strew(rest, all->n, at, value) : agi_fail(g, AG_EMEM, "stripes: out of memory");
    agi_release(&g->allocator, at);
    agi_release(&g->allocator, value);
    return y;
}

/* ---- pointwise operations ---------------------------------------------------------------------------------------- */

/* Operand k is the stripe's value; the others are held, but for those that change with it, which are 0. */
static int point(const ag_node *y, uint32_t k, agi_stripes *const all[], const agi_stripe *d, agi_stripes *out)
{
    enum { MOST = 3 };
    const ag_node *x = y->in[k];
    const int lead = y->rank - x->rank;
    agi_stripe to = { .along = { .offset = d->along.offset } };
    ag_shape s = ag_shape_in(y);
    ag_node *in[MOST];
    for (int i = 0; i < y->rank; i++) {
        const int own = i - lead, moves = own >= 0 && x->dim[own] > 1;
        to.step[i] = moves ? d->step[own] : 1;
        if (!moves) continue;
        s.dim[i] = d->value->dim[own];
        to.start[i] = d->start[own];
        to.along.stride[i] = d->along.stride[own];
    }
    for (uint32_t j = 0; j < y->nin; j++) {
        in[j] = j == k ? d->value : all[j] ? ag_number(y->graph, 0) : y->in[j];
        for (int i = 0; j != k && !all[j] && i < y->in[j]->rank; i++) {
            const int own = i + y->rank - y->in[j]->rank - lead;
            if (y->in[j]->dim[i] > 1 && own >= 0 && x->dim[own] > 1) in[j] = beside(d, own, in[j], i);
        }
    }
    to.value = ag_broadcast_to(ag_apply(y->op, (int)y->nin, in, y->attribute), s);
    return add(out, &to);
}

/* Is it linear in those of its operands that are by direction, together? Others may be added to none of them, as all is
 * linear in the unit vectors. */
static int is_linear(const ag_node *y, agi_stripes *const all[])
{
    unsigned moving = 0;
    for (uint32_t k = 0; k < y->nin; k++) moving |= (unsigned)(all[k] != NULL) << k;
    if (moving & ~y->op->linear) return 0;
    return !(y->op->flags & AG_BILINEAR) || !(moving & (moving - 1));
}

/* ---- moves ------------------------------------------------------------------------------------------------------- */

/* By axis of y: the one of its operand that a view walks there, or -1; how far along it y begins, and the step. */
typedef struct {
    int axis[AG_MAX_RANK];
    int64_t start[AG_MAX_RANK], step[AG_MAX_RANK];
} axes;

static int find_axes(const ag_node *y, axes *a)
{
    const ag_node *x = y->in[0];
    for (int i = 0; i < y->rank; i++) a->axis[i] = -1;
    for (int k = 0; k < x->rank; k++) {
        ag_strides unit = { .offset = 0 };
        int found = 0;
        unit.stride[k] = 1;
        if (!y->op->view(y, &unit)) return 0;
        for (int i = 0; i < y->rank; i++) {
            if (!unit.stride[i] || (y->dim[i] == 1 && x->dim[k] == 1)) continue;
            if (found++ || a->axis[i] >= 0 || (unit.stride[i] != 1 && unit.stride[i] != -1)) return 0;
            a->axis[i] = k;
            a->start[i] = unit.offset;
            a->step[i] = unit.stride[i];
        }
        if (!found && x->dim[k] > 1) return 0;
    }
    return 1;
}

/* Those elements of the stripe that the view sees on axis i: a step of 1 or -1 leaves neighbours. 0: none. */
static int cut(const ag_node *y, const axes *a, int i, agi_stripe *d)
{
    const int k = a->axis[i];
    int64_t start = (d->start[k] - a->start[i]) * a->step[i], step = d->step[k] * a->step[i], n = d->value->dim[k];
    int64_t first = 0, end = n;
    while (first < end && (start + step * first < 0 || start + step * first >= y->dim[i])) first++;
    while (end > first && (start + step * (end - 1) < 0 || start + step * (end - 1) >= y->dim[i])) end--;
    if (first == end) return 0;
    d->value = agi_new_slice(d->value, &(agi_positions){ k, first, 1, end - first, n });
    d->along.offset += first * d->along.stride[k];
    d->start[k] = start + step * first;
    d->step[k] = step;
    return 1;
}

/* A stripe that is a part of the operand. */
static int view_part(const ag_node *y, agi_stripe *d, agi_stripes *out)
{
    axes a;
    int order[AG_MAX_RANK], seen = 0;
    if (!find_axes(y, &a)) return 0;
    agi_stripe to = { .along = { .offset = d->along.offset } };
    ag_shape s = ag_shape_in(y);
    for (int i = 0; i < y->rank; i++) {
        const int k = a.axis[i];
        to.step[i] = 1;
        if (k < 0) continue;
        if (!cut(y, &a, i, d)) return 1;
        order[seen++] = k;
        s.dim[i] = d->value->dim[k];
        to.start[i] = d->start[k];
        to.step[i] = d->step[k];
        to.along.stride[i] = d->along.stride[k];
    }
    to.along.offset = d->along.offset;
    for (int k = 0, n = seen; k < d->value->rank; k++) {
        int found = 0;
        for (int i = 0; i < n; i++) found |= order[i] == k;
        if (!found) order[seen++] = k;
    }
    ag_shape one_by_one = s;
    for (int i = 0; i < y->rank; i++)
        if (a.axis[i] < 0) one_by_one.dim[i] = 1;
    to.value = ag_broadcast_to(ag_reshape(ag_transpose(d->value, order), one_by_one), s);
    return add(out, &to);
}

static int view(const ag_node *y, const agi_stripe *d, agi_stripes *out)
{
    agi_stripe to = *d;
    if (!is_whole(d, y->in[0])) return view_part(y, &to, out);
    if (!y->op->view(y, &to.along)) return 0;
    to.value = ag_apply(y->op, 1, &to.value, y->attribute);
    fill(&to, y);
    return add(out, &to);
}

static int place(const ag_window *w, const agi_stripe *d, agi_stripes *out)
{
    agi_stripe to = *d;
    to.start[w->axis] = w->start + w->step * d->start[w->axis];
    to.step[w->axis] = w->step * d->step[w->axis];
    return add(out, &to);
}

static int cast(const ag_node *y, const agi_stripe *d, agi_stripes *out)
{
    agi_stripe to = *d;
    to.value = ag_apply(y->op, 1, &to.value, y->attribute);
    return add(out, &to);
}

/* ---- sums and products ------------------------------------------------------------------------------------------- */

/* Along one axis at most; -1: none; -2: more. */
static int only_axis(const agi_stripe *d)
{
    int only = -1;
    for (int i = 0; i < d->value->rank; i++)
        if (d->along.stride[i]) only = only == -1 ? i : -2;
    return only;
}

static void drop_axis(agi_stripe *d, int axis)
{
    for (int i = axis; i + 1 < AG_MAX_RANK; i++) {
        d->along.stride[i] = d->along.stride[i + 1];
        d->start[i] = d->start[i + 1];
        d->step[i] = d->step[i + 1];
    }
}

/* Those that are so many elements along an axis that is summed over are as many stripes. */
enum { SHORT = 16 };

/* The stripe's j-th elements on this axis. */
static agi_stripe slice_of(const agi_stripe *d, int axis, int64_t j)
{
    agi_stripe to = *d;
    to.value = ag_slice(d->value, axis, j, j + 1, 1);
    to.along.offset += j * d->along.stride[axis];
    to.start[axis] += j * d->step[axis];
    return to;
}

/* All on this axis are of one direction. */
static int add_sum(const ag_node *y, int axis, agi_stripe to, agi_stripes *out)
{
    to.value = ag_apply(y->op, 1, &to.value, y->attribute);
    if (y->rank < y->in[0]->rank) drop_axis(&to, axis);
    else to.start[axis] = 0;
    return add(out, &to);
}

static int add_slices(const ag_node *y, int axis, const agi_stripe *d, agi_stripes *out)
{
    if (d->value->dim[axis] > SHORT) return 0;
    for (int64_t j = 0; j < d->value->dim[axis]; j++)
        if (!add_sum(y, axis, slice_of(d, axis, j), out)) return 0;
    return 1;
}

static int sum_axis(const ag_node *y, int axis, const agi_stripe *d, int64_t count, agi_stripes *out)
{
    if (!d->along.stride[axis]) return add_sum(y, axis, *d, out);
    if (only_axis(d) != axis || out->alone) return add_slices(y, axis, d, out);
    int order[AG_MAX_RANK] = { axis };
    for (int i = 0, n = 1; i < d->value->rank; i++)
        if (i != axis) order[n++] = i;
    ag_node *dense = by_direction(d, axis, ag_transpose(d->value, order), count);
    for (int i = 1; i < d->value->rank; i++)
        dense = spread_out(d, order[i], dense, i, y->in[0]->dim[order[i]]);
    return add_rest(out, ag_reshape(dense, ag_batch_shape(y, count)));
}

static int sum_all(const ag_node *y, const agi_stripe *d, int64_t count, agi_stripes *out)
{
    agi_stripe to = *d;
    for (int i = d->value->rank; i-- > 0;) {
        if (to.along.stride[i]) continue;
        to.value = ag_sum_axis(to.value, i, 0);
        drop_axis(&to, i);
    }
    if (!to.value->rank) {
        to.value = ag_reshape(to.value, ag_shape_in(y));
        fill(&to, y);
        return add(out, &to);
    }
    if (out->alone) return 0;
    for (int i = 0; i + 1 < to.value->rank; i++)
        if (to.along.stride[i] != to.along.stride[i + 1] * to.value->dim[i + 1]) return 0;
    to.along.stride[0] = to.along.stride[to.value->rank - 1];
    to.value = ag_reshape(to.value, AG_SHAPE(-1));
    return add_rest(out, ag_reshape(by_direction(&to, 0, to.value, count), ag_batch_shape(y, count)));
}

static int sum(const ag_node *y, const agi_stripe *d, int64_t count, agi_stripes *out)
{
    const int axis = ((const ag_axis_attribute *)y->attribute)->axis;
    return axis == AG_ALL ? sum_all(y, d, count, out) : sum_axis(y, axis, d, count, out);
}

/* As `product`, of the other operand as far as the stripe lies beside it. */
static int product_slices(const ag_node *y, int k, const agi_stripe *d, ag_node *other, agi_stripes *out)
{
    const int inner = 1 - k;
    if (d->value->dim[inner] > SHORT) return 0;
    for (int64_t j = 0; j < d->value->dim[inner]; j++) {
        const agi_stripe part = slice_of(d, inner, j);
        agi_stripe to = { .along = { .offset = part.along.offset } };
        fill(&to, y);
        to.along.stride[k] = d->along.stride[k];
        to.start[k] = d->start[k];
        to.step[k] = d->step[k];
        to.value = ag_mul(part.value, ag_slice(other, k, j, j + 1, 1));
        if (!add(out, &to)) return 0;
    }
    return 1;
}

/* Operand k of a product of two matrices: its axis k stays, its other one is summed over. */
static int product(const ag_node *y, int k, const agi_stripe *d, int64_t count, agi_stripes *out)
{
    const int inner = 1 - k, only = only_axis(d);
    ag_node *other = beside(d, inner, y->in[1 - k], k);
    if (!d->along.stride[inner]) {
        agi_stripe to = { .along = { .offset = d->along.offset } };
        fill(&to, y);
        to.along.stride[k] = d->along.stride[k];
        to.start[k] = d->start[k];
        to.step[k] = d->step[k];
        to.value = k ? ag_matmul(other, d->value) : ag_matmul(d->value, other);
        return add(out, &to);
    }
    if (only != inner || out->alone) return product_slices(y, k, d, other, out);
    const int64_t n = d->value->dim[inner], own = d->value->dim[k];
    ag_node *mine = inner ? ag_transpose(d->value, NULL) : d->value, *its = inner ? other : ag_transpose(other, NULL);
    mine = ag_reshape(mine, k ? AG_SHAPE(n, 1, own) : AG_SHAPE(n, own, 1));
    its = ag_reshape(its, k ? AG_SHAPE(n, -1, 1) : AG_SHAPE(n, 1, -1));
    ag_node *dense = by_direction(d, inner, ag_mul(mine, its), count);
    return add_rest(out, spread_out(d, k, dense, k + 1, y->dim[k]));
}

/* ---- any operation ----------------------------------------------------------------------------------------------- */

static int go_through(const ag_node *y, uint32_t k, agi_stripes *const all[], const agi_stripe *d, const ag_window *w,
                      int64_t count, agi_stripes *out)
{
    const unsigned flags = y->op->flags;
    if (flags & AG_POINTWISE) return point(y, k, all, d, out);
    if (flags & AG_CAST) return cast(y, d, out);
    if (flags & AG_VIEW) return view(y, d, out);
    if (flags & AG_REDUCTION) return sum(y, d, count, out);
    if (flags & AG_PRODUCT) return product(y, (int)k, d, count, out);
    return place(w, d, out);
}

static int can_go(const ag_node *y, agi_stripes *const all[])
{
    const unsigned flags = y->op->flags;
    if (flags & AG_POINTWISE) return y->nin <= 3 && is_linear(y, all);
    if (flags & AG_REDUCTION) return y->op->fold == AG_FOLD_SUM;
    if (flags & AG_PRODUCT) return y->in[0]->rank == 2 && y->in[1]->rank == 2 && !(all[0] && all[1]);
    return flags & (AG_CAST | AG_VIEW) || y->op->window || y->op->adds;
}

int agi_through_stripes(const ag_node *y, uint32_t first, uint32_t end, agi_stripes *const all[], int64_t count,
                        agi_stripes *out)
{
    out->rest = NULL;
    out->n = 0;
    if (agi_is_last_input(y) && first + 1 == y->nin) {
        out->n = all[first]->n;
        memcpy(out->stripe, all[first]->stripe, (size_t)out->n * sizeof *out->stripe);
        return 1;
    }
    if (first || end != y->nin || !can_go(y, all)) return 0;
    ag_window w = { 0, 0, 1 };
    if (y->op->window) y->op->window(y, &w);
    for (uint32_t k = 0; k < end; k++) {
        if (y->op->adds) y->op->adds(y, k, &w);
        for (int i = 0; all[k] && i < all[k]->n; i++)
            if (!go_through(y, k, all, &all[k]->stripe[i], &w, count, out)) return 0;
    }
    return 1;
}
