/* Files of several functions, and integers of any width: a network that is trained and asked in C, by compilers of C99
 * and of C++17, beside the library's own runs of the same plans. */
#include "folder.h"

enum { BATCH = 6, IN = 5, CLASSES = 3, STEPS = 4, NUMBERS = STEPS + BATCH + IN * CLASSES + 1 };
static const int64_t labels[BATCH] = { 2, 0, 1, 1, 0, 2 };

typedef struct {
    ag_graph *g;
    ag_node *x, *labels, *w, *b, *loss, *best;
    ag_plan *train, *predict;
} network;

static void fill(float x[BATCH * IN])
{
    for (int k = 0; k < BATCH * IN; k++) x[k] = (float)(k * 37 % 101 - 50) / 64;
}

static network make_network(void)
{
    float w[IN * CLASSES];
    network n = { .g = ag_graph_new(NULL) };
    for (int k = 0; k < IN * CLASSES; k++) w[k] = (float)(k * 29 % 53 - 26) / 64;
    n.x = ag_input(n.g, "x", AG_F32, AG_SHAPE(BATCH, IN));
    n.labels = ag_input(n.g, "labels", AG_I64, AG_SHAPE(BATCH));
    n.w = ag_parameter(n.g, "w", AG_F32, AG_SHAPE(IN, CLASSES), w);
    n.b = ag_parameter(n.g, "b", AG_F32, AG_SHAPE(CLASSES), NULL);
    ag_node *y = ag_add(ag_matmul(n.x, n.w), n.b);
    n.best = ag_argmax(y, 1);
    n.loss = ag_cross_entropy(y, n.labels);
    ag_name(n.best, "best"), ag_name(n.loss, "loss");
    n.train = ag_compile(n.g, 2, (ag_node *[]){ n.loss, ag_adam(n.loss, NULL) }, NULL);
    n.predict = ag_compile(n.g, 1, &n.best, NULL);
    ck_assert_msg(n.train && n.predict, "%s", ag_graph_error(n.g));
    return n;
}

static void free_network(network *n)
{
    ag_plan_free(n->train), ag_plan_free(n->predict);
    ag_graph_free(n->g);
}

/* The losses of some steps, then the classes, the weights and the number of steps taken. */
static void by_library(const network *n, double result[NUMBERS])
{
    float x[BATCH * IN], w[IN * CLASSES];
    ag_run *train = ag_run_new(n->train), *predict = ag_run_new(n->predict);
    ck_assert_int_eq(ag_run_share(predict, train), AG_OK);
    fill(x);
    ag_feed(train, n->x, x), ag_feed(train, n->labels, labels), ag_feed(predict, n->x, x);
    for (int k = 0; k < STEPS; k++) {
        ck_assert_int_eq(ag_eval(train), AG_OK);
        *result++ = ag_item(train, n->loss);
    }
    ck_assert_int_eq(ag_eval(predict), AG_OK);
    const int64_t *best = ag_data(predict, n->best);
    for (int k = 0; k < BATCH; k++) *result++ = (double)best[k];
    ck_assert_int_eq(ag_fetch(train, n->w, w), AG_OK);
    for (int k = 0; k < IN * CLASSES; k++) *result++ = w[k];
    *result = STEPS;
    ag_run_free(predict), ag_run_free(train);
}

/* ---- the same in a program --------------------------------------------------------------------------------------- */

