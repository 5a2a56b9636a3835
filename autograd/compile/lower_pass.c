/* A group becomes a pass: loads, micro-operations on registers in creation order, stores, folds; tiles and blocks. */
#include "compile.h"

enum { TILE_BYTES = 24 << 10, SMALLEST_TILE = 64, LARGEST_TILE = 1024,
       BLOCK_POINTS = 1 << 14, MOST_BLOCKS = 64,
       MOST_ADDITIONS = 64, MOST_TILES = 16, /* in a row, in the type of what is added */
       LONG_ROW = 2 << 10, /* bytes: worth a tile of its own */
       STREAM_BYTES = 1 << 20, /* a cache of our own, at most */
       WORTH_THREADS = 1 << 19 /* elements times operations: some 50 us */ };

typedef struct {
    int def, last;   /* micro-operations: defined by (-1: loaded), last read by */
    uint32_t load;   /* or AGI_NONE */
    uint32_t store;  /* or AGI_NONE */
    uint8_t row;
} life; /* a register before it has a place */

typedef struct {
    agi_compiler *c;
    const agi_fusion *f;
    agi_pass *g;
    uint32_t step;
    life *life;
    uint32_t *expanded; /* by register: its full copy, or AGI_NONE */
    uint32_t *free[2];  /* room for slots, full and row ones */
} lowering;

/* ---- registers -------------------------------------------------------------------------------------------------- */

static uint32_t new_register(lowering *l, int def, int row)
{
    uint32_t r = (uint32_t)l->g->nregisters++;
    l->life[r] = (life){ .def = def, .last = def, .load = AGI_NONE, .store = AGI_NONE, .row = (uint8_t)row };
    l->expanded[r] = AGI_NONE;
    return r;
}

static uint32_t use(lowering *l, uint32_t r, int micro)
{
    if (l->life[r].last < micro) l->life[r].last = micro;
    return r;
}

static agi_micro *new_micro(lowering *l, agi_micro_kind kind, int row)
{
    agi_micro *m = &l->g->micro[l->g->nmicros];
    *m = (agi_micro){ .kind = (uint8_t)kind, .row = (uint8_t)row };
    m->out = new_register(l, l->g->nmicros++, row);
    return m;
}

static uint32_t expand(lowering *l, uint32_t r)
{
    if (l->expanded[r] != AGI_NONE) return l->expanded[r];
    agi_micro *m = new_micro(l, AGI_EXPAND, 0);
    m->a = use(l, r, l->g->nmicros - 1);
    return l->expanded[r] = m->out;
}

/* ---- loads ------------------------------------------------------------------------------------------------------ */

static agi_access access_of(const lowering *l, const agi_pattern *p, int row, int same_type)
{
    if (!same_type || p->bounded) return AGI_GATHERED;
    if (p->rank == 0 && l->g->rows * l->g->columns == 1) return AGI_DIRECT;
    if (agi_stands_still(p)) return AGI_UNIFORM;
    if (agi_walks_on(p)) return AGI_DIRECT;
    int repeats = !row && p->rank == 2 && p->dim[1] == l->g->columns && p->stride[0] == 0 && p->stride[1] == 1;
    return repeats ? AGI_REPEAT : AGI_GATHERED;
}

static int same_walk(const agi_pattern *a, const agi_pattern *b)
{
    size_t n = (size_t)a->rank * sizeof a->dim[0];
    if (a->rank != b->rank || a->offset != b->offset || a->bounded != b->bounded) return 0;
    if (memcmp(a->dim, b->dim, n) || memcmp(a->stride, b->stride, n)) return 0;
    return !a->bounded || (!memcmp(a->bounds.from, b->bounds.from, n) && !memcmp(a->bounds.to, b->bounds.to, n));
}

