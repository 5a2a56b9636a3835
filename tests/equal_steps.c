/* Steps that do the same elsewhere are one function in exported C, in one plan and in several: a network of equal
 * layers and a recurrence, trained and asked; the option `small`, which shares more. */
#include "folder.h"

enum { BATCH = 8, WIDTH = 12, LAYERS = 5, OUT = 3, TIMES = 4, STEPS = 3, NUMBERS = STEPS + BATCH * OUT };

typedef struct {
    ag_graph *g;
    ag_node *x, *labels, *y, *loss;
    ag_plan *train, *predict;
} network;

static ag_node *layer(ag_graph *g, ag_node *h, int number, int64_t in, int64_t out)
{
    char name[16];
    float w[WIDTH * WIDTH];
    for (int64_t k = 0; k < in * out; k++) w[k] = (float)((k + number) * 29 % 53 - 26) / 90;
    snprintf(name, sizeof name, "w%d", number);
    ag_node *weights = ag_parameter(g, name, AG_F32, AG_SHAPE(in, out), w);
    snprintf(name, sizeof name, "b%d", number);
    return ag_add(ag_matmul(h, weights), ag_parameter(g, name, AG_F32, AG_SHAPE(out), NULL));
}

/* Layers, the first and the last of another shape than the rest, then an unrolled recurrence. */
static network make_network(void)
{
    network n = { .g = ag_graph_new(NULL) };
    n.x = ag_input(n.g, "x", AG_F32, AG_SHAPE(BATCH, OUT));
    n.labels = ag_input(n.g, "labels", AG_I64, AG_SHAPE(BATCH));
    ag_node *h = n.x;
    for (int k = 0; k < LAYERS; k++) h = ag_tanh(layer(n.g, h, k, k ? WIDTH : OUT, WIDTH));
    float w[WIDTH * WIDTH];
    for (int k = 0; k < WIDTH * WIDTH; k++) w[k] = (float)(k * 31 % 61 - 30) / 100;
    ag_node *again = ag_parameter(n.g, "again", AG_F32, AG_SHAPE(WIDTH, WIDTH), w);
    for (int k = 0; k < TIMES; k++) h = ag_sigmoid(ag_add(ag_matmul(h, again), h));
    n.y = layer(n.g, h, LAYERS, WIDTH, OUT);
    n.loss = ag_cross_entropy(n.y, n.labels);
    ag_name(n.y, "y"), ag_name(n.loss, "loss");
    n.train = ag_compile(n.g, 2, (ag_node *[]){ n.loss, ag_adam(n.loss, NULL) }, NULL);
    n.predict = ag_compile(n.g, 1, &n.y, NULL);
    ck_assert_msg(n.train && n.predict, "%s", ag_graph_error(n.g));
    return n;
}

static void free_network(network *n)
{
    ag_plan_free(n->train), ag_plan_free(n->predict);
    ag_graph_free(n->g);
}

static void by_library(const network *n, double result[NUMBERS])
{
    float x[BATCH * OUT];
    int64_t labels[BATCH];
    for (int k = 0; k < BATCH * OUT; k++) x[k] = (float)(k * 37 % 101 - 50) / 64;
    for (int k = 0; k < BATCH; k++) labels[k] = k * k % OUT;
    ag_run *train = ag_run_new(n->train), *predict = ag_run_new(n->predict);
    ck_assert_int_eq(ag_run_share(predict, train), AG_OK);
    ag_feed(train, n->x, x), ag_feed(train, n->labels, labels), ag_feed(predict, n->x, x);
    for (int k = 0; k < STEPS; k++) {
        ck_assert_int_eq(ag_eval(train), AG_OK);
        *result++ = ag_item(train, n->loss);
    }
    ck_assert_int_eq(ag_eval(predict), AG_OK);
    for (int k = 0; k < BATCH * OUT; k++) *result++ = ((const float *)ag_data(predict, n->y))[k];
    ag_run_free(predict), ag_run_free(train);
}

