/* Memory for nodes and for compiling: blocks that only grow and are released together. */
#include "base.h"

#include <stdlib.h>
#ifdef __linux__
#include <sys/mman.h>
#endif

struct agi_block {
    agi_block *before;
    char data[];
};

enum { FIRST_BLOCK = 512, LARGEST_BLOCK = 1 << 25, HUGE_PAGE = 1 << 21 };

/* The first touch of fresh memory costs more than most work on it; huge pages make it an eighth. */
static void *plain_allocate(void *context, size_t bytes)
{
    (void)context;
#ifdef MADV_HUGEPAGE
    if (bytes >= 2 * HUGE_PAGE && bytes <= SIZE_MAX - HUGE_PAGE) {
        size_t whole = (bytes + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
        void *memory = aligned_alloc(HUGE_PAGE, whole);
        if (memory) madvise(memory, whole, MADV_HUGEPAGE);
        return memory;
    }
#endif
    return malloc(bytes);
}

static void plain_release(void *context, void *memory)
{
    (void)context;
    free(memory);
}

const ag_allocator agi_malloc = { plain_allocate, plain_release, NULL };

void *agi_allocate(const ag_allocator *a, size_t bytes)
{
    return a->allocate(a->context, bytes ? bytes : 1);
}

void agi_release(const ag_allocator *a, void *memory)
{
    if (memory) a->release(a->context, memory);
}

void agi_arena_init(agi_arena *a, const ag_allocator *allocator)
{
    *a = (agi_arena){ .allocator = allocator, .grain = FIRST_BLOCK };
}

void agi_arena_free(agi_arena *a)
{
    for (agi_block *b = a->blocks, *before; b; b = before) {
        before = b->before;
        agi_release(a->allocator, b);
    }
    agi_arena_init(a, a->allocator);
}

void *agi_arena_slow(agi_arena *a, size_t bytes)
{
    size_t size = bytes > a->grain ? bytes : a->grain;
    if (size > SIZE_MAX - sizeof(agi_block)) return NULL;
    agi_block *b = agi_allocate(a->allocator, sizeof(agi_block) + size);
    if (!b) return NULL;
    b->before = a->blocks;
    a->blocks = b;
    if (a->grain < LARGEST_BLOCK) a->grain *= 2;
    if (size == bytes && (size_t)(a->end - a->next) > 0) return b->data; /* a large piece: keep filling the old block */
    a->next = b->data + bytes;
    a->end = b->data + size;
    return b->data;
}

void *agi_arena_zeros(agi_arena *a, size_t count, size_t size)
{
    if (size && count > SIZE_MAX / size) return NULL;
    void *p = agi_arena_take(a, count * size);
    if (p) memset(p, 0, count * size);
    return p;
}

void *agi_arena_copy(agi_arena *a, const void *from, size_t bytes)
{
    void *p = agi_arena_take(a, bytes);
    if (p && bytes) memcpy(p, from, bytes);
    return p;
}

int agi_vector_grow(const ag_allocator *a, agi_vector *v, size_t element, int64_t extra)
{
    if (v->count + extra <= v->capacity) return 1;
    int64_t capacity = v->capacity ? v->capacity * 2 : 64;
    while (capacity < v->count + extra) capacity *= 2;
    if ((uint64_t)capacity > SIZE_MAX / element) return 0;
    void *data = agi_allocate(a, (size_t)capacity * element);
    if (!data) return 0;
    if (v->count) memcpy(data, v->data, (size_t)v->count * element);
    agi_release(a, v->data);
    v->data = data;
    v->capacity = capacity;
    return 1;
}
