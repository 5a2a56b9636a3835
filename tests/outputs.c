/* Outputs show what they stand for: each is a node of its own, with the value that everything else has read, and its
 * own memory where it is bound. */
#include "test.h"

#include <dlfcn.h>
#include <unistd.h>

static ag_graph *g;
static ag_plan *plan;
static ag_run *run;

static void begin(void)
{
    g = ag_graph_new(NULL);
    plan = NULL;
    run = NULL;
}

static void end(void)
{
    ag_run_free(run);
    ag_plan_free(plan);
    ag_graph_free(g);
}

enum { WAYS = 6 };

static ag_options way(int i)
{
    ag_options o = test_options();
    o.unfused = i == 1;
    o.poison = i == 2;
    o.distinct = i == 3;
    o.threads = i == 4 ? 2 : 0;
    o.native = i == 5;
    return o;
}

static void compile(int i, int n, ag_node *const y[])
{
    ag_options o = way(i);
    ag_run_free(run);
    ag_plan_free(plan);
    plan = ag_compile(g, n, y, &o);
    ck_assert_msg(plan != NULL, "%s", ag_graph_error(g));
    run = ag_run_new(plan);
    ck_assert_ptr_nonnull(run);
}

static void eval(void)
{
    ck_assert_msg(ag_eval(run) == AG_OK, "%s", ag_run_error(run));
}

static void bind(const ag_node *x, void *data)
{
    ck_assert_msg(ag_bind(run, x, data) == AG_OK, "%s", ag_run_error(run));
}

static void expect_values(const ag_node *x, int n, const double *want)
{
    double got[64];
    ck_assert_msg(ag_fetch(run, x, got) == AG_OK, "%s", ag_run_error(run));
    for (int i = 0; i < n; i++)
        ck_assert_msg(got[i] == want[i], "%s: element %d is %g, not %g", x->op->name, i, got[i], want[i]);
}

/* ---- nodes that stand for a leaf --------------------------------------------------------------------------------- */

/* Each is worth x, whatever x is: all ways of writing it, then all derivatives that happen to be it. */
static int same_as(ag_node *x, ag_node *y[])
{
    ag_shape s = ag_shape_of(x), one = { .rank = s.rank + 1, .dim = { 1 } };
    memcpy(one.dim + 1, s.dim, (size_t)s.rank * sizeof s.dim[0]);
    ag_node *zero = ag_number(g, 0), *unit = ag_number(g, 1), *two = ag_number(g, 2);
    int axes[AG_MAX_RANK] = { 0, 1, 2, 3, 4, 5, 6, 7 }, n = 0;
    y[n++] = ag_add(x, zero), y[n++] = ag_add(zero, x), y[n++] = ag_sub(x, zero);
    y[n++] = ag_mul(unit, x), y[n++] = ag_mul(x, unit), y[n++] = ag_div(x, unit);
    y[n++] = ag_neg(ag_neg(x)), y[n++] = ag_pow(x, unit), y[n++] = ag_sub(zero, ag_neg(x));
    y[n++] = ag_where(unit, x, ag_neg(x)), y[n++] = ag_where(zero, two, x), y[n++] = ag_where(ag_less(x, two), x, x);
    y[n++] = ag_mul(two, ag_mul(x, ag_number(g, 0.5)));
    y[n++] = ag_reshape(x, s), y[n++] = ag_transpose(x, axes), y[n++] = ag_broadcast_to(x, s);
    y[n++] = ag_cast(x, ag_type_of(x)), y[n++] = ag_slice(x, 0, 0, AG_END, 1), y[n++] = ag_concat(1, &x, 0);
    y[n++] = ag_pad(x, 0, 0, 0), y[n++] = ag_stop_gradient(x), y[n++] = ag_checkpoint(x), y[n++] = ag_group(1, &x);
    y[n++] = ag_reshape(ag_reshape(x, AG_SHAPE(-1)), s), y[n++] = ag_transpose(ag_transpose(x, NULL), NULL);
    y[n++] = ag_sum_axis(ag_reshape(x, one), 0, 0), y[n++] = ag_mean_axis(ag_reshape(x, one), 0, 0);
    y[n++] = ag_amax_axis(ag_reshape(x, one), 0, 0), y[n++] = ag_flip(ag_flip(x, 0), 0);
    ag_node *v = ag_input(g, NULL, ag_type_of(x), s), *u = ag_input(g, NULL, ag_type_of(x), s);
    ag_node *d, *z = ag_sum(ag_mul(v, x));
    ag_gradient(z, 1, &v, &y[n++]);
    ag_vjp(1, &v, &x, 1, &v, &y[n++]);
    ag_jvp(1, &u, &x, 1, &u, &y[n++]);
    y[n++] = ag_reshape(ag_jacobian(z, v), s);
    y[n++] = ag_hvp(ag_mul(ag_number(g, 0.5), ag_sum(ag_square(v))), v, x);
    ag_gradient(ag_sum(ag_square(v)), 1, &v, &d);
    ag_vjp(1, &d, (ag_node *[]){ ag_mul(x, ag_number(g, 0.5)) }, 1, &v, &y[n++]);
    expect_well(g);
    return n;
}

