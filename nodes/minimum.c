/* The smaller of a and b, NaN if either is;  the gradient goes to the one that was taken, half to each of equals.
 * The comparisons name the one that loses, so that a NaN's gradient reaches both. */
#include "shared/integers.h"

POINTWISE2(minimum, a < b || a != a ? a : b)

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    ag_node *a = y->in[0], *b = y->in[1], *zero = ag_number(y->graph, 0);
    ag_node *share = ag_where(ag_equal(a, b), ag_scale(gout, 0.5), gout);
    if (ag_wanted(y, 0)) gin[0] = ag_where(ag_less(b, a), zero, share);
    if (ag_wanted(y, 1)) gin[1] = ag_where(ag_less(a, b), zero, share);
}

const ag_op agi_minimum = { .name = "minimum",
                            .formula = "min(a, b)",
                            .inputs = 2,
                            .flags = AG_POINTWISE,
                            .code = POINTWISE_CODE,
                            .integers = agi_integer_minimum,
                            .gradient = gradient };

ag_node *ag_minimum(ag_node *a, ag_node *b)
{
    return ag_binary(&agi_minimum, a, b);
}
