/* a^b;  d/da = b a^(b - 1), d/db = y log(a).
 *
 * Where a = 0, log(a) is taken as 0, which makes d/db 0 for b > 0, and the slope of a^0 is 0: so the derivatives of
 * every order of integer powers are right at 0, whether the exponent is a literal or a tensor. */
#include "shared/algebra.h"

POINTWISE2(pow, F(pow)(a, b))

static int literal(const ag_node *x, double *value)
{
    if (x->op != &agi_number) return 0;
    memcpy(value, x->attribute, sizeof *value);
    return 1;
}

/* b a^(b - 1); a is replaced by 1 where a = b = 0, and only there: d/db of this is 1 / a where b alone is 0. */
static ag_node *slope(ag_node *a, ag_node *b)
{
    ag_node *zero = ag_number(a->graph, 0), *one = ag_number(a->graph, 1);
    double exponent;
    if (literal(b, &exponent) && exponent != 0) return ag_mul(b, ag_pow(a, ag_number(a->graph, exponent - 1)));
    ag_node *flat = ag_mul(ag_equal(a, zero), ag_equal(b, zero));
    return ag_mul(b, ag_pow(ag_where(flat, one, a), ag_sub(b, one)));
}

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    ag_node *a = y->in[0], *b = y->in[1];
    if (ag_wanted(y, 0)) gin[0] = ag_mul(gout, slope(a, b));
    if (ag_wanted(y, 1)) {
        ag_node *zero = ag_number(y->graph, 0), *one = ag_number(y->graph, 1);
        gin[1] = ag_mul(gout, ag_mul(y, ag_log(ag_where(ag_equal(a, zero), one, a))));
    }
}

static ag_node *power_one(const ag_infer *c)
{
    return agi_is_literally(c->in[1], 1) ? c->in[0] : NULL;
}

static ag_node *power_two(const ag_infer *c)
{
    return agi_is_literally(c->in[1], 2) ? ag_square(c->in[0]) : NULL;
}

static ag_node *simplify(const ag_infer *c)
{
    ag_node *y = power_one(c); /* x^1 -> x */
    if (!y) y = power_two(c);  /* x^2 -> square(x) */
    return y;
}

const ag_op agi_pow = { .name = "pow",
                        .formula = "a^b",
                        .inputs = 2,
                        .flags = AG_POINTWISE | AG_SMOOTH,
                        .code = POINTWISE_CODE,
                        .simplify = simplify,
                        .gradient = gradient };

/* The cheaper operations that equal a literal power for every a: for NaN, infinities and zeros of either sign, too.
 * sqrt does not: it keeps the sign of -0. */
static ag_node *simple_power(ag_node *a, double exponent)
{
    ag_node *one = ag_number(a->graph, 1);
    if (exponent == 2) return ag_square(a);
    if (exponent == -1) return ag_div(one, a);
    if (exponent == 0) return ag_add(ag_zeros_like(a), one);
    return NULL;
}

ag_node *ag_pow(ag_node *a, ag_node *b)
{
    double exponent;
    int usable = !ag_is_bad(a) && !ag_is_bad(b) && a->graph == b->graph && a->dtype != AG_I64;
    ag_node *simple = usable && b->weak && literal(b, &exponent) ? simple_power(a, exponent) : NULL;
    return simple ? simple : ag_binary(&agi_pow, a, b);
}
