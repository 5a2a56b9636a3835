/* A loop over a tile as C: a function of pointers to its first elements, which compilers can vectorise; its call. */
#include "pass_printer.h"

/* ---- arguments --------------------------------------------------------------------------------------------------- */

static int computed_at(const agi_pass_printer *p, uint32_t reg, agi_time when)
{
    const agi_scheduled *v = &p->s.value[reg];
    return v->micro >= 0 && v->when == when && !v->expanded && !v->uniform;
}

static int in_loop(const agi_pass_printer *p, const agi_micro *m, agi_time when)
{
    return m->kind == AGI_POINT && computed_at(p, m->out, when);
}

static void want(agi_pass_printer *p, uint32_t reg, agi_time when)
{
    const agi_scheduled *v = &p->s.value[reg];
    if (computed_at(p, reg, when) || p->seen[reg] == p->loops) return;
    p->seen[reg] = p->loops;
    agi_argument_role role = v->uniform || v->expanded ? AGI_ARGUMENT_SCALAR
                             : v->home == AGI_HOME_BOUNDS ? AGI_ARGUMENT_BOUNDS : AGI_ARGUMENT_IN;
    p->argument[p->narguments++] = (agi_c_argument){ role, reg, -1 };
}

/* 0: nothing is computed or stored at this time. */
static int find_arguments(agi_pass_printer *p, agi_time when)
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
            p->argument[p->narguments++] = (agi_c_argument){ AGI_ARGUMENT_OUT, g->micro[k].out, -1 };
    for (int k = 0; k < g->nstores; k++)
        if (p->s.store_when[k] == when)
            p->argument[p->narguments++] = (agi_c_argument){ AGI_ARGUMENT_OUT, g->store[k].reg, k };
    for (int k = 0; k < g->nfolds; k++)
        if (p->s.fold_when[k] == when)
            p->argument[p->narguments++] = (agi_c_argument){ AGI_ARGUMENT_FOLD, g->fold[k].reg, k };
    return p->narguments > inputs;
}

/* A number that is known now is no argument. */
static const agi_buffer *constant_of(const agi_pass_printer *p, const agi_c_argument *a)
{
    const agi_scheduled *v = &p->s.value[a->reg];
    if (a->role != AGI_ARGUMENT_SCALAR || !v->uniform) return NULL;
    const agi_buffer *b = &p->e->plan->buffer[p->g->load[v->load].buffer];
    return b->role == AGI_CONSTANT ? b : NULL;
}

/* ---- the function ------------------------------------------------------------------------------------------------ */

static ag_dtype type_of(const agi_pass_printer *p, const agi_c_argument *a)
{
    const agi_scheduled *v = &p->s.value[a->reg];
    return a->role == AGI_ARGUMENT_IN && v->home == AGI_HOME_LOAD ? (ag_dtype)p->g->load[v->load].dtype : p->dtype;
}

/* Elements are this far apart where the argument is stored: other than 1 for some inlays, whose functions are told. */
static int64_t stride_of(const agi_pass_printer *p, const agi_c_argument *a)
{
    return a->role == AGI_ARGUMENT_OUT && a->number >= 0 ? p->g->store[a->number].stride : 1;
}

static void emit_signature(const agi_pass_printer *p, ag_source *to, const char *suffix)
{
    ag_emit(to, "static void %s_%d_%u%s(int64_t n", p->e->prefix, p->step, p->loops, suffix);
    for (int k = 0; k < p->narguments; k++) {
        const agi_c_argument *a = &p->argument[k];
        if (constant_of(p, a)) continue;
        switch (a->role) {
        case AGI_ARGUMENT_IN: ag_emit(to, ", const %s *x%u", ag_c_type(type_of(p, a)), a->reg); break;
        case AGI_ARGUMENT_BOUNDS:
            ag_emit(to, ", const %s *x%u, int64_t at%u, int64_t from%u, int64_t to%u", p->type, a->reg, a->reg, a->reg,
                    a->reg);
            break;
        case AGI_ARGUMENT_SCALAR: ag_emit(to, ", %s r%u", p->type, a->reg); break;
        case AGI_ARGUMENT_OUT:
            ag_emit(to, ", %s *y%d", p->type, k);
            if (stride_of(p, a) != 1) ag_emit(to, ", int64_t s%d", k);
            break;
        case AGI_ARGUMENT_FOLD: ag_emit(to, ", %s *f%d", p->type, a->number); break;
        }
    }
    ag_emit(to, ")\n{\n");
}

