/* Sums of many elements: as exact as if they were added in pairs, however they are walked, whatever executes them. */
#include "test.h"

#include <dlfcn.h>
#include <float.h>
#include <unistd.h>

/* What is summed up: where rounding errors of one kind pile up, where they cancel, where small ones are swallowed. */
enum { ONES, TENTHS, RANDOM, BIG_AND_SMALL, KINDS };

static double element(int kind, int64_t i)
{
    double random = (double)((uint32_t)(i * 2654435761u) >> 8) / (1 << 24);
    switch (kind) {
    case ONES: return 1;
    case TENTHS: return 0.1;
    case RANDOM: return random;
    default: return i % 2 ? 1e4 * random : -3e-3;
    }
}

typedef struct {
    ag_dtype dtype;
    int64_t n;
    void *data;
} numbers;

static double at(const numbers *x, int64_t i)
{
    return x->dtype == AG_F32 ? (double)((const float *)x->data)[i] : ((const double *)x->data)[i];
}

static numbers make(ag_dtype dtype, int64_t n, int kind)
{
    numbers x = { dtype, n, malloc((size_t)n * ag_dtype_size(dtype)) };
    ck_assert_ptr_nonnull(x.data);
    for (int64_t i = 0; i < n; i++) {
        if (dtype == AG_F32) ((float *)x.data)[i] = (float)element(kind, i);
        else ((double *)x.data)[i] = element(kind, i);
    }
    return x;
}

/* Sums of the elements and of their magnitudes, with what additions lose. */
typedef struct {
    long double sum, lost, size;
} exact;

static void add(exact *e, double x)
{
    volatile long double sum = e->sum + x, part = sum - e->sum;
    e->lost += (e->sum - (sum - part)) + (x - part);
    e->sum = sum;
    e->size += fabs(x);
}

/* No element passes through more than MOST additions in its type: 64 rows, or a tile's 17 in a lane, and the halvings
 * that follow; wide sums and the last rounding add hardly anything. */
enum { MOST = 80 };

static void expect_sum(ag_dtype dtype, const char *what, double got, const exact *e)
{
    double unit = dtype == AG_F32 ? FLT_EPSILON / 2 : DBL_EPSILON / 2;
    double error = (double)fabsl((got - e->sum) - e->lost);
    ck_assert_msg(error <= MOST * unit * (double)e->size, "%s: %.17g, not %.17Lg: %.3g units", what, got,
                  e->sum + e->lost, error / unit / (double)e->size);
}

/* Every element of y, the sums of x [d[0], d[1], d[2]], or of its magnitudes, along the middle. */
static void expect_sums(const char *what, const numbers *x, const numbers *y, int magnitudes, const int64_t d[3])
{
    for (int64_t o = 0; o < d[0]; o++)
        for (int64_t i = 0; i < d[2]; i++) {
            exact e = { 0 };
            for (int64_t k = 0; k < d[1]; k++) {
                double v = at(x, (o * d[1] + k) * d[2] + i);
                add(&e, magnitudes ? fabs(v) : v);
            }
            expect_sum(x->dtype, what, at(y, o * d[2] + i), &e);
        }
}

enum { MOST_SHAPES = 16 };

/* The plan's values, in `out`. */
static void run(ag_plan *p, int n, ag_node *const y[], ag_node *input, const numbers *x, numbers out[])
{
    ck_assert_msg(p != NULL, "%s", ag_graph_error(input->graph));
    ag_run *r = ag_run_new(p);
    ck_assert_int_eq(ag_feed(r, input, x->data), AG_OK);
    ck_assert_int_eq(ag_eval(r), AG_OK);
    for (int k = 0; k < n; k++) {
        out[k] = (numbers){ (ag_dtype)y[k]->dtype, ag_count(y[k]), malloc((size_t)ag_count(y[k]) * sizeof(double)) };
        ck_assert_int_eq(ag_fetch(r, y[k], out[k].data), AG_OK);
    }
    ag_run_free(r);
}

