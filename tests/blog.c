/* The network of the blog post: its gradient by the graph, by the chain rule and by differences, its training, and what
 * the demo prints of both. */
#include "test.h"

/* ---- the post's numbers ----------------------------------------------------------------------------------------- */

static const double x[2] = { 0.5, 0.8 }, t[2] = { 0.2, 0.1 }, rate = 0.3;
static const double first[8] = { 0.1, 0.2, 0.3, 0.1, 0.4, 0.5, 0.1, 0.3 }; /* w1 row by row, then w2 */

/* What the post printed before every hundredth step, by formulas with two slips. */
static const struct {
    const char *prediction;
    double loss;
} printed[15] = {
    { "[0.57035173 0.61051125]", 0.19889106944011697 },    { "[0.4652094  0.46179414]", 0.10061551430383414 },
    { "[0.30316578 0.26389535]", 0.018752432278208896 },   { "[0.21567796 0.1543594 ]", 0.0016003711407895623 },
    { "[0.20359713 0.13133002]", 0.000497254753525437 },   { "[0.20047112 0.12055811]", 0.00021142898257934023 },
    { "[0.1996288  0.11425606]", 0.0001016864486579869 },  { "[0.19947258 0.11017801]", 5.193500634542015e-05 },
    { "[0.19951067 0.10738099]", 2.73592508642205e-05 },   { "[0.19958301 0.1053845 ]", 1.4583376980820222e-05 },
    { "[0.19963875 0.10391061]", 7.711680501901155e-06 },  { "[0.19966144 0.10278082]", 3.923785776709175e-06 },
    { "[0.19964131 0.10186601]", 1.8053327204324974e-06 }, { "[0.19956184 0.10105443]", 6.519032415677173e-07 },
    { "[0.1993869  0.10021984]", 2.1211354969700546e-07 },
};

/* The path of the right gradient from the same start, computed elsewhere in double precision. */
static const struct {
    int step;
    double y0, y1, loss;
} right[] = {
    { 0, 0.570351729738616, 0.6105112488083382, 0.19889106944011692 },
    { 100, 0.31549865853049813, 0.27105803402189377, 0.021300395562889984 },
    { 200, 0.23792565256931414, 0.17701775850530602, 0.0036850451239949797 },
    { 500, 0.20093611143103557, 0.11893605451698802, 0.00017972523264082882 },
    { 1000, 0.1995761623132664, 0.10388560844361744, 7.638795680903401e-06 },
    { 1400, 0.19985729715503475, 0.10124900076321082, 7.901835042311874e-07 },
};

/* ---- the network in plain C ------------------------------------------------------------------------------------- */

static double sigmoid(double a)
{
    return 1 / (1 + exp(-a));
}

static double forward(const double w[8], double z[2], double y[2])
{
    for (int j = 0; j < 2; j++) z[j] = sigmoid(x[0] * w[j] + x[1] * w[2 + j]);
    for (int k = 0; k < 2; k++) y[k] = sigmoid(z[0] * w[4 + k] + z[1] * w[6 + k]);
    return ((y[0] - t[0]) * (y[0] - t[0]) + (y[1] - t[1]) * (y[1] - t[1])) / 2;
}

static void chain_rule(const double w[8], double dw[8])
{
    double z[2], y[2], d[2];
    forward(w, z, y);
    for (int k = 0; k < 2; k++) d[k] = (y[k] - t[k]) * y[k] * (1 - y[k]);
    for (int j = 0; j < 2; j++)
        for (int k = 0; k < 2; k++) {
            dw[4 + 2 * j + k] = d[k] * z[j];
            dw[2 * k + j] = (d[0] * w[4 + 2 * j] + d[1] * w[5 + 2 * j]) * z[j] * (1 - z[j]) * x[k];
        }
}

/* ---- the network as graph --------------------------------------------------------------------------------------- */

typedef struct {
    ag_graph *g;
    ag_node *w[2], *y, *loss, *dw[2];
} network;