static const char main_text[] =
    "#include <stdio.h>\n"
    "#include \"net.h\"\n"
    "static struct net_parameters p;\n"
    "static double work[net_WORKSPACE / sizeof(double) + 1];\n"
    "int main(void)\n"
    "{\n"
    "    static const INTEGER labels[6] = { 2, 0, 1, 1, 0, 2 };\n"
    "    static INTEGER best[6];\n"
    "    static float x[30], loss;\n"
    "    struct net_train_inputs in;\n"
    "    struct net_train_outputs out;\n"
    "    struct net_predict_inputs asked;\n"
    "    struct net_predict_outputs told;\n"
    "    int k;\n"
    "    for (k = 0; k < 30; k++) x[k] = (float)(k * 37 % 101 - 50) / 64;\n"
    "    in.input_x = x, in.input_labels = labels, out.output_loss = &loss;\n"
    "    asked.input_x = x, told.output_best = best, p = net_initial;\n"
    "    for (k = 0; k < 4; k++) {\n"
    "        if (net_train(&in, &p, &out, work)) return 1;\n"
    "        printf(\"%.9g\\n\", loss);\n"
    "    }\n"
    "    if (net_predict(&asked, &p, &told, work)) return 2;\n"
    "    for (k = 0; k < 6; k++) printf(\"%d\\n\", (int)best[k]);\n"
    "    for (k = 0; k < 15; k++) printf(\"%.9g\\n\", p.parameter_w[k]);\n"
    "    printf(\"%.9g\\n\", p.parameter_adam_step[0]);\n"
    "    in.input_labels = 0;\n"
    "    return net_train(&in, &p, &out, work) == 3 ? 0 : 3;\n"
    "}\n";

static void write_files(const network *n, int bits)
{
    const ag_c_function functions[] = { { "train", n->train }, { "predict", n->predict } };
    char message[256] = "";
    FILE *source = create_file("net.c"), *header = create_file("net.h"), *main = create_file("main.c");
    const ag_c_options o = { .initial = 1, .integer_bits = bits, .message = message, .message_size = sizeof message };
    ck_assert_msg(ag_write_c_functions(2, functions, "net", source, header, &o) == 0, "%s", message);
    fputs(main_text, main);
    fclose(source), fclose(header), fclose(main);
}

/* Skipped where there is no such compiler, or its programs cannot be linked. */
static int compile(const char *compiler, int bits)
{
    if (run_in_folder("echo 'int main(void){return 0;}' | %s -x c - -o none 2>/dev/null", compiler)) {
        printf("skipped: %s makes no programs here\n", compiler);
        return 0;
    }
    ck_assert_msg(!run_in_folder("%s -O1 -Wall -Wextra -Wpedantic -Wshadow -Werror -DINTEGER=int%d_t main.c net.c"
                                     " -o net -lm", compiler, bits), "%s", compiler);
    return 1;
}

static void by_program(double result[NUMBERS])
{
    char command[96];
    snprintf(command, sizeof command, "%s/net", folder);
    FILE *told = popen(command, "r");
    ck_assert_ptr_nonnull(told);
    for (int k = 0; k < NUMBERS; k++) ck_assert_int_eq(fscanf(told, "%lf", &result[k]), 1);
    ck_assert_int_eq(pclose(told), 0);
}

START_TEST(functions_share_parameters)
{
    static const char *const compilers[] = { "gcc -std=c99", "gcc -std=c99 -m32 -msse2 -mfpmath=sse",
                                             "g++ -x c++ -std=c++17", "clang -std=c99", "clang++ -x c++ -std=c++17" };
    static const int bits[] = { 8, 16, 32, 0 };
    double want[NUMBERS], got[NUMBERS];
    network n = make_network();
    make_folder();
    by_library(&n, want);
    write_files(&n, bits[_i]);
    for (size_t c = 0; c < COUNT(compilers); c++) {
        if (!compile(compilers[c], bits[_i] ? bits[_i] : 64)) continue;
        by_program(got);
        for (int k = 0; k < NUMBERS; k++)
            ck_assert_msg(fabs(got[k] - want[k]) <= 1e-5, "%s, %d bits: number %d is %g, not %g", compilers[c],
                          bits[_i], k, got[k], want[k]);
    }
    if (!system("command -v cppcheck >/dev/null"))
        ck_assert_int_eq(run_in_folder("cppcheck -q --enable=warning,performance,portability --error-exitcode=1"
                             " --inline-suppr net.c"), 0);
    else printf("skipped: cppcheck is not here\n");
    remove_folder();
    free_network(&n);
}
END_TEST

/* ---- microcontrollers -------------------------------------------------------------------------------------------- */

static int have_arm(void)
{
    if (!system("command -v arm-none-eabi-gcc >/dev/null")) return 1;
    printf("skipped: arm-none-eabi-gcc is not here\n");
    return 0;
}

