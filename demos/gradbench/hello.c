/* square: x^2, and double: its derivative. */
#include "eval.h"

enum { SQUARE, DOUBLE };
enum { X, Y };

typedef struct {
    problem common;
    double x, y;
} hello;

static int parse(problem *base, const json_t *input, reason *why)
{
    hello *p = (hello *)base;
    p->x = json_number_value(input);
    return json_is_number(input) ? 0 : refuse(why, "the input is not a number");
}

static int build(model *m, int function, reason *why)
{
    ag_node *x = m->node[X] = ag_input(m->graph, "x", AG_F64, AG_SCALAR), *y = ag_square(x), *dx;
    ag_gradient(y, 1, &x, &dx);
    m->node[Y] = function == SQUARE ? y : dx;
    return model_compile(m, 0, 1, &m->node[Y], why);
}

static int prepare(problem *base, reason *why)
{
    hello *p = (hello *)base;
    model *m = base->model = cache_model(base->cache, 2, why, "hello %d", base->function);
    if (!m || (!m->ready && build(m, base->function, why))) return -1;
    m->ready = 1;
    model_feed(m, 0, m->node[X], &p->x);
    return model_fill(m, 0, m->node[Y], &p->y, why);
}

static json_t *output(const problem *base)
{
    return write_number(((const hello *)base)->y);
}

static void release(problem *base)
{
    (void)base;
}

const eval hello_eval = { "hello", { "square", "double" }, sizeof(hello), parse, prepare, NULL, output, release };
