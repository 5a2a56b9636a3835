/* What exported C declares: the structs, the function's signature, constant and initial values. */
#include "writer.h"

/* ---- the interface ----------------------------------------------------------------------------------------------- */

void agi_write_signature(const agi_writer *w, ag_source *to)
{
    const char *p = w->e.prefix;
    ag_emit(to, "int %s(", p);
    if (w->inputs) ag_emit(to, "const struct %s_inputs *inputs, ", p);
    if (w->parameters)
        ag_emit(to, "%sstruct %s_parameters *parameters, ", w->updates ? "" : "const ", w->file->prefix);
    if (w->outputs) ag_emit(to, "const struct %s_outputs *outputs, ", p);
    ag_emit(to, "void *workspace)");
}

static void write_member(agi_writer *w, const ag_node *x, const char *constant, const char *member, const char *note)
{
    ag_emit(&w->head, "    %s%s *%s; /* ", constant, agi_member_type(w, (ag_dtype)x->dtype), member);
    agi_emit_node(&w->head, x);
    ag_emit(&w->head, "%s */\n", note);
}

void agi_write_declarations(agi_writer *w, int first)
{
    const char *p = w->e.prefix;
    ag_source *to = &w->head;
    ag_emit(to, "/* Bytes of memory to work in, aligned as a double; what they hold need not be kept. */\n");
    const int64_t bytes = w->bytes + w->e.scratch, least = sizeof(double); /* of an array, there may be no 0 */
    ag_emit(to, "#define %s_WORKSPACE %lld\n\n", p, (long long)(bytes > least ? bytes : least));
    if (bytes > w->file->bytes) w->file->bytes = bytes;
    if (w->inputs) ag_emit(to, "struct %s_inputs {\n", p);
    for (int k = 0; k < w->inputs; k++)
        write_member(w, w->plan->buffer[w->input[k]].node, "const ", w->input_member[k], "");
    if (w->inputs) ag_emit(to, "};\n\n");
    if (w->file->alone) agi_write_parameters(w->file, to);
    if (w->outputs) ag_emit(to, "struct %s_outputs {\n", p);
    for (int k = 0; k < w->outputs; k++)
        write_member(w, w->output_node[k], "", w->output_member[k], w->demanded[k] ? "" : "; may be NULL");
    if (w->outputs) ag_emit(to, "};\n\n");
    ag_emit(to, "#ifdef __cplusplus\nextern \"C\" {\n#endif\n\n");
    if (first && w->options->initial && w->file->parameters)
        ag_emit(to, "extern const struct %s_parameters %s_initial;\n\n", w->file->prefix, w->file->prefix);
    agi_declare_patterns(w);
    ag_emit(to, "/* Computes the outputs and updates the parameters. 0, or what went wrong: 3 a pointer that is NULL\n"
                " * and may not be, or an index out of range, 8 a matrix that is singular or not positive definite;\n"
                " * then parameters are what they were, and outputs may be anything. An output that may be NULL, and\n"
                " * is, is not computed. Outputs overlap nothing else. */\n");
    agi_write_signature(w, to);
    ag_emit(to, ";\n\n#ifdef __cplusplus\n}\n#endif\n");
}

void agi_write_parameters(const agi_file *f, ag_source *to)
{
    if (!f->parameters) return;
    ag_emit(to, "struct %s_parameters {\n", f->prefix);
    for (int k = 0; k < f->parameters; k++) {
        const ag_node *x = f->parameter[k];
        ag_emit(to, "    %s %s[%lld]; /* ", ag_c_type((ag_dtype)x->dtype), f->member[k], (long long)ag_count(x));
        agi_emit_node(to, x);
        ag_emit(to, " */\n");
    }
    ag_emit(to, "};\n\n");
}

/* ---- values ------------------------------------------------------------------------------------------------------ */

