/* What a newcomer does wrong, through the public headers and a compiler's defaults, and the one message that answers
 * it: what, where, which shapes, and what to do. */
#include "folder.h"

#define HEAD                                                    \
    "#include \"autograd/autograd.h\"\n"                        \
    "#include <math.h>\n"                                       \
    "int main(void)\n"                                          \
    "{\n"                                                       \
    "    ag_graph *g = ag_graph_new(NULL);\n"
#define TAIL                   \
    "    ag_graph_free(g);\n"  \
    "    return 0;\n"          \
    "}\n"

/* The program, compiled without a warning, prints this. */
static void expect_prints(const char *compiler, const char *program, const char *want)
{
    char command[1024], output[4096];
    write_file("program", program);
    snprintf(command, sizeof command,
             "exec 2>&1; %s -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror -I. -c %s/program -o %s/program.o"
             " && " TEST_CC " %s/program.o " TEST_BUILD "/libautograd.a " TEST_LIBS " -o %s/program.out"
             " && %s/program.out",
             compiler, folder, folder, folder, folder, folder);
    FILE *f = popen(command, "r");
    ck_assert_ptr_nonnull(f);
    output[fread(output, 1, sizeof output - 1, f)] = 0;
    int status = pclose(f);
    ck_assert_str_eq(output, want);
    ck_assert_int_eq(status, 0);
}

static int has(const char *compiler)
{
    char command[128];
    snprintf(command, sizeof command, "echo 'int i;' | %s -c - -o %s/i.o 2>/dev/null", compiler, folder);
    return system(command) == 0;
}

static const char c11[] = "cc -x c -std=c11";

START_TEST(a_wrong_shape)
{
    expect_prints(c11, HEAD
        "    ag_node *x = ag_input(g, \"images\", AG_F32, AG_SHAPE(32, 784));\n"
        "    ag_node *w = ag_parameter(g, \"W1\", AG_F32, AG_SHAPE(748, 128), NULL);\n"
        "    ag_node *v = ag_parameter(g, \"W2\", AG_F32, AG_SHAPE(128, 784), NULL);\n"
        "    ag_node *b = ag_parameter(g, \"b1\", AG_F32, AG_SHAPE(100), NULL);\n"
        "    ag_node *y = ag_relu(AG_HERE(ag_matmul(x, w)));\n"
        "    if (!ag_compile(g, 1, &y, NULL)) puts(ag_graph_error(g));\n" /* the first failure, not the last */
        "    ag_graph_clear(g);\n"
        "    ag_dot(x, v), puts(ag_graph_error(g)), ag_graph_clear(g);\n"
        "    ag_dot(ag_transpose(x, NULL), w), puts(ag_graph_error(g)), ag_graph_clear(g);\n"
        "    ag_add(x, b), puts(ag_graph_error(g)), ag_graph_clear(g);\n" TAIL,
        "matmul (node 4): inner dimensions differ, 784 and 748; a 'images' f32[32,784], b 'W1' f32[748,128]\n"
        "dot (node 4): inner dimensions differ, 784 and 128: ag_transpose(b, NULL) would fit; "
        "a 'images' f32[32,784], b 'W2' f32[128,784]\n"
        "dot (node 5): inner dimensions differ, 32 and 748; a transpose (node 4) f32[784,32], b 'W1' f32[748,128]\n"
        "add (node 5): shapes do not broadcast: along an axis 784 and 100, neither of which is 1; "
        "a 'images' f32[32,784], b 'b1' f32[100]\n");
}
END_TEST