enum { MOST = 64, SIZE = 6 };

/* Beside an update they show the old value, the parameter the new one; no two are the same node. */
START_TEST(nodes_that_are_worth_a_parameter)
{
    const double first[] = { 1, -2, 3, 4, 5, 6 }, second[] = { 0, -3, 2, 3, 4, 5 }, third[] = { -1, -4, 1, 2, 3, 4 };
    ag_node *p = ag_parameter(g, "p", AG_F64, AG_SHAPE(2, 3), first), *y[MOST];
    int n = same_as(p, y);
    for (int i = 0; i < n; i++) {
        ck_assert_msg(y[i] != p, "%d: %s is p itself", i, y[i]->op->name);
        for (int k = 0; k < i; k++) ck_assert_msg(y[i] != y[k], "%d and %d are the same %s", k, i, y[i]->op->name);
    }
    y[n] = ag_assign(p, ag_sub(p, ag_number(g, 1)));
    y[n + 1] = p;
    compile(_i, n + 2, y);
    eval();
    for (int i = 0; i < n; i++) expect_values(y[i], SIZE, first);
    expect_values(p, SIZE, second);
    expect_values(y[n], SIZE, second);
    eval();
    for (int i = 0; i < n; i++) expect_values(y[i], SIZE, second);
    expect_values(p, SIZE, third);
}
END_TEST

/* Each bound to memory of its own gets its value there; the parameter stays where it was. */
START_TEST(each_is_bound_alone)
{
    const double first[] = { 1, -2, 3, 4, 5, 6 }, second[] = { 2, -4, 6, 8, 10, 12 };
    static double memory[MOST][SIZE];
    ag_node *p = ag_parameter(g, "p", AG_F64, AG_SHAPE(3, 2), first), *y[MOST];
    int n = same_as(p, y);
    y[n] = ag_assign(p, ag_mul(p, ag_number(g, 2)));
    compile(_i, n + 1, y);
    for (int i = 0; i <= n; i++)
        for (int k = 0; k < SIZE; k++) memory[i][k] = NAN;
    for (int i = 0; i <= n; i++) bind(y[i], memory[i]);
    eval();
    for (int i = 0; i <= n; i++) {
        expect_values(y[i], SIZE, i < n ? first : second);
        ck_assert_ptr_eq(ag_data(run, y[i]), memory[i]);
    }
    expect_values(p, SIZE, second);
    for (int i = 0; i <= n; i++) ck_assert_ptr_ne(ag_data(run, p), memory[i]);
    for (int i = 0; i < n; i += 2) bind(y[i], NULL); /* back, the others stay */
    eval();
    for (int i = 0; i < n; i++) expect_values(y[i], SIZE, second);
    for (int i = 0; i < n; i += 2) ck_assert(memory[i][1] == -2);
}
END_TEST