static uint32_t load(lowering *l, uint32_t operand, const agi_pattern *p, int row)
{
    agi_pass *g = l->g;
    uint32_t b = agi_operand_buffer(l->c, operand, l->step);
    agi_load new = { .buffer = b, .row = (uint8_t)row, .dtype = l->c->value[operand].node->dtype, .walk = *p };
    new.access = (uint8_t)access_of(l, p, row, new.dtype == g->dtype);
    for (int k = g->nloads; k-- > 0 && k > g->nloads - 64;) {
        const agi_load *old = &g->load[k];
        if (old->buffer == b && old->row == row && same_walk(&old->walk, p)) return old->reg;
    }
    new.reg = new_register(l, -1, row);
    l->life[new.reg].load = (uint32_t)g->nloads;
    g->load[g->nloads++] = new;
    return new.reg;
}

/* The register that holds operand k of a value, loaded or expanded from a row register if need be. */
static uint32_t operand_register(lowering *l, const agi_value *it, int k, int row)
{
    const agi_compiler *c = l->c;
    uint32_t s = it->in[k], root = c->value[s].root;
    if (c->value[root].group == it->group) {
        uint32_t r = l->c->lowering.reg_of[root];
        return l->life[r].row && !row ? expand(l, r) : r;
    }
    agi_pattern p = agi_operand_walk(c, it, k);
    int last = p.rank - 1;
    if (!row && !p.bounded && p.rank > 1 && p.stride[last] == 0 && p.dim[last] == l->g->columns) {
        p.rank--;
        return expand(l, load(l, s, &p, 1));
    }
    return load(l, s, &p, row);
}

/* ---- members ---------------------------------------------------------------------------------------------------- */

static void lower_point(lowering *l, uint32_t i)
{
    const agi_value *it = &l->c->value[i];
    uint32_t in[3] = { 0, 0, 0 };
    for (int k = 0; k < it->nin; k++) in[k] = operand_register(l, it, k, it->row);
    if (!it->op) { /* a copy: the register itself */
        l->c->lowering.reg_of[i] = in[0];
        return;
    }
    agi_micro *m = new_micro(l, AGI_POINT, it->row);
    m->op = it->op;
    m->a = use(l, in[0], l->g->nmicros - 1);
    m->b = it->nin > 1 ? use(l, in[1], l->g->nmicros - 1) : m->a;
    m->c = it->nin > 2 ? use(l, in[2], l->g->nmicros - 1) : m->a;
    l->c->lowering.reg_of[i] = m->out;
}

static void lower_fold(lowering *l, uint32_t i)
{
    const agi_value *it = &l->c->value[i];
    agi_pass *g = l->g;
    const ag_node *x = l->c->value[it->in[0]].node;
    ag_extents s = ag_split_at(x, ((const ag_axis_attribute *)it->node->attribute)->axis);
    int of_rows = ag_count(x) != g->rows * g->columns;
    uint32_t in = operand_register(l, it, 0, of_rows);
    if (it->row) {
        agi_micro *m = new_micro(l, AGI_FOLD_ROWS, 1);
        m->op = it->node->op;
        m->fold = (uint8_t)it->node->op->fold;
        m->a = use(l, in, g->nmicros - 1);
        l->c->lowering.reg_of[i] = m->out;
        return;
    }
    agi_fold_end *e = &g->fold[g->nfolds++];
    *e = (agi_fold_end){ .buffer = it->buffer, .partial = AGI_NONE, .few = AGI_NONE, .reg = in, .row = (uint8_t)of_rows,
                         .fold = (uint8_t)it->node->op->fold, .extent = s.extent };
    e->mode = s.extent == ag_count(x) ? AGI_FOLD_ALL : s.inner > 1 ? AGI_FOLD_COLUMNS : AGI_FOLD_LONG;
    l->life[in].last = INT32_MAX;
    agi_touch(l->c, it->buffer, l->step);
}

