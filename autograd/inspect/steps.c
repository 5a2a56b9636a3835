/* Steps of plans: their names, what they read and make, what they cost. */
#include "steps.h"
#include "control/loop.h"

/* ---- names ------------------------------------------------------------------------------------------------------- */

const char *agi_step_kind_name(agi_step_kind kind)
{
    static const char *const names[] = { "pass", "program", "call", "product", "copy", "loop" }; /* ORDER of kinds */
    return names[kind];
}

static const char *const fold_names[] = { "sum", "prod", "max", "min" }; /* ORDER ag_fold */

static const char *operation_of_pass(const agi_pass *g, int64_t k)
{
    for (int i = 0; i < g->nmicros; i++) {
        const agi_micro *m = &g->micro[i];
        if (m->kind != AGI_EXPAND && k-- == 0) return m->kind == AGI_FOLD_ROWS ? fold_names[m->fold] : m->op->name;
    }
    if (k < g->nfolds) return fold_names[g->fold[k].fold];
    return k == 0 && !g->nfolds && !g->nmicros ? "move" : NULL;
}

const char *agi_step_operation(const agi_step *s, int64_t k)
{
    if (s->kind == AGI_PASS) return operation_of_pass(s->is.pass, k);
    if (s->kind == AGI_PROGRAM) return k < s->is.program->count ? agi_code_name(s->is.program->code[k].code) : NULL;
    if (k) return NULL;
    if (s->kind == AGI_COPY) return "copy";
    return s->kind == AGI_PRODUCT ? s->is.product->node->op->name
           : s->kind == AGI_CALL ? s->is.call->node->op->name : s->is.loop->node->op->name;
}

static const ag_node *node_of(const ag_plan *p, const agi_step *s)
{
    if (s->kind == AGI_PRODUCT) return s->is.product->node;
    if (s->kind == AGI_CALL) return s->is.call->node;
    return s->kind == AGI_COPY ? p->buffer[s->is.copy.to].node : NULL;
}

void agi_print_step(agi_text *t, const ag_plan *p, const agi_step *s)
{
    enum { MOST = 6 };
    const ag_node *v = node_of(p, s);
    if (s->kind == AGI_LOOP) {
        agi_print_loop(t, s->is.loop->node);
        return;
    }
    if (s->kind == AGI_PASS || s->kind == AGI_PROGRAM) agi_print(t, "%s:", agi_step_kind_name(s->kind));
    const char *name = "", *space = s->kind == AGI_PASS || s->kind == AGI_PROGRAM ? " " : "";
    for (int64_t k = 0; k < MOST && (name = agi_step_operation(s, k)); k++) agi_print(t, "%s%s", space, name);
    if (name && agi_step_operation(s, MOST)) agi_print(t, " ...");
    if (v && v->name) agi_print(t, " '%s'", v->name);
}

/* ---- what they read and write ------------------------------------------------------------------------------------ */

static uint32_t read_by_product(const agi_product *x, int k)
{
    const uint32_t all[] = { x->a, x->b, x->scale, x->onto };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (all[i] != AGI_NONE && k-- == 0) return all[i];
    return AGI_NONE;
}

static uint32_t read_by_loop(const agi_loop_step *l, int k)
{
    const agi_transfers *all[] = { &l->enter[0], &l->enter[1], &l->before };
    for (size_t i = 0; i < sizeof all / sizeof *all; k -= all[i++]->count)
        if (k < all[i]->count) return all[i]->list[k].outer;
    return k == 0 && l->control.outer != AGI_NONE && l->control.bytes ? l->control.outer : AGI_NONE;
}

