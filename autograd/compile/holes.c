/* Free memory: holes, the lowest first. They lie in chunks in the order of their offsets; a chunk knows its largest
 * room, so that those without enough are passed over at once. */
#include "compile.h"

enum { MOST = 128 /* holes of a chunk */ };

typedef struct {
    int64_t offset, bytes;
} hole;

typedef struct {
    hole *hole;
    int64_t count;
    int64_t room[2]; /* the largest: for what lies at any multiple of 8; for what is aligned */
} chunk;

typedef struct {
    int64_t chunk, index;
} place;

static chunk *chunk_at(const agi_holes *h, int64_t k)
{
    return (chunk *)h->chunks.data + k;
}

static int64_t unit_of(int64_t bytes)
{
    return bytes < AGI_ALIGNMENT ? 8 : AGI_ALIGNMENT;
}

static int64_t skipped(const hole *x, int64_t unit)
{
    return (x->offset + unit - 1) / unit * unit - x->offset;
}

static void measure(chunk *c)
{
    c->room[0] = c->room[1] = 0;
    for (int64_t k = 0; k < c->count; k++) {
        const hole *x = &c->hole[k];
        const int64_t aligned = x->bytes - skipped(x, AGI_ALIGNMENT);
        if (x->bytes > c->room[0]) c->room[0] = x->bytes;
        if (aligned > c->room[1]) c->room[1] = aligned;
    }
}

/* A chunk more, at place k of them, of the holes from `from` on of the one before it. */
static int open_chunk(agi_holes *h, int64_t k, int64_t from)
{
    if (!agi_vector_grow(h->allocator, &h->chunks, sizeof(chunk), 1)) return 0;
    hole *holes = agi_allocate(h->allocator, MOST * sizeof *holes);
    if (!holes) return 0;
    chunk *new = chunk_at(h, k), *before = new - 1;
    memmove(new + 1, new, (size_t)(h->chunks.count++ - k) * sizeof *new);
    *new = (chunk){ .hole = holes };
    if (!k) return 1;
    new->count = before->count - from;
    memcpy(holes, before->hole + from, (size_t)new->count * sizeof *holes);
    before->count = from;
    measure(before);
    measure(new);
    return 1;
}

static void close_chunk(agi_holes *h, int64_t k)
{
    chunk *c = chunk_at(h, k);
    agi_release(h->allocator, c->hole);
    memmove(c, c + 1, (size_t)(--h->chunks.count - k) * sizeof *c);
}

static int insert(agi_holes *h, place p, hole x)
{
    if (!h->chunks.count && !open_chunk(h, 0, 0)) return 0;
    if (chunk_at(h, p.chunk)->count == MOST) {
        if (!open_chunk(h, p.chunk + 1, MOST / 2)) return 0;
        if (p.index > MOST / 2) p = (place){ p.chunk + 1, p.index - MOST / 2 };
    }
    chunk *c = chunk_at(h, p.chunk);
    memmove(c->hole + p.index + 1, c->hole + p.index, (size_t)(c->count++ - p.index) * sizeof x);
    c->hole[p.index] = x;
    measure(c);
    return 1;
}

static void delete(agi_holes *h, place p)
{
    chunk *c = chunk_at(h, p.chunk);
    memmove(c->hole + p.index, c->hole + p.index + 1, (size_t)(--c->count - p.index) * sizeof *c->hole);
    if (c->count) measure(c);
    else close_chunk(h, p.chunk);
}

/* Of the first hole at this offset or beyond; it may be one past the last of a chunk. */
static place find(const agi_holes *h, int64_t offset)
{
    int64_t low = 0, high = h->chunks.count;
    while (low < high) { /* chunks that begin before it */
        const int64_t middle = low + (high - low) / 2;
        if (chunk_at(h, middle)->hole[0].offset < offset) low = middle + 1;
        else high = middle;
    }
    place p = { .chunk = low ? low - 1 : 0 };
    if (!low) return p;
    const chunk *c = chunk_at(h, p.chunk);
    for (high = c->count; p.index < high;) {
        const int64_t middle = p.index + (high - p.index) / 2;
        if (c->hole[middle].offset < offset) p.index = middle + 1;
        else high = middle;
    }
    return p;
}

int agi_holes_give(agi_holes *h, int64_t offset, int64_t bytes)
{
    const place at = find(h, offset);
    place next = at;
    if (h->chunks.count && at.index == chunk_at(h, at.chunk)->count) next = (place){ at.chunk + 1, 0 };
    hole *before = at.index ? &chunk_at(h, at.chunk)->hole[at.index - 1] : NULL;
    hole *after = next.chunk < h->chunks.count ? &chunk_at(h, next.chunk)->hole[next.index] : NULL;
    if (before && before->offset + before->bytes != offset) before = NULL;
    if (after && after->offset != offset + bytes) after = NULL;
    if (!before && !after) return insert(h, at, (hole){ offset, bytes });
    if (before) {
        before->bytes += bytes + (after ? after->bytes : 0);
        measure(chunk_at(h, at.chunk));
        if (after) delete(h, next);
    } else {
        *after = (hole){ offset, bytes + after->bytes };
        measure(chunk_at(h, next.chunk));
    }
    return 1;
}

int agi_holes_take(agi_holes *h, int64_t bytes, int64_t *offset)
{
    const int64_t unit = unit_of(bytes);
    place p = { 0 };
    while (chunk_at(h, p.chunk)->room[unit > 8] < bytes) p.chunk++; /* the last hole is open-ended */
    chunk *c = chunk_at(h, p.chunk);
    while (c->hole[p.index].bytes - skipped(&c->hole[p.index], unit) < bytes) p.index++;
    hole *x = &c->hole[p.index];
    const int64_t before = skipped(x, unit);
    const hole rest = { x->offset + before + bytes, x->bytes - before - bytes };
    *offset = x->offset + before;
    x->bytes = before;
    if (rest.bytes && before) return insert(h, (place){ p.chunk, p.index + 1 }, rest);
    if (rest.bytes) *x = rest;
    if (rest.bytes || before) measure(c);
    else delete(h, p);
    return 1;
}

void agi_holes_free(agi_holes *h)
{
    for (int64_t k = 0; k < h->chunks.count; k++) agi_release(h->allocator, chunk_at(h, k)->hole);
    agi_release(h->allocator, h->chunks.data);
}
