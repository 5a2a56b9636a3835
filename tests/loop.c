/* Scans: each recurrence is written once as a body, evaluated as a scan and as the unrolled graph, with all first and
 * second derivatives, under every kind of plan. */
#include "test.h"


/* ---- recurrences ------------------------------------------------------------------------------------------------ */

enum { MOST = 4, MOST_OUT = 2 * MOST, MOST_LEAVES = 3 * MOST };

/* A step: what it is given, what it makes. */
typedef struct {
    ag_node *state[MOST], *element[MOST], *p[MOST], *next[MOST], *result[MOST];
} step;

typedef struct {
    const char *label;
    void (*body)(step *);
    int64_t length;
    int states, elements, parameters, results, reverse;
    ag_shape state[MOST], element[MOST], p[MOST];
    ag_dtype state_type[MOST], element_type[MOST]; /* parameters are f64 */
    double tolerance;                              /* 0: 1e-11 */
} recurrence;

#define VECTOR(n) { 1, { n } }
#define MATRIX(m, n) { 2, { m, n } }
#define NUMBER { 0, { 0 } }
#define REAL AG_F64

static ag_node *number(ag_node *x, double value)
{
    return ag_number(ag_graph_of(x), value);
}

static void geometric(step *s) /* x' = a x */
{
    s->next[0] = ag_mul(s->p[0], s->state[0]);
}

static void recurrent(step *s) /* h' = tanh(h w + x u + b); results |h'|^2 and h' itself */
{
    ag_node *h = ag_tanh(ag_add(ag_add(ag_dot(s->state[0], s->p[0]), ag_dot(s->element[0], s->p[1])), ag_exp(s->p[2])));
    s->next[0] = h;
    s->result[0] = ag_sum(ag_square(h));
    s->result[1] = h;
}

static void swapped(step *s) /* (a, b)' = (b, sin a + b p), the first without any arithmetic */
{
    s->next[0] = s->state[1];
    s->next[1] = ag_add(ag_sin(s->state[0]), ag_mul(s->state[1], s->p[0]));
    s->result[0] = s->state[0];
    s->result[1] = s->state[1];
}

static void exchanged(step *s) /* (a, b, c)' = (b, c, a) */
{
    for (int k = 0; k < 3; k++) s->next[k] = s->state[(k + 1) % 3];
    s->result[0] = ag_mul(s->state[0], ag_mul(s->state[1], s->p[0]));
}

static void alike(step *s) /* two states become the same value, which is a result as well */
{
    ag_node *z = ag_mul(ag_add(s->state[0], s->p[0]), ag_cos(s->state[1]));
    s->next[0] = s->next[1] = s->result[0] = s->result[1] = z;
}

static void idle(step *s) /* the state stays; results are a parameter, a number, an element, a view of the state */
{
    s->next[0] = s->state[0];
    s->result[0] = s->p[0];
    s->result[1] = ag_mul(number(s->p[0], 3), number(s->p[0], 2));
    s->result[2] = s->element[0];
    s->result[3] = ag_flip(s->state[0], 0);
}

static void forgetful(step *s) /* next values that come from outside and from the element alone */
{
    s->next[0] = s->p[0];
    s->next[1] = s->element[0];
    s->result[0] = ag_mul(s->state[0], s->state[1]);
}

static void stateless(step *s) /* a map over two sequences */
{
    s->result[0] = ag_add(ag_square(s->element[0]), ag_mul(s->p[0], s->element[1]));
    s->result[1] = ag_sum(ag_mul(s->element[0], s->element[1]));
}

static void labelled(step *s) /* an integer chooses a row of the table that is added to the state */
{
    ag_node *row = ag_gather(s->p[0], 0, s->element[0]);
    s->next[0] = ag_tanh(ag_add(ag_mul(s->state[0], s->p[1]), row));
    s->result[0] = ag_logsumexp(s->next[0]);
}

