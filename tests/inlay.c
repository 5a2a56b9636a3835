/* What passes store straight into the results of calls: that they do, and that all elements are where they belong, in
 * every way of executing, beside plain loops. */
#include "folder.h"
#include "plan/plan.h"

#include <dlfcn.h>

enum { N = 5001 /* tiles, and a rest */, LARGE = 300001 /* worth threads */, MOST = 2 };

typedef struct {
    ag_dtype dtype;
    int64_t n;
    ag_graph *g;
    ag_node *x, *z; /* vectors */
    double *of_x, *of_z;
    ag_node *y[MOST];
    double *want[MOST], *out[MOST];
    int outputs, inlays; /* inlays: of the plan's passes */
    int without_z;       /* z is not read */
    void *of_run[2 + MOST]; /* the caller's, of the type */
} program;

static double at(const program *p, const double *v, int64_t i)
{
    return p->dtype == AG_F32 ? (float)v[i] : v[i];
}

static double *add_output(program *p, ag_node *y)
{
    const size_t n = (size_t)ag_size_of(y);
    p->y[p->outputs] = y;
    p->out[p->outputs] = malloc(n * sizeof(double));
    p->want[p->outputs] = malloc(n * sizeof(double));
    p->of_run[2 + p->outputs] = malloc(n * sizeof(double));
    return p->want[p->outputs++];
}

/* ---- programs ---------------------------------------------------------------------------------------------------- */

static void one_after_the_other(program *p)
{
    const int64_t n = p->n;
    ag_node *part[] = { ag_mul(p->x, p->z), ag_exp(p->x), ag_sub(p->z, p->x) };
    double *want = add_output(p, ag_concat(3, part, 0));
    p->inlays = 3;
    for (int64_t i = 0; i < n; i++) {
        want[i] = at(p, p->of_x, i) * at(p, p->of_z, i);
        want[n + i] = exp(at(p, p->of_x, i));
        want[2 * n + i] = at(p, p->of_z, i) - at(p, p->of_x, i);
    }
}

static ag_node *column(ag_node *x)
{
    return ag_reshape(x, AG_SHAPE(-1, 1));
}

/* Columns of a matrix; what is stored is computed with, too, and summed. */
static void side_by_side(program *p)
{
    ag_node *u = ag_mul(p->x, p->z), *v = ag_sin(u);
    ag_node *part[] = { column(ag_add(u, v)), column(u), column(ag_square(v)), column(v) };
    double *want = add_output(p, ag_concat(4, part, 1)), *sum = add_output(p, ag_sum(v));
    p->inlays = 4;
    *sum = 0;
    for (int64_t i = 0; i < p->n; i++, want += 4) {
        want[1] = at(p, p->of_x, i) * at(p, p->of_z, i);
        want[3] = sin(want[1]);
        want[0] = want[1] + want[3];
        want[2] = want[3] * want[3];
        *sum += want[3];
    }
}

/* The call does the rest: what another pass computes, what is given, and what others read, too. */
static void with_others(program *p)
{
    const int64_t n = p->n;
    ag_node *u = ag_mul(p->x, p->z), *few = ag_exp(ag_slice(p->x, 0, 0, 7, 1));
    ag_node *part[] = { ag_sub(p->x, p->z), few, p->z, ag_add(p->x, p->z), u };
    double *want = add_output(p, ag_concat(5, part, 0)), *flipped = add_output(p, ag_flip(ag_cumsum(u, 0), 0));
    double sum = 0;
    p->inlays = 0; /* less than half */
    for (int64_t i = 0; i < n; i++) {
        const double x = at(p, p->of_x, i), z = at(p, p->of_z, i);
        want[i] = x - z, want[n + 7 + i] = z, want[2 * n + 7 + i] = x + z, want[3 * n + 7 + i] = x * z;
        if (i < 7) want[n + i] = exp(x);
        flipped[n - 1 - i] = sum += x * z;
    }
}

static void among_others(program *p)
{
    const int64_t n = p->n;
    ag_node *few = ag_exp(ag_slice(p->x, 0, 0, 7, 1));
    ag_node *part[] = { ag_sub(p->x, p->z), few, p->z, ag_add(p->x, p->z) };
    double *want = add_output(p, ag_concat(4, part, 0));
    p->inlays = 2;
    for (int64_t i = 0; i < n; i++) {
        const double x = at(p, p->of_x, i), z = at(p, p->of_z, i);
        want[i] = x - z, want[n + 7 + i] = z, want[2 * n + 7 + i] = x + z;
        if (i < 7) want[n + i] = exp(x);
    }
}

/* An element for each row of a pass, into a matrix. */
static void of_rows(program *p)
{
    const int64_t columns = 3, rows = p->n / 3;
    ag_node *x = ag_reshape(ag_slice(p->x, 0, 0, rows * columns, 1), AG_SHAPE(rows, columns));
    ag_node *s = ag_sum_axis(x, 1, 0), *part[] = { column(ag_square(s)), column(ag_neg(s)) };
    p->without_z = 1;
    double *want = add_output(p, ag_concat(2, part, 1));
    p->inlays = 2;
    for (int64_t r = 0; r < rows; r++) {
        double sum = 0;
        for (int64_t j = 0; j < columns; j++) sum += at(p, p->of_x, r * columns + j);
        want[2 * r] = sum * sum, want[2 * r + 1] = -sum;
    }
}

