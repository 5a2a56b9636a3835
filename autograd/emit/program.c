/* A scalar program as straight-line C. Values are local variables; those that another function of the program or
 * another step reads are stored where the program keeps them. Vector calls are loops in native code only: functions of
 * vectors differ from libm's in the last bits. */
#include "emit.h"

#include <stdlib.h>

enum { NOWHERE = -1, VECTOR_BYTES = 64,
       LONGEST = 400 /* statements of a function: compilers need more than linear time */ };

/* An instruction. */
typedef struct {
    int32_t source[3];    /* the instructions that compute its operands, or NOWHERE: memory */
    int32_t at;           /* the instruction that it is executed with: its vector call's first, or itself */
    int32_t vector_call;       /* or NOWHERE: executed alone */
    uint8_t stored, used; /* by a statement of the same function */
} statement;

typedef struct {
    agi_emitter *e;
    const agi_program *p;
    int step;
    const char *type;
    int64_t size;         /* of an element */
    statement *all;
    uint32_t *address;    /* all that the program mentions, sorted */
    int64_t naddresses;
    int ntold;
    int64_t *told;        /* addresses in the order of their operands, of a small native one, or NULL */
    int32_t *latest;      /* by address: the last instruction that computed it, or NOWHERE */
    agi_span *result;     /* buffers that it may write */
    int64_t nresults;
    uint8_t *written;     /* by buffer: leaves and results that it writes */
    ag_source body;
} printer;

/* ---- what is computed where -------------------------------------------------------------------------------------- */

static int by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static int find_addresses(printer *w, agi_arena *arena)
{
    const agi_program *p = w->p;
    int64_t n = 0;
    w->address = agi_arena_take(arena, (size_t)p->count * 4 * sizeof *w->address);
    w->latest = agi_arena_take(arena, (size_t)p->count * 4 * sizeof *w->latest);
    w->all = agi_arena_zeros(arena, (size_t)p->count, sizeof *w->all);
    if (w->e->told && !w->e->flat) {
        w->told = agi_arena_take(arena, (size_t)p->count * 4 * sizeof *w->told);
        if (!w->told) return 0;
        w->ntold = agi_program_operands(p, w->told);
    }
    if (!w->address || !w->latest || !w->all) return 0;
    for (int64_t k = 0; k < p->count; k++) {
        const agi_instruction *i = &p->code[k];
        const uint32_t each[4] = { i->out, i->a, i->b, i->c };
        for (int j = 0; j < 4; j++) w->address[n++] = each[j];
    }
    qsort(w->address, (size_t)n, sizeof *w->address, by_number);
    for (int64_t k = 0; k < n; k++)
        if (!k || w->address[k] != w->address[w->naddresses - 1]) w->address[w->naddresses++] = w->address[k];
    for (int64_t k = 0; k < w->naddresses; k++) w->latest[k] = NOWHERE;
    return 1;
}

static int32_t *latest(const printer *w, uint32_t address)
{
    const uint32_t *at = bsearch(&address, w->address, (size_t)w->naddresses, sizeof *w->address, by_number);
    return &w->latest[at - w->address];
}

/* The first of n that is the address; n: none. */
static int place_of(int64_t address, const int64_t *all, int n)
{
    int k = 0;
    while (k < n && all[k] != address) k++;
    return k;
}

int agi_program_operands(const agi_program *p, int64_t *operand)
{
    int n = 0;
    for (const agi_instruction *i = p->code, *end = i + p->count; i < end; i++) {
        const uint32_t each[4] = { i->out, i->a, i->b, i->c };
        for (int j = 0; j <= agi_code_operands(i->code); j++) {
            int k = place_of(each[j], operand, n);
            operand[k] = each[j];
            n += k == n;
        }
    }
    return n;
}

static int is_temporary(const printer *w, uint32_t address)
{
    if (w->p->temporaries == AGI_NONE) return 0;
    const agi_buffer *t = &w->e->plan->buffer[w->p->temporaries];
    int64_t at = (int64_t)address * w->size;
    return at >= t->offset && at < t->offset + t->bytes;
}