static void counting(step *s) /* an integer is carried, too: the row that the next step takes */
{
    ag_node *row = ag_gather(s->p[0], 0, s->state[1]);
    s->next[0] = ag_add(ag_mul(s->state[0], number(row, 0.9)), ag_square(row));
    s->next[1] = ag_cast(ag_add(ag_cast(s->state[1], AG_F64), number(row, 1)), AG_I64);
    s->result[0] = s->state[1];
}

static void mixed(step *s) /* f32 and f64 side by side */
{
    ag_node *wide = ag_cast(s->state[1], AG_F64);
    s->next[0] = ag_sin(ag_add(ag_mul(s->state[0], s->p[0]), wide));
    s->next[1] = ag_add(ag_mul(s->state[1], number(s->state[1], 0.5)), ag_cast(s->element[0], AG_F32));
    s->result[0] = ag_cast(s->next[0], AG_F32);
}

static void accumulating(step *s) /* a matrix grows by outer products, a product reads it */
{
    ag_node *row = ag_reshape(s->element[0], AG_SHAPE(1, -1));
    s->next[0] = ag_add(s->state[0], ag_matmul(ag_transpose(row, NULL), ag_tanh(ag_matmul(row, s->p[0]))));
    s->result[0] = ag_matmul(row, s->state[0]);
}

static ag_node *part_of(ag_node *x, int k, int parts) /* of the columns */
{
    const int64_t n = ag_shape_of(x).dim[1] / parts;
    return ag_slice(x, 1, k * n, (k + 1) * n, 1);
}

static void gated(step *s) /* h, c: an LSTM cell */
{
    ag_node *a = ag_add(ag_add(ag_dot(s->element[0], s->p[0]), ag_dot(s->state[0], s->p[1])), s->p[2]);
    ag_node *kept = ag_mul(ag_sigmoid(part_of(a, 0, 4)), s->state[1]);
    s->next[1] = ag_add(kept, ag_mul(ag_sigmoid(part_of(a, 1, 4)), ag_tanh(part_of(a, 2, 4))));
    s->next[0] = s->result[0] = ag_mul(ag_sigmoid(part_of(a, 3, 4)), ag_tanh(s->next[1]));
}

static void reused(step *s) /* h' = sin(w h) + tanh(w^T (h u)) u / 8: each matrix twice, or transposed */
{
    ag_node *h = s->state[0], *inner = ag_matmul(ag_transpose(s->p[0], NULL), ag_matmul(h, s->p[1]));
    ag_node *outer = ag_mul(ag_matmul(ag_tanh(inner), s->p[1]), number(h, 0.125));
    s->next[0] = ag_add(ag_sin(ag_matmul(s->p[0], h)), outer);
    s->result[0] = inner;
}

static void deep(step *s) /* y' = y + w tanh(u y) / 2 of a vector */
{
    ag_node *inner = ag_dot(s->p[1], s->state[0]);
    s->next[0] = ag_add(s->state[0], ag_mul(ag_dot(s->p[0], ag_tanh(inner)), number(inner, 0.5)));
}

/* h' = the last of three inner steps k' = sin(k p + h x), whose own states are a result. */
static void nested(step *s)
{
    ag_graph *g = ag_graph_of(s->p[0]);
    ag_shape shape = ag_shape_of(s->state[0]);
    ag_node *k = ag_input(g, NULL, AG_F64, shape), *initial = ag_mul(s->state[0], s->p[1]), *final, *all;
    ag_node *next = ag_sin(ag_add(ag_mul(k, s->p[0]), ag_mul(s->state[0], s->element[0])));
    ag_scan_body inner = { .length = 3, .states = 1, .results = 1, .initial = &initial, .state = &k, .next = &next,
                           .result = &next };
    ag_scan(&inner, &final, &all);
    s->next[0] = final;
    s->result[0] = ag_sum_axis(all, 0, 0);
}