/* Rows of more than an element lie at no single stride: the call copies them. */
static void of_blocks(program *p)
{
    const int64_t n = p->n / 2 * 2;
    ag_node *x = ag_reshape(ag_slice(p->x, 0, 0, n, 1), AG_SHAPE(-1, 2)), *part[] = { ag_square(x), ag_neg(x) };
    p->without_z = 1;
    double *want = add_output(p, ag_concat(2, part, 1));
    for (int64_t i = 0; i < n; i++) {
        const double v = at(p, p->of_x, i);
        want[i / 2 * 4 + i % 2] = v * v, want[i / 2 * 4 + 2 + i % 2] = -v;
    }
}

/* A product of neighbours has two diagonals of slopes. */
static void of_diagonals(program *p)
{
    ag_node *y = ag_mul(ag_slice(p->x, 0, 0, -1, 1), ag_square(ag_slice(p->x, 0, 1, AG_END, 1)));
    const ag_sparse *j = ag_sparse_jacobian(y, 1, &p->x, NULL);
    ck_assert_msg(j != NULL, "%s", ag_graph_error(p->g));
    p->without_z = 1;
    double *want = add_output(p, j->values);
    p->inlays = 2;
    for (int64_t i = 0; i + 1 < p->n; i++) {
        const double a = at(p, p->of_x, i), b = at(p, p->of_x, i + 1);
        want[2 * i] = b * b, want[2 * i + 1] = 2 * a * b;
    }
}

static void (*const make[])(program *) = { one_after_the_other, side_by_side, with_others, among_others, of_rows,
                                           of_blocks, of_diagonals };
enum { PROGRAMS = COUNT(make) };

/* ---- ways -------------------------------------------------------------------------------------------------------- */

static void *numbers(const program *p, const double *from)
{
    void *all = malloc((size_t)p->n * sizeof(double));
    for (int64_t i = 0; i < p->n; i++)
        if (p->dtype == AG_F32) ((float *)all)[i] = (float)from[i];
        else ((double *)all)[i] = from[i];
    return all;
}

static program begin(int kind, ag_dtype dtype, int64_t n)
{
    program p = { .dtype = dtype, .n = n, .g = ag_graph_new(NULL) };
    uint64_t seed = 7;
    p.of_x = malloc((size_t)n * sizeof(double)), p.of_z = malloc((size_t)n * sizeof(double));
    for (int64_t i = 0; i < n; i++) p.of_x[i] = test_random(&seed, -1, 1), p.of_z[i] = test_random(&seed, -1, 1);
    p.x = ag_input(p.g, "x", dtype, AG_SHAPE(n)), p.z = ag_input(p.g, "z", dtype, AG_SHAPE(n));
    p.of_run[0] = numbers(&p, p.of_x), p.of_run[1] = numbers(&p, p.of_z);
    make[kind](&p);
    expect_well(p.g);
    return p;
}

static void end(program *p)
{
    for (int k = 0; k < p->outputs; k++) free(p->want[k]), free(p->out[k]);
    for (int k = 0; k < 2 + p->outputs; k++) free(p->of_run[k]);
    free(p->of_x), free(p->of_z);
    ag_graph_free(p->g);
}

static void expect(const program *p, const char *how)
{
    const double tolerance = p->dtype == AG_F32 ? 1e-5 : 1e-12;
    for (int k = 0; k < p->outputs; k++)
        for (int64_t i = 0; i < ag_size_of(p->y[k]); i++) {
            const void *out = p->of_run[2 + k];
            const double got = p->dtype == AG_F32 ? ((const float *)out)[i] : ((const double *)out)[i];
            ck_assert_msg(fabs(got - p->want[k][i]) <= tolerance * fmax(1, fabs(p->want[k][i])),
                          "%s: element %lld of output %d is %g, not %g", how, (long long)i, k, got, p->want[k][i]);
        }
}

static int count_inlays(const ag_plan *plan)
{
    int n = 0;
    for (int k = 0; k < plan->nsteps; k++)
        if (plan->step[k].kind == AGI_PASS) n += plan->step[k].is.pass->inlays;
    return n;
}

static void forget(program *p)
{
    for (int k = 0; k < p->outputs; k++) memset(p->of_run[2 + k], 0x5a, (size_t)agi_node_bytes(p->y[k]));
}

