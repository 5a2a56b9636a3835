/* A page on which a reader steps forward and backward through a small graph: page.html around what it shows, as JSON.
 * Of each node its value and the derivative by it; of each operand what flows back into it, and, where both are of few
 * elements, the whole local derivative, asked of the operation's rule for one unit vector after the other. */
#include "picture.h"

#include <math.h>

enum { MOST_NODES = 400, MOST_VALUES = 64, MOST_LOCAL = 8 };

static const char *const page[] = {
#include "page.inc"
};

/* From a node to one of its operands. */
typedef struct {
    uint32_t to;  /* place */
    ag_node *part; /* what flows there */
    ag_node **row; /* by element of the node: its derivative by the operand; or NULL */
} flow;

typedef struct {
    int flows;
    flow *flow;
} way_back;

typedef struct {
    FILE *f;
    agi_arena *arena;
    agi_study study;
    way_back *back;   /* by place */
    uint32_t *number; /* by place: in the page's list */
    int made;         /* nodes of `make` */
    ag_node **make;   /* that are to be computed beside the study's, or NULL: they are counted */
} stepping;

/* ---- derivatives ------------------------------------------------------------------------------------------------- */

/* A part of a loop is shown as made of what the loop reads. */
static const ag_node *made_of(const ag_node *v)
{
    return v->op->flags & AG_PART ? v->in[0] : v;
}

/* The operands that something flows to, each once; how many. */
static int list_operands(const stepping *s, const ag_node *v, ag_node **list)
{
    const ag_node *from = made_of(v);
    int n = 0;
    for (uint32_t k = 0; k < agi_visible(from); k++) {
        const uint32_t at = agi_place_in(&s->study.map.region, from->in[k]);
        int known = !s->study.shown[at] || !s->study.slope[at];
        for (int i = 0; i < n && !known; i++) known = list[i] == from->in[k];
        if (!known) list[n++] = from->in[k];
    }
    return n;
}

static ag_node *unit_vector(const ag_node *v, int64_t i)
{
    float narrow[MOST_LOCAL] = { 0 };
    double wide[MOST_LOCAL] = { 0 };
    narrow[i] = 1, wide[i] = 1;
    return ag_constant(v->graph, (ag_dtype)v->dtype, ag_shape_in(v), v->dtype == AG_F32 ? (void *)narrow : wide);
}

static int out_of_memory(const stepping *s)
{
    return agi_fail(s->study.graph, AG_EMEM, "ag_write_html: out of memory"), 0;
}

static int derive(stepping *s, uint32_t at)
{
    ag_node *v = s->study.map.region.node[at], *slope = s->study.slope[at];
    way_back *b = &s->back[at];
    if (!slope || v->op->flags & AG_LEAF) return 1;
    ag_node **x = agi_arena_take(s->arena, 2 * (size_t)(made_of(v)->nin + 1) * sizeof *x), **dx;
    if (!x) return out_of_memory(s);
    const int n = b->flows = list_operands(s, v, x);
    const int64_t rows = ag_count(v) <= MOST_LOCAL ? ag_count(v) : 0;
    dx = x + n;
    b->flow = agi_arena_zeros(s->arena, (size_t)n + 1, sizeof *b->flow);
    if (!b->flow) return out_of_memory(s);
    if (agi_pull("ag_write_html", 1, &v, &slope, n, x, n, dx)) return 0;
    for (int k = 0; k < n; k++) {
        b->flow[k] = (flow){ .to = agi_place_in(&s->study.map.region, x[k]), .part = dx[k] };
        if (ag_count(x[k]) > MOST_LOCAL || !rows) continue;
        b->flow[k].row = agi_arena_take(s->arena, (size_t)rows * sizeof *b->flow[k].row);
        if (!b->flow[k].row) return out_of_memory(s);
    }
    for (int64_t i = 0; i < rows; i++) {
        ag_node *unit = unit_vector(v, i);
        if (agi_pull("ag_write_html", 1, &v, &unit, n, x, n, dx)) return 0;
        for (int k = 0; k < n; k++)
            if (b->flow[k].row) b->flow[k].row[i] = dx[k];
    }
    return 1;
}