/* A branch and a loop of as many steps as the state says inside a loop. */
static void winding(step *s)
{
    ag_graph *g = ag_graph_of(s->p[0]);
    ag_node *u = ag_input(g, NULL, AG_F64, AG_SCALAR), *v = ag_input(g, NULL, AG_F64, AG_SCALAR);
    ag_node *half = ag_mul(u, ag_number(g, 0.5)), *small, *argument = s->state[0], *taken;
    ag_while(ag_greater(u, ag_number(g, 1)), 1, &argument, &u, &half, 12, &small);
    ag_node *then = ag_mul(v, s->p[0]), *otherwise = ag_sin(v);
    ag_cond(ag_greater(s->element[0], ag_number(g, 0)), 1, &small, &v, 1, &then, &otherwise, &taken);
    s->next[0] = ag_add(ag_mul(taken, ag_number(g, 3)), ag_square(s->element[0]));
    s->result[0] = taken;
}

static const recurrence recurrences[] = {
    { "one step", geometric, 1, 1, 0, 1, 0, 0, { VECTOR(3) }, { NUMBER }, { VECTOR(3) }, { REAL }, { REAL }, 0 },
    { "geometric", geometric, 9, 1, 0, 1, 0, 0, { NUMBER }, { NUMBER }, { NUMBER }, { REAL }, { REAL }, 0 },
    { "geometric, long", geometric, 6, 1, 0, 1, 0, 0, { VECTOR(700) }, { NUMBER }, { NUMBER }, { REAL }, { REAL }, 0 },
    { "recurrent, tiny", recurrent, 7, 1, 1, 3, 2, 0, { VECTOR(2) }, { VECTOR(3) },
      { MATRIX(2, 2), MATRIX(3, 2), VECTOR(2) }, { REAL }, { REAL }, 0 },
    { "recurrent", recurrent, 6, 1, 1, 3, 2, 0, { MATRIX(5, 24) }, { MATRIX(5, 7) },
      { MATRIX(24, 24), MATRIX(7, 24), VECTOR(24) }, { REAL }, { REAL }, 0 },
    { "recurrent, reversed", recurrent, 6, 1, 1, 3, 2, 1, { VECTOR(24) }, { VECTOR(24) },
      { MATRIX(24, 24), MATRIX(24, 24), VECTOR(24) }, { REAL }, { REAL }, 0 },
    { "swapped", swapped, 5, 2, 0, 1, 2, 0, { VECTOR(3), VECTOR(3) }, { NUMBER }, { VECTOR(3) }, { REAL, REAL },
      { REAL }, 0 },
    { "swapped, long", swapped, 5, 2, 0, 1, 2, 0, { VECTOR(333), VECTOR(333) }, { NUMBER }, { VECTOR(333) },
      { REAL, REAL }, { REAL }, 0 },
    { "exchanged", exchanged, 7, 3, 0, 1, 1, 1, { VECTOR(40), VECTOR(40), VECTOR(40) }, { NUMBER }, { VECTOR(40) },
      { REAL, REAL, REAL }, { REAL }, 0 },
    { "exchanged, tiny", exchanged, 8, 3, 0, 1, 1, 0, { NUMBER, NUMBER, NUMBER }, { NUMBER }, { NUMBER },
      { REAL, REAL, REAL }, { REAL }, 0 },
    { "alike", alike, 4, 2, 0, 1, 2, 0, { VECTOR(21), VECTOR(21) }, { NUMBER }, { VECTOR(21) }, { REAL, REAL },
      { REAL }, 0 },
    { "alike, tiny", alike, 4, 2, 0, 1, 2, 0, { VECTOR(2), VECTOR(2) }, { NUMBER }, { VECTOR(2) }, { REAL, REAL },
      { REAL }, 0 },
    { "idle", idle, 3, 1, 1, 1, 4, 0, { VECTOR(30) }, { VECTOR(2) }, { VECTOR(5) }, { REAL }, { REAL }, 0 },
    { "idle, tiny", idle, 3, 1, 1, 1, 4, 1, { VECTOR(3) }, { NUMBER }, { NUMBER }, { REAL }, { REAL }, 0 },
    { "forgetful", forgetful, 4, 2, 1, 1, 1, 0, { VECTOR(18), VECTOR(18) }, { VECTOR(18) }, { VECTOR(18) },
      { REAL, REAL }, { REAL }, 0 },
    { "stateless", stateless, 5, 0, 2, 1, 2, 0, { NUMBER }, { MATRIX(3, 7), VECTOR(7) }, { VECTOR(7) }, { REAL },
      { REAL, REAL }, 0 },
    { "stateless, reversed", stateless, 5, 0, 2, 1, 2, 1, { NUMBER }, { NUMBER, NUMBER }, { NUMBER }, { REAL },
      { REAL, REAL }, 0 },
    { "labelled", labelled, 6, 1, 1, 2, 1, 0, { VECTOR(19) }, { NUMBER }, { MATRIX(6, 19), VECTOR(19) }, { REAL },
      { AG_I64 }, 0 },
    { "labelled, reversed", labelled, 6, 1, 1, 2, 1, 1, { MATRIX(2, 3) }, { VECTOR(2) }, { MATRIX(6, 3), NUMBER },
      { REAL }, { AG_I64 }, 0 },
    { "counting", counting, 4, 2, 0, 1, 1, 0, { VECTOR(3), NUMBER }, { NUMBER }, { MATRIX(6, 3) }, { REAL, AG_I64 },
      { REAL }, 0 },
    { "mixed", mixed, 5, 2, 1, 1, 1, 0, { VECTOR(20), VECTOR(20) }, { VECTOR(20) }, { VECTOR(20) }, { REAL, AG_F32 },
      { REAL }, 3e-5 },
    { "mixed, tiny", mixed, 5, 2, 1, 1, 1, 1, { NUMBER, NUMBER }, { NUMBER }, { NUMBER }, { REAL, AG_F32 }, { REAL },
      3e-5 },
    { "accumulating", accumulating, 5, 1, 1, 1, 1, 0, { MATRIX(6, 6) }, { VECTOR(6) }, { MATRIX(6, 6) }, { REAL },
      { REAL }, 0 },
    { "gated", gated, 5, 2, 1, 3, 1, 0, { MATRIX(3, 17), MATRIX(3, 17) }, { MATRIX(3, 4) },
      { MATRIX(4, 68), MATRIX(17, 68), VECTOR(68) }, { REAL, REAL }, { REAL }, 0 },
    { "gated, reversed", gated, 3, 2, 1, 3, 1, 1, { MATRIX(2, 3), MATRIX(2, 3) }, { MATRIX(2, 4) },
      { MATRIX(4, 12), MATRIX(3, 12), VECTOR(12) }, { REAL, REAL }, { REAL }, 0 },
    { "reused", reused, 4, 1, 0, 2, 1, 0, { MATRIX(8, 32) }, { NUMBER }, { MATRIX(8, 8), MATRIX(32, 32) }, { REAL },
      { REAL }, 0 },
    { "deep", deep, 6, 1, 0, 2, 0, 0, { VECTOR(16) }, { NUMBER }, { MATRIX(16, 20), MATRIX(20, 16) }, { REAL },
      { REAL }, 0 },
    { "nested", nested, 4, 1, 1, 2, 1, 0, { VECTOR(25) }, { VECTOR(25) }, { VECTOR(25), NUMBER }, { REAL }, { REAL },
      0 },
    { "nested, reversed", nested, 4, 1, 1, 2, 1, 1, { NUMBER }, { NUMBER }, { NUMBER, NUMBER }, { REAL }, { REAL }, 0 },
    { "winding", winding, 6, 1, 1, 1, 1, 0, { NUMBER }, { NUMBER }, { NUMBER }, { REAL }, { REAL }, 0 },
};

