/* Scalar groups become instructions: an element an instruction, views only renaming elements. Values that leave the
 * program have addresses in their buffers; the others take slots of the program's temporaries, reused when they die. */
#include "compile.h"

typedef struct {
    agi_compiler *c;
    agi_program *p;
    agi_vector next;     /* uint32_t by slot: the next free run of the same length */
    uint32_t free[AGI_LARGEST_SMALL + 1]; /* by length: first free run, or AGI_NONE */
    uint32_t group, step;
    int failed;
} writer;

/* ---- where elements are ----------------------------------------------------------------------------------------- */

static uint32_t take_slots(writer *w, uint32_t n)
{
    uint32_t slot = w->free[n];
    if (slot != AGI_NONE) {
        w->free[n] = ((uint32_t *)w->next.data)[slot];
        return slot;
    }
    if (!agi_vector_grow(w->c->arena.allocator, &w->next, sizeof(uint32_t), n)) {
        w->failed = 1;
        return 0;
    }
    slot = (uint32_t)w->next.count;
    w->next.count += n;
    return slot;
}

static void give_slots(writer *w, uint32_t slot, uint32_t n)
{
    ((uint32_t *)w->next.data)[slot] = w->free[n];
    w->free[n] = slot;
}

static int more_elements(writer *w, int64_t n)
{
    agi_vector *v = &w->c->lowering.elements;
    w->failed |= v->count + n >= AGI_TEMPORARY || !agi_vector_grow(w->c->arena.allocator, v, sizeof(agi_element), n);
    return !w->failed;
}

/* Addresses of a value's buffer, made when a program first touches it. */
static uint32_t new_addresses(writer *w, uint32_t i)
{
    agi_compiler *c = w->c;
    int64_t n = agi_elements(&c->value[i]);
    if (!more_elements(w, n)) return 0;
    c->lowering.element_of[i] = (uint32_t)c->lowering.elements.count;
    for (int64_t e = 0; e < n; e++)
        ((agi_element *)c->lowering.elements.data)[c->lowering.elements.count++] = (agi_element){ c->value[i].buffer,
                                                                                                 (uint32_t)e };
    agi_buffer_at(c, c->value[i].buffer)->scalar = 1;
    return c->lowering.element_of[i];
}

/* Of a loop's buffer, which holds all its parts, addresses of what is walked over alone. */
static uint32_t address_in_loop(writer *w, uint32_t loop, const agi_pattern *p)
{
    agi_compiler *c = w->c;
    int64_t low, reach = agi_pattern_reach(p, &low);
    if (!more_elements(w, reach)) return 0;
    uint32_t first = (uint32_t)c->lowering.elements.count, buffer = c->value[loop].buffer;
    for (int64_t e = 0; e < reach; e++)
        ((agi_element *)c->lowering.elements.data)[c->lowering.elements.count++] = (agi_element){ buffer,
                                                                                                 (uint32_t)(low + e) };
    agi_buffer_at(c, buffer)->scalar = 1;
    return first - (uint32_t)low;
}

static uint32_t new_base(writer *w, uint32_t root, const agi_pattern *walked)
{
    return agi_is_loop(&w->c->value[root]) ? address_in_loop(w, root, walked) : new_addresses(w, root);
}

static inline uint32_t base_of(writer *w, uint32_t root, const agi_pattern *walked)
{
    const uint32_t at = w->c->lowering.element_of[root];
    return at != AGI_NONE ? at : new_base(w, root, walked);
}

/* Element p of a walk over an operand, counted from its root's first element. */
static int64_t element(const agi_pattern *p, int64_t position)
{
    int64_t at = p->offset;
    for (int i = p->rank; i-- > 0; position /= p->dim[i]) at += position % p->dim[i] * p->stride[i];
    return at;
}

/* ---- instructions ----------------------------------------------------------------------------------------------- */

static void write(writer *w, uint32_t code, uint32_t out, uint32_t a, uint32_t b, uint32_t c)
{
    w->p->code[w->p->count++] = (agi_instruction){ (uint16_t)code, 0, out, a, b, c };
}

