/* Scalar groups become instructions: an element an instruction, views only renaming elements. Values that leave the
 * program have addresses in their buffers; the others take slots of the program's temporaries, reused when they die. */
#include "compile.h"

typedef struct {
    agi_compiler *c;
    agi_program *p;
    agi_vector next;     /* uint32_t by slot: the next free run of the same length */
    uint32_t free[AGI_LARGEST_SMALL + 1]; /* by length: first free run, or AGI_NONE */
    uint32_t group;
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

/* Addresses of an item's buffer, made when a program first touches it. */
static uint32_t address_of(writer *w, uint32_t i)
{
    agi_compiler *c = w->c;
    if (c->address[i] != AGI_NONE) return c->address[i];
    int64_t n = ag_count(c->item[i].node);
    if (!agi_vector_grow(c->arena.allocator, &c->elements, sizeof(agi_element), n)) {
        w->failed = 1;
        return 0;
    }
    c->address[i] = (uint32_t)c->elements.count;
    for (int64_t e = 0; e < n; e++)
        ((agi_element *)c->elements.data)[c->elements.count++] = (agi_element){ c->item[i].buffer, (uint32_t)e };
    agi_buffer_at(c, c->item[i].buffer)->scalar = 1;
    return c->address[i];
}

/* Of a loop's buffer, which holds all its parts, addresses of what is walked over alone. */
static uint32_t address_in_loop(writer *w, uint32_t loop, const agi_pattern *p)
{
    agi_compiler *c = w->c;
    int64_t low, reach = agi_pattern_reach(p, &low);
    if (!agi_vector_grow(c->arena.allocator, &c->elements, sizeof(agi_element), reach)) {
        w->failed = 1;
        return 0;
    }
    uint32_t first = (uint32_t)c->elements.count, buffer = c->item[loop].buffer;
    for (int64_t e = 0; e < reach; e++)
        ((agi_element *)c->elements.data)[c->elements.count++] = (agi_element){ buffer, (uint32_t)(low + e) };
    agi_buffer_at(c, buffer)->scalar = 1;
    return first - (uint32_t)low;
}

static uint32_t base_of(writer *w, uint32_t root, const agi_pattern *walked)
{
    const agi_item *it = &w->c->item[root];
    if (it->group == w->group && it->buffer == AGI_NONE) return w->c->reg_of[root] | AGI_TEMPORARY;
    return agi_is_loop(it) ? address_in_loop(w, root, walked) : address_of(w, root);
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
    w->p->code[w->p->count++] = (agi_instruction){ code, out, a, b, c };
}

static void write_point(writer *w, const agi_item *it, uint32_t out)
{
    agi_pattern p[3];
    uint32_t base[3], at[3] = { 0, 0, 0 };
    int64_t n = ag_count(it->node);
    for (int k = 0; k < it->nin; k++) {
        p[k] = agi_operand_walk(w->c, it, k);
        base[k] = base_of(w, w->c->item[it->in[k]].root, &p[k]);
    }
    for (int64_t e = 0; e < n; e++) {
        for (int k = 0; k < it->nin; k++) at[k] = base[k] + (uint32_t)element(&p[k], e);
        for (int k = it->nin; k < 3; k++) at[k] = at[0];
        write(w, it->op ? (uint32_t)it->op->code : AGI_MOVE, out + (uint32_t)e, at[0], at[1], at[2]);
    }
}

static void write_fold(writer *w, const agi_item *it, uint32_t out)
{
    static const uint32_t codes[] = { AGI_SUM, AGI_PROD, AGI_MAX, AGI_MIN };
    const ag_node *x = w->c->item[it->in[0]].node;
    ag_split s = ag_split_at(x, ((const ag_axis_attribute *)it->node->attribute)->axis);
    agi_pattern p = agi_operand_walk(w->c, it, 0);
    uint32_t base = base_of(w, w->c->item[it->in[0]].root, &p), code = codes[it->node->op->fold];
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
    const ag_node *x = w->c->item[operand].node;
    int64_t dim[AG_MAX_RANK];
    for (int i = 0; i < y->rank; i++) dim[i] = y->dim[i];
    dim[y->rank - 2] = x->dim[x->rank - 2];
    dim[y->rank - 1] = x->dim[x->rank - 1];
    return agi_walk(w->c, operand, y->rank, dim);
}

static void write_product(writer *w, const agi_item *it, uint32_t out)
{
    const ag_node *y = it->node, *an = w->c->item[it->in[0]].node;
    int64_t inner = an->dim[an->rank - 1], rows = y->dim[y->rank - 2], columns = y->dim[y->rank - 1];
    agi_pattern pa = batched(w, it->in[0], y), pb = batched(w, it->in[1], y);
    uint32_t a = base_of(w, w->c->item[it->in[0]].root, &pa), b = base_of(w, w->c->item[it->in[1]].root, &pb);
    int onto = it->onto != AGI_NONE;
    uint32_t sum = onto ? take_slots(w, 1) | AGI_TEMPORARY : 0;
    for (int64_t e = 0, n = ag_count(y); e < n; e++) {
        int64_t batch = e / (rows * columns), row = e / columns % rows, column = e % columns;
        uint32_t to = onto ? sum : out + (uint32_t)e;
        for (int64_t k = 0; k < inner; k++) {
            uint32_t ea = a + (uint32_t)element(&pa, (batch * rows + row) * inner + k);
            uint32_t eb = b + (uint32_t)element(&pb, (batch * inner + k) * columns + column);
            write(w, k ? AGI_MULADD : AGI_PROD, to, ea, eb, to);
        }
        if (!onto) continue;
        agi_pattern scale = agi_walk(w->c, it->in[2], AG_MAX_RANK, (int64_t[AG_MAX_RANK]){ 1, 1, 1, 1, 1, 1, 1, 1 });
        uint32_t rate = base_of(w, w->c->item[it->in[2]].root, &scale) + (uint32_t)scale.offset;
        write(w, (uint32_t)agi_submul.code, out + (uint32_t)e, rate, sum, base_of(w, it->onto, NULL) + (uint32_t)e);
    }
    if (onto) give_slots(w, sum & ~AGI_TEMPORARY, 1);
}

static void write_item(writer *w, uint32_t i)
{
    agi_compiler *c = w->c;
    const agi_item *it = &c->item[i];
    uint32_t n = (uint32_t)ag_count(it->node);
    if (it->buffer == AGI_NONE) c->reg_of[i] = take_slots(w, n);
    uint32_t out = base_of(w, i, NULL);
    if (it->kind == AGI_ITEM_POINT) write_point(w, it, out);
    else if (it->kind == AGI_ITEM_FOLD) write_fold(w, it, out);
    else write_product(w, it, out);
    c->left[i] = it->uses;
    for (int k = 0, s; (s = agi_sources(c, it, k)) >= 0; k++) {
        uint32_t root = c->item[s].root;
        const agi_item *r = &c->item[root];
        if (r->group == w->group && r->buffer == AGI_NONE && --c->left[root] == 0)
            give_slots(w, c->reg_of[root], (uint32_t)ag_count(r->node));
    }
    if (it->buffer == AGI_NONE && !it->uses) give_slots(w, c->reg_of[i], n);
}

static int64_t count_instructions(const agi_compiler *c, const agi_fusion *f)
{
    int64_t count = 0;
    for (uint32_t m = 0; m < f->members; m++) {
        const agi_item *it = &c->item[c->item_list[f->start + m]];
        int64_t n = ag_count(it->node);
        if (it->kind == AGI_ITEM_POINT) {
            count += n;
        } else if (it->kind == AGI_ITEM_FOLD) {
            int64_t extent = ag_count(c->item[it->in[0]].node) / n;
            count += n * (extent > 1 ? extent - 1 : 1);
        } else {
            const ag_node *a = c->item[it->in[0]].node;
            count += n * (a->dim[a->rank - 1] + (it->onto != AGI_NONE));
        }
    }
    return count;
}

int agi_lower_program(agi_compiler *c, uint32_t group, uint32_t step, agi_program *p)
{
    writer w = { .c = c, .p = p, .group = group };
    const agi_fusion *f = agi_fusion_at(c, group);
    memset(w.free, 0xff, sizeof w.free);
    p->dtype = (ag_dtype)f->dtype;
    p->temporaries = AGI_NONE;
    p->code = agi_arena_take(&c->plan->arena, (size_t)count_instructions(c, f) * sizeof *p->code);
    if (!p->code) return agi_out_of_memory(c);
    for (uint32_t m = 0; m < f->members && !w.failed; m++) write_item(&w, c->item_list[f->start + m]);
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

static uint32_t resolve(const agi_compiler *c, const agi_program *p, uint32_t at)
{
    int64_t size = (int64_t)ag_dtype_size(p->dtype);
    if (at & AGI_TEMPORARY)
        return (uint32_t)(agi_buffer_at(c, p->temporaries)->offset / size) + (at & ~AGI_TEMPORARY);
    agi_element e = ((const agi_element *)c->elements.data)[at];
    return (uint32_t)(agi_buffer_at(c, e.buffer)->offset / size) + e.element;
}

void agi_patch_program(const agi_compiler *c, agi_program *p)
{
    for (int64_t k = 0; k < p->count; k++) {
        agi_instruction *i = &p->code[k];
        i->out = resolve(c, p, i->out);
        i->a = resolve(c, p, i->a);
        i->b = resolve(c, p, i->b);
        i->c = resolve(c, p, i->c);
    }
}
