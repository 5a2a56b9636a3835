/* Executes groups: tile by tile, each micro-operation a kernel over registers that stay in cache. */
#include "tile.h"

enum { MOST_STREAMS = 16 };

typedef agi_tile_run tile;

static int64_t elements(const tile *t, int row)
{
    return row ? t->rows : t->rows * t->columns;
}

static int64_t position(const tile *t, int row)
{
    return row ? t->row : t->row * t->g->columns + t->column;
}

static char *slot_of(const tile *t, const agi_register *r)
{
    return t->slots[r->row] + r->slot * agi_slot_bytes(t->g, r->row);
}

/* ---- loads ------------------------------------------------------------------------------------------------------ */

#define CONVERT(to, from)                                                                       \
    for (int64_t i = 0; i < n; i++) ((to *)out)[i] = (to)((const from *)in)[i * stride];        \
    return

/* A value outside the integers' range becomes the nearest; a NaN becomes 0. */
static int64_t to_integer(double v)
{
    if (v != v) return 0;
    if (v >= 9223372036854775807.0) return INT64_MAX;
    return v <= -9223372036854775808.0 ? INT64_MIN : (int64_t)v;
}

static void convert(void *out, ag_dtype to, const void *in, ag_dtype from, int64_t stride, int64_t n)
{
    if (to == from && stride == 1) {
        memcpy(out, in, (size_t)n * ag_dtype_size(to));
        return;
    }
    switch (to * 3 + from) {
    case AG_F32 * 3 + AG_F32: CONVERT(uint32_t, uint32_t);
    case AG_F32 * 3 + AG_F64: CONVERT(float, double);
    case AG_F32 * 3 + AG_I64: CONVERT(float, int64_t);
    case AG_F64 * 3 + AG_F32: CONVERT(double, float);
    case AG_F64 * 3 + AG_F64: CONVERT(uint64_t, uint64_t);
    case AG_F64 * 3 + AG_I64: CONVERT(double, int64_t);
    case AG_I64 * 3 + AG_F32:
        for (int64_t i = 0; i < n; i++) ((int64_t *)out)[i] = to_integer(((const float *)in)[i * stride]);
        return;
    case AG_I64 * 3 + AG_F64:
        for (int64_t i = 0; i < n; i++) ((int64_t *)out)[i] = to_integer(((const double *)in)[i * stride]);
        return;
    default: CONVERT(uint64_t, uint64_t);
    }
}

/* `run` elements along the last axis, the first at element `from` of the memory; zeros around the bounds. */
static void gather_run(const tile *t, const agi_load *l, char *out, int64_t from, const int64_t *index, int64_t run)
{
    const agi_pattern *w = &l->walk;
    const char *base = t->run->memory[l->buffer];
    int last = w->rank - 1, inside = 1;
    int64_t stride = last < 0 ? 0 : w->stride[last], start = 0, end = run;
    if (w->bounded) {
        start = w->bounds.from[last] - index[last], end = w->bounds.to[last] - index[last];
        for (int i = 0; i < last; i++) inside &= index[i] >= w->bounds.from[i] && index[i] < w->bounds.to[i];
        if (start < 0) start = 0;
        if (end > run) end = run;
        if (!inside || start >= end) start = end = run;
        memset(out, 0, (size_t)(start * t->size));
        memset(out + end * t->size, 0, (size_t)((run - end) * t->size));
    }
    if (start == end) return;
    base += (from + start * stride) * (int64_t)ag_dtype_size((ag_dtype)l->dtype);
    if (!stride && l->dtype == t->g->dtype) {
        t->kernels->fill(end - start, out + start * t->size, base);
        return;
    }
    convert(out + start * t->size, t->g->dtype, base, (ag_dtype)l->dtype, stride, end - start);
}

/* The element of the memory that element `at` of a walk is. */
static int64_t locate(const agi_pattern *w, int64_t at, int64_t index[AG_MAX_RANK])
{
    int64_t from = w->offset;
    for (int i = w->rank - 1; i >= 0; i--) {
        index[i] = at % w->dim[i];
        at /= w->dim[i];
        from += index[i] * w->stride[i];
    }
    return from;
}