START_TEST(nodes_that_are_worth_an_input_or_a_constant)
{
    const double values[] = { 1, -2, 3, 4, 5, 6 };
    ag_node *x = ag_input(g, "x", AG_F64, AG_SHAPE(2, 3)), *c = ag_constant(g, AG_F64, AG_SHAPE(2, 3), values);
    ag_node *y[2 * MOST];
    static double memory[2 * MOST][SIZE];
    int n = same_as(x, y);
    n += same_as(c, y + n);
    y[n++] = c;
    compile(_i, n, y);
    ck_assert_int_eq(ag_feed(run, x, values), AG_OK);
    for (int i = 0; i < n; i++) bind(y[i], memory[i]);
    eval();
    for (int i = 0; i < n; i++) expect_values(y[i], SIZE, values);
    for (int i = 0; i < n; i++) ck_assert(y[i] != x && memory[i][5] == 6);
}
END_TEST

START_TEST(numbers_as_outputs)
{
    ag_node *two = ag_number(g, 2), *y[] = { two, ag_add(two, two), ag_cast(two, AG_F32), two };
    float single = 0;
    double memory = 0;
    compile(_i, 4, y);
    ck_assert_int_eq(ag_bind(run, y[1], &memory), AG_OK);
    ck_assert_int_eq(ag_bind(run, y[2], &single), AG_OK);
    eval();
    ck_assert(ag_item(run, two) == 2 && memory == 4 && single == 2 && ag_item(run, y[1]) == 4);
}
END_TEST

/* The gradients by two inputs are the same, and each is bound. */
START_TEST(equal_derivatives_are_two_outputs)
{
    ag_node *u = ag_input(g, "u", AG_F64, AG_SHAPE(3)), *v = ag_input(g, "v", AG_F64, AG_SHAPE(3));
    ag_node *w = ag_input(g, "w", AG_F64, AG_SHAPE(3)), *x[] = { u, v, w }, *d[3], *again[3];
    ag_node *y = ag_sum(ag_exp(ag_add(u, v)));
    ag_gradient(y, 3, x, d);
    ag_gradient(y, 3, x, again);
    for (int i = 0; i < 3; i++) ck_assert_ptr_eq(d[i], again[i]);
    ck_assert(d[0] != d[1] && d[1] != d[2]);
    double zero[3] = { 0 }, memory[3][3] = { { 7 }, { 7 }, { 7 } };
    compile(_i, 3, d);
    for (int i = 0; i < 3; i++) bind(d[i], memory[i]);
    for (int i = 0; i < 2; i++) ck_assert_int_eq(ag_feed(run, x[i], zero), AG_OK);
    eval();
    for (int i = 0; i < 3; i++) ck_assert(memory[0][i] == 1 && memory[1][i] == 1 && memory[2][i] == 0);
}
END_TEST

/* ---- updates ----------------------------------------------------------------------------------------------------- */

/* The loss u v: the gradient by u is v, whose step the same plan makes. */
START_TEST(gradients_that_are_parameters)
{
    ag_node *u = ag_parameter(g, "u", AG_F64, AG_SHAPE(2), (double[]){ 1, 2 });
    ag_node *v = ag_parameter(g, "v", AG_F64, AG_SHAPE(2), (double[]){ 5, 7 });
    ag_node *loss = ag_sum(ag_mul(u, v)), *d[2];
    ag_gradient(loss, 2, (ag_node *[]){ u, v }, d);
    ag_node *step = ag_sgd(loss, &(ag_sgd_options){ .rate = 0.5 });
    compile(_i, 4, (ag_node *[]){ loss, d[0], d[1], step });
    eval();
    ck_assert(ag_item(run, loss) == 19);
    expect_values(d[0], 2, (double[]){ 5, 7 });
    expect_values(d[1], 2, (double[]){ 1, 2 });
    expect_values(u, 2, (double[]){ -1.5, -1.5 });
    expect_values(v, 2, (double[]){ 4.5, 6 });
}
END_TEST

