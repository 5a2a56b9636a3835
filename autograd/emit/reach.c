/* Where generated code finds buffers. Leaves and constants keep their place in a run's block for good; what the others
 * take of it becomes the workspace, closed up. */
#include "emit.h"

#include <stdlib.h>

/* ---- pieces of the block ----------------------------------------------------------------------------------------- */

static int by_start(const void *a, const void *b)
{
    const agi_span *x = a, *y = b;
    if (x->start != y->start) return x->start < y->start ? -1 : 1;
    return (x->buffer > y->buffer) - (x->buffer < y->buffer);
}

void agi_sort_spans(agi_span *all, int64_t n)
{
    if (n) qsort(all, (size_t)n, sizeof *all, by_start);
}

const agi_span *agi_find_span(const agi_span *all, int64_t n, int64_t offset)
{
    int64_t low = 0, high = n;
    while (low < high) {
        int64_t middle = (low + high) / 2;
        if (all[middle].start <= offset) low = middle + 1;
        else high = middle;
    }
    return low && offset < all[low - 1].end ? &all[low - 1] : NULL;
}

static int stays(const agi_buffer *b)
{
    return b->role == AGI_LEAF || b->role == AGI_CONSTANT;
}

int agi_find_leaves(agi_emitter *e, agi_arena *arena)
{
    const ag_plan *p = e->plan;
    e->leaf = agi_arena_take(arena, p->nbuffers * sizeof *e->leaf);
    e->declared = agi_arena_zeros(arena, p->nbuffers, sizeof *e->declared);
    if (!e->leaf || !e->declared) return 0;
    for (uint32_t b = 0; b < p->nbuffers; b++)
        if (stays(&p->buffer[b]) && !p->buffer[b].in_loop)
            e->leaf[e->nleaves++] = (agi_span){ p->buffer[b].offset, p->buffer[b].offset + p->buffer[b].bytes, 0, b };
    agi_sort_spans(e->leaf, e->nleaves);
    return 1;
}

uint32_t agi_leaf_at(const agi_emitter *e, int64_t offset)
{
    const agi_span *found = agi_find_span(e->leaf, e->nleaves, offset);
    return found ? found->buffer : AGI_NONE;
}

/* ---- the workspace ----------------------------------------------------------------------------------------------- */

/* Pieces that touch or overlap become one; each begins where the one before ends, aligned as in the block. */
static int64_t join(agi_span *all, int64_t *n)
{
    enum { LINE = 64 };
    int64_t joined = 0, at = 0;
    for (int64_t k = 0; k < *n; k++) {
        agi_span *last = joined ? &all[joined - 1] : NULL;
        if (last && all[k].start <= last->end) {
            if (all[k].end > last->end) last->end = all[k].end;
        } else {
            all[joined++] = all[k];
        }
    }
    for (int64_t k = 0; k < joined; k++) {
        int64_t unit = all[k].start % LINE ? sizeof(double) : LINE;
        all[k].at = (at + unit - 1) / unit * unit;
        at = all[k].at + (all[k].end - all[k].start);
    }
    *n = joined;
    return (at + LINE - 1) / LINE * LINE;
}

void agi_follow_owners(agi_emitter *e)
{
    const ag_plan *p = e->plan;
    for (uint32_t b = 0; b < p->nbuffers; b++) {
        e->reach[b] = e->reach[p->buffer[b].owner];
    }
}

int64_t agi_add_array(agi_emitter *e, const agi_buffer *b, const void *values)
{
    if (!agi_vector_grow(e->to->allocator, e->arrays, sizeof(agi_array), 1)) return -1;
    ((agi_array *)e->arrays->data)[e->arrays->count] = (agi_array){ b, values };
    return e->arrays->count++;
}

int64_t agi_close_up(agi_emitter *e, agi_arena *arena)
{
    const ag_plan *p = e->plan;
    e->work = agi_arena_take(arena, p->nbuffers * sizeof *e->work);
    if (!e->work) return -1;
    for (uint32_t b = 0; b < p->nbuffers; b++) {
        const agi_buffer *x = &p->buffer[b];
        if (e->reach[b].kind == AGI_IN_WORK && (x->first != AGI_NONE || stays(x)))
            e->work[e->nwork++] = (agi_span){ x->offset, x->offset + x->bytes, 0, b };
    }
    agi_sort_spans(e->work, e->nwork);
    int64_t bytes = join(e->work, &e->nwork);
    for (uint32_t b = 0; b < p->nbuffers; b++)
        if (e->reach[b].kind == AGI_IN_WORK && (p->buffer[b].first != AGI_NONE || stays(&p->buffer[b])))
            e->reach[b].at = agi_work_at(e, p->buffer[b].offset);
    return bytes;
}

int64_t agi_work_at(const agi_emitter *e, int64_t offset)
{
    const agi_span *piece = agi_find_span(e->work, e->nwork, offset);
    return piece ? piece->at + (offset - piece->start) : 0;
}

