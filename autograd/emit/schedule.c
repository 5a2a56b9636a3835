/* Decides what happens when in a tile of a pass, and which registers need memory for it: see schedule.h. */
#include "schedule.h"

#include <stdlib.h>

int agi_is_special(const agi_micro *m)
{
    return m->kind == AGI_POINT && agi_calls_of(m->op) == AGI_CALLS_OWN;
}

/* ---- loads ------------------------------------------------------------------------------------------------------- */

/* Perhaps from another type. */
static int is_uniform(const agi_load *l)
{
    return l->access == AGI_UNIFORM || (l->access == AGI_GATHERED && agi_stands_still(&l->walk));
}

static int is_cast(const agi_pass *g, const agi_load *l) /* element by element from another type */
{
    return l->access == AGI_GATHERED && l->dtype != g->dtype && agi_walks_on(&l->walk);
}

/* Element by element, but for zeros at one end or both. */
static int is_bounded(const agi_pass *g, const agi_load *l)
{
    return l->walk.bounded && !l->row && l->dtype == g->dtype && l->walk.rank == 1 && l->walk.stride[0] == 1;
}

static void place_load(agi_schedule *s, int k, const uint8_t *folded)
{
    const agi_load *l = &s->g->load[k];
    agi_scheduled *v = &s->value[l->reg];
    v->load = k;
    v->row = l->row;
    v->when = AGI_AT_GATHER;
    v->uniform = (uint8_t)is_uniform(l);
    int in_place = !folded[l->reg] || s->g->tile_rows == 1;
    if (l->access == AGI_DIRECT || (is_cast(s->g, l) && !folded[l->reg])) v->home = AGI_HOME_LOAD;
    else if (s->one_by_one && is_bounded(s->g, l) && !folded[l->reg]) v->home = AGI_HOME_BOUNDS;
    else if (l->access == AGI_REPEAT && s->by_rows && in_place) v->home = AGI_HOME_ROW;
    else if (!v->uniform || folded[l->reg]) v->home = AGI_HOME_ARRAY;
    v->invariant = v->home == AGI_HOME_ARRAY && (v->uniform || l->access == AGI_REPEAT);
    if (v->home == AGI_HOME_ARRAY) v->uniform = 0;
}

/* Row by row where rows are long, or whole vectors; else values a row are expanded and all rows are one loop. */
static int goes_by_rows(const agi_pass *g)
{
    enum { VECTOR = 16, SHORT = 32, LONG = 256 };
    int rows = 0;
    for (int k = 0; k < g->nmicros; k++) rows |= g->micro[k].kind == AGI_EXPAND;
    for (int k = 0; k < g->nloads; k++) rows |= g->load[k].access == AGI_REPEAT;
    if (!rows) return 0;
    if (g->tile_rows == 1) return 1;
    return g->columns >= LONG || (g->columns >= SHORT && g->columns % VECTOR == 0);
}

/* ---- micro-operations -------------------------------------------------------------------------------------------- */

/* The first stage in which a loop of this kind may read the value. */
static int available(const agi_scheduled *v, agi_strip_kind reader)
{
    if (v->when < 0) return 0;
    int stage = agi_stage_of(v->when), loop = agi_strip_of(v->when);
    if (loop == AGI_STRIP_FOLDS) return stage + 1;
    if (loop == AGI_STRIP_FULL) return stage + (reader == AGI_STRIP_SPECIAL);
    return stage + (loop == AGI_STRIP_SPECIAL && reader != AGI_STRIP_FOLDS);
}

static void read_at(agi_schedule *s, uint32_t reg, agi_time when)
{
    agi_scheduled *v = &s->value[reg];
    if (v->uniform) return;
    if (v->expanded) v = &s->value[v->of];
    if (v->when != when) v->wanted = 1;
    if (v->last < when) v->last = when;
}

static const agi_scheduled *source(const agi_schedule *s, uint32_t reg)
{
    const agi_scheduled *v = &s->value[reg];
    return v->expanded ? &s->value[v->of] : v;
}

static void place_expand(agi_schedule *s, const agi_micro *m, int folded)
{
    const agi_scheduled *row = &s->value[m->a];
    agi_scheduled *v = &s->value[m->out];
    if (row->uniform && !folded) {
        v->uniform = 1;
        v->load = row->load;
    } else if (s->by_rows && !folded) {
        v->expanded = 1;
        v->of = m->a;
        v->when = agi_time_of(available(row, AGI_STRIP_ROWS), AGI_STRIP_ROWS);
    } else {
        v->when = agi_time_of(available(row, AGI_STRIP_ROWS), AGI_STRIP_EXPAND);
        v->home = AGI_HOME_ARRAY;
        read_at(s, m->a, v->when);
    }
}

