/* Folds as C: of a tile's rows, for what is computed after them; at the tile's end, into the result or the block's part
 * of it; and of the blocks' parts. */
#include "pass_printer.h"

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

/* The partial result of the block, from its column on. */
static void emit_partial(agi_pass_printer *p, const agi_fold_end *e)
{
    const int doubles = e->wide ? agi_wide_doubles(p->g, e) : 1;
    int64_t elements = doubles * agi_part_bytes(p->g, e) / agi_part_size(p->g, e);
    ag_emit(&p->body, "b%u", e->partial);
    if (p->g->blocks > 1) ag_emit(&p->body, " + block * %lld", (long long)elements);
    if (e->mode != AGI_FOLD_COLUMNS || !agi_known(p, AGI_COLUMN)) return;
    char text[24];
    ag_emit(&p->body, doubles == 2 ? " + 2 * %s" : " + %s", agi_tile(p, AGI_COLUMN, text));
}

/* To the block's wide fold, which the first of its tiles opens. */
static void emit_wide_all(agi_pass_printer *p, const agi_fold_end *e)
{
    char text[24];
    const int product = e->fold == AG_FOLD_PROD;
    if (!product) {
        ag_emit(&p->body, "const %s part = ", p->type);
        emit_part(p, (int)(e - p->g->fold));
        ag_emit(&p->body, ";\n");
    }
    ag_emit(&p->body, "if (%s == first) ", agi_tile(p, AGI_K, text));
    agi_call_helper(p, &p->body, "clear", e->fold);
    ag_emit(&p->body, "1, "), emit_partial(p, e), ag_emit(&p->body, ");\n");
    agi_call_helper(p, &p->body, product ? "gather" : "widen", e->fold);
    if (product) {
        ag_emit(&p->body, "%s, ", agi_tile(p, e->row ? AGI_ROWS : AGI_COUNT, text));
        agi_emit_home(p, e->reg);
    } else {
        ag_emit(&p->body, "1, &part");
    }
    ag_emit(&p->body, ", "), emit_partial(p, e), ag_emit(&p->body, ");\n");
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

/* Rows of the iteration space that are summed up together: those of a segment, or of a block. */
static void emit_limits(agi_pass_printer *p, const agi_fold_end *e)
{
    const agi_pass *g = p->g;
    long long tiles = (long long)g->column_tiles, rows = (long long)g->tile_rows, extent = (long long)e->extent;
    if (e->extent != g->rows) {
        ag_emit(&p->body, "    const int64_t start = top / %lld * %lld, stop = start + %lld;\n", extent, extent,
                extent);
        return;
    }
    ag_emit(&p->body, "    const int64_t start = first / %lld * %lld, reach = end / %lld * %lld;\n", tiles, rows, tiles,
            rows);
    ag_emit(&p->body, "    const int64_t stop = reach < %lld ? reach : %lld;\n", extent, extent);
}

/* Into the body: the block's sums of few rows, from so many elements on. */
static void emit_few(agi_pass_printer *p, const agi_fold_end *e, const char *from)
{
    ag_emit(&p->body, "b%u", e->few);
    if (p->g->blocks > 1) ag_emit(&p->body, " + block * %lld", (long long)agi_few_elements(p->g));
    if (strcmp(from, "0")) ag_emit(&p->body, " + %s", from);
}

/* A call of a helper for the tile's columns, up to its second argument. */
static void call_for_columns(agi_pass_printer *p, const char *before, const char *name, int fold)
{
    char text[24];
    ag_emit(&p->body, "%s", before);
    agi_call_helper(p, &p->body, name, fold);
    ag_emit(&p->body, "%s, ", agi_tile(p, AGI_COLUMNS, text));
}

/* A row, which the first of so many rows opens, into the sums of these. */
static void emit_row(agi_pass_printer *p, const agi_fold_end *e, const char *row, const char *x)
{
    char text[24];
    const char *column = agi_tile(p, AGI_COLUMN, text);
    ag_emit(&p->body, "    if (%s == start || %s %% %lld == 0)", row, row, (long long)e->every);
    for (int into = 0; into < 2; into++) {
        call_for_columns(p, into ? "    else " : " ", into ? "into" : "copy", into ? AG_FOLD_SUM : -1);
        ag_emit(&p->body, "%s, ", x), emit_few(p, e, column), ag_emit(&p->body, ");\n");
    }
}

/* The tile's rows, in pairs where they are many. */
static void emit_rows(agi_pass_printer *p, const agi_fold_end *e)
{
    char text[24], across[24];
    snprintf(across, sizeof across, "%lld", (long long)p->g->columns);
    if (agi_adds_pairs(p->g)) {
        call_for_columns(p, "    x = ", "pairs", -1);
        ag_emit(&p->body, "until - top, x, "), emit_few(p, e, across), ag_emit(&p->body, ");\n");
        emit_row(p, e, "top", "x");
    } else {
        ag_emit(&p->body, "    for (r = top; r < until; r++, x += %s)\n    ", agi_tile(p, AGI_COLUMNS, text));
        agi_tile(p, AGI_R, text);
        emit_row(p, e, "r", "x");
    }
}

/* The sums of few rows to the wide ones. */
static void emit_sums(agi_pass_printer *p, const agi_fold_end *e)
{
    char text[24];
    const char *column = agi_tile(p, AGI_COLUMN, text);
    long long every = (long long)e->every;
    ag_emit(&p->body, "    if (until == stop || until %% %lld == 0) {\n", every);
    ag_emit(&p->body, "        if ((until - 1) / %lld == start / %lld)", every, every);
    call_for_columns(p, " ", "clear", AG_FOLD_SUM);
    emit_partial(p, e);
    call_for_columns(p, ");\n        ", "widen", AG_FOLD_SUM);
    emit_few(p, e, column);
    ag_emit(&p->body, ", "), emit_partial(p, e);
    ag_emit(&p->body, ");\n    }\n");
}

/* The tile's rows into the block's wide products, which the first row opens. */
static void emit_factors(agi_pass_printer *p, const agi_fold_end *e)
{
    char text[24];
    call_for_columns(p, "    if (top == start) ", "clear", AG_FOLD_PROD);
    emit_partial(p, e);
    ag_emit(&p->body, ");\n    ");
    agi_call_helper(p, &p->body, "widen", AG_FOLD_PROD);
    ag_emit(&p->body, "until - top, %s, x, ", agi_tile(p, AGI_COLUMNS, text));
    emit_partial(p, e), ag_emit(&p->body, ");\n");
}

static void emit_wide_columns(agi_pass_printer *p, const agi_fold_end *e)
{
    char text[24];
    ag_emit(&p->body, "int64_t top, until;\n");
    ag_emit(&p->body, "const int64_t last = %s + ", agi_tile(p, AGI_ROW, text));
    ag_emit(&p->body, "%s;\n", agi_tile(p, AGI_ROWS, text));
    ag_emit(&p->body, "for (top = %s; top < last; top = until) {\n", agi_tile(p, AGI_ROW, text));
    emit_limits(p, e);
    ag_emit(&p->body, "    const %s *x = ", p->type);
    agi_emit_home(p, e->reg);
    ag_emit(&p->body, " + (top - %s) * %lld;\n    until = stop < last ? stop : last;\n", agi_tile(p, AGI_ROW, text),
            (long long)p->g->columns);
    if (e->fold == AG_FOLD_PROD) emit_factors(p, e);
    else emit_rows(p, e), emit_sums(p, e);
    if (e->extent != p->g->rows) {
        call_for_columns(p, "    if (until == stop) ", "narrow", e->fold);
        emit_partial(p, e);
        ag_emit(&p->body, ", b%u + start / %lld * %lld", e->buffer, (long long)e->extent, (long long)p->g->columns);
        if (agi_known(p, AGI_COLUMN)) ag_emit(&p->body, " + %s", agi_tile(p, AGI_COLUMN, text));
        ag_emit(&p->body, ");\n");
    }
    ag_emit(&p->body, "}\n");
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

/* The same with a wide sum: a tile is one row, or part of one. */
static void emit_wide_long(agi_pass_printer *p, const agi_fold_end *e)
{
    char text[24];
    const int product = e->fold == AG_FOLD_PROD;
    if (!product) {
        ag_emit(&p->body, "const %s part = ", p->type);
        call_for_columns(p, "", "fold", AG_FOLD_SUM);
        agi_emit_home(p, e->reg);
        ag_emit(&p->body, ");\n");
    }
    ag_emit(&p->body, "if (%s == 0) ", agi_tile(p, AGI_COLUMN, text));
    agi_call_helper(p, &p->body, "clear", e->fold);
    ag_emit(&p->body, "1, "), emit_partial(p, e), ag_emit(&p->body, ");\n");
    if (product) call_for_columns(p, "", "gather", e->fold), agi_emit_home(p, e->reg);
    else agi_call_helper(p, &p->body, "widen", e->fold), ag_emit(&p->body, "1, &part");
    ag_emit(&p->body, ", "), emit_partial(p, e), ag_emit(&p->body, ");\nif (");
    ag_emit(&p->body, "%s + ", agi_tile(p, AGI_COLUMN, text));
    ag_emit(&p->body, "%s == %lld) ", agi_tile(p, AGI_COLUMNS, text), (long long)p->g->columns);
    agi_call_helper(p, &p->body, "narrow", e->fold);
    ag_emit(&p->body, "1, "), emit_partial(p, e);
    ag_emit(&p->body, ", b%u + %s);\n", e->buffer, agi_tile(p, AGI_ROW, text));
}

/* In braces: what it declares is its own. */
static void emit_in_block(agi_pass_printer *p, const agi_fold_end *e,
                          void emit(agi_pass_printer *, const agi_fold_end *))
{
    ag_source outer = p->body;
    p->body = (ag_source){ .allocator = outer.allocator };
    emit(p, e);
    ag_source inner = p->body;
    p->body = outer;
    ag_emit(&p->body, "{\n");
    agi_source_append_lines(&p->body, &inner, 1);
    ag_emit(&p->body, "}\n");
    agi_source_free(&inner);
}

static void emit_wide(agi_pass_printer *p, const agi_fold_end *e)
{
    if (e->mode == AGI_FOLD_ALL) emit_wide_all(p, e);
    else if (e->mode == AGI_FOLD_COLUMNS) emit_wide_columns(p, e);
    else emit_wide_long(p, e);
}

void agi_emit_fold_end(agi_pass_printer *p, int k)
{
    const agi_fold_end *e = &p->g->fold[k];
    if (e->wide) emit_in_block(p, e, emit_wide);
    else if (e->mode == AGI_FOLD_ALL) emit_fold_all(p, k);
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

/* The blocks' wide folds, combined in their order: wide products by tiles, whose columns lie together. */
static void emit_finish_wide(agi_pass_printer *p, const agi_fold_end *e)
{
    const agi_pass *g = p->g;
    const long long all = e->mode == AGI_FOLD_ALL ? 1 : (long long)g->columns, tile = (long long)g->tile_columns;
    const int tiles = all > tile && e->fold == AG_FOLD_PROD;
    const char *const at = tiles ? " + 2 * c" : "";
    char n[24];
    snprintf(n, sizeof n, tiles ? "n" : "%lld", all);
    if (tiles) {
        ag_emit(&p->body, "int64_t c;\nfor (c = 0; c < %lld; c += %lld) {\n", all, tile);
        ag_emit(&p->body, "const int64_t n = %lld - c < %lld ? %lld - c : %lld;\n", all, tile, all, tile);
    }
    if (g->blocks > 1) {
        ag_emit(&p->body, "for (block = 1; block < %lld; block++) ", (long long)g->blocks);
        agi_call_helper(p, &p->body, "merge", e->fold);
        ag_emit(&p->body, "%s, b%u + block * %lld%s, b%u%s);\n", n, e->partial, all * agi_wide_doubles(g, e), at,
                e->partial, at);
    }
    agi_call_helper(p, &p->body, "narrow", e->fold);
    ag_emit(&p->body, "%s, b%u%s, b%u%s);\n%s", n, e->partial, at, e->buffer, tiles ? " + c" : "", tiles ? "}\n" : "");
}

/* The blocks' partial results, combined in their order: sums in pairs. */
static void emit_finish(agi_pass_printer *p, const agi_fold_end *e)
{
    const long long n = e->mode == AGI_FOLD_ALL ? 1 : (long long)p->g->columns, blocks = (long long)p->g->blocks;
    const int pairs = e->fold == AG_FOLD_SUM;
    if (pairs) {
        agi_call_helper(p, &p->body, "pairs", -1);
        ag_emit(&p->body, "%lld, %lld, b%u, b%u);\n", n, blocks, e->partial, e->partial);
    }
    agi_call_helper(p, &p->body, "copy", -1);
    ag_emit(&p->body, "%lld, b%u, b%u);\n", n, e->partial, e->buffer);
    if (pairs || blocks == 1) return;
    ag_emit(&p->body, "for (block = 1; block < %lld; block++) ", blocks);
    agi_call_helper(p, &p->body, "into", e->fold);
    ag_emit(&p->body, "%lld, b%u + block * %lld, b%u);\n", n, e->partial, n, e->buffer);
}

void agi_emit_finish(agi_pass_printer *p)
{
    for (int k = 0; k < p->g->nfolds; k++) {
        const agi_fold_end *e = &p->g->fold[k];
        if (!agi_ends_late(p->g, e)) continue;
        if (e->wide) emit_in_block(p, e, emit_finish_wide);
        else emit_finish(p, e);
    }
}
