/* Buffers: lifetimes to offsets in one block. */
#include "compile.h"

/* ---- offsets: first fit by address among the buffers alive at the same time ------------------------------------- */

typedef struct {
    agi_compiler *c;
    agi_holes holes; /* the last one is open-ended */
} layout;

static int allocate(layout *l, agi_buffer *b)
{
    return agi_holes_take(&l->holes, agi_block_bytes(b->bytes), &b->offset) || agi_out_of_memory(l->c);
}

typedef struct {
    uint32_t *start, *list; /* buffers by step of birth, or of death */
} calendar;

static int make_calendar(agi_compiler *c, calendar *cal, int deaths)
{
    uint32_t n = (uint32_t)c->buffers.count, steps = (uint32_t)c->plan->nsteps;
    cal->start = agi_arena_zeros(&c->arena, (size_t)steps + 2, sizeof *cal->start);
    cal->list = agi_arena_take(&c->arena, (size_t)n * sizeof *cal->list);
    if (!cal->start || !cal->list) return agi_out_of_memory(c);
    for (int pass = 0; pass < 2; pass++) {
        for (uint32_t b = 0; b < n; b++) {
            const agi_buffer *x = agi_buffer_at(c, b);
            if (x->shares != AGI_NONE || x->first == AGI_NONE || (x->held && deaths)) continue;
            if (x->role == AGI_CONSTANT || x->role == AGI_LEAF || x->in_loop) continue;
            uint32_t step = deaths ? x->last : x->first;
            if (pass) cal->list[cal->start[step + 1]++] = b;
            else if (step + 2 < steps + 2) cal->start[step + 2]++;
        }
        if (!pass)
            for (uint32_t s = 0; s < steps; s++) cal->start[s + 1] += cal->start[s];
    }
    return 1;
}

static int walk_steps(layout *l, const calendar *births, const calendar *deaths)
{
    agi_compiler *c = l->c;
    for (int step = 0; step < c->plan->nsteps; step++) {
        for (uint32_t k = births->start[step]; k < births->start[step + 1]; k++)
            if (!allocate(l, agi_buffer_at(c, births->list[k]))) return 0;
        if (c->options->distinct) continue;
        for (uint32_t k = deaths->start[step]; k < deaths->start[step + 1]; k++) {
            const agi_buffer *b = agi_buffer_at(c, deaths->list[k]);
            if (!agi_holes_give(&l->holes, b->offset, agi_block_bytes(b->bytes))) return agi_out_of_memory(c);
        }
    }
    return 1;
}

/* Each chain of buffers that take over from one another is followed once. */
static void find_owners(agi_compiler *c)
{
    agi_buffer *all = c->buffers.data;
    for (uint32_t b = 0; b < (uint32_t)c->buffers.count; b++) all[b].owner = AGI_NONE;
    for (uint32_t b = 0; b < (uint32_t)c->buffers.count; b++) {
        uint32_t end = b;
        while (all[end].owner == AGI_NONE && all[end].shares != AGI_NONE) end = all[end].shares;
        const uint32_t owner = all[end].owner == AGI_NONE ? end : all[end].owner;
        for (uint32_t at = b; at != end; at = all[at].shares) all[at].owner = owner;
        all[end].owner = owner;
    }
}

/* In place: the owner lives as long as all that share it. */
static void join_lives(agi_compiler *c)
{
    find_owners(c);
    for (uint32_t b = 0; b < (uint32_t)c->buffers.count; b++) {
        const agi_buffer *x = agi_buffer_at(c, b);
        agi_buffer *o = agi_buffer_at(c, x->owner);
        if (x->first != AGI_NONE && x->last > o->last) o->last = x->last;
        o->held |= x->held;
    }
}

/* What scalar programs address lies in front. */
static int place_leaves(layout *l)
{
    agi_compiler *c = l->c;
    for (int scalars = 1; scalars >= 0; scalars--)
        for (uint32_t b = 0; b < (uint32_t)c->buffers.count; b++) {
            agi_buffer *x = agi_buffer_at(c, b);
            int stays = x->role == AGI_CONSTANT || x->role == AGI_LEAF;
            if (stays && !x->in_loop && x->scalar == scalars && !allocate(l, x)) return 0;
        }
    return 1;
}

/* All that lies in the block, in place or not: where does it end? */
static int64_t find_end(agi_compiler *c)
{
    int64_t end = 0;
    for (uint32_t b = 0; b < (uint32_t)c->buffers.count; b++) {
        agi_buffer *x = agi_buffer_at(c, b);
        x->offset = agi_buffer_at(c, x->owner)->offset;
        if (!x->in_loop && x->offset + agi_block_bytes(x->bytes) > end) end = x->offset + agi_block_bytes(x->bytes);
    }
    return end;
}

static int assign_offsets(agi_compiler *c)
{
    layout l = { .c = c, .holes.allocator = c->arena.allocator };
    calendar births, deaths;
    join_lives(c);
    int ok = (agi_holes_give(&l.holes, 0, INT64_MAX / 2) || agi_out_of_memory(c)) && place_leaves(&l);
    int64_t start = ok ? find_end(c) : 0;
    ok = ok && make_calendar(c, &births, 0) && make_calendar(c, &deaths, 1) && walk_steps(&l, &births, &deaths);
    agi_holes_free(&l.holes);
    if (ok && !c->options->distinct) ok = agi_pack(c, start, find_end(c));
    c->plan->block_bytes = find_end(c);
    return ok;
}

/* What shares memory or is addressed by scalar programs needs its own: the loop copies. */
static void keep_own(agi_compiler *c)
{
    for (uint32_t b = 0; b < (uint32_t)c->buffers.count; b++) {
        agi_buffer *x = agi_buffer_at(c, b);
        if (x->scalar || x->taken || x->shares != AGI_NONE) x->in_loop = 0;
    }
}

int agi_lay_out(agi_compiler *c)
{
    keep_own(c);
    return assign_offsets(c);
}
