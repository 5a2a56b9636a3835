/* Values computed again for derivatives rather than kept: less memory, the same results. */
#include "test.h"

enum { MOST_LAYERS = 200 };

/* ---- dense networks --------------------------------------------------------------------------------------------- */

typedef struct {
    int layers, batch, width, kept; /* kept > 0: all values are marked but those after so many layers */
    ag_dtype dtype;
    ag_node *(*activation)(ag_node *);
} network_shape;

typedef struct {
    ag_graph *g;
    int n; /* outputs: the loss, then what a test adds */
    ag_node *x, *output[2 * MOST_LAYERS + 2], *parameter[2 * MOST_LAYERS];
} network;

static ag_node *leaf(ag_graph *g, ag_dtype dtype, ag_shape s, uint64_t *seed, double scale)
{
    int64_t n = 1;
    for (int i = 0; i < s.rank; i++) n *= s.dim[i];
    double *values = malloc((size_t)n * sizeof *values);
    for (int64_t i = 0; i < n; i++) values[i] = test_random(seed, -scale, scale);
    for (int64_t i = 0; i < n && dtype == AG_F32; i++) ((float *)values)[i] = (float)values[i];
    ag_node *x = ag_parameter(g, NULL, dtype, s, values);
    free(values);
    return x;
}

static network build(const network_shape *s)
{
    network n = { .g = ag_graph_new(NULL), .n = 1 };
    uint64_t seed = 7;
    ag_node *h = n.x = leaf(n.g, s->dtype, AG_SHAPE(s->batch, s->width), &seed, 1);
    for (int l = 0; l < s->layers; l++) {
        ag_node *w = leaf(n.g, s->dtype, AG_SHAPE(s->width, s->width), &seed, 1.7 / sqrt(s->width));
        n.parameter[2 * l] = w;
        ag_node *b = n.parameter[2 * l + 1] = leaf(n.g, s->dtype, AG_SHAPE(s->width), &seed, 0.1);
        h = s->activation(ag_add(ag_matmul(h, w), b));
        if (s->kept && (l + 1) % s->kept) h = ag_checkpoint(h);
    }
    n.output[0] = ag_mean(ag_square(h));
    return n;
}

static network differentiated(const network_shape *s)
{
    network n = build(s);
    ag_gradient(n.output[0], 2 * s->layers, n.parameter, n.output + 1);
    n.n += 2 * s->layers;
    expect_well(n.g);
    return n;
}

static size_t bytes_of(ag_node *x)
{
    return (size_t)ag_size_of(x) * (ag_type_of(x) == AG_F32 ? sizeof(float) : sizeof(double));
}

static ag_plan *compile(ag_graph *g, int n, ag_node *const y[], ag_options o)
{
    o.isa = test_options().isa;
    ag_plan *p = ag_compile(g, n, y, &o);
    ck_assert_msg(p != NULL, "%s", ag_graph_error(g));
    return p;
}

/* Runs a plan several times and returns the outputs' bytes, one after the other. */
static char *results(const ag_plan *p, int n, ag_node *const y[], int times, size_t *bytes)
{
    ag_run *r = ag_run_new(p);
    char *all, *at;
    *bytes = 0;
    for (int k = 0; k < n; k++) *bytes += bytes_of(y[k]);
    at = all = malloc(*bytes);
    for (int t = 0; t < times; t++) ck_assert_msg(ag_eval(r) == AG_OK, "%s", ag_run_error(r));
    for (int k = 0; k < n; k++, at += bytes_of(y[k - 1])) ck_assert_int_eq(ag_fetch(r, y[k], at), AG_OK);
    ag_run_free(r);
    return all;
}

static void expect_same_results(const ag_plan *a, const ag_plan *b, int n, ag_node *const y[], int times)
{
    size_t bytes;
    char *of_a = results(a, n, y, times, &bytes), *of_b = results(b, n, y, times, &bytes);
    ck_assert_msg(memcmp(of_a, of_b, bytes) == 0, "results differ");
    free(of_a);
    free(of_b);
}