static const int64_t shapes[][3] = { /* outer, extent, inner: all, columns of few and many, segments, long rows */
    { 1, 100003, 1 }, { 1, 25000, 4 }, { 1, 3200, 31 }, { 1, 3001, 33 }, { 1, 166, 601 }, { 1, 100, 30 },
    { 1, 90, 1101 }, { 3, 6600, 5 }, { 2, 45, 1101 }, { 7, 65, 33 }, { 2, 1200, 40 }, { 5, 20000, 1 }, { 25, 4000, 1 },
    { 700, 130, 1 },
};
enum { NUMBERS = 100003 };

/* Of the first of the numbers, or their magnitudes. */
static int build_sums(ag_node *input, ag_node *y[])
{
    for (size_t k = 0; k < COUNT(shapes); k++) {
        const int64_t *d = shapes[k];
        ck_assert_int_le(d[0] * d[1] * d[2], NUMBERS);
        ag_node *x = ag_slice(input, 0, 0, d[0] * d[1] * d[2], 1);
        y[k] = ag_sum_axis(ag_reshape(k % 2 ? ag_abs(x) : x, AG_SHAPE(d[0], d[1], d[2])), 1, 0);
    }
    return COUNT(shapes);
}

static void expect_all(const numbers *x, const numbers y[], const char *how)
{
    char what[128];
    for (size_t k = 0; k < COUNT(shapes); k++) {
        const int64_t *d = shapes[k];
        snprintf(what, sizeof what, "%s, %s[%lld,%lld,%lld]", how, x->dtype == AG_F32 ? "f32" : "f64", (long long)d[0],
                 (long long)d[1], (long long)d[2]);
        expect_sums(what, x, &y[k], k % 2, d);
    }
}

static void expect_same(const numbers a[], const numbers b[], const char *what)
{
    for (size_t k = 0; k < COUNT(shapes); k++)
        ck_assert_msg(!memcmp(a[k].data, b[k].data, (size_t)a[k].n * ag_dtype_size(a[k].dtype)), "%s: %zu", what, k);
}

static void drop(numbers y[])
{
    for (size_t k = 0; k < COUNT(shapes); k++) free(y[k].data);
}

/* Interpreted, compiled, and both on threads, which change no bit. */
static void check_numbers(ag_dtype dtype, int kind, int native)
{
    ag_graph *g = ag_graph_new(NULL);
    ag_node *input = ag_input(g, "x", dtype, AG_SHAPE(NUMBERS)), *y[MOST_SHAPES];
    numbers x = make(dtype, NUMBERS, kind), alone[MOST_SHAPES], other[MOST_SHAPES];
    ag_options o = test_options();
    int n = build_sums(input, y);
    o.native = native;
    ag_plan *p = ag_compile(g, n, y, &o);
    run(p, n, y, input, &x, alone);
    ag_plan_free(p);
    expect_all(&x, alone, native ? "compiled" : "interpreted");
    for (int k = 0; k < (native ? 1 : 3); k++) {
        o.threads = k == 0 ? 3 : 0;
        o.isa = k == 1 ? 1 : o.isa;
        o.unfused = k == 2;
        p = ag_compile(g, n, y, &o);
        run(p, n, y, input, &x, other);
        ag_plan_free(p);
        if (k == 2) expect_all(&x, other, "unfused");
        else expect_same(alone, other, k == 0 ? "threads" : "baseline");
        drop(other);
    }
    drop(alone);
    free(x.data);
    ag_graph_free(g);
}

START_TEST(along_axes)
{
    for (int kind = 0; kind < KINDS; kind++) check_numbers(kind == RANDOM ? AG_F64 : AG_F32, kind, 0);
    check_numbers(AG_F64, TENTHS, 0);
}
END_TEST

START_TEST(compiled)
{
    check_numbers(AG_F32, TENTHS, 1);
    check_numbers(AG_F64, BIG_AND_SMALL, 1);
}
END_TEST