/* Bytes of code and constants of net.c in flash. */
static long arm_bytes(const char *core)
{
    char command[256];
    long bytes = 0;
    ck_assert_int_eq(run_in_folder("arm-none-eabi-gcc -mthumb %s -Os -std=c99 -Wall -Wextra -Wshadow -Werror -c net.c"
                         " -o net.o", core), 0);
    snprintf(command, sizeof command, "arm-none-eabi-size %s/net.o | tail -1", folder);
    FILE *told = popen(command, "r");
    ck_assert_int_eq(fscanf(told, "%ld", &bytes), 1);
    pclose(told);
    return bytes;
}

static const struct {
    const char *flags;
    long most;
} cores[] = { { "-mcpu=cortex-m0", 7400 }, { "-mcpu=cortex-m4 -mfloat-abi=hard -mfpu=fpv4-sp-d16", 5700 } };

START_TEST(a_network_takes_little_flash)
{
    if (!have_arm()) return;
    network n = make_network();
    make_folder();
    write_files(&n, 8);
    for (size_t k = 0; k < COUNT(cores); k++) {
        const long bytes = arm_bytes(cores[k].flags);
        printf("%s: %ld bytes\n", cores[k].flags, bytes);
        ck_assert_int_le(bytes, cores[k].most);
    }
    remove_folder();
    free_network(&n);
}
END_TEST

/* What has no double in it calls no function of the compiler's for one. */
START_TEST(matrices_of_floats_need_no_doubles)
{
    if (!have_arm()) return;
    ag_graph *g = ag_graph_new(NULL);
    ag_node *a = ag_input(g, "a", AG_F32, AG_SHAPE(5, 5)), *b = ag_input(g, "b", AG_F32, AG_SHAPE(5)), *d[2];
    ag_node *x = ag_solve(ag_matmul(a, ag_transpose(a, NULL)), b);
    ag_gradient(ag_add(ag_sum(ag_square(x)), ag_logdet(a)), 2, (ag_node *[]){ a, b }, d);
    ag_plan *p = ag_compile(g, 2, d, NULL);
    ck_assert_msg(p != NULL, "%s", ag_graph_error(g));
    make_folder();
    FILE *source = create_file("net.c");
    ck_assert_int_eq(ag_write_c(p, "net", source, NULL, NULL), 0);
    fclose(source);
    for (size_t k = 0; k < COUNT(cores); k++) {
        printf("solve and logdet, %s: %ld bytes\n", cores[k].flags, arm_bytes(cores[k].flags));
        ck_assert_int_ne(run_in_folder("arm-none-eabi-nm -u net.o | grep -E '__aeabi_(d|[a-z0-9]+2d$)'"), 0);
    }
    remove_folder();
    ag_plan_free(p);
    ag_graph_free(g);
}
END_TEST

/* ---- what is refused --------------------------------------------------------------------------------------------- */

static void expect_refusal(int n, const ag_c_function functions[], const char *prefix, int bits, const char *why)
{
    char message[256] = "", *text = NULL;
    size_t size;
    FILE *to = open_memstream(&text, &size);
    const ag_c_options o = { .integer_bits = bits, .message = message, .message_size = sizeof message };
    ck_assert_int_eq(ag_write_c_functions(n, functions, prefix, to, NULL, &o), -1);
    ck_assert_msg(strstr(message, why) != NULL, "%s", message);
    ck_assert_msg(!strncmp(message, "ag_write_c_functions: ", 22), "%s", message);
    fclose(to);
    ck_assert_uint_eq(size, 0);
    free(text);
}

