/* How many bytes values take, and where the parts of a loop or branch lie in those of its value. */
#include "compile.h"
#include "control/loop.h"

#include <stdlib.h>

agi_layout *agi_layout_of(const agi_compiler *c, const ag_node *x)
{
    agi_layout *all = c->layouts.data; /* in the order of the graph */
    int64_t low = 0, high = c->layouts.count;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (all[middle].node == x) return &all[middle];
        if (all[middle].node->id < x->id) low = middle + 1;
        else high = middle;
    }
    return NULL;
}

/* By loop; of one loop in the order in which they were found to be live. */
static int by_loop(const void *a, const void *b)
{
    const agi_live_part *x = a, *y = b;
    if (x->loop != y->loop) return x->loop < y->loop ? -1 : 1;
    return (x->found > y->found) - (x->found < y->found);
}

void agi_sort_parts(agi_compiler *c)
{
    const agi_vector *parts = &c->reading.parts;
    if (parts->count) qsort(parts->data, (size_t)parts->count, sizeof(agi_live_part), by_loop);
}

static const agi_live_part *first_part_of(const agi_compiler *c, const ag_node *loop)
{
    const agi_live_part *all = c->reading.parts.data;
    int64_t low = 0, high = c->reading.parts.count;
    while (low < high) {
        const int64_t middle = low + (high - low) / 2;
        if (all[middle].loop < loop->id) low = middle + 1;
        else high = middle;
    }
    return all + low;
}

int agi_lay_out_parts(agi_compiler *c, const ag_node *x)
{
    if (!agi_vector_grow(c->arena.allocator, &c->layouts, sizeof(agi_layout), 1)) return agi_out_of_memory(c);
    int n = agi_parts(x);
    agi_layout l = { .node = x, .bytes = AGI_ALIGNMENT };
    l.part = agi_arena_take(&c->plan->arena, (size_t)n * sizeof *l.part);
    if (!l.part) return agi_out_of_memory(c);
    for (int k = 0; k < n; k++) l.part[k] = -1;
    const agi_live_part *end = (const agi_live_part *)c->reading.parts.data + c->reading.parts.count;
    for (const agi_live_part *p = first_part_of(c, x); p < end && p->loop == x->id; p++) {
        int number = *(const int *)p->node->attribute;
        if (l.part[number] >= 0) continue;
        l.part[number] = l.bytes;
        l.bytes += agi_aligned(agi_node_bytes(p->node));
        if (l.bytes > AGI_MOST_BYTES) return agi_too_large(c, p->node);
    }
    ((agi_layout *)c->layouts.data)[c->layouts.count++] = l;
    return 1;
}

/* Tiny ones count as the largest of these. */
int agi_check_bytes(agi_compiler *c)
{
    if (!c->reading.large) return 1;
    int64_t left = AGI_MOST_BYTES - (int64_t)c->nvalues * AGI_LARGEST_SMALL * (int64_t)sizeof(double), most = 0;
    const ag_node *largest = NULL;
    for (uint32_t i = 0; i < c->nvalues; i++) {
        const agi_value *it = &c->value[i];
        if (it->kind == AGI_VALUE_VIEW || (it->few && !agi_is_loop(it))) continue;
        int64_t bytes = agi_is_loop(it) ? agi_layout_of(c, it->node)->bytes : agi_node_bytes(it->node);
        if (bytes > most) most = bytes, largest = it->node;
        if (bytes > left) return agi_too_large(c, largest);
        left -= bytes;
    }
    return 1;
}