/* ---- the same as scan and unrolled ------------------------------------------------------------------------------ */

typedef struct {
    const recurrence *r;
    ag_graph *g;
    ag_node *initial[MOST], *sequence[MOST], *p[MOST];
    int nleaves, nout;
    ag_node *leaf[MOST_LEAVES]; /* the real ones of all those */
    ag_node *scan[MOST_OUT], *unrolled[MOST_OUT]; /* the last states, then the stacked results */
} both;

static ag_node *leaf_of(both *b, ag_dtype type, ag_shape shape, uint64_t *seed)
{
    int64_t n = 1, index[64];
    for (int i = 0; i < shape.rank; i++) n *= shape.dim[i];
    for (int64_t i = 0; i < n && i < 64; i++) index[i] = (i * 5 + 1) % 6;
    if (type == AG_I64) return ag_parameter(b->g, NULL, type, shape, shape.rank ? index : NULL);
    ag_node *x = test_parameter(b->g, shape, seed, -1, 1);
    b->leaf[b->nleaves++] = x;
    return ag_cast(x, type);
}

static ag_shape stacked_shape(ag_shape one, int64_t length)
{
    ag_shape s = { .rank = one.rank + 1, .dim = { length } };
    memcpy(s.dim + 1, one.dim, (size_t)one.rank * sizeof one.dim[0]);
    return s;
}