/* Do n elements lie one behind the other in memory? */
static int lie_together(const agi_pattern *w, const int64_t *index, int64_t n)
{
    int last = w->rank - 1;
    if (last < 0 || w->stride[last] != 1 || index[last] + n > w->dim[last]) return 0;
    for (int i = 0; i < last && w->bounded; i++)
        if (index[i] < w->bounds.from[i] || index[i] >= w->bounds.to[i]) return 0;
    return !w->bounded || (index[last] >= w->bounds.from[last] && index[last] + n <= w->bounds.to[last]);
}

/* Whole inner runs while an odometer turns the outer extents. */
static void gather(const tile *t, const agi_load *l, char *out, int64_t from, int64_t *index, int64_t n)
{
    const agi_pattern *w = &l->walk;
    int last = w->rank - 1;
    while (n) {
        int64_t run = last < 0 || w->dim[last] - index[last] > n ? n : w->dim[last] - index[last];
        gather_run(t, l, out, from, index, run);
        out += run * t->size;
        n -= run;
        if (!n) break;
        from -= index[last] * w->stride[last];
        index[last] = 0;
        for (int i = last - 1; i >= 0; i--) {
            from += w->stride[i];
            if (++index[i] < w->dim[i]) break;
            from -= w->dim[i] * w->stride[i];
            index[i] = 0;
        }
    }
}

static const char *memory_at(const tile *t, uint32_t buffer, int64_t element)
{
    return (char *)t->run->memory[buffer] + element * t->size;
}

/* What is the same for all tiles. */
static void load_invariant(const tile *t, const agi_load *l)
{
    int64_t n = l->row ? t->g->tile_rows : t->g->tile_rows * t->g->tile_columns;
    const char *from = memory_at(t, l->buffer, l->walk.offset);
    if (l->access == AGI_UNIFORM) {
        t->kernels->fill(n, t->reg[l->reg], from);
    } else if (l->access == AGI_REPEAT && t->g->tile_columns == t->g->columns) {
        size_t bytes = (size_t)(t->g->columns * t->size);
        for (int64_t r = 0; r < t->g->tile_rows; r++) memcpy(t->reg[l->reg] + (size_t)r * bytes, from, bytes);
    }
}

/* Copied into the register, unless the memory can be the register of this tile. */
static void load_gathered(const tile *t, const agi_load *l)
{
    const agi_register *r = &t->g->reg[l->reg];
    int64_t index[AG_MAX_RANK], n = elements(t, l->row), from = locate(&l->walk, position(t, l->row), index);
    if (r->place == AGI_SCRATCH && l->dtype == t->g->dtype && lie_together(&l->walk, index, n)) {
        t->reg[l->reg] = (char *)memory_at(t, l->buffer, from);
        return;
    }
    if (r->place == AGI_SCRATCH) t->reg[l->reg] = slot_of(t, r);
    gather(t, l, t->reg[l->reg], from, index, n);
}

static void load(const tile *t, const agi_load *l)
{
    if (l->access == AGI_DIRECT)
        t->reg[l->reg] = (char *)memory_at(t, l->buffer, l->walk.offset + position(t, l->row));
    else if (l->access == AGI_GATHERED)
        load_gathered(t, l);
    else if (l->access == AGI_REPEAT && t->g->tile_columns != t->g->columns)
        memcpy(t->reg[l->reg], memory_at(t, l->buffer, l->walk.offset + t->column), (size_t)(t->columns * t->size));
}

/* ---- a tile ----------------------------------------------------------------------------------------------------- */

static void run_custom(const tile *t, const agi_micro *m, int64_t n)
{
    char *o = t->reg[m->out], *a = t->reg[m->a], *b = t->reg[m->b], *c = t->reg[m->c];
    if (t->g->dtype == AG_F32) m->op->f32(n, (float *)o, (float *)a, (float *)b, (float *)c);
    else m->op->f64(n, (double *)o, (double *)a, (double *)b, (double *)c);
}

