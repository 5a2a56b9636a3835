/* ag_write_c: a plan as one function in C99 that needs nothing but <math.h>. */
#include "emit.h"

#include <ctype.h>

typedef struct {
    agi_emitter e;
    const ag_plan *plan;
    const ag_c_options *options;
    agi_arena arena;
    uint8_t *assigned;                /* by buffer: leaves that a step writes */
    uint32_t *input, *parameter, *output; /* buffers by number */
    const ag_node **output_node;      /* by number */
    const char **output_member;       /* by number */
    uint32_t *copied;                 /* by output: the buffer it is copied from at the end, or AGI_NONE */
    int inputs, parameters, outputs;
    agi_vector arrays;                /* agi_array: constants, also of bodies */
    int64_t bytes;                    /* of the workspace */
    ag_source head, body, main;
} writer;

static int refuse(const writer *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
static int refuse(const writer *w, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    if (w->options->message && w->options->message_size)
        vsnprintf(w->options->message, w->options->message_size, format, args);
    va_end(args);
    return 0;
}

/* ---- the prefix -------------------------------------------------------------------------------------------------- */

static int is_keyword(const char *word)
{
    static const char words[] =
        " auto break case char const continue default do double else enum extern float for goto if inline int long"
        " register restrict return short signed sizeof static struct switch typedef union unsigned void volatile while"
        " main and bool catch class delete export false friend mutable namespace new not operator or private protected"
        " public template this throw true try typename using virtual xor asm typeof int64_t m ";
    char key[AGI_PREFIX + 3];
    snprintf(key, sizeof key, " %s ", word);
    return strstr(words, key) != NULL;
}

static int check_prefix(const writer *w, const char *prefix)
{
    size_t n = prefix ? strlen(prefix) : 0;
    int sound = n && n <= AGI_PREFIX && !isdigit((unsigned char)*prefix);
    for (size_t k = 0; k < n && sound; k++)
        sound = strchr("_0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", prefix[k]) != NULL;
    if (!sound || is_keyword(prefix))
        return refuse(w, "ag_write_c: the prefix is not an identifier of C with at most %d characters", AGI_PREFIX);
    return 1;
}

/* ---- where everything is ----------------------------------------------------------------------------------------- */

static uint32_t owner(const ag_plan *p, uint32_t b)
{
    while (p->buffer[b].shares != AGI_NONE) b = p->buffer[b].shares;
    return b;
}

static void assign(writer *w, uint32_t b)
{
    uint32_t memory = owner(w->plan, b);
    if (w->plan->buffer[memory].role == AGI_LEAF) w->assigned[memory] = 1;
}

static void find_assigned(writer *w)
{
    const ag_plan *p = w->plan;
    for (int k = 0; k < p->nsteps; k++) {
        const agi_step *s = &p->step[k];
        if (s->kind == AGI_COPY) assign(w, s->is.copy.to);
        else if (s->kind == AGI_PRODUCT) assign(w, s->is.product->out);
        else if (s->kind == AGI_CALL) assign(w, s->is.call->out);
        for (int j = 0; s->kind == AGI_PASS && j < s->is.group->nstores; j++) assign(w, s->is.group->store[j].buffer);
        for (int j = 0; s->kind == AGI_PASS && j < s->is.group->nfolds; j++) assign(w, s->is.group->fold[j].buffer);
        for (int64_t j = 0; s->kind == AGI_PROGRAM && j < s->is.program->count; j++) {
            int64_t size = (int64_t)ag_dtype_size(s->is.program->dtype);
            uint32_t leaf = agi_leaf_at(&w->e, s->is.program->code[j].out * size);
            if (leaf != AGI_NONE) w->assigned[leaf] = 1;
        }
    }
}

/* Of a name of letters, digits, _ and what can stand for one: "parameter_W1". 0: it has others, or is too long. */
static int spell(const char *what, const char *name, char to[AGI_NAME])
{
    size_t at = (size_t)snprintf(to, AGI_NAME, "%s_", what);
    for (; name && *name && at < AGI_PREFIX; name++) {
        if (isalnum((unsigned char)*name)) to[at++] = *name;
        else if (strchr("_.-/ ", *name)) to[at++] = '_';
        else return 0;
    }
    to[at] = 0;
    return name && !*name;
}

/* The name of member `number` of a struct: none of those before it has the same. */
static const char *name_member(writer *w, const char *what, const ag_node *x, int number, const uint32_t *before)
{
    char name[AGI_NAME];
    int spelled = spell(what, x->name, name);
    for (int k = 0; k < number && spelled; k++) {
        const char *other = before ? w->e.reach[before[k]].member : w->output_member[k];
        spelled = strcmp(other, name) != 0;
    }
    if (!spelled) snprintf(name, sizeof name, "%s%d", what, number);
    return agi_arena_copy(&w->arena, name, strlen(name) + 1);
}

static int place_leaf(writer *w, uint32_t b)
{
    const agi_buffer *buffer = &w->plan->buffer[b];
    const ag_node *x = buffer->node;
    agi_reach *r = &w->e.reach[b];
    const void *values = buffer->role == AGI_CONSTANT ? x->attribute : NULL;
    if (x->op == &agi_parameter && w->options->embed && !w->assigned[b]) values = ag_data(w->options->embed, x);
    if (values) {
        *r = (agi_reach){ .kind = AGI_IN_DATA, .at = agi_add_array(&w->e, buffer, values) };
        return r->at >= 0;
    }
    if (x->op == &agi_input) {
        const char *name = name_member(w, "input", x, w->inputs, w->input);
        *r = (agi_reach){ AGI_IN_INPUT, w->inputs, name };
        w->input[w->inputs++] = b;
    } else {
        const char *name = name_member(w, "parameter", x, w->parameters, w->parameter);
        *r = (agi_reach){ AGI_IN_PARAMETER, w->parameters, name };
        w->parameter[w->parameters++] = b;
    }
    return r->member != NULL;
}

/* An output is computed in the caller's memory, unless it takes over other memory or another output has its values. */
static int place_output(writer *w, const ag_node *x)
{
    const agi_place *at = agi_find_place(w->plan, x);
    uint32_t memory = owner(w->plan, at->buffer);
    if (x->op->flags & AG_LEAF || w->assigned[memory]) return 1; /* the caller has it: an input or a parameter */
    for (int k = 0; k < w->outputs; k++)
        if (w->output_node[k] == x) return 1;
    const char *member = w->output_member[w->outputs] = name_member(w, "output", x, w->outputs, NULL);
    agi_reach *r = &w->e.reach[at->buffer];
    int direct = w->plan->buffer[at->buffer].shares == AGI_NONE && r->kind == AGI_IN_WORK;
    if (direct) *r = (agi_reach){ AGI_IN_OUTPUT, w->outputs, member };
    w->output_node[w->outputs] = x;
    w->copied[w->outputs] = direct ? AGI_NONE : at->buffer;
    w->output[w->outputs++] = at->buffer;
    return member != NULL;
}

static int take_room(writer *w)
{
    const ag_plan *p = w->plan;
    size_t n = p->nbuffers, outputs = (size_t)p->noutputs;
    w->assigned = agi_arena_zeros(&w->arena, n, 1);
    w->e.reach = agi_arena_zeros(&w->arena, n, sizeof *w->e.reach);
    w->input = agi_arena_take(&w->arena, n * sizeof *w->input);
    w->parameter = agi_arena_take(&w->arena, n * sizeof *w->parameter);
    w->output = agi_arena_take(&w->arena, outputs * sizeof *w->output);
    w->copied = agi_arena_take(&w->arena, outputs * sizeof *w->copied);
    w->output_node = agi_arena_take(&w->arena, outputs * sizeof *w->output_node);
    w->output_member = agi_arena_take(&w->arena, outputs * sizeof *w->output_member);
    return w->assigned && w->e.reach && w->input && w->parameter && w->output && w->copied && w->output_node &&
           w->output_member;
}

static int place_all(writer *w)
{
    const ag_plan *p = w->plan;
    if (!take_room(w) || !agi_find_leaves(&w->e, &w->arena)) return 0;
    find_assigned(w);
    for (uint32_t b = 0; b < p->nbuffers; b++)
        if ((p->buffer[b].role == AGI_LEAF || p->buffer[b].role == AGI_CONSTANT) && !place_leaf(w, b)) return 0;
    for (int k = 0; k < p->noutputs; k++)
        if (!place_output(w, p->output[k])) return 0;
    agi_follow_owners(&w->e);
    w->bytes = agi_close_up(&w->e, &w->arena);
    w->e.scratch_at = w->bytes;
    return w->bytes >= 0;
}

/* ---- the function ------------------------------------------------------------------------------------------------ */

static void write_copies(writer *w)
{
    for (int k = 0; k < w->outputs; k++) {
        const ag_node *x = w->output_node[k];
        char copy[AGI_NAME];
        if (w->copied[k] == AGI_NONE) continue;
        agi_helper_name(&w->e, "copy", (ag_dtype)x->dtype, copy);
        ag_emit(&w->main, "    %s(%lld, ", copy, (long long)ag_count(x));
        w->e.to = &w->main;
        agi_emit_place(&w->e, w->copied[k], ag_c_type((ag_dtype)x->dtype));
        ag_emit(&w->main, ", m->outputs->%s);\n", w->output_member[k]);
    }
}

static int updates(const writer *w)
{
    for (int k = 0; k < w->parameters; k++)
        if (w->assigned[w->parameter[k]]) return 1;
    return 0;
}

static void write_signature(const writer *w, ag_source *to)
{
    const char *p = w->e.prefix;
    ag_emit(to, "int %s(", p);
    if (w->inputs) ag_emit(to, "const struct %s_inputs *inputs, ", p);
    if (w->parameters) ag_emit(to, "%sstruct %s_parameters *parameters, ", updates(w) ? "" : "const ", p);
    if (w->outputs) ag_emit(to, "const struct %s_outputs *outputs, ", p);
    ag_emit(to, "void *workspace)");
}

static void write_main(writer *w)
{
    const char *p = w->e.prefix;
    write_signature(w, &w->main);
    ag_emit(&w->main, "\n{\n    const struct %s_memory memory = { %s%s%s(char *)workspace }, *const m = &memory;\n", p,
            w->inputs ? "inputs, " : "", w->parameters ? "parameters, " : "", w->outputs ? "outputs, " : "");
    agi_emit_runs(&w->e, &w->main);
    write_copies(w);
    ag_emit(&w->main, "    return 0;\n}\n");
}

/* ---- declarations ------------------------------------------------------------------------------------------------ */

static void write_members(writer *w, const char *what, int n, const uint32_t *buffer)
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
        ag_emit(to, " */\n");
    }
    ag_emit(to, "};\n\n");
}

