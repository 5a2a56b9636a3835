/* Random numbers: what they are, that they are the same however they are made, and when they are fresh. */
#include "philox.h"
#include "test.h"

#include <dlfcn.h>
#include <unistd.h>

static ag_graph *g;
static ag_plan *plan;
static ag_run *run;

static void begin(void)
{
    g = ag_graph_new(NULL);
}

static void drop(void)
{
    ag_run_free(run);
    ag_plan_free(plan);
    run = NULL;
    plan = NULL;
}

static void end(void)
{
    drop();
    ag_graph_free(g);
}

static void restart(void)
{
    end();
    begin();
}

static void compile(int n, ag_node *const y[], ag_options o)
{
    drop();
    if (!o.isa) o.isa = test_options().isa;
    plan = ag_compile(g, n, y, &o);
    expect_well(g);
    run = ag_run_new(plan);
}

static void evaluate(void)
{
    ck_assert_msg(ag_eval(run) == AG_OK, "%s", ag_run_error(run));
}

static int64_t counted(const ag_run *r)
{
    int64_t n = -1;
    ck_assert_int_eq(ag_fetch(r, ag_find(g, "random/counter"), &n), AG_OK);
    return n;
}

/* ---- values ------------------------------------------------------------------------------------------------------ */

/* The published answers of Random123, of our own reference; the first of the library, too. */
START_TEST(known_answers)
{
    static const uint32_t rows[][10] = {
        { 0, 0, 0, 0, 0, 0, 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8 },
        { ~0u, ~0u, ~0u, ~0u, ~0u, ~0u, 0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd },
        { 0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344, 0xa4093822, 0x299f31d0, 0xd16cfe09, 0x94fdcceb, 0x5001e420,
          0x24126ea1 },
    };
    for (size_t k = 0; k < COUNT(rows); k++) {
        uint32_t w[4];
        philox(rows[k] + 4, rows[k], w);
        for (int i = 0; i < 4; i++) ck_assert_uint_eq(w[i], rows[k][6 + i]);
    }
    ag_node *u = ag_random_uniform(g, AG_F32, AG_SHAPE(64));
    const int64_t before = -1; /* the evaluation is number 0 */
    compile(1, &u, (ag_options){ 0 });
    ck_assert_int_eq(ag_feed(run, ag_find(g, "random/counter"), &before), AG_OK);
    evaluate();
    const float *value = ag_data(run, u);
    for (int i = 0; i < 4; i++) ck_assert(value[16 * i] == (float)(rows[0][6 + i] >> 8) * 0x1p-24f);
}
END_TEST

static const int64_t sizes[] = { 1, 2, 15, 17, 31, 33, 63, 64, 65, 1000, 16384, 33000 };

/* Every element of all kinds, of two draws in two evaluations, with a seed of more than 32 bits. */
START_TEST(every_number_is_as_defined)
{
    const int64_t n = sizes[_i], seed = -0x123456789abcdef, large = INT64_C(0x700000002);
    ag_random_seed(g, seed);
    ag_node *y[] = { ag_random_uniform(g, AG_F32, AG_SHAPE(n)), ag_random_uniform(g, AG_F64, AG_SHAPE(n)),
                     ag_random_normal(g, AG_F32, AG_SHAPE(n)), ag_random_normal(g, AG_F64, AG_SHAPE(n)),
                     ag_shuffle(g, n) };
    int64_t *order = malloc((size_t)n * sizeof *order);
    for (int isa = 1; isa <= test_best_isa(); isa++) {
        compile(5, y, (ag_options){ .isa = isa });
        for (int e = 0; e < 2; e++) {
            if (e) ck_assert_int_eq(ag_feed(run, ag_find(g, "random/counter"), &large), AG_OK);
            evaluate();
            philox_draw d[5];
            for (uint32_t k = 0; k < 5; k++) d[k] = (philox_draw){ seed, e ? large + 1 : 1, k };
            philox_shuffle(d[4], n, order);
            for (int64_t i = 0; i < n; i++) {
                ck_assert(((const float *)ag_data(run, y[0]))[i] == philox_uniform_f32(d[0], i));
                ck_assert(((const double *)ag_data(run, y[1]))[i] == philox_uniform_f64(d[1], i));
                expect_close(((const float *)ag_data(run, y[2]))[i], philox_normal_f32(d[2], i), 1e-6);
                expect_close(((const double *)ag_data(run, y[3]))[i], philox_normal_f64(d[3], i), 4e-15);
                ck_assert_int_eq(((const int64_t *)ag_data(run, y[4]))[i], order[i]);
            }
        }
    }
    free(order);
}
END_TEST

