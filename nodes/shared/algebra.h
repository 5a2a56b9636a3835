/* What `simplify` hooks share: literal numbers, powers of two, repeated elements. Of pointwise operations, when their
 * hook is asked, no operand is a broadcast, and literals have rank 0. */
#ifndef AGI_ALGEBRA_H
#define AGI_ALGEBRA_H

#include "graph/graph.h"

static inline int agi_is_literal(const ag_node *x) /* a number of rank 0 */
{
    return x->op->role == AG_IS_NUMBER;
}

int agi_has_value(const ag_node *literal, double wanted);
static inline int agi_is_literally(const ag_node *x, double wanted)
{
    return agi_is_literal(x) && agi_has_value(x, wanted);
}

ag_node *agi_number_of_type(ag_graph *, ag_dtype, double value); /* that keeps its type whatever it meets */

static inline int agi_is_negative(const ag_node *x) /* of its operand */
{
    return x->op == &agi_neg;
}

/* 2^k or -2^k, well inside the range of the type: scaling by it is exact. */
int agi_is_power_of_two(double x, ag_dtype);
/* Of the product of these two, which may be still to be made: the x of x * 2^k, or NULL. */
ag_node *agi_scaled_operand(ag_node *const in[2], ag_dtype, double *power);
ag_node *agi_scaled_by(const ag_node *product, double *power);

/* Rewrites of several operations. */
ag_node *agi_both_negative(const ag_infer *); /* op(-a, -b) -> op(a, b) */
void agi_each_of_shape(void *attribute, ag_each_extent *each, void *context); /* an ag_shape */
int agi_has_result_shape(const ag_infer *, const ag_node *x);
ag_node *agi_view_of_one(const ag_infer *); /* a view of one repeated element -> the element repeated */

#endif