START_TEST(an_input_that_is_not_fed)
{
    expect_prints(c11, HEAD
        "    ag_node *x = ag_input(g, \"x\", AG_F64, AG_SHAPE(3)), *t = ag_input(g, \"t\", AG_F64, AG_SHAPE(3));\n"
        "    ag_node *d = ag_sub(x, t), *loss = ag_sum(ag_square(d));\n"
        "    ag_name(d, \"error\");\n"
        "    ag_plan *plan = ag_compile(g, 1, &loss, NULL);\n"
        "    ag_run *run = ag_run_new(plan);\n"
        "    if (ag_eval(run)) puts(ag_run_error(run));\n"
        "    ag_feed(run, x, (double[]){ 1, 2, 3 });\n"
        "    if (ag_eval(run)) puts(ag_run_error(run));\n"
        "    if (isnan(ag_item(run, loss))) puts(ag_run_error(run));\n"
        "    if (isnan(ag_value(loss))) puts(ag_graph_error(g));\n"
        "    ag_run_free(run), ag_plan_free(plan);\n"
        "    ag_node *many[6], *sum = loss;\n"
        "    for (int i = 0; i < 6; i++) sum = ag_add(sum, many[i] = ag_input(g, NULL, AG_F64, AG_SCALAR));\n"
        "    plan = ag_compile(g, 1, &sum, NULL);\n"
        "    run = ag_run_new(plan);\n"
        "    for (int i = 0; i < 3; i++) ag_feed(run, many[i], (double[]){ 1 });\n"
        "    if (ag_eval(run)) puts(ag_run_error(run));\n"
        "    ag_run_free(run), ag_plan_free(plan);\n" TAIL,
        "ag_eval: 2 inputs have not been fed: call ag_feed for 'x' f64[3], read by 'error' f64[3]; "
        "'t' f64[3], read by 'error' f64[3]\n"
        "ag_eval: 't' f64[3] has not been fed: call ag_feed; it is read by 'error' f64[3]\n"
        "ag_item: sum (node 4) f64[] has no value yet: call ag_eval\n"
        "ag_value: ag_eval: 2 inputs have not been fed: call ag_feed for 'x' f64[3], read by 'error' f64[3]; "
        "'t' f64[3], read by 'error' f64[3]\n"
        "ag_eval: 5 inputs have not been fed: call ag_feed for 'x' f64[3], read by 'error' f64[3]; "
        "'t' f64[3], read by 'error' f64[3]; input (node 11) f64[], read by add (node 12) f64[]; "
        "input (node 13) f64[], read by add (node 14) f64[]; and 1 more\n");
}
END_TEST

/* Float data for doubles is known by the compiler, or by the call that counts it. */
static const char typed[] = HEAD
    "    static float f[4]; static double d[4]; static int64_t l[4]; static int i[4]; static void *v = d;\n"
    "    double a[] = { 1, 2, 3, 4 };\n"
    "    ag_node *x = ag_input(g, \"x\", AG_F64, AG_SHAPE(4)), *k = ag_input(g, \"k\", AG_I64, AG_SHAPE(4));\n"
    "    ag_node *y = ag_add(x, ag_cast(k, AG_F64)), *p = ag_parameter(g, \"p\", AG_F64, AG_SHAPE(4), NULL);\n"
    "    ag_node *out[] = { y, p };\n"
    "    ag_plan *plan = ag_compile(g, 2, out, NULL);\n"
    "    ag_run *run = ag_run_new(plan);\n"
    "    if (ag_feed(run, x, f)) puts(ag_run_error(run));\n"
    "    if (ag_feed(run, x, i)) puts(ag_run_error(run));\n"
    "    if (ag_feed(run, k, i)) puts(ag_run_error(run));\n"
    "    if (ag_feed(run, k, d)) puts(ag_run_error(run));\n"
    "    if (ag_feed_f64(run, x, d, 3)) puts(ag_run_error(run));\n"
    "    if (ag_feed(run, x, a) || ag_feed(run, k, l) || ag_feed(run, x, v) || ag_eval(run)) return 1;\n"
    "    if (ag_fetch(run, y, f)) puts(ag_run_error(run));\n"
    "    if (ag_bind(run, x, f)) puts(ag_run_error(run));\n"
    "    if (ag_adopt(run, p, f)) puts(ag_run_error(run));\n"
    "    if (ag_fetch(run, y, d) || ag_bind(run, x, d) || ag_bind(run, x, NULL) || ag_adopt(run, p, d)) return 1;\n"
    "    ag_constant(g, AG_F64, AG_SHAPE(4), f), puts(ag_graph_error(g)), ag_graph_clear(g);\n"
    "    ag_constant(g, AG_I64, AG_SHAPE(4), i), puts(ag_graph_error(g)), ag_graph_clear(g);\n"
    "    ag_parameter(g, \"q\", AG_F32, AG_SHAPE(4), a), puts(ag_graph_error(g)), ag_graph_clear(g);\n"
    "    ag_constant(g, AG_F64, AG_SHAPE(4), a), ag_parameter(g, \"q\", AG_F32, AG_SHAPE(4), f);\n"
    "    if (ag_graph_status(g)) return 2;\n"
    "    ag_run_free(run), ag_plan_free(plan);\n" TAIL;
