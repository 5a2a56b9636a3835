/* Algebra while a graph is built: ag_apply asks here whether a simpler node stands for the operation it is to make.
 * Where the user writes one, and where it passes over what he has, it keeps both: a rewritten node (graph.c).
 *
 * A rewrite gives every element the value it had, NaN and Inf included (x * 0 is no 0), in the same type and shape;
 * what it may change is the sign of a zero, for sums of repeated elements the rounding, and for powers of two as
 * factors what over- or underflowed on the way. Each looks at the operation and its operands only, which are simplified
 * already, and makes at most a few nodes: no recursion grows.
 * A million scalar operations pass through here: one without a rewrite costs a few comparisons. */
#include "graph.h"
#include "shared/positions.h"

#include <math.h>

typedef ag_node *rewrite(const ag_infer *); /* the simpler node, or NULL */

/* ---- literal numbers -------------------------------------------------------------------------------------------- */

int agi_is_number(const ag_node *x, double *value)
{
    while (x->op == &agi_broadcast_to) x = x->in[0];
    if (x->op != &agi_number) return 0;
    memcpy(value, x->attribute, sizeof *value);
    if (x->dtype == AG_F32) *value = (float)*value;
    return 1;
}

static int is_literal(const ag_node *x, double wanted)
{
    double value;
    return x->op == &agi_number && agi_is_number(x, &value) && value == wanted;
}

/* A number that keeps its type whatever it meets. */
static ag_node *number_of_type(ag_graph *g, ag_dtype dtype, double value)
{
    return agi_leaf(g, &agi_number, NULL, dtype, AG_SCALAR, &value, 1);
}

static ag_node *fold(const ag_infer *c)
{
    double v[3] = { 0 }, y;
    int weak = 1;
    if (!c->op->code || c->n > 3) return NULL;
    for (int i = 0; i < c->n; i++) {
        if (c->in[i]->op != &agi_number) return NULL;
        agi_is_number(c->in[i], &v[i]);
        weak &= c->in[i]->weak;
    }
    if (c->dtype == AG_F32) y = agi_pointwise_f32(c->op->code, (float)v[0], (float)v[1], (float)v[2]);
    else y = agi_pointwise_f64(c->op->code, v[0], v[1], v[2]);
    return weak ? ag_number(c->graph, y) : number_of_type(c->graph, c->dtype, y);
}

/* ---- pointwise operations: here no operand is a broadcast, literals have rank 0 --------------------------------- */

static int negative(const ag_node *x)
{
    return x->op == &agi_neg;
}

/* 2^k or -2^k, well inside the range of the type: scaling by it is exact. */
static int is_power_of_two(double x, ag_dtype dtype)
{
    double largest = dtype == AG_F32 ? 0x1p120 : 0x1p1000;
    int exponent;
    return fabs(x) >= 1 / largest && fabs(x) <= largest && fabs(frexp(x, &exponent)) == 0.5;
}

/* Of x * 2^k the x, or NULL; also of a product that is still to be made. */
static ag_node *scaled(ag_node *const in[2], ag_dtype dtype, double *power)
{
    for (int i = 0; i < 2; i++)
        if (in[i]->op == &agi_number && agi_is_number(in[i], power) && is_power_of_two(*power, dtype)) return in[1 - i];
    return NULL;
}

static ag_node *scaled_by(const ag_node *x, double *power)
{
    return x->op == &agi_mul ? scaled(x->in, (ag_dtype)x->dtype, power) : NULL;
}

static ag_node *plus_zero(const ag_infer *c)
{
    if (is_literal(c->in[1], 0)) return c->in[0];
    return is_literal(c->in[0], 0) ? c->in[1] : NULL;
}

static ag_node *plus_negative(const ag_infer *c)
{
    if (negative(c->in[1])) return ag_sub(c->in[0], c->in[1]->in[0]);
    return negative(c->in[0]) ? ag_sub(c->in[1], c->in[0]->in[0]) : NULL;
}

/* The two sides of one choice, each with zero for the other: what forward mode makes of it. */
static ag_node *plus_other_side(const ag_infer *c)
{
    ag_node *x = c->in[0], *y = c->in[1];
    if (x->op != &agi_where || y->op != &agi_where || x->in[0] != y->in[0]) return NULL;
    if (is_literal(x->in[2], 0) && is_literal(y->in[1], 0)) return ag_where(x->in[0], x->in[1], y->in[2]);
    if (is_literal(x->in[1], 0) && is_literal(y->in[2], 0)) return ag_where(x->in[0], y->in[1], x->in[2]);
    return NULL;
}

