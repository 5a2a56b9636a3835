/* Rows of loops and branches: the same recurrences as plain loops. arg: which result, and how the loop goes. */
#include "op_table.h"

static ag_node *like(ag_node *x, ag_shape s)
{
    return ag_input(x->graph, NULL, ag_type_of(x), s);
}

/* ---- h = tanh(w h + x_t) over the rows of x; results 3 h -------------------------------------------------------- */

enum { FINAL, STACKED };
enum { FORWARD, BACKWARD, FRUGAL };

static ag_node *build_loop(ag_node *const in[], const int *arg)
{
    for (int k = 0; k < 3; k++)
        if (ag_is_bad(in[k])) return in[k];
    int64_t length = in[1]->dim[0], width = in[1]->dim[1];
    ag_node *h = like(in[0], AG_SHAPE(width)), *x = like(in[0], AG_SHAPE(width)), *final = NULL, *stacked = NULL;
    ag_node *next = ag_tanh(ag_add(ag_mul(in[2], h), x)), *result = ag_mul(next, ag_number(h->graph, 3));
    ag_scan_body body = { .length = length,
                          .states = 1,
                          .initial = in,
                          .state = &h,
                          .next = &next,
                          .sequences = 1,
                          .sequence = in + 1,
                          .element = &x,
                          .results = 1,
                          .result = &result,
                          .reverse = arg[1] == BACKWARD,
                          .max_bytes = arg[1] == FRUGAL ? 2 * (size_t)width * sizeof(double) : 0 };
    ag_scan(&body, &final, &stacked);
    return arg[0] == FINAL ? final : stacked;
}

static void expect_loop(const op_row *r, const double *const in[], double *out)
{
    int64_t length = r->in[1].dim[0], width = r->in[1].dim[1];
    for (int64_t i = 0; i < width; i++) {
        double h = in[0][i];
        for (int64_t step = 0; step < length; step++) {
            int64_t t = r->arg[1] == BACKWARD ? length - 1 - step : step;
            h = tanh(in[2][i] * h + in[1][t * width + i]);
            if (r->arg[0] == STACKED) out[t * width + i] = 3 * h;
        }
        if (r->arg[0] == FINAL) out[i] = h;
    }
}

/* ---- s = 3/2 s + a while s < 10, at most arg[0] times ----------------------------------------------------------- */

static ag_node *build_while(ag_node *const in[], const int *arg)
{
    if (ag_is_bad(in[0]) || ag_is_bad(in[1])) return in[ag_is_bad(in[0]) ? 0 : 1];
    ag_graph *g = in[0]->graph;
    ag_node *s = like(in[0], AG_SCALAR), *next = ag_add(ag_mul(s, ag_number(g, 1.5)), in[1]), *final = NULL;
    ag_while(ag_less(s, ag_number(g, 10)), 1, in, &s, &next, arg[0], &final);
    return final;
}

static void expect_while(const op_row *r, const double *const in[], double *out)
{
    double s = in[0][0];
    for (int step = 0; step < r->arg[0] && s < 10; step++) s = 1.5 * s + in[1][0];
    *out = s;
}

/* ---- a < b ? sin(a) b : a - b ----------------------------------------------------------------------------------- */

static ag_node *build_branch(ag_node *const in[], const int *arg)
{
    (void)arg;
    if (ag_is_bad(in[0]) || ag_is_bad(in[1])) return in[ag_is_bad(in[0]) ? 0 : 1];
    ag_node *a = like(in[0], ag_shape_of(in[0])), *out = NULL;
    ag_node *then = ag_mul(ag_sin(a), in[1]), *otherwise = ag_sub(a, in[1]);
    ag_cond(ag_less(ag_sum(in[0]), ag_sum(in[1])), 1, in, &a, 1, &then, &otherwise, &out);
    return out;
}

static void expect_branch(const op_row *r, const double *const in[], double *out)
{
    int64_t n = op_count(r->out);
    double a = 0, b = 0;
    for (int64_t i = 0; i < n; i++) a += in[0][i], b += in[1][i];
    for (int64_t i = 0; i < n; i++) out[i] = a < b ? sin(in[0][i]) * in[1][i] : in[0][i] - in[1][i];
}