/* Compiles with a share of the memory that the plan takes without a limit: it must fit and compute the same. */
static void expect_fit(const network *n, double share, int times)
{
    ag_plan *plain = compile(n->g, n->n, n->output, (ag_options){ 0 });
    size_t limit = (size_t)(share * (double)ag_plan_bytes(plain));
    static const ag_options variants[] = { { .poison = 1 }, { .threads = 3 } };
    for (size_t k = 0; k < COUNT(variants); k++) {
        ag_options o = variants[k];
        o.max_bytes = limit;
        ag_plan *less = compile(n->g, n->n, n->output, o);
        ck_assert_msg(o.threads || ag_plan_bytes(less) <= limit, "%zu bytes, not %zu of %zu", ag_plan_bytes(less),
                      limit, ag_plan_bytes(plain));
        expect_same_results(less, plain, n->n, n->output, times);
        ag_plan_free(less);
    }
    ag_plan_free(plain);
}

/* All of a run's memory is counted, parameters and gradients too; with a batch much larger than the layers are wide,
 * most of it are the layers' values. */
static network_shape deep(ag_dtype dtype, ag_node *activation(ag_node *))
{
    return (network_shape){ test_quick() ? 50 : 200, 512, 32, 0, dtype, activation };
}

static double a_quarter(void)
{
    return test_quick() ? 0.5 : 0.25;
}

START_TEST(two_hundred_layers_fit_in_a_quarter)
{
    static const struct {
        ag_dtype dtype;
        ag_node *(*activation)(ag_node *);
    } cases[] = { { AG_F32, ag_tanh }, { AG_F64, ag_tanh }, { AG_F32, ag_relu }, { AG_F64, ag_sigmoid },
                  { AG_F32, ag_gelu } };
    network_shape s = deep(cases[_i].dtype, cases[_i].activation);
    network n = differentiated(&s);
    expect_fit(&n, a_quarter(), 1);
    ag_graph_free(n.g);
}
END_TEST

START_TEST(training_fits_in_a_quarter)
{
    network_shape s = deep(AG_F32, ag_tanh);
    network n = build(&s);
    n.output[1] = ag_sgd(n.output[0], &(ag_sgd_options){ .rate = 0.1 });
    memcpy(n.output + 2, n.parameter, (size_t)s.layers * sizeof *n.output);
    n.n = 2 + s.layers;
    expect_fit(&n, a_quarter(), 3);
    ag_graph_free(n.g);
}
END_TEST

START_TEST(training_with_adam_fits_in_half)
{
    network_shape s = deep(AG_F32, ag_sigmoid);
    network n = build(&s);
    n.output[1] = ag_adam(n.output[0], NULL);
    memcpy(n.output + 2, n.parameter, (size_t)s.layers * sizeof *n.output);
    n.n = 2 + s.layers;
    expect_fit(&n, 0.5, 3);
    ag_graph_free(n.g);
}
END_TEST

/* ---- what is marked --------------------------------------------------------------------------------------------- */

static char *text_of(const ag_plan *p)
{
    char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);
    ck_assert_int_eq(ag_write_text(f, p), 0);
    fclose(f);
    return text;
}

/* A deep network, whose activations are kept, and are marked but for every 7th. */
typedef struct {
    network kept, marked;
    ag_plan *of_kept, *of_marked;
} marking;

