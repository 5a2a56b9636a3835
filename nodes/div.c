/* a / b;  d/da = 1 / b, d/db = -(a / b) / b.
 *
 * The rule divides but once, by making 1 / b, whose own slope, -(1 / b) / b, needs no division: so derivatives of every
 * order share one. Nothing is squared, which might over- or underflow on the way. Where 1 / b overflows, b being
 * subnormal, so do they. */
#include "shared/algebra.h"

#include <math.h>

POINTWISE2(div, a / b)

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    ag_node *inverse = ag_div(ag_number(y->graph, 1), y->in[1]);
    if (ag_wanted(y, 0)) gin[0] = ag_mul(gout, inverse);
    if (ag_wanted(y, 1)) gin[1] = ag_neg(ag_mul(ag_mul(gout, y), inverse));
}

static ag_node *over_one(const ag_infer *c)
{
    return agi_is_literally(c->in[1], 1) ? c->in[0] : NULL;
}

/* Product and quotient are the same real number, rounded once: as long as 1 / b is itself a number of the type. */
static ag_node *over_power_of_two(const ag_infer *c)
{
    double b;
    int exponent;
    if (!agi_is_literal(c->in[1]) || !agi_is_number(c->in[1], &b)) return NULL;
    if (!isfinite(b) || fabs(frexp(b, &exponent)) != 0.5) return NULL;
    if (!(fabs(1 / b) <= (c->dtype == AG_F32 ? 0x1p127 : 0x1p1023))) return NULL;
    return ag_mul(c->in[0], agi_number_of_type(c->graph, c->dtype, 1 / b));
}

static ag_node *simplify(const ag_infer *c)
{
    ag_node *y = over_one(c);         /* x / 1 -> x */
    if (!y) y = over_power_of_two(c); /* x / 2^k -> x * 2^-k, where 2^-k is finite; other divisors stay */
    if (!y) y = agi_both_negative(c);  /* -a / -b -> a / b */
    return y;
}

const ag_op agi_div = { .name = "div",
                        .formula = "a / b",
                        .inputs = 2,
                        .flags = AG_POINTWISE | AG_SMOOTH,
                        .code = POINTWISE_CODE,
                        .linear = 1 << 0,
                        .simplify = simplify,
                        .gradient = gradient };

ag_node *ag_div(ag_node *a, ag_node *b)
{
    return ag_binary(&agi_div, a, b);
}