/* Arithmetic on one tile and the memory of the next at once: what the processor's prefetcher cannot do across the
 * pauses that tiles make. After each micro-operation a share of the lines, of all streams in turn. */
typedef struct {
    const char *stream[MOST_STREAMS];
    int loads, streams;  /* those that are loaded come first */
    int64_t line, lines; /* of each stream: the next to fetch, and how many */
} fetcher;

static void find_streams(const tile *t, fetcher *f)
{
    const agi_pass *g = t->g;
    int64_t points = t->rows * t->columns, next = position(t, 0) + points;
    f->loads = f->streams = 0;
    f->line = 0;
    f->lines = g->streams ? agi_aligned(points * t->size) / AGI_ALIGNMENT : 0;
    for (int k = 0; k < g->nloads && f->lines && f->loads < MOST_STREAMS; k++)
        if (g->load[k].access == AGI_DIRECT && !g->load[k].row)
            f->stream[f->loads++] = memory_at(t, g->load[k].buffer, g->load[k].walk.offset + next);
    f->streams = f->loads;
    for (int k = 0; k < g->nstores && f->lines && f->streams < MOST_STREAMS; k++)
        if (!g->store[k].row && !g->store[k].inlaid) f->stream[f->streams++] = memory_at(t, g->store[k].buffer, next);
}

#ifdef __x86_64__
__attribute__((target("prfchw"))) /* lines to be written are fetched as our own; a processor without it does nothing */
#endif
static void fetch_to(fetcher *f, int64_t end)
{
    for (; f->line < end; f->line++) {
        for (int k = 0; k < f->loads; k++) __builtin_prefetch(f->stream[k] + f->line * AGI_ALIGNMENT, 0, 3);
        for (int k = f->loads; k < f->streams; k++) __builtin_prefetch(f->stream[k] + f->line * AGI_ALIGNMENT, 1, 3);
    }
}

static void run_micros(const tile *t)
{
    fetcher f;
    char **reg = t->reg;
    const int64_t full = t->rows * t->columns;
    find_streams(t, &f);
    for (const agi_micro *first = t->g->micro, *m = first, *end = m + t->g->nmicros; m < end; m++) {
        if (m->kind == AGI_EXPAND)
            t->kernels->expand(t->rows, t->columns, reg[m->out], reg[m->a]);
        else if (m->kind == AGI_FOLD_ROWS)
            t->kernels->fold_rows[m->fold](t->rows, t->columns, reg[m->a], reg[m->out]);
        else if (m->op->code)
            t->kernels->point[m->op->code](m->row ? t->rows : full, reg[m->out], reg[m->a], reg[m->b], reg[m->c]);
        else
            run_custom(t, m, m->row ? t->rows : full);
        if (f.lines) fetch_to(&f, f.lines * (m - first + 1) / (end - first));
    }
}

/* n elements of a register, from `first` on, to where they lie in a larger result. */
static void store_inlay(const tile *t, const agi_store *s, int64_t first, int64_t n)
{
    char *to = (char *)memory_at(t, s->buffer, s->offset + (position(t, s->row) + first) * s->stride);
    const char *from = t->reg[s->reg] + first * t->size;
    if (s->stride == 1)
        memcpy(to, from, (size_t)(n * t->size));
    else if (t->size == sizeof(uint32_t))
        for (int64_t i = 0; i < n; i++) ((uint32_t *)to)[i * s->stride] = ((const uint32_t *)from)[i];
    else
        for (int64_t i = 0; i < n; i++) ((uint64_t *)to)[i * s->stride] = ((const uint64_t *)from)[i];
}

/* Some of each at a time: they often lie side by side. */
static void store_inlays(const tile *t)
{
    enum { TOGETHER = 64 };
    const int64_t points = elements(t, 0);
    for (int64_t first = 0; first < points; first += TOGETHER)
        for (int k = 0; k < t->g->nstores; k++) {
            const agi_store *s = &t->g->store[k];
            const int64_t left = elements(t, s->row) - first;
            if (s->inlaid && left > 0) store_inlay(t, s, first, left < TOGETHER ? left : TOGETHER);
        }
}