/* ---- the gradient of a loop's last state by its first, as the chain rule's product ------------------------------ */

static ag_node *build_slope(ag_node *const in[], const int *arg)
{
    ag_node *y = build_loop(in, arg), *dx;
    if (ag_is_bad(y)) return y;
    ag_gradient(ag_sum(y), 1, in, &dx);
    return dx;
}

static void expect_slope(const op_row *r, const double *const in[], double *out)
{
    int64_t length = r->in[1].dim[0], width = r->in[1].dim[1];
    for (int64_t i = 0; i < width; i++) {
        double h = in[0][i];
        out[i] = 1;
        for (int64_t t = 0; t < length; t++) {
            h = tanh(in[2][i] * h + in[1][t * width + i]);
            out[i] *= (1 - h * h) * in[2][i];
        }
    }
}

/* ---- the gradient by a of the sum of a < b ? a^2 b : a - b, both captured --------------------------------------- */

static ag_node *build_captured(ag_node *const in[], const int *arg)
{
    (void)arg;
    if (ag_is_bad(in[0]) || ag_is_bad(in[1])) return in[ag_is_bad(in[0]) ? 0 : 1];
    ag_node *then = ag_mul(ag_square(in[0]), in[1]), *otherwise = ag_sub(in[0], in[1]), *out, *dx;
    ag_cond(ag_less(ag_sum(in[0]), ag_sum(in[1])), 0, NULL, NULL, 1, &then, &otherwise, &out);
    ag_gradient(ag_sum(out), 1, in, &dx);
    return dx;
}

static void expect_captured(const op_row *r, const double *const in[], double *out)
{
    int64_t n = op_count(r->out);
    double a = 0, b = 0;
    for (int64_t i = 0; i < n; i++) a += in[0][i], b += in[1][i];
    for (int64_t i = 0; i < n; i++) out[i] = a < b ? 2 * in[0][i] * in[1][i] : 1;
}

/* ---- the rows --------------------------------------------------------------------------------------------------- */

#define S OP_SHAPE
#define SCAN(name, length, width, out, ...)                                                        \
    { #name, build_loop, expect_loop,     3,        { S(width), S(length, width), S(width) }, out, \
      -1,    1,          { __VA_ARGS__ }, ROW_INNER },
#define TWO(name, expression, shape, low, high, ...)                                                     \
    {                                                                                                    \
        #name,           build_##expression, expect_##expression, 2, { shape, shape }, shape, low, high, \
        { __VA_ARGS__ }, ROW_INNER                                                                       \
    },

const op_row op_loops[] = {
    SCAN(loop, 5, 2, S(2), FINAL, FORWARD)
    SCAN(part, 5, 2, S(5, 2), STACKED, FORWARD)
    SCAN(loop, 1, 3, S(3), FINAL, FORWARD)
    SCAN(loop, 7, 3, S(3), FINAL, BACKWARD)
    SCAN(loop, 7, 3, S(7, 3), STACKED, BACKWARD)
    SCAN(loop, 9, 2, S(2), FINAL, FRUGAL)
    SCAN(loop, 3, 700, S(3, 700), STACKED, FORWARD)
    { "unpart", build_slope, expect_slope, 3, { S(2), S(4, 2), S(2) }, S(2), -1, 1, { FINAL, FORWARD }, ROW_INNER },
    TWO(loop, while, OP_SCALAR, 0.5, 1.5, 20)
    TWO(loop, while, OP_SCALAR, 0.5, 1.5, 3)
    TWO(branch, branch, OP_SCALAR, -2, 2, 0)
    TWO(branch, branch, S(4), -2, 2, 0)
    TWO(guard, captured, OP_SCALAR, -2, 2, 0)
    TWO(guard, captured, S(4), -2, 2, 0)
};
const size_t op_loops_count = COUNT(op_loops);
