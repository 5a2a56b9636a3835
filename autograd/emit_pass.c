/* A pass as C: functions of its loops, see emit_loop.c, and one that walks the tiles and calls them. The tiles, the
 * blocks and the folds are tile.c's, so that results agree with the interpreter's. */
#include "emit_pass.h"

/* ---- the tile's variables ---------------------------------------------------------------------------------------- */

/* The number that a variable is in every tile, or -1. */
static int64_t known(const agi_pass_printer *p, agi_variable v)
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
    int64_t value = known(p, v);
    snprintf(text, 24, "%lld", (long long)value);
    if (value >= 0) return text;
    p->used |= 1u << v;
    return names[v];
}

static int uses(const agi_pass_printer *p, agi_variable v)
{
    return (p->used & 1u << v) != 0;
}

static void emit_start(agi_pass_printer *p, ag_source *to, agi_variable v)
{
    const agi_pass *g = p->g;
    char text[24];
    const char *k = agi_tile(p, AGI_K, text);
    if (v == AGI_ROW && g->column_tiles > 1)
        ag_emit(to, "const int64_t row = %s / %lld * %lld;\n", k, (long long)g->column_tiles, (long long)g->tile_rows);
    else if (v == AGI_ROW) ag_emit(to, "const int64_t row = %s * %lld;\n", k, (long long)g->tile_rows);
    else if (g->row_tiles > 1)
        ag_emit(to, "const int64_t column = %s %% %lld * %lld;\n", k, (long long)g->column_tiles,
                (long long)g->tile_columns);
    else ag_emit(to, "const int64_t column = %s * %lld;\n", k, (long long)g->tile_columns);
}

static void emit_extent(ag_source *to, const char *name, const char *start, int64_t all, int64_t part)
{
    ag_emit(to, "const int64_t %s = %lld - %s < %lld ? %lld - %s : %lld;\n", name, (long long)all, start,
            (long long)part, (long long)all, start, (long long)part);
}

/* Declares what the body turned out to use, and what that needs. */
static void emit_variables(agi_pass_printer *p, ag_source *to)
{
    const agi_pass *g = p->g;
    char a[24], b[24];
    if (p->merged) return;
    if (uses(p, AGI_COUNT)) agi_tile(p, AGI_ROWS, a), agi_tile(p, AGI_COLUMNS, b);
    if (uses(p, AGI_FIRST) || uses(p, AGI_ROWS)) agi_tile(p, AGI_ROW, a);
    if (uses(p, AGI_FIRST) || uses(p, AGI_COLUMNS)) agi_tile(p, AGI_COLUMN, a);
    if (uses(p, AGI_ROW)) emit_start(p, to, AGI_ROW);
    if (uses(p, AGI_COLUMN)) emit_start(p, to, AGI_COLUMN);
    if (uses(p, AGI_ROWS)) emit_extent(to, "rows", "row", g->rows, g->tile_rows);
    if (uses(p, AGI_COLUMNS)) emit_extent(to, "columns", "column", g->columns, g->tile_columns);
    if (uses(p, AGI_FIRST))
        ag_emit(to, "const int64_t at = %s * %lld + %s;\n", agi_tile(p, AGI_ROW, a), (long long)g->columns,
                agi_tile(p, AGI_COLUMN, b));
    if (uses(p, AGI_COUNT))
        ag_emit(to, "const int64_t n = %s * %s;\n", agi_tile(p, AGI_ROWS, a), agi_tile(p, AGI_COLUMNS, b));
}

/* ---- memory ------------------------------------------------------------------------------------------------------ */

static void emit_sum(agi_pass_printer *p, uint32_t buffer, ag_dtype dtype, int64_t offset, agi_variable v)
{
    char text[24];
    const char *start = agi_tile(p, v, text);
    agi_emit_base(p->e, &p->body, buffer, dtype);
    if (offset) ag_emit(&p->body, " + %lld", (long long)offset);
    if (strcmp(start, "0")) ag_emit(&p->body, " + %s", start);
}

void agi_emit_stored(agi_pass_printer *p, const agi_store *s)
{
    emit_sum(p, s->buffer, p->dtype, 0, s->row ? AGI_ROW : AGI_FIRST);
}

