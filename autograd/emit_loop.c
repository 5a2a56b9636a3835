/* A loop over a tile as C: a function of pointers to its first elements, which compilers can vectorise, and its call. */
#include "emit_pass.h"

/* ---- arguments ---------------------------------------------------------------------------------------------------- */

static int computed_at(const agi_pass_printer *p, uint32_t reg, int when)
{
    const agi_value *v = &p->s.value[reg];
    return v->micro >= 0 && v->when == when && !v->expanded && !v->uniform;
}

static int in_loop(const agi_pass_printer *p, const agi_micro *m, int when)
{
    return m->kind == AGI_POINT && computed_at(p, m->out, when);
}

static void want(agi_pass_printer *p, uint32_t reg, int when)
{
    const agi_value *v = &p->s.value[reg];
    if (computed_at(p, reg, when) || p->seen[reg] == p->loops) return;
    p->seen[reg] = p->loops;
    agi_argument_role role = v->uniform || v->expanded ? AGI_ARGUMENT_SCALAR : AGI_ARGUMENT_IN;
    p->argument[p->narguments++] = (agi_argument){ role, reg, -1 };
}

/* 0: nothing is computed or stored at this time. */
static int find_arguments(agi_pass_printer *p, int when)
{
    const agi_pass *g = p->g;
    p->narguments = 0;
    for (int k = 0; k < g->nmicros; k++) {
        const agi_micro *m = &g->micro[k];
        const uint32_t in[3] = { m->a, m->b, m->c };
        for (int i = 0; in_loop(p, m, when) && i < m->op->inputs; i++) want(p, in[i], when);
    }
    for (int k = 0; k < g->nstores; k++)
        if (p->s.store_when[k] == when) want(p, g->store[k].reg, when);
    int inputs = p->narguments;
    for (int k = 0; k < g->nmicros; k++)
        if (in_loop(p, &g->micro[k], when) && p->s.value[g->micro[k].out].home == AGI_HOME_ARRAY)
            p->argument[p->narguments++] = (agi_argument){ AGI_ARGUMENT_OUT, g->micro[k].out, -1 };
    for (int k = 0; k < g->nstores; k++)
        if (p->s.store_when[k] == when) p->argument[p->narguments++] = (agi_argument){ AGI_ARGUMENT_OUT, g->store[k].reg, k };
    return p->narguments > inputs;
}

/* A number that is known now is no argument. */
static const agi_buffer *constant_of(const agi_pass_printer *p, const agi_argument *a)
{
    const agi_value *v = &p->s.value[a->reg];
    if (a->role != AGI_ARGUMENT_SCALAR || !v->uniform) return NULL;
    const agi_buffer *b = &p->e->plan->buffer[p->g->load[v->load].buffer];
    return b->role == AGI_CONSTANT ? b : NULL;
}

/* ---- the function ------------------------------------------------------------------------------------------------- */

static ag_dtype type_of(const agi_pass_printer *p, const agi_argument *a)
{
    const agi_value *v = &p->s.value[a->reg];
    return a->role == AGI_ARGUMENT_IN && v->home == AGI_HOME_LOAD ? (ag_dtype)p->g->load[v->load].dtype : p->dtype;
}

static void emit_parameters(const agi_pass_printer *p, ag_source *to)
{
    ag_emit(to, "(int64_t n");
    for (int k = 0; k < p->narguments; k++) {
        const agi_argument *a = &p->argument[k];
        if (constant_of(p, a)) continue;
        if (a->role == AGI_ARGUMENT_IN) ag_emit(to, ", const %s *x%u", ag_c_type(type_of(p, a)), a->reg);
        else if (a->role == AGI_ARGUMENT_OUT) ag_emit(to, ", %s *y%d", p->type, k);
        else ag_emit(to, ", %s r%u", p->type, a->reg);
    }
    ag_emit(to, ")\n");
}

static void emit_constants(const agi_pass_printer *p, ag_source *to)
{
    for (int k = 0; k < p->narguments; k++) {
        const agi_argument *a = &p->argument[k];
        if (!constant_of(p, a)) continue;
        ag_emit(to, "    const %s r%u = ", p->type, a->reg);
        agi_emit_uniform(p, to, &p->s.value[a->reg]);
        ag_emit(to, ";\n");
    }
}

