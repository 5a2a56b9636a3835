/* A charged particle flies past two charges, one of them placed by w: find the w for which it crosses the axis at the
 * origin. ff, fr, rf, rr: by forward or reverse mode, the descent's derivative of the flight (first letter) and the
 * flight's of the potential (second). The flight is a loop of unknown length around a compiled step. Forward mode takes
 * tangents along in the step; reverse mode records the states and runs a step's vector-Jacobian product backwards. */
#include "descent.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { STEP, END, BACK }; /* plans */
enum { STATE = 4, LONGEST = 1000000 }; /* place and velocity; steps */

/* The numbers that the plans read (up to BAR's), together one leaf, and write, a vector each plan. */
enum {
    W, NOW, TANGENT = NOW + STATE, BAR = TANGENT + STATE, LEAVES = BAR + STATE,
    NEXT = LEAVES, NEXT_TANGENT = NEXT + STATE, LAST_BAR = NEXT_TANGENT + STATE, W_BAR = LAST_BAR + STATE,
    VALUE_TANGENT, VALUE, VALUE_BAR, NUMBERS = VALUE_BAR + STATE
};
enum { IN, OUT, NODES = OUT + PLANS }; /* nodes */

typedef struct {
    problem common;
    double start;
    double at[NUMBERS];
    double (*record)[STATE];
    int64_t steps, room;
    double answer;
} particle;

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
    return read_number(input, "w", &((particle *)base)->start, why);
}

/* ---- graph ------------------------------------------------------------------------------------------------------ */

static ag_node *distance(ag_node *x, ag_node *y)
{
    return ag_sqrt(ag_add(ag_square(x), ag_square(y)));
}

static ag_node *potential(ag_node *const place[2], ag_node *w)
{
    ag_graph *g = ag_graph_of(w);
    ag_node *one = ag_number(g, 1), *ten = ag_number(g, 10), *dx = ag_sub(place[0], ten);
    ag_node *movable = distance(dx, ag_sub(place[1], ag_sub(ten, w))), *fixed = distance(dx, place[1]);
    return ag_add(ag_div(one, movable), ag_div(one, fixed));
}

static void force(ag_node *const place[2], ag_node *w, int reverse, ag_node *out[2])
{
    ag_node *p = potential(place, w), *one = constant_like(w, 1), *slope[2];
    if (reverse) ag_gradient(p, 2, place, slope);
    for (int i = 0; i < 2 && !reverse; i++) ag_jvp(1, &place[i], &one, 1, &p, &slope[i]);
    for (int i = 0; i < 2; i++) out[i] = ag_neg(slope[i]);
}

static void step(ag_node *const now[STATE], ag_node *w, int reverse, ag_node *next[STATE])
{
    ag_node *dt = ag_number(ag_graph_of(w), 0.1), *a[2];
    force(now, w, reverse, a);
    for (int i = 0; i < 2; i++) {
        next[i] = ag_add(now[i], ag_mul(dt, now[2 + i]));
        next[2 + i] = ag_add(now[2 + i], ag_mul(dt, a[i]));
    }
}

/* The square of where the line from the step's end along the velocity crosses the axis. */
static ag_node *crossing(ag_node *const now[STATE], ag_node *const next[STATE])
{
    ag_node *time = ag_div(ag_neg(next[1]), now[3]);
    return ag_square(ag_add(next[0], ag_mul(time, now[2])));
}

static int compile(model *m, int plan, ag_node **v, int first, int count, reason *why)
{
    ag_node *numbers[NUMBERS];
    memcpy(numbers, v + first, (size_t)count * sizeof *numbers);
    m->node[OUT + plan] = vector_of(count, numbers);
    return model_compile(m, plan, 1, &m->node[OUT + plan], why);
}

static int build_forward(model *m, ag_node **v, reason *why)
{
    ag_node *along[1 + STATE] = { constant_like(v[W], 1) };
    memcpy(along + 1, v + TANGENT, STATE * sizeof *along);
    ag_jvp(1 + STATE, v + W, along, STATE, v + NEXT, v + NEXT_TANGENT);
    ag_jvp(1 + STATE, v + W, along, 1, v + VALUE, v + VALUE_TANGENT);
    return compile(m, STEP, v, NEXT, 2 * STATE, why) || compile(m, END, v, VALUE_TANGENT, 2, why);
}