static void find_sources(printer *w)
{
    const agi_program *p = w->p;
    for (int64_t k = 0; k < p->count; k++) {
        const agi_instruction *i = &p->code[k];
        const uint32_t in[3] = { i->a, i->b, i->c };
        statement *s = &w->all[k];
        for (int j = 0; j < agi_code_operands(i->code); j++) s->source[j] = *latest(w, in[j]);
        s->at = (int32_t)k;
        s->vector_call = NOWHERE;
        *latest(w, i->out) = (int32_t)k;
    }
    for (int64_t b = 0; b < p->vector_calls && w->e->native; b++)
        for (uint32_t k = 0; k < p->vector_call[b].count; k++) {
            statement *s = &w->all[p->vector_call[b].first + k];
            s->at = (int32_t)p->vector_call[b].first;
            s->vector_call = (int32_t)b;
        }
}

static int same_function(const printer *w, int64_t a, int64_t b)
{
    return w->e->flat || w->all[a].at / LONGEST == w->all[b].at / LONGEST;
}

/* A value that another function reads is stored in its place, which is its own as long as somebody needs it. */
static void find_uses(printer *w)
{
    for (int64_t k = 0; k < w->p->count; k++)
        for (int j = 0; j < agi_code_operands(w->p->code[k].code); j++) {
            int32_t from = w->all[k].source[j];
            if (from == NOWHERE) continue;
            if (same_function(w, from, k)) w->all[from].used = 1;
            else w->all[from].stored = 1;
        }
    for (int64_t k = 0; k < w->naddresses; k++)
        if (w->latest[k] != NOWHERE && !is_temporary(w, w->address[k])) w->all[w->latest[k]].stored = 1;
}

/* ---- memory ------------------------------------------------------------------------------------------------------ */

static void print_memory(printer *w, uint32_t address, char text[64])
{
    int64_t at = (int64_t)address * w->size;
    uint32_t b = agi_leaf_at(w->e, at);
    const agi_span *r = agi_find_span(w->result, w->nresults, at);
    if (b == AGI_NONE && r && w->e->reach && w->e->reach[r->buffer].kind == AGI_IN_OUTPUT) b = r->buffer;
    if (w->e->flat) snprintf(text, 64, "%s%s[%u]", agi_type_name(w->p->dtype), w->e->flat, address);
    else if (w->told) snprintf(text, 64, "w[operand[%d]]", place_of(address, w->told, w->ntold));
    else if (w->e->native) snprintf(text, 64, "w[%u]", address);
    else if (b == AGI_NONE) snprintf(text, 64, "w[%lld]", (long long)(agi_work_at(w->e, at) / w->size));
    else snprintf(text, 64, "b%u[%lld]", b, (long long)((at - w->e->plan->buffer[b].offset) / w->size));
}

/* In brackets if negative: what stands before it may be a minus sign. */
static void print_constant(printer *w, uint32_t leaf, int64_t index, char text[64])
{
    ag_source number = { .allocator = w->body.allocator };
    agi_emit_constant(&number, w->p->dtype, &w->e->plan->buffer[leaf], index);
    w->body.failed |= number.failed;
    const char *digits = number.failed ? "0" : number.text.data;
    snprintf(text, 64, *digits == '-' ? "(%.*s)" : "%.*s", number.failed ? 1 : (int)number.text.count, digits);
    agi_source_free(&number);
}

static void print_operand(printer *w, int64_t k, int j, uint32_t address, char text[64])
{
    int32_t from = w->all[k].source[j];
    int64_t at = (int64_t)address * w->size;
    uint32_t leaf = agi_leaf_at(w->e, at);
    const agi_buffer *b = leaf == AGI_NONE ? NULL : &w->e->plan->buffer[leaf];
    const statement *source = from == NOWHERE ? NULL : &w->all[from];
    if (source && !same_function(w, from, k)) source = NULL;
    if (source && source->vector_call == NOWHERE) snprintf(text, 64, "v%d", (int)from);
    else if (source) snprintf(text, 64, "x%d[%d]", (int)source->at, (int)from - (int)source->at);
    else if (b && b->role == AGI_CONSTANT) print_constant(w, leaf, (at - b->offset) / w->size, text);
    else print_memory(w, address, text);
}

/* ---- statements -------------------------------------------------------------------------------------------------- */

/* What another step knows by this name. */
static void emit_result(printer *w, uint32_t address)
{
    int64_t at = (int64_t)address * w->size;
    const agi_span *r = agi_find_span(w->result, w->nresults, at);
    if (!r || is_temporary(w, address)) return;
    ag_emit(&w->body, " /* ");
    agi_emit_node(&w->body, w->e->plan->buffer[r->buffer].node);
    if (r->end - r->start > w->size) ag_emit(&w->body, " at %lld", (long long)((at - r->start) / w->size));
    ag_emit(&w->body, " */");
}

