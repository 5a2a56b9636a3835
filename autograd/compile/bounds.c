/* Bounds: where the elements of a view are those of memory, all others being zero. */
#include "compile.h"

const agi_bounds *agi_bounds_at(const agi_compiler *c, uint32_t i)
{
    if (!agi_is_bounded(c, &c->value[i])) return NULL;
    return (const agi_bounds *)c->all_bounds.data + ((const agi_view *)c->views.data)[c->value[i].view].bounds;
}

agi_bounds agi_bounds_over(const agi_bounds *own, const ag_node *x, int rank, const int64_t *dim)
{
    agi_bounds bounds;
    for (int i = 0; i < rank; i++) {
        int axis = i - (rank - x->rank), one = axis < 0 || x->dim[axis] == 1;
        bounds.from[i] = one ? 0 : own->from[axis];
        bounds.to[i] = one ? dim[i] : own->to[axis];
    }
    return bounds;
}

agi_bounds agi_bounds_around(const agi_bounds *inner, const ag_node *x, const ag_window *w)
{
    agi_bounds bounds;
    for (int i = 0; i < x->rank; i++) {
        bounds.from[i] = inner ? inner->from[i] : 0;
        bounds.to[i] = inner ? inner->to[i] : x->in[0]->dim[i];
    }
    int64_t from = bounds.from[w->axis], to = bounds.to[w->axis];
    bounds.from[w->axis] = w->step > 0 ? w->start + from : w->start - to + 1;
    bounds.to[w->axis] = bounds.from[w->axis] + to - from;
    return bounds;
}

/* The smallest i with start + step i >= bound, from 0 to n. */
static int64_t first_at(int64_t start, int64_t step, int64_t bound, int64_t n)
{
    int64_t way = bound - start, i = way <= 0 ? 0 : (way + step - 1) / step;
    return i < n ? i : n;
}

/* Indices of an axis of n elements that lie from `from` to before `to` on the axis they are start + step i of. */
static void bound(int64_t start, int64_t step, int64_t from, int64_t to, int64_t n, int64_t *first, int64_t *end)
{
    if (step > 0) {
        *first = first_at(start, step, from, n);
        *end = first_at(start, step, to, n);
    } else { /* the axis turned round */
        *first = n - first_at(start + step * (n - 1), -step, to, n);
        *end = n - first_at(start + step * (n - 1), -step, from, n);
    }
}

/* What a view does to one axis of x shows in the strides it makes of 1 there and 0 elsewhere. */
int agi_bounds_seen(const agi_bounds *own, const ag_node *x, agi_bounds *bounds)
{
    const ag_node *in = x->in[0];
    int taken[AG_MAX_RANK] = { 0 };
    if (!own) return 0;
    for (int i = 0; i < x->rank; i++) bounds->from[i] = 0, bounds->to[i] = x->dim[i];
    for (int k = 0; k < in->rank; k++) {
        ag_strides unit = { .stride = { 0 } };
        int found = 0;
        unit.stride[k] = 1;
        if (!x->op->view(x, &unit)) return 0;
        if (own->from[k] == 0 && own->to[k] == in->dim[k]) continue;
        for (int i = 0; i < x->rank; i++) {
            if (!unit.stride[i] || x->dim[i] == 1) continue;
            if (found++ || taken[i]++) return 0;
            bound(unit.offset, unit.stride[i], own->from[k], own->to[k], x->dim[i], &bounds->from[i], &bounds->to[i]);
        }
        if (!found) return 0;
    }
    return 1;
}