/* ---- statistics, of fixed seeds: what holds once holds always ---------------------------------------------------- */

enum { MANY = 1 << 20 };

static void expect_moments(ag_node *x, const double want[4])
{
    ag_node *y[4] = { ag_mean(x), NULL, NULL, NULL };
    for (int k = 1; k < 4; k++) y[k] = ag_mean(ag_pow(x, ag_number(g, k + 1)));
    compile(4, y, (ag_options){ 0 });
    evaluate();
    for (int k = 0; k < 4; k++) { /* within five deviations, which are less than these */
        const double slack = 5 * (k == 3 ? 10 : 4) / sqrt(MANY);
        ck_assert_msg(fabs(ag_item(run, y[k]) - want[k]) <= slack, "moment %d is %g", k + 1, ag_item(run, y[k]));
    }
}

START_TEST(moments)
{
    const ag_dtype type = _i ? AG_F64 : AG_F32;
    ag_node *u = ag_random_uniform(g, type, AG_SHAPE(MANY)), *n = ag_random_normal(g, type, AG_SHAPE(MANY));
    expect_moments(u, (const double[]){ 1. / 2, 1. / 3, 1. / 4, 1. / 5 });
    expect_moments(n, (const double[]){ 0, 1, 0, 3 });
    /* neighbours, of any distance that the layout knows, and the other draw's */
    static const int64_t distances[] = { 1, 2, 16, 32, 64, 4096 };
    for (size_t k = 0; k < COUNT(distances); k++) {
        ag_node *late = ag_slice(n, 0, distances[k], AG_END, 1), *early = ag_slice(n, 0, 0, MANY - distances[k], 1);
        ag_node *y[] = { ag_mean(ag_mul(late, early)), ag_mean(ag_mul(ag_square(late), ag_square(early))),
                         ag_mean(ag_mul(u, n)) };
        compile(3, y, (ag_options){ 0 });
        evaluate();
        ck_assert(fabs(ag_item(run, y[0])) < 5 / sqrt(MANY) && fabs(ag_item(run, y[1]) - 1) < 15 / sqrt(MANY));
        ck_assert(fabs(ag_item(run, y[2])) < 5 / sqrt(MANY));
    }
}
END_TEST

/* Pearson's sum, which has n - 1 degrees of freedom: its mean, and its variance's half. */
static void expect_even(int n, const int *count, double each)
{
    double sum = 0;
    for (int i = 0; i < n; i++) sum += (count[i] - each) * (count[i] - each) / each;
    ck_assert_msg(fabs(sum - (n - 1)) < 5 * sqrt(2 * (n - 1)), "chi-square is %g for %d bins", sum, n);
}

START_TEST(bins_are_even)
{
    enum { BINS = 256 };
    int count[2][BINS] = { { 0 } };
    ag_node *y[] = { ag_random_uniform(g, _i ? AG_F64 : AG_F32, AG_SHAPE(MANY)),
                     ag_random_normal(g, _i ? AG_F64 : AG_F32, AG_SHAPE(MANY)) };
    double *value = malloc(MANY * sizeof *value);
    for (int k = 0; k < 2; k++) {
        test_evaluate(1, &y[k], NULL, &value);
        for (int i = 0; i < MANY; i++) {
            const double p = k ? 0.5 * erfc(-value[i] / sqrt(2)) : value[i]; /* a normal one's is even */
            ck_assert(p >= 0 && (k || p < 1));
            count[k][(int)fmin(p * BINS, BINS - 1)]++;
        }
        expect_even(BINS, count[k], (double)MANY / BINS);
    }
    free(value);
}
END_TEST

START_TEST(all_orders_are_as_likely)
{
    enum { N = 4, ORDERS = 24, ROUNDS = 100 * ORDERS, LONG = 40 };
    int count[ORDERS] = { 0 }, place[LONG] = { 0 };
    ag_node *y[] = { ag_shuffle(g, N), ag_shuffle(g, LONG) };
    compile(2, y, (ag_options){ 0 });
    for (int e = 0; e < ROUNDS; e++) {
        evaluate();
        const int64_t *p = ag_data(run, y[0]), *q = ag_data(run, y[1]);
        int rank = 0, seen[LONG] = { 0 };
        for (int i = 0; i < N; i++) {
            int less = 0;
            for (int j = i + 1; j < N; j++) less += p[j] < p[i];
            rank = rank * (N - i) + less;
        }
        count[rank]++;
        for (int i = 0; i < LONG; i++) seen[q[i]]++;
        for (int i = 0; i < LONG; i++) ck_assert_int_eq(seen[i], 1);
        place[q[LONG / 2]]++;
    }
    expect_even(ORDERS, count, (double)ROUNDS / ORDERS);
    expect_even(LONG, place, (double)ROUNDS / LONG);
}
END_TEST