/* What is assigned is an output with a value of its own: the parameter is changed afterwards, it is not. */
START_TEST(values_that_are_assigned)
{
    ag_node *p = ag_parameter(g, "p", AG_F64, AG_SHAPE(2), (double[]){ 1, 2 });
    ag_node *q = ag_parameter(g, "q", AG_F64, AG_SHAPE(2), (double[]){ 3, 4 });
    ag_node *next = ag_mul(p, ag_number(g, 3)), *old = ag_reshape(q, AG_SHAPE(2, 1));
    ag_node *y[] = { next, old, ag_assign(p, next), ag_assign(q, ag_add(p, ag_number(g, 0))) };
    double memory[2] = { 0 };
    compile(_i, 4, y);
    eval();
    expect_values(next, 2, (double[]){ 3, 6 });
    expect_values(old, 2, (double[]){ 3, 4 });
    expect_values(p, 2, (double[]){ 3, 6 });
    expect_values(q, 2, (double[]){ 1, 2 });
    ck_assert_int_eq(ag_feed(run, p, (double[]){ 10, 20 }), AG_OK);
    expect_values(next, 2, (double[]){ 3, 6 });
    bind(next, memory);
    eval();
    ck_assert(memory[0] == 30 && memory[1] == 60);
    expect_values(p, 2, (double[]){ 30, 60 });
    expect_values(q, 2, (double[]){ 10, 20 });
    expect_values(old, 2, (double[]){ 1, 2 });
}
END_TEST

/* A loop whose results are its state, twice, and an element; whose next state is another one's old value. */
START_TEST(bodies_that_hand_on_leaves)
{
    ag_node *a = ag_input(g, NULL, AG_F64, AG_SCALAR), *b = ag_input(g, NULL, AG_F64, AG_SCALAR);
    ag_node *e = ag_input(g, NULL, AG_F64, AG_SCALAR), *zero = ag_number(g, 0), *final[2], *all[5];
    ag_node *all_e = ag_parameter(g, NULL, AG_F64, AG_SHAPE(3), (double[]){ 7, 8, 9 });
    ag_node *p = ag_parameter(g, NULL, AG_F64, AG_SCALAR, (double[]){ 1 });
    ag_node *q = ag_parameter(g, NULL, AG_F64, AG_SCALAR, (double[]){ 2 });
    ag_scan_body body = { .length = 3, .states = 2, .sequences = 1, .results = 5, .initial = (ag_node *[]){ p, q },
                          .state = (ag_node *[]){ a, b }, .next = (ag_node *[]){ b, ag_add(a, zero) },
                          .sequence = &all_e, .element = &e,
                          .result = (ag_node *[]){ a, a, ag_add(a, zero), e, ag_reshape(p, AG_SHAPE(1)) } };
    ck_assert_int_eq(ag_scan(&body, final, all), AG_OK);
    compile(_i, 7, (ag_node *[]){ final[0], final[1], all[0], all[1], all[2], all[3], all[4] });
    eval();
    ck_assert(ag_item(run, final[0]) == 2 && ag_item(run, final[1]) == 1);
    for (int k = 0; k < 3; k++) expect_values(all[k], 3, (double[]){ 1, 2, 1 });
    expect_values(all[3], 3, (double[]){ 7, 8, 9 });
    expect_values(all[4], 3, (double[]){ 1, 1, 1 });
}
END_TEST

/* ---- the caller's memory ----------------------------------------------------------------------------------------- */

