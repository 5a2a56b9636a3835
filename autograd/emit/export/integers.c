/* Integers of 8, 16 or 32 bits in the structs of a function: labels, indices. Inside it they have 64. */
#include "writer.h"

int agi_is_narrow(const agi_writer *w, ag_dtype dtype)
{
    return dtype == AG_I64 && w->options->integer_bits && w->options->integer_bits != 64;
}

const char *agi_member_type(const agi_writer *w, ag_dtype dtype)
{
    if (!agi_is_narrow(w, dtype)) return ag_c_type(dtype);
    return w->options->integer_bits == 8 ? "int8_t" : w->options->integer_bits == 16 ? "int16_t" : "int32_t";
}

/* The block's first lines: where the wide ones are. */
static void begin(agi_writer *w, const char *word, uint32_t buffer)
{
    ag_emit(&w->main, "{\n        %sint64_t *const wide = ", word);
    w->e.to = &w->main;
    agi_emit_place(&w->e, buffer, "int64_t");
    ag_emit(&w->main, ";\n        int64_t k;\n");
}

void agi_write_widening(agi_writer *w)
{
    for (int k = 0; k < w->inputs; k++) {
        const ag_node *x = w->plan->buffer[w->input[k]].node;
        if (!agi_is_narrow(w, (ag_dtype)x->dtype)) continue;
        ag_emit(&w->main, "    ");
        begin(w, "", w->input[k]);
        ag_emit(&w->main, "        for (k = 0; k < %lld; k++) wide[k] = inputs->%s[k];\n    }\n",
                (long long)ag_count(x), w->input_member[k]);
    }
}

void agi_write_narrowing(agi_writer *w, int output)
{
    const ag_node *x = w->output_node[output];
    const char *member = w->output_member[output];
    ag_emit(&w->main, "    if (m->outputs->%s) ", member);
    begin(w, "const ", w->copied[output]);
    ag_emit(&w->main, "        for (k = 0; k < %lld; k++) m->outputs->%s[k] = (%s)wide[k];\n    }\n",
            (long long)ag_count(x), member, agi_member_type(w, (ag_dtype)x->dtype));
}