/* ---- the same bits ----------------------------------------------------------------------------------------------- */

enum { LARGE = 540007, KINDS = 6 }; /* large enough for threads */

static void make_kinds(ag_node *y[KINDS])
{
    ag_random_seed(g, 5);
    y[0] = ag_random_uniform(g, AG_F32, AG_SHAPE(LARGE));
    y[1] = ag_random_uniform(g, AG_F64, AG_SHAPE(LARGE));
    y[2] = ag_random_normal(g, AG_F32, AG_SHAPE(7, LARGE / 7));
    y[3] = ag_random_normal(g, AG_F64, AG_SHAPE(LARGE));
    y[4] = ag_shuffle(g, LARGE);
    y[5] = ag_dropout(ag_constant(g, AG_F32, AG_SHAPE(3), (float[]){ 1, 2, 3 }), 0.5);
    expect_well(g);
}

static size_t bytes_of(const ag_node *x)
{
    return (size_t)ag_size_of(x) * (ag_type_of(x) == AG_F32 ? 4 : 8);
}

static void fetch_kinds(ag_node *const y[KINDS], char *to)
{
    for (int k = 0; k < KINDS; to += bytes_of(y[k++])) ck_assert_int_eq(ag_fetch(run, y[k], to), AG_OK);
}

START_TEST(bits_do_not_depend_on_the_way)
{
    static char want[2][40 * LARGE], got[40 * LARGE];
    ag_node *y[KINDS];
    make_kinds(y);
    ag_options native = test_native();
    const ag_options ways[] = { { .isa = 1 }, { .isa = test_best_isa() }, { .isa = test_best_isa() > 1 ? 2 : 1 },
                                { .threads = 2 }, { .threads = 7, .poison = 1 }, { .unfused = 1 }, { .distinct = 1 },
                                native };
    for (size_t w = 0; w < COUNT(ways); w++) {
        compile(KINDS, y, ways[w]);
        for (int e = 0; e < 2; e++) {
            evaluate();
            fetch_kinds(y, w ? got : want[e]);
            ck_assert_msg(!w || !memcmp(got, want[e], sizeof got), "way %zu, evaluation %d", w, e);
        }
    }
    ck_assert(memcmp(want[0], want[1], sizeof got));
}
END_TEST

START_TEST(exported_functions_draw_the_same)
{
    static char want[40 * LARGE], got[40 * LARGE];
    char folder[] = "/tmp/autograd-XXXXXX", path[64], command[256];
    ag_node *y[KINDS];
    void *output[KINDS];
    make_kinds(y);
    compile(KINDS, y, (ag_options){ 0 });
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/f.c", folder);
    FILE *to = fopen(path, "w");
    ck_assert_int_eq(ag_write_c(plan, "f", to, NULL, &(ag_c_options){ .initial = 1 }), 0);
    fprintf(to, "int call(void *const *y, void *work);\nextern const long size;\nconst long size = f_WORKSPACE;\n"
                "int call(void *const *y, void *work)\n{\n    static struct f_parameters p;\n    static int begun;\n"
                "    struct f_outputs o;\n    if (!begun++) p = f_initial;\n");
    for (int k = 0; k < KINDS; k++) fprintf(to, "    o.output%d = y[%d];\n", k, k);
    fprintf(to, "    return f(&p, &o, work);\n}\n");
    fclose(to);
    snprintf(command, sizeof command, "cc -std=c99 -Wall -Wextra -Wpedantic -Wshadow -Werror -O2 -fPIC -shared"
             " %s -o %s.so -lm", path, path);
    ck_assert_int_eq(system(command), 0);
    strcat(path, ".so");
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    ck_assert_msg(library != NULL, "%s", dlerror());
    int (*call)(void *const *, void *);
    *(void **)&call = dlsym(library, "call");
    void *work = malloc((size_t)*(const long *)dlsym(library, "size"));
    char *at = got;
    for (int k = 0; k < KINDS; at += bytes_of(y[k++])) output[k] = at;
    for (int e = 0; e < 3; e++) {
        evaluate();
        fetch_kinds(y, want);
        ck_assert_int_eq(call(output, work), 0);
        ck_assert_msg(!memcmp(got, want, sizeof got), "evaluation %d", e);
    }
    free(work);
    dlclose(library);
    snprintf(command, sizeof command, "rm -r %s", folder);
    ck_assert_int_eq(system(command), 0);
}
END_TEST

