/* A picture of a plan for Graphviz: a pass is a box with its operations, other steps are nodes, a loop has boxes with
 * the steps of its bodies. Arrows are values: within a pass in registers, thin; between steps through memory; into what
 * is updated, dashed. They come last: what is named inside a box is drawn there. */
#include "steps.h"

enum { MOST_OPERATIONS = 400, /* of all passes that are drawn one by one */
       MOST_INSTRUCTIONS = 80 }; /* of a scalar program */

/* What makes a buffer's value: an operation of a step, or the step. */
typedef struct {
    int step, operation; /* -1: none does, it is a leaf's; the step is drawn as one */
} maker;

typedef struct {
    FILE *f;
    const ag_plan *plan;
    int number, plans; /* of this plan, and of all so far: names of nodes begin with it */
    int detailed;      /* operations are nodes */
    maker *of;         /* by buffer */
    agi_arena *arena;
    ag_source *arrows; /* of all plans */
    int failed;
} drawing;

/* ORDER agi_step_kind */
static const char *const step_fill[] = { "#dcf0d4", "#e3efe0", "#fbd7b8", "#fbd7b8", "#ffffff", "#c9ebe7" };
static const char *const step_line[] = { "#6aa84f", "#7f9f78", "#cf7a2f", "#cf7a2f", "#a0a0a0", "#3d9a92" };

/* ---- names ------------------------------------------------------------------------------------------------------- */

static const char *id_of(const drawing *d, maker m, char room[48])
{
    snprintf(room, 48, m.operation < 0 ? "p%d_%d" : "p%d_%d_%d", d->number, m.step, m.operation);
    return room;
}
#define ID(d, m) id_of((d), (m), (char[48]){ 0 })

static const char *bytes(double x, char room[32])
{
    if (x < 1e3) snprintf(room, 32, "%.0f B", x);
    else if (x < 1e6) snprintf(room, 32, "%.3g kB", x / 1e3);
    else snprintf(room, 32, "%.3g MB", x / 1e6);
    return room;
}
#define BYTES(x) bytes((double)(x), (char[32]){ 0 })

static const char *shape(const ag_node *v, char text[AG_SHAPE_TEXT])
{
    agi_text t = { text, text + AG_SHAPE_TEXT };
    agi_print_shape(&t, (ag_dtype)v->dtype, v->rank, v->dim);
    return text;
}
#define SHAPE(v) shape((v), (char[AG_SHAPE_TEXT]){ 0 })

static void write_leaf(const drawing *d, uint32_t b)
{
    const ag_node *v = d->plan->buffer[b].node;
    const int parameter = v && v->op->role == AG_IS_PARAMETER, input = v && v->op->role == AG_IS_INPUT;
    fprintf(d->f, "p%d_b%u [fillcolor=\"%s\", color=\"%s\", label=<<b>", d->number, b,
            parameter ? "#fbe8a6" : input ? "#d3e5f7" : "#f2f2f2",
            parameter ? "#c09a20" : input ? "#5b8bc0" : "#a0a0a0");
    agi_write_xml(d->f, v && v->name ? v->name : v ? v->op->name : "constant");
    fputs("</b>", d->f);
    if (v) fprintf(d->f, "<br/><font point-size=\"8\">%s</font>", SHAPE(v));
    fputs(">];\n", d->f);
}

/* ---- arrows ------------------------------------------------------------------------------------------------------ */

static const char *made_by(const drawing *d, uint32_t b, char room[48])
{
    if (d->of[b].step >= 0) return id_of(d, d->of[b], room);
    snprintf(room, 48, "p%d_b%u", d->number, b);
    return room;
}
#define FROM(d, b) made_by((d), (b), (char[48]){ 0 })

/* A number is written where it is used. */
static int is_number(const drawing *d, uint32_t b, double *value)
{
    const ag_node *v = d->plan->buffer[b].node;
    return v && d->plan->buffer[b].role == AGI_CONSTANT && agi_is_number(v, value);
}

static void arrow_in(const drawing *d, uint32_t b, maker to)
{
    const agi_buffer *x = &d->plan->buffer[b];
    double number;
    if (x->role == AGI_WORK || is_number(d, b, &number)) return;
    const int named = d->of[b].step >= 0 && x->node;
    ag_emit(d->arrows, "%s -> %s [penwidth=1.6, label=\"%s%s%s\"];\n", FROM(d, b), ID(d, to),
            named ? SHAPE(x->node) : "", named ? "\\n" : "", BYTES(x->bytes));
}

