/* What steps cost: bytes between memory and registers, and operations on numbers, one an element where an operation
 * does not say how many. */
#include "plan.h"

static double bytes_of(const ag_plan *p, uint32_t buffer)
{
    return (double)p->buffer[buffer].bytes;
}

static double flops_of_micro(const agi_pass *g, const agi_micro *m)
{
    if (m->kind == AGI_EXPAND) return 0;
    return (double)(m->row && m->kind == AGI_POINT ? g->rows : g->rows * g->columns);
}

static double bytes_of_store(const ag_plan *p, const agi_pass *g, const agi_store *s)
{
    const double n = (double)(s->row ? g->rows : g->rows * g->columns);
    return s->inlaid ? n * (double)ag_dtype_size(g->dtype) : bytes_of(p, s->buffer);
}

static agi_cost cost_of_pass(const ag_plan *p, const agi_pass *g)
{
    agi_cost c = { 0 };
    for (int k = 0; k < g->nloads; k++) c.bytes += bytes_of(p, g->load[k].buffer);
    for (int k = 0; k < g->nmicros; k++) c.flops += flops_of_micro(g, &g->micro[k]);
    for (int k = 0; k < g->nstores; k++) c.bytes += bytes_of_store(p, g, &g->store[k]);
    for (int k = 0; k < g->nfolds; k++) {
        c.bytes += bytes_of(p, g->fold[k].buffer);
        c.flops += (double)(g->rows * g->columns);
    }
    return c;
}

static agi_cost cost_of_product(const ag_plan *p, const agi_product *x)
{
    return (agi_cost){ bytes_of(p, x->a) + bytes_of(p, x->b) + bytes_of(p, x->out), x->node->op->flops(x->node) };
}

static agi_cost cost_of_call(const ag_plan *p, const agi_call *x)
{
    agi_cost c = { bytes_of(p, x->out), x->node->op->flops ? x->node->op->flops(x->node) : (double)ag_count(x->node) };
    for (int k = 0; k < x->n; k++)
        c.bytes += x->in[k] == AGI_NONE ? -(double)agi_node_bytes(x->node->in[k]) : bytes_of(p, x->in[k]);
    return c;
}

agi_cost agi_cost_of(const ag_plan *p, const agi_step *s)
{
    switch (s->kind) {
    case AGI_PASS: return cost_of_pass(p, s->is.pass);
    case AGI_PRODUCT: return cost_of_product(p, s->is.product);
    case AGI_CALL: return cost_of_call(p, s->is.call);
    case AGI_COPY: return (agi_cost){ 2 * bytes_of(p, s->is.copy.to), 0 };
    case AGI_PROGRAM: {
        const double n = (double)s->is.program->count;
        return (agi_cost){ n * 3 * (double)ag_dtype_size(s->is.program->dtype), n };
    }
    case AGI_LOOP: break;
    }
    return (agi_cost){ 0, 0 };
}
