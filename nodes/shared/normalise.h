/* What the norms share: values less their mean, divided by their deviation. */
#ifndef AGI_NORMALISE_H
#define AGI_NORMALISE_H

#include "node.h"

typedef struct {
    double epsilon;   /* added to the variance */
    int64_t centred;  /* 0: the mean counts as 0 */
    int64_t channels; /* 0: x is [rows, n], of each row; 1: [n, channels, m], of each channel */
} agi_norm_form;

/* Of sound x of that rank. */
ag_node *agi_new_normalise(ag_node *x, const agi_norm_form *);
/* Means over the same elements, axes of 1 kept; and what they are of. */
ag_node *agi_norm_mean(ag_node *x, const agi_norm_form *);
ag_node *agi_norm_variance(ag_node *x, const agi_norm_form *, ag_node **mean);
int64_t agi_norm_count(const ag_node *x, const agi_norm_form *);

/* What users give, as operands x, gain, bias, ..., those that are there; the attribute says what they have to be. */
enum { AGI_BY_CHANNELS = AG_MAX_RANK + 1 };
typedef struct {
    int64_t last;   /* gain and so on are of so many last axes' shape; AGI_BY_CHANNELS: x is [n, channels, ...] */
    double epsilon; /* not below 0 */
} agi_norm_check;
ag_status agi_infer_norm(ag_infer *);

static inline double agi_norm_epsilon(double given, double otherwise)
{
    return given == 0 ? otherwise : given;
}

/* x, if that holds, of `op`, which is an operation for its name alone. gain and bias are left out where NULL. */
ag_node *agi_norm_vet(const ag_op *op, ag_node *x, ag_node *gain, ag_node *bias, int64_t last, double epsilon);
/* y gain + bias, with these reshaped; either may be NULL. */
ag_node *agi_norm_affine(ag_node *y, ag_node *gain, ag_node *bias, ag_shape);

#endif
