/* A picture of a graph for Graphviz. */
#include "derive/derive.h"

enum { MOST_VALUES = 8 }; /* of a node that are shown */

/* A definition is not for users to see, unlike the members of a group. */
static uint32_t visible(const ag_node *v)
{
    return agi_written_inputs(v);
}

static void write_escaped(FILE *f, const char *text)
{
    for (; *text; text++) {
        if (*text == '"' || *text == '\\') fputc('\\', f);
        fputc(*text, f);
    }
}

static void write_line(FILE *f, const char *what, const char *formula_or_null)
{
    write_escaped(f, what);
    if (formula_or_null && *formula_or_null) {
        fputs(": ", f);
        write_escaped(f, formula_or_null);
    }
    fputs("\\n", f);
}

/* What is shown of a small node: a constant's values, or what the run holds. */
static const void *value_of(const ag_node *v, const ag_run *run)
{
    if (ag_count(v) > MOST_VALUES) return NULL;
    if (v->op->role == AG_IS_CONSTANT) return v->attribute;
    return run ? ag_data(run, v) : NULL;
}

static double element(const ag_node *v, const void *data, int64_t i)
{
    if (v->dtype == AG_F32) return ((const float *)data)[i];
    return v->dtype == AG_F64 ? ((const double *)data)[i] : (double)((const int64_t *)data)[i];
}

/* As NumPy prints them: a bracket where a row, or a matrix of rows, begins and ends. */
static void write_values(FILE *f, const ag_node *v, const void *data)
{
    int64_t n = ag_count(v);
    for (int64_t i = 0; i < n; i++) {
        int64_t block = 1;
        int begins = 0, ends = 0;
        for (int k = v->rank; k-- > 0;) {
            block *= v->dim[k];
            begins += i % block == 0;
            ends += (i + 1) % block == 0;
        }
        if (i) fputs(begins ? "\\n" : " ", f);
        for (int k = i && begins ? begins - v->rank : 0; k < 0; k++) fputc(' ', f);
        while (begins--) fputc('[', f);
        fprintf(f, "%.6g", element(v, data, i));
        while (ends--) fputc(']', f);
    }
}

static void write_shape(FILE *f, const ag_node *v)
{
    char room[256] = "";
    agi_text t = { room, room + sizeof room };
    agi_print_shape(&t, (ag_dtype)v->dtype, v->rank, v->dim);
    fputs(room, f);
}

static void write_node(FILE *f, const ag_node *v, const ag_run *run, int output)
{
    const char *look = v->op->role == AG_IS_PARAMETER ? ", style=\"rounded,filled\", fillcolor=khaki"
                       : v->op->role == AG_IS_INPUT   ? ", style=\"rounded,filled\", fillcolor=lightblue"
                       : v->op->flags & AG_LEAF ? ", shape=plaintext"
                                                : "";
    double number;
    fprintf(f, "    n%u [label=\"", v->id);
    if (v->op->role == AG_IS_NUMBER && agi_is_number(v, &number)) fprintf(f, "%.6g", number);
    else {
        for (const char *name = v->name; name; name = agi_older_name(name)) write_line(f, name, "");
        if (!(v->op->flags & AG_LEAF)) write_line(f, v->op->name, v->op->formula);
        else if (!v->name) write_line(f, v->op->name, "");
        write_shape(f, v);
        const void *data = value_of(v, run);
        if (data) {
            fputs("\\n", f);
            write_values(f, v, data);
        }
    }
    fprintf(f, "\"%s%s];\n", look, output ? ", peripheries=2" : "");
}

static void write_edges(FILE *f, const ag_node *v)
{
    uint32_t n = visible(v);
    for (uint32_t i = 0; i < n; i++)
        if (n > 1 && n <= 3) fprintf(f, "    n%u -> n%u [label=\"%c\"];\n", v->in[i]->id, v->id, 'a' + (int)i);
        else fprintf(f, "    n%u -> n%u;\n", v->in[i]->id, v->id);
}

static int write_graph(FILE *f, ag_graph *g, agi_arena *arena, int n, ag_node *const outputs[], const ag_run *run)
{
    enum { SHOWN = 1, OUTPUT = 2 };
    uint8_t *mark = agi_arena_zeros(arena, (size_t)g->nnodes, 1);
    if (!mark) return -1;
    for (int i = 0; i < n; i++) mark[outputs[i]->id] = SHOWN | OUTPUT;
    for (int64_t id = g->nnodes; id-- > 0;) {
        const ag_node *v = agi_node(g, id);
        for (uint32_t i = 0; mark[id] && i < visible(v); i++) mark[v->in[i]->id] |= SHOWN;
    }
    fputs("digraph autograd {\n    rankdir=LR;\n"
          "    node [shape=box, style=rounded, fontname=\"monospace\", fontsize=10];\n"
          "    edge [fontname=\"monospace\", fontsize=8];\n", f);
    for (int64_t id = 0; id < g->nnodes; id++) {
        if (!mark[id]) continue;
        write_node(f, agi_node(g, id), run, mark[id] & OUTPUT);
        write_edges(f, agi_node(g, id));
    }
    fputs("}\n", f);
    return ferror(f) ? -1 : 0;
}

int ag_write_dot(FILE *f, int n, ag_node *const outputs[], const ag_run *or_null)
{
    if (!f || n < 1 || !outputs || !outputs[0]) return -1;
    ag_graph *g = outputs[0]->graph;
    if (agi_check_nodes(g, "ag_write_dot", n, outputs, "output")) return -1;
    agi_arena arena;
    agi_arena_init(&arena, &g->allocator);
    int failed = write_graph(f, g, &arena, n, outputs, or_null);
    agi_arena_free(&arena);
    return failed;
}
