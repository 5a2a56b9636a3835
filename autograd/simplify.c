#include "internal.h"
int agi_is_number(const ag_node *x, double *value)
{
    while (x->op == &agi_broadcast_to) x = x->in[0];
    if (x->op != &agi_number) return 0;
    memcpy(value, x->attribute, sizeof *value);
    return 1;
}
ag_node *agi_simplify(ag_graph *g, const ag_op *op, int n, ag_node *const in[], const void *attribute)
{
    (void)g, (void)op, (void)n, (void)in, (void)attribute;
    return NULL;
}