static int build_reverse(model *m, ag_node **v, reason *why)
{
    ag_node *bar[1 + STATE];
    ag_vjp(STATE, v + NEXT, v + BAR, 1 + STATE, v + W, bar);
    v[W_BAR] = bar[0];
    memcpy(v + LAST_BAR, bar + 1, STATE * sizeof *bar);
    ag_gradient(v[VALUE], STATE, v + NOW, v + VALUE_BAR);
    return compile(m, STEP, v, NEXT, STATE, why) || compile(m, END, v, VALUE, 1 + STATE, why) ||
           compile(m, BACK, v, LAST_BAR, STATE + 1, why);
}

static int build(model *m, const problem *p, reason *why)
{
    ag_node *v[NUMBERS];
    m->node[IN] = ag_input(m->graph, NULL, AG_F64, AG_SHAPE(LEAVES));
    elements(m->node[IN], v);
    step(v + NOW, v[W], inner_reverse(p), v + NEXT);
    v[VALUE] = crossing(v + NOW, v + NEXT);
    return outer_reverse(p) ? build_reverse(m, v, why) : build_forward(m, v, why);
}

static int prepare(problem *base, reason *why)
{
    particle *p = (particle *)base;
    model *m = base->model = cache_model(base->cache, NODES, why, "particle %d", base->function);
    if (!m || (!m->ready && build(m, base, why))) return -1;
    m->ready = 1;
    int reverse = outer_reverse(base), first[] = { NEXT, reverse ? VALUE : VALUE_TANGENT, LAST_BAR };
    for (int plan = STEP; plan <= (reverse ? BACK : END); plan++) {
        model_feed(m, plan, m->node[IN], p->at);
        if (model_fill(m, plan, m->node[OUT + plan], p->at + first[plan], why)) return -1;
    }
    return 0;
}

/* ---- flight ----------------------------------------------------------------------------------------------------- */

static int note(particle *p, reason *why)
{
    if (p->steps == LONGEST) return refuse(why, "the particle does not come down");
    if (p->steps == p->room) {
        int64_t room = p->room ? 2 * p->room : 64;
        void *grown = realloc(p->record, (size_t)room * sizeof *p->record);
        if (!grown) return refuse(why, "out of memory");
        p->record = grown;
        p->room = room;
    }
    memcpy(p->record[p->steps++], p->at + NOW, sizeof *p->record);
    return 0;
}

static int fly(void *context, const double *w, double *value, reason *why)
{
    static const double start[STATE] = { 0, 8, 0.75, 0 };
    particle *p = context;
    double *at = p->at;
    at[W] = *w;
    memcpy(at + NOW, start, sizeof start);
    memset(at + TANGENT, 0, sizeof start);
    for (p->steps = 0;;) {
        if (note(p, why) || model_run(p->common.model, STEP, why)) return -1;
        if (at[NEXT + 1] <= 0) break;
        memcpy(at + NOW, at + NEXT, sizeof start);
        memcpy(at + TANGENT, at + NEXT_TANGENT, sizeof start);
    }
    if (model_run(p->common.model, END, why)) return -1;
    *value = at[VALUE];
    return 0;
}

static int take_tangent(void *context, double *gradient, reason *why)
{
    (void)why;
    *gradient = ((particle *)context)->at[VALUE_TANGENT];
    return 0;
}

static int fly_back(void *context, double *gradient, reason *why)
{
    particle *p = context;
    double *at = p->at;
    *gradient = 0;
    memcpy(at + BAR, at + VALUE_BAR, sizeof *p->record);
    for (int64_t i = p->steps - 1; i-- > 0;) { /* the last state was the end's */
        memcpy(at + NOW, p->record[i], sizeof *p->record);
        if (model_run(p->common.model, BACK, why)) return -1;
        *gradient += at[W_BAR];
        memcpy(at + BAR, at + LAST_BAR, sizeof *p->record);
    }
    return 0;
}

static int evaluate(problem *base, reason *why)
{
    particle *p = (particle *)base;
    hill s = { .n = 1, .x = { p->start }, .value = fly, .context = p,
                .differentiate = outer_reverse(base) ? fly_back : take_tangent };
    if (descend_hill(&s, why)) return -1;
    p->answer = s.x[0];
    return 0;
}

static json_t *output(const problem *base)
{
    return write_number(((const particle *)base)->answer);
}

static void release(problem *base)
{
    free(((particle *)base)->record);
}

const eval particle_eval = { "particle", { "ff", "fr", "rf", "rr" }, sizeof(particle), parse, prepare, evaluate, output,
                             release };