/* ---- functions and pointers -------------------------------------------------------------------------------------- */

void agi_emit_head(agi_emitter *e, const char *returns, int step, int part)
{
    agi_sharing *s = e->sharing;
    e->functions++;
    if (s) s->heads++, s->head = e->to->text.count;
    if (!e->native) ag_emit(e->to, "static ");
    ag_emit(e->to, "%s %s_%d", returns, e->prefix, step);
    if (part >= 0) ag_emit(e->to, "_%d", part);
    if (e->native)
        ag_emit(e->to, "(void *const *memory, const int64_t *operand, char *scratch, int64_t from, int64_t to)\n{\n");
    else ag_emit(e->to, "(const struct %s_memory *m)\n{\n", e->prefix);
    if (s) s->body = e->to->text.count;
}

int agi_declare(agi_emitter *e, uint32_t buffer)
{
    if (e->declared[buffer] == e->functions) return 0;
    e->declared[buffer] = e->functions;
    return 1;
}

static void emit_work(ag_source *to, const char *m, int64_t at, const char *type)
{
    int cast = strcmp(type, "char") != 0;
    if (cast) ag_emit(to, at ? "(%s *)(void *)(" : "(%s *)(void *)", type);
    ag_emit(to, "%swork", m);
    if (at) ag_emit(to, cast ? " + %lld)" : " + %lld", (long long)at);
}

void agi_emit_place(agi_emitter *e, uint32_t buffer, const char *type)
{
    const agi_reach *r = e->native ? NULL : &e->reach[buffer];
    const char *m = e->memory ? e->memory : "m->";
    if (!r) {
        ag_emit(e->to, "(%s *)memory[operand[%u]]", type, buffer);
        return;
    }
    switch ((agi_reach_kind)r->kind) {
    case AGI_IN_WORK: emit_work(e->to, m, r->at, type); break;
    case AGI_IN_INPUT: ag_emit(e->to, "%sinputs->%s", m, r->member); break;
    case AGI_IN_PARAMETER: ag_emit(e->to, "%sparameters->%s", m, r->member); break;
    case AGI_IN_OUTPUT: ag_emit(e->to, "%soutputs->%s", m, r->member); break;
    case AGI_IN_DATA: ag_emit(e->to, "%s_data%lld", e->top, (long long)r->at); break;
    case AGI_IN_MEMBER: ag_emit(e->to, "%sb%lld", m, (long long)r->at); break;
    }
}

void agi_emit_base(const agi_emitter *e, ag_source *to, uint32_t buffer, ag_dtype dtype)
{
    if (e->plan->buffer[buffer].dtype == dtype) ag_emit(to, "b%u", buffer);
    else ag_emit(to, "((const %s *)(const void *)b%u)", ag_c_type(dtype), buffer);
}

void agi_begin_pointer(agi_emitter *e, int written, const char *type, const char *name)
{
    const int64_t line = e->to->text.count;
    ag_emit(e->to, "    %s%s *const ", written ? "" : "const ", type);
    const int64_t at = e->to->text.count;
    ag_emit(e->to, "%s = ", name);
    if (!e->sharing) return;
    agi_vector *all = &e->sharing->pointers;
    if (!agi_vector_grow(e->to->allocator, all, sizeof(agi_pointer), 1)) e->to->failed = 1;
    else ((agi_pointer *)all->data)[all->count++] = (agi_pointer){ line, at, e->to->text.count, 0, 0 };
}

void agi_end_pointer(agi_emitter *e, const ag_node *or_null)
{
    const int64_t end = e->to->text.count;
    ag_emit(e->to, ";");
    if (or_null && !e->native) {
        ag_emit(e->to, " /* ");
        agi_emit_node(e->to, or_null);
        ag_emit(e->to, " */");
    }
    ag_emit(e->to, "\n");
    if (!e->sharing || e->to->failed) return;
    const agi_vector *all = &e->sharing->pointers;
    agi_pointer *last = (agi_pointer *)all->data + all->count - 1;
    last->rest = end, last->next = e->to->text.count;
}

void agi_emit_pointer(agi_emitter *e, uint32_t buffer, int written)
{
    const agi_buffer *b = &e->plan->buffer[buffer];
    const char *type = ag_c_type((ag_dtype)b->dtype);
    char name[24];
    snprintf(name, sizeof name, "b%u", buffer);
    agi_begin_pointer(e, written, type, name);
    agi_emit_place(e, buffer, type);
    agi_end_pointer(e, b->node);
}

void agi_emit_scratch(agi_emitter *e, const char *type, const char *name, int64_t at)
{
    agi_begin_pointer(e, 1, type, name);
    ag_emit(e->to, "(%s *)(void *)(%s + %lld)", type, e->native ? "scratch" : "m->work",
            (long long)(e->scratch_at + at));
    agi_end_pointer(e, NULL);
}