static void make(const drawing *d, uint32_t b, maker from)
{
    const uint32_t owner = d->plan->buffer[b].owner;
    if (d->plan->buffer[b].role != AGI_LEAF) d->of[b] = from;
    if (owner == AGI_NONE || (b != owner && d->plan->step[from.step].kind == AGI_PROGRAM)) return; /* it lists both */
    if (d->plan->buffer[owner].role == AGI_LEAF) /* a parameter's new value */
        ag_emit(d->arrows, "%s -> p%d_b%u [style=dashed, constraint=false];\n", ID(d, from), d->number, owner);
}

/* ---- passes ------------------------------------------------------------------------------------------------------ */

static void operation(const drawing *d, maker m, const char *name, const char *more, const char *fill)
{
    fprintf(d->f, "%s [fillcolor=\"%s\", label=\"%s%s\"];\n", ID(d, m), fill, name, more);
}

static const agi_load *load_into(const agi_pass *g, uint32_t r)
{
    for (int k = 0; k < g->nloads; k++)
        if (g->load[k].reg == r) return &g->load[k];
    return NULL;
}

static void register_arrow(const drawing *d, const agi_pass *g, const maker *reg, uint32_t r, maker to)
{
    const agi_load *l = load_into(g, r);
    if (l) arrow_in(d, l->buffer, to);
    else ag_emit(d->arrows, "%s -> %s [color=\"#909090\"];\n", ID(d, reg[r]), ID(d, to));
}

static void draw_micro(const drawing *d, const agi_pass *g, const maker *reg, const agi_micro *m, maker to)
{
    static const char *const fold[] = { "sum of rows", "prod of rows", "max of rows", "min of rows" };
    const uint32_t operand[] = { m->a, m->b, m->c };
    const int n = m->kind == AGI_POINT ? m->op->inputs : 1;
    char numbers[96] = "";
    agi_text t = { numbers, numbers + sizeof numbers };
    double value;
    for (int i = 0; i < n; i++) {
        const agi_load *l = load_into(g, operand[i]);
        if (l && is_number(d, l->buffer, &value)) agi_print(&t, ", %c = %.6g", 'a' + i, value);
        register_arrow(d, g, reg, operand[i], to);
    }
    if (m->kind == AGI_FOLD_ROWS) operation(d, to, fold[m->fold], "", "#e5daf2");
    else operation(d, to, m->kind == AGI_EXPAND ? "along rows" : m->op->name, numbers, "#dcf0d4");
}

static void draw_pass(drawing *d, int step, const agi_pass *g)
{
    static const char *const fold[] = { "sum", "prod", "max", "min" }; /* ORDER ag_fold */
    static const char *const over[] = { " of all", " of columns", " of long rows" };
    maker *reg = agi_arena_zeros(d->arena, (size_t)g->nregisters + 1, sizeof *reg);
    int n = 0;
    if (!reg) {
        d->failed = 1;
        return;
    }
    for (int k = 0; k < g->nmicros; k++, n++) {
        const maker to = { step, n };
        draw_micro(d, g, reg, &g->micro[k], to);
        reg[g->micro[k].out] = to;
    }
    for (int k = 0; k < g->nfolds; k++, n++) {
        const maker to = { step, n };
        operation(d, to, fold[g->fold[k].fold], over[g->fold[k].mode], "#e5daf2");
        register_arrow(d, g, reg, g->fold[k].reg, to);
        make(d, g->fold[k].buffer, to);
    }
    for (int k = 0; k < g->nstores; k++) {
        const uint32_t r = g->store[k].reg;
        maker from = reg[r];
        if (load_into(g, r)) { /* what is only moved */
            operation(d, from = (maker){ step, n++ }, "move", "", "#ffffff");
            register_arrow(d, g, reg, r, from);
        }
        make(d, g->store[k].buffer, from);
    }
}

static void draw_pass_box(drawing *d, int step, const agi_pass *g)
{
    fprintf(d->f, "subgraph cluster_p%d_%d { style=\"rounded,filled\"; fillcolor=\"#f7fbf5\"; color=\"#6aa84f\"; "
                  "label=<<b>%d: pass</b>&#160;over %lld &#215; %lld %s>;\n", d->number, step, step, (long long)g->rows,
            (long long)g->columns, agi_type_name(g->dtype));
    draw_pass(d, step, g);
    fputs("}\n", d->f);
}

