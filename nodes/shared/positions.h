/* What the files that take elements from an axis or place them there share: regular positions along it. */
#ifndef AGI_POSITIONS_H
#define AGI_POSITIONS_H

#include "node.h"

/* `count` positions start, start + step, ... along an axis of extent `size`, all inside it; step may be negative. */
typedef struct {
    int64_t axis, start, step, count, size;
} agi_positions;

void agi_each_position(void *attribute, ag_each_extent *each, void *context);
ag_status agi_infer_positions(ag_infer *, int64_t extent); /* are they inside an axis of that extent, their `size`? */

/* Each is the other's gradient. x may be bad; the positions are sound. */
ag_node *agi_new_slice(ag_node *x, const agi_positions *);  /* x at these positions: a view */
ag_node *agi_new_embed(ag_node *x, const agi_positions *); /* x at these positions of an axis of zeros */

/* Where each of several parts begins along an axis, and how far its positions are apart. */
typedef struct {
    int64_t start, step;
} agi_spot;

typedef struct {
    int64_t axis, parts;
    agi_spot part[];
} agi_places;

/* x with n parts, which are sound, added there. */
ag_node *agi_new_assemble(ag_node *x, int64_t axis, int64_t n, const agi_spot at[], ag_node *const part[]);

static inline int agi_all_positions(const agi_positions *p) /* every one, in order */
{
    return p->count == p->size && p->step == 1;
}

#endif
