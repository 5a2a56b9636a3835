/* What exported C declares: the structs, the function's signature, constant and initial values. */
#include "writer.h"

/* ---- the interface ----------------------------------------------------------------------------------------------- */

static int updates(const agi_writer *w)
{
    for (int k = 0; k < w->parameters; k++)
        if (w->assigned[w->parameter[k]]) return 1;
    return 0;
}

void agi_write_signature(const agi_writer *w, ag_source *to)
{
    const char *p = w->e.prefix;
    ag_emit(to, "int %s(", p);
    if (w->inputs) ag_emit(to, "const struct %s_inputs *inputs, ", p);
    if (w->parameters) ag_emit(to, "%sstruct %s_parameters *parameters, ", updates(w) ? "" : "const ", p);
    if (w->outputs) ag_emit(to, "const struct %s_outputs *outputs, ", p);
    ag_emit(to, "void *workspace)");
}

static void write_members(agi_writer *w, const char *what, int n, const uint32_t *buffer)
{
    ag_source *to = &w->head;
    int array = *what == 'p', constant = *what == 'i';
    if (!n) return;
    ag_emit(to, "struct %s_%ss {\n", w->e.prefix, what);
    for (int k = 0; k < n; k++) {
        const agi_buffer *b = &w->plan->buffer[buffer[k]];
        const ag_node *x = *what == 'o' ? w->output_node[k] : b->node;
        const char *member = *what == 'o' ? w->output_member[k] : w->e.reach[buffer[k]].member;
        ag_emit(to, "    %s%s %s%s", constant ? "const " : "", ag_c_type((ag_dtype)b->dtype), array ? "" : "*", member);
        if (array) ag_emit(to, "[%lld]", (long long)ag_count(x));
        ag_emit(to, "; /* ");
        agi_emit_node(to, x);
        ag_emit(to, *what == 'o' && !w->demanded[k] ? "; may be NULL */\n" : " */\n");
    }
    ag_emit(to, "};\n\n");
}

void agi_write_declarations(agi_writer *w)
{
    const char *p = w->e.prefix;
    ag_source *to = &w->head;
    ag_emit(to, "/* Bytes of memory to work in, aligned as a double; what they hold need not be kept. */\n");
    const int64_t bytes = w->bytes + w->e.scratch, least = sizeof(double); /* of an array, there may be no 0 */
    ag_emit(to, "#define %s_WORKSPACE %lld\n\n", p, (long long)(bytes > least ? bytes : least));
    write_members(w, "input", w->inputs, w->input);
    write_members(w, "parameter", w->parameters, w->parameter);
    write_members(w, "output", w->outputs, w->output);
    ag_emit(to, "#ifdef __cplusplus\nextern \"C\" {\n#endif\n\n");
    if (w->options->initial && w->parameters) ag_emit(to, "extern const struct %s_parameters %s_initial;\n\n", p, p);
    ag_emit(to, "/* Computes the outputs and updates the parameters. 0, or what went wrong: 3 a pointer that is NULL\n"
                " * and may not be, or an index out of range, 8 a matrix that is singular or not positive definite;\n"
                " * then parameters are what they were, and outputs may be anything. An output that may be NULL, and\n"
                " * is, is not computed. Outputs overlap nothing else. */\n");
    agi_write_signature(w, to);
    ag_emit(to, ";\n\n#ifdef __cplusplus\n}\n#endif\n");
}

/* ---- values ------------------------------------------------------------------------------------------------------ */

void agi_write_memory(agi_writer *w, ag_source *to)
{
    const char *p = w->e.prefix;
    ag_emit(to, "struct %s_memory {\n", p);
    if (w->inputs) ag_emit(to, "    const struct %s_inputs *inputs;\n", p);
    if (w->parameters) ag_emit(to, "    %sstruct %s_parameters *parameters;\n", updates(w) ? "" : "const ", p);
    if (w->outputs) ag_emit(to, "    const struct %s_outputs *outputs;\n", p);
    ag_emit(to, "    char *work;\n};\n\n");
}

static void write_values(ag_source *to, ag_dtype dtype, const void *values, int64_t n, int depth)
{
    enum { LINE = 8 };
    for (int64_t k = 0; k < n; k++) {
        if (k) ag_emit(to, k % LINE ? ", " : ",\n%*s", depth, "");
        if (values) agi_emit_element(to, dtype, values, k);
        else ag_emit(to, "0");
    }
}

void agi_write_data(agi_writer *w, ag_source *to)
{
    for (int64_t k = 0; k < w->arrays.count; k++) {
        const agi_array *a = (const agi_array *)w->arrays.data + k;
        const ag_node *x = a->buffer->node;
        char name[AGI_NAME];
        snprintf(name, sizeof name, "%s_data%lld", w->e.prefix, (long long)k);
        if (!agi_source_has(&w->body, name) && !agi_source_has(&w->main, name)) continue;
        ag_emit(to, "static const %s %s[%lld] = { /* ", ag_c_type((ag_dtype)x->dtype), name, (long long)ag_count(x));
        agi_emit_node(to, x);
        ag_emit(to, " */\n    ");
        if (x->op->role == AG_IS_NUMBER) agi_emit_constant(to, (ag_dtype)x->dtype, a->buffer, 0);
        else write_values(to, (ag_dtype)x->dtype, a->values, ag_count(x), 4);
        ag_emit(to, "\n};\n\n");
    }
}

void agi_write_initial(agi_writer *w, ag_source *to)
{
    if (!w->options->initial || !w->parameters) return;
    ag_emit(to, "const struct %s_parameters %s_initial = {\n", w->e.prefix, w->e.prefix);
    for (int k = 0; k < w->parameters; k++) {
        const ag_node *x = w->plan->buffer[w->parameter[k]].node;
        const void *values = w->options->embed ? ag_data(w->options->embed, x) : x->attribute;
        ag_emit(to, "    {\n        ");
        write_values(to, (ag_dtype)x->dtype, values ? values : x->attribute, ag_count(x), 8);
        ag_emit(to, k + 1 < w->parameters ? "\n    },\n" : "\n    }\n");
    }
    ag_emit(to, "};\n\n");
}