static void place_micro(agi_schedule *s, int k, const uint8_t *folded)
{
    const agi_micro *m = &s->g->micro[k];
    agi_scheduled *v = &s->value[m->out];
    v->micro = k;
    v->row = s->g->reg[m->out].row;
    if (m->kind == AGI_EXPAND) {
        place_expand(s, m, folded[m->out]);
        return;
    }
    agi_strip_kind loop = m->kind == AGI_FOLD_ROWS ? AGI_STRIP_FOLDS : v->row ? AGI_STRIP_ROWS
                         : agi_is_special(m) ? AGI_STRIP_SPECIAL : AGI_STRIP_FULL;
    const uint32_t in[3] = { m->a, m->b, m->c };
    int n = m->kind == AGI_FOLD_ROWS ? 1 : m->op->inputs, stage = 0;
    for (int i = 0; i < n; i++) {
        int at = available(source(s, in[i]), loop);
        if (at > stage) stage = at;
    }
    v->when = agi_time_of(stage, loop);
    for (int i = 0; i < n; i++) read_at(s, in[i], v->when);
    if (m->kind == AGI_FOLD_ROWS) v->wanted = 1;
}

/* ---- stores ------------------------------------------------------------------------------------------------------ */

/* When the value can be stored: where it is made, or in the first loop that can copy it. */
static agi_time natural_time(const agi_scheduled *v)
{
    int loop = v->row ? AGI_STRIP_ROWS : AGI_STRIP_FULL, made = v->when < 0 ? AGI_STRIP_FOLDS : agi_strip_of(v->when);
    if (v->uniform || v->invariant || agi_is_loaded(v)) return agi_time_of(0, loop);
    if (v->expanded) return agi_time_of(agi_stage_of(v->when), loop);
    int copied = v->store >= 0 && (made == AGI_STRIP_FOLDS || made == AGI_STRIP_EXPAND);
    return copied ? agi_time_of(available(v, (agi_strip_kind)loop), loop) : v->when;
}

/* A store into memory that a load is still to be read from waits for that. */
static agi_time store_time(const agi_schedule *s, const agi_store *store)
{
    const agi_scheduled *v = &s->value[store->reg];
    int loop = v->row ? AGI_STRIP_ROWS : AGI_STRIP_FULL, when = natural_time(v);
    for (int k = 0; k < s->g->nloads; k++) {
        const agi_load *l = &s->g->load[k];
        const agi_scheduled *read = &s->value[l->reg];
        if (!agi_same_memory(s->plan, l->buffer, store->buffer) || read->last <= when) continue;
        when = agi_time_of(agi_stage_of(read->last) + (agi_strip_of(read->last) > loop), loop);
    }
    return when;
}

static void place_store(agi_schedule *s, int k)
{
    const agi_store *store = &s->g->store[k];
    agi_scheduled *v = &s->value[store->reg];
    agi_time when = store_time(s, store);
    s->store_when[k] = when;
    int made_here = !v->uniform && !v->invariant && !v->expanded && !agi_is_loaded(v);
    if (made_here && v->when == when && v->store < 0 && !store->inlaid) v->store = k;
    else read_at(s, store->reg, when);
}

/* What others read lives where it is stored, or in an array. */
static void give_home(agi_scheduled *v)
{
    int loop = v->when < 0 ? AGI_STRIPS : agi_strip_of(v->when);
    int written = loop == AGI_STRIP_FOLDS || loop == AGI_STRIP_EXPAND || (v->when < 0 && v->home == AGI_HOME_ARRAY);
    if (v->uniform || v->expanded || agi_is_loaded(v) || v->invariant) return;
    if (v->micro < 0 && v->load < 0) return; /* a register that nothing defines */
    if (v->store >= 0 && (v->wanted || written)) v->home = AGI_HOME_STORE;
    else if (v->wanted || written) v->home = AGI_HOME_ARRAY;
}

/* ---- arrays ------------------------------------------------------------------------------------------------------ */

static int by_time(const void *a, const void *b)
{
    const agi_scheduled *x = *(const agi_scheduled *const *)a, *y = *(const agi_scheduled *const *)b;
    int earlier = (x->when > y->when) - (x->when < y->when);
    if (x->invariant != y->invariant) earlier = y->invariant - x->invariant;
    return earlier ? earlier : (x > y) - (x < y);
}

static void give_slots(agi_scheduled **all, int n, int *until, int row, int *slots)
{
    *slots = 0;
    for (int k = 0; k < n; k++) {
        agi_scheduled *v = all[k];
        if (v->row != row) continue;
        for (v->slot = 0; v->slot < *slots && until[v->slot] >= v->when; v->slot++) {}
        if (v->slot == *slots) ++*slots;
        until[v->slot] = v->invariant ? AGI_AT_END : v->last > v->when ? v->last : v->when;
    }
}