static void write_declarations(writer *w)
{
    const char *p = w->e.prefix;
    ag_source *to = &w->head;
    ag_emit(to, "/* Bytes of memory to work in, aligned as a double; what they hold need not be kept. */\n");
    ag_emit(to, "#define %s_WORKSPACE %lld\n\n", p, (long long)(w->bytes + w->e.scratch));
    write_members(w, "input", w->inputs, w->input);
    write_members(w, "parameter", w->parameters, w->parameter);
    write_members(w, "output", w->outputs, w->output);
    ag_emit(to, "#ifdef __cplusplus\nextern \"C\" {\n#endif\n\n");
    if (w->options->initial && w->parameters) ag_emit(to, "extern const struct %s_parameters %s_initial;\n\n", p, p);
    ag_emit(to, "/* Computes the outputs and updates the parameters. 0, or what went wrong: 3 an index out of\n"
                " * range, 8 a matrix that is singular or not positive definite. */\n");
    write_signature(w, to);
    ag_emit(to, ";\n\n#ifdef __cplusplus\n}\n#endif\n");
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

static void write_data(writer *w, ag_source *to)
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
        if (x->op == &agi_number) agi_emit_constant(to, (ag_dtype)x->dtype, a->buffer, 0);
        else write_values(to, (ag_dtype)x->dtype, a->values, ag_count(x), 4);
        ag_emit(to, "\n};\n\n");
    }
}

