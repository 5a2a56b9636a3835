/* numpy.dot of ranks 1 and 2: matrix product, or inner product of two vectors;
 * with matrices d/da = gout b^T and d/db = a^T gout, where a vector takes part the outer products that these become. */
#include "shared/matrix.h"

static ag_status shape(ag_infer *c)
{
    const ag_node *a = c->in[0], *b = c->in[1];
    if (a->dtype == AG_I64 || b->dtype == AG_I64)
        return ag_refuse(c, AG_ETYPE, "there is no arithmetic on i64: make it real with ag_cast");
    if (a->dtype != b->dtype) return ag_refuse(c, AG_ETYPE, "element types differ: ag_cast one of them");
    if (a->rank < 1 || a->rank > 2 || b->rank < 1 || b->rank > 2)
        return ag_refuse(c, AG_ESHAPE,
                         "operands are vectors or matrices, not of rank %d and %d: ag_matmul takes more axes", a->rank,
                         b->rank);
    if (a->dim[a->rank - 1] != b->dim[0]) return agi_refuse_inner(c, a->dim[a->rank - 1], b->dim[0]);
    c->shape.rank = 0;
    if (a->rank == 2) c->shape.dim[c->shape.rank++] = a->dim[0];
    if (b->rank == 2) c->shape.dim[c->shape.rank++] = b->dim[1];
    return AG_OK;
}

static ag_node *column(ag_node *x)
{
    ag_shape s = AG_SHAPE(-1, 1);
    return ag_reshape(x, s);
}

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    ag_node *a = y->in[0], *b = y->in[1];
    if (a->rank == 2 && b->rank == 2) {
        agi_matmul.gradient(y, gout, gin);
        return;
    }
    if (ag_wanted(y, 0))
        gin[0] = b->rank == 2 ? ag_dot(gout, ag_transpose(b, NULL)) : ag_mul(a->rank == 2 ? column(gout) : gout, b);
    if (ag_wanted(y, 1))
        gin[1] = a->rank == 2 ? ag_dot(ag_transpose(a, NULL), gout) : ag_mul(b->rank == 2 ? column(a) : a, gout);
}

const ag_op agi_dot = { .name = "dot",
                        .formula = "a b",
                        .inputs = 2,
                        .flags = AG_ALIAS | AG_SMOOTH,
                        .shape = shape,
                        .gradient = gradient };

static ag_node *product(ag_node *a, ag_node *b)
{
    if (a->rank == 1 && b->rank == 1) return ag_sum(ag_mul(a, b));
    ag_shape row = AG_SHAPE(1, -1), flat = AG_SHAPE(-1);
    ag_node *y = ag_matmul(a->rank == 1 ? ag_reshape(a, row) : a, b->rank == 1 ? column(b) : b);
    return a->rank == b->rank ? y : ag_reshape(y, flat);
}

ag_node *ag_dot(ag_node *a, ag_node *b)
{
    ag_node *in[] = { a, b }, *sound = ag_vet(&agi_dot, 2, in, NULL);
    return ag_is_bad(sound) ? sound : ag_define(&agi_dot, 2, in, NULL, product(a, b));
}
