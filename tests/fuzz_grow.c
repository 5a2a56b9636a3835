/* Random graphs from a seed: leaves, nodes on nodes, a loss, its gradients by leaves and by inner nodes, sometimes of
 * second order, sometimes an update beside them. */
#include "fuzz_grow.h"

int fuzz_below(fuzz_world *w, int n)
{
    return (int)test_random(&w->seed, 0, n);
}

ag_node *fuzz_any(fuzz_world *w)
{
    int late = fuzz_below(w, 2) ? w->count / 2 : 0; /* half of the time one of the newer */
    return w->node[late + fuzz_below(w, w->count - late)];
}

ag_shape fuzz_shape(fuzz_world *w, int most_rank)
{
    ag_shape s = { .rank = fuzz_below(w, most_rank + 1) };
    do
        for (int i = 0; i < s.rank; i++) s.dim[i] = w->dim[fuzz_below(w, COUNT(w->dim))];
    while (fuzz_size(s) > w->largest && s.rank--);
    return s;
}

int64_t fuzz_size(ag_shape s)
{
    int64_t n = 1;
    for (int i = 0; i < s.rank; i++) n *= s.dim[i];
    return n;
}

/* Some values come more than once, some are 0; one graph in sixteen knows what is no number. */
ag_node *fuzz_leaf(fuzz_world *w, ag_shape s)
{
    int64_t n = fuzz_size(s);
    double *wide = malloc((size_t)n * sizeof *wide);
    float *narrow = malloc((size_t)n * sizeof *narrow);
    int rough = fuzz_below(w, 3) == 0;
    for (int64_t i = 0; i < n; i++) {
        wide[i] = test_random(&w->seed, -1.5, 1.5);
        if (rough) wide[i] = floor(4 * wide[i]) / 4;
    }
    if (fuzz_below(w, 80) == 0)
        wide[fuzz_below(w, (int)n)] = (double[]){ NAN, INFINITY, -INFINITY, 1e30, -0.0 }[fuzz_below(w, 5)];
    for (int64_t i = 0; i < n; i++) narrow[i] = (float)wide[i];
    ag_node *x = ag_parameter(w->g, NULL, w->dtype, s, w->dtype == AG_F32 ? (const void *)narrow : wide);
    free(narrow);
    free(wide);
    return x;
}

ag_node *fuzz_scaled(ag_node *x, double by, double plus)
{
    ag_graph *g = ag_graph_of(x);
    return ag_add(ag_mul(x, ag_number(g, by)), ag_number(g, plus));
}

ag_node *fuzz_small(fuzz_world *w, ag_node *x)
{
    switch (fuzz_below(w, 4)) {
    case 0: return ag_sin(x);
    case 1: return ag_div(x, ag_add(ag_number(w->g, 1), ag_abs(x)));
    case 2: return ag_atan(x);
    default: return ag_tanh(x);
    }
}

ag_node *fuzz_fit(fuzz_world *w, ag_node *x, ag_shape s)
{
    if (fuzz_size(ag_shape_of(x)) == fuzz_size(s)) return ag_reshape(x, s);
    return ag_mul(fuzz_leaf(w, s), fuzz_small(w, ag_mean(x)));
}

ag_node *fuzz_step(fuzz_world *w)
{
    int kind = fuzz_below(w, 24);
    if (kind < 12) return fuzz_point(w);
    if (kind < 20) return fuzz_move(w);
    if (kind < 22) return fuzz_linear_algebra(w);
    return fuzz_control(w);
}

/* ---- programs ---------------------------------------------------------------------------------------------------- */