/* That saves three fifths of the memory, and changes no bit. */
static marking check_marking(ag_node *activation(ag_node *))
{
    network_shape s = { 49, 512, 32, 0, AG_F64, activation };
    marking m = { .kept = differentiated(&s) };
    s.kept = 7;
    m.marked = differentiated(&s);
    m.of_kept = compile(m.kept.g, m.kept.n, m.kept.output, (ag_options){ 0 });
    m.of_marked = compile(m.marked.g, m.marked.n, m.marked.output, (ag_options){ .poison = 1 });
    const size_t before = ag_plan_bytes(m.of_kept), after = ag_plan_bytes(m.of_marked);
    ck_assert_msg(after * 5 < before * 2, "%zu of %zu bytes", after, before);
    size_t bytes;
    char *want = results(m.of_kept, m.kept.n, m.kept.output, 1, &bytes);
    char *got = results(m.of_marked, m.marked.n, m.marked.output, 1, &bytes);
    ck_assert_int_eq(memcmp(got, want, bytes), 0);
    free(want);
    free(got);
    return m;
}

static void drop_marking(marking *m)
{
    ag_plan_free(m->of_kept);
    ag_plan_free(m->of_marked);
    ag_graph_free(m->kept.g);
    ag_graph_free(m->marked.g);
}

START_TEST(marked_values_are_not_kept)
{
    marking m = check_marking(ag_tanh);
    char *text = text_of(m.of_marked), size[64];
    sprintf(size, "would take %zu bytes", ag_plan_bytes(m.of_kept));
    ck_assert_ptr_nonnull(strstr(text, "computed again for derivatives: 168 operations"));
    ck_assert_ptr_nonnull(strstr(text, "    42 tanh_of_expm1\n"));
    ck_assert_msg(strstr(text, size) != NULL, "no '%s' in %s", size, strstr(text, "computed again"));
    free(text);
    drop_marking(&m);
}
END_TEST

/* Where slopes read what the marked activations are given, that is not kept in their place. */
START_TEST(what_marked_values_are_made_of_is_not_kept)
{
    marking m = check_marking(ag_gelu);
    drop_marking(&m);
}
END_TEST

/* Nothing but the order says when a value made of parameters alone is to be there: one at a time, in both sweeps. */
START_TEST(values_of_parameters_are_made_one_at_a_time)
{
    enum { MATRICES = 12, SIZE = 64, BYTES = SIZE * SIZE * 8 };
    uint64_t seed = 13;
    ag_graph *g = ag_graph_new(NULL);
    ag_node *x = leaf(g, AG_F64, AG_SHAPE(SIZE), &seed, 1), *h = x, *d;
    for (int k = 0; k < MATRICES; k++)
        h = ag_dot(h, ag_checkpoint(ag_sin(leaf(g, AG_F64, AG_SHAPE(SIZE, SIZE), &seed, 0.1))));
    ag_gradient(ag_sum(ag_square(h)), 1, &x, &d);
    ag_plan *plan = compile(g, 1, &d, (ag_options){ 0 });
    ck_assert_msg(ag_plan_bytes(plan) < (MATRICES + 2) * BYTES, "%zu bytes", ag_plan_bytes(plan));
    ag_plan_free(plan);
    ag_graph_free(g);
}
END_TEST

START_TEST(nothing_changes_unasked)
{
    network_shape s = { 5, 64, 16, 0, AG_F32, ag_relu };
    network n = differentiated(&s);
    ag_plan *a = compile(n.g, n.n, n.output, (ag_options){ 0 });
    ag_plan *b = compile(n.g, n.n, n.output, (ag_options){ .max_bytes = ag_plan_bytes(a) });
    char *of_a = text_of(a), *of_b = text_of(b);
    ck_assert_str_eq(of_a, of_b);
    ck_assert_ptr_null(strstr(of_a, "computed again"));
    free(of_a);
    free(of_b);
    ag_plan_free(a);
    ag_plan_free(b);
    ag_graph_free(n.g);
}
END_TEST

START_TEST(a_limit_out_of_reach_is_approached)
{
    network_shape s = { 30, 256, 16, 0, AG_F64, ag_tanh };
    network n = differentiated(&s);
    ag_plan *a = compile(n.g, n.n, n.output, (ag_options){ 0 });
    ag_plan *b = compile(n.g, n.n, n.output, (ag_options){ .max_bytes = 1 });
    ck_assert_uint_lt(ag_plan_bytes(b) * 2, ag_plan_bytes(a));
    expect_same_results(a, b, n.n, n.output, 1);
    ag_plan_free(a);
    ag_plan_free(b);
    ag_graph_free(n.g);
}
END_TEST

