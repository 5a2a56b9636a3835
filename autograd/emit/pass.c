/* A pass as C: functions of its loops, see strip.c, and one that walks the tiles and calls them. The tiles, the
 * blocks and the folds are tile.c's, so that results agree with the interpreter's. */
#include "pass_printer.h"

/* ---- declarations ------------------------------------------------------------------------------------------------ */

static int mentions(const agi_pass_printer *p, uint32_t buffer)
{
    char name[24];
    snprintf(name, sizeof name, "b%u", buffer);
    return agi_source_has(&p->before, name) || agi_source_has(&p->tile, name) || agi_source_has(&p->after, name);
}

static void emit_pointers(agi_pass_printer *p)
{
    const agi_pass *g = p->g;
    int n = g->nloads + g->nstores + 3 * g->nfolds;
    for (int k = 0; k < n; k++) {
        int store = k - g->nloads, fold = store - g->nstores;
        uint32_t b = store < 0 ? g->load[k].buffer : fold < 0 ? g->store[store].buffer
                     : fold % 3 == 0 ? g->fold[fold / 3].buffer
                     : fold % 3 == 1 ? g->fold[fold / 3].partial : g->fold[fold / 3].few;
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
        char name[24];
        snprintf(name, sizeof name, "%s%d", row ? "w" : "t", row ? k - p->s.full_slots : k);
        agi_emit_scratch(p->e, p->type, name, at);
        at += padded(row ? g->tile_rows : g->tile_rows * g->tile_columns, p->dtype);
    }
    if (at > p->e->scratch) p->e->scratch = at;
}

static void emit_counters(const agi_pass_printer *p, int blocks)
{
    static const char *const names[] = { "r", "i", "k", "block" };
    const int used[] = { agi_uses(p, AGI_R), agi_uses(p, AGI_I), agi_uses(p, AGI_K) || blocks, blocks };
    int n = 0;
    for (int k = 0; k < 4; k++)
        if (used[k]) ag_emit(p->e->to, n++ ? ", %s" : "    int64_t %s", names[k]);
    if (n) ag_emit(p->e->to, ";\n");
}

static void emit_comment(const agi_pass_printer *p)
{
    const agi_pass *g = p->g;
    ag_source *to = p->e->to;
    ag_emit(to, "/* %lld x %lld elements", (long long)g->rows, (long long)g->columns);
    for (int k = 0; k < g->nstores + g->nfolds; k++) {
        uint32_t b = k < g->nstores ? g->store[k].buffer : g->fold[k - g->nstores].buffer;
        const ag_node *x = p->e->plan->buffer[b].node;
        if (!x || (k && k < g->nstores && g->store[k].inlaid && g->store[k - 1].buffer == b)) continue;
        ag_emit(to, k ? ", " : ": ");
        agi_emit_node(to, x);
    }
    ag_emit(to, " */\n");
}

/* ---- loops over tiles -------------------------------------------------------------------------------------------- */

/* First tile of a block, as block_start of tile.c counts it. */
static void emit_block_start(const agi_pass_printer *p, const char *name, const char *block)
{
    const agi_pass *g = p->g;
    int64_t units = g->whole_rows ? g->row_tiles : agi_tiles(g), factor = g->whole_rows ? g->column_tiles : 1;
    ag_emit(p->e->to, "const int64_t %s = %lld * %s / %lld", name, (long long)units, block, (long long)g->blocks);
    if (factor > 1) ag_emit(p->e->to, " * %lld", (long long)factor);
    ag_emit(p->e->to, ";\n");
}

/* The loops over blocks and tiles around the body. */
static void emit_tiles(agi_pass_printer *p)
{
    ag_source *to = p->e->to;
    const agi_pass *g = p->g;
    int native = p->e->native, blocks = agi_has_partials(g), depth = 1;
    if (blocks) {
        if (native) ag_emit(to, "    for (block = from; block < to; block++) {\n");
        else ag_emit(to, "    for (block = 0; block < %lld; block++) {\n", (long long)g->blocks);
        ag_emit(to, "        ");
        emit_block_start(p, "first", "block");
        ag_emit(to, "        ");
        emit_block_start(p, "end", "(block + 1)");
        ag_emit(to, "        for (k = first; k < end; k++) {\n");
        depth = 3;
    } else if (agi_tiles(g) > 1 && native && g->blocks > 1) {
        ag_emit(to, "    ");
        emit_block_start(p, "end", "to");
        long long units = (long long)(g->whole_rows ? g->row_tiles : agi_tiles(g));
        ag_emit(to, "    for (k = %lld * from / %lld", units, (long long)g->blocks);
        ag_emit(to, g->whole_rows && g->column_tiles > 1 ? " * %lld; k < end; k++) {\n" : "; k < end; k++) {\n",
                (long long)g->column_tiles);
        depth = 2;
    } else if (agi_tiles(g) > 1) {
        ag_emit(to, "    for (k = 0; k < %lld; k++) {\n", (long long)agi_tiles(g));
        depth = 2;
    }
    agi_source_append_lines(to, &p->variables, depth);
    agi_source_append_lines(to, &p->tile, depth);
    for (int k = depth - 1; k > 0; k--) ag_emit(to, k > 1 ? "        }\n" : "    }\n");
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

/* ---- the function of the step ------------------------------------------------------------------------------------ */

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
        if (p->s.value[r].invariant) agi_emit_invariant(p, (uint32_t)r);
    p->before = take(&p->body);
    agi_emit_tile(p);
    p->tile = take(&p->body);
    agi_emit_variables(p, &p->variables);
    if (!p->e->native) agi_emit_finish(p);
    p->after = take(&p->body);
    agi_source_append(p->e->to, &p->functions);
    emit_comment(p);
    agi_emit_head(p->e, "void", p->step, -1);
    emit_pointers(p);
    emit_arrays(p);
    emit_counters(p, agi_has_partials(p->g));
    agi_source_append_lines(p->e->to, &p->before, 1);
    if (p->merged) emit_merged(p);
    else emit_tiles(p);
    agi_source_append_lines(p->e->to, &p->after, 1);
    ag_emit(p->e->to, "}\n\n");
}

static void emit_nested(agi_pass_printer *p)
{
    emit_comment(p);
    agi_emit_head(p->e, "void", p->step, -1);
    emit_pointers(p);
    if (p->zeros) agi_emit_scratch(p->e, p->type, "zero", 0);
    agi_source_append_lines(p->e->to, &p->tile, 1);
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
    if (agi_emit_nest(&p)) {
        emit_nested(&p);
    } else if (p.seen && p.argument && agi_make_schedule(&p.s, &arena, e->plan, g, e->native)) {
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