static void emit_constants(const agi_pass_printer *p, ag_source *to)
{
    for (int k = 0; k < p->narguments; k++) {
        const agi_c_argument *a = &p->argument[k];
        if (!constant_of(p, a)) continue;
        ag_emit(to, "    const %s r%u = ", p->type, a->reg);
        agi_emit_uniform(p, to, &p->s.value[a->reg]);
        ag_emit(to, ";\n");
    }
}

static void emit_loads(const agi_pass_printer *p, ag_source *to, const char *index)
{
    for (int k = 0; k < p->narguments; k++) {
        const agi_c_argument *a = &p->argument[k];
        char value[32];
        if (a->role == AGI_ARGUMENT_BOUNDS)
            ag_emit(to, "        const %s r%u = %s >= from%u && %s < to%u ? x%u[at%u + %s] : 0;\n", p->type, a->reg,
                    index, a->reg, index, a->reg, a->reg, a->reg, index);
        if (a->role != AGI_ARGUMENT_IN) continue;
        snprintf(value, sizeof value, "x%u[%s]", a->reg, index);
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
    agi_emit_loop_arithmetic(p->e, to, m->op, p->dtype, (const char *const[3]){ in[0], in[1], in[2] });
    ag_emit(to, ";\n");
}

static void emit_body(agi_pass_printer *p, ag_source *to, agi_time when, const char *index)
{
    emit_loads(p, to, index);
    for (int k = 0; k < p->g->nmicros; k++)
        if (in_loop(p, &p->g->micro[k], when)) emit_micro(p, to, &p->g->micro[k]);
    for (int k = 0; k < p->narguments; k++) {
        const agi_c_argument *a = &p->argument[k];
        if (a->role == AGI_ARGUMENT_OUT && stride_of(p, a) != 1)
            ag_emit(to, "        y%d[(%s) * s%d] = r%u;\n", k, index, k, a->reg);
        else if (a->role == AGI_ARGUMENT_OUT) ag_emit(to, "        y%d[%s] = r%u;\n", k, index, a->reg);
        if (a->role != AGI_ARGUMENT_FOLD) continue;
        ag_emit(to, "        f%d[l] = ", a->number);
        agi_call_helper(p, to, "two", p->g->fold[a->number].fold);
        ag_emit(to, "f%d[l], r%u);\n", a->number, a->reg);
    }
    ag_emit(to, "    }\n");
}

/* ---- whole vectors ----------------------------------------------------------------------------------------------- */

enum { LANES = 32, VECTOR = 16 };

static int has_folds(const agi_pass_printer *p)
{
    return p->narguments && p->argument[p->narguments - 1].role == AGI_ARGUMENT_FOLD;
}

static int calls_functions(const agi_pass_printer *p, agi_time when)
{
    for (int k = 0; k < p->g->nmicros; k++)
        if (in_loop(p, &p->g->micro[k], when) && agi_calls_of(p->g->micro[k].op)) return 1;
    return 0;
}

/* What the function of whole vectors is called with: all but the last elements; the last vector again, which overlaps
 * what is done already; or arrays of a vector that the elements have been copied to. */
typedef enum { ALL, OVERLAPPING, COPIED } portion;

static void emit_passed(const agi_pass_printer *p, ag_source *to, int k, portion which)
{
    static const char *const after[] = { "", " + n - vector", "" };
    const agi_c_argument *a = &p->argument[k];
    if (constant_of(p, a)) return;
    switch (a->role) {
    case AGI_ARGUMENT_BOUNDS: break; /* of loops that take single elements */
    case AGI_ARGUMENT_SCALAR: ag_emit(to, ", r%u", a->reg); break;
    case AGI_ARGUMENT_IN: ag_emit(to, which == COPIED ? ", a%u" : ", x%u%s", a->reg, after[which]); break;
    case AGI_ARGUMENT_OUT:
        if (stride_of(p, a) == 1) ag_emit(to, which == COPIED ? ", c%d" : ", y%d%s", k, after[which]);
        else if (which == COPIED) ag_emit(to, ", c%d, 1", k);
        else ag_emit(to, which == ALL ? ", y%d, s%d" : ", y%d + (n - vector) * s%d, s%d", k, k, k);
        break;
    case AGI_ARGUMENT_FOLD: ag_emit(to, which == ALL ? ", lane%d" : ", last%d", a->number); break;
    }
}

static void emit_call_of_whole(const agi_pass_printer *p, ag_source *to, const char *n, portion which)
{
    ag_emit(to, "%s_%d_%u_whole(%s", p->e->prefix, p->step, p->loops, n);
    for (int k = 0; k < p->narguments; k++) emit_passed(p, to, k, which);
    ag_emit(to, ");\n");
}

/* Copies the elements into vectors, or what was made of them back. */
static void emit_copies(agi_pass_printer *p, ag_source *to, int back)
{
    for (int k = 0; k < p->narguments; k++) {
        const agi_c_argument *a = &p->argument[k];
        if (a->role != (back ? AGI_ARGUMENT_OUT : AGI_ARGUMENT_IN)) continue;
        char name[AGI_NAME];
        agi_helper_name(p->e, back ? "copy" : "pad", back ? p->dtype : type_of(p, a), name);
        if (back && stride_of(p, a) != 1)
            ag_emit(to, "        for (int64_t i = 0; i < rest; i++) y%d[(n - rest + i) * s%d] = c%d[i];\n", k, k, k);
        else if (back) ag_emit(to, "        %s(rest, c%d, y%d + n - rest);\n", name, k, k);
        else ag_emit(to, "        %s(rest, vector, x%u + n - rest, a%u);\n", name, a->reg, a->reg);
    }
}

static void emit_copied(agi_pass_printer *p, ag_source *to)
{
    for (int k = 0; k < p->narguments; k++) {
        const agi_c_argument *a = &p->argument[k];
        if (a->role == AGI_ARGUMENT_IN) ag_emit(to, "        %s a%u[vector];\n", ag_c_type(type_of(p, a)), a->reg);
        if (a->role == AGI_ARGUMENT_OUT) ag_emit(to, "        %s c%d[vector];\n", p->type, k);
    }
    emit_copies(p, to, 0);
    ag_emit(to, "        ");
    emit_call_of_whole(p, to, "vector", COPIED);
    emit_copies(p, to, 1);
}

/* Lanes start with what changes nothing: -0, 1, and the infinities. */
static void emit_lanes(const agi_pass_printer *p, ag_source *to)
{
    static const char *const start[] = { "-0.0", "1", "-INFINITY", "INFINITY" };
    if (has_folds(p)) ag_emit(to, "    int l;\n");
    for (int k = 0; k < p->narguments; k++) {
        int f = p->argument[k].number;
        if (p->argument[k].role != AGI_ARGUMENT_FOLD) continue;
        ag_emit(to, "    %s lane%d[vector], last%d[vector];\n", p->type, f, f);
        ag_emit(to, "    for (l = 0; l < vector; l++) lane%d[l] = last%d[l] = %s;\n", f, f, start[p->g->fold[f].fold]);
    }
}

/* A vector may be computed twice unless the first time overwrites what the second time reads. */
static int may_overlap(const agi_pass_printer *p)
{
    for (int k = 0; k < p->narguments; k++)
        for (int j = 0; p->argument[k].role == AGI_ARGUMENT_OUT && p->argument[k].number >= 0 && j < p->g->nloads; j++)
            if (agi_same_memory(p->e->plan, p->g->store[p->argument[k].number].buffer, p->g->load[j].buffer)) return 0;
    return 1;
}

/* Calls the function of whole vectors, and once more for the rest: so no element is computed by other functions than
 * its neighbours, and none one by one. */
static void emit_wrapper(agi_pass_printer *p, ag_source *to)
{
    int overlaps = may_overlap(p);
    emit_signature(p, to, "");
    ag_emit(to, "    enum { vector = %d };\n    const int64_t rest = n %% vector;\n", has_folds(p) ? LANES : VECTOR);
    emit_lanes(p, to);
    ag_emit(to, "    ");
    emit_call_of_whole(p, to, "n - rest", ALL);
    if (overlaps) {
        ag_emit(to, "    if (rest && n > vector) {\n        ");
        emit_call_of_whole(p, to, "vector", OVERLAPPING);
        ag_emit(to, "    } else ");
    }
    ag_emit(to, overlaps ? "if (rest) {\n" : "    if (rest) {\n");
    emit_copied(p, to);
    ag_emit(to, "    }\n");
    for (int k = 0; k < p->narguments; k++) {
        int f = p->argument[k].number;
        if (p->argument[k].role != AGI_ARGUMENT_FOLD) continue;
        ag_emit(to, "    *f%d = ", f);
        agi_call_helper(p, to, "lanes", p->g->fold[f].fold);
        ag_emit(to, "n, lane%d, last%d%s);\n", f, f, overlaps ? " + (n > vector && rest ? vector - rest : 0)" : "");
    }
    ag_emit(to, "}\n\n");
}

static void emit_whole(agi_pass_printer *p, ag_source *to, agi_time when)
{
    emit_signature(p, to, "_whole");
    emit_constants(p, to);
    if (has_folds(p)) {
        ag_emit(to, "    int64_t i, l;\n    for (i = 0; i < n; i += %d)\n    INDEPENDENT\n", LANES);
        ag_emit(to, "    for (l = 0; l < %d; l++) {\n", LANES);
        emit_body(p, to, when, "i + l");
    } else {
        ag_emit(to, "    int64_t i;\n    n &= -%d;\n    INDEPENDENT\n    for (i = 0; i < n; i++) {\n", VECTOR);
        emit_body(p, to, when, "i");
    }
    ag_emit(to, "}\n\n");
}

static void emit_function(agi_pass_printer *p, agi_time when)
{
    ag_source *to = &p->functions;
    int vectors = p->e->native && agi_strip_of(when) != AGI_STRIP_SPECIAL && calls_functions(p, when);
    if (vectors || has_folds(p)) {
        emit_whole(p, to, when);
        emit_wrapper(p, to);
        return;
    }
    emit_signature(p, to, "");
    emit_constants(p, to);
    ag_emit(to, "    int64_t i;\n    INDEPENDENT\n    for (i = 0; i < n; i++) {\n");
    emit_body(p, to, when, "i");
    ag_emit(to, "}\n\n");
}

/* ---- the call ---------------------------------------------------------------------------------------------------- */

/* The memory; which element of it the tile's first is, or would be; the tile's elements that are in the bounds. */
static void emit_bounds(agi_pass_printer *p, int load)
{
    const agi_load *l = &p->g->load[load];
    const int64_t number[AGI_LOAD_OPERANDS] = { l->walk.offset, l->walk.bounds.from[0], l->walk.bounds.to[0] };
    char text[24], operand[40];
    const char *first = agi_tile(p, AGI_FIRST, text);
    int moves = strcmp(first, "0") != 0;
    agi_emit_base(p->e, &p->body, l->buffer, p->dtype);
    for (int k = 0; k < AGI_LOAD_OPERANDS; k++) {
        if (!k && !number[k] && moves) ag_emit(&p->body, ", %s", first);
        else ag_emit(&p->body, ", %s", agi_load_operand(p, load, (agi_load_operand_kind)k, operand));
        if (moves && (k || number[k])) ag_emit(&p->body, k ? " - %s" : " + %s", first);
    }
}

static void emit_argument(agi_pass_printer *p, const agi_c_argument *a, int by_rows)
{
    const agi_scheduled *v = &p->s.value[a->reg];
    char text[24];
    if (a->role == AGI_ARGUMENT_SCALAR && v->uniform) {
        agi_emit_uniform(p, &p->body, v);
    } else if (a->role == AGI_ARGUMENT_SCALAR) {
        ag_emit(&p->body, "(");
        agi_emit_home(p, v->of);
        ag_emit(&p->body, ")[%s]", by_rows ? agi_tile(p, AGI_R, text) : "0");
    } else if (a->role == AGI_ARGUMENT_BOUNDS) {
        emit_bounds(p, v->load);
    } else if (a->role == AGI_ARGUMENT_FOLD) {
        ag_emit(&p->body, "&f%d", a->number);
    } else {
        if (a->number >= 0) agi_emit_stored(p, &p->g->store[a->number]);
        else agi_emit_home(p, a->reg);
        if (by_rows && (a->role == AGI_ARGUMENT_OUT || v->home != AGI_HOME_ROW))
            ag_emit(&p->body, " + %s * %lld", agi_tile(p, AGI_R, text), (long long)(p->g->columns * stride_of(p, a)));
        if (stride_of(p, a) != 1) ag_emit(&p->body, ", %lld", (long long)stride_of(p, a));
    }
}

static void emit_call(agi_pass_printer *p, int loop)
{
    char text[24];
    int by_rows = loop != AGI_STRIP_ROWS && p->s.by_rows && p->g->tile_rows > 1;
    agi_variable count = loop == AGI_STRIP_ROWS ? AGI_ROWS : by_rows ? AGI_COLUMNS : AGI_COUNT;
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

void agi_emit_strip(agi_pass_printer *p, agi_time when)
{
    p->loops++;
    if (find_arguments(p, when)) {
        emit_function(p, when);
        emit_call(p, agi_strip_of(when));
    } else {
        p->loops--;
    }
}
