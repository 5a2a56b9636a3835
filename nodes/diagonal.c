/* The diagonals of the matrices: a view;  the gradient goes back onto the diagonal. */
#include "shared/algebra.h"
#include "shared/matrix.h"

static ag_status shape(ag_infer *c)
{
    const ag_node *x = c->in[0];
    c->shape.rank--;
    c->shape.dim[c->shape.rank - 1] = agi_rows(x) < agi_cols(x) ? agi_rows(x) : agi_cols(x);
    return AG_OK;
}

static int view(const ag_node *y, ag_strides *s)
{
    s->stride[y->rank - 1] += s->stride[y->rank];
    return 1;
}

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    gin[0] = agi_put_diagonal(gout, agi_rows(y->in[0]), agi_cols(y->in[0]));
}

const ag_op agi_diagonal = { .name = "diagonal",
                             .formula = "x_ii",
                             .inputs = 1,
                             .flags = AG_VIEW | AG_SMOOTH,
                             .shape = shape,
                             .view = view,
                             .simplify = agi_view_of_one,
                             .gradient = gradient,
                             .batch = ag_batch_leading };

ag_node *agi_take_diagonal(ag_node *x)
{
    return ag_unary(&agi_diagonal, x);
}
