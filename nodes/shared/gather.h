/* What gather and its adjoint share: an axis, the attribute of both, and indices along it. */
#ifndef AGI_GATHER_H
#define AGI_GATHER_H

#include "node.h"

/* The shape of in[0] with the axis replaced by the dimensions of in[1], the indices. */
ag_status agi_infer_gather(ag_infer *, ag_shape *);

/* What an index means in an axis of this extent, or -1. */
static inline int64_t agi_counted(int64_t index, int64_t extent)
{
    int64_t counted = index < 0 ? index + extent : index;
    return counted >= 0 && counted < extent ? counted : -1;
}

/* The same of the k-th of the indices in[1], with the reason. */
static inline int64_t agi_position(const ag_kernel_call *c, int64_t k, int64_t extent)
{
    const int64_t index = ((const int64_t *)c->in[1])[k], counted = agi_counted(index, extent);
    if (counted >= 0) return counted;
    snprintf(c->message, c->message_size, "index %lld, element %lld of the indices, is outside an axis of extent %lld",
             (long long)index, (long long)k, (long long)extent);
    return -1;
}

int64_t agi_index_limit(const ag_node *y); /* the extent of the axis */

/* For a batch with indices of its own: x [count, outer, extent, inner] as [count extent, outer, inner], one axis of all
 * that may be chosen, and the indices along it; those out of range stay out of range. */
ag_node *agi_flat_batch(ag_node *x, int axis);
ag_node *agi_flat_indices(ag_node *indices, int64_t extent);
/* n axes from position `from` on, moved to position `to` among the others: a view. */
ag_node *agi_move_axes(ag_node *x, int from, int n, int to);

/* The same in C. Constant indices that fit become a table, `position`, of the narrowest type; 0: they are read, and
 * checked, at every call. Then `at` from the k-th of the indices, operand `input`. */
int agi_write_table(ag_source *, const ag_node *indices, int64_t extent);
void agi_write_position(ag_source *, int table, int input, int64_t extent);

/* A sum or difference with a scatter_add onto zeros as one onto the other operand, if that lies in memory; or NULL. */
ag_node *agi_plus_scattered(const ag_infer *);
ag_node *agi_minus_scattered(const ag_infer *);

#endif
