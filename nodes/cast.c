/* x in another element type; to i64: towards zero.  The gradient is cast back; none flows through integers,
 * which are constant almost everywhere. */
#include "shared/algebra.h"

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

static ag_node *cast_number(const ag_infer *c)
{
    double value;
    if (!agi_is_literal(c->in[0]) || c->dtype == AG_I64 || !agi_is_number(c->in[0], &value)) return NULL;
    return agi_number_of_type(c->graph, c->dtype, value);
}

static ag_node *same_type(const ag_infer *c)
{
    return c->dtype == (ag_dtype)c->in[0]->dtype ? c->in[0] : NULL;
}

static ag_node *cast_of_repeated(const ag_infer *c)
{
    if (!(c->in[0]->op->flags & AG_REPEATS)) return NULL;
    return ag_broadcast_to(ag_cast(c->in[0]->in[0], c->dtype), c->shape);
}

static ag_node *there_and_back(const ag_infer *c)
{
    const ag_node *wide = c->in[0];
    if (wide->op != &agi_cast || wide->dtype != AG_F64 || c->dtype != AG_F32) return NULL;
    return wide->in[0]->dtype == AG_F32 ? wide->in[0] : NULL;
}

static ag_node *simplify(const ag_infer *c)
{
    ag_node *y = cast_number(c);     /* cast of a literal -> a literal of that type */
    if (!y) y = same_type(c);        /* cast to the same type -> x */
    if (!y) y = cast_of_repeated(c); /* cast of a broadcast -> broadcast of a cast */
    if (!y) y = there_and_back(c);   /* f32 to f64 to f32 -> x */
    return y;
}

const ag_op agi_cast = { .name = "cast",
                         .formula = "x in another type",
                         .inputs = 1,
                         .flags = AG_CAST,
                         .attribute_size = sizeof(ag_dtype),
                         .shape = shape,
                         .simplify = simplify,
                         .gradient = gradient };

ag_node *ag_cast(ag_node *x, ag_dtype dtype)
{
    return ag_unary_with(&agi_cast, x, &dtype);
}
