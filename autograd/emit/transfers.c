/* What goes between a loop's memory and its body's, as C. */
#include "loop_printer.h"

/* Where body `which` has a buffer, as a pointer of its type. */
void agi_emit_inner(agi_loop_printer *p, int which, uint32_t buffer)
{
    agi_emitter *e = &p->body[which].e;
    char memory[24];
    snprintf(memory, sizeof memory, "body%d.", which);
    e->to = &p->to;
    e->memory = memory;
    agi_emit_place(e, buffer, ag_c_type((ag_dtype)e->plan->buffer[buffer].dtype));
    e->to = p->e->to;
    e->memory = NULL;
}

/* Is that pointer of the loop's body one already? Those to constants are for reading alone. */
static int is_pointer_to(const agi_loop_printer *p, uint32_t buffer, agi_purpose why, const char *type)
{
    const agi_emitter *e = &p->body[0].e;
    int constant = e->reach[buffer].kind == AGI_IN_DATA;
    return !strcmp(ag_c_type((ag_dtype)e->plan->buffer[buffer].dtype), type) && (why == AGI_TO_READ || !constant);
}

/* Element t of a transfer's outer side: in the memory of the plan around, or in that of the loop's body. */
static void emit_outer(agi_loop_printer *p, const agi_transfer *x, int from_body, agi_purpose why, const char *t,
                       const char *type)
{
    static const char *const casts[] = { "(const %s *)(const void *)", "(%s *)(void *)", "(%s *)(uintptr_t)" };
    int first = !x->offset && !x->stride;
    if (from_body && first && is_pointer_to(p, x->outer, why, type)) {
        agi_emit_inner(p, 0, x->outer);
        return;
    }
    ag_emit(&p->to, casts[why], type);
    if (!first) ag_emit(&p->to, "(");
    if (from_body) ag_emit(&p->to, first ? "" : "(const char *)"), agi_emit_inner(p, 0, x->outer);
    else ag_emit(&p->to, "o%u", x->outer);
    if (x->offset) ag_emit(&p->to, " + %lld", (long long)x->offset);
    if (x->stride) ag_emit(&p->to, " + %s * %lld", t, (long long)x->stride);
    if (!first) ag_emit(&p->to, ")");
}

/* The flat body among whose variables the outer side is; or NULL. */
static const agi_emitter *flat_outside(const agi_loop_printer *p, int from_body)
{
    return p->flat && from_body ? &p->body[0].e : p->e->flat ? p->e : NULL;
}

/* The element of that type, so many bytes further. */
void agi_emit_outer_element(agi_loop_printer *p, agi_transfer x, int from_body, agi_purpose why, int64_t bytes,
                            const char *t,
                               ag_dtype dtype)
{
    const agi_emitter *flat = flat_outside(p, from_body);
    x.offset += bytes;
    if (flat) {
        agi_emit_local(flat, &p->to, x.outer, x.offset, dtype);
    } else {
        ag_emit(&p->to, "*");
        emit_outer(p, &x, from_body, why, t, ag_c_type(dtype));
    }
}

/* To or from a flat body: an element a statement. */
static void emit_moves(agi_loop_printer *p, const char *indent, const agi_transfer *x, int from_body, int which,
                       const char *t)
{
    const agi_emitter *e = &p->body[which].e;
    ag_dtype dtype = (ag_dtype)e->plan->buffer[x->inner].dtype;
    if (x->kind == AGI_BY_ADDRESS) {
        ag_emit(&p->to, flat_outside(p, from_body) ? "%sb%u%s = &" : "%sb%u%s = ", indent, x->inner, e->flat);
        if (flat_outside(p, from_body)) agi_emit_outer_element(p, *x, from_body, AGI_TO_KEEP, 0, t, dtype);
        else emit_outer(p, x, from_body, AGI_TO_KEEP, t, ag_c_type(dtype));
        ag_emit(&p->to, ";\n");
        return;
    }
    for (int64_t at = 0; at < x->bytes; at += (int64_t)ag_dtype_size(dtype)) {
        ag_emit(&p->to, "%s", indent);
        if (x->kind == AGI_COPY_IN) agi_emit_local(e, &p->to, x->inner, at, dtype);
        else agi_emit_outer_element(p, *x, from_body, AGI_TO_WRITE, at, t, dtype);
        ag_emit(&p->to, " = ");
        if (x->kind == AGI_COPY_IN) agi_emit_outer_element(p, *x, from_body, AGI_TO_READ, at, t, dtype);
        else agi_emit_local(e, &p->to, x->inner, at, dtype);
        ag_emit(&p->to, ";\n");
    }
}

static void emit_transfer(agi_loop_printer *p, const char *indent, const agi_transfer *x, int from_body, int which,
                          const char *t)
{
    ag_dtype dtype = (ag_dtype)p->body[which].e.plan->buffer[x->inner].dtype;
    char copy[AGI_NAME];
    const char *type = ag_c_type(dtype);
    if (x->kind == AGI_BY_ADDRESS) {
        ag_emit(&p->to, "%sbody%d.b%u = ", indent, which, x->inner);
        emit_outer(p, x, from_body, AGI_TO_KEEP, t, type);
        ag_emit(&p->to, ";\n");
        return;
    }
    agi_helper_name(p->e, "copy", dtype, copy);
    ag_emit(&p->to, "%s%s(%lld, ", indent, copy, (long long)(x->bytes / (int64_t)ag_dtype_size(dtype)));
    if (x->kind == AGI_COPY_IN) emit_outer(p, x, from_body, AGI_TO_READ, t, type);
    else agi_emit_inner(p, which, x->inner);
    ag_emit(&p->to, ", ");
    if (x->kind == AGI_COPY_IN) agi_emit_inner(p, which, x->inner);
    else emit_outer(p, x, from_body, AGI_TO_WRITE, t, type);
    ag_emit(&p->to, ");\n");
}

void agi_emit_transfers(agi_loop_printer *p, const char *indent, const agi_transfers *list, int which, const char *t)
{
    int from_body = list == &p->s->states;
    for (const agi_transfer *x = list->list, *end = x + list->count; x < end; x++) {
        if (p->flat) emit_moves(p, indent, x, from_body, which, t);
        else emit_transfer(p, indent, x, from_body, which, t);
    }
}
