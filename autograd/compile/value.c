/* Values, as all stages ask about them: how their memory is walked, who reads them, what they read. */
#include "compile.h"

int agi_out_of_memory(agi_compiler *c)
{
    agi_fail(c->graph, AG_EMEM, "ag_compile: out of memory");
    return 0;
}

int agi_too_large(agi_compiler *c, const ag_node *largest)
{
    ag_node *at = agi_node(c->graph, largest->id);
    agi_fail_at(c->graph, AG_EMEM, 1, &at, "ag_compile: the values take more than 2^61 bytes together, this one %lld",
                (long long)agi_node_bytes(at));
    return 0;
}

ag_strides agi_value_strides(const agi_compiler *c, uint32_t i)
{
    const agi_value *it = &c->value[i];
    return it->view == AGI_NONE ? ag_contiguous(it->node) : ((const ag_strides *)c->views.data)[it->view];
}

/* Axes that are walked like one become one. Between bounds only the outer one of them may lie. */
void agi_coalesce(agi_pattern *p, int rank, const int64_t *dim, const int64_t *stride, const agi_bounds *bounds)
{
    p->rank = p->bounded = 0;
    for (int i = 0; i < rank; i++) {
        int64_t from = bounds ? bounds->from[i] : 0, to = bounds ? bounds->to[i] : dim[i];
        int last = p->rank - 1, part = from > 0 || to < dim[i];
        if (dim[i] == 1) continue;
        p->bounded |= part;
        if (p->rank && p->stride[last] == stride[i] * dim[i] && !part) {
            p->dim[last] *= dim[i];
            p->bounds.from[last] *= dim[i];
            p->bounds.to[last] *= dim[i];
            p->stride[last] = stride[i];
            continue;
        }
        p->dim[p->rank] = dim[i];
        p->bounds.from[p->rank] = from;
        p->bounds.to[p->rank] = to;
        p->stride[p->rank++] = stride[i];
    }
}

agi_pattern agi_walk(const agi_compiler *c, uint32_t operand, int rank, const int64_t *dim)
{
    const agi_value *it = &c->value[operand];
    const ag_node *x = it->node;
    agi_pattern p;
    p.rank = p.bounded = 0;
    p.offset = 0;
    if (!rank && it->view == AGI_NONE) return p;
    ag_strides s = agi_value_strides(c, operand);
    int64_t stride[AG_MAX_RANK] = { 0 };
    p.offset = s.offset;
    for (int i = 0; i < x->rank; i++) stride[rank - x->rank + i] = x->dim[i] == 1 ? 0 : s.stride[i];
    if (it->bounds == AGI_NONE) {
        agi_coalesce(&p, rank, dim, stride, NULL);
    } else {
        agi_bounds bounds = agi_bounds_over(agi_bounds_at(c, operand), x, rank, dim);
        agi_coalesce(&p, rank, dim, stride, &bounds);
    }
    return p;
}

agi_pattern agi_operand_walk(const agi_compiler *c, const agi_value *user, int k)
{
    const ag_node *over = user->kind == AGI_VALUE_POINT && user->op ? user->node : c->value[user->in[k]].node;
    return agi_walk(c, user->in[k], over->rank, over->dim);
}

int agi_pattern_flat(const agi_pattern *p)
{
    return p->offset == 0 && (p->rank == 0 || agi_walks_on(p));
}

int64_t agi_pattern_reach(const agi_pattern *p, int64_t *low)
{
    int64_t high = *low = p->offset;
    for (int i = 0; i < p->rank; i++) *(p->stride[i] < 0 ? low : &high) += (p->dim[i] - 1) * p->stride[i];
    return high - *low + 1;
}

int agi_pattern_rows(const agi_pattern *p, int64_t points, int64_t columns)
{
    if (p->offset || p->bounded) return 0;
    if (points == columns) return p->rank == 0 || (p->rank == 1 && p->stride[0] == 0);
    return p->rank == 2 && p->dim[1] == columns && p->stride[1] == 0 && p->stride[0] == 1;
}

void agi_count_uses(agi_compiler *c)
{
    for (uint32_t i = 0; i < c->nvalues; i++) {
        const agi_value *it = &c->value[i];
        for (int k = 0, s; (s = agi_sources(c, it, k)) >= 0; k++) c->value[c->value[s].root].uses++;
        if (it->held) c->value[i].uses++;
    }
    for (int k = 0; k < c->nassigned; k++) c->value[c->value[c->assigned[k]].assigned].uses++;
}

int agi_sources(const agi_compiler *c, const agi_value *it, int k)
{
    if (it->kind == AGI_VALUE_CALL)
        return k < (int)it->node->nin ? (int)((const uint32_t *)c->operands.data)[it->in[0] + (uint32_t)k] : -1;
    if (it->kind == AGI_VALUE_POINT || it->kind == AGI_VALUE_FOLD) return k < it->nin ? (int)it->in[k] : -1;
    if (it->kind != AGI_VALUE_PRODUCT) return -1;
    if (k < 2) return (int)it->in[k];
    if (k == 2 && it->onto != AGI_NONE) return (int)it->onto;
    return k == 3 && it->in[2] != AGI_NONE ? (int)it->in[2] : -1;
}

uint32_t agi_awaited(const agi_compiler *c, uint32_t i)
{
    uint32_t a = c->after.count ? ((const uint32_t *)c->after.data)[i] : AGI_NONE;
    while (a != AGI_NONE && c->value[a].group == AGI_NONE) a = a ? a - 1 : AGI_NONE; /* taken into a fused operation */
    return a;
}

int agi_check_bytes(agi_compiler *c)
{
    int64_t left = AGI_MOST_BYTES, most = 0;
    const ag_node *largest = NULL;
    for (uint32_t i = 0; i < c->nvalues; i++) {
        const agi_value *it = &c->value[i];
        if (it->kind == AGI_VALUE_VIEW) continue;
        int64_t bytes = agi_is_loop(it) ? agi_layout_of(c, it->node)->bytes : agi_node_bytes(it->node);
        if (bytes > most) most = bytes, largest = it->node;
        if (bytes > left) return agi_too_large(c, largest);
        left -= bytes;
    }
    return 1;
}