static const char main_text[] =
    "#include <stdio.h>\n"
    "#include \"net.h\"\n"
    "static struct net_parameters p;\n"
    "static double work[net_WORKSPACE / sizeof(double) + 1];\n"
    "int main(void)\n"
    "{\n"
    "    static int64_t labels[8];\n"
    "    static float x[24], y[24], loss;\n"
    "    struct net_train_inputs in;\n"
    "    struct net_train_outputs out;\n"
    "    struct net_predict_inputs asked;\n"
    "    struct net_predict_outputs told;\n"
    "    int k;\n"
    "    for (k = 0; k < 24; k++) x[k] = (float)(k * 37 % 101 - 50) / 64;\n"
    "    for (k = 0; k < 8; k++) labels[k] = k * k % 3;\n"
    "    in.input_x = asked.input_x = x, in.input_labels = labels, out.output_loss = &loss, told.output_y = y;\n"
    "    p = net_initial;\n"
    "    for (k = 0; k < 3; k++) {\n"
    "        if (net_train(&in, &p, &out, work)) return 1;\n"
    "        printf(\"%.9g\\n\", loss);\n"
    "    }\n"
    "    if (net_predict(&asked, &p, &told, work)) return 2;\n"
    "    for (k = 0; k < 24; k++) printf(\"%.9g\\n\", y[k]);\n"
    "    return 0;\n"
    "}\n";

/* ---- files ------------------------------------------------------------------------------------------------------- */

static char *text_of(const network *n, const ag_c_options *o)
{
    const ag_c_function functions[] = { { "train", n->train }, { "predict", n->predict } };
    char *text = NULL;
    size_t size;
    FILE *to = open_memstream(&text, &size);
    ck_assert_int_eq(ag_write_c_functions(2, functions, "net", to, NULL, o), 0);
    fclose(to);
    return text;
}

static void write_files(const network *n, const ag_c_options *o)
{
    const ag_c_function functions[] = { { "train", n->train }, { "predict", n->predict } };
    FILE *source = create_file("net.c"), *header = create_file("net.h"), *main = create_file("main.c");
    ck_assert_int_eq(ag_write_c_functions(2, functions, "net", source, header, o), 0);
    fputs(main_text, main);
    fclose(source), fclose(header), fclose(main);
}

static void expect_numbers(const char *compiler, const double want[NUMBERS])
{
    char command[96];
    double got;
    ck_assert_msg(!run_in_folder("%s -Wall -Wextra -Wpedantic -Wshadow -Werror main.c net.c -o net -lm",
                       compiler), "%s", compiler);
    snprintf(command, sizeof command, "%s/net", folder);
    FILE *told = popen(command, "r");
    ck_assert_ptr_nonnull(told);
    for (int k = 0; k < NUMBERS; k++) {
        ck_assert_int_eq(fscanf(told, "%lf", &got), 1);
        ck_assert_msg(fabs(got - want[k]) <= 2e-5, "%s: number %d is %.9g, not %.9g", compiler, k, got, want[k]);
    }
    ck_assert_int_eq(pclose(told), 0);
}

static const ag_c_options ways[] = { { .initial = 1 }, { .initial = 1, .small = 1 },
                                     { .initial = 1, .small = 1, .libm = 1 } };

START_TEST(compute_what_the_library_does)
{
    static const char *const compilers[] = { "gcc -std=c99 -O2", "gcc -std=c99 -O1 -fsanitize=address,undefined",
                                             "clang -std=c99 -O1", "g++ -x c++ -std=c++17" };
    double want[NUMBERS];
    network n = make_network();
    make_folder();
    by_library(&n, want);
    write_files(&n, &ways[_i]);
    for (size_t c = 0; c < COUNT(compilers); c++)
        if (run_in_folder("command -v %.*s >/dev/null", (int)strcspn(compilers[c], " "), compilers[c]))
            printf("skipped: %s is not here\n", compilers[c]);
        else expect_numbers(compilers[c], want);
    remove_folder();
    free_network(&n);
}
END_TEST

/* ---- the text ---------------------------------------------------------------------------------------------------- */

static int times(const char *text, const char *word)
{
    int n = 0;
    for (const char *at = text; (at = strstr(at, word)); at += strlen(word)) n++;
    return n;
}

/* Some forty products of the two plans are a dozen functions; where those of other extents join, half of that. */
START_TEST(are_written_once)
{
    network n = make_network();
    char *text = text_of(&n, &ways[0]), *small = text_of(&n, &ways[1]);
    const char *predict = strstr(text, "int net_predict(");
    ck_assert_ptr_nonnull(predict);
    ck_assert_int_ge(times(predict, "net_shared_"), LAYERS - 1 + TIMES);
    ck_assert_int_lt(times(text, "\n/* product: "), 12);
    ck_assert_int_lt(times(small, "\n/* product: "), 6);
    ck_assert_uint_lt(strlen(small), strlen(text));
    free(text), free(small);
    free_network(&n);
}
END_TEST

Suite *suite_equal_steps(void)
{
    Suite *s = suite_create("equal_steps");
    TCase *t = tcase_create("equal_steps");
    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, compute_what_the_library_does, 0, COUNT(ways));
    tcase_add_test(t, are_written_once);
    suite_add_tcase(s, t);
    return s;
}
