/* Folds at the end of a tile, and of the blocks' parts.
 *
 * Sums of many elements are as exact as if they were added in pairs: a tile's elements, or some rows of tiles, are
 * added in the pass's own type, and what that gives is added to wide sums, which hardly round at all. */
#include "tile.h"

static char *part_of_block(const agi_tile_run *t, const agi_fold_end *e, int64_t block)
{
    return (char *)t->run->memory[e->partial] + block * agi_part_bytes(t->g, e);
}

/* ---- everything -------------------------------------------------------------------------------------------------- */

static void fold_all(const agi_tile_run *t, const agi_fold_end *e)
{
    double part; /* room for either type */
    char *target = e->partial == AGI_NONE ? t->run->memory[e->buffer] : part_of_block(t, e, t->block);
    int64_t n = e->row ? t->rows : t->rows * t->columns;
    int into = e->wide || !t->opens;
    t->kernels->fold[e->fold](n, t->reg[e->reg], into ? (void *)&part : (void *)target);
    if (e->wide && t->opens) t->kernels->clear(1, target);
    if (e->wide) t->kernels->widen(1, &part, target);
    else if (into) t->kernels->fold_into[e->fold](1, &part, target);
}

/* ---- columns ----------------------------------------------------------------------------------------------------- */

static void fold_columns(const agi_tile_run *t, const agi_fold_end *e)
{
    const agi_pass *g = t->g;
    char *target = e->partial == AGI_NONE ? t->run->memory[e->buffer] : part_of_block(t, e, t->block);
    for (int64_t r = 0; r < t->rows; r++) {
        int64_t row = t->row + r, segment = e->extent == g->rows ? 0 : row / e->extent;
        char *to = target + (segment * g->columns + t->column) * t->size;
        const char *x = t->reg[e->reg] + r * t->columns * t->size;
        int opens = row == t->first_row || (segment * e->extent == row && e->extent != g->rows);
        if (opens) memcpy(to, x, (size_t)(t->columns * t->size));
        else t->kernels->fold_into[e->fold](t->columns, x, to);
    }
}

/* Rows to before `until`, of those from `start` on: to the sums of so many rows. */
static void add_rows(const agi_tile_run *t, const agi_fold_end *e, int64_t row, int64_t until, int64_t start)
{
    char *few = (char *)t->run->memory[e->few] + t->block * agi_few_elements(t->g) * t->size;
    int64_t bytes = t->columns * t->size;
    const char *x = t->reg[e->reg] + (row - t->row) * bytes;
    if (agi_adds_pairs(t->g)) {
        x = t->kernels->add_pairs(until - row, t->columns, x, few + bytes);
        until = row + 1;
    }
    few += t->column * t->size;
    for (; row < until; row++, x += bytes) {
        if (row == start || row % e->every == 0) memcpy(few, x, (size_t)bytes);
        else t->kernels->fold_into[AG_FOLD_SUM](t->columns, x, few);
    }
}

/* To the wide sums. */
static void add_few(const agi_tile_run *t, const agi_fold_end *e, int64_t until, int64_t start)
{
    char *few = (char *)t->run->memory[e->few] + (t->block * agi_few_elements(t->g) + t->column) * t->size;
    char *wide = part_of_block(t, e, t->block) + 2 * t->column * t->size;
    if ((until - 1) / e->every == start / e->every) t->kernels->clear(t->columns, wide);
    t->kernels->widen(t->columns, few, wide);
}

static void add_columns(const agi_tile_run *t, const agi_fold_end *e)
{
    const agi_pass *g = t->g;
    int64_t last = t->row + t->rows, until;
    for (int64_t row = t->row; row < last; row = until) {
        int64_t start = e->extent == g->rows ? t->first_row : row / e->extent * e->extent;
        int64_t end = e->extent == g->rows ? t->end_row : start + e->extent;
        until = end < last ? end : last;
        add_rows(t, e, row, until, start);
        if (until == end || until % e->every == 0) add_few(t, e, until, start);
        if (e->extent == g->rows || until != end) continue;
        t->kernels->narrow(t->columns, part_of_block(t, e, t->block) + 2 * t->column * t->size,
                           (char *)t->run->memory[e->buffer]
                               + (start / e->extent * g->columns + t->column) * t->size);
    }
}

/* ---- long rows: chunk by chunk ----------------------------------------------------------------------------------- */

static void fold_long(const agi_tile_run *t, const agi_fold_end *e)
{
    double part;
    for (int64_t r = 0; r < t->rows; r++) {
        char *to = (char *)t->run->memory[e->buffer] + (t->row + r) * t->size;
        const char *x = t->reg[e->reg] + r * t->columns * t->size;
        t->kernels->fold[e->fold](t->columns, x, t->column ? (void *)&part : (void *)to);
        if (t->column) t->kernels->fold_into[e->fold](1, &part, to);
    }
}

static void add_long(const agi_tile_run *t, const agi_fold_end *e)
{
    double part;
    char *wide = part_of_block(t, e, t->block);
    for (int64_t r = 0; r < t->rows; r++) {
        t->kernels->fold[AG_FOLD_SUM](t->columns, t->reg[e->reg] + r * t->columns * t->size, &part);
        if (!t->column) t->kernels->clear(1, wide);
        t->kernels->widen(1, &part, wide);
        if (t->column + t->columns == t->g->columns)
            t->kernels->narrow(1, wide, (char *)t->run->memory[e->buffer] + (t->row + r) * t->size);
    }
}

/* ------------------------------------------------------------------------------------------------------------------ */

void agi_fold_tile(const agi_tile_run *t, const agi_fold_end *e)
{
    if (e->mode == AGI_FOLD_ALL) fold_all(t, e);
    else if (e->mode == AGI_FOLD_COLUMNS && e->wide) add_columns(t, e);
    else if (e->mode == AGI_FOLD_COLUMNS) fold_columns(t, e);
    else if (e->wide) add_long(t, e);
    else fold_long(t, e);
}

/* Always combined in the same order. */
static void finish(const agi_kernels *kernels, const agi_pass *g, const agi_fold_end *e, char *to, char *part)
{
    int64_t n = e->mode == AGI_FOLD_ALL ? 1 : g->columns, bytes = agi_part_bytes(g, e);
    if (e->wide) {
        for (int64_t b = 1; b < g->blocks; b++) kernels->merge(n, part + b * bytes, part);
        kernels->narrow(n, part, to);
        return;
    }
    int sums = e->fold == AG_FOLD_SUM;
    if (sums) kernels->add_pairs(g->blocks, n, part, part);
    memcpy(to, part, (size_t)bytes);
    for (int64_t b = 1; !sums && b < g->blocks; b++) kernels->fold_into[e->fold](n, part + b * bytes, to);
}

void agi_finish_folds(ag_run *run, const agi_pass *g)
{
    const agi_kernels *kernels = run->kernels[g->dtype == AG_F32 ? AG_F32 : AG_F64];
    for (int k = 0; k < g->nfolds; k++)
        if (agi_ends_late(g, &g->fold[k]))
            finish(kernels, g, &g->fold[k], run->memory[g->fold[k].buffer], run->memory[g->fold[k].partial]);
}
