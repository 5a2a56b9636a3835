/* Products with one large matrix, and the passes between them, are done together, some rows of the matrix at a time:
 * it comes from memory once, not once for each product. What one step of a band leaves to another goes along the rows
 * as well, in both of them, so that it is there in time; what does not, as the sum over all rows, is read by no other.
 *
 * Other steps between its first and its last one are done before it, if they need nothing of it, or after it.
 *
 * Everything that the steps of a band use lives from its beginning to its end, and nothing is computed in place there:
 * the last rows of the first step are done after the first ones of the last. Its sums have the bits that they have
 * when the steps are done one after the other, which runs with threads do. */
#include "compile.h"

enum {
    LARGE = 1 << 20,         /* bytes: what does not stay in the second cache until it is read again, */
    NEAR = 1 << 19,          /* and those of rows that do */
    MOST_STEPS = 32,         /* from a band's first to its last */
    MOST_POINTS = 1 << 12    /* of a tile */
};

/* Heights: of a pass that folds, whose tiles are so long in any case; of others. Blocks of row sums divide both. */
static const int64_t heights[] = { AGI_FOLD_TILE, AGI_SUM_BLOCK };

typedef struct {
    uint32_t buffer;
    int64_t offset, row, rows, columns; /* in elements; its columns are neighbours */
} matrix;

typedef struct {
    agi_compiler *c;
    matrix x;
    int64_t height;
    int first, end;          /* end: behind the last member */
    uint8_t along[MOST_STEPS]; /* agi_along of members that are products */
    uint8_t role[MOST_STEPS];  /* agi_role_in_band */
    int products;
    agi_vector uses;
} band;

static const agi_step *step_at(const band *b, int k)
{
    return &b->c->plan->step[k];
}

/* ---- the matrix -------------------------------------------------------------------------------------------------- */

static int64_t elements(const matrix *x)
{
    return x->rows * x->columns;
}

/* The larger operand, if it goes by rows that are apart: what of the product goes along these. */
static agi_along find_matrix(const agi_product *p, matrix *x)
{
    const agi_product_of of = agi_matrices_of(p);
    matrix a = { p->a, p->a_stride.offset, of.a_row, of.rows, of.inner };
    matrix b = { p->b, p->b_stride.offset, of.b_row, of.inner, of.columns };
    agi_along along_a = AGI_BAND_ROWS, along_b = AGI_BAND_INNER;
    if (p->axes || p->onto != AGI_NONE) return AGI_NO_BAND;
    if (of.a_column != 1) a.row = of.a_column, a.rows = of.inner, a.columns = of.rows, along_a = AGI_BAND_INNER;
    if (of.b_column != 1) b.row = of.b_column, b.rows = of.columns, b.columns = of.inner, along_b = AGI_BAND_COLUMNS;
    const int first = elements(&a) >= elements(&b);
    *x = first ? a : b;
    const int neighbours = first ? of.a_column == 1 || of.a_row == 1 : of.b_column == 1 || of.b_row == 1;
    if (!neighbours || x->columns < 2 || x->row < x->columns) return AGI_NO_BAND;
    const agi_along along = first ? along_a : along_b;
    return along == AGI_BAND_INNER && p->reading.way != AGI_ROW_SUMS ? AGI_NO_BAND : along;
}

static int same_matrix(const matrix *a, const matrix *b)
{
    return a->buffer == b->buffer && a->offset == b->offset && a->row == b->row && a->rows == b->rows &&
           a->columns == b->columns;
}

/* ---- what goes along the rows ------------------------------------------------------------------------------------ */

enum { NOT_READ = -1, ACROSS = -2 }; /* instead of elements a row */

/* How many elements of what the step writes to the buffer belong to each row of the matrix, in their order. */
static int64_t written_a_row(const band *b, int k, uint32_t buffer)
{
    const agi_step *s = step_at(b, k);
    if (s->kind == AGI_PRODUCT) {
        const ag_node *y = s->is.product->node;
        const int64_t rows = y->dim[y->rank - 2], columns = y->dim[y->rank - 1];
        const agi_along along = (agi_along)b->along[k - b->first];
        if (along == AGI_BAND_ROWS) return columns;
        return along == AGI_BAND_COLUMNS && rows == 1 ? 1 : ACROSS;
    }
    const agi_pass *g = s->is.pass;
    for (int i = 0; i < g->nstores; i++)
        if (g->store[i].buffer == buffer) return g->store[i].row ? 1 : g->rows * g->columns / b->x.rows;
    return ACROSS;
}