void agi_write_memory(agi_writer *w, ag_source *to)
{
    const char *p = w->e.prefix;
    ag_emit(to, "struct %s_memory {\n", p);
    if (w->inputs) ag_emit(to, "    const struct %s_inputs *inputs;\n", p);
    if (w->parameters)
        ag_emit(to, "    %sstruct %s_parameters *parameters;\n", w->updates ? "" : "const ", w->file->prefix);
    if (w->outputs) ag_emit(to, "    const struct %s_outputs *outputs;\n", p);
    ag_emit(to, "    char *work;\n};\n\n");
}

static void write_values(ag_source *to, ag_dtype dtype, const void *values, int64_t n, int depth)
{
    enum { LINE = 8, MANY = 4096 }; /* which nobody reads */
    for (int64_t k = 0; k < n; k++) {
        if (k) ag_emit(to, k % LINE ? ", " : ",\n%*s", depth, "");
        if (values && n >= MANY && dtype == AG_F32) agi_emit_exactly(to, dtype, (double)((const float *)values)[k]);
        else if (values && n >= MANY && dtype == AG_F64) agi_emit_exactly(to, dtype, ((const double *)values)[k]);
        else if (values) agi_emit_element(to, dtype, values, k);
        else ag_emit(to, "0");
    }
}

static void write_array(const agi_array *a, const char *name, ag_source *to)
{
    const ag_node *x = a->buffer->node;
    ag_emit(to, "static const %s %s[%lld] = { /* ", ag_c_type((ag_dtype)x->dtype), name, (long long)ag_count(x));
    agi_emit_node(to, x);
    ag_emit(to, " */\n    ");
    if (x->op->role == AG_IS_NUMBER) agi_emit_constant(to, (ag_dtype)x->dtype, a->buffer, 0);
    else write_values(to, (ag_dtype)x->dtype, a->values, ag_count(x), 4);
    ag_emit(to, "\n};\n\n");
}

static void name_in_blob(const agi_file *f, const ag_node *x, const char *name, int64_t offset, ag_source *to)
{
    ag_emit(to, "#define %s ((const %s *)(const void *)(%s_blob + %lld)) /* ", name, ag_c_type((ag_dtype)x->dtype),
            f->prefix, (long long)offset);
    agi_emit_node(to, x);
    ag_emit(to, " */\n\n");
}

int agi_write_data(const agi_file *f, const ag_source *text, ag_source *to)
{
    ag_source names = { .allocator = to->allocator };
    agi_blob blob = { 0 };
    int put = 1;
    for (int64_t k = 0; k < f->arrays.count; k++) {
        const agi_array *a = (const agi_array *)f->arrays.data + k;
        char name[AGI_NAME];
        int64_t offset;
        snprintf(name, sizeof name, "%s_data%lld", f->prefix, (long long)k);
        if (!agi_source_has(text, name)) continue;
        if (!agi_goes_to_blob(f, a->buffer->node)) {
            write_array(a, name, to);
            continue;
        }
        put &= agi_put_into_blob(f, &blob, a, &offset);
        name_in_blob(f, a->buffer->node, name, offset, &names);
    }
    agi_write_blob(f, &blob, to);
    agi_source_append(to, &names);
    to->failed |= names.failed;
    agi_source_free(&names);
    return put;
}

void agi_write_initial(const agi_file *f, ag_source *to)
{
    if (!f->options->initial || !f->parameters) return;
    ag_emit(to, "const struct %s_parameters %s_initial = {\n", f->prefix, f->prefix);
    for (int k = 0; k < f->parameters; k++) {
        const ag_node *x = f->parameter[k];
        const void *values = f->options->embed ? ag_data(f->options->embed, x) : x->attribute;
        ag_emit(to, "    {\n        ");
        write_values(to, (ag_dtype)x->dtype, values ? values : x->attribute, ag_count(x), 8);
        ag_emit(to, k + 1 < f->parameters ? "\n    },\n" : "\n    }\n");
    }
    ag_emit(to, "};\n\n");
}