/* ---- against C by hand ------------------------------------------------------------------------------------------ */

enum { LAYERS = 5, BATCH = 3, WIDTH = 4, WEIGHTS = WIDTH * WIDTH, VALUES = BATCH * WIDTH };

/* h' = tanh(h w), loss = mean h^2; dw[l] is the gradient. */
static double by_hand(double w[LAYERS][WEIGHTS], const double x[VALUES], double dw[LAYERS][WEIGHTS])
{
    double h[LAYERS + 1][VALUES] = { { 0 } }, dh[VALUES], loss = 0;
    memcpy(h[0], x, sizeof h[0]);
    for (int l = 0; l < LAYERS; l++)
        for (int e = 0; e < VALUES; e++) {
            double z = 0;
            for (int k = 0; k < WIDTH; k++) z += h[l][e / WIDTH * WIDTH + k] * w[l][k * WIDTH + e % WIDTH];
            h[l + 1][e] = tanh(z);
        }
    for (int e = 0; e < VALUES; e++) {
        loss += h[LAYERS][e] * h[LAYERS][e] / VALUES;
        dh[e] = 2 * h[LAYERS][e] / VALUES;
    }
    for (int l = LAYERS; l-- > 0;) {
        double before[VALUES] = { 0 };
        memset(dw[l], 0, sizeof dw[l]);
        for (int e = 0; e < VALUES; e++) {
            double dz = dh[e] * (1 - h[l + 1][e] * h[l + 1][e]);
            for (int k = 0; k < WIDTH; k++) {
                dw[l][k * WIDTH + e % WIDTH] += h[l][e / WIDTH * WIDTH + k] * dz;
                before[e / WIDTH * WIDTH + k] += dz * w[l][k * WIDTH + e % WIDTH];
            }
        }
        memcpy(dh, before, sizeof dh);
    }
    return loss;
}

START_TEST(gradients_are_those_of_c_by_hand)
{
    uint64_t seed = 3;
    double w[LAYERS][WEIGHTS], dw[LAYERS][WEIGHTS], got[WEIGHTS], x[VALUES];
    ag_graph *g = ag_graph_new(NULL);
    ag_node *p[LAYERS], *y[LAYERS + 1];
    for (int i = 0; i < VALUES; i++) x[i] = test_random(&seed, -1, 1);
    ag_node *h = ag_parameter(g, NULL, AG_F64, AG_SHAPE(BATCH, WIDTH), x);
    for (int l = 0; l < LAYERS; l++) {
        for (int i = 0; i < WEIGHTS; i++) w[l][i] = test_random(&seed, -1, 1);
        p[l] = ag_parameter(g, NULL, AG_F64, AG_SHAPE(WIDTH, WIDTH), w[l]);
        h = ag_checkpoint(ag_tanh(ag_matmul(h, p[l])));
    }
    y[LAYERS] = ag_mean(ag_square(h));
    ck_assert_int_eq(ag_gradient(y[LAYERS], LAYERS, p, y), AG_OK);
    ag_plan *plan = compile(g, LAYERS + 1, y, (ag_options){ .poison = 1, .unfused = _i });
    char *text = text_of(plan);
    ck_assert_ptr_nonnull(strstr(text, "computed again"));
    ag_run *run = ag_run_new(plan);
    ck_assert_int_eq(ag_eval(run), AG_OK);
    expect_close(ag_item(run, y[LAYERS]), by_hand(w, x, dw), 1e-14);
    for (int l = 0; l < LAYERS; l++) {
        ck_assert_int_eq(ag_fetch(run, y[l], got), AG_OK);
        for (int i = 0; i < WEIGHTS; i++) expect_close(got[i], dw[l][i], 1e-14);
    }
    free(text);
    ag_run_free(run);
    ag_plan_free(plan);
    ag_graph_free(g);
}
END_TEST