static void execute(program *p, const ag_options *o, const char *how)
{
    ag_plan *plan = ag_compile(p->g, p->outputs, p->y, o);
    ck_assert_msg(plan != NULL, "%s", ag_graph_error(p->g));
    ck_assert_int_eq(count_inlays(plan), o->unfused || o->distinct || o->trap_nan ? 0 : p->inlays);
    ag_run *run = ag_run_new(plan);
    ag_feed(run, p->x, p->of_run[0]), ag_feed(run, p->z, p->of_run[1]);
    for (int again = 0; again < 2; again++) { /* in the run's memory, then in the caller's */
        forget(p);
        for (int k = 0; k < p->outputs && again; k++) ag_bind(run, p->y[k], p->of_run[2 + k]);
        ck_assert_msg(ag_eval(run) == AG_OK, "%s", ag_run_error(run));
        for (int k = 0; k < p->outputs && !again; k++) ag_fetch(run, p->y[k], p->of_run[2 + k]);
        expect(p, how);
    }
    ag_run_free(run);
    ag_plan_free(plan);
}

static void execute_exported(program *p, const char *compiler, int small)
{
    const ag_options best = test_options();
    const ag_c_options o = { .small = small };
    char path[64];
    make_folder();
    FILE *source = create_file("f.c");
    ag_plan *plan = ag_compile(p->g, p->outputs, p->y, &best);
    ck_assert_int_eq(ag_write_c(plan, "f", source, NULL, &o), 0);
    fprintf(source, "const long size = f_WORKSPACE;\n"
                    "int call(void **v, void *work);\n"
                    "int call(void **v, void *work)\n{\n    struct f_inputs in = { v[0]%s };\n"
                    "    struct f_outputs out = { v[2]%s };\n    return f(&in, &out, work);\n}\n",
            p->without_z ? "" : ", v[1]", p->outputs > 1 ? ", v[3]" : "");
    fclose(source);
    ck_assert_int_eq(run_in_folder("%s -Wall -Wextra -Wpedantic -Wshadow -Werror -fPIC -shared f.c -o f.so -lm",
                                   compiler), 0);
    snprintf(path, sizeof path, "%s/f.so", folder);
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    ck_assert_msg(library != NULL, "%s", dlerror());
    int (*call)(void **, void *);
    *(void **)&call = dlsym(library, "call");
    void *work = malloc((size_t)*(const long *)dlsym(library, "size") + 1);
    forget(p);
    ck_assert_int_eq(call(p->of_run, work), 0);
    expect(p, compiler);
    free(work);
    dlclose(library);
    remove_folder();
    ag_plan_free(plan);
}

/* ---- tests ------------------------------------------------------------------------------------------------------- */

START_TEST(lie_where_they_belong)
{
    const ag_options ways[] = { { .verify = 1 }, { .verify = 1, .isa = 1 }, { .unfused = 1 }, { .distinct = 1 },
                                { .trap_nan = 1 }, test_native() };
    static const char *const how[] = { "interpreted", "baseline", "unfused", "distinct", "trapping", "compiled" };
    for (int dtype = 0; dtype < 2; dtype++) {
        program p = begin(_i, dtype ? AG_F64 : AG_F32, N);
        for (size_t k = 0; k < COUNT(ways); k++) {
            ag_options o = ways[k];
            if (!o.isa) o.isa = test_options().isa;
            execute(&p, &o, how[k]);
        }
        end(&p);
    }
}
END_TEST

START_TEST(are_stored_by_threads)
{
    program p = begin(_i, AG_F64, LARGE);
    execute(&p, &(ag_options){ .isa = test_options().isa, .threads = 3, .verify = 1 }, "threads");
    ag_options native = test_native();
    native.threads = 3;
    execute(&p, &native, "compiled, threads");
    end(&p);
}
END_TEST

START_TEST(are_stored_by_exported_functions)
{
    program p = begin(_i, _i % 2 ? AG_F64 : AG_F32, N);
    execute_exported(&p, "cc -std=c99 -O2", 0);
    execute_exported(&p, "cc -std=c99", 1);
    end(&p);
}
END_TEST

/* Sizes of less than a vector, of one, and more. */
START_TEST(may_be_short)
{
    for (int64_t n = 9; n < 70; n += n < 20 ? 1 : 7)
        for (int kind = 0; kind < PROGRAMS; kind++) {
            program p = begin(kind, n % 2 ? AG_F32 : AG_F64, n);
            const ag_options o = test_options();
            p.inlays = -1;
            ag_plan *plan = ag_compile(p.g, p.outputs, p.y, &o);
            p.inlays = count_inlays(plan);
            ag_plan_free(plan);
            execute(&p, &o, "short");
            end(&p);
        }
}
END_TEST

Suite *suite_inlay(void)
{
    Suite *s = suite_create("inlay");
    TCase *c = tcase_create("inlay");
    tcase_set_timeout(c, 300);
    tcase_add_loop_test(c, lie_where_they_belong, 0, PROGRAMS);
    tcase_add_loop_test(c, are_stored_by_threads, 0, PROGRAMS);
    tcase_add_loop_test(c, are_stored_by_exported_functions, 0, PROGRAMS);
    tcase_add_test(c, may_be_short);
    suite_add_tcase(s, c);
    return s;
}