void agi_emit_home(agi_pass_printer *p, uint32_t reg)
{
    const agi_value *v = &p->s.value[reg];
    if (v->home == AGI_HOME_STORE) {
        agi_emit_stored(p, &p->g->store[v->store]);
    } else if (v->home == AGI_HOME_ARRAY) {
        ag_emit(&p->body, v->row ? "w%d" : "t%d", v->slot);
    } else {
        const agi_load *l = &p->g->load[v->load];
        agi_variable start = v->home == AGI_HOME_ROW ? AGI_COLUMN : v->row ? AGI_ROW : AGI_FIRST;
        emit_sum(p, l->buffer, (ag_dtype)l->dtype, l->walk.offset, start);
    }
}

static void emit_home_at(agi_pass_printer *p, uint32_t reg, const char *index)
{
    int array = p->s.value[reg].home == AGI_HOME_ARRAY;
    if (!array) ag_emit(&p->body, "(");
    agi_emit_home(p, reg);
    ag_emit(&p->body, array ? "[%s]" : ")[%s]", index);
}

void agi_emit_converted(const agi_pass_printer *p, ag_source *to, ag_dtype from, const char *value)
{
    char integer[AGI_NAME];
    agi_helper_name(p->e, "integer", AG_I64, integer);
    if (from == p->dtype) ag_emit(to, "%s", value);
    else if (p->dtype == AG_I64) ag_emit(to, "%s(%s)", integer, value);
    else ag_emit(to, "(%s)%s", p->type, value);
}

void agi_emit_uniform(const agi_pass_printer *p, ag_source *to, const agi_value *v)
{
    const agi_load *l = &p->g->load[v->load];
    const agi_buffer *b = &p->e->plan->buffer[l->buffer];
    const char *type = ag_c_type((ag_dtype)l->dtype);
    long long at = (long long)l->walk.offset;
    char value[96];
    if (b->dtype == l->dtype) snprintf(value, sizeof value, "b%u[%lld]", l->buffer, at);
    else snprintf(value, sizeof value, "((const %s *)(const void *)b%u)[%lld]", type, l->buffer, at);
    if (b->role == AGI_CONSTANT) agi_emit_constant(to, p->dtype, b, l->walk.offset);
    else agi_emit_converted(p, to, (ag_dtype)l->dtype, value);
}

/* ---- helper functions at work ------------------------------------------------------------------------------------ */

void agi_call_helper(agi_pass_printer *p, ag_source *to, const char *name, int fold)
{
    static const char *const folds[] = { "sum", "prod", "max", "min" };
    char base[32], full[AGI_NAME];
    if (fold < 0) snprintf(base, sizeof base, "%s", name);
    else snprintf(base, sizeof base, "%s_%s", name, folds[fold]);
    agi_helper_name(p->e, base, p->dtype, full);
    ag_emit(to, "%s(", full);
}

static void fill(agi_pass_printer *p, const agi_value *v, int64_t n)
{
    char text[24];
    const char *i = agi_tile(p, AGI_I, text);
    ag_emit(&p->body, "for (%s = 0; %s < %lld; %s++) ", i, i, (long long)n, i);
    ag_emit(&p->body, "%s%d[%s] = ", v->row ? "w" : "t", v->slot, i);
    agi_emit_uniform(p, &p->body, v);
    ag_emit(&p->body, ";\n");
}

/* What is the same in all tiles. */
static void emit_invariant(agi_pass_printer *p, uint32_t reg)
{
    const agi_value *v = &p->s.value[reg];
    const agi_pass *g = p->g;
    const agi_load *l = &g->load[v->load];
    if (l->access != AGI_REPEAT) {
        fill(p, v, v->row ? g->tile_rows : g->tile_rows * g->tile_columns);
        return;
    }
    agi_call_helper(p, &p->body, "repeat", -1);
    ag_emit(&p->body, "%lld, %lld, ", (long long)g->tile_rows, (long long)g->columns);
    agi_emit_base(p->e, &p->body, l->buffer, p->dtype);
    if (l->walk.offset) ag_emit(&p->body, " + %lld", (long long)l->walk.offset);
    ag_emit(&p->body, ", t%d);\n", v->slot);
}

static void emit_expand(agi_pass_printer *p, const agi_micro *m)
{
    char text[24];
    const agi_value *row = &p->s.value[m->a];
    if (row->uniform) {
        agi_value full = p->s.value[m->out];
        full.load = row->load;
        fill(p, &full, p->g->tile_rows * p->g->tile_columns);
        return;
    }
    agi_call_helper(p, &p->body, "expand", -1);
    ag_emit(&p->body, "%s, ", agi_tile(p, AGI_ROWS, text));
    ag_emit(&p->body, "%s, ", agi_tile(p, AGI_COLUMNS, text));
    agi_emit_home(p, m->a);
    ag_emit(&p->body, ", ");
    agi_emit_home(p, m->out);
    ag_emit(&p->body, ");\n");
}

