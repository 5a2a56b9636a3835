/* min over x of max over y of |x|^2 - |y|^2. The maximum is found by descent from the start for every x, and the
 * descent for x differentiates through it. ff, fr, rf, rr: by forward or reverse mode, the derivative of the maximum by
 * x (first letter) and that of the height by y (second). A step of the inner descent is a compiled plan; forward mode
 * carries the tangents of y by both elements of x along in it, reverse mode records the steps and runs their
 * vector-Jacobian product backwards. Step lengths and the end are decided outside and are not differentiated. */
#include "descent.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { STEP, TOP, BACK }; /* plans */
enum { DIM = 2, TANGENTS = DIM * DIM };

/* The numbers that the plans read (up to BAR's), together one leaf, and write, a vector each plan. Tangents of y: by
 * x_0, then by x_1. */
enum {
    X, Y = X + DIM, RATE = Y + DIM, TANGENT, BAR = TANGENT + TANGENTS, LEAVES = BAR + DIM,
    THERE = LEAVES, SLOPE = THERE + DIM, LENGTH, DEPTH, THERE_TANGENT, LAST_BAR = THERE_TANGENT + TANGENTS,
    X_BAR = LAST_BAR + DIM, HEIGHT = X_BAR + DIM, BY_X, BY_Y = BY_X + DIM, NUMBERS = BY_Y + DIM
};
enum { IN, OUT, NODES = OUT + PLANS }; /* nodes */

typedef struct {
    double y[DIM], rate;
} record;

typedef struct {
    problem common;
    array start;
    double at[NUMBERS], answer[2 * DIM];
    record *step; /* the inner descent's accepted steps */
    int64_t steps, room;
} saddle;

static int outer_reverse(const problem *p)
{
    return p->function >= 2;
}

static int inner_reverse(const problem *p)
{
    return p->function % 2;
}

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

/* y moved against the slope of the depth, which is the height negated. */
static void step(ag_node **v, int reverse)
{
    ag_node *depth = ag_neg(height(v + X, v + Y)), *one = constant_like(v[RATE], 1), *g[DIM], *moved[DIM];
    if (reverse) ag_gradient(depth, DIM, v + Y, g);
    for (int i = 0; i < DIM && !reverse; i++) ag_jvp(1, &v[Y + i], &one, 1, &depth, &g[i]);
    for (int i = 0; i < DIM; i++) {
        v[THERE + i] = ag_sub(v[Y + i], ag_mul(v[RATE], g[i]));
        moved[i] = ag_sub(v[THERE + i], v[Y + i]);
    }
    v[SLOPE] = ag_sqrt(square_of(g));
    v[LENGTH] = ag_sqrt(square_of(moved));
    v[DEPTH] = ag_neg(height(v + X, v + THERE));
}

static int compile(model *m, int plan, ag_node **v, int first, int end, reason *why)
{
    ag_node *numbers[NUMBERS];
    memcpy(numbers, v + first, (size_t)(end - first) * sizeof *numbers);
    m->node[OUT + plan] = vector_of(end - first, numbers);
    return model_compile(m, plan, 1, &m->node[OUT + plan], why);
}

static int build_forward(model *m, ag_node **v, reason *why)
{
    for (int i = 0; i < DIM; i++) {
        ag_node *by[1 + DIM] = { v[X + i], v[Y], v[Y + 1] };
        ag_node *along[1 + DIM] = { constant_like(v[RATE], 1), v[TANGENT + DIM * i], v[TANGENT + DIM * i + 1] };
        ag_jvp(1 + DIM, by, along, DIM, v + THERE, v + THERE_TANGENT + DIM * i);
        ag_jvp(1 + DIM, by, along, 1, v + HEIGHT, v + BY_X + i);
    }
    return compile(m, STEP, v, THERE, LAST_BAR, why) || compile(m, TOP, v, HEIGHT, BY_Y, why);
}

static int build_reverse(model *m, ag_node **v, reason *why)
{
    ag_node *bar[2 * DIM];
    ag_vjp(DIM, v + THERE, v + BAR, 2 * DIM, v + X, bar);
    memcpy(v + X_BAR, bar, DIM * sizeof *bar);
    memcpy(v + LAST_BAR, bar + DIM, DIM * sizeof *bar);
    ag_gradient(v[HEIGHT], 2 * DIM, v + X, v + BY_X);
    return compile(m, STEP, v, THERE, THERE_TANGENT, why) || compile(m, TOP, v, HEIGHT, NUMBERS, why) ||
           compile(m, BACK, v, LAST_BAR, HEIGHT, why);
}

