/* A picture of a graph for Graphviz: nodes in boxes within boxes, folded ones as one node, edges among these. */
#include "picture.h"
#include "control/loop.h"
#include "run/run.h"

#include <stdlib.h>

typedef struct {
    uint32_t from, to; /* what is drawn: a node's place, or a folded box behind all places */
    const ag_node *of; /* the tensor that goes there */
    uint8_t letter;    /* of the operand, or 0 */
    uint8_t back;      /* to the next step of a loop */
    uint8_t derives;   /* from the forward part to a derivative or an update */
} edge;

typedef struct {
    int64_t operations, parameters, elements; /* of the parameters */
} contents;

typedef struct {
    FILE *f;
    const ag_picture_options *o;
    agi_map map;
    agi_boxes boxes;
    agi_study study;    /* with gradients_of */
    contents *contents; /* by box */
    agi_vector edges;   /* edge */
    int failed;         /* no memory */
} picture;

#define NONE AGI_NOWHERE
enum { MOST_ACROSS = 16 };

/* ---- nodes ------------------------------------------------------------------------------------------------------- */

/* ORDER as agi_kind: what is filled, and its border. */
static const char *const fill[AGI_KINDS] = { "#d3e5f7", "#fbe8a6", "#f2f2f2", "#dcf0d4", "#e5daf2",
                                             "#fbd7b8", "#ffffff", "#c9ebe7", "#f8d0d0" };
static const char *const border[AGI_KINDS] = { "#5b8bc0", "#c09a20", "#a0a0a0", "#6aa84f", "#8e6bb8",
                                               "#cf7a2f", "#b0b0b0", "#3d9a92", "#c0504d" };

static void write_figures(const picture *p, const ag_node *v, const void *data, const char *before, const char *colour)
{
    char text[AGI_FIGURES];
    agi_figures(text, v, data);
    fprintf(p->f, "<br/><font face=\"Courier,monospace\" point-size=\"8\" color=\"%s\">%s", colour, before);
    for (char *line = text, *end; line; line = end) {
        if ((end = strchr(line, '\n'))) *end++ = 0;
        agi_write_xml(p->f, line);
        if (end) fputs("<br/>", p->f);
    }
    fputs(*before ? "&#160;</font>" : "</font>", p->f); /* Graphviz may take the sign before for nothing wide */
}

/* A constant's values, or what a run holds, of what *v then is. */
static const void *value_of(const picture *p, const ag_node **v)
{
    const void *found = (*v)->op->role == AG_IS_CONSTANT ? (*v)->attribute : NULL;
    if (found) return found;
    if (p->o->run && (found = ag_data(p->o->run, *v))) *v = agi_made(p->o->run, *v);
    return found || !p->study.run ? found : ag_data(p->study.run, *v);
}

static void write_values(const picture *p, const ag_node *v)
{
    const ag_node *of = v;
    const void *data = value_of(p, &of);
    if (data) write_figures(p, of, data, "", "#202020");
    if (!p->study.run) return;
    const uint32_t at = agi_place_in(&p->study.map.region, v);
    const ag_node *slope = at == NONE ? NULL : p->study.slope[at];
    if (slope && (data = ag_data(p->study.run, slope))) write_figures(p, slope, data, "\u2202 ", "#b03030");
}

/* Numbers are written where they are used: "b = 0.5". */
static void write_numbers(const picture *p, const ag_node *v)
{
    double number;
    for (uint32_t k = 0; k < agi_visible(v) && k < 26; k++) {
        if (!agi_is_number(v->in[k], &number) || p->map.output[agi_place_in(&p->map.region, v->in[k])]) continue;
        fputs("<br/><font point-size=\"8\">", p->f);
        if (agi_visible(v) == 1) fprintf(p->f, "of %.6g</font>", number);
        else fprintf(p->f, "%c = %.6g</font>", 'a' + (int)k, number);
    }
}

static void write_operation(const picture *p, const ag_node *v)
{
    char room[64];
    agi_text t = { room, room + sizeof room };
    double number;
    if (v->op->role == AG_IS_NUMBER && agi_is_number(v, &number)) fprintf(p->f, "%.6g", number);
    else if (v->op->flags & AG_LEAF && v->name) return;
    else if (v->op->flags & AG_LOOP) {
        agi_print_loop(&t, v);
        agi_write_xml(p->f, room);
    } else agi_write_xml(p->f, v->op->name);
    if (!v->op->formula || v->op->flags & AG_LEAF) return;
    fputs(" <font color=\"#707070\" point-size=\"8\">", p->f);
    agi_write_xml(p->f, v->op->formula);
    fputs("</font>", p->f);
}

