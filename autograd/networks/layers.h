/* What the room's files share. */
#ifndef AGI_LAYERS_H
#define AGI_LAYERS_H

#include "networks.h"

#include "../node.h"

/* Values of a shape, drawn from a seed. */
void agi_net_draw(double *values, ag_shape, ag_init, double size, uint64_t seed);

/* x [rows, in] weight^T + bias, which may be NULL. */
ag_node *agi_net_product(ag_node *x, ag_node *weight, ag_node *bias);
ag_node *agi_net_drop(ag_net, ag_node *x); /* x, but for what the net drops */

#endif
