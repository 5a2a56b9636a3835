/* What a node is. */
#include "graph.h"

const ag_op agi_bad = { .name = "bad", .formula = "the result of a failed call", .flags = AG_LEAF };

int ag_is_bad(const ag_node *x)
{
    return !x || x->op == &agi_bad;
}

size_t ag_dtype_size(ag_dtype dtype)
{
    return dtype == AG_F32 ? 4 : 8;
}

ag_dtype ag_type_of(const ag_node *x)
{
    return ag_is_bad(x) ? AG_F64 : (ag_dtype)x->dtype;
}

ag_shape ag_shape_of(const ag_node *x)
{
    return ag_is_bad(x) ? AG_SCALAR : ag_shape_in(x);
}

int64_t ag_size_of(const ag_node *x)
{
    return ag_is_bad(x) ? 0 : ag_count(x);
}

ag_graph *ag_graph_of(const ag_node *x)
{
    return x ? x->graph : NULL;
}

int agi_is_number(const ag_node *x, double *value)
{
    while (x->op->flags & AG_REPEATS) x = x->in[0];
    if (x->op->role != AG_IS_NUMBER) return 0;
    memcpy(value, x->attribute, sizeof *value);
    if (x->dtype == AG_F32) *value = (float)*value;
    return 1;
}