static void make_leaves(both *b)
{
    const recurrence *r = b->r;
    uint64_t seed = 11;
    for (int k = 0; k < r->states; k++) b->initial[k] = leaf_of(b, r->state_type[k], r->state[k], &seed);
    for (int k = 0; k < r->elements; k++)
        b->sequence[k] = leaf_of(b, r->element_type[k], stacked_shape(r->element[k], r->length), &seed);
    for (int k = 0; k < r->parameters; k++) b->p[k] = leaf_of(b, AG_F64, r->p[k], &seed);
}

static void make_scan(both *b, size_t max_bytes)
{
    const recurrence *r = b->r;
    step s = { .state = { NULL } };
    for (int k = 0; k < r->states; k++) s.state[k] = ag_input(b->g, NULL, r->state_type[k], r->state[k]);
    for (int k = 0; k < r->elements; k++) s.element[k] = ag_input(b->g, NULL, r->element_type[k], r->element[k]);
    memcpy(s.p, b->p, sizeof s.p);
    r->body(&s);
    ag_scan_body body = { .length = r->length, .states = r->states, .sequences = r->elements, .results = r->results,
                          .initial = b->initial, .state = s.state, .next = s.next, .sequence = b->sequence,
                          .element = s.element, .result = s.result, .reverse = r->reverse, .max_bytes = max_bytes };
    ck_assert_msg(ag_scan(&body, b->scan, b->scan + r->states) == AG_OK, "%s: %s", r->label, ag_graph_error(b->g));
}

static ag_node *row(ag_node *x, int64_t t)
{
    ag_shape s = ag_shape_of(x);
    memmove(s.dim, s.dim + 1, (size_t)--s.rank * sizeof s.dim[0]);
    return ag_reshape(ag_slice(x, 0, t, t + 1, 1), s);
}

static void unroll(both *b)
{
    const recurrence *r = b->r;
    ag_node *made[MOST][16];
    step s = { .state = { NULL } };
    memcpy(s.p, b->p, sizeof s.p);
    memcpy(s.next, b->initial, sizeof s.next);
    for (int64_t i = 0; i < r->length; i++) {
        int64_t t = r->reverse ? r->length - 1 - i : i;
        memcpy(s.state, s.next, sizeof s.state);
        for (int k = 0; k < r->elements; k++) s.element[k] = row(b->sequence[k], t);
        r->body(&s);
        for (int k = 0; k < r->results; k++)
            made[k][t] = ag_reshape(s.result[k], stacked_shape(ag_shape_of(s.result[k]), 1));
    }
    for (int k = 0; k < r->states; k++) b->unrolled[k] = s.next[k];
    for (int k = 0; k < r->results; k++) b->unrolled[r->states + k] = ag_concat((int)r->length, made[k], 0);
}