static int64_t read_by_pass(const band *b, const agi_pass *g, uint32_t buffer)
{
    int64_t found = NOT_READ;
    for (int i = 0; i < g->nloads; i++) {
        const agi_load *l = &g->load[i];
        if (l->buffer != buffer) continue;
        const int64_t here = l->access != AGI_DIRECT || l->walk.offset ? ACROSS
                             : l->row ? 1 : g->rows * g->columns / b->x.rows;
        found = found == NOT_READ || found == here ? here : ACROSS;
    }
    return found;
}

/* Of a product's small operand: `row` from one row of the matrix to the next, `n` elements for each. */
static int64_t read_by_product(const agi_product *p, agi_along along, uint32_t buffer)
{
    const agi_product_of of = agi_matrices_of(p);
    if (p->scale == buffer) return ACROSS;
    if (p->b == buffer && along == AGI_BAND_INNER && !p->b_stride.offset && (of.columns == 1 || of.b_column == 1) &&
        of.b_row == of.columns) return of.columns;
    if (p->a == buffer && along == AGI_BAND_INNER && !p->a_stride.offset && (of.rows == 1 || of.a_row == 1) &&
        of.a_column == of.rows) return of.rows;
    return p->a == buffer || p->b == buffer ? ACROSS : NOT_READ;
}

static int64_t read_a_row(const band *b, int k, uint32_t buffer, agi_along along)
{
    const agi_step *s = step_at(b, k);
    return s->kind == AGI_PASS ? read_by_pass(b, s->is.pass, buffer) : read_by_product(s->is.product, along, buffer);
}

/* ---- members ----------------------------------------------------------------------------------------------------- */

/* Rows in tiles as high as the band; of folds, those of everything, element by element. */
static int pass_fits(const band *b, const agi_pass *g)
{
    const int64_t points = g->rows * g->columns, a_row = points / b->x.rows;
    if (points % b->x.rows || a_row * b->height > MOST_POINTS || g->inlays) return 0;
    if (g->rows != 1 && (g->rows != b->x.rows || g->tile_columns != g->columns)) return 0;
    for (int i = 0; i < g->nfolds; i++)
        if (g->fold[i].mode != AGI_FOLD_ALL || g->rows != 1 || g->tile_columns != b->height || a_row != 1) return 0;
    for (int i = 0; g->rows == 1 && i < g->nloads; i++)
        if (g->load[i].row) return 0;
    return 1;
}

/* Does a step of the band's range, before step k, write what several do? */
static int is_written_since(const band *b, int k, uint32_t buffer)
{
    for (int j = b->first; j < k; j++) {
        const agi_step *s = step_at(b, j);
        if (s->kind == AGI_CALL && s->is.call->out == buffer) return 1;
        for (int i = 0; s->kind == AGI_PASS && i < s->is.pass->nstores; i++)
            if (s->is.pass->store[i].buffer == buffer) return 1;
    }
    return 0;
}

/* What becomes of a step that may be one of the band (fits) by what it reads. */
static agi_role_in_band role_of(const band *b, int k, agi_along along, int fits)
{
    agi_role_in_band role = fits ? AGI_IN_BAND : AGI_BEFORE_BAND;
    const agi_use *use = b->uses.data;
    for (int64_t i = 0; i < b->uses.count; i++) {
        const agi_buffer *x = agi_buffer_at(b->c, use[i].buffer);
        if (x->inlaid && is_written_since(b, k, use[i].buffer)) return AGI_AFTER_BAND;
        if (use[i].writes || x->role != AGI_VALUE || x->first < (uint32_t)b->first) continue;
        const int by = (int)x->first; /* the step that writes it */
        const agi_role_in_band its = (agi_role_in_band)b->role[by - b->first];
        if (its == AGI_BEFORE_BAND) continue;
        if (its == AGI_AFTER_BAND || role == AGI_BEFORE_BAND) return AGI_AFTER_BAND;
        const int64_t there = written_a_row(b, by, use[i].buffer);
        if (there < 0 || there != read_a_row(b, k, use[i].buffer, along)) return AGI_AFTER_BAND;
    }
    return role;
}

