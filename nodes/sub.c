/* a - b;  d/da = 1, d/db = -1. */
#include "shared/algebra.h"
#include "shared/gather.h"
#include "shared/integers.h"

POINTWISE2(sub, a - b)

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    gin[0] = gout;
    if (ag_wanted(y, 1)) gin[1] = ag_neg(gout);
}

static ag_node *minus_zero(const ag_infer *c)
{
    return agi_is_literally(c->in[1], 0) ? c->in[0] : NULL;
}

static ag_node *zero_minus(const ag_infer *c)
{
    return agi_is_literally(c->in[0], 0) ? ag_neg(c->in[1]) : NULL;
}

static ag_node *minus_negative(const ag_infer *c)
{
    return agi_is_negative(c->in[1]) ? ag_add(c->in[0], c->in[1]->in[0]) : NULL;
}

static ag_node *simplify(const ag_infer *c)
{
    ag_node *y = minus_zero(c);    /* x - 0 -> x */
    if (!y) y = zero_minus(c);     /* 0 - x -> -x, but for the sign of 0 - 0 */
    if (!y) y = minus_negative(c); /* a - -b -> a + b */
    if (!y) y = agi_minus_scattered(c); /* x - f scatter_add(0, ..) -> scatter_onto(x, .., -f) */
    return y;
}

const ag_op agi_sub = { .name = "sub",
                        .formula = "a - b",
                        .inputs = 2,
                        .flags = AG_POINTWISE | AG_KEEPS_ZERO | AG_SMOOTH,
                        .code = POINTWISE_CODE,
                        .integers = agi_integer_sub,
                        .linear = 1 << 0 | 1 << 1,
                        .simplify = simplify,
                        .gradient = gradient };

ag_node *ag_sub(ag_node *a, ag_node *b)
{
    return ag_binary(&agi_sub, a, b);
}

ag_node *ag_one_minus(ag_node *x)
{
    return ag_is_bad(x) ? x : ag_sub(ag_number(x->graph, 1), x);
}