static void run_tile(tile *t)
{
    const agi_pass *g = t->g;
    for (int k = 0; k < g->nstores; k++) { /* computed where it is stored */
        const agi_store *s = &g->store[k];
        if (g->reg[s->reg].place == AGI_STORED && g->reg[s->reg].slot == (uint32_t)k)
            t->reg[s->reg] = (char *)memory_at(t, s->buffer, position(t, s->row));
    }
    for (int k = 0; k < g->nloads; k++) load(t, &g->load[k]);
    run_micros(t);
    for (int k = 0; k < g->nstores; k++) {
        const agi_store *s = &g->store[k];
        if (s->inlaid || (g->reg[s->reg].place == AGI_STORED && g->reg[s->reg].slot == (uint32_t)k)) continue;
        memcpy((char *)memory_at(t, s->buffer, position(t, s->row)), t->reg[s->reg],
               (size_t)(elements(t, s->row) * t->size));
    }
    if (g->inlays) store_inlays(t);
    for (int k = 0; k < g->nfolds; k++) agi_fold_tile(t, &g->fold[k]);
}

/* ---- blocks ----------------------------------------------------------------------------------------------------- */

static void place_registers(tile *t, char *scratch)
{
    const agi_pass *g = t->g;
    t->reg = (char **)scratch;
    const int64_t row_bytes = g->row_slots * agi_slot_bytes(g, 1), full_bytes = g->full_slots * agi_slot_bytes(g, 0);
    t->slots[0] = scratch + agi_pass_scratch(g) - row_bytes - full_bytes;
    t->slots[1] = t->slots[0] + g->full_slots * agi_slot_bytes(g, 0);
    for (int k = 0; k < g->nregisters; k++)
        if (g->reg[k].place == AGI_SCRATCH) t->reg[k] = slot_of(t, &g->reg[k]);
    for (int k = 0; k < g->nloads; k++) load_invariant(t, &g->load[k]);
}

/* First tile of a block; blocks are equal but for rounding, and end with a row of tiles where folds ask for it. */
static int64_t block_start(const agi_pass *g, int64_t block)
{
    int64_t units = g->whole_rows ? g->row_tiles : g->row_tiles * g->column_tiles;
    return units * block / g->blocks * (g->whole_rows ? g->column_tiles : 1);
}

void agi_run_tiles(ag_run *run, const agi_pass *g, char *scratch, int64_t from, int64_t to)
{
    tile t = { .run = run, .g = g, .size = (int64_t)ag_dtype_size(g->dtype),
               .kernels = run->kernels[g->dtype == AG_F32 ? AG_F32 : AG_F64] };
    place_registers(&t, scratch);
    for (int64_t block = 0, end; block < g->blocks && block_start(g, block) < to; block++) {
        const int64_t first = block_start(g, block);
        end = block_start(g, block + 1);
        t.block = block;
        t.first_row = first / g->column_tiles * g->tile_rows;
        t.end_row = end / g->column_tiles * g->tile_rows;
        if (t.end_row > g->rows) t.end_row = g->rows;
        for (int64_t k = first < from ? from : first; k < end && k < to; k++) {
            t.opens = k == first;
            t.row = k / g->column_tiles * g->tile_rows;
            t.column = k % g->column_tiles * g->tile_columns;
            t.rows = g->rows - t.row < g->tile_rows ? g->rows - t.row : g->tile_rows;
            t.columns = g->columns - t.column < g->tile_columns ? g->columns - t.column : g->tile_columns;
            run_tile(&t);
        }
    }
}

void agi_run_blocks(ag_run *run, const agi_pass *g, char *scratch, int64_t from, int64_t to)
{
    if (run->compiled && g->native) g->native(run->memory, g->operand, scratch, from, to);
    else agi_run_tiles(run, g, scratch, block_start(g, from), block_start(g, to));
}
