/* Bands. What must hold:
 *
 * - After any number of rows, no step of the band has read further than those before it had written, whether it reads
 *   along the rows or not; what is complete only after the last row is read by none of them.
 * - Each tile of a pass is as many rows as the band does at a time.
 * - All that the steps between its ends use lives from one end to the other, and none takes over another's memory. */
#include "verify.h"

typedef struct {
    int64_t row, across; /* elements from one row of the band to the next; those of a row from its first to its last */
} extent;

static extent along_row(int64_t step, int64_t others, int64_t other_step)
{
    return (extent){ step, (others - 1) * other_step };
}

/* Elements of the buffer that the product has gone beyond, after so many of the band's rows. */
static int64_t read_until(const agi_product *p, uint32_t buffer, int64_t rows)
{
    const agi_product_of of = agi_matrices_of(p);
    int64_t until = p->scale == buffer ? INT64_MAX : 0;
    extent a = along_row(of.a_row, of.inner, of.a_column), b = { 0, (of.inner - 1) * of.b_row };
    b.across += (of.columns - 1) * of.b_column;
    if (p->along == AGI_BAND_INNER) {
        a = along_row(of.a_column, of.rows, of.a_row);
        b = along_row(of.b_row, of.columns, of.b_column);
    } else if (p->along == AGI_BAND_COLUMNS) {
        a = (extent){ 0, (of.rows - 1) * of.a_row + (of.inner - 1) * of.a_column };
        b = along_row(of.b_column, of.inner, of.b_row);
    }
    const int64_t last_a = p->a_stride.offset + (rows - 1) * a.row + a.across + 1;
    const int64_t last_b = p->b_stride.offset + (rows - 1) * b.row + b.across + 1;
    if (p->a == buffer) until = last_a;
    if (p->b == buffer && last_b > until) until = last_b;
    return until;
}

static int64_t pass_reads_until(const agi_pass *g, uint32_t buffer, const agi_band *b, int64_t rows)
{
    int64_t until = 0;
    for (int i = 0; i < g->nloads; i++) {
        const agi_load *l = &g->load[i];
        if (l->buffer != buffer) continue;
        if (l->access != AGI_DIRECT) return INT64_MAX;
        const int64_t here = l->walk.offset + (l->row ? rows : rows * (g->rows * g->columns / b->rows));
        if (here > until) until = here;
    }
    return until;
}

/* Elements that are there after so many rows, not all of them. */
static int64_t written_until(const agi_step *s, uint32_t buffer, const agi_band *b, int64_t rows)
{
    if (s->kind == AGI_PRODUCT) {
        const agi_product_of of = agi_matrices_of(s->is.product);
        if (s->is.product->along == AGI_BAND_ROWS) return rows * of.columns;
        return s->is.product->along == AGI_BAND_COLUMNS && of.rows == 1 ? rows : 0;
    }
    const agi_pass *g = s->is.pass;
    for (int i = 0; i < g->nstores; i++)
        if (g->store[i].buffer == buffer) return g->store[i].row ? rows : rows * (g->rows * g->columns / b->rows);
    return 0;
}

static int check_read(agi_compiler *c, const agi_band *b, int k, uint32_t buffer, int writer)
{
    const agi_step *s = &c->plan->step[k], *w = &c->plan->step[writer];
    for (int64_t rows = b->height; rows < b->rows; rows += b->height) {
        const int64_t reads = s->kind == AGI_PASS ? pass_reads_until(s->is.pass, buffer, b, rows)
                                                  : read_until(s->is.product, buffer, rows);
        if (w->banded != AGI_IN_BAND || reads > written_until(w, buffer, b, rows))
            return agi_broken(c, "step %d of a band reads buffer %u before step %d has written all that it needs", k,
                              buffer, writer);
    }
    return 1;
}

static int check_tiles(agi_compiler *c, const agi_band *b, int k)
{
    const agi_pass *g = c->plan->step[k].is.pass;
    const int64_t tile = g->tile_rows * g->tile_columns, row = g->rows * g->columns / b->rows;
    if (tile == row * b->height && (g->column_tiles == 1 || g->row_tiles == 1)) return 1;
    return agi_broken(c, "the pass of step %d goes along a band by tiles of other rows", k);
}

/* The step of the band before k that writes it, or -1. */
static int find_writer(agi_compiler *c, const agi_band *b, int k, uint32_t buffer, agi_vector *uses)
{
    for (int w = b->first; w < k; w++) {
        if (!agi_list_uses(c, (uint32_t)w, uses)) return -1;
        for (int64_t i = 0; i < uses->count; i++) {
            const agi_use *u = (const agi_use *)uses->data + i;
            if (u->buffer == buffer && u->writes) return w;
        }
    }
    return -1;
}

static int check_uses(agi_compiler *c, const agi_band *b, int k, const agi_vector *uses, agi_vector *others)
{
    for (int64_t i = 0; i < uses->count; i++) {
        const agi_use *u = (const agi_use *)uses->data + i;
        const agi_buffer *x = agi_buffer_at(c, u->buffer);
        if (x->role == AGI_LEAF || x->role == AGI_CONSTANT) continue;
        if (x->first > (uint32_t)b->first || x->last + 1 < (uint32_t)b->end)
            return agi_broken(c, "buffer %u of step %d does not live as long as its band", u->buffer, k);
        const int role = c->plan->step[k].banded;
        if (role == AGI_AFTER_BAND) continue;
        if (x->shares != AGI_NONE && u->writes)
            return agi_broken(c, "step %d in a band writes buffer %u in place of another", k, u->buffer);
        const int writer = u->writes ? -1 : find_writer(c, b, k, u->buffer, others);
        if (writer < 0 || c->plan->step[writer].banded == AGI_BEFORE_BAND) continue;
        if (role == AGI_BEFORE_BAND)
            return agi_broken(c, "step %d is done before a band, of which it reads buffer %u", k, u->buffer);
        if (!check_read(c, b, k, u->buffer, writer)) return 0;
    }
    return 1;
}

static int check_band(agi_compiler *c, const agi_band *b)
{
    agi_vector uses = { 0 }, others = { 0 };
    int ok = 1;
    for (int k = b->first; ok && k < b->end; k++) {
        const agi_step *s = &c->plan->step[k];
        if (s->banded == AGI_IN_BAND && s->kind == AGI_PASS) ok = check_tiles(c, b, k);
        ok = ok && agi_list_uses(c, (uint32_t)k, &uses) && check_uses(c, b, k, &uses, &others);
    }
    agi_release(c->arena.allocator, uses.data);
    agi_release(c->arena.allocator, others.data);
    return ok;
}

int agi_verify_bands(agi_compiler *c)
{
    for (int k = 0; k < c->plan->nbands; k++) {
        const agi_band *b = &c->plan->band[k];
        if (b->first >= b->end || b->end > c->plan->nsteps || (k && b[-1].end > b->first))
            return agi_broken(c, "band %d goes from step %d to before step %d", k, b->first, b->end);
        if (!check_band(c, b)) return 0;
    }
    return 1;
}