static const char typed_prints[] =
    "ag_feed: 'x' f64[4] takes double, not float: declare the data double, or call ag_feed_f32, which converts it\n"
    "ag_feed: 'x' f64[4] takes double, not int: declare the data double\n"
    "ag_feed: 'k' i64[4] takes int64_t, not int: declare the data int64_t\n"
    "ag_feed: 'k' i64[4] takes int64_t, not double: declare the data int64_t\n"
    "ag_feed_f64: 'x' f64[4] takes 4 elements, not 3\n"
    "ag_fetch: add (node 3) f64[4] takes double, not float: declare the data double\n"
    "ag_bind: 'x' f64[4] takes double, not float: declare the data double\n"
    "ag_adopt: 'p' f64[4] takes double, not float: declare the data double\n"
    "constant: f64 takes double, not float: declare the data double, or say AG_F32\n"
    "constant: i64 takes int64_t, not int: declare the data int64_t\n"
    "parameter: 'q' of f32 takes float, not double: declare the data float, or say AG_F64\n";

START_TEST(data_of_another_type)
{
    static const char *const compiler[] = { "gcc -x c -std=c11", "clang -x c -std=c11", "g++ -x c++ -std=c++11",
                                            "clang++ -x c++ -std=c++17" };
    for (size_t k = 0; k < COUNT(compiler); k++)
        if (has(compiler[k])) expect_prints(compiler[k], typed, typed_prints);
}
END_TEST

/* Arguments that have commas of their own; functions, not macros, where a name stands alone. */
START_TEST(calls_are_what_they_were)
{
    expect_prints(c11, HEAD
        "    ag_node *c = ag_constant(g, AG_F64, ((ag_shape){ 2, { 1, 2 } }), ((double[]){ 3, 4 }));\n"
        "    ag_node *d = ag_constant(g, AG_F64, (ag_shape){ 2, { 1, 2 } }, (double[]){ 5, 6 });\n"
        "    ag_node *p = ag_parameter(g, \"p\", AG_F64, AG_SHAPE(2), (const double[2]){ 1, 1 });\n"
        "    ag_node *(*make)(ag_graph *, ag_dtype, ag_shape, const void *) = ag_constant;\n"
        "    ag_node *e = make(g, AG_F64, AG_SCALAR, &(double){ 7 });\n"
        "    printf(\"%g\\n\", ag_value(ag_sum(ag_mul(ag_add(c, ag_mul(d, e)), p))));\n" TAIL, "84\n");
    expect_prints("cc -x c -std=c99 -DAG_UNCHECKED", HEAD
        "    const double three[] = { 3 };\n"
        "    printf(\"%g\\n\", ag_value(ag_constant(g, AG_F64, AG_SCALAR, three)));\n" TAIL, "3\n");
}
END_TEST

START_TEST(the_gradient_of_a_vector)
{
    expect_prints(c11, HEAD
        "    ag_node *w = ag_parameter(g, \"w\", AG_F64, AG_SHAPE(3), NULL), *y = ag_tanh(w), *dw;\n"
        "    ag_name(y, \"prediction\");\n"
        "    if (ag_gradient(y, 1, &w, &dw)) puts(ag_graph_error(g));\n"
        "    ag_graph_clear(g);\n"
        "    ag_node *step = ag_sgd(y, NULL);\n"
        "    if (!ag_compile(g, 1, &step, NULL)) puts(ag_graph_error(g));\n" TAIL,
        "ag_gradient: y is not a single number, of rank 0: take its ag_mean or ag_sum, or use ag_vjp; "
        "'prediction' f64[3]\n"
        "ag_sgd: the loss is not a single number, of rank 0: take its ag_mean or ag_sum; 'prediction' f64[3]\n");
}
END_TEST

