/* Which calls may fail while a plan runs? An evaluation that fails changes no parameter, so new values are not written
 * into one before the last of these has been: order.c puts it early, memory.c copies what cannot wait. */
#include "compile.h"
#include "control/loop.h"

/* ---- loops ------------------------------------------------------------------------------------------------------- */

static int body_may_fail(agi_compiler *c, const ag_node *loop);

/* Alone, whatever has been checked before it. */
static int operation_may_fail(agi_compiler *c, const ag_node *x)
{
    if (x->op->flags & AG_LOOP) return body_may_fail(c, x);
    return x->op->flags & AG_LIBRARY && !(x->op->flags & (AG_SURE | AG_PRODUCT | AG_VIEW));
}

enum { LIVE = 1, OUTSIDE = 2 };

typedef struct {
    uint8_t *mark; /* by id */
    uint32_t top;
} body;

static void mark(body *b, int n, ag_node *const x[], uint8_t as)
{
    for (int k = 0; k < n; k++) {
        if (b->mark) b->mark[x[k]->id] |= as;
        if (x[k]->id > b->top) b->top = x[k]->id;
    }
}

/* What only a side reads is in it. */
static void mark_body(const agi_compiler *c, body *b, const ag_node *x)
{
    if (x->op->flags & AG_BRANCH) {
        const agi_branch_attribute *branch = x->attribute;
        mark(b, branch->results, branch->then, LIVE);
        mark(b, branch->results, branch->otherwise, LIVE);
        mark(b, branch->arguments, branch->argument, OUTSIDE);
        const agi_sides *s = agi_sides_of(c, x);
        if (!s) mark(b, branch->captures, branch->capture, OUTSIDE);
        for (int k = 0; s && k < 2; k++) mark(b, s->count[k], s->bound[k], OUTSIDE);
        return;
    }
    const agi_loop_attribute *l = x->attribute;
    mark(b, l->states, l->next, LIVE);
    mark(b, l->results, l->result, LIVE);
    if (l->test) mark(b, 1, &l->test, LIVE);
    mark(b, l->states, l->state, OUTSIDE);
    mark(b, l->elements, l->element, OUTSIDE);
    mark(b, l->captures, l->capture, OUTSIDE);
}

/* When memory ends it may: the compiler fails soon enough. */
static int body_may_fail(agi_compiler *c, const ag_node *loop)
{
    body b = { 0 };
    mark_body(c, &b, loop);
    b.mark = agi_arena_zeros(&c->arena, (size_t)b.top + 1, 1);
    if (!b.mark) return 1;
    mark_body(c, &b, loop);
    for (uint32_t id = b.top + 1; id-- > 0;) {
        const ag_node *x = agi_node(c->graph, id);
        if (b.mark[id] != LIVE) continue;
        if (operation_may_fail(c, x)) return 1;
        for (uint32_t k = 0; k < x->nin; k++) b.mark[x->in[k]->id] |= LIVE;
    }
    return 0;
}

/* ---- indices ----------------------------------------------------------------------------------------------------- */

static int constant_within(const ag_node *indices, int64_t limit)
{
    const int64_t *index = indices->attribute;
    if (indices->op->role != AG_IS_CONSTANT) return 0;
    for (int64_t k = 0, n = ag_count(indices); k < n; k++)
        if (index[k] < -limit || index[k] >= limit) return 0;
    return 1;
}

/* Have the integers been found within the limit by a call asked about before? */
static int checked_before(agi_checks *s, const ag_node *indices, int64_t limit)
{
    if (!s->limit) s->limit = agi_arena_zeros(&s->c->arena, (size_t)s->c->graph->nnodes, sizeof *s->limit);
    if (!s->limit) return 0;
    int64_t *before = &s->limit[indices->id];
    if (*before && *before <= limit) return 1;
    *before = limit;
    return 0;
}

int agi_may_fail(agi_checks *s, uint32_t value)
{
    const agi_value *it = &s->c->value[value];
    if (it->kind != AGI_VALUE_CALL || !operation_may_fail(s->c, it->node)) return 0;
    if (!it->node->op->limit) return 1;
    const ag_node *indices = it->node->in[1];
    int64_t limit = it->node->op->limit(it->node);
    return !constant_within(indices, limit) && !checked_before(s, indices, limit);
}
