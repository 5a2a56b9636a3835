/* Sums that operations, loops and gradients take by adding one number after the other: not less exact for being long,
 * whatever executes them. */
#include "test.h"

#include <dlfcn.h>
#include <unistd.h>

enum { N = 1200000, POSITIONS = 4096, MOST_OUTPUTS = 16 };

/* f32 that take up all its digits, and positions: a few that most come to, all others now and then. */
typedef struct {
    float *x;
    int64_t *index;
} given;

static given make_given(void)
{
    given in = { malloc(N * sizeof *in.x), malloc(N * sizeof *in.index) };
    ck_assert(in.x && in.index);
    for (int64_t k = 0; k < N; k++) {
        in.x[k] = (float)(k * 40503 % 65536) / 65536 + 0.1f;
        in.index[k] = k % 3 ? k % 5 - 2 : k * 7919 % POSITIONS;
    }
    return in;
}

static void drop_given(given in)
{
    free(in.x);
    free(in.index);
}

static int64_t position(const given *in, int64_t k)
{
    return in->index[k] < 0 ? in->index[k] + POSITIONS : in->index[k];
}

/* The sum is `of` what has the magnitudes `size`, together. */
static void expect_sum(const char *how, int output, int64_t element, double got, long double of, long double size)
{
    ck_assert_msg(fabsl(got - of) <= 1e-6L * size, "%s, output %d: element %lld is %.9g, not %.9Lg", how, output,
                  (long long)element, got, of);
}

/* ---- what executes them ------------------------------------------------------------------------------------------ */

typedef struct {
    int n;
    ag_node *input[2], *y[MOST_OUTPUTS];
    float *out[MOST_OUTPUTS];
} program;

static void begin(program *p)
{
    ag_graph *g = ag_graph_new(NULL);
    *p = (program){ .input = { ag_input(g, "x", AG_F32, AG_SHAPE(N)), ag_input(g, "index", AG_I64, AG_SHAPE(N)) } };
}

static void add_output(program *p, ag_node *y)
{
    p->y[p->n] = y;
    p->out[p->n++] = malloc((size_t)ag_count(y) * sizeof(float));
}

static void end(program *p)
{
    for (int k = 0; k < p->n; k++) free(p->out[k]);
    ag_graph_free(p->input[0]->graph);
}

static void execute(program *p, const given *in, const ag_options *o)
{
    ag_plan *plan = ag_compile(p->input[0]->graph, p->n, p->y, o);
    ck_assert_msg(plan != NULL, "%s", ag_graph_error(p->input[0]->graph));
    ag_run *run = ag_run_new(plan);
    ck_assert_int_eq(ag_feed(run, p->input[0], in->x), AG_OK);
    ck_assert_int_eq(ag_feed(run, p->input[1], in->index), AG_OK);
    ck_assert_msg(ag_eval(run) == AG_OK, "%s", ag_run_error(run));
    for (int k = 0; k < p->n; k++) ck_assert_int_eq(ag_fetch(run, p->y[k], p->out[k]), AG_OK);
    ag_run_free(run);
    ag_plan_free(plan);
}

static void execute_exported(program *p, const given *in)
{
    char folder[] = "/tmp/autograd-XXXXXX", path[64], command[256];
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/sums.c", folder);
    ag_plan *plan = ag_compile(p->input[0]->graph, p->n, p->y, NULL);
    FILE *source = fopen(path, "w");
    ck_assert_int_eq(ag_write_c(plan, "sums", source, NULL, NULL), 0);
    fprintf(source, "const int64_t size = sums_WORKSPACE;\n");
    fclose(source);
    snprintf(command, sizeof command, "cc -std=c99 -Wall -Wextra -Wpedantic -Wshadow -Werror -O1 -fPIC -shared"
             " %s -o %s.so -lm", path, path);
    ck_assert_int_eq(system(command), 0);
    strcat(path, ".so");
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    ck_assert_msg(library != NULL, "%s", dlerror());
    int (*function)(const given *, float *const outputs[], void *workspace);
    *(void **)&function = dlsym(library, "sums");
    void *work = malloc((size_t)*(const int64_t *)dlsym(library, "size"));
    ck_assert_int_eq(function(in, p->out, work), 0);
    free(work);
    dlclose(library);
    snprintf(command, sizeof command, "rm -r %s", folder);
    ck_assert_int_eq(system(command), 0);
    ag_plan_free(plan);
}