static void write_initial(writer *w, ag_source *to)
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

static void write_memory(writer *w, ag_source *to)
{
    const char *p = w->e.prefix;
    ag_emit(to, "struct %s_memory {\n", p);
    if (w->inputs) ag_emit(to, "    const struct %s_inputs *inputs;\n", p);
    if (w->parameters) ag_emit(to, "    %sstruct %s_parameters *parameters;\n", updates(w) ? "" : "const ", p);
    if (w->outputs) ag_emit(to, "    const struct %s_outputs *outputs;\n", p);
    ag_emit(to, "    char *work;\n};\n\n");
}

static const char independent[] =
    "/* Iterations do not need each other. */\n"
    "#ifndef INDEPENDENT\n"
    "#if defined __GNUC__ && !defined __clang__\n"
    "#define INDEPENDENT _Pragma(\"GCC ivdep\")\n"
    "#else\n"
    "#define INDEPENDENT\n"
    "#endif\n"
    "#endif\n\n";

/* ---- files ------------------------------------------------------------------------------------------------------- */

static int put(FILE *to, const ag_source *s)
{
    return !s->text.count || fwrite(s->text.data, 1, (size_t)s->text.count, to) == (size_t)s->text.count;
}

static int write_files(writer *w, FILE *source, FILE *header)
{
    const char *p = w->e.prefix;
    ag_source top = { .allocator = w->head.allocator };
    ag_emit(&top, "/* %s: written by autograd. Do not edit. */\n", p);
    if (header) ag_emit(&top, "#include \"%s.h\"\n\n", p);
    if (w->e.cblas) ag_emit(&top, "#include <cblas.h>\n");
    ag_emit(&top, "#include <math.h>\n#include <stdint.h>\n\n");
    if (!header) agi_source_append(&top, &w->head);
    if (!header) ag_emit(&top, "\n");
    if (agi_source_has(&w->body, "INDEPENDENT") || agi_source_has(&w->main, "INDEPENDENT"))
        ag_emit(&top, "%s", independent);
    write_memory(w, &top);
    write_data(w, &top);
    write_initial(w, &top);
    agi_source_append(&w->body, &w->main);
    agi_emit_helpers(&w->e, &w->body, &top);
    agi_source_append(&top, &w->body);
    int failed = top.failed, put_all = !failed && put(source, &top);
    agi_source_free(&top);
    if (failed) return refuse(w, "ag_write_c: out of memory");
    if (header) {
        fprintf(header, "/* %s: written by autograd. Do not edit. */\n#ifndef %s_H\n#define %s_H\n\n", p, p, p);
        fprintf(header, "#include <stdint.h>\n\n");
        put_all &= put(header, &w->head);
        fprintf(header, "\n#endif\n");
    }
    return put_all && !ferror(source) && (!header || !ferror(header)) ? 1 : refuse(w, "ag_write_c: cannot write");
}

