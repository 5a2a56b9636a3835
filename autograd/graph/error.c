/* The sticky error: what failed first, in words that name operation, operands and shapes. Reporting never allocates. */
#include "graph.h"

enum { MOST_OLDER = 2 }; /* names beside the last one that are printed */

void agi_print(agi_text *t, const char *format, ...)
{
    va_list args;
    if (t->at >= t->end) return;
    va_start(args, format);
    int n = vsnprintf(t->at, (size_t)(t->end - t->at), format, args);
    va_end(args);
    if (n < 0) return;
    t->at += n < t->end - t->at ? n : t->end - t->at;
}

void agi_print_shape(agi_text *t, ag_dtype dtype, int rank, const int64_t *dim)
{
    agi_print(t, "%s[", agi_type_name(dtype));
    for (int i = 0; i < rank; i++) agi_print(t, i ? ",%lld" : "%lld", (long long)dim[i]);
    agi_print(t, "]");
}

const char *ag_describe(char text[AG_SHAPE_TEXT], ag_dtype dtype, const ag_shape *s)
{
    agi_text t = { text, text + AG_SHAPE_TEXT };
    agi_print_shape(&t, dtype, s->rank, s->dim);
    return text;
}

void agi_print_node(agi_text *t, const ag_node *x)
{
    const char *name = x->name, *older = name ? agi_older_name(name) : NULL;
    if (name) agi_print(t, "'%s' ", name);
    else agi_print(t, "%s (node %u) ", x->op->name, x->id);
    for (int k = 0; older && k < MOST_OLDER; k++, older = agi_older_name(older)) agi_print(t, "alias '%s' ", older);
    agi_print_shape(t, (ag_dtype)x->dtype, x->rank, x->dim);
}

static void record(ag_graph *g, ag_status status, const char *prefix, const char *format, va_list args, int n,
                   ag_node *const in[])
{
    if (g->status) return;
    g->status = status;
    agi_text t = { g->message, g->message + sizeof g->message };
    agi_print(&t, "%s", prefix);
    int written = vsnprintf(t.at, (size_t)(t.end - t.at), format, args);
    if (written > 0) t.at += written < t.end - t.at ? written : t.end - t.at;
    for (int i = 0; i < n; i++) {
        agi_print(&t, i ? ", " : "; ");
        if (*prefix && n > 1 && n <= 3) agi_print(&t, "%c ", 'a' + i);
        agi_print_node(&t, in[i]);
    }
    agi_name_extents(g, g->message, sizeof g->message);
}

ag_node *agi_fail(ag_graph *g, ag_status status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    record(g, status, "", format, args, 0, NULL);
    va_end(args);
    return g->bad;
}

ag_status agi_fail_at(ag_graph *g, ag_status status, int n, ag_node *const at[], const char *format, ...)
{
    va_list args;
    va_start(args, format);
    record(g, status, "", format, args, n, at);
    va_end(args);
    return status;
}

static void prefix_of(char prefix[64], const ag_graph *g, const ag_op *op)
{
    snprintf(prefix, 64, "%s (node %lld): ", op->name, (long long)g->nnodes);
}

ag_status ag_refuse(ag_infer *c, ag_status status, const char *format, ...)
{
    char prefix[64];
    va_list args;
    prefix_of(prefix, c->graph, c->op);
    va_start(args, format);
    record(c->graph, status, prefix, format, args, c->n, c->in);
    va_end(args);
    return status;
}

ag_node *ag_reject(ag_node *x, const ag_op *op, ag_status status, const char *format, ...)
{
    if (!x) return NULL;
    char prefix[64];
    va_list args;
    prefix_of(prefix, x->graph, op);
    va_start(args, format);
    record(x->graph, status, prefix, format, args, ag_is_bad(x) ? 0 : 1, &x);
    va_end(args);
    return x->graph->bad;
}

ag_status ag_graph_status(const ag_graph *g)
{
    return g ? g->status : AG_EMEM;
}

const char *ag_graph_error(const ag_graph *g)
{
    return g ? g->message : "no graph: out of memory";
}

void ag_graph_clear(ag_graph *g)
{
    if (!g) return;
    g->status = AG_OK;
    g->message[0] = 0;
}