static void write_shape(const picture *p, const ag_node *v)
{
    char text[AG_SHAPE_TEXT];
    agi_text t = { text, text + sizeof text };
    agi_print_shape(&t, (ag_dtype)v->dtype, v->rank, v->dim);
    agi_name_extents(v->graph, text, sizeof text);
    fprintf(p->f, "<font point-size=\"8\" color=\"#404040\">%s</font>", text);
}

static void write_node(const picture *p, uint32_t at)
{
    const ag_node *v = p->map.region.node[at];
    const agi_kind kind = agi_kind_of(v);
    fprintf(p->f, "n%u [class=\"%s\", fillcolor=\"%s\", color=\"%s\"%s%s, label=<", v->id, agi_kind_name(kind),
            fill[kind], border[kind], p->map.output[at] ? ", penwidth=2.5" : "",
            kind == AGI_MOVES ? ", fontsize=8, margin=\"0.06,0.04\", fontcolor=\"#505050\"" : "");
    for (const char *name = v->name; name; name = agi_older_name(name)) {
        fputs("<b>", p->f);
        agi_write_xml(p->f, name);
        fputs("</b><br/>", p->f);
    }
    write_operation(p, v);
    write_numbers(p, v);
    if (!(v->op->flags & AG_LEAF && v->name)) fputs("<br/>", p->f);
    write_shape(p, v);
    write_values(p, v);
    fputs(">];\n", p->f);
}

/* ---- boxes ------------------------------------------------------------------------------------------------------- */

/* Of what is drawn as one: by box. 0: no memory. */
static int count_contents(picture *p)
{
    const agi_boxes *b = &p->boxes;
    p->contents = agi_arena_zeros(p->map.arena, b->count, sizeof *p->contents);
    for (uint32_t k = 0; p->contents && k < b->count; k++) {
        contents *c = &p->contents[agi_box_drawn(b, k)];
        for (uint32_t at = b->box[k].member; at != NONE; at = b->beside[at]) {
            const ag_node *v = p->map.region.node[at];
            if (v->op->role == AG_IS_PARAMETER) c->parameters++, c->elements += ag_count(v);
            c->operations += !(v->op->flags & AG_LEAF);
        }
    }
    return p->contents != NULL;
}

static void write_title(const picture *p, uint32_t box)
{
    static const char *const part[] = { "forward", "derivatives", "updates" };
    const agi_box *x = &p->boxes.box[box];
    char text[256] = "";
    agi_text t = { text, text + sizeof text };
    if (x->loop != NONE) agi_print_loop(&t, p->map.region.node[x->loop]);
    else if (x->scope == NONE) agi_print(&t, "%s", part[x->part]);
    else agi_print(&t, "%.*s", (int)agi_scope_at(&p->map, x->scope)->length, agi_scope_at(&p->map, x->scope)->name);
    agi_write_xml(p->f, text);
}

static const char *const part_fill[AGI_PARTS] = { "#f6f8fb", "#fdf3f3", "#f6f2ea" };
static const char *const part_border[AGI_PARTS] = { "#9db2cc", "#d69a9a", "#cbb98f" };

static void write_folded(const picture *p, uint32_t box)
{
    const contents c = p->contents[box];
    const int part = p->boxes.box[box].part;
    fprintf(p->f, "c%u [class=\"folded\", shape=box3d, fillcolor=\"%s\", color=\"%s\", label=<<b>", box,
            part_fill[part], part_border[part]);
    write_title(p, box);
    fprintf(p->f, "</b><br/><font point-size=\"8\">%lld operation%s", (long long)c.operations,
            c.operations == 1 ? "" : "s");
    if (c.parameters)
        fprintf(p->f, "<br/>%lld parameter%s, %lld element%s", (long long)c.parameters, c.parameters == 1 ? "" : "s",
                (long long)c.elements, c.elements == 1 ? "" : "s");
    fputs("</font>>];\n", p->f);
}

static void open_box(const picture *p, uint32_t box)
{
    const agi_box *x = &p->boxes.box[box];
    const int loop = x->loop != NONE;
    fprintf(p->f, "subgraph cluster_%u { style=\"rounded,filled\"; fillcolor=\"%s\"; color=\"%s\"; label=<", box,
            loop ? "#eef9f8" : part_fill[x->part], loop ? border[AGI_LOOPS] : part_border[x->part]);
    write_title(p, box);
    fputs(">;\n", p->f);
}