/* ---- marks of all kinds ------------------------------------------------------------------------------------------ */

static ag_node *as_it_is(ag_node *x)
{
    return x;
}

typedef ag_node *marker(ag_node *);

/* Each makes a loss of p [24, 16], marking values on the way. */
static ag_node *views(ag_node *p, marker *mark)
{
    ag_node *h = mark(ag_tanh(p)), *t = mark(ag_transpose(h, NULL)), *r = ag_reshape(h, AG_SHAPE(12, 32));
    ag_node *part = mark(ag_slice(ag_sin(ag_matmul(t, h)), 0, 1, AG_END, 2));
    return ag_add(ag_sum(ag_square(part)), ag_sum(ag_exp(ag_flip(mark(r), 1))));
}

static ag_node *library_calls(ag_node *p, marker *mark)
{
    ag_graph *g = ag_graph_of(p);
    ag_node *rows = ag_constant(g, AG_I64, AG_SHAPE(3), (int64_t[]){ 5, 0, 5 });
    ag_node *h = mark(ag_sigmoid(p)), *all = mark(ag_concat(2, (ag_node *[]){ h, mark(ag_sin(h)) }, 1));
    ag_node *some = mark(ag_gather(mark(ag_cumsum(all, 0)), 0, rows));
    return ag_sum(ag_mul(some, ag_square(mark(ag_pad(ag_slice(some, 1, 1, AG_END, 1), 1, 1, 0)))));
}

static ag_node *reductions(ag_node *p, marker *mark)
{
    ag_node *h = mark(ag_sub(p, mark(ag_mean_axis(p, 1, 1))));
    ag_node *mean = mark(ag_mean_axis(ag_square(h), 1, 1));
    ag_node *n = mark(ag_div(h, ag_sqrt(ag_add(mean, ag_number(ag_graph_of(p), 0.1)))));
    ag_node *s = mark(ag_softmax(mark(ag_matmul(n, ag_transpose(n, NULL))), 1));
    return ag_logsumexp(ag_matmul(s, mark(ag_gelu(n))));
}

static ag_node *residuals(ag_node *p, marker *mark)
{
    ag_node *h = p;
    for (int l = 0; l < 12; l++) {
        ag_node *inner = mark(ag_tanh(ag_matmul(mark(ag_silu(h)), ag_slice(ag_transpose(p, NULL), 1, 0, 16, 1))));
        h = mark(ag_add(h, l % 3 ? inner : ag_mul(inner, p)));
    }
    return ag_mean(ag_square(h));
}

static ag_node *leaves_and_numbers(ag_node *p, marker *mark)
{
    ag_graph *g = ag_graph_of(p);
    ag_node *two = mark(ag_mul(mark(ag_number(g, 1)), ag_number(g, 2))), *s = mark(ag_sum(mark(p)));
    return ag_mul(ag_exp(mark(ag_sin(s))), mark(ag_mul(two, mark(ag_cos(s)))));
}

static ag_node *two_readings(ag_node *p, marker *mark) /* a value read at both ends of the sweep */
{
    ag_node *first = mark(ag_exp(p)), *h = first;
    for (int l = 0; l < 10; l++) h = mark(ag_tanh(ag_add(ag_square(h), p)));
    return ag_sum(ag_mul(h, first));
}

static ag_node *(*const losses[])(ag_node *, marker *) = { views, library_calls, reductions, residuals,
                                                          leaves_and_numbers, two_readings };