static int place(band *b, int k)
{
    const agi_step *s = step_at(b, k);
    matrix x;
    agi_along along = AGI_NO_BAND;
    if (!agi_list_uses(b->c, (uint32_t)k, &b->uses)) return 0;
    if (s->kind == AGI_PRODUCT) along = find_matrix(s->is.product, &x);
    const int fits = s->kind == AGI_PASS ? pass_fits(b, s->is.pass) : along && same_matrix(&x, &b->x);
    b->along[k - b->first] = (uint8_t)along;
    b->role[k - b->first] = (uint8_t)role_of(b, k, along, fits);
    if (along && b->role[k - b->first] == AGI_IN_BAND) b->products++, b->end = k + 1;
    return 1;
}

/* From the product at step `first` on. 1: there are several products; -1: no memory. */
static int grow(band *b, int first, const matrix *x, int64_t height)
{
    agi_vector uses = b->uses;
    *b = (band){ .c = b->c, .x = *x, .height = height, .first = first, .end = first, .uses = uses };
    for (int k = first; k < b->c->plan->nsteps && k < first + MOST_STEPS; k++)
        if (!place(b, k)) return -1;
    return b->products > 1;
}

/* ---- the bands --------------------------------------------------------------------------------------------------- */

static void set_tiles(agi_pass *g, const band *b)
{
    const int64_t a_row = g->rows * g->columns / b->x.rows;
    if (g->rows == 1) g->tile_columns = b->height * a_row;
    else g->tile_rows = b->height;
    g->row_tiles = (g->rows + g->tile_rows - 1) / g->tile_rows;
    g->column_tiles = (g->columns + g->tile_columns - 1) / g->tile_columns;
    if (!g->nfolds) g->blocks = g->row_tiles * g->column_tiles;
    g->streams = 0;
}

/* What they use lives all the time. */
static int extend_lives(band *b, int k)
{
    if (!agi_list_uses(b->c, (uint32_t)k, &b->uses)) return 0;
    const agi_use *use = b->uses.data;
    for (int64_t i = 0; i < b->uses.count; i++) {
        agi_touch(b->c, use[i].buffer, (uint32_t)b->end - 1);
        agi_buffer *x = agi_buffer_at(b->c, use[i].buffer);
        if (x->first > (uint32_t)b->first) x->first = (uint32_t)b->first;
    }
    return 1;
}

static int keep(band *b, agi_band *to)
{
    ag_plan *p = b->c->plan;
    *to = (agi_band){ .first = b->first, .end = b->end, .rows = b->x.rows, .height = b->height };
    for (int k = b->first; k < b->end; k++) {
        agi_step *s = &p->step[k];
        if (!extend_lives(b, k)) return 0;
        s->banded = b->role[k - b->first];
        if (s->banded != AGI_IN_BAND) continue;
        if (s->kind == AGI_PASS) set_tiles(s->is.pass, b);
        else s->is.product->along = b->along[k - b->first];
    }
    p->nbands++;
    return 1;
}

/* The height with which the most products go together. */
static int choose(band *b, int first, const matrix *x)
{
    const int64_t size = (int64_t)ag_dtype_size((ag_dtype)agi_buffer_at(b->c, x->buffer)->dtype);
    int64_t best = 0;
    int most = 0, found = 0;
    if (elements(x) * size < LARGE) return 0;
    for (size_t h = 0; h < sizeof heights / sizeof *heights; h++) {
        if (heights[h] * x->columns * size > NEAR || 2 * heights[h] > x->rows) continue;
        if ((found = grow(b, first, x, heights[h])) < 0) return -1;
        if (found && b->products > most) best = heights[h], most = b->products;
    }
    return best ? grow(b, first, x, best) : 0;
}

int agi_make_bands(agi_compiler *c)
{
    ag_plan *p = c->plan;
    int products = 0, ok = 1;
    for (int k = 0; k < p->nsteps; k++) products += p->step[k].kind == AGI_PRODUCT;
    if (products < 2) return 1;
    p->band = agi_arena_take(&p->arena, (size_t)products * sizeof *p->band);
    if (!p->band) return agi_out_of_memory(c);
    band b = { .c = c };
    for (int k = 0, found; ok && k < p->nsteps; k++) {
        matrix x;
        if (p->step[k].kind != AGI_PRODUCT || !find_matrix(p->step[k].is.product, &x)) continue;
        if ((found = choose(&b, k, &x)) > 0) {
            ok = keep(&b, &p->band[p->nbands]);
            k = b.end - 1;
        }
        ok &= found >= 0;
    }
    agi_release(c->arena.allocator, b.uses.data);
    return ok;
}
