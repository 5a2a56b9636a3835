/* Attention as nodes. All matrices are the last two axes; the leading ones, which are alike, count heads. */
#ifndef AGI_HEADS_H
#define AGI_HEADS_H

#include "dense/attention.h"
#include "node.h"

typedef struct {
    double scale;
    int64_t causal;
} agi_attention_form;

/* Of q, k, v, g, what attention made of them, and the mask or NULL: dq, dk and dv, one after another along one axis. */
ag_node *agi_new_attention_slope(ag_node *q, ag_node *k, ag_node *v, ag_node *g, ag_node *made,
                                 ag_node *mask, const agi_attention_form *);

/* softmax(scale q k^T + mask) as written, [..., queries, keys]: of rows of -Inf 0. The mask, of that shape, or NULL. */
ag_node *agi_attention_weights(ag_node *q, ag_node *k, ag_node *mask, const agi_attention_form *);
/* The sums along the last axis, which stays. */
ag_node *agi_row_sums(ag_node *x);

/* Elements `first` on of the last axis, as matrices [..., rows, columns]. */
ag_node *agi_take_part(ag_node *x, int64_t first, int64_t rows, int64_t columns);

/* What kernels are told, given the strides of all operands; heads' matrices follow each other in results. Operands:
 * q, k, v; with_g: g and what attention made; and the mask, perhaps. */
static inline int agi_mask_place(int with_g)
{
    return with_g ? 5 : 3;
}

static inline ag_node *agi_mask_of(const ag_node *y, int with_g)
{
    return y->nin > (uint32_t)agi_mask_place(with_g) ? y->in[agi_mask_place(with_g)] : NULL;
}

agi_attention_head agi_attention_of(const ag_node *y, const ag_strides stride[], int with_g);
size_t agi_attention_scratch(const ag_node *y, int with_g); /* and in C room for a row of scores */
int64_t agi_heads(const ag_node *q);
/* Element 0 of head number h in operand k. */
const void *agi_head_of(const ag_kernel_call *, int k, int64_t h);

void agi_write_heads(ag_source *, const ag_node *y, const ag_strides in_stride[], int with_g); /* opens their loop */

/* The loop over queries i, each of which meets `keys` keys; in the loop over keys j, the score. */
void agi_write_queries(ag_source *, const agi_attention_head *);
void agi_write_score(ag_source *, const agi_attention_head *, int masked);

#endif