/* Which buffers lie where a program's instructions have operands; those that begin with it are made by it. */
static uint32_t touched_by_program(const ag_plan *p, int step, int k, int written)
{
    const agi_program *x = p->step[step].is.program;
    const int64_t size = (int64_t)ag_dtype_size(x->dtype);
    for (uint32_t b = 0; b < p->nbuffers; b++) {
        const agi_buffer *at = &p->buffer[b];
        int here = 0;
        if (!at->node || at->in_loop || (int)at->first > step || (int)at->last < step) continue;
        const int made = at->role == AGI_VALUE && (int)at->first == step;
        if (made != written && !(written && at->assigned)) continue;
        for (int64_t i = 0; i < x->count && !here; i++) {
            const agi_instruction *c = &x->code[i];
            const uint32_t operand[] = { c->a, c->b, c->c };
            const int n = written ? 1 : agi_code_operands(c->code);
            for (int j = 0; j < n && !here; j++) {
                const int64_t byte = (written ? c->out : operand[j]) * size - at->offset;
                here = byte >= 0 && byte < at->bytes;
            }
        }
        if (here && k-- == 0) return b;
    }
    return AGI_NONE;
}

static uint32_t read_by_call(const agi_call *c, int k)
{
    for (int j = 0; j < c->n; j++)
        if (c->in[j] != AGI_NONE && k-- == 0) return c->in[j];
    return AGI_NONE;
}

uint32_t agi_step_reads(const ag_plan *p, int step, int k)
{
    const agi_step *s = &p->step[step];
    switch (s->kind) {
    case AGI_PASS: return k < s->is.pass->nloads ? s->is.pass->load[k].buffer : AGI_NONE;
    case AGI_PRODUCT: return read_by_product(s->is.product, k);
    case AGI_CALL: return read_by_call(s->is.call, k);
    case AGI_COPY: return k ? AGI_NONE : s->is.copy.from;
    case AGI_LOOP: return read_by_loop(s->is.loop, k);
    case AGI_PROGRAM: break;
    }
    return touched_by_program(p, step, k, 0);
}

uint32_t agi_step_writes(const ag_plan *p, int step, int k)
{
    const agi_step *s = &p->step[step];
    if (s->kind == AGI_PROGRAM) return touched_by_program(p, step, k, 1);
    if (s->kind == AGI_PASS) {
        const agi_pass *g = s->is.pass;
        if (k < g->nstores) return g->store[k].buffer;
        return k - g->nstores < g->nfolds ? g->fold[k - g->nstores].buffer : AGI_NONE;
    }
    if (k) return AGI_NONE;
    return s->kind == AGI_PRODUCT ? s->is.product->out : s->kind == AGI_CALL ? s->is.call->out
           : s->kind == AGI_COPY ? s->is.copy.to : s->is.loop->out;
}

/* ---- costs ------------------------------------------------------------------------------------------------------- */

int agi_loop_is_open(const ag_node *x)
{
    if (x->op->flags & AG_BRANCH) return 0;
    const agi_loop_attribute *l = x->attribute;
    return l->test || l->counted;
}

double agi_loop_steps(const ag_node *x)
{
    if (x->op->flags & AG_BRANCH) return 1;
    const int64_t length = ((const agi_loop_attribute *)x->attribute)->length;
    return length == AGI_UNBOUNDED ? 1 : (double)length;
}

/* Bodies are in bodies as deep as AGI_DEEPEST_LOOP at most. */
agi_cost agi_cost_of_all(const ag_plan *p, const agi_step *s)
{
    if (s->kind != AGI_LOOP) return agi_cost_of(p, s);
    const ag_node *loop = s->is.loop->node;
    const double steps = agi_loop_steps(loop);
    agi_cost body[2] = { { 0, 0 }, { 0, 0 } };
    for (int b = 0; b < 2; b++)
        if (s->is.loop->body[b]) body[b] = agi_cost_of_plan(s->is.loop->body[b]);
    if (loop->op->flags & AG_BRANCH) return body[body[1].flops > body[0].flops];
    return (agi_cost){ steps * (body[0].bytes + body[1].bytes), steps * (body[0].flops + body[1].flops) };
}

agi_cost agi_cost_of_plan(const ag_plan *p)
{
    agi_cost sum = { 0, 0 };
    for (int k = 0; k < p->nsteps; k++) {
        const agi_cost c = agi_cost_of_all(p, &p->step[k]);
        sum.bytes += c.bytes, sum.flops += c.flops;
    }
    return sum;
}
