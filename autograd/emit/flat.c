/* Flat bodies of loops: straight-line arithmetic, written in place. A value's place in the body's block becomes an
 * element of a local array, always mentioned by its index, so that compilers make a variable of it; what lies in the
 * loop's memory is found through a local pointer. Both have names that end in the body's number. */
#include "emit.h"

enum { MOST_STATEMENTS = 1500, MOST_BYTES = 1 << 12, MOST_ELEMENTS = 16 };

/* ---- which bodies are flat --------------------------------------------------------------------------------------- */

static int64_t elements_of(const agi_buffer *b)
{
    return b->bytes / (int64_t)ag_dtype_size((ag_dtype)b->dtype);
}

/* Statements that move the elements; many are no longer flat. `fixed`: they may not lie elsewhere at every step. */
static int64_t count_moves(const agi_transfers *t, int fixed)
{
    int64_t all = 0;
    for (int k = 0; k < t->count; k++) {
        if (fixed && t->list[k].stride) return MOST_STATEMENTS;
        if (t->list[k].kind == AGI_BY_ADDRESS) continue;
        if (t->list[k].bytes > MOST_ELEMENTS * (int64_t)sizeof(double)) return MOST_STATEMENTS;
        all += t->list[k].bytes / (int64_t)sizeof(float);
    }
    return all;
}

static int64_t count_loop(const agi_loop_step *, int inside);

static int64_t count_body(const ag_plan *p)
{
    int64_t all = p->block_bytes > MOST_BYTES ? MOST_STATEMENTS : 0;
    for (int k = 0; k < p->nsteps && all < MOST_STATEMENTS; k++) {
        const agi_step *s = &p->step[k];
        if (s->kind == AGI_PROGRAM) {
            all += s->is.program->count;
        } else if (s->kind == AGI_COPY && elements_of(&p->buffer[s->is.copy.to]) <= MOST_ELEMENTS) {
            all += elements_of(&p->buffer[s->is.copy.to]);
        } else if (s->kind == AGI_LOOP && !p->buffer[s->is.loop->out].in_loop) {
            all += count_loop(s->is.loop, 1);
        } else {
            return MOST_STATEMENTS;
        }
    }
    return all;
}

/* Loops in loops are no deeper than AGI_DEEPEST_LOOP. */
static int64_t count_loop(const agi_loop_step *s, int inside)
{
    int64_t all = count_moves(&s->before, inside) + count_moves(&s->after, inside) + count_moves(&s->states, inside);
    for (int b = 0; b < 2; b++) {
        all += count_moves(&s->enter[b], inside) + count_moves(&s->leave[b], inside);
        if (s->body[b] && all < MOST_STATEMENTS) all += count_body(s->body[b]);
    }
    return all;
}

int64_t agi_flat_statements(const agi_loop_step *s)
{
    int64_t all = count_loop(s, 0);
    return all < MOST_STATEMENTS ? all : -1;
}

/* ---- local variables --------------------------------------------------------------------------------------------- */

void agi_emit_local(const agi_emitter *e, ag_source *to, uint32_t buffer, int64_t bytes, ag_dtype dtype)
{
    const agi_buffer *b = &e->plan->buffer[buffer];
    int64_t size = (int64_t)ag_dtype_size(dtype);
    if (b->in_loop) ag_emit(to, "b%u%s[%lld]", buffer, e->flat, (long long)(bytes / size));
    else ag_emit(to, "%s%s[%lld]", agi_type_name(dtype), e->flat, (long long)((b->offset + bytes) / size));
}

/* Programs mention constants by their values, everything else by their places. */
static void emit_constants(const agi_emitter *e, ag_source *to, ag_dtype dtype)
{
    for (uint32_t k = 0; k < e->plan->nbuffers; k++) {
        const agi_buffer *b = &e->plan->buffer[k];
        if (b->role != AGI_CONSTANT || b->in_loop || b->dtype != dtype) continue;
        for (int64_t j = 0; j < elements_of(b); j++) {
            ag_emit(to, "    ");
            agi_emit_local(e, to, k, j * (int64_t)ag_dtype_size(dtype), dtype);
            ag_emit(to, " = ");
            agi_emit_constant(to, dtype, b, j);
            ag_emit(to, ";\n");
        }
    }
}

void agi_emit_locals(const agi_emitter *e, const ag_source *body, ag_source *to)
{
    char name[48];
    for (int d = 0; d < 3; d++) {
        snprintf(name, sizeof name, "%s%s", agi_type_name((ag_dtype)d), e->flat);
        if (!agi_source_has(body, name)) continue;
        ag_emit(to, "    %s %s[%lld];\n", ag_c_type((ag_dtype)d), name,
                (long long)(e->plan->block_bytes / (int64_t)ag_dtype_size((ag_dtype)d)));
        emit_constants(e, to, (ag_dtype)d);
    }
    for (uint32_t k = 0; k < e->plan->nbuffers; k++) {
        snprintf(name, sizeof name, "b%u%s", k, e->flat);
        if (e->plan->buffer[k].in_loop && agi_source_has(body, name))
            ag_emit(to, "    %s *%s;\n", ag_c_type((ag_dtype)e->plan->buffer[k].dtype), name);
    }
}