/* The loss, its gradient, a product with its Hessian, an update and the marked value itself. */
static void evaluate(int k, marker *mark, const ag_options *o, double *const value[4])
{
    uint64_t seed = 11;
    ag_graph *g = ag_graph_new(NULL);
    ag_node *p = test_parameter(g, AG_SHAPE(24, 16), &seed, -1, 1);
    ag_node *v = test_parameter(g, AG_SHAPE(24, 16), &seed, -1, 1);
    ag_node *y[4] = { losses[k](p, mark) };
    ck_assert_int_eq(ag_gradient(y[0], 1, &p, &y[1]), AG_OK);
    y[2] = ag_hvp(y[0], p, v);
    y[3] = ag_assign(p, ag_sub(p, ag_mul(ag_number(g, 0.125), mark(y[1]))));
    test_evaluate(4, y, o, value);
    ag_graph_free(g);
}

START_TEST(marks_of_all_kinds)
{
    double *want[4], *got[4];
    ag_options o[] = { { .poison = 1 }, { .distinct = 1 }, { .unfused = 1, .poison = 1 },
                       { .max_bytes = 1, .poison = 1 } };
    for (int i = 0; i < 4; i++) want[i] = malloc(24 * 16 * 8), got[i] = malloc(24 * 16 * 8);
    ag_options plain = test_options();
    evaluate(_i, as_it_is, &plain, want);
    for (size_t k = 0; k < COUNT(o); k++)
        for (int marked = 0; marked < 2; marked++) {
            o[k].isa = plain.isa;
            evaluate(_i, marked ? ag_checkpoint : as_it_is, &o[k], got);
            for (int i = 0; i < 4; i++)
                for (int e = 0; e < (i ? 24 * 16 : 1); e++)
                    ck_assert_msg(test_close(got[i][e], want[i][e], 1e-12),
                                  "options %zu, output %d[%d]: %.17g, not %.17g", k, i, e, got[i][e], want[i][e]);
        }
    for (int i = 0; i < 4; i++) free(want[i]), free(got[i]);
}
END_TEST

START_TEST(checkpoints_stand_for_their_value)
{
    ag_graph *g = ag_graph_new(NULL);
    ag_node *x = ag_parameter(g, NULL, AG_F64, AG_SCALAR, (double[]){ 2 }), *y = ag_checkpoint(ag_square(x)), *d, *dd;
    ck_assert_ptr_eq(y, ag_checkpoint(ag_square(x)));
    ag_gradient(ag_mul(y, x), 1, &x, &d);
    ag_gradient(d, 1, &x, &dd);
    ck_assert(test_number(y) == 4 && test_number(d) == 12 && test_number(dd) == 12);
    ag_graph_free(g);
}
END_TEST

/* ---- programs nobody wrote --------------------------------------------------------------------------------------- */

START_TEST(random_programs)
{
    ag_graph *g;
    ag_node *y[TEST_RANDOM_NODES];
    double *want[TEST_RANDOM_NODES], *got[TEST_RANDOM_NODES];
    ag_dtype dtype = _i % 2 ? AG_F64 : AG_F32;
    int n = test_random_nodes(_i, dtype, &g, y);
    for (int k = 0; k < n; k++) {
        want[k] = malloc((size_t)ag_size_of(y[k]) * sizeof(double));
        got[k] = malloc((size_t)ag_size_of(y[k]) * sizeof(double));
    }
    ag_options o = test_options();
    test_evaluate(n, y, &o, want);
    o.max_bytes = 1;
    for (int k = 0; k < 3; k++) {
        o.poison = k == 0;
        o.threads = k == 1 ? 2 : 1;
        o.unfused = k == 2;
        test_evaluate(n, y, &o, got);
        for (int j = 0; j < n; j++)
            for (int64_t i = 0; i < ag_size_of(y[j]); i++)
                ck_assert_msg(test_close(got[j][i], want[j][i], dtype == AG_F64 ? 1e-9 : 2e-3),
                              "seed %d, way %d: output %d[%lld] is %.17g, not %.17g", _i, k, j, (long long)i, got[j][i],
                              want[j][i]);
    }
    for (int k = 0; k < n; k++) free(want[k]), free(got[k]);
    ag_graph_free(g);
}
END_TEST