static void emit_fold_rows(agi_pass_printer *p, const agi_micro *m)
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

/* ---- gathers ----------------------------------------------------------------------------------------------------- */

/* Element i of a run, which is 0 outside the box. */
static void emit_walked(const agi_pass_printer *p, ag_source *to, const agi_load *l)
{
    const agi_pattern *w = &l->walk;
    ag_source value = { .allocator = to->allocator };
    int last = w->rank - 1, bounds = 0;
    for (int k = 0; k <= last && w->boxed; k++) {
        char index[32];
        snprintf(index, sizeof index, k == last ? "i%d + i" : "i%d", k);
        long long from = (long long)w->box.from[k], end = (long long)w->box.to[k];
        if (from > 0) ag_emit(to, bounds++ ? " && %s >= %lld" : "%s >= %lld", index, from);
        if (end < w->dim[k]) ag_emit(to, bounds++ ? " && %s < %lld" : "%s < %lld", index, end);
    }
    if (bounds) ag_emit(to, " ? ");
    ag_emit(&value, "from[%lld", (long long)w->offset);
    for (int k = 0; k <= last; k++)
        ag_emit(&value, k == last ? " + (i%d + i) * %lld" : " + i%d * %lld", k, (long long)w->stride[k]);
    ag_emit(&value, "]%c", 0);
    if (!value.failed) agi_emit_converted(p, to, (ag_dtype)l->dtype, value.text.data);
    to->failed |= value.failed;
    agi_source_free(&value);
    if (bounds) ag_emit(to, " : 0");
}

/* Elements at, at + 1, ... of a walk: inner runs while the outer indices turn like an odometer. */
static void emit_gather_function(agi_pass_printer *p, const agi_load *l, int number)
{
    const agi_pattern *w = &l->walk;
    ag_source *to = &p->functions;
    int last = w->rank - 1;
    long long length = (long long)w->dim[last];
    ag_emit(to, "static void %s_%d_gather_%d(", p->e->prefix, p->step, number);
    ag_emit(to, "const %s *from, %s *to, int64_t at, int64_t n)\n{\n", ag_c_type((ag_dtype)l->dtype), p->type);
    ag_emit(to, "    int64_t i, run, i%d = at %% %lld;\n", last, length);
    for (int k = last - 1; k >= 0; k--)
        ag_emit(to, "    int64_t i%d = (at /= %lld) %% %lld;\n", k, (long long)w->dim[k + 1], (long long)w->dim[k]);
    ag_emit(to, "    for (; n > 0; n -= run, to += run) {\n");
    ag_emit(to, "        run = %lld - i%d < n ? %lld - i%d : n;\n", length, last, length, last);
    ag_emit(to, "        for (i = 0; i < run; i++) to[i] = ");
    emit_walked(p, to, l);
    ag_emit(to, ";\n        i%d = 0;\n       ", last);
    for (int k = last - 1; k >= 0; k--) ag_emit(to, " if (++i%d == %lld) { i%d = 0;", k, (long long)w->dim[k], k);
    for (int k = last - 1; k >= 0; k--) ag_emit(to, " }");
    ag_emit(to, "\n    }\n}\n\n");
}

static void emit_gather(agi_pass_printer *p, int k)
{
    const agi_load *l = &p->g->load[k];
    char text[24];
    emit_gather_function(p, l, k);
    ag_emit(&p->body, "%s_%d_gather_%d(", p->e->prefix, p->step, k);
    agi_emit_base(p->e, &p->body, l->buffer, (ag_dtype)l->dtype);
    ag_emit(&p->body, ", ");
    agi_emit_home(p, l->reg);
    ag_emit(&p->body, ", %s", agi_tile(p, l->row ? AGI_ROW : AGI_FIRST, text));
    ag_emit(&p->body, ", %s);\n", agi_tile(p, l->row ? AGI_ROWS : AGI_COUNT, text));
}

/* ---- folds at the end of a tile ---------------------------------------------------------------------------------- */