static void list(stepping *s, ag_node *x)
{
    if (s->make) s->make[s->made] = x;
    s->made++;
}

static void list_made(stepping *s)
{
    const agi_region *r = &s->study.map.region;
    s->made = 0;
    for (uint32_t at = 0; at < r->count; at++)
        for (int k = 0; k < s->back[at].flows; k++) {
            list(s, s->back[at].flow[k].part);
            for (int64_t i = 0; s->back[at].flow[k].row && i < ag_count(r->node[at]); i++)
                list(s, s->back[at].flow[k].row[i]);
        }
}

static int study(stepping *s, ag_node *y, const ag_run *leaves)
{
    const agi_region *r = &s->study.map.region;
    uint32_t shown = 0;
    if (!agi_study_make(&s->study, "ag_write_html", s->arena, y)) return 0;
    s->back = agi_arena_zeros(s->arena, r->count, sizeof *s->back);
    s->number = agi_arena_take(s->arena, r->count * sizeof *s->number);
    if (!s->back || !s->number) return out_of_memory(s);
    for (uint32_t at = r->count; at-- > 0;) s->number[at] = s->study.shown[at] ? shown++ : AGI_NOWHERE;
    if (shown > MOST_NODES)
        return agi_fail(s->study.graph, AG_EARG, "ag_write_html: %u nodes: at most %d can be stepped through", shown,
                        MOST_NODES), 0;
    for (uint32_t at = 0; at < r->count; at++)
        if (s->study.shown[at] && !derive(s, at)) return 0;
    list_made(s);
    s->make = agi_arena_take(s->arena, ((size_t)s->made + 1) * sizeof *s->make);
    if (!s->make) return out_of_memory(s);
    list_made(s);
    return agi_study_run(&s->study, leaves, s->made, s->make);
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

static void write_number(FILE *f, double x)
{
    if (isfinite(x)) fprintf(f, "%.17g", x);
    else fprintf(f, isnan(x) ? "\"NaN\"" : x > 0 ? "\"Infinity\"" : "\"-Infinity\"");
}

static void write_list(FILE *f, const ag_node *v, const void *data)
{
    fputc('[', f);
    for (int64_t i = 0; i < ag_count(v); i++) {
        if (i) fputc(',', f);
        write_number(f, agi_value_at_index(v, data, i));
    }
    fputc(']', f);
}

/* "name": the numbers, or null where there are many; "text": what they are. */
static void write_values(const stepping *s, const char *name, const char *text, const ag_node *v)
{
    char figures[AGI_FIGURES];
    const void *data = ag_data(s->study.run, v);
    fprintf(s->f, ",\"%s\":", name);
    if (ag_count(v) <= MOST_VALUES) write_list(s->f, v, data);
    else fputs("null", s->f);
    agi_figures(figures, v, data);
    fprintf(s->f, ",\"%s\":", text);
    agi_write_json(s->f, figures);
}

static void write_flow(const stepping *s, const ag_node *v, const flow *w)
{
    fprintf(s->f, "{\"to\":%u", s->number[w->to]);
    write_values(s, "parts", "text", w->part);
    fputs(",\"local\":", s->f);
    if (!w->row) fputs("null", s->f);
    for (int64_t i = 0; w->row && i < ag_count(v); i++) {
        fputs(i ? "," : "[", s->f);
        write_list(s->f, w->row[i], ag_data(s->study.run, w->row[i]));
    }
    fputs(w->row ? "]}" : "}", s->f);
}

/* Of each operand its place in the list, or -1: it is a number, written by its letter. */
static void write_inputs(const stepping *s, const ag_node *v)
{
    const ag_node *from = made_of(v);
    const uint32_t n = agi_visible(from) < 26 ? agi_visible(from) : 26;
    double number = 0;
    fputs(",\"inputs\":[", s->f);
    for (uint32_t k = 0; k < n; k++) {
        const uint32_t at = agi_place_in(&s->study.map.region, from->in[k]);
        fprintf(s->f, k ? ",%lld" : "%lld", s->study.shown[at] ? (long long)s->number[at] : -1LL);
    }
    fputs("],\"numbers\":{", s->f);
    int written = 0;
    for (uint32_t k = 0; k < n; k++) {
        if (s->study.shown[agi_place_in(&s->study.map.region, from->in[k])]) continue;
        fprintf(s->f, written++ ? ",\"%c\":" : "\"%c\":", n > 1 ? 'a' + (int)k : 'x');
        write_number(s->f, agi_is_number(from->in[k], &number) ? number : NAN);
    }
    fputc('}', s->f);
}

static void write_text(const stepping *s, const char *name, const char *text)
{
    fprintf(s->f, ",\"%s\":", name);
    agi_write_json(s->f, text ? text : "");
}

static void write_node(const stepping *s, uint32_t at)
{
    const ag_node *v = s->study.map.region.node[at];
    char text[AG_SHAPE_TEXT], scope[256] = "", loop[64] = "";
    agi_text shape_text = { text, text + sizeof text }, scope_text = { scope, scope + sizeof scope };
    agi_text loop_text = { loop, loop + sizeof loop };
    agi_print_shape(&shape_text, (ag_dtype)v->dtype, v->rank, v->dim);
    agi_print_scope(&scope_text, &s->study.map, s->study.map.scope[at]);
    if (v->op->flags & AG_PART) agi_print_loop(&loop_text, v->in[0]);
    fprintf(s->f, "%s{\"id\":%u,\"leaf\":%s,\"sloped\":%s", s->number[at] ? ",\n" : "", v->id,
            v->op->flags & AG_LEAF ? "true" : "false", s->study.slope[at] ? "true" : "false");
    write_text(s, "name", v->name);
    write_text(s, "op", *loop ? loop : v->op->name);
    write_text(s, "formula", v->op->formula);
    write_text(s, "kind", agi_kind_name(agi_kind_of(v)));
    write_text(s, "shape", text);
    write_text(s, "scope", scope);
    write_values(s, "values", "text", v);
    if (s->study.slope[at]) write_values(s, "slopes", "slope", s->study.slope[at]);
    write_inputs(s, v);
    fputs(",\"flows\":[", s->f);
    for (int k = 0; k < s->back[at].flows; k++) {
        if (k) fputc(',', s->f);
        write_flow(s, v, &s->back[at].flow[k]);
    }
    fputs("]}", s->f);
}

static void write_page(const stepping *s)
{
    for (size_t k = 0; k < sizeof page / sizeof *page; k++) {
        if (strcmp(page[k], "@DATA@\n")) {
            fputs(page[k], s->f);
            continue;
        }
        fputs("{\"nodes\":[", s->f);
        for (uint32_t at = s->study.map.region.count; at-- > 0;)
            if (s->study.shown[at]) write_node(s, at);
        fputs("]}\n", s->f);
    }
}

int ag_write_html(FILE *f, ag_node *y, const ag_run *or_null)
{
    if (!f || !y) return -1;
    ag_graph *g = y->graph;
    const ag_status before = g->status; /* the graph goes on, with the failure that it had */
    if (before || agi_check_nodes(g, "ag_write_html", 1, &y, "y")) return -1;
    agi_arena arena;
    agi_arena_init(&arena, &g->allocator);
    stepping s = { .f = f, .arena = &arena };
    g->message[0] = 0;
    const int done = study(&s, y, or_null);
    if (done) write_page(&s);
    g->status = AG_OK;
    agi_study_free(&s.study);
    agi_arena_free(&arena);
    return done && !ferror(f) ? 0 : -1;
}
