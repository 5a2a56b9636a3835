#include "join.h"
#include "graph/graph.h"
#include "positions.h"

enum { DEEPEST = 8 /* views of a slice */ };

static ag_node *below(ag_node *v)
{
    return agi_simple(v->in[0]);
}

static int is_view(const ag_node *v)
{
    return v->op->flags & AG_VIEW && v->op != &agi_slice && v->op->batch && v->rank < AG_MAX_RANK;
}

static int are_alike(const ag_node *a, const ag_node *b)
{
    const size_t bytes = agi_attribute_bytes(a);
    if (a->op != b->op || a->dtype != b->dtype || !ag_same_shape(a, b)) return 0;
    return bytes == agi_attribute_bytes(b) && (!bytes || !memcmp(a->attribute, b->attribute, bytes));
}

/* The views above a slice, from the top: how many; -1: there is none. */
static int views_of(ag_node *v, ag_node *view[DEEPEST + 1])
{
    int n = 0;
    for (v = agi_simple(v); v->op != &agi_slice; v = below(v)) {
        if (n == DEEPEST || !is_view(v)) return -1;
        view[n++] = v;
    }
    view[n] = v;
    return v->rank < AG_MAX_RANK ? n : -1;
}

/* Is v such views of the slice that is k times as far along as view[n]? */
static int follows(ag_node *v, int k, int n, ag_node *const view[])
{
    int i = 0;
    for (v = agi_simple(v); i < n && are_alike(v, view[i]); i++) v = below(v);
    if (i < n || v->op != &agi_slice || below(v) != below(view[n])) return 0;
    const agi_positions *p = v->attribute, *first = view[n]->attribute;
    return p->axis == first->axis && p->step == 1 && first->step == 1 && p->count == first->count &&
           p->start == first->start + k * first->count;
}

/* An axis is moved; `to` counts axes of the result. */
static ag_node *move_axis(ag_node *x, int64_t from, int64_t to)
{
    int order[AG_MAX_RANK] = { 0 };
    if (ag_is_bad(x)) return x;
    for (int i = 0, next = 0; i < x->rank; i++) {
        next += i != to && next == from;
        order[i] = i == to ? (int)from : next++;
    }
    return ag_transpose(x, order);
}

/* All that lies from the first slice on, n of them along a leading axis. */
static ag_node *side_by_side(ag_node *x, int n, const agi_positions *p)
{
    agi_positions all = *p;
    ag_shape s = ag_shape_in(x);
    all.count *= n;
    for (int i = s.rank++; i > p->axis; i--) s.dim[i] = s.dim[i - 1];
    s.dim[p->axis] = n;
    s.dim[p->axis + 1] = p->count;
    return move_axis(ag_reshape(agi_new_slice(x, &all), s), p->axis, 0);
}

ag_node *agi_join(int n, ag_node *const part[], int64_t axis)
{
    static const unsigned char batched[] = { 1 };
    ag_node *view[DEEPEST + 1];
    const int depth = n > 1 && part[0]->rank < AG_MAX_RANK ? views_of(part[0], view) : -1;
    if (depth < 0) return NULL;
    for (int k = 0; k < n; k++)
        if (!follows(part[k], k, depth, view)) return NULL;
    ag_node *y = side_by_side(below(view[depth]), n, view[depth]->attribute);
    for (int i = depth; i-- > 0;) y = ag_is_bad(y) ? y : view[i]->op->batch(view[i], &y, batched, n);
    ag_shape s = ag_shape_in(part[0]);
    s.dim[axis] *= n;
    return ag_reshape(move_axis(y, 0, axis), s);
}