static void write_boxes(const picture *p)
{
    const agi_boxes *b = &p->boxes;
    int left;
    for (uint32_t k = 0; k != NONE;) {
        const int folded = b->box[k].folded;
        if (folded) write_folded(p, k);
        else if (k) open_box(p, k);
        for (uint32_t at = folded ? NONE : b->box[k].member; at != NONE; at = b->beside[at]) write_node(p, at);
        k = agi_box_next(b, k, !folded, &left);
        for (int i = folded + (k == NONE); i < left; i++) fputs("}\n", p->f); /* but for the picture itself */
    }
}

/* ---- edges ------------------------------------------------------------------------------------------------------- */

static uint32_t drawn_as(const picture *p, uint32_t at)
{
    const uint32_t box = agi_box_drawn(&p->boxes, p->boxes.of[at]);
    return p->boxes.box[box].folded ? p->map.region.count + box : at;
}

static int is_there(const picture *p, uint32_t at)
{
    return !p->boxes.hidden[at] || (p->map.region.node[at]->op->flags & AG_LOOP && drawn_as(p, at) != at);
}

static void add_edge(picture *p, const ag_node *from, const ag_node *to, edge e)
{
    const uint32_t a = agi_place_in(&p->map.region, from), b = agi_place_in(&p->map.region, to);
    if (!is_there(p, a) || !is_there(p, b)) return;
    e.from = drawn_as(p, a);
    e.to = drawn_as(p, b);
    e.of = from;
    e.derives = p->map.part[a] != p->map.part[b];
    if (e.from == e.to) return;
    p->failed |= !agi_vector_grow(p->map.arena->allocator, &p->edges, sizeof e, 1);
    if (!p->failed) ((edge *)p->edges.data)[p->edges.count++] = e;
}

/* To the leaves of a loop's body, from its ends to the next step's leaves, and to what says how it goes on. */
static void add_loop(picture *p, const ag_node *x)
{
    for (uint32_t k = 0; k < x->nin; k++) {
        const ag_node *leaf = agi_body_leaf(x, k), *next = leaf ? agi_body_next(x, k) : NULL;
        if (leaf) add_edge(p, x->in[k], leaf, (edge){ 0 });
        if (next) add_edge(p, next, leaf, (edge){ .back = 1 });
    }
    for (int which = 0; which < 2; which++)
        if (agi_body_control(x, which)) add_edge(p, agi_body_control(x, which), x, (edge){ 0 });
}

static void add_part(picture *p, const ag_node *v)
{
    const int part = *(const int *)v->attribute;
    int found = 0;
    for (int which = 0; which < 2; which++) {
        const ag_node *from = agi_body_of_part(v->in[0], part, which);
        if (from) add_edge(p, from, v, (edge){ 0 });
        found |= from != NULL;
    }
    if (!found) add_edge(p, v->in[0], v, (edge){ 0 });
}

static void add_edges(picture *p)
{
    for (uint32_t at = p->map.region.count; at-- > 0;) {
        const ag_node *v = p->map.region.node[at];
        const uint32_t n = agi_visible(v);
        if (v->op->flags & AG_LOOP) add_loop(p, v);
        else if (v->op->flags & AG_PART) add_part(p, v);
        else
            for (uint32_t k = 0; k < n; k++)
                add_edge(p, v->in[k], v, (edge){ .letter = (uint8_t)(n > 1 && n <= 3 ? 'a' + (int)k : 0) });
    }
}

/* Between the same two; among those drawn as one the letters of operands mean nothing. */
static int edge_order(const void *a, const void *b)
{
    const edge *x = a, *y = b;
    if (x->from != y->from) return x->from < y->from ? 1 : -1;
    if (x->to != y->to) return x->to < y->to ? 1 : -1;
    return (x->letter > y->letter) - (x->letter < y->letter);
}

static void write_end(const picture *p, uint32_t drawn)
{
    const uint32_t places = p->map.region.count;
    if (drawn < places) fprintf(p->f, "n%u", p->map.region.node[drawn]->id);
    else fprintf(p->f, "c%u", drawn - places);
}