static void in_all_ways(program *p, void expect(const program *, const given *, const char *how))
{
    given in = make_given();
    const ag_options options[] = { { .isa = test_options().isa }, { .threads = 3 }, { .unfused = 1 }, test_native() };
    const char *const how[] = { "interpreted", "threads", "unfused", "compiled" };
    for (size_t k = 0; k < COUNT(options); k++) {
        execute(p, &in, &options[k]);
        expect(p, &in, how[k]);
    }
    execute_exported(p, &in);
    expect(p, &in, "exported");
    drop_given(in);
    end(p);
}

/* ---- running sums ------------------------------------------------------------------------------------------------ */

static const int64_t running[][3] = { { 1, N, 1 }, { 2, N / 20, 10 }, { 1, N / 600, 600 }, { N / 64, 64, 1 } };

static void expect_running(const program *p, const given *in, const char *how)
{
    for (int k = 0; k < p->n; k++) {
        const int64_t *d = running[k];
        for (int64_t o = 0; o < d[0]; o++)
            for (int64_t i = 0; i < d[2]; i++) {
                long double sum = 0;
                for (int64_t j = 0; j < d[1]; j++) {
                    int64_t at = (o * d[1] + j) * d[2] + i;
                    sum += in->x[at];
                    expect_sum(how, k, at, p->out[k][at], sum, sum);
                }
            }
    }
}

START_TEST(running_sums)
{
    program p;
    begin(&p);
    for (size_t k = 0; k < COUNT(running); k++)
        add_output(&p, ag_cumsum(ag_reshape(p.input[0], AG_SHAPE(running[k][0], running[k][1], running[k][2])), 1));
    in_all_ways(&p, expect_running);
}
END_TEST

/* ---- additions at indices ---------------------------------------------------------------------------------------- */

enum { ALONE, ROWS, TWICE, SQUARES, SQUARE = 200, TIMES = 65 /* so often to the square of each number below */ };

static void expect_scattered(const program *p, const given *in, const char *how)
{
    long double *sum = calloc(3 * POSITIONS, sizeof *sum);
    for (int64_t k = 0; k < POSITIONS; k++) sum[k] = in->x[k];
    for (int64_t k = 0; k < N; k++) sum[position(in, k)] += in->x[k];
    for (int64_t k = 0; k < POSITIONS; k++) expect_sum(how, ALONE, k, p->out[ALONE][k], sum[k], sum[k]);
    memset(sum, 0, 3 * POSITIONS * sizeof *sum);
    for (int64_t k = 0; k < N; k++) sum[position(in, k / 3) * 3 + k % 3] += in->x[k];
    for (int64_t k = 0; k < 3 * POSITIONS; k++) expect_sum(how, ROWS, k, p->out[ROWS][k], sum[k], sum[k]);
    memset(sum, 0, 3 * POSITIONS * sizeof *sum);
    for (int64_t k = 0; k < N; k++) sum[k / (N / 2) * POSITIONS + position(in, k % (N / 2))] += in->x[k];
    for (int64_t k = 0; k < 2 * POSITIONS; k++) expect_sum(how, TWICE, k, p->out[TWICE][k], sum[k], sum[k]);
    free(sum);
    for (int64_t k = 0, root = 0; k < SQUARE * SQUARE; k++) {
        long double its = 0;
        for (int64_t i = root; i < SQUARE * TIMES && k == root * root; i += SQUARE) its += in->x[i];
        expect_sum(how, SQUARES, k, p->out[SQUARES][k], its, its);
        root += k == root * root;
    }
}

START_TEST(additions_at_indices)
{
    program p;
    begin(&p);
    ag_node *x = p.input[0], *index = p.input[1], *row = ag_slice(index, 0, 0, N / 3, 1), *gradient;
    ag_node *zero = ag_cast(ag_number(x->graph, 0), AG_F32), *two = ag_broadcast_to(zero, AG_SHAPE(2, POSITIONS));
    ag_node *w = ag_broadcast_to(zero, AG_SHAPE(POSITIONS, 3)), *rows = ag_reshape(x, AG_SHAPE(N / 3, 3));
    ag_node *loss = ag_sum(ag_mul(ag_gather(w, 0, row), rows));
    ck_assert_int_eq(ag_gradient(loss, 1, &w, &gradient), AG_OK);
    add_output(&p, ag_scatter_add(ag_slice(x, 0, 0, POSITIONS, 1), 0, index, x));
    add_output(&p, gradient);
    add_output(&p, ag_scatter_add(two, 1, ag_slice(index, 0, 0, N / 2, 1), ag_reshape(x, AG_SHAPE(2, N / 2))));
    ag_node *squares = ag_cast(ag_square(ag_arange(x->graph, AG_F64, SQUARE)), AG_I64);
    squares = ag_broadcast_to(squares, AG_SHAPE(TIMES, SQUARE));
    add_output(&p, ag_scatter_add(ag_broadcast_to(zero, AG_SHAPE(SQUARE * SQUARE)), 0, squares,
                                  ag_reshape(ag_slice(x, 0, 0, TIMES * SQUARE, 1), AG_SHAPE(TIMES, SQUARE))));
    in_all_ways(&p, expect_scattered);
}
END_TEST

