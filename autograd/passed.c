/* Rewrites pass operands over: 2 (2 p) is made as 4 p, and no longer depends on the node 2 p. A derivative for a node
 * that was passed over would lack that, so it is refused where such a way round the node may exist. */
#include "internal.h"

enum { BITS = 8 };

static int was_passed(const ag_graph *g, const ag_node *x)
{
    return x->id / BITS < g->passed.count && ((const uint8_t *)g->passed.data)[x->id / BITS] >> x->id % BITS & 1;
}

static int note(ag_graph *g, const ag_node *x)
{
    int64_t more = x->id / BITS + 1 - g->passed.count;
    if (more > 0) {
        if (!agi_vector_grow(&g->allocator, &g->passed, 1, more)) return 0;
        memset((uint8_t *)g->passed.data + g->passed.count, 0, (size_t)more);
        g->passed.count += more;
    }
    ((uint8_t *)g->passed.data)[x->id / BITS] |= (uint8_t)(1 << x->id % BITS);
    return 1;
}

static int reads(const ag_node *y, const ag_node *x)
{
    int found = y == x;
    for (uint32_t k = 0; k < y->nin && !found; k++) found = y->in[k] == x;
    return found;
}

int agi_note_passed(ag_graph *g, int n, ag_node *const in[], const ag_node *instead)
{
    for (int i = 0; i < n; i++)
        if (in[i]->nin && !reads(instead, in[i]) && !note(g, in[i])) return 0;
    return 1;
}

/* Does a way from what x is made of, numbers aside, lead to y, but not through x? */
static ag_status check_node(const char *what, int m, ag_node *const y[], ag_node *x, int i)
{
    ag_graph *g = x->graph;
    uint32_t first = x->id, last = x->id;
    double value;
    for (uint32_t k = 0; k < x->nin; k++)
        if (x->in[k]->id < first) first = x->in[k]->id;
    for (int k = 0; k < m; k++)
        if (y[k]->id > last) last = y[k]->id;
    uint8_t *way = agi_allocate(&g->allocator, (size_t)(last - first) + 1);
    if (!way) return agi_fail(g, AG_EMEM, "%s: out of memory", what), AG_EMEM;
    memset(way, 0, (size_t)(last - first) + 1);
    for (uint32_t k = 0; k < x->nin; k++) way[x->in[k]->id - first] = !agi_is_number(x->in[k], &value);
    for (uint32_t id = first; id <= last; id++) {
        const ag_node *v = agi_node(g, id);
        if (v == x || v->dtype == AG_I64 || v->op->gradient == ag_zero_gradient) continue;
        for (uint32_t k = 0; k < v->nin && !way[id - first]; k++)
            way[id - first] = v->in[k]->id >= first && way[v->in[k]->id - first];
    }
    int round = 0;
    for (int k = 0; k < m && !round; k++) round = y[k] != x && y[k]->id >= first && way[y[k]->id - first];
    agi_release(&g->allocator, way);
    if (!round) return AG_OK;
    return agi_fail_at(g, AG_EARG, 1, &x, "%s: y may pass x[%d] over, being simplified; let y be made of ag_checkpoint of it,"
                       " and that be x[%d]", what, i, i);
}

ag_status agi_check_passed(ag_graph *g, const char *what, int m, ag_node *const y[], int n, ag_node *const x[])
{
    ag_status status = g->status;
    for (int i = 0; i < n && !status; i++)
        if (was_passed(g, x[i])) status = check_node(what, m, y, x[i], i);
    return status;
}
