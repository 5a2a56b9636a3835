/* Groups become steps. Passes: lower_pass.c; scalar programs: lower_program.c; loops: lower_loop.c. */
#include "compile.h"

/* ---- products, calls -------------------------------------------------------------------------------------------- */

/* Batches from the outermost axis; neighbouring axes that are walked like one become one. */
static void list_batches(agi_product *p)
{
    const ag_node *y = p->node, *a = y->in[0], *b = y->in[1];
    int64_t inside = y->dim[y->rank - 2] * y->dim[y->rank - 1], step[3], *last;
    p->axes = 0;
    for (int i = y->rank - 3; i >= 0; inside *= y->dim[i--]) {
        const int at_a = i - (y->rank - a->rank), at_b = i - (y->rank - b->rank);
        step[0] = at_a < 0 || a->dim[at_a] == 1 ? 0 : p->a_stride.stride[at_a];
        step[1] = at_b < 0 || b->dim[at_b] == 1 ? 0 : p->b_stride.stride[at_b];
        step[2] = inside;
        if (y->dim[i] == 1) continue;
        const int64_t n = p->axes ? p->batch[0].count : 0;
        last = p->batch[0].next;
        if (n && step[0] == n * last[0] && step[1] == n * last[1]) {
            p->batch[0].count *= y->dim[i];
            continue;
        }
        memmove(p->batch + 1, p->batch, (size_t)p->axes++ * sizeof *p->batch);
        p->batch[0].count = y->dim[i];
        memcpy(p->batch[0].next, step, sizeof step);
    }
}

static agi_product *lower_product(agi_compiler *c, uint32_t i, uint32_t step)
{
    const agi_value *it = &c->value[i];
    agi_product *p = agi_arena_zeros(&c->plan->arena, 1, sizeof *p);
    if (!p) return agi_out_of_memory(c), NULL;
    *p = (agi_product){ .node = it->node, .out = it->buffer, .onto = AGI_NONE, .scale = AGI_NONE, .alpha = 1 };
    p->a = agi_operand_buffer(c, it->in[0], step);
    p->b = agi_operand_buffer(c, it->in[1], step);
    p->a_stride = agi_value_strides(c, it->in[0]);
    p->b_stride = agi_value_strides(c, it->in[1]);
    if (it->onto != AGI_NONE) {
        p->onto = agi_operand_buffer(c, it->onto, step);
        p->scale = agi_operand_buffer(c, it->in[2], step);
        p->scale_offset = agi_value_strides(c, it->in[2]).offset;
        p->alpha = -1;
    }
    agi_touch(c, it->buffer, step);
    list_batches(p);
    const agi_product_of of = agi_matrices_of(p);
    p->reading = agi_choose_reading(c->options->isa, it->node->dtype == AG_F64, &of);
    return p;
}

enum { WORTH_THREADS = 1 << 22 }; /* operations of a call, so many as take a while */

static int work_buffer(agi_compiler *c, uint32_t step, size_t bytes, uint32_t *b)
{
    *b = AGI_NONE;
    if (!bytes) return 1;
    *b = agi_new_buffer(c, AGI_WORK, NULL, AG_F64, (int64_t)bytes);
    if (*b == AGI_NONE) return 0;
    agi_touch(c, *b, step);
    return 1;
}

