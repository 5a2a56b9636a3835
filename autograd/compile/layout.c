/* How many bytes values take, and where the parts of a loop or branch lie in those of its value. */
#include "compile.h"
#include "control/loop.h"

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

int agi_lay_out_parts(agi_compiler *c, const ag_node *x)
{
    if (!agi_vector_grow(c->arena.allocator, &c->layouts, sizeof(agi_layout), 1)) return agi_out_of_memory(c);
    int n = agi_parts(x);
    agi_layout l = { .node = x, .bytes = AGI_ALIGNMENT };
    l.part = agi_arena_take(&c->plan->arena, (size_t)n * sizeof *l.part);
    if (!l.part) return agi_out_of_memory(c);
    for (int k = 0; k < n; k++) l.part[k] = -1;
    for (int64_t k = 0; k < c->reading.parts.count; k++) {
        const ag_node *part = ((const ag_node **)c->reading.parts.data)[k];
        int number = *(const int *)part->attribute;
        if (part->in[0] != x || l.part[number] >= 0) continue;
        l.part[number] = l.bytes;
        l.bytes += agi_aligned(agi_node_bytes(part));
        if (l.bytes > AGI_MOST_BYTES) return agi_too_large(c, part);
    }
    ((agi_layout *)c->layouts.data)[c->layouts.count++] = l;
    return 1;
}

int agi_check_bytes(agi_compiler *c)
{
    int64_t left = AGI_MOST_BYTES, most = 0;
    const ag_node *largest = NULL;
    for (uint32_t i = 0; i < c->nvalues; i++) {
        const agi_value *it = &c->value[i];
        if (it->kind == AGI_VALUE_VIEW) continue;
        int64_t bytes = agi_is_loop(it) ? agi_layout_of(c, it->node)->bytes : agi_node_bytes(it->node);
        if (bytes > most) most = bytes, largest = it->node;
        if (bytes > left) return agi_too_large(c, largest);
        left -= bytes;
    }
    return 1;
}
