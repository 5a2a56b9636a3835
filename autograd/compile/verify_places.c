/* What a plan says about places: the numbers of scalar programs lie in their steps' buffers, outputs and leaves are
 * where they are looked up. */
#include "verify.h"

#include <stdlib.h>

/* ---- addresses --------------------------------------------------------------------------------------------------- */

typedef struct {
    int64_t from, to;
} span;

static int by_start(const void *a, const void *b)
{
    int64_t x = ((const span *)a)->from, y = ((const span *)b)->from;
    return (x > y) - (x < y);
}

/* Where a step's buffers lie, those that it writes or all. Those that begin together are in place of each other. */
static int64_t list_spans(const agi_compiler *c, const agi_vector *uses, int written, span *all)
{
    const agi_use *use = uses->data;
    int64_t n = 0;
    for (int64_t k = 0; k < uses->count; k++) {
        const agi_buffer *x = agi_buffer_at(c, use[k].buffer);
        if (use[k].writes || !written) all[n++] = (span){ x->offset, x->offset + x->bytes };
    }
    if (n) qsort(all, (size_t)n, sizeof *all, by_start);
    return n;
}

static int lies_in(const span *all, int64_t n, int64_t from, int64_t to)
{
    int64_t low = 0, high = n;
    while (low < high) {
        int64_t middle = (low + high) / 2;
        if (all[middle].from <= from) low = middle + 1;
        else high = middle;
    }
    return low && to <= all[low - 1].to;
}

static int check_program(agi_compiler *c, uint32_t step, const agi_vector *uses)
{
    const agi_program *p = c->plan->step[step].is.program;
    int64_t size = (int64_t)ag_dtype_size(p->dtype);
    span *all = agi_arena_take(&c->arena, (size_t)uses->count * sizeof *all);
    span *own = agi_arena_take(&c->arena, (size_t)uses->count * sizeof *own);
    if (!all || !own) return agi_out_of_memory(c);
    int64_t n = list_spans(c, uses, 0, all), owns = list_spans(c, uses, 1, own);
    for (int64_t k = 0; k < p->count; k++) {
        const agi_instruction *i = &p->code[k];
        const uint32_t in[] = { i->a, i->b, i->c };
        int ok = lies_in(own, owns, i->out * size, i->out * size + size);
        for (int j = 0; j < agi_code_operands(i->code); j++) ok &= lies_in(all, n, in[j] * size, in[j] * size + size);
        if (!ok)
            return agi_broken(c, "instruction %lld of step %u addresses a buffer that is none of its values'",
                              (long long)k, step);
    }
    return 1;
}

int agi_verify_addresses(agi_compiler *c)
{
    agi_vector uses = { 0 };
    int ok = 1;
    for (uint32_t k = 0; ok && k < (uint32_t)c->plan->nsteps; k++)
        if (c->plan->step[k].kind == AGI_PROGRAM) ok = agi_list_uses(c, k, &uses) && check_program(c, k, &uses);
    agi_release(c->arena.allocator, uses.data);
    return ok;
}

/* ---- places ------------------------------------------------------------------------------------------------------ */

static int is_found(const agi_compiler *c, const ag_node *x, uint32_t i, int output)
{
    const agi_place *at = agi_find_place(c->plan, x);
    return at && at->buffer == c->value[i].buffer && (!output || at->output);
}

int agi_verify_places(agi_compiler *c)
{
    for (uint32_t i = 0; i < c->nvalues; i++)
        if (c->value[i].kind == AGI_VALUE_LEAF && !is_found(c, c->value[i].node, i, 0))
            return agi_broken(c, "value %u, a leaf, is not found in its buffer", i);
    for (int k = 0; k < c->noutputs; k++)
        if (!is_found(c, c->output[k], c->output_value[k], 1))
            return agi_broken(c, "output %d is not found in the buffer of value %u", k, c->output_value[k]);
    return 1;
}
