/* Outer product of two vectors, y_ij = a_i b_j:  d/da = gout b, d/db = gout^T a. */
#include "node.h"

static ag_status shape(ag_infer *c)
{
    const ag_node *a = c->in[0], *b = c->in[1];
    if (a->dtype == AG_I64 || b->dtype == AG_I64)
        return ag_refuse(c, AG_ETYPE, "there is no arithmetic on i64: make it real with ag_cast");
    if (a->dtype != b->dtype) return ag_refuse(c, AG_ETYPE, "element types differ: ag_cast one of them");
    if (a->rank != 1 || b->rank != 1) return ag_refuse(c, AG_ESHAPE, "both operands have to be vectors, of rank 1");
    c->shape = AG_SHAPE(a->dim[0], b->dim[0]);
    return AG_OK;
}

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    if (ag_wanted(y, 0)) gin[0] = ag_dot(gout, y->in[1]);
    if (ag_wanted(y, 1)) gin[1] = ag_dot(y->in[0], gout);
}

const ag_op agi_outer = { .name = "outer",
                          .formula = "a_i b_j",
                          .inputs = 2,
                          .flags = AG_ALIAS | AG_SMOOTH,
                          .shape = shape,
                          .gradient = gradient };

ag_node *ag_outer(ag_node *a, ag_node *b)
{
    ag_node *in[] = { a, b }, *sound = ag_vet(&agi_outer, 2, in, NULL);
    if (ag_is_bad(sound)) return sound;
    return ag_define(&agi_outer, 2, in, NULL, ag_mul(ag_reshape(a, AG_SHAPE(a->dim[0], 1)), b));
}
