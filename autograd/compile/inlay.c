/* Inlays: values that a pass computes for nobody but a call which would copy them into its result, as a concatenation
 * does. The pass stores them where they lie there, so that they go to memory once; the call finds them in their places
 * and does the rest. The result's memory then lives from the pass on, which is why the inlays of a call are of one pass
 * and half of the result at least: what is held longer is no more than what they would take by themselves. */
#include "compile.h"

#include <stdio.h>
#include <stdlib.h>

enum { MOST_INLAYS = 64 /* of a pass: they stay in its registers to the end of a tile */ };

typedef struct {
    agi_compiler *c;
    uint8_t *outside; /* by value: how many other groups' values read it, up to 2 */
} finder;

static int count_readers(finder *f)
{
    const agi_compiler *c = f->c;
    f->outside = agi_arena_zeros(&f->c->arena, c->nvalues, 1);
    if (!f->outside) return agi_out_of_memory(f->c);
    for (uint32_t i = 0; i < c->nvalues; i++) {
        const agi_value *it = &c->value[i];
        for (int k = 0, s; it->kind >= AGI_VALUE_POINT && (s = agi_sources(c, it, k)) >= 0; k++) {
            const uint32_t root = c->value[s].root;
            if (c->value[root].group != it->group && f->outside[root] < 2) f->outside[root]++;
        }
    }
    return 1;
}

/* From one of the pass's elements to the next, in the order in which it computes them: as one stride, if it is one. */
static int find_stride(const ag_node *x, const ag_strides *at, agi_inlay *to)
{
    agi_pattern p = { .offset = at->offset };
    agi_coalesce(&p, x->rank, x->dim, at->stride, NULL);
    to->offset = p.offset;
    to->stride = p.rank ? p.stride[0] : 1;
    return p.rank < 2;
}

/* Operand k of the call, which lies there in its result, if a pass may store it. */
static int find_inlay(const finder *f, const agi_value *call, int k, const ag_strides *at, agi_inlay *to)
{
    const agi_compiler *c = f->c;
    const uint32_t s = (uint32_t)agi_sources(c, call, k), root = c->value[s].root;
    const agi_value *it = &c->value[root];
    if (it->kind != AGI_VALUE_POINT || c->value[s].view != AGI_NONE || it->dtype != call->dtype) return 0;
    if (it->small || it->held || it->in_loop || it->target != AGI_NONE || it->inlaid || f->outside[root] != 1) return 0;
    if (agi_fusion_at(c, it->group)->kind != AGI_GROUP_TILE) return 0;
    to->value = root;
    return find_stride(call->node->in[k], at, to);
}

static int may_have_inlays(const agi_value *it)
{
    return it->kind == AGI_VALUE_CALL && it->node->op->inlays && !it->small && !it->in_loop && it->target == AGI_NONE;
}

/* Keeps those of one pass among the inlays from `first` on, if they are worth it. */
static void choose(agi_compiler *c, uint32_t call, int64_t first)
{
    agi_inlay *all = c->lowering.inlays.data, *largest = &all[first];
    int64_t n = first, elements = 0;
    for (int64_t k = first; k < c->lowering.inlays.count; k++)
        if (agi_elements(&c->value[all[k].value]) > agi_elements(&c->value[largest->value])) largest = &all[k];
    const uint32_t group = c->value[largest->value].group;
    for (int64_t k = first; k < c->lowering.inlays.count; k++) {
        if (c->value[all[k].value].group != group) continue;
        elements += agi_elements(&c->value[all[k].value]);
        all[n++] = all[k];
    }
    const int worth = n - first <= MOST_INLAYS && 2 * elements >= ag_count(c->value[call].node);
    c->lowering.inlays.count = worth ? n : first;
    for (int64_t k = first; k < c->lowering.inlays.count; k++) {
        all[k].call = call;
        c->value[all[k].value].inlaid = 1;
    }
}

static int find_inlays(finder *f, uint32_t call)
{
    agi_compiler *c = f->c;
    const agi_value *it = &c->value[call];
    const int64_t first = c->lowering.inlays.count;
    ag_strides at = { 0 };
    if (!f->outside && !count_readers(f)) return 0;
    for (int k = 0; k < (int)it->in[1]; k++) {
        agi_inlay x;
        if (it->node->op->inlays(it->node, (uint32_t)k, &at) != 1 || !find_inlay(f, it, k, &at, &x)) continue;
        if (!agi_vector_grow(c->arena.allocator, &c->lowering.inlays, sizeof x, 1)) return agi_out_of_memory(c);
        ((agi_inlay *)c->lowering.inlays.data)[c->lowering.inlays.count++] = x;
    }
    if (c->lowering.inlays.count > first) choose(c, call, first);
    return 1;
}

static int by_value(const void *a, const void *b)
{
    const uint32_t x = ((const agi_inlay *)a)->value, y = ((const agi_inlay *)b)->value;
    return (x > y) - (x < y);
}

const agi_inlay *agi_inlay_of(const agi_compiler *c, uint32_t value)
{
    const agi_vector *all = &c->lowering.inlays;
    return bsearch(&(agi_inlay){ .value = value }, all->data, (size_t)all->count, sizeof(agi_inlay), by_value);
}

/* Not where steps are to be as they are written: each with memory of its own, or looked at one by one. */
int agi_find_inlays(agi_compiler *c)
{
    finder f = { .c = c };
    if (c->options->unfused || c->options->distinct || c->options->trap_nan) return 1;
    for (int64_t k = 0; k < c->kept.count; k++) {
        const uint32_t i = ((const uint32_t *)c->kept.data)[k];
        if (may_have_inlays(&c->value[i]) && !find_inlays(&f, i)) return 0;
    }
    if (c->lowering.inlays.count)
        qsort(c->lowering.inlays.data, (size_t)c->lowering.inlays.count, sizeof(agi_inlay), by_value);
    return 1;
}
