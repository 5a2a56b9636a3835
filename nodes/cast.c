/* x in another element type; to i64: towards zero.  The gradient is cast back; none flows through integers,
 * which are constant almost everywhere. */
#include "node.h"

static ag_status shape(ag_infer *c)
{
    c->dtype = *(const ag_dtype *)c->attribute;
    if (c->dtype != AG_F32 && c->dtype != AG_F64 && c->dtype != AG_I64)
        return ag_refuse(c, AG_ETYPE, "%d is no element type: AG_F32, AG_F64 or AG_I64", (int)c->dtype);
    return AG_OK;
}

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    gin[0] = ag_cast(gout, (ag_dtype)y->in[0]->dtype);
}

const ag_op agi_cast = { .name = "cast",
                         .formula = "x in another type",
                         .inputs = 1,
                         .flags = AG_CAST,
                         .attribute_size = sizeof(ag_dtype),
                         .shape = shape,
                         .gradient = gradient };

ag_node *ag_cast(ag_node *x, ag_dtype dtype)
{
    return ag_unary_with(&agi_cast, x, &dtype);
}