static int place_arrays(agi_schedule *s, agi_arena *arena)
{
    size_t most = (size_t)s->g->nregisters;
    agi_scheduled **all = agi_arena_take(arena, most * sizeof *all);
    int *until = agi_arena_take(arena, most * sizeof *until), n = 0;
    if (!all || !until) return 0;
    for (int r = 0; r < s->g->nregisters; r++)
        if (s->value[r].home == AGI_HOME_ARRAY) all[n++] = &s->value[r];
    qsort(all, (size_t)n, sizeof *all, by_time);
    give_slots(all, n, until, 0, &s->full_slots);
    give_slots(all, n, until, 1, &s->row_slots);
    return 1;
}

/* ---- the whole --------------------------------------------------------------------------------------------------- */

static void count_stages(agi_schedule *s)
{
    s->stages = 1;
    for (int r = 0; r < s->g->nregisters; r++)
        if (agi_stage_of(s->value[r].when) >= s->stages) s->stages = agi_stage_of(s->value[r].when) + 1;
    for (int k = 0; k < s->g->nstores; k++)
        if (agi_stage_of(s->store_when[k]) >= s->stages) s->stages = agi_stage_of(s->store_when[k]) + 1;
}

/* Sums and extrema of everything can be accumulated where their operand is computed, unless rows come one by one, or a
 * tile has more elements than lanes should take one after the other. */
static void place_fold(agi_schedule *s, int k, int in_loops)
{
    enum { MOST_ELEMENTS = 1024 };
    const agi_fold_end *e = &s->g->fold[k];
    const agi_scheduled *v = &s->value[e->reg];
    int computed = v->micro >= 0 && !v->uniform && !v->expanded && agi_strip_of(v->when) == AGI_STRIP_FULL;
    int flat = !e->row && e->mode == AGI_FOLD_ALL && !(s->by_rows && s->g->tile_rows > 1);
    flat &= e->fold != AG_FOLD_PROD && s->g->tile_rows * s->g->tile_columns <= MOST_ELEMENTS;
    s->fold_when[k] = in_loops && computed && flat ? v->when : AGI_AT_END;
    read_at(s, e->reg, s->fold_when[k]);
}

/* Loops that take vectors, for functions or folds, find their operands in memory. */
static int goes_one_by_one(const agi_schedule *s, int in_loops)
{
    int vectors = in_loops && s->g->nfolds;
    for (int k = 0; k < s->g->nmicros && !vectors; k++) {
        const agi_micro *m = &s->g->micro[k];
        vectors = m->kind == AGI_POINT && in_loops && agi_calls_of(m->op);
    }
    return !vectors && !s->by_rows;
}

int agi_make_schedule(agi_schedule *s, agi_arena *arena, const ag_plan *plan, const agi_pass *g, int in_loops)
{
    uint8_t *folded = agi_arena_zeros(arena, (size_t)g->nregisters, 1);
    *s = (agi_schedule){ .g = g, .plan = plan, .by_rows = goes_by_rows(g) };
    s->one_by_one = goes_one_by_one(s, in_loops);
    s->value = agi_arena_take(arena, (size_t)g->nregisters * sizeof *s->value);
    s->store_when = agi_arena_take(arena, (size_t)g->nstores * sizeof *s->store_when);
    s->fold_when = agi_arena_take(arena, (size_t)g->nfolds * sizeof *s->fold_when);
    if (!folded || !s->value || !s->store_when || !s->fold_when) return 0;
    for (int k = 0; k < g->nfolds; k++) folded[g->fold[k].reg] = 1;
    for (int k = 0; k < g->nmicros; k++)
        if (g->micro[k].kind == AGI_FOLD_ROWS) folded[g->micro[k].a] = 1;
    for (int r = 0; r < g->nregisters; r++)
        s->value[r] = (agi_scheduled){ .load = -1, .micro = -1, .store = -1, .when = AGI_AT_GATHER,
                                      .last = AGI_AT_GATHER };
    for (int k = 0; k < g->nloads; k++) place_load(s, k, folded);
    for (int k = 0; k < g->nmicros; k++) place_micro(s, k, folded);
    for (int k = 0; k < g->nfolds; k++) place_fold(s, k, in_loops);
    for (int k = 0; k < g->nstores; k++) place_store(s, k);
    for (int r = 0; r < g->nregisters; r++) give_home(&s->value[r]);
    count_stages(s);
    return place_arrays(s, arena);
}