/* ---- products in exported C, of rows and columns and of rows alone ----------------------------------------------- */

enum { SIDE = 2, INNER = N / SIDE };

static void expect_products(const program *p, const given *in, const char *how)
{
    for (int64_t e = 0; e < SIDE * SIDE; e++) {
        long double sum[2] = { 0 };
        for (int64_t k = 0; k < INNER; k++) {
            long double a = in->x[e / SIDE * INNER + k];
            sum[0] += a * in->x[e % SIDE * INNER + k];
            sum[1] += a * in->x[k * SIDE + e % SIDE];
        }
        for (int k = 0; k < 2; k++) expect_sum(how, k, e, p->out[k][e], sum[k], 5 * sum[k]); /* parts of 512 */
    }
}

START_TEST(exported_products)
{
    program p;
    begin(&p);
    given in = make_given();
    for (int64_t k = 0; k < N; k++) in.x[k] = 0.1f; /* errors of one sign */
    ag_node *x = p.input[0], *rows = ag_reshape(x, AG_SHAPE(SIDE, INNER));
    ag_node *columns = ag_reshape(x, AG_SHAPE(INNER, SIDE));
    add_output(&p, ag_matmul(rows, ag_transpose(rows, NULL)));
    add_output(&p, ag_matmul(rows, columns));
    execute_exported(&p, &in);
    expect_products(&p, &in, "exported");
    drop_given(in);
    end(&p);
}
END_TEST

/* ---- a parameter that a graph reads often ------------------------------------------------------------------------ */

START_TEST(many_readers)
{
    enum { READERS = 1000000 };
    const float tenth = 0.1f, one = 1;
    ag_graph *g = ag_graph_new(NULL);
    ag_node *w = ag_parameter(g, "w", AG_F32, AG_SCALAR, &one), *y = w, *gradient;
    for (int k = 0; k < READERS; k++) y = ag_add(y, ag_mul(ag_parameter(g, NULL, AG_F32, AG_SCALAR, &tenth), w));
    ck_assert_int_eq(ag_gradient(y, 1, &w, &gradient), AG_OK);
    long double want = 1 + READERS * (long double)tenth;
    expect_sum("many readers", 0, 0, test_number(gradient), want, 5 * want); /* 64 in a row */
    ag_graph_free(g);
}
END_TEST

/* ---- what the steps of a loop read ------------------------------------------------------------------------------- */

/* The gradients of w and of v, which steps multiply their rows with, are the sums of the rows. */
static ag_node *loss_of_steps(ag_node *sequence, ag_node *w, ag_node *v, ag_node *m)
{
    ag_graph *g = ag_graph_of(sequence);
    ag_node *x = ag_input(g, NULL, AG_F32, AG_SHAPE(3)), *all[3];
    ag_node *result[] = { ag_mul(ag_sum(x), w), ag_sum(ag_mul(x, v)), ag_dot(x, m) };
    ag_scan_body body = { .length = N / 3, .sequences = 1, .results = 3, .sequence = &sequence,
                          .element = &x, .result = result };
    ck_assert_msg(ag_scan(&body, NULL, all) == AG_OK, "%s", ag_graph_error(g));
    return ag_add(ag_add(ag_sum(all[0]), ag_sum(all[1])), ag_sum(all[2]));
}

static void expect_steps(const program *p, const given *in, const char *how)
{
    long double sum[3] = { 0 }, all;
    for (int64_t k = 0; k < N; k++) sum[k % 3] += in->x[k];
    all = sum[0] + sum[1] + sum[2];
    expect_sum(how, 0, 0, p->out[0][0], all, all);
    for (int k = 0; k < 3; k++) expect_sum(how, 1, k, p->out[1][k], sum[k], sum[k]);
    for (int k = 0; k < 6; k++) expect_sum(how, 2, k, p->out[2][k], sum[k / 2], sum[k / 2]);
}

START_TEST(captures_of_loops)
{
    const float one[6] = { 1, 1, 1, 1, 1, 1 };
    program p;
    begin(&p);
    ag_graph *g = ag_graph_of(p.input[0]);
    ag_node *of[] = { ag_constant(g, AG_F32, AG_SCALAR, one), ag_constant(g, AG_F32, AG_SHAPE(3), one),
                      ag_constant(g, AG_F32, AG_SHAPE(3, 2), one) };
    ag_node *loss = loss_of_steps(ag_reshape(p.input[0], AG_SHAPE(N / 3, 3)), of[0], of[1], of[2]), *gradient[3];
    ck_assert_int_eq(ag_gradient(loss, 3, of, gradient), AG_OK);
    for (int k = 0; k < 3; k++) add_output(&p, gradient[k]);
    in_all_ways(&p, expect_steps);
}
END_TEST

