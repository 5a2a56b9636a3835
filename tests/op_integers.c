/* Rows of arithmetic on integers: operands are made whole, results real again. */
#include "op_table.h"

#include <math.h>

typedef ag_node *(*binary)(ag_node *, ag_node *);
static const binary binaries[] = { ag_add, ag_sub, ag_mul, ag_minimum, ag_maximum, ag_less, ag_less_equal, ag_equal,
                                   ag_greater_equal, ag_greater, ag_fmod, ag_floor_divide };
typedef ag_node *(*unary)(ag_node *);
static const unary unaries[] = { ag_neg, ag_abs, ag_sign, ag_square };
enum { FMOD = 10, FLOOR_DIVIDE = 11 };

static double of_two(int which, double a, double b)
{
    switch (which) {
    case 0: return a + b;
    case 1: return a - b;
    case 2: return a * b;
    case 3: return a < b ? a : b;
    case 4: return a > b ? a : b;
    case 5: return a < b;
    case 6: return a <= b;
    case 7: return a == b;
    case 8: return a >= b;
    case 9: return a > b;
    case FMOD: return fmod(a, b);
    default: return floor(a / b);
    }
}

static double of_one(int which, double a)
{
    return which == 0 ? -a : which == 1 ? fabs(a) : which == 2 ? (a > 0) - (a < 0) : a * a;
}

/* Divisors are odd: 2 b + 1. */
static ag_node *odd(ag_node *b)
{
    return ag_is_bad(b) ? b : ag_add(ag_mul(ag_number(ag_graph_of(b), 2), b), ag_number(ag_graph_of(b), 1));
}

static ag_node *real(ag_node *y, ag_node *like)
{
    return ag_is_bad(y) ? y : ag_cast(y, ag_type_of(like));
}

static ag_node *build_two(ag_node *const in[], const int *arg)
{
    ag_node *a = ag_cast(in[0], AG_I64), *b = ag_cast(in[1], AG_I64);
    return real(binaries[arg[0]](a, arg[0] >= FMOD ? odd(b) : b), in[0]);
}

static ag_node *build_one(ag_node *const in[], const int *arg)
{
    return real(unaries[arg[0]](ag_cast(in[0], AG_I64)), in[0]);
}

static ag_node *build_choice(ag_node *const in[], const int *arg)
{
    ag_node *condition = arg[0] ? ag_cast(in[0], AG_I64) : in[0];
    return real(ag_where(condition, ag_cast(in[1], AG_I64), ag_cast(in[2], AG_I64)), in[0]);
}

/* The element of an operand that is broadcast to the result. */
static int64_t broadcast(const op_row *r, int k, int64_t i)
{
    int64_t at = 0, step = 1;
    for (int axis = r->out.rank, own = r->in[k].rank; axis-- > 0; i /= r->out.dim[axis]) {
        if (--own < 0) break;
        if (r->in[k].dim[own] > 1) at += i % r->out.dim[axis] * step;
        step *= r->in[k].dim[own];
    }
    return at;
}

static void expect_two(const op_row *r, const double *const in[], double *out)
{
    for (int64_t i = 0; i < op_count(r->out); i++) {
        const double a = trunc(in[0][broadcast(r, 0, i)]), b = trunc(in[1][broadcast(r, 1, i)]);
        out[i] = of_two(r->arg[0], a, r->arg[0] >= FMOD ? 2 * b + 1 : b);
    }
}

static void expect_one(const op_row *r, const double *const in[], double *out)
{
    for (int64_t i = 0; i < op_count(r->out); i++) out[i] = of_one(r->arg[0], trunc(in[0][i]));
}

static void expect_choice(const op_row *r, const double *const in[], double *out)
{
    for (int64_t i = 0; i < op_count(r->out); i++) {
        const double condition = in[0][broadcast(r, 0, i)];
        out[i] = trunc(in[(r->arg[0] ? trunc(condition) : condition) != 0 ? 1 : 2][broadcast(r, 1, i)]);
    }
}

#define S OP_SHAPE
enum { WHOLE = ROW_NO_GRADIENT | ROW_INNER | ROW_ANY_ZERO };
#define TWO_OF(a, b, out, op, which) { op, build_two, expect_two, 2, { a, b }, out, -6, 6, { which }, WHOLE },
#define TWO(op, which)                                        \
    TWO_OF(S(2, 3, 4), S(2, 3, 4), S(2, 3, 4), op, which)     \
    TWO_OF(S(3, 1), S(2, 1, 5), S(2, 3, 5), op, which)        \
    TWO_OF(OP_SCALAR, S(70), S(70), op, which)                \
    TWO_OF(OP_SCALAR, OP_SCALAR, OP_SCALAR, op, which)
#define ONE(which)                                                                                     \
    { "integer", build_one, expect_one, 1, { S(4, 9) }, S(4, 9), -6, 6, { which }, WHOLE },            \
    { "integer", build_one, expect_one, 1, { OP_SCALAR }, OP_SCALAR, -6, 6, { which }, WHOLE },
#define CHOICE(shape, which)                                                                           \
    { "integer", build_choice, expect_choice, 3, { shape, S(3, 5), S(3, 5) }, S(3, 5), -2, 2, { which }, WHOLE },

const op_row op_integers[] = {
    TWO("integer", 0) TWO("integer", 1) TWO("integer", 2) TWO("integer", 3) TWO("integer", 4) TWO("integer", 5)
    TWO("integer", 6) TWO("integer", 7) TWO("integer", 8) TWO("integer", 9) TWO("floor_divide", FMOD)
    TWO("floor_divide", FLOOR_DIVIDE) ONE(0) ONE(1) ONE(2) ONE(3)
    CHOICE(S(3, 5), 0) CHOICE(S(3, 5), 1) CHOICE(S(3, 1), 0) CHOICE(S(5), 1)
};
const size_t op_integers_count = COUNT(op_integers);