static void lower_store(lowering *l, uint32_t i)
{
    const agi_value *it = &l->c->value[i];
    if (!it->stored || (it->kind == AGI_VALUE_FOLD && !it->row)) return;
    uint32_t r = l->c->lowering.reg_of[i], s = (uint32_t)l->g->nstores++;
    const agi_inlay *at = it->inlaid ? agi_inlay_of(l->c, i) : NULL;
    l->g->store[s] = (agi_store){ .buffer = it->buffer, .reg = r, .row = l->life[r].row, .inlaid = at != NULL,
                                  .offset = at ? at->offset : 0, .stride = at ? at->stride : 1 };
    agi_touch(l->c, it->buffer, l->step);
    life *v = &l->life[r];
    if (at) v->last = INT32_MAX, l->g->inlays++;
    int own = v->load == AGI_NONE || l->g->load[v->load].access == AGI_GATHERED;
    if (own && !at && v->store == AGI_NONE) v->store = s; /* computed where it is stored, else copied at the end of the tile */
}

/* ---- places: scratch slots by lifetime -------------------------------------------------------------------------- */

typedef struct {
    uint32_t *free;
    uint32_t nfree, count;
} slots;

static uint32_t take_slot(slots *s)
{
    return s->nfree ? s->free[--s->nfree] : s->count++;
}

static int invariant(const lowering *l, const life *v)
{
    uint8_t access = l->g->load[v->load].access;
    return access == AGI_UNIFORM || access == AGI_REPEAT;
}

static void place(lowering *l, slots pool[2], uint32_t r)
{
    const life *v = &l->life[r];
    agi_register *reg = &l->g->reg[r];
    *reg = (agi_register){ .place = AGI_SCRATCH, .row = v->row };
    if (v->store != AGI_NONE) {
        reg->place = AGI_STORED;
        reg->slot = v->store;
    } else if (v->load != AGI_NONE && l->g->load[v->load].access == AGI_DIRECT) {
        reg->place = AGI_LOADED;
        reg->slot = v->load;
    } else {
        reg->slot = take_slot(&pool[v->row]);
    }
}

static void retire(lowering *l, slots pool[2], uint32_t r, int micro)
{
    const life *v = &l->life[r];
    if (v->last != micro || l->g->reg[r].place != AGI_SCRATCH) return;
    if (v->load != AGI_NONE && invariant(l, v)) return; /* filled once for all tiles */
    l->life[r].last = -2;                              /* once */
    pool[v->row].free[pool[v->row].nfree++] = l->g->reg[r].slot;
}

static void place_registers(lowering *l)
{
    agi_pass *g = l->g;
    slots pool[2] = { { .free = l->free[0] }, { .free = l->free[1] } };
    for (int k = 0; k < g->nregisters; k++)
        if (l->life[k].def < 0) place(l, pool, (uint32_t)k);
    for (int k = 0; k < g->nmicros; k++) {
        const agi_micro *m = &g->micro[k];
        int in_place = m->kind == AGI_POINT;
        if (!in_place) place(l, pool, m->out);
        retire(l, pool, m->a, k);
        retire(l, pool, m->b, k);
        retire(l, pool, m->c, k);
        if (in_place) place(l, pool, m->out);
        if (l->life[m->out].last == k) retire(l, pool, m->out, k);
    }
    g->full_slots = (int)pool[0].count;
    g->row_slots = (int)pool[1].count;
}

/* ---- tiles and blocks ------------------------------------------------------------------------------------------- */

/* Rows that a broadcast operand suggests, where no fold asks for any; or long ones that memory has, which then need no
 * copying. */