/* The loss is NaN from x < 0 on: the message at the number says what helps, and that tells where. */
START_TEST(not_a_number_in_step_300)
{
    expect_prints(c11, HEAD
        "    ag_node *x = ag_parameter(g, \"x\", AG_F64, AG_SCALAR, (double[]){ 2.995 });\n"
        "    ag_node *loss = ag_mul(x, ag_log(x)), *step;\n"
        "    ag_name(loss, \"loss\");\n"
        "    step = ag_assign(x, ag_sub(x, ag_number(g, 0.01)));\n"
        "    for (int trap = 0; trap < 2; trap++) {\n"
        "        ag_options options = { .trap_nan = trap };\n"
        "        ag_plan *plan = ag_compile(g, 2, (ag_node *[]){ loss, step }, &options);\n"
        "        ag_run *run = ag_run_new(plan);\n"
        "        for (int i = 0; i < 400; i++) {\n"
        "            int failed = ag_eval(run) != AG_OK;\n"
        "            if (!failed && !isnan(ag_item(run, loss))) continue;\n"
        "            printf(\"%d: %s\\n\", i, ag_run_error(run));\n"
        "            break;\n"
        "        }\n"
        "        ag_run_free(run), ag_plan_free(plan);\n"
        "    }\n" TAIL,
        "300: ag_item: 'loss' f64[] is NaN: compiled with .trap_nan = 1, ag_eval fails at the operation that makes "
        "the first one\n"
        "300: log (node 1) f64[]: the first NaN, of 'x' f64[], there -0.005; on the way 'x' > log (node 1)\n");
}
END_TEST

/* ---- names ------------------------------------------------------------------------------------------------------ */

START_TEST(names_that_are_misspelt)
{
    ag_graph *g = ag_graph_new(NULL);
    ag_node *w = ag_parameter(g, "layer1/weight", AG_F64, AG_SHAPE(2), NULL), *y = ag_exp(w);
    ag_name(y, "ψ");
    ck_assert_ptr_eq(ag_get(g, "layer1/weight"), w);
    ck_assert_ptr_eq(ag_get(g, "ψ"), y);
    expect_well(g);
    ck_assert(ag_exp(ag_get(g, "layer1/wieght")) != NULL);
    ck_assert_str_eq(ag_graph_error(g), "ag_get: nothing is named 'layer1/wieght', did you mean 'layer1/weight'?");
    ag_graph_clear(g);
    ag_get(g, "bias");
    ck_assert_str_eq(ag_graph_error(g), "ag_get: nothing is named 'bias'");
    ag_graph_clear(g);
    ag_get(g, NULL);
    ck_assert_str_eq(ag_graph_error(g), "ag_get: the name is NULL");
    ck_assert_ptr_null(ag_get(NULL, "x"));
    ag_graph_free(g);
}
END_TEST

/* What the plan of the outputs fails with, now or when it is run without being fed. */
static void expect_refused(ag_graph *g, int n, ag_node *const outputs[], const char *want)
{
    ag_plan *plan = ag_compile(g, n, outputs, NULL);
    ag_run *run = plan ? ag_run_new(plan) : NULL;
    ck_assert(!run || ag_eval(run) == AG_EARG);
    ck_assert_str_eq(run ? ag_run_error(run) : ag_graph_error(g), want);
    ag_run_free(run);
    ag_plan_free(plan);
    ag_graph_clear(g);
}

#define OUTSIDE " reads it outside: what leaves a loop are its final and stacked values"