/* ---- loops, depth, memory ---------------------------------------------------------------------------------------- */

START_TEST(loops_are_stepped_once)
{
    enum { STEPS = 20 };
    ag_graph *g = ag_graph_new(NULL);
    uint64_t seed = 5;
    ag_node *x = test_parameter(g, AG_SHAPE(STEPS, 64), &seed, -1, 1);
    ag_node *w = test_parameter(g, AG_SHAPE(64), &seed, -1, 1);
    ag_node *h = ag_checkpoint(ag_tanh(ag_mul(x, w))), *final, *y[3];
    ag_node *state = ag_input(g, NULL, AG_F64, AG_SHAPE(64)), *element = ag_input(g, NULL, AG_F64, AG_SHAPE(64));
    ag_node *next = ag_sin(ag_add(ag_checkpoint(ag_mul(state, w)), element));
    ag_scan_body body = { .length = STEPS, .states = 1, .sequences = 1, .initial = &w, .state = &state, .next = &next,
                          .sequence = &h, .element = &element };
    ck_assert_msg(ag_scan(&body, &final, NULL) == AG_OK, "%s", ag_graph_error(g));
    y[0] = ag_sum(ag_square(ag_checkpoint(final)));
    ck_assert_int_eq(ag_gradient(y[0], 2, (ag_node *[]){ x, w }, y + 1), AG_OK);
    ag_plan *a = compile(g, 3, y, (ag_options){ .unfused = 1 });
    ag_plan *b = compile(g, 3, y, (ag_options){ .max_bytes = 1, .poison = 1 });
    size_t bytes;
    double *want = (double *)(void *)results(a, 3, y, 1, &bytes), *got = (double *)(void *)results(b, 3, y, 1, &bytes);
    for (size_t i = 0; i < bytes / sizeof *got; i++) expect_close(got[i], want[i], 1e-13);
    free(want);
    free(got);
    ag_plan_free(a);
    ag_plan_free(b);
    ag_graph_free(g);
}
END_TEST

START_TEST(a_chain_of_any_length)
{
    const int length = test_quick() ? 1000 : 10000;
    ag_graph *g = ag_graph_new(NULL);
    uint64_t seed = 9;
    ag_node *x = test_parameter(g, AG_SHAPE(500), &seed, 0.4, 0.6), *y = x, *d;
    for (int i = 0; i < length; i++) y = ag_sin(ag_cumsum(ag_mul(y, x), 0)); /* no single pass */
    ck_assert_int_eq(ag_gradient(ag_sum(y), 1, &x, &d), AG_OK);
    ag_plan *a = compile(g, 1, &d, (ag_options){ 0 });
    ag_plan *b = compile(g, 1, &d, (ag_options){ .max_bytes = ag_plan_bytes(a) / 8 });
    ck_assert_uint_le(ag_plan_bytes(b) * 8, ag_plan_bytes(a));
    expect_same_results(a, b, 1, &d, 1);
    ag_plan_free(a);
    ag_plan_free(b);
    ag_graph_free(g);
}
END_TEST

typedef struct {
    int64_t left, taken;
} budget;

static void *allocate(void *context, size_t bytes)
{
    budget *b = context;
    void *memory = b->left-- > 0 ? malloc(bytes) : NULL;
    b->taken += memory != NULL;
    if (memory) memset(memory, 0xA5, bytes);
    return memory;
}

static void release(void *context, void *memory)
{
    ((budget *)context)->taken -= memory != NULL;
    free(memory);
}