START_TEST(a_parameter_moves_with_its_value)
{
    double memory[] = { -1, -1 }, other[] = { 50, 60 };
    ag_node *p = ag_parameter(g, "p", AG_F64, AG_SHAPE(2), (double[]){ 1, 2 });
    ag_node *step = ag_assign(p, ag_add(p, ag_number(g, 1))), *old = ag_add(p, ag_number(g, 0));
    compile(_i, 2, (ag_node *[]){ step, old });
    bind(p, memory);
    ck_assert(memory[0] == 1 && memory[1] == 2);
    eval();
    ck_assert(memory[0] == 2 && memory[1] == 3 && ag_data(run, p) == memory);
    expect_values(step, 2, (double[]){ 2, 3 });
    expect_values(old, 2, (double[]){ 1, 2 });
    ck_assert_int_eq(ag_feed(run, p, (double[]){ 8, 9 }), AG_OK);
    ck_assert(memory[0] == 8 && memory[1] == 9);
    bind(p, NULL);
    eval();
    expect_values(p, 2, (double[]){ 9, 10 });
    ck_assert(memory[0] == 8);
    ck_assert_int_eq(ag_adopt(run, p, other), AG_OK);
    expect_values(p, 2, (double[]){ 50, 60 });
    eval();
    ck_assert(other[0] == 51 && other[1] == 61);
    ck_assert_int_eq(ag_adopt(run, old, other), AG_EARG);
    ck_assert_int_eq(ag_adopt(run, p, NULL), AG_EARG);
    ck_assert_ptr_nonnull(strstr(ag_run_error(run), "ag_adopt: 'p'"));
}
END_TEST

START_TEST(an_input_is_read_where_it_is_bound)
{
    double in[] = { 1, 2 };
    ag_node *x = ag_input(g, "x", AG_F64, AG_SHAPE(2)), *y = ag_neg(x);
    compile(_i, 1, &y);
    bind(x, NULL);
    ck_assert_int_eq(ag_eval(run), AG_EARG); /* it still has no value */
    bind(x, in);
    in[0] = 5;
    eval();
    expect_values(y, 2, (double[]){ -5, -2 });
    bind(x, NULL);
    in[0] = 6;
    eval();
    expect_values(y, 2, (double[]){ -5, -2 });
    bind(x, in);
    ck_assert_int_eq(ag_feed(run, x, (double[]){ 3, 4 }), AG_OK);
    eval();
    expect_values(y, 2, (double[]){ -3, -4 });
    ck_assert(in[0] == 6 && in[1] == 2);
}
END_TEST

START_TEST(an_output_is_there_after_the_next_evaluation)
{
    double first[] = { 0, 0 }, second[] = { 0, 0 };
    ag_node *x = ag_input(g, "x", AG_F64, AG_SHAPE(2)), *y = ag_neg(x);
    compile(_i, 1, &y);
    ck_assert_int_eq(ag_feed(run, x, (double[]){ 1, 2 }), AG_OK);
    bind(y, first);
    eval();
    bind(y, second);
    ck_assert_ptr_null(ag_data(run, y));
    ck_assert_ptr_nonnull(strstr(ag_run_error(run), "call ag_eval"));
    eval();
    ck_assert(ag_data(run, y) == second && second[1] == -2);
    bind(y, NULL);
    ck_assert_ptr_null(ag_data(run, y));
    eval();
    expect_values(y, 2, (double[]){ -1, -2 });
}
END_TEST

/* y of x over x itself, and both trade places: each element is read before it is written. */
START_TEST(memory_that_is_read_and_written)
{
    double a[] = { 1, 2, 3 }, b[] = { 0, 0, 0 };
    ag_node *x = ag_input(g, "x", AG_F64, AG_SHAPE(3)), *y = ag_add(ag_flip(x, 0), ag_sum(x)), *z = ag_neg(y);
    compile(_i, 2, (ag_node *[]){ y, z });
    bind(x, a);
    bind(y, a);
    eval();
    ck_assert(a[0] == 9 && a[1] == 8 && a[2] == 7);
    expect_values(z, 3, (double[]){ -9, -8, -7 });
    bind(y, b);
    eval();
    ck_assert(a[0] == 9 && b[0] == 31 && b[2] == 33);
    bind(x, b); /* for a moment both */
    bind(y, a);
    eval();
    ck_assert(b[0] == 31 && a[0] == 129 && a[2] == 127);
    bind(z, a + 1);
    ck_assert_int_eq(ag_eval(run), AG_EARG);
    ck_assert_ptr_nonnull(strstr(ag_run_error(run), "is bound to memory of another's"));
    ck_assert(a[0] == 129);
    bind(z, NULL);
    eval();
}
END_TEST

