/* a b;  d/da = b, d/db = a. */
#include "shared/algebra.h"
#include "shared/integers.h"

POINTWISE2(mul, a * b)

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    if (ag_wanted(y, 0)) gin[0] = ag_mul(gout, y->in[1]);
    if (ag_wanted(y, 1)) gin[1] = ag_mul(gout, y->in[0]);
}

static ag_node *times_one(const ag_infer *c)
{
    if (agi_is_literally(c->in[1], 1)) return c->in[0];
    return agi_is_literally(c->in[0], 1) ? c->in[1] : NULL;
}

static ag_node *times_minus_one(const ag_infer *c)
{
    if (agi_is_literally(c->in[1], -1)) return ag_neg(c->in[0]);
    return agi_is_literally(c->in[0], -1) ? ag_neg(c->in[1]) : NULL;
}

static ag_node *literal_times_negative(const ag_infer *c)
{
    for (int i = 0; i < 2; i++) {
        double v;
        if (!agi_is_negative(c->in[1 - i]) || !agi_is_literal(c->in[i])) continue;
        agi_is_number(c->in[i], &v);
        return ag_mul(agi_number_of_type(c->graph, c->dtype, -v), c->in[1 - i]->in[0]);
    }
    return NULL;
}

static ag_node *scaled_twice(const ag_infer *c)
{
    double p, q;
    ag_node *product = agi_scaled_operand(c->in, c->dtype, &p), *x = product ? agi_scaled_by(product, &q) : NULL;
    if (!x || !agi_is_power_of_two(p * q, c->dtype)) return NULL;
    return ag_mul(x, agi_number_of_type(c->graph, c->dtype, p * q));
}

static ag_node *simplify(const ag_infer *c)
{
    ag_node *y = times_one(c);             /* x * 1 -> x */
    if (!y) y = times_minus_one(c);        /* x * -1 -> -x */
    if (!y) y = agi_both_negative(c);       /* -a * -b -> a * b */
    if (!y) y = literal_times_negative(c); /* literal * -x -> -literal * x */
    if (!y) y = scaled_twice(c);           /* x * 2^j * 2^k -> x * 2^(j + k) */
    return y;
}

const ag_op agi_mul = { .name = "mul",
                        .formula = "a b",
                        .inputs = 2,
                        .flags = AG_POINTWISE | AG_BILINEAR | AG_SMOOTH,
                        .code = POINTWISE_CODE,
                        .integers = agi_integer_mul,
                        .linear = 1 << 0 | 1 << 1,
                        .simplify = simplify,
                        .gradient = gradient };

ag_node *ag_mul(ag_node *a, ag_node *b)
{
    return ag_binary(&agi_mul, a, b);
}

ag_node *ag_scale(ag_node *x, double factor)
{
    return ag_is_bad(x) ? x : ag_mul(ag_number(x->graph, factor), x);
}
