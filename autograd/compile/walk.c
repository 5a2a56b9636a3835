/* How operands are walked: strides and bounds over the shape that somebody reads them in. */
#include "compile.h"

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
    if (!agi_is_bounded(c, it)) {
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
