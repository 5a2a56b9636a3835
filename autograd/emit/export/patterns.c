/* Sparse outputs of exported C: where their elements stand, as constant arrays that callers see. */
#include "writer.h"

static const ag_sparse *sparse_of(const ag_node *values)
{
    const agi_vector *all = &values->graph->sparse;
    for (int64_t k = 0; k < all->count; k++) {
        const ag_sparse *s = ((const ag_sparse *const *)all->data)[k];
        if (s->values == values) return s;
    }
    return NULL;
}

void agi_find_pattern(agi_writer *w, const ag_node *output)
{
    w->pattern[w->outputs] = sparse_of(output);
}

/* The narrowest that has the numbers from 0 on. */
static const char *type_up_to(int64_t largest)
{
    if (largest <= UINT8_MAX) return "uint8_t";
    if (largest <= UINT16_MAX) return "uint16_t";
    return largest <= INT32_MAX ? "int32_t" : "int64_t";
}

static void write_array(const agi_writer *w, ag_source *to, int output, const char *name, int64_t largest, int64_t n,
                        const int64_t *values)
{
    enum { LINE = 16 };
    ag_emit(to, "%sconst %s %s_%s_%s[%lld]", values ? "" : "extern ", type_up_to(largest), w->e.prefix,
            w->output_member[output], name, (long long)n);
    for (int64_t k = 0; values && k < n; k++)
        ag_emit(to, "%s%lld", !k ? " = {\n    " : k % LINE ? ", " : ",\n    ", (long long)values[k]);
    ag_emit(to, values ? "\n};\n\n" : ";\n");
}

static void write_arrays(const agi_writer *w, ag_source *to, int output, int define)
{
    const ag_sparse *s = w->pattern[output];
    write_array(w, to, output, "row_start", s->nonzeros, s->rows + 1, define ? s->row_start : NULL);
    write_array(w, to, output, "column", s->columns - 1, s->nonzeros, define ? s->column : NULL);
}

void agi_declare_patterns(agi_writer *w)
{
    for (int k = 0; k < w->outputs; k++) {
        const ag_sparse *s = w->pattern[k];
        if (!s) continue;
        ag_emit(&w->head, "/* %s has elements of a matrix of %lld rows and %lld columns: row i's are those from"
                " row_start[i] on,\n * up to row_start[i + 1], in these columns. */\n", w->output_member[k],
                (long long)s->rows, (long long)s->columns);
        write_arrays(w, &w->head, k, 0);
        ag_emit(&w->head, "\n");
    }
}

void agi_write_patterns(const agi_writer *w, ag_source *to)
{
    for (int k = 0; k < w->outputs; k++)
        if (w->pattern[k]) write_arrays(w, to, k, 1);
}