START_TEST(refuses_names_and_other_graphs)
{
    static const char *const taken[] = { "initial", "parameters", "data0", "shared" };
    static const char *const wrong[] = { "", "a b", "1", NULL };
    network n = make_network(), other = make_network();
    ag_c_function f[] = { { "train", n.train }, { "predict", n.predict } };
    expect_refusal(0, f, "net", 0, "no plan");
    expect_refusal(2, NULL, "net", 0, "no plan");
    expect_refusal(2, f, "sin", 0, "is a name of <math.h>");
    expect_refusal(2, f, "n t", 0, "identifier");
    for (int bits = -1; bits < 70; bits++)
        if (bits && bits != 8 && bits != 16 && bits != 32 && bits != 64) expect_refusal(2, f, "net", bits, "bits");
    for (size_t k = 0; k < COUNT(taken); k++) {
        f[1].name = taken[k];
        expect_refusal(2, f, "net", 0, "has that by itself");
    }
    for (size_t k = 0; k < COUNT(wrong); k++) {
        f[1].name = wrong[k];
        expect_refusal(2, f, "net", 0, "the name of function 1");
    }
    f[1].name = "train";
    expect_refusal(2, f, "net", 0, "two functions are called train");
    f[1] = (ag_c_function){ "predict", other.predict };
    expect_refusal(2, f, "net", 0, "another graph");
    f[1].plan = NULL;
    expect_refusal(2, f, "net", 0, "function 1 has no plan");
    free_network(&n), free_network(&other);
}
END_TEST

/* What some function assigns is no constant in any. */
START_TEST(embeds_what_no_function_assigns)
{
    network n = make_network();
    char *text = NULL;
    size_t size;
    ag_run *r = ag_run_new(n.predict);
    const ag_c_function both[] = { { "train", n.train }, { "predict", n.predict } };
    for (int k = 1; k < 3; k++) {
        FILE *to = open_memstream(&text, &size);
        ck_assert_int_eq(ag_write_c_functions(k, both + 2 - k, "net", to, NULL, &(ag_c_options){ .embed = r }), 0);
        fclose(to);
        ck_assert((strstr(text, "parameter_w[") != NULL) == (k == 2));
        free(text);
    }
    ag_run_free(r);
    free_network(&n);
}
END_TEST

/* Of sparse derivatives callers see where the elements stand: two of them, spread out in C, beside dense ones. */
START_TEST(sparse_outputs_come_with_their_places)
{
    enum { N = 6, NUMBERS_OF_BOTH = 2 * N * N };
    static const char text[] =
        "#include <stdio.h>\n#include \"net.h\"\n"
        "#define SPREAD(m, name) for (i = 0; i < 6; i++) \\\n"
        "    for (k = net_output_##name##_row_start[i]; k < net_output_##name##_row_start[i + 1]; k++) \\\n"
        "        m[i][net_output_##name##_column[k]] = name[k];\n"
        "int main(void)\n{\n"
        "    static double work[net_WORKSPACE / sizeof(double) + 1], x[6], J[36], H[36], m[2][6][6];\n"
        "    struct net_inputs in;\n    struct net_outputs out;\n    int i, k;\n"
        "    in.input_x = x, out.output_J = J, out.output_H = H;\n"
        "    for (i = 0; i < 6; i++) x[i] = 0.25 * i - 0.5;\n"
        "    if (net(&in, &out, work)) return 1;\n"
        "    SPREAD(m[0], J)\n    SPREAD(m[1], H)\n"
        "    return fwrite(m, sizeof m, 1, stdout) != 1;\n}\n";
    double want[NUMBERS_OF_BOTH], got[NUMBERS_OF_BOTH], x[N];
    ag_graph *g = ag_graph_new(NULL);
    ag_node *in = ag_input(g, "x", AG_F64, AG_SHAPE(N)), *next = ag_roll(in, 0, 1);
    ag_node *y = ag_mul(ag_sin(in), next), *sum = ag_sum(ag_mul(y, next));
    const ag_sparse *j = ag_sparse_jacobian(y, 1, &in, NULL), *h = ag_sparse_hessian(sum, 1, &in, NULL);
    ck_assert_msg(j && h, "%s", ag_graph_error(g));
    ag_name(j->values, "J"), ag_name(h->values, "H");
    ag_node *dense[] = { ag_jacobian(y, in), ag_hessian(sum, in) };
    ag_plan *p = ag_compile(g, 2, (ag_node *[]){ j->values, h->values }, NULL), *q = ag_compile(g, 2, dense, NULL);
    ag_run *r = ag_run_new(q);
    for (int k = 0; k < N; k++) x[k] = 0.25 * k - 0.5;
    ck_assert(!ag_feed(r, in, x) && !ag_eval(r));
    for (int k = 0; k < 2; k++) ck_assert_int_eq(ag_fetch(r, dense[k], want + k * N * N), AG_OK);
    make_folder();
    FILE *source = create_file("net.c"), *header = create_file("net.h");
    ck_assert_int_eq(ag_write_c(p, "net", source, header, NULL), 0);
    fclose(source), fclose(header);
    write_file("main.c", text);
    for (int k = 0; k < 2; k++) {
        char path[64];
        if (k && system("command -v g++ >/dev/null")) break;
        ck_assert(!run_in_folder("%s -Wall -Wextra -Wpedantic -Werror main.c net.c -o net -lm && ./net > out",
                                 k ? "g++ -x c++" : "cc -std=c99"));
        snprintf(path, sizeof path, "%s/out", folder);
        FILE *out = fopen(path, "r");
        ck_assert_uint_eq(fread(got, 1, sizeof got, out), sizeof got);
        fclose(out);
        for (int i = 0; i < NUMBERS_OF_BOTH; i++) expect_close(got[i], want[i], 1e-14);
    }
    remove_folder();
    ag_run_free(r);
    ag_plan_free(p), ag_plan_free(q);
    ag_graph_free(g);
}
END_TEST

