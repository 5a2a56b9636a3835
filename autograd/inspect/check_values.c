/* What a gradient check sets the graph's leaves to: what a run holds, what they begin with, or random numbers. */
#include "checking.h"

#include <math.h>

double agi_check_uniform(agi_check *c)
{
    uint64_t z = c->random += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return (double)((z ^ (z >> 31)) >> 11) * 0x1p-53;
}

double agi_check_direction(agi_check *c) /* of either sign, its size 0.5 to 1 */
{
    double u = 2 * agi_check_uniform(c) - 1;
    return u < 0 ? (u - 1) / 2 : (u + 1) / 2;
}

/* By node id: what the outputs' values need. */
static uint8_t *needs(agi_check *c, int n, ag_node *const output[])
{
    uint8_t *needed = agi_arena_zeros(&c->arena, (size_t)c->graph->nnodes, 1);
    if (!needed) return NULL;
    for (int i = 0; i < n; i++) needed[output[i]->id] = 1;
    for (int64_t id = c->graph->nnodes; id-- > 0;) {
        const ag_node *v = agi_node(c->graph, id);
        uint32_t from = agi_written_inputs(v) < v->nin ? v->nin - 1 : 0; /* the definition alone */
        for (uint32_t i = from; needed[id] && i < v->nin; i++) needed[v->in[i]->id] = 1;
    }
    return needed;
}

static void draw(agi_check *c, const agi_check_leaf_value *l, int signs)
{
    int64_t n = ag_count(l->node);
    for (int64_t i = 0; i < n; i++) {
        double u = signs ? agi_check_direction(c) : 0.25 + 0.5 * agi_check_uniform(c);
        if (l->node->dtype == AG_F32) ((float *)l->value)[i] = (float)u;
        else ((double *)l->value)[i] = u;
    }
}

static ag_status unknown(agi_check *c, const ag_node *v)
{
    char message[sizeof c->report->message] = "";
    agi_text t = { message, message + sizeof message };
    agi_print(&t, "ag_check_gradient: the run has no value of ");
    agi_print_node(&t, v);
    return agi_check_stop(c, AG_EARG, message);
}

static ag_status set_value(agi_check *c, const agi_check_leaf_value *l)
{
    const ag_node *v = l->node;
    int own = v->id >= c->own;
    if (c->o.at && !own) return ag_fetch(c->o.at, v, l->value) ? unknown(c, v) : AG_OK;
    if (v->op->role == AG_IS_INPUT && v->dtype != AG_I64) draw(c, l, own);
    else if (v->attribute) memcpy(l->value, v->attribute, (size_t)agi_node_bytes(v));
    return AG_OK; /* else zeros */
}

/* Leaf l is x[i], whose first element is number `first` of all. */
static void set_tangent(agi_check *c, const agi_check_leaf_value *l, int i, int64_t first)
{
    c->at[i] = l->value;
    c->needed[i] = l->needed[0];
    for (int64_t k = 0; k < ag_count(l->node); k++) {
        double size = fabs(c->at[i][k]);
        c->scale[first + k] = size > 1 && isfinite(size) ? exp2(ceil(log2(size))) : 1;
        c->tangent[first + k] = agi_check_direction(c) * c->scale[first + k];
    }
}

static ag_status add_leaf(agi_check *c, agi_check_leaf_value leaf)
{
    ag_node *v = leaf.node;
    agi_check_leaf_value *l = &c->leaf[c->leaves++];
    *l = leaf;
    l->value = agi_arena_zeros(&c->arena, (size_t)ag_count(v), ag_dtype_size((ag_dtype)v->dtype));
    if (!l->value) return agi_check_no_memory(c);
    if (set_value(c, l)) return c->status;
    int64_t first = 0;
    for (int i = 0; i < c->n; first += ag_count(c->x[i++]))
        if (c->x[i] == v) set_tangent(c, l, i, first);
    return AG_OK;
}

ag_status agi_check_find_leaves(agi_check *c, ag_node *const dx[])
{
    const uint8_t *by_f = needs(c, 1, &c->f), *by_gradient = needs(c, c->n, dx), *by_check = needs(c, c->n, c->x);
    int64_t most = 0, count = c->graph->nnodes;
    uint8_t *assigned = agi_arena_zeros(&c->arena, (size_t)count, 1);
    for (int64_t id = 0; id < count; id++) most += agi_is_fed(agi_node(c->graph, id));
    c->leaves = 0;
    c->leaf = agi_arena_take(&c->arena, (size_t)most * sizeof *c->leaf);
    if (!by_f || !by_gradient || !by_check || !assigned || !c->leaf) return agi_check_no_memory(c);
    for (int64_t id = 0; id < count; id++) {
        const ag_node *v = agi_node(c->graph, id);
        if (by_f[id] && v->op->flags & AG_EFFECT) assigned[v->in[0]->id] = 1;
    }
    for (int64_t id = 0; id < count && !c->status; id++) {
        ag_node *v = agi_node(c->graph, id);
        if (!agi_is_fed(v) || !(by_f[id] || by_gradient[id] || by_check[id])) continue;
        add_leaf(c, (agi_check_leaf_value){ v, NULL, { by_f[id], by_gradient[id] }, assigned[id] });
    }
    return c->status;
}
