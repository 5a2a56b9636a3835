/* What every room stands on: memory, growing arrays, text, threads, digests. Knows the public headers, no graph.
 *
 * Allocating functions return NULL or 0 where memory ends, record nothing and leave what was there as it was; who calls
 * them reports it. What is taken from an arena lives until the arena is freed, and is never released alone. */
#ifndef AGI_BASE_H
#define AGI_BASE_H

#include "node.h"

#include <stdarg.h>

typedef struct agi_block agi_block;

typedef struct {
    const ag_allocator *allocator;
    agi_block *blocks;
    char *next, *end;
    size_t grain; /* size of the next block */
} agi_arena;

void agi_arena_init(agi_arena *, const ag_allocator *);

void agi_arena_free(agi_arena *);

void *agi_arena_slow(agi_arena *, size_t bytes); /* a new block; NULL when out of memory */

static inline void *agi_arena_take(agi_arena *a, size_t bytes) /* aligned to 8; NULL when out of memory */
{
    bytes = ((bytes ? bytes : 1) + 7) & ~(size_t)7;
    if ((size_t)(a->end - a->next) < bytes) return agi_arena_slow(a, bytes);
    void *p = a->next;
    a->next += bytes;
    return p;
}

void *agi_arena_zeros(agi_arena *, size_t count, size_t size); /* NULL when out of memory */

void *agi_arena_copy(agi_arena *, const void *from, size_t bytes);

/* A growing array of plain elements in an allocator's memory. Growth failing leaves it as it was. */
typedef struct {
    void *data;
    int64_t count, capacity;
} agi_vector;

int agi_vector_grow(const ag_allocator *, agi_vector *, size_t element, int64_t extra); /* 0: out of memory */

void *agi_allocate(const ag_allocator *, size_t bytes);

void agi_release(const ag_allocator *, void *);

extern const ag_allocator agi_malloc; /* malloc and free */

/* ---- text -------------------------------------------------------------------------------------------------------- */

struct ag_source {
    const ag_allocator *allocator;
    agi_vector text; /* characters, without a final 0 */
    int failed;      /* out of memory: what follows is dropped */
    const uint32_t *in; /* of a call's text: its operands' buffers, UINT32_MAX: none */
};

void agi_source_free(ag_source *);

void agi_source_append(ag_source *, const ag_source *);

void agi_source_append_lines(ag_source *, const ag_source *, int depth); /* indented */

int agi_source_has(const ag_source *, const char *word); /* as a whole identifier */
const char *agi_type_name(ag_dtype); /* "f32", "f64", "i64" */
void agi_source_add(ag_source *, const char *text, size_t n); /* its first n characters */

/* A piece of a text, without a terminating zero. */
typedef struct {
    const char *at;
    size_t length;
} agi_word;

static inline int agi_word_is(agi_word w, const char *name)
{
    return strncmp(w.at, name, w.length) == 0 && !name[w.length];
}

/* The candidate most like a misspelt word; `best` stays NULL when none comes close. */
typedef struct {
    agi_word word;
    const char *best;
    int distance;
} agi_nearest;

void agi_nearest_try(agi_nearest *, const char *candidate);

/* ---- threads: job(context, number, threads) runs once on each, number 0 on the caller's -------------------------- */

typedef struct agi_pool agi_pool;

typedef void (*agi_job)(void *context, int number, int threads);

agi_pool *agi_pool_new(const ag_allocator *, int threads); /* NULL: out of memory */

void agi_pool_run(agi_pool *, agi_job, void *context);

void agi_pool_free(agi_pool *);

/* ---- this machine ------------------------------------------------------------------------------------------------ */

int agi_best_isa(void); /* of 1, 2 and 3, the sets of instructions that kernels are compiled for: the last it has */

/* ---- whole numbers ----------------------------------------------------------------------------------------------- */

static inline int64_t agi_common_divisor(int64_t a, int64_t b) /* the greatest; of a and 0: a */
{
    while (b) {
        const int64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* ---- numbers of 16 bits: IEEE half precision and bfloat16; rounded to nearest, halves to even */

float agi_half_to_float(uint16_t), agi_bf16_to_float(uint16_t);

uint16_t agi_float_to_half(float), agi_float_to_bf16(float);

/* ---- SHA-256 ----------------------------------------------------------------------------------------------------- */

typedef struct {
    uint32_t state[8];
    uint64_t bytes;
    unsigned char block[64];
} agi_digest;

void agi_digest_start(agi_digest *);

void agi_digest_add(agi_digest *, const void *, size_t);

void agi_digest_end(agi_digest *, char hex[65]);

#endif

/* ---- memory: blocks that only grow and are released together ---------------------------------------------------- */
