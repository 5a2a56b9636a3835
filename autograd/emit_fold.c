/* Folds as C: of a tile's rows, for what is computed after them; at the tile's end, into the result or the block's part
 * of it; and of the blocks' parts. */
#include "emit_pass.h"

/* ---- rows -------------------------------------------------------------------------------------------------------- */

static void emit_home_at(agi_pass_printer *p, uint32_t reg, const char *index)
{
    int array = p->s.value[reg].home == AGI_HOME_ARRAY;
    if (!array) ag_emit(&p->body, "(");
    agi_emit_home(p, reg);
    ag_emit(&p->body, array ? "[%s]" : ")[%s]", index);
}

void agi_emit_fold_rows(agi_pass_printer *p, const agi_micro *m)
{
    char text[24];
    agi_tile(p, AGI_R, text);
    ag_emit(&p->body, "for (r = 0; r < %s; r++) ", agi_tile(p, AGI_ROWS, text));
    emit_home_at(p, m->out, "r");
    ag_emit(&p->body, " = ");
    agi_call_helper(p, &p->body, "fold", m->fold);
    ag_emit(&p->body, "%lld, ", (long long)p->g->columns);
    agi_emit_home(p, m->a);
    ag_emit(&p->body, " + r * %lld);\n", (long long)p->g->columns);
}

/* ---- the end of a tile ------------------------------------------------------------------------------------------- */

static void emit_part(agi_pass_printer *p, int k)
{
    const agi_fold_end *e = &p->g->fold[k];
    char text[24];
    if (p->s.fold_when[k] != AGI_AT_END) {
        ag_emit(&p->body, "f%d", k);
        return;
    }
    agi_call_helper(p, &p->body, "fold", e->fold);
    ag_emit(&p->body, "%s, ", agi_tile(p, e->row ? AGI_ROWS : AGI_COUNT, text));
    agi_emit_home(p, e->reg);
    ag_emit(&p->body, ")");
}

/* Combined with what the tiles before left, but for the first of a block. */
static void emit_fold_all(agi_pass_printer *p, int k)
{
    const agi_fold_end *e = &p->g->fold[k];
    char text[24], target[40];
    int partial = e->partial != AGI_NONE;
    if (partial) snprintf(target, sizeof target, "b%u[block]", e->partial);
    else snprintf(target, sizeof target, "b%u[0]", e->buffer);
    ag_emit(&p->body, "%s = ", target);
    if (agi_tiles(p->g) > 1) {
        ag_emit(&p->body, "%s > %s ? ", agi_tile(p, AGI_K, text), partial ? "first" : "0");
        agi_call_helper(p, &p->body, "two", e->fold);
        ag_emit(&p->body, "%s, ", target);
        emit_part(p, k);
        ag_emit(&p->body, ") : ");
    }
    emit_part(p, k);
    ag_emit(&p->body, ";\n");
}

/* Where row r of the tile is folded into: the result's only row, that of its segment, or that of the block. */
static void emit_fold_target(agi_pass_printer *p, const agi_fold_end *e)
{
    char row[24], column[24];
    long long across = (long long)p->g->columns;
    agi_tile(p, AGI_ROW, row);
    agi_tile(p, AGI_COLUMN, column);
    if (e->partial != AGI_NONE) ag_emit(&p->body, "b%u + block * %lld", e->partial, across);
    else if (e->extent == p->g->rows) ag_emit(&p->body, "b%u", e->buffer);
    else ag_emit(&p->body, "b%u + %s / %lld * %lld", e->buffer, agi_known(p, AGI_ROW) == 0 ? "r" : "(row + r)",
                 (long long)e->extent, across);
    if (agi_known(p, AGI_COLUMN)) ag_emit(&p->body, " + column");
}

