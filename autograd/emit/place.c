/* Where a tile of a pass is, and where its values are, as C. */
#include "pass_printer.h"

#include <stdlib.h>

/* ---- the tile's variables ---------------------------------------------------------------------------------------- */

int64_t agi_tiles(const agi_pass *g)
{
    return g->row_tiles * g->column_tiles;
}

/* The number that a variable is in every tile, or -1. */
int64_t agi_known(const agi_pass_printer *p, agi_variable v)
{
    const agi_pass *g = p->g;
    int rows_even = g->rows % g->tile_rows == 0, columns_even = g->columns % g->tile_columns == 0;
    int64_t all = g->rows * g->columns;
    if (p->merged && p->e->native && g->blocks > 1) return -1;
    switch (v) {
    case AGI_ROW: return g->row_tiles == 1 ? 0 : -1;
    case AGI_COLUMN: return g->column_tiles == 1 ? 0 : -1;
    case AGI_ROWS: return rows_even ? g->tile_rows : -1;
    case AGI_COLUMNS: return columns_even ? g->tile_columns : -1;
    case AGI_FIRST: return p->merged || g->row_tiles * g->column_tiles == 1 ? 0 : -1;
    case AGI_COUNT: return p->merged ? all : rows_even && columns_even ? g->tile_rows * g->tile_columns : -1;
    default: return -1;
    }
}

const char *agi_tile(agi_pass_printer *p, agi_variable v, char text[24])
{
    static const char *const names[] = { "row", "column", "rows", "columns", "at", "n", "r", "i", "k", "block" };
    int64_t value = agi_known(p, v);
    snprintf(text, 24, "%lld", (long long)value);
    if (value >= 0) return text;
    p->used |= 1u << v;
    return names[v];
}

int agi_uses(const agi_pass_printer *p, agi_variable v)
{
    return (p->used & 1u << v) != 0;
}

static void emit_start(agi_pass_printer *p, ag_source *to, agi_variable v)
{
    const agi_pass *g = p->g;
    char text[24];
    const char *k = agi_tile(p, AGI_K, text);
    int row = v == AGI_ROW;
    int64_t part = row ? g->tile_rows : g->tile_columns;
    ag_emit(to, "const int64_t %s = %s", row ? "row" : "column", k);
    if (row ? g->column_tiles > 1 : g->row_tiles > 1)
        ag_emit(to, row ? " / %lld" : " %% %lld", (long long)g->column_tiles);
    ag_emit(to, part > 1 ? " * %lld;\n" : ";\n", (long long)part);
}

static void emit_extent(ag_source *to, const char *name, const char *start, int64_t all, int64_t part)
{
    ag_emit(to, "const int64_t %s = %lld - %s < %lld ? %lld - %s : %lld;\n", name, (long long)all, start,
            (long long)part, (long long)all, start, (long long)part);
}

static void emit_first(agi_pass_printer *p, ag_source *to)
{
    char a[24], b[24];
    const char *row = agi_tile(p, AGI_ROW, a), *column = agi_tile(p, AGI_COLUMN, b);
    if (!strcmp(row, "0")) ag_emit(to, "const int64_t at = %s;\n", column);
    else if (!strcmp(column, "0")) ag_emit(to, "const int64_t at = %s * %lld;\n", row, (long long)p->g->columns);
    else ag_emit(to, "const int64_t at = %s * %lld + %s;\n", row, (long long)p->g->columns, column);
}

static void emit_count(agi_pass_printer *p, ag_source *to)
{
    char a[24], b[24];
    const char *rows = agi_tile(p, AGI_ROWS, a), *columns = agi_tile(p, AGI_COLUMNS, b);
    if (!strcmp(rows, "1")) ag_emit(to, "const int64_t n = %s;\n", columns);
    else ag_emit(to, "const int64_t n = %s * %s;\n", rows, columns);
}

/* Declares what the body turned out to use, and what that needs. */
void agi_emit_variables(agi_pass_printer *p, ag_source *to)
{
    const agi_pass *g = p->g;
    char a[24], b[24];
    if (p->merged) return;
    if (agi_uses(p, AGI_COUNT)) agi_tile(p, AGI_ROWS, a), agi_tile(p, AGI_COLUMNS, b);
    if (agi_uses(p, AGI_FIRST) || agi_uses(p, AGI_ROWS)) agi_tile(p, AGI_ROW, a);
    if (agi_uses(p, AGI_FIRST) || agi_uses(p, AGI_COLUMNS)) agi_tile(p, AGI_COLUMN, a);
    if (agi_uses(p, AGI_ROW)) emit_start(p, to, AGI_ROW);
    if (agi_uses(p, AGI_COLUMN)) emit_start(p, to, AGI_COLUMN);
    if (agi_uses(p, AGI_ROWS)) emit_extent(to, "rows", "row", g->rows, g->tile_rows);
    if (agi_uses(p, AGI_COLUMNS)) emit_extent(to, "columns", "column", g->columns, g->tile_columns);
    if (agi_uses(p, AGI_FIRST)) emit_first(p, to);
    if (agi_uses(p, AGI_COUNT)) emit_count(p, to);
}

