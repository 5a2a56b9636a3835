/* Convolutions as nodes, of the general form of dense/convolve.h. */
#ifndef AGI_CONVOLUTION_H
#define AGI_CONVOLUTION_H

#include "node.h"

enum { AGI_CONV_AXES = 3 };

/* By spatial axis, the first ones first. */
typedef struct {
    int64_t stride[AGI_CONV_AXES], dilation[AGI_CONV_AXES], spread[AGI_CONV_AXES], pad[AGI_CONV_AXES];
    int64_t result[AGI_CONV_AXES];
} agi_conv_form;

/* x [n, groups, in, *size], w [groups, out, in, *kernel]: [n, groups, out, *result]. */
ag_node *agi_new_conv(ag_node *x, ag_node *w, const agi_conv_form *);

/* d/dx of agi_new_conv, of x's spatial extents, given d/dy. */
ag_node *agi_conv_by_x(ag_node *dy, ag_node *w, const agi_conv_form *, const int64_t size[]);

/* What users' options say, checked: of `op`, for x and w [., ., *] of one rank, or the bad node. Strides, dilations and
 * groups are then at least 1. */
ag_node *agi_read_conv(const ag_op *op, ag_node *x, ag_node *w, const ag_conv_options *, ag_conv_options *out);

ag_node *agi_split_groups(ag_node *x, int axis, int64_t groups); /* an axis becomes two */
ag_node *agi_join_groups(ag_node *x, int axis);                  /* two axes become one */

#endif
