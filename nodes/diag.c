/* The diagonal matrix of a vector, or of each that lies on the last axis;  the gradient is the diagonal.  What users
 * ask of matrices is their diagonals (diagonal.c). */
#include "shared/matrix.h"

static ag_status shape(ag_infer *c)
{
    if (c->dtype == AG_I64) return ag_refuse(c, AG_ETYPE, "there is no arithmetic on i64: make it real with ag_cast");
    if (c->shape.rank == 0) return ag_refuse(c, AG_ESHAPE, "a single number has no diagonal");
    c->shape.dim[c->shape.rank] = c->shape.dim[c->shape.rank - 1];
    c->shape.rank++;
    return AG_OK;
}

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    (void)y;
    gin[0] = agi_take_diagonal(gout);
}

const ag_op agi_diag = { .name = "diag",
                         .formula = "x on the diagonal of zeros",
                         .inputs = 1,
                         .flags = AG_ALIAS | AG_SMOOTH,
                         .shape = shape,
                         .gradient = gradient };

ag_node *ag_diag(ag_node *x)
{
    if (!ag_is_bad(x) && x->rank >= 2) return agi_take_diagonal(x);
    x = ag_vet(&agi_diag, 1, &x, NULL);
    return ag_is_bad(x) ? x : agi_put_diagonal(x, x->dim[0], x->dim[0]);
}