/* Many numbers are written in base 16: every bit of them, small and large, is there again. */
START_TEST(many_numbers_are_exact)
{
    enum { MANY = 10000 };
    static const char text[] =
        "#include <stdio.h>\n#include \"many.h\"\n"
        "int main(void) { return fwrite(&many_initial, sizeof many_initial, 1, stdout) != 1; }\n";
    static const double special[] = { 0, -0.0, 1, -1, 0x1p-149, 0x1.fffffep127, 0x1p-126, 1.0 / 3, INFINITY,
                                      -0x1.8p-140 };
    static struct {
        double wide[MANY];
        float narrow[MANY];
    } want, got;
    for (int k = 0; k < MANY; k++) {
        const double some = ldexp((k * 7919 % 100003 - 50000) / 3.0, k % 97 - 60);
        want.wide[k] = k < (int)COUNT(special) ? special[k] : some, want.narrow[k] = (float)want.wide[k];
    }
    want.wide[COUNT(special)] = 0x1p-1074, want.wide[COUNT(special) + 1] = -0x1.fffffffffffffp1023;
    ag_graph *g = ag_graph_new(NULL);
    ag_node *a = ag_parameter(g, "a", AG_F64, AG_SHAPE(MANY), want.wide);
    ag_node *b = ag_parameter(g, "b", AG_F32, AG_SHAPE(MANY), want.narrow);
    ag_plan *p = ag_compile(g, 2, (ag_node *[]){ ag_sum(a), ag_sum(b) }, NULL);
    make_folder();
    FILE *source = create_file("many.c"), *header = create_file("many.h"), *caller = create_file("main.c");
    ck_assert_int_eq(ag_write_c(p, "many", source, header, &(ag_c_options){ .initial = 1 }), 0);
    fputs(text, caller);
    fclose(source), fclose(header), fclose(caller);
    ck_assert(!run_in_folder("cc -std=c99 -Wall -Wextra -Wpedantic -Werror main.c many.c -o many -lm && ./many > out"));
    char path[64];
    snprintf(path, sizeof path, "%s/out", folder);
    FILE *out = fopen(path, "r");
    ck_assert_uint_eq(fread(&got, 1, sizeof got, out), sizeof got);
    fclose(out);
    ck_assert_int_eq(memcmp(&got, &want, sizeof got), 0);
    remove_folder();
    ag_plan_free(p), ag_graph_free(g);
}
END_TEST

Suite *suite_exports(void)
{
    Suite *s = suite_create("exports");
    TCase *t = tcase_create("exports");
    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, functions_share_parameters, 0, 4);
    tcase_add_test(t, a_network_takes_little_flash);
    tcase_add_test(t, matrices_of_floats_need_no_doubles);
    tcase_add_test(t, refuses_names_and_other_graphs);
    tcase_add_test(t, embeds_what_no_function_assigns);
    tcase_add_test(t, sparse_outputs_come_with_their_places);
    tcase_add_test(t, many_numbers_are_exact);
    suite_add_tcase(s, t);
    return s;
}