static void emit_loads(const agi_pass_printer *p, ag_source *to)
{
    for (int k = 0; k < p->narguments; k++) {
        const agi_argument *a = &p->argument[k];
        char value[24];
        if (a->role != AGI_ARGUMENT_IN) continue;
        snprintf(value, sizeof value, "x%u[i]", a->reg);
        ag_emit(to, "        const %s r%u = ", p->type, a->reg);
        agi_emit_converted(p, to, type_of(p, a), value);
        ag_emit(to, ";\n");
    }
}

static void emit_micro(const agi_pass_printer *p, ag_source *to, const agi_micro *m)
{
    char in[3][16];
    const uint32_t reg[3] = { m->a, m->b, m->c };
    for (int i = 0; i < 3; i++) snprintf(in[i], sizeof in[i], "r%u", reg[i]);
    ag_emit(to, "        const %s r%u = ", p->type, m->out);
    agi_emit_arithmetic(to, agi_pointwise_text(m->op), p->dtype, (const char *const[3]){ in[0], in[1], in[2] });
    ag_emit(to, ";\n");
}

static void emit_function(agi_pass_printer *p, int when)
{
    ag_source *to = &p->functions;
    ag_emit(to, "static void %s_%d_%u", p->e->prefix, p->step, p->loops);
    emit_parameters(p, to);
    ag_emit(to, "{\n");
    emit_constants(p, to);
    ag_emit(to, "    int64_t i;\n    INDEPENDENT\n    for (i = 0; i < n; i++) {\n");
    emit_loads(p, to);
    for (int k = 0; k < p->g->nmicros; k++)
        if (in_loop(p, &p->g->micro[k], when)) emit_micro(p, to, &p->g->micro[k]);
    for (int k = 0; k < p->narguments; k++)
        if (p->argument[k].role == AGI_ARGUMENT_OUT) ag_emit(to, "        y%d[i] = r%u;\n", k, p->argument[k].reg);
    ag_emit(to, "    }\n}\n\n");
}

/* ---- the call ----------------------------------------------------------------------------------------------------- */

static void emit_argument(agi_pass_printer *p, const agi_argument *a, int by_rows)
{
    const agi_value *v = &p->s.value[a->reg];
    char text[24];
    if (a->role == AGI_ARGUMENT_SCALAR && v->uniform) {
        agi_emit_uniform(p, &p->body, v);
    } else if (a->role == AGI_ARGUMENT_SCALAR) {
        ag_emit(&p->body, "(");
        agi_emit_home(p, v->of);
        ag_emit(&p->body, ")[%s]", by_rows ? agi_tile(p, AGI_R, text) : "0");
    } else {
        if (a->store >= 0) agi_emit_stored(p, &p->g->store[a->store]);
        else agi_emit_home(p, a->reg);
        if (by_rows && (a->role == AGI_ARGUMENT_OUT || v->home != AGI_HOME_ROW))
            ag_emit(&p->body, " + %s * %lld", agi_tile(p, AGI_R, text), (long long)p->g->columns);
    }
}

static void emit_call(agi_pass_printer *p, int loop)
{
    char text[24];
    int by_rows = loop != AGI_LOOP_ROWS && p->s.by_rows && p->g->tile_rows > 1;
    agi_variable count = loop == AGI_LOOP_ROWS ? AGI_ROWS : by_rows ? AGI_COLUMNS : AGI_COUNT;
    if (by_rows) {
        agi_tile(p, AGI_R, text);
        ag_emit(&p->body, "for (r = 0; r < %s; r++)\n    ", agi_tile(p, AGI_ROWS, text));
    }
    ag_emit(&p->body, "%s_%d_%u(%s", p->e->prefix, p->step, p->loops, agi_tile(p, count, text));
    for (int k = 0; k < p->narguments; k++) {
        if (constant_of(p, &p->argument[k])) continue;
        ag_emit(&p->body, ", ");
        emit_argument(p, &p->argument[k], by_rows);
    }
    ag_emit(&p->body, ");\n");
}

void agi_emit_loop(agi_pass_printer *p, int when)
{
    p->loops++;
    if (find_arguments(p, when)) {
        emit_function(p, when);
        emit_call(p, when % AGI_LOOPS);
    } else {
        p->loops--;
    }
}