START_TEST(a_state_that_is_read_outside_of_its_loop)
{
    ag_graph *g = ag_graph_new(NULL);
    ag_node *x = ag_input(g, "x", AG_F64, AG_SCALAR), *s = ag_input(g, "s", AG_F64, AG_SCALAR);
    ag_node *rate = ag_input(g, "rate", AG_F64, AG_SCALAR), *grown = ag_exp(rate);
    ag_node *next = ag_mul(s, grown), *y, *z;
    ag_node *unread = ag_sin(rate), *elsewhere = ag_cos(x), *h = ag_add(s, rate);
    ag_scan(&(ag_scan_body){ .length = 3, .states = 1, .initial = &elsewhere, .state = &s, .next = &h }, &y, NULL);
    expect_refused(g, 1, &(ag_node *){ ag_mul(y, ag_sin(s)) },
                   "ag_compile: 's' f64[] stands for a value in the body of loop (node 8), "
                   "but sin (node 10) f64[]" OUTSIDE);
    expect_refused(g, 2, (ag_node *[]){ y, s },
                   "ag_compile: 's' f64[] stands for a value in the body of loop (node 8), "
                   "but the list of outputs" OUTSIDE);
    /* Bodies alone are plans; readers are those that a plan has. */
    expect_refused(g, 1, &next, "ag_eval: 2 inputs have not been fed: call ag_feed for 's' f64[], read by mul (node 4) "
                                "f64[]; 'rate' f64[], read by exp (node 3) f64[]");
    expect_refused(g, 1, &y, "ag_eval: 2 inputs have not been fed: call ag_feed for 'x' f64[], read by cos (node 6) "
                             "f64[]; 'rate' f64[], read by add (node 7) f64[]");
    expect_refused(g, 1, &unread,
                   "ag_eval: 'rate' f64[] has not been fed: call ag_feed; it is read by sin (node 5) f64[]");
    expect_refused(g, 3, (ag_node *[]){ y, unread, grown },
                   "ag_eval: 2 inputs have not been fed: call ag_feed for 'x' f64[], read by cos (node 6) f64[]; "
                   "'rate' f64[], read by exp (node 3) f64[]");
    /* A loop in a loop: the inner one's state in the outer body. */
    ag_node *outer = ag_input(g, "outer", AG_F64, AG_SCALAR);
    ag_node *inner = ag_input(g, "inner", AG_F64, AG_SCALAR);
    next = ag_square(inner);
    ag_scan(&(ag_scan_body){ .length = 2, .states = 1, .initial = &outer, .state = &inner, .next = &next }, &z, NULL);
    next = ag_add(z, ag_exp(inner));
    ag_scan(&(ag_scan_body){ .length = 3, .states = 1, .initial = &x, .state = &outer, .next = &next }, &z, NULL);
    expect_refused(g, 1, &z,
                   "ag_compile: 'inner' f64[] stands for a value in the body of loop (node 15), "
                   "but exp (node 17) f64[]" OUTSIDE);
    ag_graph_free(g);
}
END_TEST

START_TEST(parameters_that_a_file_names_otherwise)
{
    char path[64], want[256];
    ag_graph *g = ag_graph_new(NULL), *h = ag_graph_new(NULL);
    ag_node *w = ag_parameter(g, "encoder/weight", AG_F64, AG_SHAPE(2), NULL);
    ag_node *v = ag_parameter(h, "encoder/wieght", AG_F64, AG_SHAPE(2), NULL);
    ag_plan *saved = ag_compile(g, 1, &w, NULL), *loaded = ag_compile(h, 1, &v, NULL);
    ag_run *from = ag_run_new(saved), *to = ag_run_new(loaded);
    snprintf(path, sizeof path, "%s/weights", folder);
    ck_assert_int_eq(ag_save(from, path), AG_OK);
    ck_assert_int_eq(ag_load(to, path), AG_EARG);
    snprintf(want, sizeof want,
             "ag_load '%s': the parameter 'encoder/wieght' is missing; is the file's 'encoder/weight' meant?", path);
    ck_assert_str_eq(ag_run_error(to), want);
    ag_run_free(from), ag_run_free(to);
    ag_plan_free(saved), ag_plan_free(loaded);
    ag_graph_free(g), ag_graph_free(h);
}
END_TEST

Suite *suite_newcomers(void)
{
    Suite *s = suite_create("newcomers");
    TCase *t = tcase_create("newcomers");
    tcase_set_timeout(t, 120);
    tcase_add_checked_fixture(t, make_folder, remove_folder);
    tcase_add_test(t, a_wrong_shape);
    tcase_add_test(t, an_input_that_is_not_fed);
    tcase_add_test(t, data_of_another_type);
    tcase_add_test(t, calls_are_what_they_were);
    tcase_add_test(t, the_gradient_of_a_vector);
    tcase_add_test(t, not_a_number_in_step_300);
    tcase_add_test(t, names_that_are_misspelt);
    tcase_add_test(t, a_state_that_is_read_outside_of_its_loop);
    tcase_add_test(t, parameters_that_a_file_names_otherwise);
    suite_add_tcase(s, t);
    return s;
}
