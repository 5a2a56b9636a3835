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

/* What it evaluates, or, where the region ends, takes from outside. */
typedef struct {
    ag_node *const *list[3];
    int n[3];
} nodes;

static int count_of(const nodes *x)
{
    return x->n[0] + x->n[1] + x->n[2];
}

static void join(const nodes *x, ag_node **to)
{
    for (int i = 0; i < 3; to += x->n[i++])
        if (x->n[i]) memcpy(to, x->list[i], (size_t)x->n[i] * sizeof *to); /* else perhaps NULL */
}

/* What only a side of a branch reads is in it. */
static void look_into(const agi_compiler *c, const ag_node *x, nodes *live, nodes outside[2])
{
    const nodes none = { { NULL }, { 0 } };
    if (x->op->flags & AG_BRANCH) {
        const agi_branch_attribute *b = x->attribute;
        const agi_sides *s = agi_sides_of(c, x);
        *live = (nodes){ { b->then, b->otherwise }, { b->results, b->results } };
        outside[0] = (nodes){ { b->argument, s ? NULL : b->capture }, { b->arguments, s ? 0 : b->captures } };
        outside[1] = s ? (nodes){ { s->bound[0], s->bound[1] }, { s->count[0], s->count[1] } } : none;
        return;
    }
    const agi_loop_attribute *l = x->attribute;
    *live = (nodes){ { l->next, l->result, &l->test }, { l->states, l->results, l->test != NULL } };
    outside[0] = (nodes){ { l->state, l->element, l->capture }, { l->states, l->elements, l->captures } };
    outside[1] = none;
}

/* When memory ends it may: the compiler fails soon enough. */
static int body_may_fail(agi_compiler *c, const ag_node *loop)
{
    nodes live, outside[2];
    agi_region r;
    look_into(c, loop, &live, outside);
    const int n = count_of(&live), ends[] = { count_of(&outside[0]), count_of(&outside[1]) };
    ag_node **roots = agi_arena_take(&c->arena, (size_t)(n + ends[0] + ends[1]) * sizeof *roots), **end = roots + n;
    if (!roots) return 1;
    join(&live, roots);
    join(&outside[0], end);
    join(&outside[1], end + ends[0]);
    agi_region_start(&r, &c->arena, c->graph, 0, NULL, n, roots);
    for (int k = 0; k < ends[0] + ends[1]; k++) agi_region_end_at(&r, end[k]);
    for (const ag_node *x; (x = agi_region_next(&r));) {
        if (agi_region_ends_at(&r, x)) continue;
        if (operation_may_fail(c, x)) return 1;
        for (uint32_t k = 0; k < x->nin; k++) agi_region_add(&r, x->in[k]);
    }
    return r.failed;
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
