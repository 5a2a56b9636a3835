/* Boxes: where the elements of a view are those of memory, all others being zero. */
#include "compile.h"

const agi_box *agi_box_at(const agi_compiler *c, uint32_t i)
{
    return c->item[i].box == AGI_NONE ? NULL : (const agi_box *)c->boxes.data + c->item[i].box;
}

agi_box agi_box_over(const agi_box *own, const ag_node *x, int rank, const int64_t *dim)
{
    agi_box box;
    for (int i = 0; i < rank; i++) {
        int axis = i - (rank - x->rank), one = axis < 0 || x->dim[axis] == 1;
        box.from[i] = one ? 0 : own->from[axis];
        box.to[i] = one ? dim[i] : own->to[axis];
    }
    return box;
}

agi_box agi_box_around(const agi_box *inner, const ag_node *x, const ag_window *w)
{
    agi_box box;
    for (int i = 0; i < x->rank; i++) {
        box.from[i] = inner ? inner->from[i] : 0;
        box.to[i] = inner ? inner->to[i] : x->in[0]->dim[i];
    }
    int64_t from = box.from[w->axis], to = box.to[w->axis];
    box.from[w->axis] = w->step > 0 ? w->start + from : w->start - to + 1;
    box.to[w->axis] = box.from[w->axis] + to - from;
    return box;
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
int agi_box_seen(const agi_box *own, const ag_node *x, agi_box *box)
{
    const ag_node *in = x->in[0];
    int taken[AG_MAX_RANK] = { 0 };
    if (!own) return 0;
    for (int i = 0; i < x->rank; i++) box->from[i] = 0, box->to[i] = x->dim[i];
    for (int k = 0; k < in->rank; k++) {
        ag_strides unit = { .stride = { 0 } };
        int found = 0;
        unit.stride[k] = 1;
        if (!x->op->view(x, &unit)) return 0;
        if (own->from[k] == 0 && own->to[k] == in->dim[k]) continue;
        for (int i = 0; i < x->rank; i++) {
            if (!unit.stride[i] || x->dim[i] == 1) continue;
            if (found++ || taken[i]++) return 0;
            bound(unit.offset, unit.stride[i], own->from[k], own->to[k], x->dim[i], &box->from[i], &box->to[i]);
        }
        if (!found) return 0;
    }
    return 1;
}