START_TEST(memory_may_end_at_any_time)
{
    int64_t n = 0, done = 0;
    for (; !done; n++) {
        budget b = { .left = n };
        ag_graph *g = ag_graph_new(&(ag_allocator){ allocate, release, &b });
        if (!g) continue;
        ag_node *x = ag_parameter(g, NULL, AG_F64, AG_SHAPE(200), NULL), *y = x, *d;
        for (int i = 0; i < 12; i++)
            y = ag_cumsum(ag_checkpoint(ag_concat(2, (ag_node *[]){ ag_sin(y), ag_cos(y) }, 0)), 0);
        for (int i = 0; i < 12; i++) y = ag_slice(y, 0, 0, AG_END, 2);
        ag_gradient(ag_sum(ag_square(y)), 1, &x, &d);
        ag_plan *p = ag_compile(g, 1, &d, &(ag_options){ .max_bytes = 1, .isa = test_options().isa });
        done = p != NULL;
        if (!p) ck_assert_int_eq(ag_graph_status(g), AG_EMEM);
        ag_plan_free(p);
        ag_graph_free(g);
        ck_assert_msg(b.taken == 0, "%lld blocks leak when allocation %lld fails", (long long)b.taken, (long long)n);
    }
    ck_assert_int_gt(n, 20);
}
END_TEST

/* ---- what needs not be stored in the first place ----------------------------------------------------------------- */

static size_t bytes_of_plan(const network *n)
{
    ag_plan *p = compile(n->g, n->n, n->output, (ag_options){ 0 });
    size_t bytes = ag_plan_bytes(p);
    ag_plan_free(p);
    return bytes;
}

/* A relu's mask is made of its value, which is kept for the products, where the gradient reads it. */
START_TEST(masks_are_not_stored)
{
    network_shape s = { 20, 512, 32, 0, AG_F32, ag_tanh };
    network tanh = differentiated(&s);
    s.activation = ag_relu;
    network relu = differentiated(&s);
    ck_assert_uint_le(bytes_of_plan(&relu), bytes_of_plan(&tanh) + 1000);
    ag_graph_free(tanh.g);
    ag_graph_free(relu.g);
}
END_TEST

/* An update through a product is made as soon as it can be: it need not keep what it is made of. */
START_TEST(updates_are_made_early)
{
    network_shape s = { 20, 512, 32, 0, AG_F32, ag_tanh };
    network gradient = differentiated(&s), update = build(&s);
    update.output[update.n++] = ag_sgd(update.output[0], &(ag_sgd_options){ .rate = 0.1 });
    ck_assert_uint_le(bytes_of_plan(&update), bytes_of_plan(&gradient));
    ag_graph_free(gradient.g);
    ag_graph_free(update.g);
}
END_TEST

Suite *suite_recompute(void)
{
    Suite *s = suite_create("recompute");
    TCase *t = tcase_create("recompute");
    tcase_set_timeout(t, 120);
    int few = test_quick();
    tcase_add_loop_test(t, two_hundred_layers_fit_in_a_quarter, 0, few ? 1 : 5);
    tcase_add_test(t, training_fits_in_a_quarter);
    tcase_add_test(t, training_with_adam_fits_in_half);
    tcase_add_test(t, marked_values_are_not_kept);
    tcase_add_test(t, what_marked_values_are_made_of_is_not_kept);
    tcase_add_test(t, values_of_parameters_are_made_one_at_a_time);
    tcase_add_test(t, nothing_changes_unasked);
    tcase_add_test(t, a_limit_out_of_reach_is_approached);
    tcase_add_loop_test(t, gradients_are_those_of_c_by_hand, 0, 2);
    tcase_add_loop_test(t, marks_of_all_kinds, 0, (int)COUNT(losses));
    tcase_add_test(t, checkpoints_stand_for_their_value);
    tcase_add_loop_test(t, random_programs, 0, few ? 10 : 200);
    tcase_add_test(t, loops_are_stepped_once);
    tcase_add_test(t, a_chain_of_any_length);
    tcase_add_test(t, memory_may_end_at_any_time);
    tcase_add_test(t, masks_are_not_stored);
    tcase_add_test(t, updates_are_made_early);
    suite_add_tcase(s, t);
    return s;
}
