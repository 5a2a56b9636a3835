#include "positions.h"

void agi_each_position(void *attribute, ag_each_extent *each, void *context)
{
    agi_positions *p = attribute;
    each(context, &p->start);
    each(context, &p->count);
    each(context, &p->size);
}

ag_status agi_infer_positions(ag_infer *c, int64_t extent)
{
    const agi_positions *p = c->attribute;
    const int64_t last = p->start + (p->count - 1) * p->step;
    if (p->size == extent && p->count > 0 && p->start >= 0 && p->start < extent && last >= 0 && last < extent)
        return AG_OK;
    return ag_refuse(c, AG_ESHAPE, "%lld positions from %lld on, of an axis of %lld elements", (long long)p->count,
                     (long long)p->start, (long long)extent);
}
