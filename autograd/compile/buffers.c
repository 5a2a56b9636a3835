/* Buffers: for values that are read outside their groups, and what else steps need; the steps that use them. */
#include "compile.h"

uint32_t agi_new_buffer(agi_compiler *c, agi_role role, const ag_node *x, ag_dtype dtype, int64_t bytes)
{
    if (!agi_vector_grow(c->arena.allocator, &c->buffers, sizeof(agi_buffer), 1)) {
        agi_out_of_memory(c);
        return AGI_NONE;
    }
    uint32_t b = (uint32_t)c->buffers.count++;
    *agi_buffer_at(c, b) = (agi_buffer){ .bytes = bytes, .first = AGI_NONE, .shares = AGI_NONE, .role = (uint8_t)role,
                                         .dtype = (uint8_t)dtype, .node = x };
    return b;
}

void agi_touch(agi_compiler *c, uint32_t b, uint32_t step)
{
    agi_buffer *buffer = agi_buffer_at(c, b);
    if (buffer->first == AGI_NONE) buffer->first = step;
    if (buffer->last < step) buffer->last = step;
}

int agi_give_buffers(agi_compiler *c)
{
    for (int64_t k = 0; k < c->kept.count; k++) {
        agi_value *it = &c->value[((const uint32_t *)c->kept.data)[k]];
        int leaf = it->kind == AGI_VALUE_LEAF;
        if (it->inlaid) continue;
        const ag_node *x = it->node;
        int constant = x->op->role == AG_IS_CONSTANT || x->op->role == AG_IS_NUMBER;
        agi_role role = !leaf ? AGI_VALUE : constant ? AGI_CONSTANT : AGI_LEAF;
        const agi_layout *parts = !leaf && x->op->flags & AG_LOOP ? agi_layout_of(c, x) : NULL;
        it->buffer = agi_new_buffer(c, role, x, (ag_dtype)x->dtype, parts ? parts->bytes : agi_node_bytes(x));
        if (it->buffer == AGI_NONE) return 0;
        agi_buffer_at(c, it->buffer)->held = leaf || it->held;
        agi_buffer_at(c, it->buffer)->in_loop = it->in_loop;
    }
    const agi_inlay *inlay = c->lowering.inlays.data;
    for (int64_t k = 0; k < c->lowering.inlays.count; k++) {
        const uint32_t b = c->value[inlay[k].call].buffer;
        c->value[inlay[k].value].buffer = b;
        agi_buffer_at(c, b)->inlaid = 1;
    }
    return 1;
}

uint32_t agi_operand_buffer(agi_compiler *c, uint32_t operand, uint32_t step)
{
    uint32_t b = c->value[c->value[operand].root].buffer;
    agi_touch(c, b, step);
    return b;
}