static int build(model *m, const problem *p, reason *why)
{
    ag_node *v[NUMBERS];
    m->node[IN] = ag_input(m->graph, NULL, AG_F64, AG_SHAPE(LEAVES));
    elements(m->node[IN], v);
    step(v, inner_reverse(p));
    v[HEIGHT] = height(v + X, v + Y);
    return outer_reverse(p) ? build_reverse(m, v, why) : build_forward(m, v, why);
}

static int prepare(problem *base, reason *why)
{
    static const int first[] = { THERE, HEIGHT, LAST_BAR };
    saddle *p = (saddle *)base;
    model *m = base->model = cache_model(base->cache, NODES, why, "saddle %d", base->function);
    if (m) m->native = 1;
    if (!m || (!m->ready && build(m, base, why))) return -1;
    m->ready = 1;
    for (int plan = STEP; plan <= (outer_reverse(base) ? BACK : TOP); plan++) {
        model_feed(m, plan, m->node[IN], p->at);
        if (model_fill(m, plan, m->node[OUT + plan], p->at + first[plan], why)) return -1;
    }
    return 0;
}

/* ---- inner descent: y ------------------------------------------------------------------------------------------- */

static int attempt(void *context, double rate, trial *t, reason *why)
{
    saddle *p = context;
    p->at[RATE] = rate;
    if (model_run(p->common.model, STEP, why)) return -1;
    *t = (trial){ p->at[SLOPE], p->at[LENGTH], p->at[DEPTH] };
    return 0;
}

static int accept(void *context, double rate, reason *why)
{
    saddle *p = context;
    if (p->steps == p->room) {
        int64_t room = p->room ? 2 * p->room : 64;
        record *grown = realloc(p->step, (size_t)room * sizeof *grown);
        if (!grown) return refuse(why, "out of memory");
        p->step = grown;
        p->room = room;
    }
    p->step[p->steps++] = (record){ { p->at[Y], p->at[Y + 1] }, rate };
    memcpy(p->at + Y, p->at + THERE, DIM * sizeof *p->at);
    memcpy(p->at + TANGENT, p->at + THERE_TANGENT, TANGENTS * sizeof *p->at);
    return 0;
}

/* y becomes the highest place over x. */
static int climb(saddle *p, const double *x, reason *why)
{
    static const descent inner = { attempt, accept };
    memcpy(p->at + X, x, DIM * sizeof *x);
    memcpy(p->at + Y, p->start.data, DIM * sizeof *x);
    memset(p->at + TANGENT, 0, TANGENTS * sizeof *x);
    p->steps = 0;
    if (model_run(p->common.model, TOP, why)) return -1;
    return descend(&inner, p, -p->at[HEIGHT], why);
}

/* ---- outer descent: x ------------------------------------------------------------------------------------------- */

static int highest(void *context, const double *x, double *value, reason *why)
{
    saddle *p = context;
    if (climb(p, x, why) || model_run(p->common.model, TOP, why)) return -1;
    *value = p->at[HEIGHT];
    return 0;
}

static int take_tangents(void *context, double *gradient, reason *why)
{
    (void)why;
    memcpy(gradient, ((saddle *)context)->at + BY_X, DIM * sizeof *gradient);
    return 0;
}

static int climb_back(void *context, double *gradient, reason *why)
{
    saddle *p = context;
    double *at = p->at;
    memcpy(gradient, at + BY_X, DIM * sizeof *gradient);
    memcpy(at + BAR, at + BY_Y, DIM * sizeof *at);
    while (p->steps > 0) {
        const record *r = &p->step[--p->steps];
        memcpy(at + Y, r->y, sizeof r->y);
        at[RATE] = r->rate;
        if (model_run(p->common.model, BACK, why)) return -1;
        for (int i = 0; i < DIM; i++) gradient[i] += at[X_BAR + i];
        memcpy(at + BAR, at + LAST_BAR, DIM * sizeof *at);
    }
    return 0;
}

static int evaluate(problem *base, reason *why)
{
    saddle *p = (saddle *)base;
    hill s = { .n = DIM, .x = { p->start.data[0], p->start.data[1] }, .value = highest, .context = p,
                .differentiate = outer_reverse(base) ? climb_back : take_tangents };
    if (descend_hill(&s, why) || climb(p, s.x, why)) return -1;
    memcpy(p->answer, s.x, sizeof s.x);
    memcpy(p->answer + DIM, p->at + Y, DIM * sizeof *p->at);
    return 0;
}

static json_t *output(const problem *base)
{
    const int64_t n = 2 * DIM;
    return write_array(1, &n, ((const saddle *)base)->answer);
}

static void release(problem *base)
{
    saddle *p = (saddle *)base;
    free(p->start.data);
    free(p->step);
}

const eval saddle_eval = { "saddle", { "ff", "fr", "rf", "rr" }, sizeof(saddle), parse, prepare, evaluate, output,
                           release };
