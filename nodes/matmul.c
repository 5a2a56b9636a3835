/* Matrix product of the last two axes, batch dimensions broadcasting:  y = a b, d/da = gout b^T, d/db = a^T gout.
 * An operand of any strides, a transposed one, is read as it is and never copied. */
#include "shared/extent.h"
#include "shared/matrix.h"

#include <limits.h>

static ag_status shape(ag_infer *c)
{
    const ag_node *a = c->in[0], *b = c->in[1];
    if (a->dtype == AG_I64 || b->dtype == AG_I64)
        return ag_refuse(c, AG_ETYPE, "there is no arithmetic on i64: make it real with ag_cast");
    if (a->dtype != b->dtype) return ag_refuse(c, AG_ETYPE, "element types differ: ag_cast one of them");
    if (a->rank < 2 || b->rank < 2)
        return ag_refuse(c, AG_ESHAPE, "both operands have to be matrices, of rank 2 at least: ag_dot takes vectors");
    if (agi_cols(a) != agi_rows(b)) return agi_refuse_inner(c, agi_cols(a), agi_rows(b));
    ag_status status = agi_broadcast_batches(c, a, b);
    if (status) return status;
    int rank = c->shape.rank;
    c->shape.dim[rank - 2] = a->dim[a->rank - 2];
    c->shape.dim[rank - 1] = b->dim[b->rank - 1];
    for (int i = 0; i < 2; i++)
        if (agi_exceeds(c->graph, c->shape.dim[rank - 2 + i], INT_MAX) ||
            agi_exceeds(c->graph, agi_cols(a), INT_MAX))
            return ag_refuse(c, AG_ESHAPE, "matrix extents are at most %d", INT_MAX);
    return AG_OK;
}

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    if (ag_wanted(y, 0)) gin[0] = agi_product_for(y->in[0], gout, agi_transposed(y->in[1]));
    if (ag_wanted(y, 1)) gin[1] = agi_product_for(y->in[1], agi_transposed(y->in[0]), gout);
}

static double flops(const ag_node *y)
{
    return 2.0 * (double)ag_count(y) * (double)y->in[0]->dim[y->in[0]->rank - 1];
}

/* Many matrices times a single one, or a single one times many columns, is one product. */
static ag_node *batch(const ag_node *y, ag_node *in[], const unsigned char batched[], int64_t count)
{
    const ag_node *a = y->in[0], *b = y->in[1];
    if (!batched[1] && b->rank == 2) return ag_matmul(in[0], in[1]);
    if (batched[0] || a->rank != 2 || b->rank != 2 || b->dim[1] != 1)
        return ag_batch_leading(y, in, batched, count);
    ag_node *rows = ag_reshape(in[1], AG_SHAPE(count, b->dim[0]));
    return ag_reshape(ag_matmul(rows, ag_transpose(in[0], NULL)), ag_batch_shape(y, count));
}

const ag_op agi_matmul = { .name = "matmul",
                           .formula = "a b",
                           .inputs = 2,
                           .flags = AG_LIBRARY | AG_PRODUCT | AG_STRIDED | AG_SMOOTH,
                           .factor = &agi_mul,
                           .shape = shape,
                           .gradient = gradient,
                           .batch = batch,
                           .flops = flops };

/* With a single matrix b, the rows of all batches of a are rows of one product. */
ag_node *ag_matmul(ag_node *a, ag_node *b)
{
    if (ag_is_bad(a) || ag_is_bad(b) || a->rank <= 2 || b->rank != 2) return ag_binary(&agi_matmul, a, b);
    ag_shape rows = AG_SHAPE(ag_count(a) / a->dim[a->rank - 1], a->dim[a->rank - 1]), s = ag_shape_in(a);
    s.dim[s.rank - 1] = b->dim[1];
    ag_node *flat = a->dim[a->rank - 1] == b->dim[0] ? ag_binary(&agi_matmul, ag_reshape(a, rows), b)
                                                     : ag_binary(&agi_matmul, a, b);
    return ag_is_bad(flat) ? flat : ag_reshape(flat, s);
}