static both make_both(const recurrence *r, size_t max_bytes)
{
    both b = { .r = r, .g = ag_graph_new(NULL), .nout = r->states + r->results };
    make_leaves(&b);
    make_scan(&b, max_bytes);
    unroll(&b);
    for (int k = 0; k < b.nout; k++) expect_shape(b.scan[k], ag_shape_of(b.unrolled[k]));
    expect_well(b.g);
    return b;
}

/* ---- derivatives ------------------------------------------------------------------------------------------------ */

enum { MOST_VALUES = 4 * MOST_OUT + 5 * MOST_LEAVES, LARGEST_JACOBIAN = 20000 };

typedef struct {
    int n;
    ag_node *node[MOST_VALUES];
    double *value[MOST_VALUES];
} outputs;

static ag_node *weights(ag_node *y, uint64_t seed)
{
    return ag_cast(test_constant(ag_graph_of(y), ag_shape_of(y), &seed, 0.5, 1.5), ag_type_of(y));
}

/* sum over the real y of their elements, each with a weight of its own, in f64 */
static ag_node *total(int n, ag_node *const y[])
{
    ag_node *sum = NULL;
    for (int k = 0; k < n; k++) {
        if (ag_type_of(y[k]) == AG_I64) continue;
        ag_node *one = ag_cast(ag_sum(ag_mul(weights(y[k], 5 + (uint64_t)k), y[k])), AG_F64);
        sum = sum ? ag_add(sum, one) : one;
    }
    return sum;
}

static void add(outputs *o, int n, ag_node *const x[])
{
    for (int k = 0; k < n; k++) o->node[o->n++] = x[k];
}

/* Of the reals y by the first leaf, and of the total by each. */
static void add_jacobians(const both *b, outputs *o, int n, ag_node *const y[])
{
    for (int k = 0; k < n; k++)
        if (ag_size_of(y[k]) * ag_size_of(b->leaf[0]) < LARGEST_JACOBIAN)
            o->node[o->n++] = ag_jacobian(y[k], b->leaf[0]);
    ag_node *sum = total(n, y);
    for (int k = 0; k < b->nleaves; k++)
        if (ag_size_of(b->leaf[k]) * ag_size_of(b->leaf[k]) < LARGEST_JACOBIAN)
            o->node[o->n++] = ag_hessian(sum, b->leaf[k]);
}

/* The values, their gradient, its gradient, tangents of values and gradient, Jacobians and Hessians. */
static outputs differentiate(const both *b, ag_node *const y[])
{
    outputs o = { 0 };
    int n = b->nleaves, real = 0;
    ag_node *first[MOST_LEAVES], *second[MOST_LEAVES], *v[MOST_LEAVES], *dy[MOST_OUT], *dfirst[MOST_LEAVES],
            *reals[MOST_OUT];
    for (int k = 0; k < b->nout; k++)
        if (ag_type_of(y[k]) != AG_I64) reals[real++] = y[k];
    for (int k = 0; k < n; k++) v[k] = weights(b->leaf[k], 77 + (uint64_t)k);
    ag_gradient(total(b->nout, y), n, b->leaf, first);
    ag_gradient(total(n, first), n, b->leaf, second);
    ag_jvp(n, b->leaf, v, real, reals, dy);
    ag_jvp(n, b->leaf, v, n, first, dfirst);
    ck_assert_msg(!ag_graph_status(b->g), "%s: %s", b->r->label, ag_graph_error(b->g));
    add(&o, b->nout, y);
    add(&o, n, first);
    add(&o, n, second);
    add(&o, real, dy);
    add(&o, n, dfirst);
    add_jacobians(b, &o, real, reals);
    ck_assert_msg(!ag_graph_status(b->g), "%s: %s", b->r->label, ag_graph_error(b->g));
    for (int k = 0; k < o.n; k++) o.value[k] = malloc((size_t)ag_size_of(o.node[k]) * sizeof(double));
    return o;
}

