/* What the leaves' files share: a node without inputs. */
#ifndef AGI_LEAF_H
#define AGI_LEAF_H

#include "node.h"

/* `values`: of dtype and shape, copied, or NULL; `shared`: equal ones are one node. */
ag_node *agi_leaf(ag_graph *, const ag_op *, const char *name, ag_dtype, ag_shape, const void *values, int shared);
/* The same without a name, shared, its n values put down by `write`; failures are those of the call `what`. */
ag_node *agi_leaf_written(ag_graph *, const ag_op *, const char *what, ag_dtype, ag_shape,
                          void (*write)(void *values, ag_dtype, int64_t n));

#endif
