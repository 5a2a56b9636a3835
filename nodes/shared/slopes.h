/* What derivatives are made of that users cannot write. Slopes are computed from the argument, not from the function's
 * value, so that they stay exact where the function saturates. */
#ifndef AGI_SLOPES_H
#define AGI_SLOPES_H

#include "node.h"

ag_node *agi_new_sigmoid_slope(ag_node *a, ag_node *b); /* a times sigmoid's slope at b */
ag_node *agi_new_tanh_slope(ag_node *a, ag_node *b);    /* a times tanh's slope at b */
ag_node *agi_new_silu_slope(ag_node *x);
ag_node *agi_new_bell(ag_node *x, double factor);       /* e^(-factor x^2), factor a power of two */
ag_node *agi_new_normal(ag_node *x);                    /* the normal distribution */
ag_node *agi_new_runge(ag_node *x);                     /* 1 / (1 + x^2) */
ag_node *agi_new_one_minus_square(ag_node *x);          /* 1 - x^2 */
ag_node *agi_new_polar(ag_node *a, ag_node *b);         /* b / (a^2 + b^2) */
ag_node *agi_new_logaddexp_share(ag_node *a, ag_node *b); /* e^a / (e^a + e^b) */

/* Slopes, and their slopes' factor that vanishes on both sides. */
ag_node *agi_new_gelu_tanh_slope(ag_node *x);
ag_node *agi_new_gelu_tanh_bell(ag_node *x);
ag_node *agi_new_mish_slope(ag_node *x);
ag_node *agi_new_mish_bell(ag_node *x);
ag_node *agi_mish_decay(ag_node *x); /* mish_bell's slope / mish_bell */

/* Of gelu_tanh's argument v(x), where it is finite: x, v', v'', v' tanh(v / 2). */
typedef struct {
    ag_node *x, *slope, *second, *decay;
} agi_gelu_tanh_parts;
agi_gelu_tanh_parts agi_parts_of_gelu_tanh(ag_node *x);

#endif