static uint32_t code_of(const agi_value *point)
{
    return point->op ? (uint32_t)point->op->code : AGI_MOVE;
}

static void write_points(writer *w, const agi_value *it, uint32_t out)
{
    agi_pattern p[3];
    uint32_t base[3], at[3] = { 0, 0, 0 };
    int64_t n = it->few;
    for (int k = 0; k < it->nin; k++) {
        p[k] = agi_operand_walk(w->c, it, k);
        base[k] = base_of(w, w->c->value[it->in[k]].root, &p[k]);
    }
    for (int64_t e = 0; e < n; e++) {
        for (int k = 0; k < it->nin; k++) at[k] = base[k] + (uint32_t)element(&p[k], e);
        for (int k = it->nin; k < 3; k++) at[k] = at[0];
        write(w, code_of(it), out + (uint32_t)e, at[0], at[1], at[2]);
    }
}

static void write_fold(writer *w, const agi_value *it, uint32_t out)
{
    static const uint32_t codes[] = { AGI_SUM, AGI_PROD, AGI_MAX, AGI_MIN };
    const ag_node *x = w->c->value[it->in[0]].node;
    ag_extents s = ag_split_at(x, ((const ag_axis_attribute *)it->node->attribute)->axis);
    agi_pattern p = agi_operand_walk(w->c, it, 0);
    uint32_t base = base_of(w, w->c->value[it->in[0]].root, &p), code = codes[it->node->op->fold];
    for (int64_t o = 0; o < s.outer * s.inner; o++) {
        int64_t first = o / s.inner * s.extent * s.inner + o % s.inner;
        uint32_t to = out + (uint32_t)o, a = base + (uint32_t)element(&p, first);
        if (s.extent == 1) write(w, AGI_MOVE, to, a, a, a);
        for (int64_t k = 1; k < s.extent; k++) {
            uint32_t b = base + (uint32_t)element(&p, first + k * s.inner);
            write(w, code, to, k == 1 ? a : to, b, b);
        }
    }
}

/* An operand of a product over the result's batch dimensions: [batch, rows, columns] of it. */
static agi_pattern batched(const writer *w, uint32_t operand, const ag_node *y)
{
    const ag_node *x = w->c->value[operand].node;
    int64_t dim[AG_MAX_RANK];
    for (int i = 0; i < y->rank; i++) dim[i] = y->dim[i];
    dim[y->rank - 2] = x->dim[x->rank - 2];
    dim[y->rank - 1] = x->dim[x->rank - 1];
    return agi_walk(w->c, operand, y->rank, dim);
}

static void write_product(writer *w, const agi_value *it, uint32_t out)
{
    const ag_node *y = it->node, *an = w->c->value[it->in[0]].node;
    int64_t inner = an->dim[an->rank - 1], rows = y->dim[y->rank - 2], columns = y->dim[y->rank - 1];
    agi_pattern pa = batched(w, it->in[0], y), pb = batched(w, it->in[1], y);
    uint32_t a = base_of(w, w->c->value[it->in[0]].root, &pa), b = base_of(w, w->c->value[it->in[1]].root, &pb);
    int onto = it->onto != AGI_NONE;
    uint32_t sum = onto ? take_slots(w, 1) | AGI_TEMPORARY : 0;
    for (int64_t e = 0, n = ag_count(y); e < n; e++) {
        int64_t batch = e / (rows * columns), row = e / columns % rows, column = e % columns;
        uint32_t to = onto ? sum : out + (uint32_t)e;
        for (int64_t k = 0; k < inner; k++) {
            uint32_t ea = a + (uint32_t)element(&pa, (batch * rows + row) * inner + k);
            uint32_t eb = b + (uint32_t)element(&pb, (batch * inner + k) * columns + column);
            write(w, k ? AGI_MULADD : AGI_PROD, to, ea, eb, k ? to : ea);
        }
        if (!onto) continue;
        agi_pattern scale = agi_walk(w->c, it->in[2], AG_MAX_RANK, (int64_t[AG_MAX_RANK]){ 1, 1, 1, 1, 1, 1, 1, 1 });
        uint32_t rate = base_of(w, w->c->value[it->in[2]].root, &scale) + (uint32_t)scale.offset;
        write(w, (uint32_t)it->op->code, out + (uint32_t)e, rate, sum, base_of(w, it->onto, NULL) + (uint32_t)e);
    }
    if (onto) give_slots(w, sum & ~AGI_TEMPORARY, 1);
}

