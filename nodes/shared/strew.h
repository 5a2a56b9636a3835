/* Tensors with others added at regular places, which any strides tell. */
#ifndef AGI_STREW_H
#define AGI_STREW_H

#include "node.h"

typedef struct {
    int64_t values;
    int64_t stored;  /* of 0: the first so many lie beside one another and on every element; or 0: they do not */
    ag_strides at[]; /* by value; what lies behind its rank is 0 */
} agi_strewn;

/* x with n values added: element j of value k at element at[k].offset + sum of at[k].stride[i] j[i] of x, which there
 * is, another for each j. x is changed in place where nobody else reads it. The values may come to be in another
 * order. */
ag_node *agi_new_strew(ag_node *x, int64_t n, const ag_strides at[], ag_node *const value[]);

#endif