/* ---- memory ------------------------------------------------------------------------------------------------------ */

const char *agi_load_operand(const agi_pass_printer *p, int load, agi_load_operand_kind kind, char text[40])
{
    const agi_pattern *w = &p->g->load[load].walk;
    const int64_t number[AGI_LOAD_OPERANDS] = { w->offset, w->bounds.from[0], w->bounds.to[0] };
    long long place = (long long)p->e->plan->nbuffers + AGI_LOAD_OPERANDS * load + kind;
    snprintf(text, 40, p->e->native ? "operand[%lld]" : "%lld", p->e->native ? place : (long long)number[kind]);
    return text;
}

static void emit_start_at(agi_pass_printer *p, agi_variable v)
{
    char text[24];
    const char *start = agi_tile(p, v, text);
    if (strcmp(start, "0")) ag_emit(&p->body, " + %s", start);
}

void agi_emit_loaded(agi_pass_printer *p, int load, ag_dtype dtype)
{
    char text[40];
    const agi_load *l = &p->g->load[load];
    agi_emit_base(p->e, &p->body, l->buffer, dtype);
    if (l->walk.offset) ag_emit(&p->body, " + %s", agi_load_operand(p, load, AGI_LOAD_OFFSET, text));
}

void agi_emit_stored(agi_pass_printer *p, const agi_store *s)
{
    char text[24];
    const char *first = agi_tile(p, s->row ? AGI_ROW : AGI_FIRST, text);
    agi_emit_base(p->e, &p->body, s->buffer, p->dtype);
    if (s->offset) ag_emit(&p->body, " + %lld", (long long)s->offset);
    if (!strcmp(first, "0")) return;
    ag_emit(&p->body, s->stride < 0 ? " - %s" : " + %s", first);
    if (llabs(s->stride) != 1) ag_emit(&p->body, " * %lld", llabs(s->stride));
}

void agi_emit_home(agi_pass_printer *p, uint32_t reg)
{
    const agi_scheduled *v = &p->s.value[reg];
    if (v->home == AGI_HOME_STORE) {
        agi_emit_stored(p, &p->g->store[v->store]);
    } else if (v->home == AGI_HOME_ARRAY) {
        ag_emit(&p->body, v->row ? "w%d" : "t%d", v->slot);
    } else {
        const agi_load *l = &p->g->load[v->load];
        agi_variable start = v->home == AGI_HOME_ROW ? AGI_COLUMN : v->row ? AGI_ROW : AGI_FIRST;
        agi_emit_loaded(p, v->load, (ag_dtype)l->dtype);
        emit_start_at(p, start);
    }
}

void agi_emit_converted(const agi_pass_printer *p, ag_source *to, ag_dtype from, const char *value)
{
    char integer[AGI_NAME];
    agi_helper_name(p->e, "integer", AG_I64, integer);
    if (from == p->dtype) ag_emit(to, "%s", value);
    else if (p->dtype == AG_I64) ag_emit(to, "%s(%s)", integer, value);
    else ag_emit(to, "(%s)%s", p->type, value);
}

void agi_emit_uniform(const agi_pass_printer *p, ag_source *to, const agi_scheduled *v)
{
    const agi_load *l = &p->g->load[v->load];
    const agi_buffer *b = &p->e->plan->buffer[l->buffer];
    const char *type = ag_c_type((ag_dtype)l->dtype);
    char value[128], text[40];
    const char *at = l->walk.offset ? agi_load_operand(p, v->load, AGI_LOAD_OFFSET, text) : "0";
    if (b->dtype == l->dtype) snprintf(value, sizeof value, "b%u[%s]", l->buffer, at);
    else snprintf(value, sizeof value, "((const %s *)(const void *)b%u)[%s]", type, l->buffer, at);
    if (b->role == AGI_CONSTANT) agi_emit_constant(to, p->dtype, b, l->walk.offset);
    else agi_emit_converted(p, to, (ag_dtype)l->dtype, value);
}

void agi_call_helper(agi_pass_printer *p, ag_source *to, const char *name, int fold)
{
    static const char *const folds[] = { "sum", "prod", "max", "min" };
    char base[32], full[AGI_NAME];
    if (fold < 0) snprintf(base, sizeof base, "%s", name);
    else snprintf(base, sizeof base, "%s_%s", name, folds[fold]);
    agi_helper_name(p->e, base, p->dtype, full);
    ag_emit(to, "%s(", full);
}