/* A tensor made of elements: onto its first operand, if that is as large as it is, which may be 0. */
typedef struct {
    uint32_t value, out, base; /* base: of that operand, */
    agi_pattern x;             /* walked in the order of the result */
    int onto;                  /* there is one, and it is not 0 */
    uint8_t *taken;            /* by element: something is there */
} sum;

/* Each element of operand k goes to its place, where none has been before it, or is added. */
static void write_part(writer *w, const sum *y, int k, const ag_window *at)
{
    const agi_compiler *c = w->c;
    const uint32_t s = (uint32_t)agi_sources(c, &c->value[y->value], k);
    const ag_node *part = c->value[s].node, *of = c->value[y->value].node;
    const ag_extents split = ag_split_at(part, at->axis);
    const agi_pattern p = agi_walk(c, s, part->rank, part->dim);
    const uint32_t from = base_of(w, c->value[s].root, &p);
    for (int64_t e = 0, n = ag_count(part); e < n; e++) {
        const int64_t row = e / split.inner, position = at->start + row % split.extent * at->step;
        const int64_t to = (row / split.extent * of->dim[at->axis] + position) * split.inner + e % split.inner;
        const uint32_t a = from + (uint32_t)element(&p, e), there = y->out + (uint32_t)to;
        const uint32_t before = y->taken[to] ? there : y->base + (uint32_t)element(&y->x, to);
        if (!y->onto && !y->taken[to]) write(w, AGI_MOVE, there, a, a, a);
        else write(w, AGI_SUM, there, before, a, a);
        y->taken[to] = 1;
    }
}

static void write_sum(writer *w, uint32_t i, uint32_t out)
{
    const agi_compiler *c = w->c;
    const agi_value *it = &c->value[i];
    const ag_node *of = it->node;
    const uint32_t x = (uint32_t)agi_sources(c, it, 0), whole = (uint32_t)ag_same_shape(of->in[0], of);
    double value;
    ag_window at;
    sum y = { .value = i, .out = out };
    if (whole) {
        y.x = agi_walk(c, x, of->rank, of->dim);
        y.base = base_of(w, c->value[x].root, &y.x);
        y.onto = !agi_is_number(of->in[0], &value) || value != 0;
    }
    y.taken = agi_arena_zeros(&w->c->arena, (size_t)ag_count(of), 1);
    if ((w->failed |= !y.taken)) return;
    for (uint32_t k = 0; k < of->nin; k++) {
        of->op->adds(of, k, &at);
        if (k >= whole) write_part(w, &y, (int)k, &at);
    }
    for (int64_t e = 0, n = ag_count(of); e < n; e++) {
        const uint32_t a = y.base + (uint32_t)element(&y.x, e);
        if (!y.taken[e]) write(w, AGI_MOVE, out + (uint32_t)e, a, a, a);
    }
}

/* A read of the root is done: the last one frees its slots. */
static inline void end_read(writer *w, uint32_t root)
{
    agi_compiler *c = w->c;
    agi_value *r = &c->value[root];
    if (r->group != w->group) agi_touch(c, r->buffer, w->step);
    else if (r->buffer == AGI_NONE && --r->uses == 0)
        give_slots(w, c->lowering.element_of[root] & ~AGI_TEMPORARY, r->few);
}

/* Of single numbers, as nearly all are in programs of them, each is where its root begins, but for views. 0: it is
 * something else. */
static int write_number(writer *w, const agi_value *it, uint32_t out)
{
    const agi_value *value = w->c->value;
    uint32_t at[3];
    if (it->kind != AGI_VALUE_POINT || it->few != 1) return 0;
    for (int k = 0; k < it->nin; k++)
        if (value[it->in[k]].view != AGI_NONE) return 0;
    for (int k = 0; k < it->nin; k++) {
        const uint32_t root = value[it->in[k]].root;
        at[k] = base_of(w, root, NULL);
        end_read(w, root);
    }
    for (int k = it->nin; k < 3; k++) at[k] = at[0];
    write(w, code_of(it), out, at[0], at[1], at[2]);
    return 1;
}

