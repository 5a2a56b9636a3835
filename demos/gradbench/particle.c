/* A charged particle flies past two charges, one of them placed by w: find the w for which it crosses the axis at the
 * origin. ff, fr, rf, rr: by forward or reverse mode, the derivative by w that the search descends (first letter) and
 * the derivative of the potential that moves the particle (second). The flight is a loop until the particle comes down,
 * and differentiated as such. */
#include "descent.h"

#include <string.h>

enum { W, OUT, NODES };
enum { VALUE, SLOPE, HEIGHT, OUTPUTS }; /* of a flight; the height is that after the last step, below the axis */
enum { STATE = 4, LONGEST = 4000 };    /* place and velocity; steps */

typedef struct {
    problem common;
    double start, w, out[OUTPUTS], answer;
} particle;

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

/* The place after a time step, and the velocity, which the place before it changes. */
static void step(ag_node *const now[STATE], ag_node *w, int reverse, ag_node *next[STATE])
{
    ag_node *dt = ag_number(ag_graph_of(w), 0.1), *p = potential(now, w), *one = constant_like(w, 1), *slope[2];
    if (reverse) ag_gradient(p, 2, now, slope);
    for (int i = 0; i < 2 && !reverse; i++) ag_jvp(1, &now[i], &one, 1, &p, &slope[i]);
    for (int i = 0; i < 2; i++) {
        next[i] = ag_add(now[i], ag_mul(dt, now[2 + i]));
        next[2 + i] = ag_sub(now[2 + i], ag_mul(dt, slope[i]));
    }
}

/* Flies while a step ends above the axis. `last` is where and how fast the step begins that does not; with tangents, by
 * w, they are carried along and come after the state. */
static void fly(ag_node *w, int reverse, int tangents, ag_node *last[2 * STATE])
{
    static const double start[2 * STATE] = { 0, 8, 0.75, 0 };
    ag_graph *g = ag_graph_of(w);
    ag_node *initial[2 * STATE], *now[1 + 2 * STATE] = { w }, *next[2 * STATE], *along[1 + STATE];
    for (int i = 0; i < 2 * STATE; i++) {
        initial[i] = constant_like(w, start[i]);
        now[1 + i] = ag_input(g, NULL, AG_F64, AG_SCALAR);
    }
    step(now + 1, w, reverse, next);
    along[0] = constant_like(w, 1);
    memcpy(along + 1, now + 1 + STATE, STATE * sizeof *along);
    if (tangents) ag_jvp(1 + STATE, now, along, STATE, next, next + STATE);
    ag_node *above = ag_greater(next[1], ag_number(g, 0));
    ag_while(above, tangents ? 2 * STATE : STATE, initial, now + 1, next, LONGEST, last);
}

static int build(model *m, const problem *p, reason *why)
{
    int reverse = p->function >= 2;
    ag_node *w = m->node[W] = ag_input(m->graph, "w", AG_F64, AG_SCALAR), *last[2 * STATE], *out[OUTPUTS];
    ag_node *dt = ag_number(m->graph, 0.1);
    fly(w, p->function % 2, !reverse, last);
    ag_node *x = ag_add(last[0], ag_mul(dt, last[2])), *y = ag_add(last[1], ag_mul(dt, last[3]));
    out[VALUE] = ag_square(ag_sub(x, ag_mul(ag_div(y, last[3]), last[2]))); /* along the velocity to the axis */
    out[HEIGHT] = y;
    if (reverse) ag_gradient(out[VALUE], 1, &w, &out[SLOPE]);
    else ag_jvp(STATE, last, last + STATE, 1, &out[VALUE], &out[SLOPE]);
    m->node[OUT] = vector_of(OUTPUTS, out);
    return model_compile(m, 0, 1, &m->node[OUT], why);
}

static int prepare(problem *base, reason *why)
{
    particle *p = (particle *)base;
    model *m = base->model = cache_model(base->cache, NODES, why, "particle %d", base->function);
    if (m) m->native = 1;
    if (!m || (!m->ready && build(m, base, why))) return -1;
    m->ready = 1;
    model_feed(m, 0, m->node[W], &p->w);
    return model_fill(m, 0, m->node[OUT], p->out, why);
}

/* ---- search ----------------------------------------------------------------------------------------------------- */

static int value(void *context, const double *w, double *out, reason *why)
{
    particle *p = context;
    p->w = *w;
    if (model_run(p->common.model, 0, why)) return -1;
    *out = p->out[VALUE];
    return p->out[HEIGHT] > 0 ? refuse(why, "the particle does not come down") : 0;
}

static int slope(void *context, double *out, reason *why)
{
    (void)why;
    *out = ((particle *)context)->out[SLOPE];
    return 0;
}

static int evaluate(problem *base, reason *why)
{
    particle *p = (particle *)base;
    hill h = { .n = 1, .x = { p->start }, .value = value, .differentiate = slope, .context = p };
    if (descend_hill(&h, why)) return -1;
    p->answer = h.x[0];
    return 0;
}

static json_t *output(const problem *base)
{
    return write_number(((const particle *)base)->answer);
}

static void release(problem *base)
{
    (void)base;
}

const eval particle_eval = { "particle", { "ff", "fr", "rf", "rr" }, sizeof(particle), parse, prepare, evaluate, output,
                             release };
