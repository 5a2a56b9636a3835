/* Folds at the end of a tile, and of the blocks' parts.
 *
 * Sums of many elements are as exact as if they were added in pairs: a tile's elements, or some rows of tiles, are
 * added in the pass's own type, and what that gives is added to wide sums, which hardly round at all. Products of more
 * than a tile's elements are wide ones, whose range does not end. */
#include "tile.h"

static const agi_wide_kernels *wide_kernels(const agi_tile_run *t, const agi_fold_end *e)
{
    return &t->kernels->wide[e->fold];
}

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
    if (e->wide) {
        if (t->opens) wide_kernels(t, e)->clear(1, target);
        wide_kernels(t, e)->gather(n, t->reg[e->reg], target);
        return;
    }
    t->kernels->fold[e->fold](n, t->reg[e->reg], t->opens ? (void *)target : (void *)&part);
    if (!t->opens) t->kernels->fold_into[e->fold](1, &part, target);
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

/* The tile's columns in the block's wide folds. */
static char *wide_columns(const agi_tile_run *t, const agi_fold_end *e)
{
    return part_of_block(t, e, t->block) + t->column * agi_part_size(t->g, e);
}

/* To the wide sums. */
static void add_few(const agi_tile_run *t, const agi_fold_end *e, int64_t until, int64_t start)
{
    char *few = (char *)t->run->memory[e->few] + (t->block * agi_few_elements(t->g) + t->column) * t->size;
    char *wide = wide_columns(t, e);
    if ((until - 1) / e->every == start / e->every) wide_kernels(t, e)->clear(t->columns, wide);
    wide_kernels(t, e)->widen(1, t->columns, few, wide);
}

static void multiply_rows(const agi_tile_run *t, const agi_fold_end *e, int64_t row, int64_t until, int64_t start)
{
    const char *x = t->reg[e->reg] + (row - t->row) * t->columns * t->size;
    if (row == start) wide_kernels(t, e)->clear(t->columns, wide_columns(t, e));
    wide_kernels(t, e)->widen(until - row, t->columns, x, wide_columns(t, e));
}

static void fold_wide_columns(const agi_tile_run *t, const agi_fold_end *e)
{
    const agi_pass *g = t->g;
    int64_t last = t->row + t->rows, until;
    for (int64_t row = t->row; row < last; row = until) {
        int64_t start = e->extent == g->rows ? t->first_row : row / e->extent * e->extent;
        int64_t end = e->extent == g->rows ? t->end_row : start + e->extent;
        until = end < last ? end : last;
        if (e->fold == AG_FOLD_PROD) multiply_rows(t, e, row, until, start);
        else add_rows(t, e, row, until, start);
        if (e->few != AGI_NONE && (until == end || until % e->every == 0)) add_few(t, e, until, start);
        if (e->extent == g->rows || until != end) continue;
        char *to = (char *)t->run->memory[e->buffer] + (start / e->extent * g->columns + t->column) * t->size;
        wide_kernels(t, e)->narrow(t->columns, wide_columns(t, e), to);
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

static void fold_wide_long(const agi_tile_run *t, const agi_fold_end *e)
{
    const agi_wide_kernels *k = wide_kernels(t, e);
    char *wide = part_of_block(t, e, t->block);
    for (int64_t r = 0; r < t->rows; r++) {
        if (!t->column) k->clear(1, wide);
        k->gather(t->columns, t->reg[e->reg] + r * t->columns * t->size, wide);
        if (t->column + t->columns == t->g->columns)
            k->narrow(1, wide, (char *)t->run->memory[e->buffer] + (t->row + r) * t->size);
    }
}

/* ------------------------------------------------------------------------------------------------------------------ */

void agi_fold_tile(const agi_tile_run *t, const agi_fold_end *e)
{
    if (e->mode == AGI_FOLD_ALL) fold_all(t, e);
    else if (e->mode == AGI_FOLD_COLUMNS && e->wide) fold_wide_columns(t, e);
    else if (e->mode == AGI_FOLD_COLUMNS) fold_columns(t, e);
    else if (e->wide) fold_wide_long(t, e);
    else fold_long(t, e);
}

/* A tile's columns together, as they were made. */
static void finish_wide(const agi_kernels *kernels, const agi_pass *g, const agi_fold_end *e, char *to, char *part)
{
    const agi_wide_kernels *k = &kernels->wide[e->fold];
    const int64_t columns = e->mode == AGI_FOLD_ALL ? 1 : g->columns, bytes = agi_part_bytes(g, e);
    for (int64_t c = 0; c < columns; c += g->tile_columns) {
        const int64_t n = columns - c < g->tile_columns ? columns - c : g->tile_columns;
        char *wide = part + c * agi_part_size(g, e);
        for (int64_t b = 1; b < g->blocks; b++) k->merge(n, wide + b * bytes, wide);
        k->narrow(n, wide, to + c * (int64_t)ag_dtype_size(g->dtype));
    }
}

/* Always combined in the same order. */
static void finish(const agi_kernels *kernels, const agi_pass *g, const agi_fold_end *e, char *to, char *part)
{
    int64_t n = e->mode == AGI_FOLD_ALL ? 1 : g->columns, bytes = agi_part_bytes(g, e);
    if (e->wide) {
        finish_wide(kernels, g, e, to, part);
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
