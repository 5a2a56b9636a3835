/* Matrices without what lies above a diagonal: 0 there, whatever it was. */
#include "shared/matrix.h"

static const ag_op tril = { .name = "tril" }; /* for messages */

ag_node *ag_tril(ag_node *x, int64_t diagonal)
{
    if (!ag_is_bad(x) && x->rank < 2) return ag_reject(x, &tril, AG_ESHAPE, "a matrix is needed, not rank %d", x->rank);
    return agi_triangle(x, 0, diagonal);
}