static network build(void)
{
    network n = { .g = ag_graph_new(NULL) };
    ag_node *in = ag_constant(n.g, AG_F64, AG_SHAPE(2), x), *target = ag_constant(n.g, AG_F64, AG_SHAPE(2), t);
    n.w[0] = ag_parameter(n.g, "w1", AG_F64, AG_SHAPE(2, 2), first);
    n.w[1] = ag_parameter(n.g, "w2", AG_F64, AG_SHAPE(2, 2), first + 4);
    n.y = ag_sigmoid(ag_dot(ag_sigmoid(ag_dot(in, n.w[0])), n.w[1]));
    n.loss = ag_mean(ag_square(ag_sub(n.y, target)));
    ck_assert_msg(ag_gradient(n.loss, 2, n.w, n.dw) == AG_OK, "%s", ag_graph_error(n.g));
    return n;
}

START_TEST(gradients_are_the_chain_rule)
{
    network n = build();
    uint64_t seed = 11;
    double w[8], dw[8], z[2], y[2], got[8];
    memcpy(w, first, sizeof w);
    ag_options o = test_options();
    ag_plan *plan = ag_compile(n.g, 2, n.dw, &o);
    ag_run *run = ag_run_new(plan);
    for (int round = 0; round < 50; round++) {
        ag_feed(run, n.w[0], w);
        ag_feed(run, n.w[1], w + 4);
        ck_assert_int_eq(ag_eval(run), AG_OK);
        ag_fetch(run, n.dw[0], got);
        ag_fetch(run, n.dw[1], got + 4);
        chain_rule(w, dw);
        for (int i = 0; i < 8; i++) {
            const double h = 1e-5, here = w[i];
            ck_assert_msg(fabs(got[i] - dw[i]) <= 1e-14, "weight %d: %.17g, not %.17g", i, got[i], dw[i]);
            w[i] = here + h;
            double above = forward(w, z, y);
            w[i] = here - h;
            double numeric = (above - forward(w, z, y)) / (2 * h);
            w[i] = here;
            ck_assert_msg(fabs(got[i] - numeric) <= 1e-9, "weight %d: %.17g, numerically %.17g", i, got[i], numeric);
        }
        for (int i = 0; i < 8; i++) w[i] = test_random(&seed, -1, 1);
    }
    ag_run_free(run);
    ag_plan_free(plan);
    ag_graph_free(n.g);
}
END_TEST

START_TEST(training_follows_the_right_path)
{
    network n = build();
    ag_node *outputs[] = { n.y, n.loss, ag_sgd(n.loss, &(ag_sgd_options){ .rate = rate }) };
    ag_options o = test_options();
    ag_plan *plan = ag_compile(n.g, 3, outputs, &o);
    ck_assert_msg(plan != NULL, "%s", ag_graph_error(n.g));
    ag_run *run = ag_run_new(plan);
    size_t row = 0;
    for (int step = 0; step <= 1400; step++) {
        double y[2];
        ck_assert_int_eq(ag_eval(run), AG_OK);
        if (step != right[row].step) continue;
        ag_fetch(run, n.y, y);
        ck_assert_msg(fabs(y[0] / right[row].y0 - 1) < 1e-12 && fabs(y[1] / right[row].y1 - 1) < 1e-12,
                      "step %d predicts %.17g %.17g", step, y[0], y[1]);
        ck_assert_msg(fabs(ag_item(run, n.loss) / right[row].loss - 1) < 1e-10, "step %d: loss %.17g", step,
                      ag_item(run, n.loss));
        row++;
    }
    ck_assert_uint_eq(row, COUNT(right));
    ag_run_free(run);
    ag_plan_free(plan);
    ag_graph_free(n.g);
}
END_TEST

/* ---- the demo --------------------------------------------------------------------------------------------------- */

#define DEMO TEST_BUILD "/blog_network"

static char output[20000];

static int demo(const char *arguments)
{
    char command[512];
    snprintf(command, sizeof command, DEMO " %s 2>&1", arguments);
    FILE *pipe = popen(command, "r");
    ck_assert_ptr_nonnull(pipe);
    output[fread(output, 1, sizeof output - 1, pipe)] = 0;
    return pclose(pipe);
}

