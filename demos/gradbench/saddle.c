/* min over x of max over y of |x|^2 - |y|^2. The maximum is found by descent from the start for every x, and the
 * descent for x differentiates through it. ff, fr, rf, rr: by forward or reverse mode, the derivative of the maximum by
 * x (first letter) and that of the height by y (second). The inner descent is a loop whose step lengths and end depend
 * on the values that it meets; how they are decided has no derivative. */
#include "descent.h"

#include <stdlib.h>
#include <string.h>

enum { DIM = 2, LONGEST = 2000 };
enum { X, START, OUT, NODES };
enum { HIGHEST, BY_X, Y = BY_X + DIM, GOING = Y + DIM, OUTPUTS }; /* going: the inner descent has come to no end */

typedef struct {
    problem common;
    array start;
    double x[DIM], out[OUTPUTS], answer[2 * DIM];
} saddle;

static int parse(problem *base, const json_t *input, reason *why)
{
    saddle *p = (saddle *)base;
    const int64_t dim[] = { DIM };
    return read_array(input, "start", 1, &p->start, why) || check_shape(&p->start, "start", dim, why) ? -1 : 0;
}

/* ---- graph ------------------------------------------------------------------------------------------------------ */

static ag_node *square_of(ag_node *const v[DIM])
{
    return ag_add(ag_square(v[0]), ag_square(v[1]));
}

static ag_node *height(ag_node *const x[DIM], ag_node *const y[DIM])
{
    return ag_sub(square_of(x), square_of(y));
}

static void differentiate(ag_node *f, int reverse, ag_node *const x[DIM], ag_node *dx[DIM])
{
    ag_node *one = constant_like(f, 1);
    if (reverse) ag_gradient(f, DIM, x, dx);
    for (int i = 0; i < DIM && !reverse; i++) ag_jvp(1, &x[i], &one, 1, &f, &dx[i]);
}

/* The state of the inner descent: the place, the depth there, which is the height negated; the step's rate, doubled
 * after ROW successes and halved after a failure; successes in a row; and whether it goes on. */
enum { PLACE, DEPTH = PLACE + DIM, RATE, SUCCESSES, GOES, STATE };

static void attempt(ag_node *const x[DIM], ag_node *const now[STATE], int reverse, ag_node *next[STATE])
{
    ag_graph *g = ag_graph_of(now[DEPTH]);
    ag_node *zero = ag_number(g, 0), *one = ag_number(g, 1), *two = ag_number(g, 2), *small = ag_number(g, SMALL);
    ag_node *slope[DIM], *there[DIM], *moved[DIM];
    differentiate(ag_neg(height(x, now + PLACE)), reverse, now + PLACE, slope);
    for (int i = 0; i < DIM; i++) {
        there[i] = ag_sub(now[PLACE + i], ag_mul(now[RATE], slope[i]));
        moved[i] = ag_sub(there[i], now[PLACE + i]);
    }
    ag_node *steep = ag_greater(ag_sqrt(square_of(slope)), small), *far = ag_greater(ag_sqrt(square_of(moved)), small);
    ag_node *depth = ag_neg(height(x, there)), *better = ag_less(depth, now[DEPTH]);
    next[GOES] = ag_mul(steep, far);
    ag_node *taken = ag_mul(better, next[GOES]), *row = ag_mul(better, ag_add(now[SUCCESSES], one));
    ag_node *full = ag_equal(row, ag_number(g, ROW)), *grown = ag_where(full, ag_mul(two, now[RATE]), now[RATE]);
    for (int i = 0; i < DIM; i++) next[PLACE + i] = ag_where(taken, there[i], now[PLACE + i]);
    next[DEPTH] = ag_where(taken, depth, now[DEPTH]);
    next[RATE] = ag_where(better, grown, ag_div(now[RATE], two));
    next[SUCCESSES] = ag_where(full, zero, row);
}

/* Descends from the start; returns whether it would go on. */
static ag_node *climb(ag_node *const x[DIM], ag_node *const start[DIM], int reverse, ag_node *y[DIM])
{
    ag_node *initial[STATE], *now[STATE], *next[STATE], *final[STATE];
    memcpy(initial + PLACE, start, DIM * sizeof *start);
    initial[DEPTH] = ag_neg(height(x, start));
    initial[RATE] = constant_like(x[0], SMALL);
    initial[SUCCESSES] = constant_like(x[0], 0);
    initial[GOES] = constant_like(x[0], 1);
    for (int i = 0; i < STATE; i++) now[i] = ag_input(ag_graph_of(x[0]), NULL, AG_F64, AG_SCALAR);
    attempt(x, now, reverse, next);
    ag_while(now[GOES], STATE, initial, now, next, LONGEST, final);
    memcpy(y, final + PLACE, DIM * sizeof *y);
    return final[GOES];
}

static int build(model *m, const problem *p, reason *why)
{
    const int64_t dim[] = { DIM };
    ag_node *x[DIM], *start[DIM], *out[OUTPUTS];
    m->node[X] = real_input(m, "x", 1, dim);
    m->node[START] = real_input(m, "start", 1, dim);
    numbers_of(m->node[X], x);
    numbers_of(m->node[START], start);
    out[GOING] = climb(x, start, p->function % 2, out + Y);
    out[HIGHEST] = height(x, out + Y);
    differentiate(out[HIGHEST], p->function >= 2, x, out + BY_X);
    m->node[OUT] = vector_of(OUTPUTS, out);
    return model_compile(m, 0, 1, &m->node[OUT], why);
}

static int prepare(problem *base, reason *why)
{
    saddle *p = (saddle *)base;
    model *m = base->model = cache_model(base->cache, NODES, why, "saddle %d", base->function);
    if (m) m->native = 1;
    if (!m || (!m->ready && build(m, base, why))) return -1;
    m->ready = 1;
    model_feed(m, 0, m->node[X], p->x);
    model_feed(m, 0, m->node[START], p->start.data);
    return model_fill(m, 0, m->node[OUT], p->out, why);
}

/* ---- outer descent ---------------------------------------------------------------------------------------------- */

static int value(void *context, const double *x, double *out, reason *why)
{
    saddle *p = context;
    memcpy(p->x, x, sizeof p->x);
    if (model_run(p->common.model, 0, why)) return -1;
    *out = p->out[HIGHEST];
    return p->out[GOING] ? refuse(why, "the inner descent does not end") : 0;
}

static int slope(void *context, double *out, reason *why)
{
    (void)why;
    memcpy(out, ((saddle *)context)->out + BY_X, DIM * sizeof *out);
    return 0;
}

static int evaluate(problem *base, reason *why)
{
    saddle *p = (saddle *)base;
    hill h = { .n = DIM, .x = { p->start.data[0], p->start.data[1] }, .value = value, .differentiate = slope,
               .context = p };
    double highest;
    if (descend_hill(&h, why) || value(p, h.x, &highest, why)) return -1;
    memcpy(p->answer, h.x, sizeof h.x);
    memcpy(p->answer + DIM, p->out + Y, DIM * sizeof *p->answer);
    return 0;
}

static json_t *output(const problem *base)
{
    const int64_t n = 2 * DIM;
    return write_array(1, &n, ((const saddle *)base)->answer);
}

static void release(problem *base)
{
    free(((saddle *)base)->start.data);
}

const eval saddle_eval = { "saddle", { "ff", "fr", "rf", "rr" }, sizeof(saddle), parse, prepare, evaluate, output,
                           release };