static int64_t tiles(const agi_pass *g)
{
    return g->row_tiles * g->column_tiles;
}

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
    if (tiles(p->g) > 1) {
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
    else ag_emit(&p->body, "b%u + %s / %lld * %lld", e->buffer, known(p, AGI_ROW) == 0 ? "r" : "(row + r)",
                 (long long)e->extent, across);
    if (known(p, AGI_COLUMN)) ag_emit(&p->body, " + column");
}

/* Is row r the first of what it is folded into? */
static void emit_fold_opens(agi_pass_printer *p, const agi_fold_end *e)
{
    const agi_pass *g = p->g;
    char text[24];
    agi_tile(p, AGI_ROW, text);
    const int zero = known(p, AGI_ROW) == 0, segments = e->partial == AGI_NONE && e->extent != g->rows;
    if (zero) ag_emit(&p->body, "r");
    else ag_emit(&p->body, segments ? "(row + r)" : "row + r");
    if (e->partial != AGI_NONE)
        ag_emit(&p->body, " == first / %lld * %lld", (long long)g->column_tiles, (long long)g->tile_rows);
    else if (e->extent == g->rows) ag_emit(&p->body, " == 0");
    else ag_emit(&p->body, " %% %lld == 0", (long long)e->extent);
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

/* ---- a tile ------------------------------------------------------------------------------------------------------ */

static void emit_stage(agi_pass_printer *p, int stage)
{
    const agi_pass *g = p->g;
    agi_emit_loop(p, AGI_AT(stage, AGI_LOOP_ROWS));
    for (int k = 0; k < g->nmicros; k++)
        if (g->micro[k].kind == AGI_EXPAND && p->s.value[g->micro[k].out].when == AGI_AT(stage, AGI_LOOP_EXPAND))
            emit_expand(p, &g->micro[k]);
    agi_emit_loop(p, AGI_AT(stage, AGI_LOOP_FULL));
    agi_emit_loop(p, AGI_AT(stage, AGI_LOOP_SPECIAL));
    for (int k = 0; k < g->nmicros; k++)
        if (g->micro[k].kind == AGI_FOLD_ROWS && p->s.value[g->micro[k].out].when == AGI_AT(stage, AGI_LOOP_FOLDS))
            emit_fold_rows(p, &g->micro[k]);
}

static void emit_tile(agi_pass_printer *p)
{
    const agi_pass *g = p->g;
    for (int k = 0; k < g->nloads; k++) {
        const agi_value *v = &p->s.value[g->load[k].reg];
        int copied = v->home == AGI_HOME_ARRAY || v->home == AGI_HOME_STORE;
        if (g->load[k].access == AGI_GATHERED && !v->invariant && copied) emit_gather(p, k);
    }
    for (int k = 0; k < g->nfolds; k++)
        if (p->s.fold_when[k] != AGI_AT_END) ag_emit(&p->body, "%s f%d;\n", p->type, k);
    for (int stage = 0; stage < p->s.stages; stage++) emit_stage(p, stage);
    for (int k = 0; k < g->nfolds; k++) {
        const agi_fold_end *e = &g->fold[k];
        if (e->mode == AGI_FOLD_ALL) emit_fold_all(p, k);
        else if (e->mode == AGI_FOLD_COLUMNS) emit_fold_columns(p, e);
        else emit_fold_long(p, e);
    }
}

/* One loop computes everything, and from memory to memory. */
static int can_merge(const agi_pass_printer *p)
{
    const agi_pass *g = p->g;
    if (p->s.stages > 1 || p->s.full_slots || p->s.row_slots || p->s.by_rows || g->nfolds) return 0;
    for (int k = 0; k < g->nmicros; k++)
        if (g->micro[k].kind != AGI_POINT || p->s.value[g->micro[k].out].row) return 0;
    for (int k = 0; k < g->nstores; k++)
        if (g->store[k].row) return 0;
    for (int k = 0; k < g->nloads; k++) {
        const agi_load *l = &g->load[k];
        if (l->access == AGI_GATHERED && p->s.value[l->reg].home == AGI_HOME_STORE && l->row) return 0;
    }
    return g->column_tiles == 1 || g->rows == 1;
}

/* ---- the function of the step ------------------------------------------------------------------------------------ */

static int mentions(const agi_pass_printer *p, uint32_t buffer)
{
    char name[24];
    snprintf(name, sizeof name, "b%u", buffer);
    return agi_source_has(&p->before, name) || agi_source_has(&p->tile, name) || agi_source_has(&p->after, name);
}

static void emit_pointers(agi_pass_printer *p)
{
    const agi_pass *g = p->g;
    int n = g->nloads + g->nstores + 2 * g->nfolds;
    for (int k = 0; k < n; k++) {
        int store = k - g->nloads, fold = store - g->nstores;
        uint32_t b = store < 0 ? g->load[k].buffer : fold < 0 ? g->store[store].buffer
                     : fold % 2 ? g->fold[fold / 2].partial : g->fold[fold / 2].buffer;
        int written = fold >= 0;
        for (int j = 0; j < g->nstores; j++) written |= g->store[j].buffer == b;
        if (b == AGI_NONE || !mentions(p, b) || !agi_declare(p->e, b)) continue;
        agi_emit_pointer(p->e, b, written);
    }
}

static int64_t padded(int64_t n, ag_dtype dtype)
{
    enum { LINE = 64 };
    return (n * (int64_t)ag_dtype_size(dtype) + LINE - 1) / LINE * LINE;
}

static void emit_arrays(agi_pass_printer *p)
{
    const agi_pass *g = p->g;
    int64_t at = 0;
    for (int k = 0; k < p->s.full_slots + p->s.row_slots; k++) {
        int row = k >= p->s.full_slots;
        ag_emit(p->e->to, "    %s *const %s%d = (%s *)(void *)(%s + %lld);\n", p->type, row ? "w" : "t",
                row ? k - p->s.full_slots : k, p->type, p->e->native ? "scratch" : "m->work",
                (long long)(p->e->scratch_at + at));
        at += padded(row ? g->tile_rows : g->tile_rows * g->tile_columns, p->dtype);
    }
    if (at > p->e->scratch) p->e->scratch = at;
}

static void emit_counters(const agi_pass_printer *p, int blocks)
{
    static const char *const names[] = { "r", "i", "k", "block" };
    const int used[] = { uses(p, AGI_R), uses(p, AGI_I), uses(p, AGI_K), blocks };
    int n = 0;
    for (int k = 0; k < 4; k++)
        if (used[k]) ag_emit(p->e->to, n++ ? ", %s" : "    int64_t %s", names[k]);
    if (n) ag_emit(p->e->to, ";\n");
}

/* First tile of a block, as block_start of tile.c counts it. */
static void emit_block_start(const agi_pass_printer *p, const char *name, const char *block)
{
    const agi_pass *g = p->g;
    int64_t units = g->whole_rows ? g->row_tiles : tiles(g), factor = g->whole_rows ? g->column_tiles : 1;
    ag_emit(p->e->to, "const int64_t %s = %lld * %s / %lld", name, (long long)units, block, (long long)g->blocks);
    if (factor > 1) ag_emit(p->e->to, " * %lld", (long long)factor);
    ag_emit(p->e->to, ";\n");
}

static int has_partials(const agi_pass *g)
{
    for (int k = 0; k < g->nfolds; k++)
        if (g->fold[k].partial != AGI_NONE) return 1;
    return 0;
}

/* The loops over blocks and tiles around the body. */
static void emit_tiles(agi_pass_printer *p)
{
    ag_source *to = p->e->to;
    const agi_pass *g = p->g;
    int native = p->e->native, blocks = has_partials(g), depth = 1;
    if (blocks) {
        if (native) ag_emit(to, "    for (block = from; block < to; block++) {\n");
        else ag_emit(to, "    for (block = 0; block < %lld; block++) {\n", (long long)g->blocks);
        ag_emit(to, "        ");
        emit_block_start(p, "first", "block");
        ag_emit(to, "        ");
        emit_block_start(p, "end", "(block + 1)");
        ag_emit(to, "        for (k = first; k < end; k++) {\n");
        depth = 3;
    } else if (tiles(g) > 1 && native && g->blocks > 1) {
        ag_emit(to, "    ");
        emit_block_start(p, "end", "to");
        long long units = (long long)(g->whole_rows ? g->row_tiles : tiles(g));
        ag_emit(to, "    for (k = %lld * from / %lld", units, (long long)g->blocks);
        ag_emit(to, g->whole_rows && g->column_tiles > 1 ? " * %lld; k < end; k++) {\n" : "; k < end; k++) {\n",
                (long long)g->column_tiles);
        depth = 2;
    } else if (tiles(g) > 1) {
        ag_emit(to, "    for (k = 0; k < %lld; k++) {\n", (long long)tiles(g));
        depth = 2;
    }
    agi_source_append_lines(to, &p->variables, depth);
    agi_source_append_lines(to, &p->tile, depth);
    for (int k = depth - 1; k > 0; k--) ag_emit(to, k > 1 ? "        }\n" : "    }\n");
}

/* All that one loop does from `from` to `to`, at once. */
static void emit_merged(agi_pass_printer *p)
{
    const agi_pass *g = p->g;
    int64_t part = g->column_tiles == 1 ? g->tile_rows * g->columns : g->tile_columns, all = g->rows * g->columns;
    if (p->e->native && g->blocks > 1) {
        ag_emit(p->e->to, "    ");
        emit_block_start(p, "start", "from");
        ag_emit(p->e->to, "    ");
        emit_block_start(p, "end", "to");
        ag_emit(p->e->to, "    const int64_t at = start * %lld, n = (end * %lld < %lld ? end * %lld : %lld) - at;\n",
                (long long)part, (long long)part, (long long)all, (long long)part, (long long)all);
    }
    agi_source_append_lines(p->e->to, &p->tile, 1);
}

/* The blocks' partial results, combined in their order. */
static void emit_finish(agi_pass_printer *p)
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

static void emit_comment(const agi_pass_printer *p)
{
    const agi_pass *g = p->g;
    ag_source *to = p->e->to;
    ag_emit(to, "/* %lld x %lld elements", (long long)g->rows, (long long)g->columns);
    for (int k = 0; k < g->nstores + g->nfolds; k++) {
        uint32_t b = k < g->nstores ? g->store[k].buffer : g->fold[k - g->nstores].buffer;
        const ag_node *x = p->e->plan->buffer[b].node;
        if (!x) continue;
        ag_emit(to, k ? ", " : ": ");
        agi_emit_node(to, x);
    }
    ag_emit(to, " */\n");
}

static ag_source take(ag_source *s)
{
    ag_source all = *s;
    s->text = (agi_vector){ 0 };
    return all;
}

/* The body is written first: it decides what has to be declared. */
static void emit_step(agi_pass_printer *p)
{
    for (int r = 0; r < p->g->nregisters; r++)
        if (p->s.value[r].invariant) emit_invariant(p, (uint32_t)r);
    p->before = take(&p->body);
    emit_tile(p);
    p->tile = take(&p->body);
    emit_variables(p, &p->variables);
    if (!p->e->native) emit_finish(p);
    p->after = take(&p->body);
    agi_source_append(p->e->to, &p->functions);
    emit_comment(p);
    agi_emit_head(p->e, "void", p->step, -1);
    emit_pointers(p);
    emit_arrays(p);
    emit_counters(p, has_partials(p->g));
    agi_source_append_lines(p->e->to, &p->before, 1);
    if (p->merged) emit_merged(p);
    else emit_tiles(p);
    agi_source_append_lines(p->e->to, &p->after, 1);
    ag_emit(p->e->to, "}\n\n");
}

static int can_be_written(agi_emitter *e, const agi_pass *g)
{
    for (int k = 0; k < g->nmicros; k++)
        if (g->micro[k].kind == AGI_POINT && !agi_pointwise_text(g->micro[k].op)) e->missing = g->micro[k].op;
    return !e->missing;
}

int agi_emit_pass(agi_emitter *e, int step, const agi_pass *g)
{
    if (!can_be_written(e, g)) return 0;
    ag_source empty = { .allocator = e->to->allocator };
    agi_pass_printer p = { .e = e, .g = g, .step = step, .dtype = g->dtype, .type = ag_c_type(g->dtype),
                           .functions = empty, .body = empty, .before = empty, .tile = empty, .after = empty,
                           .variables = empty };
    agi_arena arena;
    agi_arena_init(&arena, empty.allocator);
    p.seen = agi_arena_zeros(&arena, (size_t)g->nregisters, sizeof *p.seen);
    p.argument = agi_arena_take(&arena, (size_t)(2 * g->nregisters + g->nstores + g->nfolds) * sizeof *p.argument);
    if (p.seen && p.argument && agi_make_schedule(&p.s, &arena, e->plan, g, e->native)) {
        p.merged = can_merge(&p);
        emit_step(&p);
    } else {
        e->to->failed = 1;
    }
    ag_source *const all[] = { &p.functions, &p.body, &p.before, &p.tile, &p.after, &p.variables };
    for (size_t k = 0; k < sizeof all / sizeof all[0]; k++) {
        e->to->failed |= all[k]->failed;
        agi_source_free(all[k]);
    }
    agi_arena_free(&arena);
    return 1;
}