static ag_node *both_scaled(const ag_infer *c)
{
    double p, q;
    ag_node *a = scaled_by(c->in[0], &p), *b = a ? scaled_by(c->in[1], &q) : NULL;
    if (!b || p != q || fabs(p) < 1) return NULL;
    return ag_mul(ag_add(a, b), number_of_type(c->graph, c->dtype, p));
}

static ag_node *minus_zero(const ag_infer *c)
{
    return is_literal(c->in[1], 0) ? c->in[0] : NULL;
}

static ag_node *zero_minus(const ag_infer *c)
{
    return is_literal(c->in[0], 0) ? ag_neg(c->in[1]) : NULL;
}

static ag_node *minus_negative(const ag_infer *c)
{
    return negative(c->in[1]) ? ag_add(c->in[0], c->in[1]->in[0]) : NULL;
}

static ag_node *times_one(const ag_infer *c)
{
    if (is_literal(c->in[1], 1)) return c->in[0];
    return is_literal(c->in[0], 1) ? c->in[1] : NULL;
}

static ag_node *times_minus_one(const ag_infer *c)
{
    if (is_literal(c->in[1], -1)) return ag_neg(c->in[0]);
    return is_literal(c->in[0], -1) ? ag_neg(c->in[1]) : NULL;
}

static ag_node *both_negative(const ag_infer *c)
{
    if (!negative(c->in[0]) || !negative(c->in[1])) return NULL;
    return ag_binary(c->op, c->in[0]->in[0], c->in[1]->in[0]);
}

static ag_node *literal_times_negative(const ag_infer *c)
{
    for (int i = 0; i < 2; i++) {
        double v;
        if (!negative(c->in[1 - i]) || c->in[i]->op != &agi_number) continue;
        agi_is_number(c->in[i], &v);
        return ag_mul(number_of_type(c->graph, c->dtype, -v), c->in[1 - i]->in[0]);
    }
    return NULL;
}

static ag_node *scaled_twice(const ag_infer *c)
{
    double p, q;
    ag_node *product = scaled(c->in, c->dtype, &p), *x = product ? scaled_by(product, &q) : NULL;
    if (!x || !is_power_of_two(p * q, c->dtype)) return NULL;
    return ag_mul(x, number_of_type(c->graph, c->dtype, p * q));
}

static ag_node *over_one(const ag_infer *c)
{
    return is_literal(c->in[1], 1) ? c->in[0] : NULL;
}

/* Product and quotient are the same real number, rounded once: as long as 1 / b is itself a number of the type. */
static ag_node *over_power_of_two(const ag_infer *c)
{
    double b;
    int exponent;
    if (c->in[1]->op != &agi_number || !agi_is_number(c->in[1], &b)) return NULL;
    if (!isfinite(b) || fabs(frexp(b, &exponent)) != 0.5) return NULL;
    if (!(fabs(1 / b) <= (c->dtype == AG_F32 ? 0x1p127 : 0x1p1023))) return NULL;
    return ag_mul(c->in[0], number_of_type(c->graph, c->dtype, 1 / b));
}

static ag_node *twice_negative(const ag_infer *c)
{
    return negative(c->in[0]) ? c->in[0]->in[0] : NULL;
}

static ag_node *power_one(const ag_infer *c)
{
    return is_literal(c->in[1], 1) ? c->in[0] : NULL;
}

static ag_node *power_two(const ag_infer *c)
{
    return is_literal(c->in[1], 2) ? ag_square(c->in[0]) : NULL;
}

static int has_result_shape(const ag_infer *c, const ag_node *x)
{
    return x->rank == c->shape.rank && !memcmp(x->dim, c->shape.dim, (size_t)x->rank * sizeof x->dim[0]);
}

static ag_node *known_choice(const ag_infer *c)
{
    double condition;
    ag_node *taken = c->in[1];
    if (c->in[0]->op == &agi_number && agi_is_number(c->in[0], &condition)) taken = c->in[condition != 0 ? 1 : 2];
    else if (c->in[1] != c->in[2]) return NULL;
    return has_result_shape(c, taken) ? taken : NULL;
}

/* op(.., repeated b, ..) is op(.., b, ..), repeated: nothing is computed twice, and no operand is a broadcast. */
static ag_node *of_repeated(const ag_infer *c)
{
    enum { MOST = 3 };
    ag_node *in[MOST];
    int repeated = 0;
    if (c->n > MOST) return NULL;
    for (int i = 0; i < c->n; i++) {
        in[i] = c->in[i];
        if (in[i]->op != &agi_broadcast_to) continue;
        in[i] = in[i]->in[0];
        repeated = 1;
    }
    return repeated ? ag_broadcast_to(ag_apply(c->op, c->n, in, c->attribute), c->shape) : NULL;
}