/* ---- fresh or not ------------------------------------------------------------------------------------------------ */

static double differing(const float *a, const float *b, int n)
{
    int count = 0;
    for (int i = 0; i < n; i++) count += a[i] != b[i];
    return (double)count / n;
}

START_TEST(every_draw_and_every_evaluation_is_another)
{
    enum { N = 200 };
    float last[3][N] = { { 0 } };
    ag_graph_intern(g, _i);
    ag_node *y[3];
    for (int k = 0; k < 3; k++) y[k] = ag_random_uniform(g, AG_F32, AG_SHAPE(N));
    compile(3, y, (ag_options){ 0 });
    for (int e = 1; e <= 3; e++) {
        evaluate();
        ck_assert_int_eq(counted(run), e);
        const float *now[3] = { ag_data(run, y[0]), ag_data(run, y[1]), ag_data(run, y[2]) };
        ck_assert(differing(now[0], now[1], N) > 0.99 && differing(now[1], now[2], N) > 0.99);
        for (int k = 0; k < 3; k++) ck_assert(differing(now[k], last[k], N) > 0.99);
        for (int k = 0; k < 3; k++) memcpy(last[k], now[k], sizeof last[k]);
    }
}
END_TEST

START_TEST(seeds)
{
    ag_node *seed = ag_random_seed(g, 3), *u = ag_random_uniform(g, AG_F64, AG_SCALAR);
    ck_assert(seed == ag_find(g, "random/seed"));
    compile(1, &u, (ag_options){ 0 });
    evaluate();
    ck_assert(ag_item(run, u) == philox_uniform_f64((philox_draw){ 3, 1, 0 }, 0));
    ck_assert_int_eq(ag_feed_i64(run, seed, (const int64_t[]){ 4 }, 1), AG_OK);
    evaluate();
    ck_assert(ag_item(run, u) == philox_uniform_f64((philox_draw){ 4, 2, 0 }, 0));
}
END_TEST

START_TEST(a_saved_run_goes_on)
{
    char path[] = "/tmp/autograd-XXXXXX";
    double want[2], got[2];
    ag_node *y[2];
    close(mkstemp(path));
    for (int later = 0; later < 2; later++) {
        if (later) restart();
        ag_random_seed(g, later ? 0 : 77); /* the file's counts */
        y[0] = ag_random_normal(g, AG_F64, AG_SCALAR);
        y[1] = ag_random_uniform(g, AG_F64, AG_SCALAR);
        compile(2, y, (ag_options){ 0 });
        for (int e = 0; e < 3 && !later; e++) evaluate();
        ck_assert_int_eq(later ? ag_load(run, path) : ag_save(run, path), AG_OK);
        evaluate();
        for (int k = 0; k < 2; k++) (later ? got : want)[k] = ag_item(run, y[k]);
    }
    ck_assert(want[0] == got[0] && want[1] == got[1]);
    unlink(path);
}
END_TEST

/* What an evaluation draws that has failed before is what it draws otherwise; whatever is computed first. */
START_TEST(a_failing_evaluation_draws_nothing)
{
    ag_node *x = ag_parameter(g, "x", AG_F64, AG_SHAPE(50), NULL), *index = ag_input(g, "i", AG_I64, AG_SHAPE(1));
    ag_node *u = ag_random_uniform(g, AG_F64, AG_SHAPE(50));
    ag_node *picked = ag_gather(_i ? ag_add(x, u) : x, 0, index), *y[] = { ag_sum(u), ag_sum(picked), NULL };
    y[2] = ag_assign(x, ag_add(x, u));
    double want[2];
    for (int failing = 0; failing < 2; failing++) {
        compile(3, y, (ag_options){ 0 });
        for (int e = 0; e < 2; e++) {
            ag_feed(run, index, (const int64_t[]){ 50 });
            for (int k = 0; failing && k < 3; k++) ck_assert_int_eq(ag_eval(run), AG_EARG);
            ck_assert_int_eq(counted(run), e);
            ag_feed(run, index, (const int64_t[]){ 3 });
            evaluate();
            if (failing) ck_assert(ag_item(run, y[0]) == want[e]);
            else want[e] = ag_item(run, y[0]);
        }
    }
}
END_TEST