/* Is row r the first of what it is folded into? */
static void emit_fold_opens(agi_pass_printer *p, const agi_fold_end *e)
{
    const agi_pass *g = p->g;
    char text[24];
    agi_tile(p, AGI_ROW, text);
    const int zero = agi_known(p, AGI_ROW) == 0, segments = e->partial == AGI_NONE && e->extent != g->rows;
    if (zero) ag_emit(&p->body, "r");
    else ag_emit(&p->body, segments ? "(row + r)" : "row + r");
    if (e->partial != AGI_NONE) {
        ag_emit(&p->body, g->column_tiles > 1 ? " == first / %lld" : " == first", (long long)g->column_tiles);
        if (g->tile_rows > 1) ag_emit(&p->body, " * %lld", (long long)g->tile_rows);
    } else if (e->extent == g->rows) {
        ag_emit(&p->body, " == 0");
    } else {
        ag_emit(&p->body, " %% %lld == 0", (long long)e->extent);
    }
}

/* Row by row into the result, or the block's part of it; the first row of it, and of a segment, is copied. */
static void emit_fold_columns(agi_pass_printer *p, const agi_fold_end *e)
{
    char text[24];
    ag_emit(&p->body, "for (r = 0; r < %s; r++)\n", agi_tile(p, AGI_ROWS, text));
    for (int into = 0; into < 2; into++) {
        if (into) ag_emit(&p->body, "    else ");
        else ag_emit(&p->body, "    if ("), emit_fold_opens(p, e), ag_emit(&p->body, ") ");
        agi_call_helper(p, &p->body, into ? "into" : "copy", into ? e->fold : -1);
        ag_emit(&p->body, "%s, ", agi_tile(p, AGI_COLUMNS, text));
        agi_emit_home(p, e->reg);
        ag_emit(&p->body, " + r * %lld, ", (long long)p->g->columns);
        emit_fold_target(p, e);
        ag_emit(&p->body, ");\n");
    }
    agi_tile(p, AGI_R, text);
}

/* A row that takes several tiles, one after the other. */
static void emit_fold_long(agi_pass_printer *p, const agi_fold_end *e)
{
    char text[24], target[64];
    ag_emit(&p->body, "for (r = 0; r < %s; r++) {\n    const %s part = ", agi_tile(p, AGI_ROWS, text), p->type);
    agi_call_helper(p, &p->body, "fold", e->fold);
    ag_emit(&p->body, "%s, ", agi_tile(p, AGI_COLUMNS, text));
    agi_emit_home(p, e->reg);
    ag_emit(&p->body, " + r * %lld);\n", (long long)p->g->columns);
    snprintf(target, sizeof target, "b%u[%s + r]", e->buffer, agi_tile(p, AGI_ROW, text));
    ag_emit(&p->body, "    %s = %s > 0 ? ", target, agi_tile(p, AGI_COLUMN, text));
    agi_call_helper(p, &p->body, "two", e->fold);
    ag_emit(&p->body, "%s, part) : part;\n}\n", target);
    agi_tile(p, AGI_R, text);
}

void agi_emit_fold_end(agi_pass_printer *p, int k)
{
    const agi_fold_end *e = &p->g->fold[k];
    if (e->mode == AGI_FOLD_ALL) emit_fold_all(p, k);
    else if (e->mode == AGI_FOLD_COLUMNS) emit_fold_columns(p, e);
    else emit_fold_long(p, e);
}

/* ---- blocks ------------------------------------------------------------------------------------------------------ */

int agi_has_partials(const agi_pass *g)
{
    for (int k = 0; k < g->nfolds; k++)
        if (g->fold[k].partial != AGI_NONE) return 1;
    return 0;
}

/* The blocks' partial results, combined in their order. */
void agi_emit_finish(agi_pass_printer *p)
{
    for (int k = 0; k < p->g->nfolds; k++) {
        const agi_fold_end *e = &p->g->fold[k];
        long long n = e->mode == AGI_FOLD_ALL ? 1 : (long long)p->g->columns;
        if (e->partial == AGI_NONE) continue;
        agi_call_helper(p, &p->body, "copy", -1);
        ag_emit(&p->body, "%lld, b%u, b%u);\n", n, e->partial, e->buffer);
        ag_emit(&p->body, "for (block = 1; block < %lld; block++) ", (long long)p->g->blocks);
        agi_call_helper(p, &p->body, "into", e->fold);
        ag_emit(&p->body, "%lld, b%u + block * %lld, b%u);\n", n, e->partial, n, e->buffer);
    }
}
