/* Streams of random numbers, in the order of random.def: AGI_DRAW_BLOCKS blocks of four words are made at once. */
#ifndef AGI_RANDOM_H
#define AGI_RANDOM_H

#include "dense.h"

/* What the words of a tensor are made of, beside their blocks. */
struct agi_draw {
    uint64_t key, evaluation;
    uint32_t number;
};

enum { AGI_DRAW_BLOCKS = 16, AGI_DRAW_WORDS = 4 * AGI_DRAW_BLOCKS };

static inline int64_t agi_draw_group(size_t element) /* elements of so many bytes that are made at once */
{
    return AGI_DRAW_WORDS * (int64_t)sizeof(uint32_t) / (int64_t)element;
}

#endif