START_TEST(the_demo_reproduces_the_post)
{
    ck_assert_msg(demo("") == 0, "%s", output);
    for (int i = 0; i < 15; i++) {
        char start[16], *line, *end, *prediction;
        snprintf(start, sizeof start, "[%d] ", i * 100);
        line = strstr(output, start);
        ck_assert_msg(line && (end = strchr(line, '\n')), "no line of step %d in\n%s", i * 100, output);
        *end = 0;
        prediction = strstr(line + strlen(start), printed[i].prediction);
        if (i == 0 && prediction)
            prediction = strstr(prediction + 1, printed[i].prediction); /* both paths start there */
        ck_assert_msg(prediction, "%s is not in '%s'", printed[i].prediction, line);
        double loss = strtod(prediction + strlen(printed[i].prediction), NULL);
        ck_assert_msg(fabs(loss / printed[i].loss - 1) <= 1e-10, "step %d: %.17g, not %.17g", i * 100, loss,
                      printed[i].loss);
        *end = '\n';
    }
}
END_TEST

START_TEST(the_demo_shows_gradients)
{
    ck_assert_msg(demo("") == 0, "%s", output);
    double dw[8];
    chain_rule(first, dw);
    ck_assert_ptr_nonnull(strstr(output, "z = 25    dz/dx = 10    dz/dy = 10"));
    for (int i = 0; i < 8; i++) {
        char label[32];
        double graph, rule, numeric, post;
        snprintf(label, sizeof label, "w%d[%d,%d]", 1 + i / 4, i / 2 % 2, i % 2);
        char *line = strstr(output, label), *end = line ? strchr(line, '\n') : NULL,
             *slip = strstr(line ? line : "", "slip");
        ck_assert_msg(end && sscanf(line + strlen(label), "%lf %lf %lf %lf", &graph, &rule, &numeric, &post) == 4, "%s",
                      label);
        ck_assert(fabs(graph - dw[i]) < 1e-14 && fabs(rule - dw[i]) < 1e-14 && fabs(numeric - dw[i]) < 1e-9);
        ck_assert_msg((slip && slip < end) == (i < 4), "%s", label); /* the four of w1 are marked */
        ck_assert_msg((fabs(post - dw[i]) < 1e-9) == (i >= 4), "%s: the post has %g", label, post);
    }
    for (char *line = output; line && *line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
        ck_assert_msg(strcspn(line, "\n") <= 100, "wider than 100 columns: %.120s", line);
}
END_TEST

START_TEST(the_demo_draws_and_explains)
{
    char file[] = "/tmp/autograd-XXXXXX", arguments[64], text[20000];
    int descriptor = mkstemp(file);
    ck_assert_int_ge(descriptor, 0);
    snprintf(arguments, sizeof arguments, "--dot %s", file);
    ck_assert_msg(demo(arguments) == 0, "%s", output);
    FILE *f = fdopen(descriptor, "r");
    text[fread(text, 1, sizeof text - 1, f)] = 0;
    fclose(f);
    remove(file);
    ck_assert_int_eq(strncmp(text, "digraph", 7), 0);
    ck_assert(strstr(text, "sigmoid") && strstr(text, "w1") && strstr(text, "0.198891"));
    ck_assert_int_eq(demo("--help"), 0);
    ck_assert_ptr_nonnull(strstr(output, "--dot"));
    ck_assert_int_ne(demo("--nonsense"), 0);
    ck_assert_int_ne(demo("--dot"), 0);
    ck_assert_int_ne(demo("--dot /nowhere/at/all"), 0);
}
END_TEST

Suite *suite_blog(void)
{
    Suite *s = suite_create("blog");
    TCase *t_case = tcase_create("blog");
    tcase_set_timeout(t_case, 60);
    tcase_add_test(t_case, gradients_are_the_chain_rule);
    tcase_add_test(t_case, training_follows_the_right_path);
    tcase_add_test(t_case, the_demo_reproduces_the_post);
    tcase_add_test(t_case, the_demo_shows_gradients);
    tcase_add_test(t_case, the_demo_draws_and_explains);
    suite_add_tcase(s, t_case);
    return s;
}
