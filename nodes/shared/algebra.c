/* What `simplify` hooks share. */
#include "algebra.h"

#include <math.h>

int agi_has_value(const ag_node *literal, double wanted)
{
    double value;
    return agi_is_number(literal, &value) && value == wanted;
}

ag_node *agi_number_of_type(ag_graph *g, ag_dtype dtype, double value)
{
    return agi_literal(g, &agi_number, dtype, value, 0);
}

int agi_is_power_of_two(double x, ag_dtype dtype)
{
    double largest = dtype == AG_F32 ? 0x1p120 : 0x1p1000;
    int exponent;
    return fabs(x) >= 1 / largest && fabs(x) <= largest && fabs(frexp(x, &exponent)) == 0.5;
}

ag_node *agi_scaled_operand(ag_node *const in[2], ag_dtype dtype, double *power)
{
    for (int i = 0; i < 2; i++)
        if (agi_is_literal(in[i]) && agi_is_number(in[i], power) && agi_is_power_of_two(*power, dtype))
            return in[1 - i];
    return NULL;
}

ag_node *agi_scaled_by(const ag_node *x, double *power)
{
    return x->op == &agi_mul ? agi_scaled_operand(x->in, (ag_dtype)x->dtype, power) : NULL;
}

ag_node *agi_both_negative(const ag_infer *c)
{
    if (!agi_is_negative(c->in[0]) || !agi_is_negative(c->in[1])) return NULL;
    return ag_binary(c->op, c->in[0]->in[0], c->in[1]->in[0]);
}

int agi_has_result_shape(const ag_infer *c, const ag_node *x)
{
    return x->rank == c->shape.rank && !memcmp(x->dim, c->shape.dim, (size_t)x->rank * sizeof x->dim[0]);
}

/* One element, however it is repeated and looked at, is that element repeated. */
ag_node *agi_view_of_one(const ag_infer *c)
{
    ag_node *x = c->in[0];
    double value;
    if (agi_is_literal(x) && agi_is_number(x, &value)) {
        if (x->weak) x = agi_number_of_type(c->graph, c->dtype, value);
        else if (c->op->flags & AG_REPEATS && c->shape.rank) return NULL; /* as simple as it gets */
        return c->shape.rank ? ag_broadcast_to(x, c->shape) : x;
    }
    if (!(x->op->flags & AG_REPEATS) || ag_count(x->in[0]) != 1) return NULL;
    return ag_broadcast_to(ag_reshape(x->in[0], AG_SCALAR), c->shape);
}

void agi_each_of_shape(void *attribute, ag_each_extent *each, void *context)
{
    ag_shape *s = attribute;
    for (int i = 0; i < s->rank; i++) each(context, &s->dim[i]);
}
