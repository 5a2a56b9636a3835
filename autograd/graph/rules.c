/* What rules and hooks may ask of whoever calls them. */
#include "graph.h"

int ag_wanted(const ag_node *y, int i)
{
    const ag_node *x = y->in[i];
    const ag_graph *g = y->graph;
    uint32_t place = x->dtype != AG_I64 && g->swept ? agi_place_in(g->swept, x) : AGI_NOWHERE;
    return place != AGI_NOWHERE && g->wanted[place];
}

void ag_zero_gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    (void)y, (void)gout, (void)gin;
}

void ag_flow_if(ag_node *y, int k, ag_node *active)
{
    y->graph->flow_if[k] = active;
}

void ag_depends(ag_dependence *d, int64_t i, int k, int64_t j)
{
    d->depends(d, i, k, j);
}

const int64_t *ag_known_integers(ag_dependence *d, const ag_node *x)
{
    return d->known(d, x);
}