static void write_any(writer *w, uint32_t i, uint32_t out)
{
    const agi_value *it = &w->c->value[i];
    if (it->kind == AGI_VALUE_POINT) write_points(w, it, out);
    else if (it->kind == AGI_VALUE_FOLD) write_fold(w, it, out);
    else if (it->kind == AGI_VALUE_CALL) write_sum(w, i, out);
    else write_product(w, it, out);
    for (int k = 0, s; (s = agi_sources(w->c, it, k)) >= 0; k++) end_read(w, w->c->value[s].root);
}

static void write_value(writer *w, uint32_t i)
{
    agi_compiler *c = w->c;
    const agi_value *it = &c->value[i];
    uint32_t n = it->few;
    if (it->buffer == AGI_NONE) c->lowering.element_of[i] = take_slots(w, n) | AGI_TEMPORARY;
    uint32_t out = base_of(w, i, NULL);
    if (!write_number(w, it, out)) write_any(w, i, out);
    if (it->buffer != AGI_NONE) agi_touch(c, it->buffer, w->step);
    else if (!it->uses) give_slots(w, out & ~AGI_TEMPORARY, n);
}

int64_t agi_instructions_of(const agi_compiler *c, const agi_value *it)
{
    const int64_t n = it->few;
    int64_t count = 0;
    if (it->kind == AGI_VALUE_POINT) return n;
    if (it->kind == AGI_VALUE_CALL) {
        for (int k = 0, s; (s = agi_sources(c, it, k)) >= 0; k++) count += ag_count(c->value[s].node);
        return count;
    }
    if (it->kind == AGI_VALUE_FOLD) {
        const int64_t extent = agi_elements(&c->value[it->in[0]]) / n;
        return n * (extent > 1 ? extent - 1 : 1);
    }
    const ag_node *a = c->value[it->in[0]].node;
    return n * (a->dim[a->rank - 1] + (it->onto != AGI_NONE));
}

static void end_vector_call(agi_program *p)
{
    agi_vector_call *last = &p->vector_call[p->vector_calls - 1];
    last->count = (uint32_t)p->count - last->first;
}

static void write_values(writer *w, const agi_fusion *f)
{
    agi_program *p = w->p;
    for (uint32_t m = 0, end = 0; m < f->members && !w->failed; m++) {
        uint32_t vectored = w->c->together[f->start + m];
        if (vectored) {
            p->vector_call[p->vector_calls++].first = (uint32_t)p->count;
            end = m + vectored;
        }
        write_value(w, w->c->value_list[f->start + m]);
        if (m + 1 == end) end_vector_call(p);
    }
}

/* Memory for the instructions and their vector calls. */
static int room(const agi_compiler *c, agi_program *p, const agi_fusion *f)
{
    int64_t vector_calls = 0;
    for (uint32_t m = 0; m < f->members; m++) vector_calls += c->together[f->start + m] > 0;
    p->code = agi_arena_take(&c->plan->arena, (size_t)f->instructions * sizeof *p->code);
    p->vector_call = agi_arena_take(&c->plan->arena, (size_t)vector_calls * sizeof *p->vector_call);
    return p->code && p->vector_call;
}

int agi_lower_program(agi_compiler *c, uint32_t group, uint32_t step, agi_program *p)
{
    writer w = { .c = c, .p = p, .group = group, .step = step };
    const agi_fusion *f = agi_fusion_at(c, group);
    memset(w.free, 0xff, sizeof w.free);
    p->dtype = (ag_dtype)f->dtype;
    p->temporaries = AGI_NONE;
    if (!room(c, p, f)) return agi_out_of_memory(c);
    write_values(&w, f);
    if (!w.failed && w.next.count) {
        int64_t bytes = w.next.count * (int64_t)ag_dtype_size(p->dtype);
        p->temporaries = agi_new_buffer(c, AGI_WORK, NULL, p->dtype, bytes);
        w.failed = p->temporaries == AGI_NONE;
    }
    if (p->temporaries != AGI_NONE && !w.failed) {
        agi_buffer *t = agi_buffer_at(c, p->temporaries);
        t->first = t->last = step;
        t->scalar = 1;
    }
    agi_release(c->arena.allocator, w.next.data);
    return w.failed ? agi_out_of_memory(c) : 1;
}