/* ---- exported C -------------------------------------------------------------------------------------------------- */

typedef int exported(void *const members[]);

static exported *load(const char *folder, const char *text)
{
    char path[96], command[256];
    snprintf(path, sizeof path, "%s/f.c", folder);
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    fprintf(f, "%s\nint call(void *const members[]);\nint call(void *const members[])\n{\n"
               "    static char work[f_WORKSPACE + 1];\n    static struct f_parameters p;\n"
               "    struct f_outputs o = { members[0], members[1], members[2] };\n    p = f_initial;\n"
               "    return f(&p, &o, work);\n}\n", text);
    fclose(f);
    snprintf(command, sizeof command, "cc -shared -fPIC -w -o %s/f.so %s -lm", folder, path);
    ck_assert_int_eq(system(command), 0);
    snprintf(path, sizeof path, "%s/f.so", folder);
    void *library = dlopen(path, RTLD_NOW);
    ck_assert_msg(library != NULL, "%s", dlerror());
    return (exported *)(uintptr_t)dlsym(library, "call");
}

START_TEST(exported_outputs)
{
    double out[3][2] = { { 0 } };
    char folder[] = "/tmp/autograd_outputs_XXXXXX", *text, command[64];
    size_t bytes;
    ag_node *p = ag_parameter(g, "p", AG_F64, AG_SHAPE(2), (double[]){ 1, 2 }), *next = ag_neg(p);
    ag_node *y[] = { ag_add(p, ag_number(g, 0)), next, ag_number(g, 5), ag_assign(p, next), p };
    ag_name(y[0], "old");
    compile(0, 5, y);
    FILE *memory = open_memstream(&text, &bytes);
    ck_assert_int_eq(ag_write_c(plan, "f", memory, NULL, &(ag_c_options){ .initial = 1 }), 0);
    fclose(memory);
    ck_assert_ptr_nonnull(strstr(text, "*output_old;"));
    ck_assert_ptr_nonnull(mkdtemp(folder));
    exported *call = load(folder, text);
    ck_assert(call != NULL);
    ck_assert_int_eq(call((void *[]){ out[0], out[1], out[2] }), 0);
    ck_assert(out[0][0] == 1 && out[0][1] == 2 && out[1][0] == -1 && out[1][1] == -2 && out[2][0] == 5);
    snprintf(command, sizeof command, "rm -r %s", folder);
    ck_assert_int_eq(system(command), 0);
    free(text);
}
END_TEST

Suite *suite_outputs(void)
{
    Suite *s = suite_create("outputs");
    TCase *t = tcase_create("outputs");
    tcase_add_checked_fixture(t, begin, end);
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, nodes_that_are_worth_a_parameter, 0, WAYS);
    tcase_add_loop_test(t, each_is_bound_alone, 0, WAYS);
    tcase_add_loop_test(t, nodes_that_are_worth_an_input_or_a_constant, 0, WAYS);
    tcase_add_loop_test(t, numbers_as_outputs, 0, WAYS);
    tcase_add_loop_test(t, equal_derivatives_are_two_outputs, 0, WAYS);
    tcase_add_loop_test(t, gradients_that_are_parameters, 0, WAYS);
    tcase_add_loop_test(t, values_that_are_assigned, 0, WAYS);
    tcase_add_loop_test(t, bodies_that_hand_on_leaves, 0, WAYS);
    tcase_add_loop_test(t, a_parameter_moves_with_its_value, 0, WAYS);
    tcase_add_loop_test(t, an_input_is_read_where_it_is_bound, 0, WAYS);
    tcase_add_loop_test(t, an_output_is_there_after_the_next_evaluation, 0, WAYS);
    tcase_add_loop_test(t, memory_that_is_read_and_written, 0, WAYS);
    tcase_add_test(t, exported_outputs);
    suite_add_tcase(s, t);
    return s;
}
