/* Loops nobody wrote: random arithmetic that every machine rounds alike, carried, captured, stacked and nested, with
 * derivatives. */
#include "test.h"

enum { LENGTH = 7 };

typedef struct {
    ag_graph *g;
    uint64_t seed;
    ag_dtype dtype;
    int count;
    ag_node *node[64]; /* numbers that a body may use */
} world;

static int below(world *w, int n)
{
    return (int)test_random(&w->seed, 0, n);
}

static ag_node *scalar(world *w, double value)
{
    float single = (float)value;
    return ag_parameter(w->g, NULL, w->dtype, AG_SCALAR, w->dtype == AG_F32 ? (const void *)&single : &value);
}

static ag_node *leaf(world *w)
{
    return ag_input(w->g, NULL, w->dtype, AG_SCALAR);
}

/* ---- bodies ----------------------------------------------------------------------------------------------------- */

static ag_node *any(world *w)
{
    return w->node[below(w, w->count)];
}

static ag_node *operation(world *w)
{
    ag_node *a = any(w), *b = any(w), *one = ag_number(w->g, 1);
    switch (below(w, 8)) {
    case 0: return ag_add(a, b);
    case 1: return ag_mul(a, ag_number(w->g, 0.75));
    case 2: return ag_mul(a, b);
    case 3: return ag_div(a, ag_add(ag_square(b), one));
    case 4: return ag_sqrt(ag_add(ag_square(a), one));
    case 5: return ag_maximum(a, ag_neg(b));
    case 6: return ag_sub(a, ag_mul(b, any(w)));
    default: return ag_where(ag_greater(a, b), b, ag_sub(a, one));
    }
}

/* Numbers made of those there are; what a body makes stays small. */
static void grow(world *w, int n)
{
    ag_node *one = ag_number(w->g, 1);
    for (int k = 0; k < n; k++) {
        ag_node *y = operation(w);
        w->node[w->count++] = ag_div(y, ag_add(one, ag_abs(y)));
    }
}

/* ---- loops: `count` starts as what they may capture; `out` gets values that depend on it ------------------------- */

typedef int maker(world *, ag_node *out[]); /* how many values */

static int make_scan(world *w, ag_node *out[])
{
    enum { STATES = 3 };
    double values[LENGTH];
    float single[LENGTH];
    ag_node *initial[STATES], *state[STATES], *next[STATES], *sequence, *element = leaf(w), *result[2], *stacked[2];
    for (int k = 0; k < LENGTH; k++) single[k] = (float)(values[k] = test_random(&w->seed, -1, 1));
    sequence = ag_parameter(w->g, NULL, w->dtype, AG_SHAPE(LENGTH), w->dtype == AG_F32 ? (const void *)single : values);
    for (int k = 0; k < STATES; k++) {
        initial[k] = any(w);
        state[k] = leaf(w);
    }
    for (int k = 0; k < STATES; k++) w->node[w->count++] = state[k];
    w->node[w->count++] = element;
    grow(w, 12);
    for (int k = 0; k < STATES; k++) next[k] = any(w); /* perhaps another state, the element, a capture */
    result[0] = any(w), result[1] = w->node[w->count - 1];
    ag_scan_body body = { .length = LENGTH, .states = STATES, .sequences = 1, .results = 2, .initial = initial,
                          .state = state, .next = next, .sequence = &sequence, .element = &element, .result = result,
                          .reverse = below(w, 2) };
    ag_scan(&body, out, stacked);
    for (int k = 0; k < 2; k++) out[STATES + k] = ag_sum(stacked[k]);
    return STATES + 2;
}

/* Between no and 2 LENGTH steps, of which LENGTH are made at most. */
static int make_while(world *w, ag_node *out[])
{
    enum { STATES = 3 };
    ag_node *one = ag_number(w->g, 1), *initial[STATES], *state[STATES], *next[STATES];
    double start = below(w, 3) * LENGTH;
    for (int k = 0; k < STATES; k++) {
        initial[k] = k ? any(w) : scalar(w, start);
        state[k] = leaf(w);
    }
    for (int k = 0; k < STATES; k++) w->node[w->count++] = state[k];
    grow(w, 12);
    next[0] = ag_sub(state[0], one);
    for (int k = 1; k < STATES; k++) next[k] = any(w);
    ag_while(ag_greater(ag_add(state[0], ag_square(state[1])), one), STATES, initial, state, next, LENGTH, out);
    return STATES;
}

/* A loop in a loop, and a branch. */
static int make_nested(world *w, ag_node *out[])
{
    ag_node *s = leaf(w), *t = leaf(w), *u = leaf(w), *one = ag_number(w->g, 1), *initial[] = { any(w), any(w) };
    ag_node *state[] = { t, u }, *bent = ag_div(ag_add(t, ag_mul(s, u)), ag_add(one, ag_square(u)));
    ag_node *from[] = { s, ag_mul(s, any(w)) }, *to[] = { bent, ag_mul(u, ag_number(w->g, 0.5)) };
    ag_node *final[2], *inner[2], *chosen;
    ag_while(ag_greater(ag_abs(u), ag_number(w->g, 0.01)), 2, from, state, to, 9, inner);
    ag_node *then = ag_mul(t, any(w)), *otherwise = ag_sub(one, t);
    ag_cond(ag_greater(inner[0], any(w)), 1, &inner[0], &t, 1, &then, &otherwise, &chosen);
    ag_node *carried[] = { s, leaf(w) }, *next[] = { chosen, ag_add(carried[1], inner[1]) };
    ag_while(ag_less(carried[1], ag_number(w->g, 5)), 2, initial, carried, next, LENGTH, final);
    memcpy(out, final, sizeof final);
    return 2;
}

/* ---- values, tangents, gradients, and the gradient of a tangent ------------------------------------------------- */

int test_random_loops(int kind, int seed, ag_dtype dtype, ag_graph **g, ag_node *node[TEST_RANDOM_LOOPS])
{
    enum { PARAMETERS = 2 };
    static maker *const make[] = { make_scan, make_while, make_nested };
    world w = { .g = *g = ag_graph_new(NULL), .seed = (uint64_t)seed, .dtype = dtype };
    ag_node *p[PARAMETERS], *v[PARAMETERS];
    for (int k = 0; k < PARAMETERS; k++) p[k] = w.node[w.count++] = scalar(&w, test_random(&w.seed, -1, 1));
    w.node[w.count++] = scalar(&w, 0.5);
    for (int k = 0; k < PARAMETERS; k++) v[k] = ag_add(ag_zeros_like(p[k]), ag_number(w.g, 1 + k));
    int values = make[kind](&w, node), n = 2 * values;
    ag_jvp(PARAMETERS, p, v, values, node, node + values);
    for (int k = values - 1; k <= values; k++, n += PARAMETERS) ag_gradient(node[k], PARAMETERS, p, node + n);
    expect_well(w.g);
    return n;
}
