/* a + b;  d/da = 1, d/db = 1. */
#include "shared/algebra.h"
#include "shared/gather.h"
#include "shared/integers.h"

#include <math.h>

POINTWISE2(add, a + b)

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    (void)y;
    gin[0] = gin[1] = gout;
}

static ag_node *plus_zero(const ag_infer *c)
{
    if (agi_is_literally(c->in[1], 0)) return c->in[0];
    return agi_is_literally(c->in[0], 0) ? c->in[1] : NULL;
}

static ag_node *plus_negative(const ag_infer *c)
{
    if (agi_is_negative(c->in[1])) return ag_sub(c->in[0], c->in[1]->in[0]);
    return agi_is_negative(c->in[0]) ? ag_sub(c->in[1], c->in[0]->in[0]) : NULL;
}

/* The two sides of one choice, each with zero for the other: what forward mode makes of it. */
static ag_node *plus_other_side(const ag_infer *c)
{
    ag_node *x = c->in[0], *y = c->in[1];
    if (x->op != &agi_where || y->op != &agi_where || x->in[0] != y->in[0]) return NULL;
    if (agi_is_literally(x->in[2], 0) && agi_is_literally(y->in[1], 0)) return ag_where(x->in[0], x->in[1], y->in[2]);
    if (agi_is_literally(x->in[1], 0) && agi_is_literally(y->in[2], 0)) return ag_where(x->in[0], y->in[1], x->in[2]);
    return NULL;
}

static ag_node *both_scaled(const ag_infer *c)
{
    double p, q;
    ag_node *a = agi_scaled_by(c->in[0], &p), *b = a ? agi_scaled_by(c->in[1], &q) : NULL;
    if (!b || p != q || fabs(p) < 1) return NULL;
    return ag_mul(ag_add(a, b), agi_number_of_type(c->graph, c->dtype, p));
}

static ag_node *simplify(const ag_infer *c)
{
    ag_node *y = plus_zero(c);      /* x + 0 -> x, but for the sign of -0 + 0 */
    if (!y) y = plus_negative(c);   /* a + -b, -b + a -> a - b */
    if (!y) y = plus_other_side(c); /* where(c, a, 0) + where(c, 0, b) -> where(c, a, b), but for such signs */
    if (!y) y = both_scaled(c);     /* a * 2^k + b * 2^k -> (a + b) * 2^k, k >= 0 */
    if (!y) y = agi_plus_scattered(c); /* x + f scatter_add(0, ..) -> scatter_onto(x, .., f) */
    return y;
}

const ag_op agi_add = { .name = "add",
                        .formula = "a + b",
                        .inputs = 2,
                        .flags = AG_POINTWISE | AG_KEEPS_ZERO | AG_SMOOTH,
                        .code = POINTWISE_CODE,
                        .integers = agi_integer_add,
                        .linear = 1 << 0 | 1 << 1,
                        .simplify = simplify,
                        .gradient = gradient };

ag_node *ag_add(ag_node *a, ag_node *b)
{
    return ag_binary(&agi_add, a, b);
}