/* ---- once memory is laid out ------------------------------------------------------------------------------------ */

typedef struct {
    const agi_compiler *c;
    int shift;            /* from bytes to elements */
    uint32_t temporaries; /* where they begin */
} addresses;

static uint32_t resolve(const addresses *a, uint32_t at)
{
    if (at & AGI_TEMPORARY) return a->temporaries + (at & ~AGI_TEMPORARY);
    agi_element e = ((const agi_element *)a->c->lowering.elements.data)[at];
    return (uint32_t)(agi_buffer_at(a->c, e.buffer)->offset >> a->shift) + e.element;
}

/* The number of the operand that is found there, or 0. Those that the code has not repeat one that it has. */
static int reads(const agi_instruction *i, uint32_t address)
{
    return i->a == address ? 1 : i->b == address ? 2 : i->c == address ? 3 : 0;
}

static int soon_read(const agi_instruction *from, const agi_instruction *end, uint32_t address)
{
    enum { SOON = 3 };
    for (const agi_instruction *i = from; i < end && i < from + SOON; i++)
        if (reads(i, address)) return 1;
    return 0;
}

/* A result is kept, instead of an older one, if somebody needs it soon. */
static void find_chain(agi_instruction *from, agi_instruction *end)
{
    uint32_t kept = UINT32_MAX;
    for (agi_instruction *i = from; i < end; i++) {
        i->how = (uint16_t)(8 * i->code + reads(i, kept));
        if (kept == UINT32_MAX || kept == i->out || soon_read(i + 1, end, i->out)) kept = i->out;
        else i->how += AGI_ASIDE;
    }
}

static void find_chains(agi_program *p)
{
    agi_instruction *from = p->code;
    for (int64_t k = 0; k < p->vector_calls; k++) {
        find_chain(from, p->code + p->vector_call[k].first);
        from = p->code + p->vector_call[k].first + p->vector_call[k].count;
    }
    find_chain(from, p->code + p->count);
}

/* Can all that programs address be numbered? */
static int within_reach(const agi_compiler *c, const agi_program *p)
{
    int64_t most = (int64_t)UINT32_MAX * (int64_t)ag_dtype_size(p->dtype);
    for (uint32_t b = 0; b < (uint32_t)c->buffers.count; b++) {
        const agi_buffer *x = agi_buffer_at(c, b);
        if (x->scalar && x->offset + x->bytes > most) return 0;
    }
    return 1;
}

static int patch(const agi_compiler *c, agi_program *p)
{
    if (c->plan->block_bytes > UINT32_MAX && !within_reach(c, p))
        return agi_fail(c->graph, AG_EMEM, "ag_compile: single numbers lie beyond the first %lld bytes of a run's %lld",
                        (long long)UINT32_MAX * (long long)ag_dtype_size(p->dtype), (long long)c->plan->block_bytes), 0;
    addresses a = { .c = c, .shift = p->dtype == AG_F64 ? 3 : 2 };
    if (p->temporaries != AGI_NONE) a.temporaries = (uint32_t)(agi_buffer_at(c, p->temporaries)->offset >> a.shift);
    for (int64_t k = 0; k < p->count; k++) {
        agi_instruction *i = &p->code[k];
        i->out = resolve(&a, i->out);
        i->a = resolve(&a, i->a);
        i->b = resolve(&a, i->b);
        i->c = resolve(&a, i->c);
    }
    find_chains(p);
    return 1;
}

int agi_address_programs(agi_compiler *c)
{
    for (int k = 0; k < c->plan->nsteps; k++)
        if (c->plan->step[k].kind == AGI_PROGRAM && !patch(c, c->plan->step[k].is.program)) return 0;
    return 1;
}
