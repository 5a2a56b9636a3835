/* Attention, y = softmax(scale q k^T + mask) v, and its gradient, in blocks of queries and keys: no matrix of all
 * queries by all keys is ever there. After T. Dao et al., FlashAttention (2022): exponentials are summed beside the
 * largest score so far, and scaled down when a larger one comes; going back, they are made again from the rows'
 * logarithms. */
#ifndef AGI_ATTENTION_H
#define AGI_ATTENTION_H

#include "dense.h"

enum { AGI_ATTENTION_BLOCK = 64 };

/* A matrix's strides, in elements. */
typedef struct {
    int64_t row, column;
} agi_steps;

struct agi_attention_head {
    int64_t queries, keys, depth, width; /* q [queries, depth], k [keys, depth], v [keys, width] */
    double scale;
    int causal;                          /* query i meets keys 0 to i alone */
    agi_steps q, k, v, g, more;          /* g: the gradient of y, of its shape; more: the mask, [queries, keys] */
    const void *added;                   /* the mask's element 0, or NULL: there is none */
};

/* Products of blocks: scores q k^T; y += p v; dv += p^T g; dp = g v^T; dq += ds k; dk += ds^T q. */
typedef enum {
    AGI_SCORES,
    AGI_VALUES,
    AGI_BY_VALUES,
    AGI_BY_SCORES,
    AGI_BY_QUERIES,
    AGI_BY_KEYS,
    AGI_ATTENTION_PRODUCTS
} agi_attention_product;

/* Of m queries and n keys; operands' places, the result's and what it is added to are the caller's. */
agi_product_of agi_attention_matrices(const agi_attention_head *, agi_attention_product, int64_t m, int64_t n);
/* Blocks of queries, and which one comes at a turn: first and last ones by turns, which are together as much work as
 * others where later queries meet more keys. */
static inline int64_t agi_attention_blocks(int64_t queries)
{
    return (queries + AGI_ATTENTION_BLOCK - 1) / AGI_ATTENTION_BLOCK;
}

static inline int64_t agi_attention_turn(int64_t blocks, int64_t turn)
{
    return turn % 2 ? blocks - 1 - turn / 2 : turn / 2;
}

int64_t agi_attention_work(int double_precision, const agi_attention_head *); /* bytes, with any instruction set */

#endif