/* ---- views, casts, reductions ----------------------------------------------------------------------------------- */

/* One element, however it is repeated and looked at, is that element repeated. */
static ag_node *view_of_one(const ag_infer *c)
{
    ag_node *x = c->in[0];
    double value;
    if (x->op == &agi_number && agi_is_number(x, &value)) {
        if (x->weak) x = number_of_type(c->graph, c->dtype, value);
        else if (c->op == &agi_broadcast_to && c->shape.rank) return NULL; /* as simple as it gets */
        return c->shape.rank ? ag_broadcast_to(x, c->shape) : x;
    }
    if (x->op != &agi_broadcast_to || ag_count(x->in[0]) != 1) return NULL;
    return ag_broadcast_to(ag_reshape(x->in[0], AG_SCALAR), c->shape);
}

static ag_node *same_shape(const ag_infer *c)
{
    return has_result_shape(c, c->in[0]) ? c->in[0] : NULL;
}

static ag_node *only_one(const ag_infer *c)
{
    return c->n == 1 ? c->in[0] : NULL;
}

static ag_node *whole(const ag_infer *c)
{
    return ag_all_positions(c->attribute) ? c->in[0] : NULL;
}

static ag_node *reshape_twice(const ag_infer *c)
{
    return c->in[0]->op == &agi_reshape ? ag_reshape(c->in[0]->in[0], c->shape) : NULL;
}

/* Of two broadcasts the second says it all; so it does after a reshape that puts axes of extent 1 in front. */
static ag_node *broadcast_twice(const ag_infer *c)
{
    const ag_node *r = c->in[0];
    if (r->op == &agi_broadcast_to) return ag_broadcast_to(r->in[0], c->shape);
    if (r->op != &agi_reshape) return NULL;
    ag_node *x = r->in[0];
    int lead = r->rank - x->rank;
    if (lead < 0) return NULL;
    for (int i = 0; i < r->rank; i++)
        if (r->dim[i] != (i < lead ? 1 : x->dim[i - lead])) return NULL;
    return ag_broadcast_to(x, c->shape);
}

static ag_node *same_order(const ag_infer *c)
{
    const int *axis = c->attribute;
    for (int k = 0; k < c->shape.rank; k++)
        if (axis[k] != k) return NULL;
    return c->in[0];
}

static ag_node *transpose_twice(const ag_infer *c)
{
    const int *second = c->attribute;
    int axes[AG_MAX_RANK];
    if (c->in[0]->op != &agi_transpose) return NULL;
    const int *first = c->in[0]->attribute;
    for (int k = 0; k < c->shape.rank; k++) axes[k] = first[second[k]];
    return ag_transpose(c->in[0]->in[0], axes);
}

static ag_node *cast_number(const ag_infer *c)
{
    double value;
    if (c->in[0]->op != &agi_number || c->dtype == AG_I64 || !agi_is_number(c->in[0], &value)) return NULL;
    return number_of_type(c->graph, c->dtype, value);
}

static ag_node *same_type(const ag_infer *c)
{
    return c->dtype == (ag_dtype)c->in[0]->dtype ? c->in[0] : NULL;
}

static ag_node *cast_of_repeated(const ag_infer *c)
{
    if (c->in[0]->op != &agi_broadcast_to) return NULL;
    return ag_broadcast_to(ag_cast(c->in[0]->in[0], c->dtype), c->shape);
}

static ag_node *there_and_back(const ag_infer *c)
{
    const ag_node *wide = c->in[0];
    if (wide->op != &agi_cast || wide->dtype != AG_F64 || c->dtype != AG_F32) return NULL;
    return wide->in[0]->dtype == AG_F32 ? wide->in[0] : NULL;
}

static ag_node *reduction_of_one(const ag_infer *c)
{
    const ag_axis_attribute *a = c->attribute;
    return ag_split_at(c->in[0], a->axis).extent == 1 ? ag_reshape(c->in[0], c->shape) : NULL;
}

static ag_node *sum_of_negative(const ag_infer *c)
{
    if (!negative(c->in[0])) return NULL;
    return ag_neg(ag_unary_with(c->op, c->in[0]->in[0], c->attribute));
}

static ag_node *sum_of_repeated(const ag_infer *c)
{
    const ag_axis_attribute *a = c->attribute;
    const ag_node *all = c->in[0];
    if (all->op != &agi_broadcast_to) return NULL;
    ag_node *x = all->in[0], *sum;
    int64_t times;
    if (a->axis == AG_ALL) {
        times = ag_count(all) / ag_count(x);
        sum = ag_sum(x);
    } else {
        int own = a->axis - (all->rank - x->rank); /* the axis in x; below 0: x has none */
        times = all->dim[a->axis] / (own < 0 ? 1 : x->dim[own]);
        sum = own < 0 ? x : ag_sum_axis(x, own, a->keepdims);
    }
    return ag_broadcast_to(ag_scale(sum, (double)times), c->shape);
}

