/* A run's parameters at once, in order of their making, each at a multiple of eight bytes. */
#include "run.h"

static size_t room(const ag_node *x)
{
    return ((size_t)agi_node_bytes(x) + 7) / 8 * 8;
}

size_t ag_snapshot_bytes(const ag_plan *p)
{
    size_t bytes = 0;
    const ag_node *x;
    for (int k = 0; (x = ag_plan_parameter(p, k)); k++) bytes += room(x);
    return bytes;
}

ag_status ag_snapshot(const ag_run *r, void *to)
{
    const ag_node *x;
    char *at = to;
    if (!r || !to) return AG_EARG;
    for (int k = 0; (x = ag_plan_parameter(r->plan, k)); k++, at += room(x)) {
        ag_status status = ag_fetch(r, x, at);
        if (status) return status;
    }
    return AG_OK;
}

ag_status ag_restore(ag_run *r, const void *from)
{
    const ag_node *x;
    const char *at = from;
    if (!r || !from) return AG_EARG;
    for (int k = 0; (x = ag_plan_parameter(r->plan, k)); k++, at += room(x)) {
        ag_status status = ag_feed(r, x, at);
        if (status) return status;
    }
    return AG_OK;
}
