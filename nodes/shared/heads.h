/* Attention as nodes. All matrices are the last two axes; the leading ones, which are alike, count heads. */
#ifndef AGI_HEADS_H
#define AGI_HEADS_H

#include "dense/attention.h"
#include "node.h"

typedef struct {
    double scale;
    int64_t causal;
} agi_attention_form;

/* Of q, k, v, g and what attention made of them, dq, dk and dv, one after the other along one axis. */
ag_node *agi_new_attention_slope(ag_node *q, ag_node *k, ag_node *v, ag_node *g, ag_node *made,
                                 const agi_attention_form *);

/* softmax(scale q k^T) as written, [..., queries, keys]. */
ag_node *agi_attention_weights(ag_node *q, ag_node *k, const agi_attention_form *);

/* Elements `first` on of the last axis, as matrices [..., rows, columns]. */
ag_node *agi_take_part(ag_node *x, int64_t first, int64_t rows, int64_t columns);

/* What kernels are told, given the strides of q, k, v, and perhaps g; heads' matrices follow each other in results. */
agi_attention_head agi_attention_of(const ag_node *y, const ag_strides stride[], int with_g);
size_t agi_attention_scratch(const ag_node *y, int with_g); /* and in C room for a row of scores */
int64_t agi_heads(const ag_node *q);
/* Element 0 of head number h in operand k. */
const void *agi_head_of(const ag_kernel_call *, int k, int64_t h);

void agi_write_heads(ag_source *, const ag_node *y, const ag_strides in_stride[], int operands); /* opens their loop */

/* The loop over queries i, each of which meets `keys` keys; in the loop over keys j, the score. */
void agi_write_queries(ag_source *, const agi_attention_head *);
void agi_write_score(ag_source *, const agi_attention_head *);

#endif