START_TEST(plans_that_share_parameters_share_the_stream)
{
    ag_node *u = ag_random_uniform(g, AG_F64, AG_SHAPE(10)), *v = ag_random_normal(g, AG_F64, AG_SHAPE(5));
    ag_node *training = ag_sum(ag_concat(2, (ag_node *[]){ u, v }, 0)), *sample = ag_sum(v);
    double want[4];
    compile(2, (ag_node *[]){ training, sample }, (ag_options){ 0 });
    for (int e = 0; e < 4; e++) {
        evaluate();
        want[e] = ag_item(run, e % 2 ? sample : training);
    }
    compile(1, &training, (ag_options){ 0 });
    ag_plan *other = ag_compile(g, 1, &sample, NULL);
    ag_run *second = ag_run_new(other);
    ck_assert_int_eq(ag_run_share(second, run), AG_OK);
    for (int e = 0; e < 4; e++) {
        ck_assert_int_eq(ag_eval(e % 2 ? second : run), AG_OK);
        ck_assert(ag_item(e % 2 ? second : run, e % 2 ? sample : training) == want[e]);
    }
    ag_run_free(second);
    ag_plan_free(other);
}
END_TEST

START_TEST(a_plan_that_draws_nothing_counts_nothing)
{
    ag_node *x = ag_parameter(g, "x", AG_F64, AG_SHAPE(4), NULL), *y = ag_sum(ag_exp(x));
    ag_node *noisy = ag_sum(ag_dropout(x, 0.5));
    compile(1, &y, (ag_options){ 0 });
    ck_assert_ptr_null(ag_data(run, ag_find(g, "random/counter")));
    ck_assert_str_eq(ag_plan_note(plan), "");
    compile(1, &noisy, (ag_options){ 0 });
    ck_assert_str_eq(ag_plan_note(plan), "");
}
END_TEST

/* ---- derivatives, loops, branches -------------------------------------------------------------------------------- */

static ag_node *noisy_loss(ag_node *w)
{
    ag_node *h = ag_dropout(ag_tanh(ag_mul(w, ag_random_normal(g, AG_F64, ag_shape_of(w)))), 0.4);
    return ag_sum(ag_square(ag_add(h, ag_dropout(w, 0.2))));
}

START_TEST(gradients_are_checked_with_fixed_numbers)
{
    uint64_t seed = 1;
    ag_node *w = test_parameter(g, AG_SHAPE(6, 5), &seed, -1, 1), *loss = noisy_loss(w);
    ag_check_report report;
    ck_assert_msg(ag_check_gradient(loss, 1, &w, NULL, &report) == AG_OK, "%s", report.message);
    compile(1, &loss, (ag_options){ 0 });
    for (int e = 0; e < 3; e++) evaluate();
    ag_check_options o = { .at = run };
    ck_assert_msg(ag_check_gradient(loss, 1, &w, &o, &report) == AG_OK, "%s", report.message);
    ck_assert_int_eq(counted(run), 3);
}
END_TEST

START_TEST(dropout_scales_what_it_keeps)
{
    enum { N = 40000 };
    const double p = (const double[]){ 0, 0.1, 0.5, 0.75 }[_i];
    static double v[N], y[N], dx[N];
    for (int i = 0; i < N; i++) v[i] = 1 + i % 7;
    ag_node *x = ag_parameter(g, "x", AG_F64, AG_SHAPE(N), v), *d = ag_dropout(x, p), *out[] = { d, NULL };
    ag_gradient(ag_sum(ag_mul(d, ag_number(g, 3))), 1, &x, &out[1]);
    test_evaluate(2, out, NULL, (double *[]){ y, dx });
    int kept = 0;
    for (int i = 0; i < N; i++) {
        kept += y[i] != 0;
        ck_assert(y[i] == 0 ? dx[i] == 0 : fabs(y[i] * (1 - p) - v[i]) < 1e-14 && fabs(dx[i] * (1 - p) - 3) < 1e-14);
    }
    ck_assert(fabs(kept - N * (1 - p)) <= 5 * sqrt(N * p * (1 - p)));
}
END_TEST