/* Fewer steps, of which some have no divisor that makes segments: the additions of 0.1 all err to the same side. */
static const int64_t fewer[] = { 65, 127, 128, 997, 1000, 2048, 4096 };

static void expect_tenths(const program *p, const given *in, const char *how)
{
    (void)in;
    for (int k = 0; k < p->n; k += 2) {
        const long double sum = fewer[k / 2] * (long double)0.1f;
        ck_assert_msg(fabsl(p->out[k][0] - sum) <= 2e-6L * sum, "%s: %.9g, not %.9Lg", how, p->out[k][0], sum);
        for (int64_t i = 0; i < fewer[k / 2]; i++) /* elements' gradients in their order */
            ck_assert_float_eq(p->out[k + 1][i], (float)i * 0.5f);
    }
}

START_TEST(captures_of_shorter_loops)
{
    program p;
    begin(&p);
    ag_graph *g = ag_graph_of(p.input[0]);
    ag_node *w = ag_constant(g, AG_F32, AG_SCALAR, &(float){ 0.5f }), *tenth = ag_cast(ag_number(g, 0.1f), AG_F32);
    for (size_t k = 0; k < COUNT(fewer); k++) {
        const int64_t n = fewer[k];
        ag_node *x = ag_input(g, NULL, AG_F32, AG_SCALAR), *result = ag_mul(x, w), *all, *gradient[2];
        ag_node *first = ag_slice(p.input[0], 0, 0, n, 1);
        ag_node *sequence = ag_where(ag_less(first, ag_number(g, 0)), first, tenth);
        ag_scan_body body = { .length = n, .sequences = 1, .results = 1, .sequence = &sequence, .element = &x,
                              .result = &result };
        ck_assert_int_eq(ag_scan(&body, NULL, &all), AG_OK);
        ck_assert_int_eq(ag_gradient(ag_sum(all), 1, &w, &gradient[0]), AG_OK);
        ck_assert_int_eq(ag_gradient(ag_sum(ag_mul(all, ag_arange(g, AG_F32, n))), 1, &sequence, &gradient[1]), AG_OK);
        for (int i = 0; i < 2; i++) add_output(&p, gradient[i]);
    }
    in_all_ways(&p, expect_tenths);
}
END_TEST

/* Beyond 2^24 a float plus 1 is that float. */
START_TEST(counts)
{
    enum { MANY = 20000002 };
    ag_graph *g = ag_graph_new(NULL);
    ag_node *one = ag_broadcast_to(ag_cast(ag_number(g, 1), AG_F32), AG_SHAPE(MANY)), *zero = ag_number(g, 0);
    ag_node *index = ag_cast(ag_broadcast_to(zero, AG_SHAPE(MANY)), AG_I64);
    ag_node *w = ag_broadcast_to(ag_cast(zero, AG_F32), AG_SHAPE(2)), *gradient;
    ck_assert_int_eq(ag_gradient(ag_sum(ag_gather(w, 0, index)), 1, &w, &gradient), AG_OK);
    ag_node *y[] = { ag_slice(ag_cumsum(one, 0), 0, MANY - 2, MANY, 1), ag_scatter_add(w, 0, index, one), gradient };
    double last[2], added[2], pulled[2];
    test_evaluate(3, y, NULL, (double *const[]){ last, added, pulled });
    ck_assert_double_eq(last[0], MANY - 2); /* MANY - 1 is no float: to even */
    ck_assert_double_eq(last[1], MANY);
    ck_assert_double_eq(added[0], MANY);
    ck_assert_double_eq(added[1], 0);
    ck_assert_double_eq(pulled[0], MANY);
    ag_graph_free(g);
}
END_TEST

Suite *suite_long_sums(void)
{
    Suite *s = suite_create("long_sums");
    TCase *c = tcase_create("long_sums");
    tcase_set_timeout(c, 120);
    tcase_add_test(c, running_sums);
    tcase_add_test(c, additions_at_indices);
    tcase_add_test(c, exported_products);
    tcase_add_test(c, many_readers);
    tcase_add_test(c, captures_of_loops);
    tcase_add_test(c, captures_of_shorter_loops);
    tcase_add_test(c, counts);
    suite_add_tcase(s, c);
    return s;
}
