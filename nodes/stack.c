/* Tensors of one shape along a new axis: each gets it with extent 1, then they stand one after the other. */
#include "graph/graph.h"

static const ag_op stack = { .name = "stack" }; /* for messages; what is made is a concat */

static ag_node *with_axis(ag_node *x, int axis)
{
    if (ag_is_bad(x)) return x;
    ag_shape s = ag_shape_in(x);
    if (axis > s.rank || s.rank == AG_MAX_RANK)
        return ag_reject(x, &stack, AG_ESHAPE, "there is no place for a new axis %d among its %d", axis, s.rank);
    memmove(s.dim + axis + 1, s.dim + axis, (size_t)(s.rank++ - axis) * sizeof s.dim[0]);
    s.dim[axis] = 1;
    return ag_reshape(x, s);
}

ag_node *ag_stack(int n, ag_node *const x[], int axis)
{
    int first = 0;
    if (n < 1 || !x) return NULL;
    while (first < n && ag_is_bad(x[first])) first++;
    if (first == n) return ag_concat(n, x, 0); /* which reports it */
    ag_node *sound = x[first];
    if (axis < 0) axis += (int)sound->rank + 1;
    if (axis < 0) return ag_reject(sound, &stack, AG_ESHAPE, "no new axis before all %d", (int)sound->rank + 1);
    const ag_allocator *allocator = &sound->graph->allocator;
    ag_node **part = agi_allocate(allocator, (size_t)n * sizeof(ag_node *));
    if (!part) return agi_fail(sound->graph, AG_EMEM, "stack: out of memory for %d operands", n);
    for (int k = 0; k < n; k++) part[k] = with_axis(x[k], axis);
    ag_node *y = ag_concat(n, part, axis);
    agi_release(allocator, part);
    return y;
}
