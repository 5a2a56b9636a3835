/* number: a literal of rank 0; attribute: its value as a double. It takes the type of the operand it meets. */
#include "shared/extent.h"

#include <math.h>

const ag_op agi_number = { .name = "number",
                           .formula = "a literal",
                           .flags = AG_LEAF,
                           .role = AG_IS_NUMBER,
                           .attribute_size = sizeof(double) };

/* Is it one that plans choose, times something, or 1 by that? It would be the stand-in's value in every plan. */
static int is_of_extent(const ag_graph *g, double value)
{
    const double n = fabs(value) < 1 && value != 0 ? 1 / value : value, whole = round(n);
    if (!(fabs(n) < 0x1p53) || fabs(n - whole) > 1e-9 * fabs(n)) return 0;
    return agi_is_multiple_of_extent(g, (int64_t)whole);
}

ag_node *ag_number(ag_graph *g, double value)
{
    if (g && g->nextents && is_of_extent(g, value))
        return agi_fail(g, AG_EARG, "ag_number: %.17g is made of an extent that plans choose: ag_mean divides by it, "
                                    "ag_sum of ag_ones counts it", value);
    return g ? agi_literal(g, &agi_number, AG_F64, value, 1) : NULL;
}

const ag_op agi_stand_in = { .name = "extent",
                             .formula = "an extent that plans choose",
                             .flags = AG_LEAF,
                             .attribute_size = sizeof(int64_t) };

ag_node *agi_extent_number(ag_graph *g, ag_dtype dtype, int64_t n)
{
    return agi_holds_extent(g, n) ? agi_extent_literal(g, &agi_stand_in, dtype, n) : ag_number(g, (double)n);
}