static void emit_alone(printer *w, int64_t k)
{
    const agi_instruction *i = &w->p->code[k];
    const statement *s = &w->all[k];
    char in[3][64] = { "", "", "" }, to[64];
    const uint32_t address[3] = { i->a, i->b, i->c };
    for (int j = 0; j < agi_code_operands(i->code); j++) print_operand(w, k, j, address[j], in[j]);
    print_memory(w, i->out, to);
    if (s->used) ag_emit(&w->body, "    const %s v%lld = ", w->type, (long long)k);
    else ag_emit(&w->body, "    %s = ", to);
    agi_emit_scalar_arithmetic(w->e, &w->body, agi_code_text(i->code), w->p->dtype,
                               (const char *const[3]){ in[0], in[1], in[2] });
    ag_emit(&w->body, ";");
    if (s->used && s->stored) ag_emit(&w->body, "\n    %s = v%lld;", to, (long long)k);
    if (s->stored) emit_result(w, i->out);
    ag_emit(&w->body, "\n");
}

/* The operands of all members, one loop, the results. Whole vectors: the first operands fill up the last one. */
static void emit_vector_call(printer *w, const agi_vector_call *b)
{
    const agi_instruction *code = w->p->code + b->first;
    int operands = agi_code_operands(code->code), lanes = VECTOR_BYTES / (int)w->size;
    int count = ((int)b->count + lanes - 1) / lanes * lanes;
    ag_emit(&w->body, "    %s x%u[%d];\n    {\n        int i;\n", w->type, b->first, count);
    for (int j = 1; j < operands; j++) ag_emit(&w->body, "        %s y%d[%d];\n", w->type, j, count);
    for (int m = 0; m < count; m++)
        for (int j = 0; j < operands; j++) {
            int k = m < (int)b->count ? m : 0;
            const uint32_t address[3] = { code[k].a, code[k].b, code[k].c };
            char operand[64];
            print_operand(w, b->first + k, j, address[j], operand);
            if (j) ag_emit(&w->body, "        y%d[%d] = %s;\n", j, m, operand);
            else ag_emit(&w->body, "        x%u[%d] = %s;\n", b->first, m, operand);
        }
    char first[32];
    snprintf(first, sizeof first, "x%u[i]", b->first);
    ag_emit(&w->body, "        INDEPENDENT\n        for (i = 0; i < %d; i++) %s = ", count, first);
    agi_emit_arithmetic(&w->body, agi_code_text(code->code), w->p->dtype,
                        (const char *const[3]){ first, "y1[i]", "y2[i]" });
    ag_emit(&w->body, ";\n    }\n");
    for (uint32_t k = 0; k < b->count; k++) {
        char to[64];
        print_memory(w, code[k].out, to);
        if (w->all[b->first + k].stored) ag_emit(&w->body, "    %s = x%u[%u];\n", to, b->first, k);
    }
}

static void emit_statement(printer *w, int64_t k)
{
    const statement *s = &w->all[k];
    if (s->vector_call == NOWHERE) emit_alone(w, k);
    else if (s->at == k) emit_vector_call(w, &w->p->vector_call[s->vector_call]);
}

/* ---- functions --------------------------------------------------------------------------------------------------- */

static void emit_pointer(printer *w, uint32_t b)
{
    char name[24];
    snprintf(name, sizeof name, "b%u", b);
    if (agi_source_has(&w->body, name) && agi_declare(w->e, b)) agi_emit_pointer(w->e, b, w->written[b]);
}

static void emit_pointers(printer *w, int64_t first, int64_t end)
{
    if (w->e->native) return;
    if (agi_source_has(&w->body, "w"))
        ag_emit(w->e->to, "    %s *const w = (%s *)(void *)m->work;\n", w->type, w->type);
    for (int64_t k = first; k < end; k++) {
        const agi_instruction *i = &w->p->code[k];
        const uint32_t each[4] = { i->out, i->a, i->b, i->c };
        for (int j = 0; j < 4; j++) {
            int64_t at = (int64_t)each[j] * w->size;
            uint32_t leaf = agi_leaf_at(w->e, at);
            const agi_span *r = agi_find_span(w->result, w->nresults, at);
            if (leaf != AGI_NONE) emit_pointer(w, leaf);
            else if (r) emit_pointer(w, r->buffer);
        }
    }
}

