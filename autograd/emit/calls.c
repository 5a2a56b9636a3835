/* Library calls and copies as C. */
#include "emit.h"

/* ---- copies ------------------------------------------------------------------------------------------------------ */

void agi_emit_copy(agi_emitter *e, int step, const agi_copy *c)
{
    const agi_buffer *to = &e->plan->buffer[c->to];
    agi_emit_head(e, "void", step, -1);
    agi_emit_pointer(e, c->from, 0);
    agi_emit_pointer(e, c->to, 1);
    ag_emit(e->to, "    int64_t i;\n    for (i = 0; i < %lld; i++) b%u[i] = b%u[i];\n}\n\n",
            (long long)(to->bytes / (int64_t)ag_dtype_size((ag_dtype)to->dtype)), c->to, c->from);
}

/* ---- calls: the operation's own text, between pointers to its operands ------------------------------------------- */

static void emit_operand(agi_emitter *e, const ag_source *body, const char *name, uint32_t buffer, const ag_node *x,
                         int64_t offset, int written)
{
    const char *type = x ? ag_c_type((ag_dtype)x->dtype) : "void";
    if (!agi_source_has(body, name)) return;
    agi_begin_pointer(e, written, type, name);
    agi_emit_place(e, buffer, type);
    if (offset) ag_emit(e->to, " + %lld", (long long)offset);
    agi_end_pointer(e, x);
}

int agi_emit_call(agi_emitter *e, int step, const agi_call *c)
{
    const ag_node *y = c->node;
    if (!y->op->c) {
        e->missing = y->op;
        return 0;
    }
    ag_source body = { .allocator = e->to->allocator, .in = c->in };
    y->op->c(&body, y, c->stride);
    ag_emit(e->to, "/* %s: ", y->op->name);
    agi_emit_node(e->to, y);
    ag_emit(e->to, " */\n");
    agi_emit_head(e, "int", step, -1);
    for (int k = 0; k < c->n; k++) {
        char name[24];
        snprintf(name, sizeof name, "in%d", k);
        emit_operand(e, &body, name, c->in[k], y->in[k], c->stride[k].offset, 0);
    }
    emit_operand(e, &body, "out", c->out, y, 0, 1);
    if (c->work != AGI_NONE) emit_operand(e, &body, "scratch", c->work, NULL, 0, 1);
    ag_emit(e->to, "    {\n");
    agi_source_append_lines(e->to, &body, 1);
    ag_emit(e->to, "    }\n}\n\n");
    e->to->failed |= body.failed;
    agi_source_free(&body);
    return 1;
}