static int64_t suggested_columns(const lowering *l)
{
    const agi_compiler *c = l->c;
    int64_t long_rows = 0, size = (int64_t)ag_dtype_size(l->g->dtype);
    for (uint32_t m = 0; m < l->f->members; m++) {
        const agi_value *it = &c->value[c->value_list[l->f->start + m]];
        for (int k = 0; k < it->nin; k++) {
            if (c->value[c->value[it->in[k]].root].group == it->group) continue;
            agi_pattern p = agi_operand_walk(c, it, k);
            if (p.rank == 2 && !p.bounded && (p.stride[1] == 0 || (p.stride[0] == 0 && p.stride[1] == 1)))
                return p.dim[1];
            int last = p.rank - 1;
            if (last > 0 && p.stride[last] == 1 && p.dim[last] * size >= LONG_ROW) long_rows = p.dim[last];
        }
    }
    return long_rows;
}

static void choose_tiles(lowering *l)
{
    agi_pass *g = l->g;
    int64_t size = (int64_t)ag_dtype_size(g->dtype), live = g->full_slots + g->nstores / 2 + 1;
    int64_t tile = TILE_BYTES / (live * size) / 32 * 32;
    int folds_rows = 0, by_rows = 0;
    if (tile < SMALLEST_TILE) tile = SMALLEST_TILE;
    if (tile > LARGEST_TILE) tile = LARGEST_TILE;
    if (g->nfolds) tile = AGI_FOLD_TILE; /* folded tile by tile: bits do not depend on what else the pass computes */
    for (int k = 0; k < g->nmicros; k++) folds_rows |= g->micro[k].kind == AGI_FOLD_ROWS;
    g->tile_rows = g->columns < tile ? tile / g->columns : 1;
    if (g->tile_rows > g->rows) g->tile_rows = g->rows;
    g->tile_columns = folds_rows || g->columns < tile ? g->columns : tile;
    g->row_tiles = (g->rows + g->tile_rows - 1) / g->tile_rows;
    g->column_tiles = (g->columns + g->tile_columns - 1) / g->tile_columns;
    g->blocks = g->rows * g->columns / BLOCK_POINTS;
    if (g->blocks > MOST_BLOCKS) g->blocks = MOST_BLOCKS;
    for (int k = 0; k < g->nfolds; k++) {
        const agi_fold_end *e = &g->fold[k];
        by_rows |= e->mode != AGI_FOLD_ALL;
        if (e->mode == AGI_FOLD_COLUMNS && e->extent != g->rows) g->blocks = 1;
        if (e->mode == AGI_FOLD_COLUMNS && g->blocks > g->rows / 16) g->blocks = g->rows / 16;
    }
    int64_t most = by_rows ? g->row_tiles : g->row_tiles * g->column_tiles;
    if (g->blocks > most) g->blocks = most;
    if (g->blocks < 1) g->blocks = 1;
    g->whole_rows = by_rows;
    double points = (double)g->rows * (double)g->columns, moves = g->nloads + g->nstores;
    g->streams = points * (double)size * moves > STREAM_BYTES;
    g->worth_threads = g->blocks > 1 && points * (g->nmicros + moves) > WORTH_THREADS;
}

static uint32_t work_buffer(lowering *l, ag_dtype dtype, int64_t bytes)
{
    uint32_t b = agi_new_buffer(l->c, AGI_WORK, NULL, dtype, bytes);
    if (b != AGI_NONE) agi_touch(l->c, b, l->step);
    return b;
}

/* Does a sum take more additions one after the other than rounding errors should grow by? Products of what is in one
 * tile, or in its rows, need none. */
static int needs_wide(const agi_pass *g, const agi_fold_end *e)
{
    if (e->fold == AG_FOLD_PROD) return e->mode != AGI_FOLD_ALL || g->row_tiles * g->column_tiles > 1;
    if (e->fold != AG_FOLD_SUM) return 0;
    if (e->mode == AGI_FOLD_COLUMNS) return e->extent > MOST_ADDITIONS * (e->extent == g->rows ? g->blocks : 1);
    return e->mode == AGI_FOLD_LONG || g->row_tiles * g->column_tiles > MOST_TILES;
}

