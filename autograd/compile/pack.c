/* Offsets for all that steps compute, the largest first: each at the lowest place that is free for all its life. What
 * lives long and is small then leaves no holes between what is large, as it does when places are given step by step. */
#include "compile.h"

#include <stdlib.h>

/* Buffers: the work grows with their square. More than a few are worth a look for each byte that they lie in. */
enum { FEW = 1 << 8, MOST = 1 << 12 };

typedef struct {
    const agi_buffer *buffer;
    int64_t bytes, offset;
    uint32_t number, last;
} piece;

/* What scalar programs address comes first: it is small, and lies in front. */
static int by_size(const void *a, const void *b)
{
    const piece *x = a, *y = b;
    if (x->buffer->scalar != y->buffer->scalar) return y->buffer->scalar - x->buffer->scalar;
    if (x->bytes != y->bytes) return x->bytes < y->bytes ? 1 : -1;
    return (x->number > y->number) - (x->number < y->number);
}

static int64_t collect(const agi_compiler *c, piece *all)
{
    int64_t n = 0;
    for (uint32_t b = 0; b < (uint32_t)c->buffers.count; b++) {
        const agi_buffer *x = agi_buffer_at(c, b);
        int stays = x->role == AGI_CONSTANT || x->role == AGI_LEAF || x->in_loop;
        if (stays || x->shares != AGI_NONE || x->first == AGI_NONE) continue;
        if (all) all[n] = (piece){ x, agi_block_bytes(x->bytes), 0, b, x->held ? AGI_NONE : x->last };
        n++;
    }
    return n;
}

static int together(const piece *a, const piece *b)
{
    return a->buffer->first <= b->last && b->buffer->first <= a->last;
}

/* `placed` is in order of offsets. */
static void place(piece *p, piece **placed, int64_t n, int64_t start)
{
    int64_t unit = p->bytes < AGI_ALIGNMENT ? 8 : AGI_ALIGNMENT, at = start, k;
    for (k = 0; k < n; k++) {
        const piece *q = placed[k];
        if (q->offset >= at + p->bytes) break;
        if (q->offset + q->bytes > at && together(p, q)) at = (q->offset + q->bytes + unit - 1) / unit * unit;
    }
    p->offset = at;
    for (k = n; k && placed[k - 1]->offset > at; k--) placed[k] = placed[k - 1];
    placed[k] = p;
}

int agi_pack(agi_compiler *c, int64_t start, int64_t end)
{
    int64_t n = collect(c, NULL), top = start = agi_aligned(start);
    if (n > MOST || (n > FEW && n * n > end - start)) return 1;
    piece *all = agi_arena_take(&c->arena, (size_t)n * sizeof *all);
    piece **placed = agi_arena_take(&c->arena, (size_t)n * sizeof *placed);
    if (!all || !placed) return agi_out_of_memory(c);
    collect(c, all);
    qsort(all, (size_t)n, sizeof *all, by_size);
    for (int64_t k = 0; k < n && top < end; k++) {
        place(&all[k], placed, k, start);
        if (all[k].offset + all[k].bytes > top) top = all[k].offset + all[k].bytes;
    }
    for (int64_t k = 0; k < n && top < end; k++) agi_buffer_at(c, all[k].number)->offset = all[k].offset;
    return 1;
}