/* Layers whose values are kept, marked to be computed again, or computed again by the compiler's choice. */
START_TEST(values_computed_again_are_the_same)
{
    enum { N = 64, LAYERS = 12 };
    uint64_t seed = 3;
    double *out[3] = { calloc(N * N, 8), calloc(N * N, 8), calloc(N * N, 8) };
    for (int marked = 0; marked < 2; marked++) {
        if (marked) restart();
        seed = 3;
        ag_node *w = test_parameter(g, AG_SHAPE(N, N), &seed, -0.3, 0.3), *h = w, *dw;
        for (int l = 0; l < LAYERS; l++) {
            h = ag_tanh(ag_matmul(ag_dropout(h, 0.3), w));
            h = ag_add(h, ag_random_normal(g, AG_F64, AG_SHAPE(N, N)));
            if (marked && l % 3) h = ag_checkpoint(h);
        }
        ag_gradient(ag_sum(ag_square(h)), 1, &w, &dw);
        test_evaluate(1, &dw, NULL, &out[marked]);
        if (marked) continue;
        compile(1, &dw, (ag_options){ 0 });
        const size_t bytes = ag_plan_bytes(plan);
        ag_options o = { .isa = test_options().isa, .max_bytes = bytes / 2 };
        compile(1, &dw, o);
        ck_assert_uint_lt(ag_plan_bytes(plan), bytes * 2 / 3);
        test_evaluate(1, &dw, &o, &out[2]);
    }
    for (int i = 0; i < N * N; i++) ck_assert(out[1][i] == out[0][i] && out[2][i] == out[0][i]);
    for (int k = 0; k < 3; k++) free(out[k]);
}
END_TEST

/* A loop that adds what its body draws, and an element of a sequence; the gradient steps anew over segments. */
START_TEST(loops_draw_once_outside)
{
    enum { STEPS = 24 };
    ag_node *s = ag_input(g, NULL, AG_F64, AG_SCALAR), *e = ag_input(g, NULL, AG_F64, AG_SCALAR);
    ag_node *p = ag_parameter(g, "p", AG_F64, AG_SCALAR, (const double[]){ 0.5 }), *final, *stacked[2], *dp;
    ag_node *once = ag_random_normal(g, AG_F64, AG_SCALAR), *each = ag_random_normal(g, AG_F64, AG_SHAPE(STEPS));
    ag_node *next = ag_sin(ag_add(ag_mul(p, s), ag_mul(once, e)));
    ag_scan_body body = { .length = STEPS, .states = 1, .sequences = 1, .results = 2, .initial = &p, .state = &s,
                          .next = &next, .sequence = &each, .element = &e, .result = (ag_node *[]){ once, e },
                          .max_bytes = _i ? 64 : 0 };
    ck_assert_int_eq(ag_scan(&body, &final, stacked), AG_OK);
    ag_gradient(final, 1, &p, &dp);
    compile(6, (ag_node *[]){ final, stacked[0], stacked[1], dp, once, each }, (ag_options){ 0 });
    for (int k = 0; k < 2; k++) {
        evaluate();
        double want = 0.5, slope = 1;
        for (int t = 0; t < STEPS; t++) {
            const double a = ag_item(run, once), b = ((const double *)ag_data(run, each))[t];
            ck_assert(((const double *)ag_data(run, stacked[0]))[t] == a);
            ck_assert(((const double *)ag_data(run, stacked[1]))[t] == b);
            const double inner = 0.5 * want + a * b;
            slope = cos(inner) * (want + 0.5 * slope);
            want = sin(inner);
        }
        expect_close(ag_item(run, final), want, 1e-14);
        expect_close(ag_item(run, dp), slope, 1e-13);
    }
    ag_check_report report;
    ck_assert_msg(ag_check_gradient(final, 1, &p, NULL, &report) == AG_OK, "%s", report.message);
}
END_TEST

/* What only one side draws is counted, whichever side is taken. */
START_TEST(branches_draw_too)
{
    ag_node *which = ag_input(g, "which", AG_F64, AG_SCALAR), *x = ag_parameter(g, "x", AG_F64, AG_SCALAR, NULL);
    ag_node *a = ag_input(g, NULL, AG_F64, AG_SCALAR), *y, *dx;
    ag_node *then = ag_add(a, ag_random_normal(g, AG_F64, AG_SCALAR));
    ag_node *otherwise = ag_mul(a, ag_random_uniform(g, AG_F64, AG_SCALAR));
    ck_assert_int_eq(ag_cond(which, 1, &x, &a, 1, &then, &otherwise, &y), AG_OK);
    ag_gradient(y, 1, &x, &dx);
    compile(2, (ag_node *[]){ y, dx }, (ag_options){ .verify = 1 });
    ag_feed(run, x, (const double[]){ 2 });
    for (int e = 1; e <= 4; e++) {
        ag_feed(run, which, (const double[]){ e % 2 });
        evaluate();
        const double u = philox_uniform_f64((philox_draw){ 0, e, 1 }, 0);
        expect_close(ag_item(run, y), e % 2 ? 2 + philox_normal_f64((philox_draw){ 0, e, 0 }, 0) : 2 * u, 1e-14);
        expect_close(ag_item(run, dx), e % 2 ? 1 : u, 1e-14);
        ck_assert_int_eq(counted(run), e);
    }
}
END_TEST

