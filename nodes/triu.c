/* Matrices without what lies below a diagonal: 0 there, whatever it was. */
#include "shared/matrix.h"

static const ag_op triu = { .name = "triu" }; /* for messages */

ag_node *ag_triu(ag_node *x, int64_t diagonal)
{
    if (!ag_is_bad(x) && x->rank < 2) return ag_reject(x, &triu, AG_ESHAPE, "a matrix is needed, not rank %d", x->rank);
    return agi_triangle(x, 1, diagonal);
}
