/* x at one position of an axis, which goes: a slice. */
#include "node.h"

static const ag_op index_of = { .name = "index" }; /* for messages */

ag_node *ag_index(ag_node *x, int axis, int64_t position)
{
    int counted = ag_axis(&x, &index_of, axis);
    if (ag_is_bad(x)) return x;
    ag_shape s = ag_shape_in(x);
    const int64_t extent = s.dim[counted], at = position < 0 ? position + extent : position;
    if (at < 0 || at >= extent)
        return ag_reject(x, &index_of, AG_ESHAPE, "no position %lld along axis %d of extent %lld", (long long)position,
                         counted, (long long)extent);
    s.rank--;
    memmove(s.dim + counted, s.dim + counted + 1, (size_t)(s.rank - counted) * sizeof s.dim[0]);
    return ag_reshape(ag_slice(x, counted, at, at + 1, 1), s);
}
