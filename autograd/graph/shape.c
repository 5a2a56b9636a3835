/* Shapes: broadcasting, strides, axes. */
#include "graph.h"

int ag_same_shape(const ag_node *a, const ag_node *b)
{
    if (a->rank != b->rank) return 0;
    for (int i = 0; i < a->rank; i++)
        if (a->dim[i] != b->dim[i]) return 0;
    return 1;
}

ag_strides ag_contiguous(const ag_node *x)
{
    ag_strides s = { 0 };
    int64_t n = 1;
    for (int i = x->rank; i-- > 0;) {
        s.stride[i] = n;
        n *= x->dim[i];
    }
    return s;
}

ag_extents ag_split_at(const ag_node *x, int axis)
{
    ag_extents s = { 1, 1, 1 };
    if (axis == AG_ALL) {
        s.extent = ag_count(x);
        return s;
    }
    for (int i = 0; i < x->rank; i++) {
        if (i < axis) s.outer *= x->dim[i];
        else if (i == axis) s.extent = x->dim[i];
        else s.inner *= x->dim[i];
    }
    return s;
}

int ag_axis(ag_node **x, const ag_op *op, int axis)
{
    if (ag_is_bad(*x)) return -1;
    int rank = (*x)->rank, counted = axis < 0 ? axis + rank : axis;
    if (counted >= 0 && counted < rank) return counted;
    if (rank)
        *x = ag_reject(*x, op, AG_ESHAPE, "no axis %d among %d: they count from 0, or backwards from -1", axis, rank);
    else *x = ag_reject(*x, op, AG_ESHAPE, "no axis %d: a single number has none", axis);
    return -1;
}

/* NumPy's rule: align at the last axis; extents are equal, or one is 1. */
ag_status agi_infer_extents(ag_infer *c)
{
    for (int k = 0; k < c->n; k++) {
        const ag_node *x = c->in[k];
        if (x->rank > c->shape.rank) {
            int shift = x->rank - c->shape.rank;
            memmove(c->shape.dim + shift, c->shape.dim, (size_t)c->shape.rank * sizeof(int64_t));
            for (int i = 0; i < shift; i++) c->shape.dim[i] = 1;
            c->shape.rank = x->rank;
        }
        for (int i = 0; i < x->rank; i++) {
            int64_t *dim = &c->shape.dim[c->shape.rank - x->rank + i];
            if (*dim == 1) *dim = x->dim[i];
            else if (x->dim[i] != 1 && x->dim[i] != *dim)
                return ag_refuse(c, AG_ESHAPE,
                                 "shapes do not broadcast: along an axis %lld and %lld, neither of which is 1",
                                 (long long)*dim, (long long)x->dim[i]);
        }
    }
    return AG_OK;
}

ag_status agi_infer_broadcast(ag_infer *c)
{
    for (int k = 0; k < c->n; k++) {
        if (c->in[k]->dtype == AG_I64 && !c->op->integers)
            return ag_refuse(c, AG_ETYPE, "there is no such arithmetic on i64: make it real with ag_cast");
        if (c->in[k]->dtype != c->in[0]->dtype)
            return ag_refuse(c, AG_ETYPE, "element types differ: ag_cast one of them");
    }
    return agi_infer_extents(c);
}

/* Of a tensor that has all axes already: a rank that every operation refuses. */
ag_shape ag_batch_shape(const ag_node *y, int64_t count)
{
    ag_shape s = { .rank = y->rank + 1, .dim = { count } };
    if (y->rank < AG_MAX_RANK) memcpy(s.dim + 1, y->dim, (size_t)y->rank * sizeof s.dim[0]);
    return s;
}