/* ---- the table -------------------------------------------------------------------------------------------------- */

enum { MOST_REWRITES = 5 }; /* of an operation, tried in this order */

static rewrite *const pointwise[AG_CODE_COUNT][MOST_REWRITES] = {
    [AG_CODE_add] = { plus_zero,        /* x + 0 -> x, but for the sign of -0 + 0 */
                      plus_negative,    /* a + -b, -b + a -> a - b */
                      plus_other_side,  /* where(c, a, 0) + where(c, 0, b) -> where(c, a, b), but for such signs */
                      both_scaled },    /* a * 2^k + b * 2^k -> (a + b) * 2^k, k >= 0 */
    [AG_CODE_sub] = { minus_zero,       /* x - 0 -> x */
                      zero_minus,       /* 0 - x -> -x, but for the sign of 0 - 0 */
                      minus_negative }, /* a - -b -> a + b */
    [AG_CODE_mul] = { times_one,        /* x * 1 -> x */
                      times_minus_one,  /* x * -1 -> -x */
                      both_negative,    /* -a * -b -> a * b */
                      literal_times_negative, /* literal * -x -> -literal * x */
                      scaled_twice },   /* x * 2^j * 2^k -> x * 2^(j + k) */
    [AG_CODE_div] = { over_one,         /* x / 1 -> x */
                      over_power_of_two, /* x / 2^k -> x * 2^-k, where 2^-k is finite; other divisors stay */
                      both_negative },  /* -a / -b -> a / b */
    [AG_CODE_neg] = { twice_negative }, /* - -x -> x */
    [AG_CODE_pow] = { power_one,        /* x^1 -> x */
                      power_two },      /* x^2 -> square(x) */
    [AG_CODE_where] = { known_choice }, /* where(literal, a, b) -> a or b; where(c, a, a) -> a; of the result's shape */
};

static const struct {
    const ag_op *op;
    rewrite *rule[MOST_REWRITES];
} others[] = {
    { &agi_reshape, { view_of_one,         /* a view of one repeated element -> the element repeated */
                      same_shape,          /* reshape to the same shape -> x */
                      reshape_twice } },   /* reshape of a reshape -> one reshape */
    { &agi_broadcast_to, { view_of_one,
                           same_shape,          /* broadcast to the same shape -> x */
                           broadcast_twice } }, /* broadcast of a broadcast, or of new leading axes -> one broadcast */
    { &agi_transpose, { view_of_one,
                        same_order,           /* transpose by the identity -> x */
                        transpose_twice } },  /* transpose of a transpose -> one transpose */
    { &agi_slice, { view_of_one,
                    whole } },             /* slice of everything, in order -> x */
    { &agi_cast, { cast_number,            /* cast of a literal -> a literal of that type */
                   same_type,              /* cast to the same type -> x */
                   cast_of_repeated,       /* cast of a broadcast -> broadcast of a cast */
                   there_and_back } },     /* f32 to f64 to f32 -> x */
    { &agi_sum, { reduction_of_one,        /* sum over an extent of 1 -> reshape */
                  sum_of_negative,         /* sum of -x -> -(sum of x) */
                  sum_of_repeated } },     /* sum of n-fold repeated elements -> n times their sum */
};

static ag_node *first_of(rewrite *const rule[MOST_REWRITES], const ag_infer *c)
{
    ag_node *y = NULL;
    for (int i = 0; i < MOST_REWRITES && rule[i] && !y; i++) y = rule[i](c);
    return y;
}

ag_node *agi_simplify(const ag_infer *c)
{
    unsigned flags = c->op->flags;
    if (flags & AG_POINTWISE) {
        ag_node *y = of_repeated(c); /* op(repeated x) -> repeated op(x) */
        if (!y) y = fold(c);         /* op(literals) -> a literal */
        return y ? y : first_of(pointwise[c->op->code], c);
    }
    if (c->op == &agi_concat) return only_one(c); /* concat of one -> x */
    if (!(flags & (AG_VIEW | AG_CAST | AG_REDUCTION))) return NULL;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (others[i].op == c->op) return first_of(others[i].rule, c);
    if (flags & AG_REDUCTION) return reduction_of_one(c); /* every fold of a single element is the element */
    return flags & AG_VIEW ? view_of_one(c) : NULL;
}