START_TEST(derivatives_of_many_kinds_leave_the_numbers_alone)
{
    uint64_t seed = 5;
    ag_node *x = test_parameter(g, AG_SHAPE(4), &seed, -1, 1), *m = ag_random_normal(g, AG_F64, AG_SHAPE(4));
    ag_node *y = ag_mul(ag_square(x), m), *jacobian = ag_jacobian(y, x), *hessian = ag_hessian(ag_sum(y), x);
    const ag_sparse *s = ag_sparse_jacobian(y, 1, &x, NULL);
    expect_well(g);
    ck_assert_int_eq(s->nonzeros, 4);
    compile(5, (ag_node *[]){ jacobian, hessian, s->values, m, x }, (ag_options){ 0 });
    evaluate();
    const double *v = ag_data(run, x), *n = ag_data(run, m);
    for (int i = 0; i < 16; i++) {
        const int own = i / 4 == i % 4;
        expect_close(((const double *)ag_data(run, jacobian))[i], own ? 2 * v[i / 4] * n[i / 4] : 0, 1e-14);
        expect_close(((const double *)ag_data(run, hessian))[i], own ? 2 * n[i / 4] : 0, 1e-14);
    }
    for (int i = 0; i < 4; i++) expect_close(((const double *)ag_data(run, s->values))[i], 2 * v[i] * n[i], 1e-14);
}
END_TEST

/* ---- errors ------------------------------------------------------------------------------------------------------ */

START_TEST(what_is_wrong_is_said)
{
    ag_node *x = ag_input(g, "x", AG_F64, AG_SHAPE(3)), *i = ag_input(g, "i", AG_I64, AG_SHAPE(3));
    ck_assert_ptr_null(ag_random_uniform(NULL, AG_F32, AG_SCALAR));
    ck_assert_ptr_null(ag_shuffle(NULL, 3));
    ck_assert_ptr_null(ag_random_seed(NULL, 3));
    ck_assert_ptr_null(ag_dropout(NULL, 0.5));
    ag_random_uniform(g, AG_I64, AG_SCALAR);
    expect_error(g, AG_ETYPE, "random_uniform", "AG_F32 or AG_F64");
    ag_random_normal(g, (ag_dtype)7, AG_SCALAR);
    expect_error(g, AG_ETYPE, "random_normal", "7");
    ag_random_normal(g, AG_F32, AG_SHAPE(3, 0));
    expect_error(g, AG_ESHAPE, "random_normal");
    ag_random_normal(g, AG_F32, (ag_shape){ .rank = 9 });
    expect_error(g, AG_ESHAPE, "random_normal");
    ag_random_normal(g, AG_F32, (ag_shape){ .rank = -1 });
    expect_error(g, AG_ESHAPE, "random_normal");
    ag_random_uniform(g, AG_F64, AG_SHAPE(1 << 20, 1 << 14));
    expect_error(g, AG_ESHAPE, "random_uniform", "too many");
    ag_shuffle(g, 0);
    expect_error(g, AG_ESHAPE, "shuffle");
    ag_shuffle(g, INT64_C(1) << 32);
    expect_error(g, AG_ESHAPE, "shuffle", "too many");
    static const double wrong[] = { 1, -0.1, NAN, INFINITY };
    for (size_t k = 0; k < COUNT(wrong); k++) {
        ck_assert(ag_is_bad(ag_dropout(x, wrong[k])));
        expect_error(g, AG_EARG, "dropout", "p is", "'x'");
    }
    ag_dropout(i, 0.5);
    expect_error(g, AG_ETYPE, "dropout", "ag_cast");
    ag_random_seed(g, 1);
    expect_error(g, AG_EARG, "ag_random_seed", "already");
    ag_node *u = ag_random_uniform(g, AG_F64, AG_SCALAR); /* what failed has drawn nothing */
    compile(1, &u, (ag_options){ 0 });
    evaluate();
    ck_assert(ag_item(run, u) == philox_uniform_f64((philox_draw){ 0, 1, 0 }, 0));
}
END_TEST