static void choose_extents(fuzz_world *w, int seed)
{
    static const int64_t more[] = { 16, 33, 70, 130, 300, 700 };
    w->dim[0] = 1;
    if (seed % 32 == 0) { /* work for threads */
        for (size_t i = 1; i < COUNT(w->dim); i++) w->dim[i] = more[fuzz_below(w, COUNT(more))];
        w->largest = 40000;
        return;
    }
    for (size_t i = 1; i < COUNT(w->dim); i++) w->dim[i] = 1 + fuzz_below(w, 9);
    w->largest = 400;
    if (fuzz_below(w, 4)) return;
    w->dim[1] = more[fuzz_below(w, COUNT(more))];
    w->largest = fuzz_below(w, 4) ? 1500 : 8000;
}

static ag_node *loss_of(fuzz_world *w, int outputs, ag_node *const out[])
{
    ag_node *loss = NULL;
    for (int i = 0; i < outputs; i++) {
        ag_node *part = fuzz_below(w, 2) ? ag_mean(ag_mul(ag_sin(out[i]), out[i])) : ag_sum(fuzz_small(w, out[i]));
        loss = loss ? ag_add(loss, part) : part;
    }
    return loss;
}

static ag_node *update(fuzz_world *w, ag_node *loss, ag_node *slope)
{
    ag_node *p = w->parameter[0];
    loss = ag_add(loss, ag_sum(ag_square(p))); /* which depends on a parameter in any case */
    switch (fuzz_below(w, 3)) {
    case 0: return ag_assign(p, ag_sub(p, ag_mul(ag_number(w->g, 0.125), slope)));
    case 1: return ag_sgd(loss, &(ag_sgd_options){ .rate = 0.25, .momentum = 0.5, .clip_norm = fuzz_below(w, 2) });
    default: return ag_adam(loss, NULL);
    }
}

static void add_outputs(fuzz_program *p, fuzz_world *w)
{
    enum { VALUES = 3 };
    for (int k = 0; k < VALUES; k++) p->node[p->n++] = w->node[w->count - 1 - k];
    ag_node *loss = p->node[p->n++] = loss_of(w, VALUES, p->node), *x[FUZZ_LEAVES + 2], *second;
    memcpy(x, w->parameter, sizeof w->parameter);
    x[FUZZ_LEAVES] = fuzz_any(w), x[FUZZ_LEAVES + 1] = fuzz_any(w);
    ag_node **dx = p->node + p->n;
    ag_gradient(loss, FUZZ_LEAVES + 2, x, dx);
    p->n += FUZZ_LEAVES + 2;
    if (fuzz_below(w, 4) == 0) {
        ag_gradient(ag_sum(ag_square(dx[fuzz_below(w, FUZZ_LEAVES)])), 1, w->parameter + 1, &second);
        p->node[p->n++] = second;
    }
    if (fuzz_below(w, 3) == 0) p->node[p->n++] = update(w, loss, dx[0]);
}

void fuzz_grow(fuzz_program *p, int seed)
{
    enum { FEW = 20 };
    int narrow = seed % 2 || test_quick(); /* valgrind makes doubles of long doubles: too little for a reference */
    fuzz_world w = { .g = ag_graph_new(NULL), .seed = (uint64_t)seed * 1000, .dtype = narrow ? AG_F32 : AG_F64 };
    *p = (fuzz_program){ .g = w.g, .owned = 1 };
    snprintf(p->label, sizeof p->label, "SEED=%d", seed);
    choose_extents(&w, seed);
    for (int i = 0; i < FUZZ_LEAVES; i++) w.node[w.count++] = w.parameter[i] = fuzz_leaf(&w, fuzz_shape(&w, 4));
    for (int tries = 0; tries < 4 * FEW && w.count < FEW; tries++) {
        ag_node *y = fuzz_step(&w);
        if (!y) continue;
        ck_assert_msg(!ag_is_bad(y), "%s: %s", p->label, ag_graph_error(w.g));
        w.node[w.count++] = y;
    }
    add_outputs(p, &w);
    ck_assert_msg(ag_graph_status(w.g) == AG_OK, "%s: %s", p->label, ag_graph_error(w.g));
}