static void write_edge(const picture *p, const edge *e, int64_t count)
{
    const uint32_t places = p->map.region.count;
    const int between = e->from >= places || e->to >= places;
    const char *colour = p->map.part[agi_place_in(&p->map.region, e->of)] != AGI_FORWARD ? "#b03030" : "#404040";
    write_end(p, e->from);
    fputs(" -> ", p->f);
    write_end(p, e->to);
    fprintf(p->f, " [color=\"%s\"", e->derives ? "#b0a0a0" : colour);
    if (e->back) fputs(", style=dashed, constraint=false, label=\"next step\"", p->f);
    else if (e->derives) fputs(", style=dashed", p->f);
    if (count > 1 && between) fprintf(p->f, ", label=\"%lld tensors\"", (long long)count);
    else if (e->letter && e->to < places) fprintf(p->f, ", headlabel=\"%c\"", e->letter);
    if (count > 1 && !e->derives) fprintf(p->f, ", penwidth=%g", count > 4 ? 2.5 : 1.0 + 0.4 * (double)count);
    fputs("];\n", p->f);
}

static void write_edges(const picture *p)
{
    const edge *e = p->edges.data, *end = e + p->edges.count;
    for (int64_t n; e < end; e += n) {
        for (n = 1; e + n < end && e[n].from == e->from && e[n].to == e->to; n++)
            if (e->from < p->map.region.count && e->to < p->map.region.count) break; /* x * x: two arrows */
        write_edge(p, e, n);
    }
}

/* ---- the call ---------------------------------------------------------------------------------------------------- */

static void write_all(const picture *p)
{
    fprintf(p->f, "digraph autograd {\nrankdir=%s; ranksep=0.35; nodesep=0.2; compound=true; bgcolor=white;\n",
            p->o->direction == 'd' || (!p->o->direction && agi_boxes_drawn(&p->boxes) > MOST_ACROSS) ? "TB" : "LR");
    fputs("fontname=\"Helvetica,Arial,sans-serif\"; fontsize=10; labeljust=l;\n"
          "node [shape=box, style=\"rounded,filled\", fontname=\"Helvetica,Arial,sans-serif\", fontsize=10, "
          "margin=\"0.09,0.05\", height=0.2];\n"
          "edge [fontname=\"Helvetica,Arial,sans-serif\", fontsize=8, fontcolor=\"#808080\", arrowsize=0.6, "
          "labeldistance=1.4];\n", p->f);
    write_boxes(p);
    write_edges(p);
    fputs("}\n", p->f);
}

static int draw(picture *p, ag_graph *g, agi_arena *arena, int n, ag_node *const outputs[])
{
    if (p->o->gradients_of) {
        if (!agi_study_make(&p->study, "ag_write_dot", arena, p->o->gradients_of)) return 0;
        if (!agi_study_run(&p->study, p->o->run, 0, NULL)) return 0;
    }
    if (!agi_map_make(&p->map, arena, g, n, outputs) || !agi_boxes_make(&p->boxes, &p->map, p->o)) return 0;
    if (!count_contents(p)) return 0;
    add_edges(p);
    if (p->failed) return 0;
    if (p->edges.count) qsort(p->edges.data, (size_t)p->edges.count, sizeof(edge), edge_order);
    write_all(p);
    return !ferror(p->f);
}

int ag_write_dot_with(FILE *f, int n, ag_node *const outputs[], const ag_picture_options *or_null)
{
    const ag_picture_options o = or_null ? *or_null : (ag_picture_options){ 0 };
    if (!f || n < 1 || !outputs || !outputs[0]) return -1;
    ag_graph *g = outputs[0]->graph;
    if (agi_check_nodes(g, "ag_write_dot", n, outputs, "output")) return -1;
    if (o.gradients_of && agi_check_nodes(g, "ag_write_dot", 1, &o.gradients_of, "gradients_of")) return -1;
    agi_arena arena;
    agi_arena_init(&arena, &g->allocator);
    picture p = { .f = f, .o = &o };
    const ag_status before = g->status; /* the graph goes on, with the failure that it had */
    if (!before) g->message[0] = 0;
    const int drawn = draw(&p, g, &arena, n, outputs);
    g->status = before;
    agi_release(&g->allocator, p.edges.data);
    if (p.map.arena) agi_map_free(&p.map);
    agi_study_free(&p.study);
    agi_arena_free(&arena);
    return drawn ? 0 : -1;
}

int ag_write_dot(FILE *f, int n, ag_node *const outputs[], const ag_run *or_null)
{
    return ag_write_dot_with(f, n, outputs, &(ag_picture_options){ .run = or_null });
}