START_TEST(names_that_are_taken)
{
    ag_input(g, "random/seed", AG_F64, AG_SCALAR);
    ag_input(g, "random/counter", AG_F64, AG_SCALAR);
    ag_node *seed = ag_random_seed(g, 1);
    ck_assert_str_eq(ag_name(seed, NULL), "random/seed 2");
    ck_assert_ptr_nonnull(ag_find(g, "random/counter 2"));
}
END_TEST

START_TEST(formulas)
{
    ag_node *x = ag_input(g, "x", AG_F32, AG_SHAPE(3)), *y;
    y = ag_parse(g, "random_uniform(f32, 2, 3)");
    ck_assert(y->op == &agi_random_uniform && ag_type_of(y) == AG_F32);
    expect_shape(y, AG_SHAPE(2, 3));
    y = ag_parse(g, "random_normal(f64)");
    ck_assert(y->op == &agi_random_normal && ag_type_of(y) == AG_F64);
    expect_shape(y, AG_SCALAR);
    y = ag_parse(g, "dropout(x, 0.25)");
    ck_assert(y->op == &agi_dropout && y->in[0] == x && *(const double *)y->attribute == 0.25);
    y = ag_parse(g, "shuffle(5)");
    ck_assert(y->op == &agi_shuffle);
    expect_well(g);
    ag_parse(g, "dropout(x, x)");
    expect_error(g, AG_EARG, "dropout", "a number");
}
END_TEST

/* Memory that ends anywhere: an error, and the next stream of the same graph is whole. */
START_TEST(memory_ends)
{
    int done = 0;
    for (int64_t left = 0; !done && left < 1000; left++) {
        test_budget budget = { .left = left };
        ag_allocator a = test_allocator(&budget);
        ag_graph *small = ag_graph_new(&a);
        if (!small) continue;
        ag_node *x = ag_parameter(small, "x", AG_F64, AG_SHAPE(3), NULL);
        ag_node *y = ag_sum(ag_dropout(ag_add(x, ag_random_normal(small, AG_F64, AG_SHAPE(3))), 0.5));
        ag_plan *p = ag_compile(small, 1, &y, NULL);
        ag_run *r = ag_run_new(p);
        done = r && ag_eval(r) == AG_OK;
        if (!p) ck_assert_int_eq(ag_graph_status(small), AG_EMEM);
        ag_run_free(r);
        ag_plan_free(p);
        ag_graph_free(small);
        ck_assert_int_eq(budget.taken, 0);
    }
    ck_assert(done);
}
END_TEST

Suite *suite_randomness(void)
{
    Suite *s = suite_create("randomness");
    TCase *t = tcase_create("randomness");
    tcase_add_checked_fixture(t, begin, end);
    tcase_set_timeout(t, 120);
    tcase_add_test(t, known_answers);
    tcase_add_loop_test(t, every_number_is_as_defined, 0, (int)COUNT(sizes));
    tcase_add_loop_test(t, moments, 0, 2);
    tcase_add_loop_test(t, bins_are_even, 0, 2);
    tcase_add_test(t, all_orders_are_as_likely);
    tcase_add_test(t, bits_do_not_depend_on_the_way);
    tcase_add_test(t, exported_functions_draw_the_same);
    tcase_add_loop_test(t, every_draw_and_every_evaluation_is_another, 0, 2);
    tcase_add_test(t, seeds);
    tcase_add_test(t, a_saved_run_goes_on);
    tcase_add_loop_test(t, a_failing_evaluation_draws_nothing, 0, 2);
    tcase_add_test(t, plans_that_share_parameters_share_the_stream);
    tcase_add_test(t, a_plan_that_draws_nothing_counts_nothing);
    tcase_add_test(t, gradients_are_checked_with_fixed_numbers);
    tcase_add_loop_test(t, dropout_scales_what_it_keeps, 0, 4);
    tcase_add_test(t, values_computed_again_are_the_same);
    tcase_add_loop_test(t, loops_draw_once_outside, 0, 2);
    tcase_add_test(t, branches_draw_too);
    tcase_add_test(t, derivatives_of_many_kinds_leave_the_numbers_alone);
    tcase_add_test(t, what_is_wrong_is_said);
    tcase_add_test(t, names_that_are_taken);
    tcase_add_test(t, formulas);
    tcase_add_test(t, memory_ends);
    suite_add_tcase(s, t);
    return s;
}
