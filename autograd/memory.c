/* Buffers: lifetimes to offsets in one block, in place where an operand dies with the step that replaces it. */
#include "compile.h"

enum { NO_POSITION = -1 };

/* ---- in place: may `out`, stored by a group, take over the memory of `in`, which the group reads? --------------- */

/* The micro-operation that computes the stored register, or the end of the tile, where other stores are copied. */
static int stored_at(const agi_pass *g, const agi_store *s)
{
    if (g->reg[s->reg].place != AGI_STORED || g->store[g->reg[s->reg].slot].buffer != s->buffer) return g->nmicros;
    for (int k = 0; k < g->nmicros; k++)
        if (g->micro[k].out == s->reg) return k;
    return NO_POSITION; /* gathered: before all others */
}

static int last_read(const agi_pass *g, uint32_t reg)
{
    for (int k = 0; k < g->nfolds; k++)
        if (g->fold[k].reg == reg) return g->nmicros + 1;
    for (int k = 0; k < g->nstores; k++)
        if (g->store[k].reg == reg) return g->nmicros + 1;
    for (int k = g->nmicros; k-- > 0;)
        if (g->micro[k].a == reg || g->micro[k].b == reg || g->micro[k].c == reg) return k;
    return NO_POSITION;
}

/* Tiles read and write the same elements, and within a tile the last read comes first or is the store itself. */
static int group_allows(const agi_compiler *c, const agi_pass *g, uint32_t in, uint32_t out)
{
    const agi_load *load = NULL;
    const agi_store *store = NULL;
    for (int k = 0; k < g->nloads; k++) {
        if (g->load[k].buffer != in) continue;
        if (load) return 0;
        load = &g->load[k];
    }
    for (int k = 0; k < g->nstores; k++)
        if (g->store[k].buffer == out) store = &g->store[k];
    if (!store) return 0;
    if (!load) return 1;
    if (load->access != AGI_DIRECT || load->walk.offset || load->row != store->row) return 0;
    if (agi_buffer_at(c, in)->bytes != agi_buffer_at(c, out)->bytes) return 0;
    int at = stored_at(g, store), read = last_read(g, load->reg);
    return read < at || (read == at && g->micro[at].kind == AGI_POINT);
}

/* ---- assignments: the new value is written into the parameter itself, or copied there at the end ---------------- */

/* Forbids in place for parameters that somebody reads after the new value is there, or not element by element. */
static void find_late_readers(agi_compiler *c)
{
    for (uint32_t i = 0; i < c->nitems; i++) {
        const agi_item *it = &c->item[i];
        if (it->group == AGI_NONE) continue;
        uint32_t step = agi_fusion_at(c, it->group)->step;
        for (int k = 0, s; (s = agi_sources(c, it, k)) >= 0; k++) {
            agi_item *leaf = &c->item[c->item[s].root];
            if (leaf->kind != AGI_ITEM_LEAF || leaf->onto == AGI_NONE) continue;
            const agi_item *value = &c->item[leaf->onto];
            const agi_fusion *f = agi_fusion_at(c, value->group);
            if (step > f->step) leaf->row = 1;
            if (step != f->step || f->kind == AGI_GROUP_TILE) continue;
            int element_wise = 0;
            if (it->kind == AGI_ITEM_POINT) {
                agi_pattern p = agi_operand_walk(c, it, k);
                element_wise = agi_pattern_flat(&p);
            } else if (it->kind == AGI_ITEM_PRODUCT) {
                element_wise = k == 2 && it->onto != AGI_NONE;
            }
            if (i > leaf->onto || (i == leaf->onto && !element_wise)) leaf->row = 1;
        }
    }
}

static int place_assignments(agi_compiler *c)
{
    find_late_readers(c);
    for (int k = 0; k < c->nassigned; k++) {
        const agi_item *leaf = &c->item[c->assigned[k]], *value = &c->item[leaf->onto];
        const agi_fusion *f = agi_fusion_at(c, value->group);
        int in_place = !leaf->row && !value->held && !c->options->distinct;
        if (in_place && f->kind == AGI_GROUP_TILE)
            in_place = group_allows(c, c->plan->step[f->step].is.group, leaf->buffer, value->buffer);
        if (in_place && f->kind == AGI_GROUP_SINGLE && value->kind == AGI_ITEM_CALL)
            in_place = agi_buffer_at(c, leaf->buffer)->last < f->step;
        if (in_place) {
            agi_buffer_at(c, value->buffer)->shares = leaf->buffer;
            agi_buffer_at(c, leaf->buffer)->taken = 1;
            continue;
        }
        agi_step *s = &c->plan->step[c->plan->nsteps++];
        s->kind = AGI_COPY;
        s->is.copy = (agi_copy){ value->buffer, leaf->buffer };
        agi_buffer_at(c, value->buffer)->last = (uint32_t)c->plan->nsteps - 1;
    }
    return 1;
}

/* ---- temporaries in place --------------------------------------------------------------------------------------- */

static int may_be_taken(const agi_buffer *b, uint32_t step)
{
    return b->role == AGI_VALUE && !b->held && b->last == step && b->first < step && !b->scalar && !b->taken;
}

static void take_over(agi_compiler *c, uint32_t step)
{
    const agi_pass *g = c->plan->step[step].is.group;
    for (int s = 0; s < g->nstores; s++) {
        uint32_t out = g->store[s].buffer;
        agi_buffer *o = agi_buffer_at(c, out);
        if (o->shares != AGI_NONE || o->scalar) continue;
        for (int k = 0; k < g->nloads; k++) {
            uint32_t in = g->load[k].buffer;
            agi_buffer *i = agi_buffer_at(c, in);
            if (i->shares != AGI_NONE && !(agi_buffer_at(c, i->shares)->role == AGI_VALUE)) continue;
            if (!may_be_taken(i, step) || !group_allows(c, g, in, out)) continue;
            o->shares = in;
            i->taken = 1;
            break;
        }
    }
}

