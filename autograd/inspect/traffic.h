/* What goes through memory between steps. */
#ifndef AGI_TRAFFIC_H
#define AGI_TRAFFIC_H

#include "steps.h"

typedef struct {
    uint32_t buffer;
    int from, to; /* steps */
    int64_t bytes;
} agi_traffic;

/* Values that one step makes and another reads, the largest first: how many; -1: no memory. */
int64_t agi_list_traffic(const ag_plan *, const ag_allocator *, agi_vector *list);
void agi_explain_traffic(agi_text *, const ag_plan *, const agi_traffic *); /* why the two steps are not one */

#endif
