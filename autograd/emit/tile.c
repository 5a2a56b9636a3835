/* What is done in a tile of a pass, stage by stage, and once before all tiles. */
#include "pass_printer.h"

static void fill(agi_pass_printer *p, const agi_scheduled *v, int64_t n)
{
    char text[24];
    const char *i = agi_tile(p, AGI_I, text);
    ag_emit(&p->body, "for (%s = 0; %s < %lld; %s++) ", i, i, (long long)n, i);
    ag_emit(&p->body, "%s%d[%s] = ", v->row ? "w" : "t", v->slot, i);
    agi_emit_uniform(p, &p->body, v);
    ag_emit(&p->body, ";\n");
}

/* What is the same in all tiles. */
void agi_emit_invariant(agi_pass_printer *p, uint32_t reg)
{
    const agi_scheduled *v = &p->s.value[reg];
    const agi_pass *g = p->g;
    const agi_load *l = &g->load[v->load];
    if (l->access != AGI_REPEAT) {
        fill(p, v, v->row ? g->tile_rows : g->tile_rows * g->tile_columns);
        return;
    }
    agi_call_helper(p, &p->body, "repeat", -1);
    ag_emit(&p->body, "%lld, %lld, ", (long long)g->tile_rows, (long long)g->columns);
    agi_emit_loaded(p, v->load, p->dtype);
    ag_emit(&p->body, ", t%d);\n", v->slot);
}

static void emit_expand(agi_pass_printer *p, const agi_micro *m)
{
    char text[24];
    const agi_scheduled *row = &p->s.value[m->a];
    if (row->uniform) {
        agi_scheduled full = p->s.value[m->out];
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

static void emit_stage(agi_pass_printer *p, int stage)
{
    const agi_pass *g = p->g;
    agi_emit_strip(p, agi_time_of(stage, AGI_STRIP_ROWS));
    for (int k = 0; k < g->nmicros; k++)
        if (g->micro[k].kind == AGI_EXPAND && p->s.value[g->micro[k].out].when == agi_time_of(stage, AGI_STRIP_EXPAND))
            emit_expand(p, &g->micro[k]);
    agi_emit_strip(p, agi_time_of(stage, AGI_STRIP_FULL));
    agi_emit_strip(p, agi_time_of(stage, AGI_STRIP_SPECIAL));
    for (int k = 0; k < g->nmicros; k++)
        if (g->micro[k].kind == AGI_FOLD_ROWS &&
            p->s.value[g->micro[k].out].when == agi_time_of(stage, AGI_STRIP_FOLDS))
            agi_emit_fold_rows(p, &g->micro[k]);
}

void agi_emit_tile(agi_pass_printer *p)
{
    const agi_pass *g = p->g;
    for (int k = 0; k < g->nloads; k++) {
        const agi_scheduled *v = &p->s.value[g->load[k].reg];
        int copied = v->home == AGI_HOME_ARRAY || v->home == AGI_HOME_STORE;
        if (g->load[k].access == AGI_GATHERED && !v->invariant && copied) agi_emit_gather(p, k);
    }
    for (int k = 0; k < g->nfolds; k++)
        if (p->s.fold_when[k] != AGI_AT_END) ag_emit(&p->body, "%s f%d;\n", p->type, k);
    for (int stage = 0; stage < p->s.stages; stage++) emit_stage(p, stage);
    for (int k = 0; k < g->nfolds; k++) agi_emit_fold_end(p, k);
}