/* ---- scalar programs: by element --------------------------------------------------------------------------------- */

/* The buffer with that element of the run's block at that step; AGI_NONE: a temporary. */
static uint32_t buffer_at(const ag_plan *p, int step, int64_t byte)
{
    for (uint32_t b = 0; b < p->nbuffers; b++) {
        const agi_buffer *x = &p->buffer[b];
        const int always = x->role == AGI_LEAF || x->role == AGI_CONSTANT;
        const int there = always || (x->role == AGI_VALUE && (int)x->first <= step && (int)x->last >= step);
        if (x->node && !x->in_loop && there && byte >= x->offset && byte < x->offset + x->bytes) return b;
    }
    return AGI_NONE;
}

/* The last instruction before that writes the element; -1: none does. */
static int64_t written_at(const agi_program *x, int64_t before, uint32_t element)
{
    while (before-- > 0 && x->code[before].out != element) continue;
    return before;
}

static void draw_operands(const drawing *d, int step, const agi_program *x, int64_t k, agi_text *numbers)
{
    const uint32_t operand[] = { x->code[k].a, x->code[k].b, x->code[k].c };
    const int64_t size = (int64_t)ag_dtype_size(x->dtype);
    const maker to = { step, (int)k };
    for (int i = 0; i < agi_code_operands(x->code[k].code); i++) {
        const int64_t from = written_at(x, k, operand[i]), byte = operand[i] * size;
        const uint32_t b = from < 0 ? buffer_at(d->plan, step, byte) : AGI_NONE;
        double value;
        if (from >= 0)
            ag_emit(d->arrows, "%s -> %s [color=\"#909090\"];\n", ID(d, ((maker){ step, (int)from })), ID(d, to));
        else if (b != AGI_NONE && is_number(d, b, &value)) agi_print(numbers, ", %c = %.6g", 'a' + i, value);
        else if (b != AGI_NONE)
            ag_emit(d->arrows, "%s -> %s [label=\"[%lld]\"];\n", FROM(d, b), ID(d, to),
                    (long long)((byte - d->plan->buffer[b].offset) / size));
    }
}

static void draw_program_box(drawing *d, int step, const agi_program *x)
{
    uint32_t b;
    fprintf(d->f, "subgraph cluster_p%d_%d { style=\"rounded,filled\"; fillcolor=\"#f4f7f3\"; color=\"#7f9f78\"; "
                  "label=<<b>%d: program</b>&#160;of %lld elements %s>;\n", d->number, step, step, (long long)x->count,
            agi_type_name(x->dtype));
    for (int64_t k = 0; k < x->count; k++) {
        char numbers[96] = "";
        agi_text t = { numbers, numbers + sizeof numbers };
        draw_operands(d, step, x, k, &t);
        operation(d, (maker){ step, (int)k }, agi_code_name(x->code[k].code), numbers, "#dcf0d4");
    }
    fputs("}\n", d->f);
    for (int i = 0; (b = agi_step_writes(d->plan, step, i)) != AGI_NONE; i++) { /* its first element stands for it */
        const uint32_t element = (uint32_t)(d->plan->buffer[b].offset / (int64_t)ag_dtype_size(x->dtype));
        const int64_t from = written_at(x, x->count, element);
        if (from >= 0) make(d, b, (maker){ step, (int)from });
    }
}

/* ---- other steps ------------------------------------------------------------------------------------------------- */

static void draw_plan(drawing *d, const ag_plan *p);

static void draw_bodies(drawing *d, int step, const agi_loop_step *l)
{
    for (int b = 0; b < 2; b++) {
        if (!l->body[b]) continue;
        drawing inner = *d;
        inner.number = ++d->plans;
        inner.plans = d->plans;
        fprintf(d->f, "subgraph cluster_p%d_%d_%d { style=\"rounded,filled\"; fillcolor=\"#eef9f8\"; "
                      "color=\"#3d9a92\"; label=\"%d: body %d\";\n", d->number, step, b, step, b);
        draw_plan(&inner, l->body[b]);
        fputs("}\n", d->f);
        d->plans = inner.plans;
        d->failed |= inner.failed;
    }
}