/* ---- offsets: first fit by address among the buffers alive at the same time ------------------------------------- */

typedef struct {
    int64_t offset, bytes;
} hole;

typedef struct {
    agi_compiler *c;
    agi_vector holes; /* sorted by offset; the last one is open-ended */
} layout;

static int insert_hole(layout *l, int64_t at, hole h)
{
    if (!agi_vector_grow(l->c->arena.allocator, &l->holes, sizeof h, 1)) return agi_out_of_memory(l->c);
    hole *all = l->holes.data;
    memmove(all + at + 1, all + at, (size_t)(l->holes.count++ - at) * sizeof h);
    all[at] = h;
    return 1;
}

static void remove_hole(layout *l, int64_t at)
{
    hole *all = l->holes.data;
    memmove(all + at, all + at + 1, (size_t)(--l->holes.count - at) * sizeof *all);
}

static int allocate(layout *l, agi_buffer *b)
{
    int64_t bytes = agi_rounded(b->bytes), unit = b->bytes < AGI_ALIGNMENT ? 8 : AGI_ALIGNMENT;
    hole *all = l->holes.data;
    for (int64_t k = 0; k < l->holes.count; k++) {
        int64_t at = (all[k].offset + unit - 1) / unit * unit, skipped = at - all[k].offset;
        if (skipped + bytes > all[k].bytes) continue;
        hole rest = { at + bytes, all[k].bytes - skipped - bytes };
        b->offset = at;
        all[k].bytes = skipped;
        if (rest.bytes && skipped) return insert_hole(l, k + 1, rest);
        if (rest.bytes) all[k] = rest;
        else if (!skipped) remove_hole(l, k);
        return 1;
    }
    return 0;
}

static int give_back(layout *l, int64_t offset, int64_t bytes)
{
    hole *all = l->holes.data;
    int64_t low = 0, high = l->holes.count;
    while (low < high) {
        int64_t middle = (low + high) / 2;
        if (all[middle].offset < offset) low = middle + 1;
        else high = middle;
    }
    int joins_after = low < l->holes.count && offset + bytes == all[low].offset;
    if (low && all[low - 1].offset + all[low - 1].bytes == offset) {
        all[low - 1].bytes += bytes + (joins_after ? all[low].bytes : 0);
        if (joins_after) remove_hole(l, low);
        return 1;
    }
    if (joins_after) {
        all[low].offset = offset;
        all[low].bytes += bytes;
        return 1;
    }
    return insert_hole(l, low, (hole){ offset, bytes });
}

static uint32_t owner(const agi_compiler *c, uint32_t b)
{
    while (agi_buffer_at(c, b)->shares != AGI_NONE) b = agi_buffer_at(c, b)->shares;
    return b;
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
            if (x->role == AGI_CONSTANT || x->role == AGI_LEAF || x->given) continue;
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
            if (!give_back(l, b->offset, agi_rounded(b->bytes))) return 0;
        }
    }
    return 1;
}

/* In place: the owner lives as long as all that share it. */
static void join_lives(agi_compiler *c)
{
    for (uint32_t b = 0; b < (uint32_t)c->buffers.count; b++) {
        const agi_buffer *x = agi_buffer_at(c, b);
        agi_buffer *o = agi_buffer_at(c, owner(c, b));
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
            if (stays && !x->given && x->scalar == scalars && !allocate(l, x)) return 0;
        }
    return 1;
}

/* All that lies in the block, in place or not: where does it end? */
static int64_t find_end(agi_compiler *c)
{
    int64_t end = 0;
    for (uint32_t b = 0; b < (uint32_t)c->buffers.count; b++) {
        agi_buffer *x = agi_buffer_at(c, b);
        x->offset = agi_buffer_at(c, owner(c, b))->offset;
        if (!x->given && x->offset + agi_rounded(x->bytes) > end) end = x->offset + agi_rounded(x->bytes);
    }
    return end;
}

static int assign_offsets(agi_compiler *c)
{
    layout l = { .c = c };
    calendar births, deaths;
    join_lives(c);
    int ok = insert_hole(&l, 0, (hole){ 0, INT64_MAX / 2 }) && place_leaves(&l);
    int64_t start = ok ? find_end(c) : 0;
    ok = ok && make_calendar(c, &births, 0) && make_calendar(c, &deaths, 1) && walk_steps(&l, &births, &deaths);
    agi_release(c->arena.allocator, l.holes.data);
    if (ok && !c->options->distinct) ok = agi_pack(c, start, find_end(c));
    c->plan->block_bytes = find_end(c);
    return ok;
}

/* What shares memory or is addressed by scalar programs needs its own: the loop copies. */
static void keep_own(agi_compiler *c)
{
    for (uint32_t b = 0; b < (uint32_t)c->buffers.count; b++) {
        agi_buffer *x = agi_buffer_at(c, b);
        if (x->scalar || x->taken || x->shares != AGI_NONE) x->given = 0;
    }
}

int agi_lay_out(agi_compiler *c)
{
    if (!place_assignments(c)) return 0;
    if (!c->options->distinct)
        for (int k = 0; k < c->plan->nsteps; k++)
            if (c->plan->step[k].kind == AGI_PASS) take_over(c, (uint32_t)k);
    keep_own(c);
    if (!assign_offsets(c)) return 0;
    for (int k = 0; k < c->plan->nsteps; k++)
        if (c->plan->step[k].kind == AGI_PROGRAM) agi_patch_program(c, c->plan->step[k].is.program);
    return 1;
}
