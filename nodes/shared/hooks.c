/* What `gradient` and `batch` hooks share. */
#include "node.h"

ag_node *ag_zeros_like(const ag_node *x)
{
    ag_shape s = ag_shape_in(x);
    double zero = 0;
    ag_node *number = ag_cast(ag_number(x->graph, zero), (ag_dtype)x->dtype);
    return s.rank ? ag_broadcast_to(number, s) : number;
}

ag_node *ag_batch_all(ag_node *x, int64_t count)
{
    return ag_broadcast_to(x, ag_batch_shape(x, count));
}

/* By axes of extent 1 after the new one. */
void ag_batch_align(const ag_node *y, uint32_t n, ag_node *in[], const unsigned char batched[], int64_t count)
{
    int highest = 0;
    for (uint32_t k = 0; k < n; k++)
        if (y->in[k]->rank > highest) highest = y->in[k]->rank;
    for (uint32_t k = 0; k < n; k++) {
        const ag_node *x = y->in[k];
        if (!batched[k] || x->rank == highest) continue;
        ag_shape s = { .rank = highest + 1, .dim = { count } };
        for (int i = 1; i < s.rank && i < AG_MAX_RANK; i++)
            s.dim[i] = i <= highest - x->rank ? 1 : x->dim[i - 1 - (highest - x->rank)];
        in[k] = ag_reshape(in[k], s);
    }
}

ag_node *ag_batch_leading(const ag_node *y, ag_node *in[], const unsigned char batched[], int64_t count)
{
    ag_batch_align(y, y->nin, in, batched, count);
    return ag_apply(y->op, y->nin, in, y->attribute);
}
