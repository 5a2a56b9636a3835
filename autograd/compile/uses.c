/* What each step reads and writes, by the step itself and not by what it was made from; but of a scalar program its
 * values tell, which its instructions are held against. */
#include "compile.h"
#include "control/loop.h"

typedef struct {
    agi_compiler *c;
    agi_vector *uses;
    int failed;
} list;

static int64_t bytes_of(const list *l, uint32_t b)
{
    return b < l->c->buffers.count ? agi_buffer_at(l->c, b)->bytes : 0;
}

static void add(list *l, uint32_t buffer, int writes, int64_t from, int64_t to)
{
    if (l->failed || !agi_vector_grow(l->c->arena.allocator, l->uses, sizeof(agi_use), 1)) {
        l->failed = 1;
        return;
    }
    ((agi_use *)l->uses->data)[l->uses->count++] = (agi_use){ buffer, writes, from, to };
}

static void add_whole(list *l, uint32_t buffer, int writes)
{
    if (buffer != AGI_NONE) add(l, buffer, writes, 0, bytes_of(l, buffer));
}

/* A walk along strides, between bounds if there are any: without elements it reads nothing. */
static void add_walk(list *l, uint32_t buffer, ag_dtype dtype, const agi_pattern *p)
{
    int64_t low = p->offset, high = low, size = (int64_t)ag_dtype_size(dtype);
    for (int i = 0; i < p->rank; i++) {
        int64_t from = p->bounded ? p->bounds.from[i] : 0, to = p->bounded ? p->bounds.to[i] : p->dim[i];
        int64_t first = from * p->stride[i], last = (to - 1) * p->stride[i];
        if (from >= to) {
            add(l, buffer, 0, 0, 0);
            return;
        }
        low += first < last ? first : last;
        high += first < last ? last : first;
    }
    add(l, buffer, 0, low * size, (high + 1) * size);
}

static void add_strided(list *l, uint32_t buffer, const ag_node *x, const ag_strides *s)
{
    agi_pattern p = { .rank = x->rank, .offset = s->offset };
    for (int i = 0; i < x->rank; i++) p.dim[i] = x->dim[i], p.stride[i] = s->stride[i];
    add_walk(l, buffer, (ag_dtype)x->dtype, &p);
}

/* ---- step by step ------------------------------------------------------------------------------------------------ */

static void list_store(list *l, const agi_pass *g, const agi_store *s)
{
    const int64_t n = s->row ? g->rows : g->rows * g->columns, size = (int64_t)ag_dtype_size(g->dtype);
    const int64_t last = s->offset + (n - 1) * s->stride;
    const int64_t low = s->stride < 0 ? last : s->offset, high = s->stride < 0 ? s->offset : last;
    add(l, s->buffer, 1, low * size, n ? (high + 1) * size : low * size);
}

static void list_pass(list *l, const agi_pass *g)
{
    int64_t size = (int64_t)ag_dtype_size(g->dtype);
    for (int k = 0; k < g->nloads; k++) add_walk(l, g->load[k].buffer, (ag_dtype)g->load[k].dtype, &g->load[k].walk);
    for (int k = 0; k < g->nstores; k++) list_store(l, g, &g->store[k]);
    for (int k = 0; k < g->nfolds; k++) {
        const agi_fold_end *e = &g->fold[k];
        add(l, e->buffer, 1, 0, (e->row ? g->rows : g->rows * g->columns) / e->extent * size);
        add_whole(l, e->partial, 1);
        add_whole(l, e->few, 1);
    }
}

static void list_program(list *l, const agi_fusion *f, const agi_program *p)
{
    const agi_compiler *c = l->c;
    for (uint32_t m = f->start; m < f->start + f->members; m++) {
        const agi_value *it = &c->value[c->value_list[m]];
        add_whole(l, it->buffer, 1);
        for (int k = 0, s; (s = agi_sources(c, it, k)) >= 0; k++) {
            const agi_value *root = &c->value[c->value[s].root];
            if (root->group != it->group) add(l, root->buffer, 0, 0, 0);
        }
    }
    add_whole(l, p->temporaries, 1);
}

static void list_product(list *l, const agi_product *p)
{
    add_strided(l, p->a, p->node->in[0], &p->a_stride);
    add_strided(l, p->b, p->node->in[1], &p->b_stride);
    add(l, p->out, 1, 0, agi_node_bytes(p->node));
    if (p->onto == AGI_NONE) return;
    agi_pattern one = { .offset = p->scale_offset };
    add(l, p->onto, 0, 0, agi_node_bytes(p->node));
    add_walk(l, p->scale, (ag_dtype)p->node->dtype, &one);
}

static void list_call(list *l, const agi_call *call)
{
    for (int k = 0; k < call->n; k++)
        if (call->in[k] != AGI_NONE) add_strided(l, call->in[k], call->node->in[k], &call->stride[k]);
    add(l, call->out, 1, 0, agi_node_bytes(call->node));
    add_whole(l, call->work, 1);
    add_whole(l, call->pointers, 1);
}

static void list_transfers(list *l, const agi_transfers *t, uint32_t out)
{
    for (int k = 0; k < t->count; k++) {
        const agi_transfer *one = &t->list[k];
        add(l, one->outer, one->outer == out, one->offset, one->offset + one->bytes);
    }
}

static void list_loop(list *l, const agi_loop_step *s)
{
    int branch = s->node->op->flags & AG_BRANCH;
    add_whole(l, s->out, 1);
    for (int b = 0; b < 2; b++) {
        list_transfers(l, &s->enter[b], s->out);
        list_transfers(l, &s->leave[b], s->out);
    }
    list_transfers(l, &s->before, s->out);
    list_transfers(l, &s->after, s->out);
    if (!branch && !((const agi_loop_attribute *)s->node->attribute)->counted) return;
    const ag_node *control = s->node->in[branch ? 0 : s->node->nin - 1];
    add(l, s->control.outer, 0, s->control.offset, s->control.offset + agi_node_bytes(control));
}

int agi_list_uses(agi_compiler *c, uint32_t k, agi_vector *uses)
{
    list l = { .c = c, .uses = uses };
    const agi_step *s = &c->plan->step[k];
    uses->count = 0;
    switch (s->kind) {
    case AGI_PASS: list_pass(&l, s->is.pass); break;
    case AGI_PROGRAM: list_program(&l, agi_fusion_at(c, c->order[k]), s->is.program); break;
    case AGI_CALL: list_call(&l, s->is.call); break;
    case AGI_PRODUCT: list_product(&l, s->is.product); break;
    case AGI_LOOP: list_loop(&l, s->is.loop); break;
    case AGI_COPY:
        add(&l, s->is.copy.from, 0, 0, bytes_of(&l, s->is.copy.to));
        add(&l, s->is.copy.to, 1, 0, bytes_of(&l, s->is.copy.from));
        break;
    }
    return l.failed ? agi_out_of_memory(c) : 1;
}