static int give_partials(lowering *l)
{
    agi_pass *g = l->g;
    for (int k = 0; k < g->nfolds; k++) {
        agi_fold_end *e = &g->fold[k];
        e->wide = (uint8_t)needs_wide(g, e);
        e->every = g->tile_rows < MOST_ADDITIONS ? MOST_ADDITIONS / g->tile_rows * g->tile_rows : g->tile_rows;
        if (!e->wide && (g->blocks == 1 || e->mode == AGI_FOLD_LONG)) continue;
        e->partial = work_buffer(l, e->wide ? AG_F64 : g->dtype, g->blocks * agi_part_bytes(g, e));
        if (e->partial == AGI_NONE) return 0;
        if (!e->wide || e->mode != AGI_FOLD_COLUMNS || e->fold != AG_FOLD_SUM) continue;
        e->few = work_buffer(l, g->dtype, g->blocks * agi_few_elements(g) * (int64_t)ag_dtype_size(g->dtype));
        if (e->few == AGI_NONE) return 0;
    }
    return 1;
}

/* For the most there can be, one pass after the other in the same memory; keep() moves what there is to the plan. */
static int room(lowering *l)
{
    agi_pass *g = l->g;
    agi_vector *all = &l->c->lowering.room;
    const size_t n = l->f->members, most = 8 * n;
    const size_t each = 3 * sizeof *g->load + 4 * sizeof *g->micro + sizeof *g->store + sizeof *g->fold;
    const size_t bytes = n * each + most * (sizeof *l->life + sizeof *l->expanded + 2 * sizeof *l->free[0]);
    if (!agi_vector_grow(l->c->arena.allocator, all, 1, (int64_t)bytes)) return 0;
    g->load = all->data;
    g->micro = (agi_micro *)(g->load + 3 * n);
    g->fold = (agi_fold_end *)(g->micro + 4 * n);
    g->store = (agi_store *)(g->fold + n);
    l->life = (life *)(g->store + n);
    l->expanded = (uint32_t *)(l->life + most);
    l->free[0] = l->expanded + most;
    l->free[1] = l->free[0] + most;
    return 1;
}

static int keep(lowering *l)
{
    agi_pass *g = l->g;
    agi_arena *plan = &l->c->plan->arena;
    g->load = agi_arena_copy(plan, g->load, (size_t)g->nloads * sizeof *g->load);
    g->micro = agi_arena_copy(plan, g->micro, (size_t)g->nmicros * sizeof *g->micro);
    g->store = agi_arena_copy(plan, g->store, (size_t)g->nstores * sizeof *g->store);
    g->fold = agi_arena_copy(plan, g->fold, (size_t)g->nfolds * sizeof *g->fold);
    g->reg = agi_arena_take(plan, (size_t)g->nregisters * sizeof *g->reg);
    return g->load && g->micro && g->store && g->fold && g->reg;
}

agi_pass *agi_lower_pass(agi_compiler *c, const agi_fusion *f, uint32_t step)
{
    agi_pass *g = agi_arena_zeros(&c->plan->arena, 1, sizeof *g);
    lowering l = { .c = c, .f = f, .g = g, .step = step };
    if (!g || !room(&l)) return agi_out_of_memory(c), NULL;
    g->dtype = (ag_dtype)f->dtype;
    int64_t columns = f->columns ? f->columns : suggested_columns(&l);
    g->columns = columns && f->points % columns == 0 ? columns : f->points;
    g->rows = f->points / g->columns;
    for (uint32_t m = 0; m < f->members; m++) {
        uint32_t i = c->value_list[f->start + m];
        if (c->value[i].kind == AGI_VALUE_FOLD) lower_fold(&l, i);
        else lower_point(&l, i);
    }
    for (uint32_t m = 0; m < f->members; m++) lower_store(&l, c->value_list[f->start + m]);
    if (!keep(&l)) return agi_out_of_memory(c), NULL;
    place_registers(&l);
    choose_tiles(&l);
    return give_partials(&l) ? g : NULL;
}