/* As C for others, with the names that it gives. */
static void run_exported(const ag_plan *p, int n, ag_node *const y[], const numbers *x, numbers out[])
{
    char folder[] = "/tmp/autograd-XXXXXX", path[64], command[256];
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/sums.c", folder);
    FILE *source = fopen(path, "w");
    ck_assert_int_eq(ag_write_c(p, "sums", source, NULL, NULL), 0);
    fprintf(source, "const int64_t size = sums_WORKSPACE;\n");
    fclose(source);
    snprintf(command, sizeof command, "cc -std=c99 -Wall -Wextra -Wpedantic -Wshadow -Werror -O1 -fPIC -shared"
             " %s -o %s.so -lm", path, path);
    ck_assert_int_eq(system(command), 0);
    strcat(path, ".so");
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL), *memory[MOST_SHAPES];
    ck_assert_msg(library != NULL, "%s", dlerror());
    int (*function)(const void *inputs, void *const outputs[], void *workspace);
    *(void **)&function = dlsym(library, "sums");
    for (int k = 0; k < n; k++) {
        out[k] = (numbers){ (ag_dtype)y[k]->dtype, ag_count(y[k]), malloc((size_t)ag_count(y[k]) * sizeof(double)) };
        memory[k] = out[k].data;
    }
    void *work = malloc((size_t)*(const int64_t *)dlsym(library, "size"));
    ck_assert_int_eq(function(&x->data, memory, work), 0);
    dlclose(library);
    snprintf(command, sizeof command, "rm -r %s", folder);
    ck_assert_int_eq(system(command), 0);
    free(work);
}

static void check_exported(ag_dtype dtype, int kind)
{
    ag_graph *g = ag_graph_new(NULL);
    ag_node *input = ag_input(g, "x", dtype, AG_SHAPE(NUMBERS)), *y[MOST_SHAPES];
    numbers x = make(dtype, NUMBERS, kind), out[MOST_SHAPES];
    int n = build_sums(input, y);
    ag_plan *p = ag_compile(g, n, y, NULL);
    ck_assert_msg(p != NULL, "%s", ag_graph_error(g));
    run_exported(p, n, y, &x, out);
    expect_all(&x, out, "exported");
    drop(out);
    free(x.data);
    ag_plan_free(p);
    ag_graph_free(g);
}

START_TEST(exported)
{
    check_exported(AG_F32, TENTHS);
    check_exported(AG_F64, RANDOM);
}
END_TEST

/* Folds of several blocks' parts, whichever of them has what counts. */
START_TEST(extremes_of_any_block)
{
    enum { ROWS = 25000, COLUMNS = 4, ALL = ROWS * COLUMNS, INTERPRETED = 0, NATIVE, EXPORTED, WAYS };
    static const int64_t places[] = { 0, 17001, ALL / 2, ALL - 1 };
    for (int way = 0; way < WAYS; way++) {
        ag_graph *g = ag_graph_new(NULL);
        ag_node *x = ag_input(g, "x", AG_F64, AG_SHAPE(ROWS, COLUMNS)), *v = ag_scale(x, 2);
        ag_node *y[] = { ag_amax(v), ag_amin(ag_neg(v)), ag_amax_axis(v, 0, 0), ag_amin_axis(ag_neg(v), 0, 0) };
        ag_options o = test_options();
        o.native = way == NATIVE;
        ag_plan *p = ag_compile(g, COUNT(y), y, &o);
        ck_assert_msg(p != NULL, "%s", ag_graph_error(g));
        numbers all = make(AG_F64, ALL, RANDOM), out[COUNT(y)];
        for (size_t k = 0; k < COUNT(places); k++) {
            const double before = at(&all, places[k]);
            ((double *)all.data)[places[k]] = 5;
            if (way == EXPORTED) run_exported(p, COUNT(y), y, &all, out);
            else run(p, COUNT(y), y, x, &all, out);
            for (size_t i = 0; i < COUNT(y); i++) {
                const double want = i % 2 ? -10 : 10;
                ck_assert_msg(at(&out[i], i < 2 ? 0 : places[k] % COLUMNS) == want, "output %zu, way %d: not that of "
                              "element %lld", i, way, (long long)places[k]);
                free(out[i].data);
            }
            ((double *)all.data)[places[k]] = before;
        }
        free(all.data);
        ag_plan_free(p);
        ag_graph_free(g);
    }
}
END_TEST