static void draw_step(drawing *d, int step)
{
    const agi_step *s = &d->plan->step[step];
    char name[160] = "";
    agi_text t = { name, name + sizeof name };
    uint32_t b;
    const agi_cost c = agi_cost_of_all(d->plan, s);
    agi_print_step(&t, d->plan, s);
    fprintf(d->f, "%s [fillcolor=\"%s\", color=\"%s\", label=<<b>%d: </b>", ID(d, ((maker){ step, -1 })),
            step_fill[s->kind], step_line[s->kind], step);
    agi_write_xml(d->f, name);
    fprintf(d->f, "<br/><font point-size=\"8\">%.3g flop, %s</font>>];\n", c.flops, BYTES(c.bytes));
    for (int k = 0; (b = agi_step_reads(d->plan, step, k)) != AGI_NONE; k++) arrow_in(d, b, (maker){ step, -1 });
    for (int k = 0; (b = agi_step_writes(d->plan, step, k)) != AGI_NONE; k++) make(d, b, (maker){ step, -1 });
    if (s->kind == AGI_LOOP) draw_bodies(d, step, s->is.loop);
}

/* Bodies are in bodies as deep as AGI_DEEPEST_LOOP at most. */
static void draw_plan(drawing *d, const ag_plan *p)
{
    d->plan = p;
    d->of = agi_arena_take(d->arena, ((size_t)p->nbuffers + 1) * sizeof *d->of);
    if (!d->of) {
        d->failed = 1;
        return;
    }
    memset(d->of, 0xff, ((size_t)p->nbuffers + 1) * sizeof *d->of);
    for (uint32_t b = 0; b < p->nbuffers; b++) {
        const int role = p->buffer[b].role;
        double number;
        if (is_number(d, b, &number)) continue;
        if (role == AGI_LEAF || role == AGI_CONSTANT || p->buffer[b].in_loop) write_leaf(d, b);
    }
    for (int k = 0; k < p->nsteps && !d->failed; k++)
        if (p->step[k].kind == AGI_PASS && d->detailed) draw_pass_box(d, k, p->step[k].is.pass);
        else if (p->step[k].kind == AGI_PROGRAM && p->step[k].is.program->count <= MOST_INSTRUCTIONS)
            draw_program_box(d, k, p->step[k].is.program);
        else draw_step(d, k);
    for (int k = 0; k < p->nplaces; k++) {
        const agi_place *x = &p->place[k];
        const int group = x->node && x->node->op->flags & AG_ALIAS && x->node->op->inputs < 0;
        if (!x->output || !x->node || group) continue;
        fprintf(d->f, "p%d_o%d [penwidth=2.5, label=<<b>", d->number, k);
        agi_write_xml(d->f, x->node->name ? x->node->name : x->node->op->name);
        fputs("</b><br/>output>];\n", d->f);
        ag_emit(d->arrows, "%s -> p%d_o%d;\n", FROM(d, x->buffer), d->number, k);
    }
}

static int64_t count_operations(const ag_plan *p)
{
    int64_t n = 0;
    for (int k = 0; k < p->nsteps; k++) {
        const agi_step *s = &p->step[k];
        n += s->kind == AGI_PASS ? s->is.pass->nmicros + s->is.pass->nfolds : 1;
        for (int b = 0; s->kind == AGI_LOOP && b < 2; b++)
            if (s->is.loop->body[b]) n += count_operations(s->is.loop->body[b]);
    }
    return n;
}

int ag_write_plan_dot(FILE *f, const ag_plan *p)
{
    if (!f || !p) return -1;
    agi_arena arena;
    agi_arena_init(&arena, &p->allocator);
    ag_source arrows = { .allocator = &p->allocator };
    drawing d = { .f = f, .arena = &arena, .arrows = &arrows, .detailed = count_operations(p) <= MOST_OPERATIONS };
    fputs("digraph plan {\nrankdir=TB; ranksep=0.35; nodesep=0.2; bgcolor=white;\n"
          "fontname=\"Helvetica,Arial,sans-serif\"; fontsize=10; labeljust=l;\n"
          "node [shape=box, style=\"rounded,filled\", fillcolor=white, fontname=\"Helvetica,Arial,sans-serif\", "
          "fontsize=10, margin=\"0.09,0.05\", height=0.2];\n"
          "edge [fontname=\"Helvetica,Arial,sans-serif\", fontsize=7, fontcolor=\"#606060\", arrowsize=0.6];\n", f);
    draw_plan(&d, p);
    if (arrows.text.count) fwrite(arrows.text.data, 1, (size_t)arrows.text.count, f);
    fputs("}\n", f);
    d.failed |= arrows.failed;
    agi_source_free(&arrows);
    agi_arena_free(&arena);
    return d.failed || ferror(f) ? -1 : 0;
}