static void release(outputs *o)
{
    for (int k = 0; k < o->n; k++) free(o->value[k]);
}

static void compare(const recurrence *r, const char *how, const outputs *got, const outputs *want, double tolerance)
{
    for (int k = 0; k < want->n; k++)
        for (int64_t i = 0; i < ag_size_of(want->node[k]); i++)
            ck_assert_msg(tolerance ? test_close(got->value[k][i], want->value[k][i], tolerance)
                                    : test_same_bits(got->value[k][i], want->value[k][i]),
                          "%s, %s: output %d[%lld] is %.17g, not %.17g", r->label, how, k, (long long)i,
                          got->value[k][i], want->value[k][i]);
}

static double tolerance_of(const recurrence *r)
{
    return r->tolerance ? r->tolerance : 1e-11;
}

START_TEST(scans_equal_unrolled_graphs)
{
    static const struct {
        const char *how;
        ag_options options;
    } same[] = { { "poisoned", { .poison = 1 } }, { "distinct", { .distinct = 1 } }, { "2 threads", { .threads = 2 } },
                 { "3 threads", { .threads = 3, .poison = 1 } } };
    ag_options native = test_native(), plain = native;
    plain.unfused = 1;
    const recurrence *r = &recurrences[_i];
    both b = make_both(r, 0);
    outputs got = differentiate(&b, b.scan), want = differentiate(&b, b.unrolled), again = got;
    for (int k = 0; k < got.n; k++) again.value[k] = malloc((size_t)ag_size_of(got.node[k]) * sizeof(double));
    for (int isa = 1; isa <= test_best_isa(); isa++) {
        test_evaluate(want.n, want.node, &(ag_options){ .isa = isa, .unfused = 1 }, want.value);
        test_evaluate(got.n, got.node, &(ag_options){ .isa = isa, .unfused = 1, .poison = 1 }, got.value);
        compare(r, "unfused", &got, &want, tolerance_of(r));
        test_evaluate(got.n, got.node, &(ag_options){ .isa = isa, .verify = 1 }, got.value);
        compare(r, "fused", &got, &want, tolerance_of(r));
        for (size_t k = 0; k < COUNT(same); k++) {
            ag_options o = same[k].options;
            o.verify = 1;
            o.isa = isa;
            test_evaluate(again.n, again.node, &o, again.value);
            compare(r, same[k].how, &again, &got, 0);
        }
    }
    test_evaluate(got.n, got.node, &native, got.value);
    compare(r, "native", &got, &want, tolerance_of(r));
    test_evaluate(got.n, got.node, &plain, got.value);
    compare(r, "native and unfused", &got, &want, tolerance_of(r));
    release(&again);
    release(&got);
    release(&want);
    ag_graph_free(b.g);
}
END_TEST

START_TEST(segments_change_nothing)
{
    const recurrence *r = &recurrences[_i];
    for (size_t states = 1; states < 6; states += 2) {
        both b = make_both(r, states * 8);
        outputs got = differentiate(&b, b.scan), want = differentiate(&b, b.unrolled);
        test_evaluate(want.n, want.node, NULL, want.value);
        ag_options o = test_options();
        for (o.poison = 0; o.poison < 2; o.poison++) {
            test_evaluate(got.n, got.node, &o, got.value);
            compare(r, "in segments", &got, &want, tolerance_of(r));
        }
        release(&got);
        release(&want);
        ag_graph_free(b.g);
    }
}
END_TEST

Suite *suite_loop(void)
{
    Suite *s = suite_create("loop");
    TCase *t = tcase_create("scans");
    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, scans_equal_unrolled_graphs, 0, (int)COUNT(recurrences));
    tcase_add_loop_test(t, segments_change_nothing, 0, (int)COUNT(recurrences));
    suite_add_tcase(s, t);
    return s;
}