/* part -1: the step's own function. */
static void emit_head(printer *w, int part)
{
    agi_emitter *e = w->e;
    if (!e->native) agi_emit_head(e, "void", w->step, part);
    else if (part >= 0) ag_emit(e->to, "static void %s_%d_%d(%s *w)\n{\n", e->prefix, w->step, part, w->type);
    else ag_emit(e->to, "void %s_%d(void *block, const int64_t *operand)\n{\n    %s *const w = (%s *)block;\n",
                 e->prefix, w->step, w->type, w->type);
}

static void emit_function(printer *w, int64_t first, int64_t end, int part)
{
    for (int64_t k = first; k < end; k++) emit_statement(w, k);
    emit_head(w, part);
    emit_pointers(w, first, end);
    agi_source_append(w->e->to, &w->body);
    ag_emit(w->e->to, "}\n\n");
    w->body.text.count = 0;
}

/* One function, or one that calls all others. */
static void emit_functions(printer *w)
{
    int64_t n = w->p->count;
    int functions = (int)((n + LONGEST - 1) / LONGEST);
    ag_emit(w->e->to, n == 1 ? "/* %lld scalar operation */\n" : "/* %lld scalar operations */\n", (long long)n);
    for (int k = 0; k < functions; k++) {
        int64_t first = (int64_t)k * LONGEST, end = first + LONGEST < n ? first + LONGEST : n;
        emit_function(w, first, end, functions > 1 ? k : -1);
    }
    if (functions == 1) return;
    emit_head(w, -1);
    for (int k = 0; k < functions; k++)
        ag_emit(w->e->to, "    %s_%d_%d(%s);\n", w->e->prefix, w->step, k, w->e->native ? "w" : "m");
    ag_emit(w->e->to, "}\n\n");
}

/* The buffers that hold results, and which leaves are written. */
static int find_results(printer *w, agi_arena *arena)
{
    const ag_plan *p = w->e->plan;
    w->result = agi_arena_take(arena, p->nbuffers * sizeof *w->result);
    w->written = agi_arena_zeros(arena, p->nbuffers, 1);
    if (!w->result || !w->written) return 0;
    for (uint32_t b = 0; b < p->nbuffers && !w->e->native; b++) { /* of which comments tell */
        const agi_buffer *x = &p->buffer[b];
        int alive = x->first != AGI_NONE && x->first <= (uint32_t)w->step && (x->held || x->last >= (uint32_t)w->step);
        if (x->scalar && x->node && x->role == AGI_VALUE && alive)
            w->result[w->nresults++] = (agi_span){ x->offset, x->offset + x->bytes, 0, b };
    }
    agi_sort_spans(w->result, w->nresults);
    for (int64_t k = 0; k < w->p->count; k++) {
        int64_t at = (int64_t)w->p->code[k].out * w->size;
        uint32_t leaf = agi_leaf_at(w->e, at);
        const agi_span *r = agi_find_span(w->result, w->nresults, at);
        if (leaf != AGI_NONE) w->written[leaf] = 1;
        else if (r) w->written[r->buffer] = 1;
    }
    return 1;
}

static void print_program(agi_emitter *e, int step, const agi_program *p, void print(printer *))
{
    agi_arena arena;
    agi_arena_init(&arena, e->to->allocator);
    printer w = { .e = e, .p = p, .step = step, .type = ag_c_type(p->dtype), .size = (int64_t)ag_dtype_size(p->dtype),
                  .body = { .allocator = e->to->allocator } };
    int ok = find_addresses(&w, &arena) && find_results(&w, &arena);
    if (ok) {
        find_sources(&w);
        find_uses(&w);
        print(&w);
    } else {
        e->to->failed = 1;
    }
    e->to->failed |= w.body.failed;
    agi_source_free(&w.body);
    agi_arena_free(&arena);
}

int agi_emit_program(agi_emitter *e, int step, const agi_program *p)
{
    print_program(e, step, p, emit_functions);
    return 1;
}

static void emit_in_place(printer *w)
{
    ag_emit(w->e->to, "    {\n");
    for (int64_t k = 0; k < w->p->count; k++) emit_statement(w, k);
    agi_source_append_lines(w->e->to, &w->body, 1);
    ag_emit(w->e->to, "    }\n");
}

void agi_emit_statements(agi_emitter *e, int step, const agi_program *p)
{
    print_program(e, step, p, emit_in_place);
}