static agi_call *lower_call(agi_compiler *c, uint32_t i, uint32_t step)
{
    const agi_value *it = &c->value[i];
    const ag_node *x = it->node;
    agi_call *call = agi_arena_zeros(&c->plan->arena, 1, sizeof *call);
    if (!call) return agi_out_of_memory(c), NULL;
    *call = (agi_call){ .node = x, .n = (int)x->nin, .out = it->buffer, .idle = agi_buffer_at(c, it->buffer)->inlaid };
    call->in = agi_arena_take(&c->plan->arena, x->nin * sizeof *call->in);
    call->stride = agi_arena_take(&c->plan->arena, x->nin * sizeof *call->stride);
    if (!call->in || !call->stride) return agi_out_of_memory(c), NULL;
    ag_strides at = { 0 };
    for (int k = 0; k < call->n; k++) {
        uint32_t s = (uint32_t)agi_sources(c, it, k);
        const int there = c->value[c->value[s].root].inlaid && c->value[c->value[s].root].buffer == it->buffer;
        call->in[k] = there ? AGI_NONE : agi_operand_buffer(c, s, step);
        call->idle = call->idle && (there || x->op->inlays(x, (uint32_t)k, &at) == 2);
        call->stride[k] = agi_value_strides(c, s);
    }
    agi_touch(c, it->buffer, step);
    size_t pointers = call->n > AGI_FEW_INPUTS ? (size_t)call->n * sizeof(void *) : 0;
    int64_t threads = agi_threads_of(c->plan);
    call->pieces = x->op->pieces ? x->op->pieces(x) : 1;
    call->worth_threads = call->pieces > 1 && (x->op->flops ? x->op->flops(x) : (double)ag_count(x)) > WORTH_THREADS;
    call->work_bytes = agi_aligned(x->op->scratch ? (int64_t)x->op->scratch(x) : 0);
    if (threads > call->pieces || !call->worth_threads) threads = call->worth_threads ? call->pieces : 1;
    int ok = work_buffer(c, step, (size_t)(threads * call->work_bytes), &call->work);
    return ok && work_buffer(c, step, pointers, &call->pointers) ? call : NULL;
}

static void touch_operands(agi_compiler *c, uint32_t i, uint32_t step)
{
    for (int k = 0, s; (s = agi_sources(c, &c->value[i], k)) >= 0; k++) agi_operand_buffer(c, (uint32_t)s, step);
    agi_touch(c, c->value[i].buffer, step);
}

/* ---- passes ------------------------------------------------------------------------------------------------------ */

static int lower_group(agi_compiler *c, uint32_t k)
{
    const agi_fusion *f = agi_fusion_at(c, c->order[k]);
    agi_step *s = &c->plan->step[k];
    uint32_t first = c->value_list[f->start];
    if (f->kind == AGI_GROUP_TILE) {
        s->kind = AGI_PASS;
        return (s->is.pass = agi_lower_pass(c, f, k)) != NULL;
    }
    if (f->kind == AGI_GROUP_SCALAR) {
        s->kind = AGI_PROGRAM;
        s->is.program = agi_arena_zeros(&c->plan->arena, 1, sizeof *s->is.program);
        if (!s->is.program) return agi_out_of_memory(c);
        return agi_lower_program(c, c->order[k], k, s->is.program);
    }
    if (c->value[first].kind == AGI_VALUE_PRODUCT) {
        s->kind = AGI_PRODUCT;
        return (s->is.product = lower_product(c, first, k)) != NULL;
    }
    if (c->value[first].node->op->flags & AG_LOOP) {
        touch_operands(c, first, k);
        s->is.loop = agi_lower_loop(c, first);
        s->kind = AGI_LOOP;
        return s->is.loop != NULL;
    }
    s->kind = AGI_CALL;
    return (s->is.call = lower_call(c, first, k)) != NULL;
}

int agi_lower(agi_compiler *c)
{
    size_t n = (size_t)c->groups.count;
    c->lowering.reg_of = agi_arena_take(&c->arena, (size_t)c->nvalues * sizeof *c->lowering.reg_of);
    c->lowering.element_of = agi_arena_take(&c->arena, (size_t)c->nvalues * sizeof *c->lowering.element_of);
    if (!c->lowering.reg_of || !c->lowering.element_of) return agi_out_of_memory(c);
    memset(c->lowering.element_of, 0xff, (size_t)c->nvalues * sizeof *c->lowering.element_of);
    if (!agi_give_buffers(c)) return 0;
    c->plan->step = agi_arena_zeros(&c->plan->arena, n + (size_t)c->nassigned, sizeof *c->plan->step);
    if (!c->plan->step) return agi_out_of_memory(c);
    for (uint32_t k = 0; k < n; k++) {
        c->plan->nsteps++;
        if (!lower_group(c, k)) return 0;
    }
    return 1;
}