/* Beyond 2^24 a float plus 1 is that float. */
START_TEST(counts)
{
    enum { N = 20000002 };
    ag_graph *g = ag_graph_new(NULL);
    ag_node *one = ag_cast(ag_number(g, 1), AG_F32);
    ag_node *y[] = { ag_sum(ag_broadcast_to(one, AG_SHAPE(N))),
                     ag_sum_axis(ag_broadcast_to(one, AG_SHAPE(N, 2)), 0, 0),
                     ag_sum_axis(ag_broadcast_to(one, AG_SHAPE(2, N)), 1, 0),
                     ag_mean(ag_broadcast_to(one, AG_SHAPE(N))) };
    double sum, columns[2], rows[2], mean;
    test_evaluate(4, y, NULL, (double *const[]){ &sum, columns, rows, &mean });
    ck_assert_double_eq(sum, N);
    for (int k = 0; k < 2; k++) {
        ck_assert_double_eq(columns[k], N);
        ck_assert_double_eq(rows[k], N);
    }
    ck_assert_double_eq(mean, 1);
    ag_graph_free(g);
}
END_TEST

/* Infinities, NaN and the sign of zero come out of wide sums as they come out of additions. */
START_TEST(special_values)
{
    enum { N = 100000 };
    const double special[][3] = { { INFINITY, 1, INFINITY }, { INFINITY, -INFINITY, NAN }, { NAN, 1, NAN },
                                  { -INFINITY, 1, -INFINITY }, { -0.0, -0.0, -0.0 } };
    for (int way = 0; way < 4; way++) {
        ag_graph *g = ag_graph_new(NULL);
        ag_dtype dtype = (ag_dtype)(way % 2);
        ag_options o = test_options();
        o.native = way / 2;
        ag_node *input = ag_input(g, NULL, dtype, AG_SHAPE(N));
        ag_node *y[] = { ag_sum(input), ag_sum(ag_sum_axis(ag_reshape(input, AG_SHAPE(N / 2, 2)), 0, 0)),
                         ag_sum(ag_sum_axis(ag_reshape(input, AG_SHAPE(2, N / 2)), 1, 0)) };
        ag_plan *p = ag_compile(g, 3, y, &o);
        for (size_t k = 0; k < COUNT(special); k++) {
            const double *v = special[k], rest = v[0] == 0 ? -0.0 : 1;
            numbers x = make(dtype, N, ONES), out[3];
            for (int64_t i = 0; i < N; i++) {
                double value = i == N / 3 ? v[0] : i == N / 2 + 8 ? v[1] : rest;
                if (dtype == AG_F32) ((float *)x.data)[i] = (float)value;
                else ((double *)x.data)[i] = value;
            }
            run(p, 3, y, input, &x, out);
            for (int j = 0; j < 3; j++) {
                double got = at(&out[j], 0);
                int right = test_same_bits(got, v[2]) || (isnan(got) && isnan(v[2]));
                ck_assert_msg(right, "way %d, %zu, %d: %g", way, k, j, got);
                free(out[j].data);
            }
            free(x.data);
        }
        ag_plan_free(p);
        ag_graph_free(g);
    }
}
END_TEST

Suite *suite_sums(void)
{
    Suite *s = suite_create("sums");
    TCase *c = tcase_create("sums");
    tcase_set_timeout(c, 120);
    tcase_add_test(c, along_axes);
    tcase_add_test(c, compiled);
    tcase_add_test(c, exported);
    tcase_add_test(c, counts);
    tcase_add_test(c, extremes_of_any_block);
    tcase_add_test(c, special_values);
    suite_add_tcase(s, c);
    return s;
}