static int write_plan(writer *w, FILE *source, FILE *header)
{
    if (!place_all(w)) return refuse(w, "ag_write_c: out of memory");
    if (!agi_emit_steps(&w->e)) return refuse(w, "ag_write_c: the operation %s has no text in C", w->e.missing->name);
    write_main(w);
    write_declarations(w);
    w->head.failed |= w->body.failed | w->main.failed;
    if (w->head.failed) return refuse(w, "ag_write_c: out of memory");
    return write_files(w, source, header);
}

int ag_write_c(const ag_plan *p, const char *prefix, FILE *source, FILE *header, const ag_c_options *or_null)
{
    static const ag_c_options defaults = { 0 };
    writer w = { .plan = p, .options = or_null ? or_null : &defaults };
    if (!p || !source) return refuse(&w, "ag_write_c: no plan, or no file to write to"), -1;
    if (!check_prefix(&w, prefix)) return -1;
    ag_source empty = { .allocator = &p->allocator };
    w.head = w.body = w.main = empty;
    w.e = (agi_emitter){ .plan = p, .prefix = prefix, .top = prefix, .cblas = w.options->cblas, .to = &w.body,
                         .arrays = &w.arrays };
    agi_arena_init(&w.arena, &p->allocator);
    int ok = write_plan(&w, source, header);
    agi_source_free(&w.head);
    agi_source_free(&w.body);
    agi_source_free(&w.main);
    agi_release(&p->allocator, w.arrays.data);
    agi_arena_free(&w.arena);
    return ok ? 0 : -1;
}
