/* A network of 2-2-2 neurons without biases, trained through the graph:
 *
 *     a1 = x . w1    z1 = sigmoid(a1)    a2 = z1 . w2    y = sigmoid(a2)    E = mean((y - t)^2)
 *
 * Beside it stands what a blog post on back-propagation did: eight formulas, one a weight, derived by hand. Two slips
 * are in those of the first layer. The graph needs no formula at all. */
#include "../autograd/autograd.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { STEPS = 1500, SHOWN_EVERY = 100, WEIGHTS = 8 };
static const double x[2] = { 0.5, 0.8 }, t[2] = { 0.2, 0.1 }, rate = 0.3;

typedef struct {
    double w1[2][2], w2[2][2]; /* from input i to hidden j, from hidden j to output k */
} weights;
static const weights initial = { { { 0.1, 0.2 }, { 0.3, 0.1 } }, { { 0.4, 0.5 }, { 0.1, 0.3 } } };

static void fail(const char *why)
{
    fprintf(stderr, "blog_network: %s\n", why);
    exit(1);
}

/* ---- the network as graph ---------------------------------------------------------------------------------------- */

typedef struct {
    ag_graph *graph;
    ag_node *x, *t, *w1, *w2, *a1, *z1, *a2, *y, *loss;
    ag_node *dw1, *dw2; /* of the loss */
    ag_node *update;    /* w1 -= rate dw1, w2 -= rate dw2 */
} network;

static ag_node *named(ag_node *node, const char *name)
{
    ag_name(node, name);
    return node;
}

static network build(void)
{
    ag_graph *g = ag_graph_new(NULL);
    network n = { .graph = g };
    n.x = ag_input(g, "x", AG_F64, AG_SHAPE(2));
    n.t = ag_input(g, "t", AG_F64, AG_SHAPE(2));
    n.w1 = ag_parameter(g, "w1", AG_F64, AG_SHAPE(2, 2), initial.w1);
    n.w2 = ag_parameter(g, "w2", AG_F64, AG_SHAPE(2, 2), initial.w2);
    n.a1 = named(ag_dot(n.x, n.w1), "a1");
    n.z1 = named(ag_sigmoid(n.a1), "z1");
    n.a2 = named(ag_dot(n.z1, n.w2), "a2");
    n.y = named(ag_sigmoid(n.a2), "y");
    n.loss = named(ag_mean(ag_square(ag_sub(n.y, n.t))), "E");

    ag_node *dw[2];
    ag_gradient(n.loss, 2, (ag_node *[]){ n.w1, n.w2 }, dw);
    n.dw1 = named(dw[0], "dE/dw1");
    n.dw2 = named(dw[1], "dE/dw2");
    n.update = ag_sgd(n.loss, &(ag_sgd_options){ .rate = rate });
    if (ag_graph_status(g)) fail(ag_graph_error(g)); /* one look is enough: failures are kept */
    return n;
}

static ag_plan *compile(const network *n, int count, ag_node *const outputs[])
{
    ag_plan *plan = ag_compile(n->graph, count, outputs, NULL);
    if (!plan) fail(ag_graph_error(n->graph));
    return plan;
}

/* Starts at the initial weights. */
static ag_run *start(const network *n, const ag_plan *plan)
{
    ag_run *run = ag_run_new(plan);
    if (!run) fail("out of memory");
    if (ag_feed(run, n->x, x) || ag_feed(run, n->t, t)) fail(ag_run_error(run));
    return run;
}

static void evaluate(ag_run *run)
{
    if (ag_eval(run)) fail(ag_run_error(run));
}

/* ---- the same without a graph ------------------------------------------------------------------------------------ */

static double *weight(weights *w, int k)
{
    return k < 4 ? &w->w1[k / 2][k % 2] : &w->w2[k / 2 - 2][k % 2];
}

/* z1, y and the loss. */
static double forward(const weights *w, double z1[2], double y[2])
{
    for (int j = 0; j < 2; j++) z1[j] = 1 / (1 + exp(-(x[0] * w->w1[0][j] + x[1] * w->w1[1][j])));
    for (int k = 0; k < 2; k++) y[k] = 1 / (1 + exp(-(z1[0] * w->w2[0][k] + z1[1] * w->w2[1][k])));
    return ((y[0] - t[0]) * (y[0] - t[0]) + (y[1] - t[1]) * (y[1] - t[1])) / 2;
}

/* What is right:  d_k = (y_k - t_k) y_k (1 - y_k)
 *                 dE/dw2_jk = d_k z1_j
 *                 dE/dw1_ij = (d_0 w2_j0 + d_1 w2_j1) z1_j (1 - z1_j) x_i */
static weights chain_rule(const weights *w)
{
    weights g;
    double z1[2], y[2], d[2];
    forward(w, z1, y);
    for (int k = 0; k < 2; k++) d[k] = (y[k] - t[k]) * y[k] * (1 - y[k]);
    for (int j = 0; j < 2; j++) {
        double back = d[0] * w->w2[j][0] + d[1] * w->w2[j][1];
        for (int k = 0; k < 2; k++) g.w2[j][k] = d[k] * z1[j];
        for (int i = 0; i < 2; i++) g.w1[i][j] = back * z1[j] * (1 - z1[j]) * x[i];
    }
    return g;
}

/* What the post computes. Right for w2; for w1, where k = 1 - j is the other output:
 * slip 1: (y_k - t_k) + y_k (1 - y_k) + w2_jk in place of (y_k - t_k) y_k (1 - y_k) w2_jk;
 * slip 2: z1_0 (1 - z1_0) in place of z1_1 (1 - z1_1) for w1_01. */
static weights post_formulas(const weights *w)
{
    weights g = chain_rule(w);
    double z1[2], y[2], e[2];
    forward(w, z1, y);
    for (int j = 0; j < 2; j++) {
        int k = 1 - j;
        e[j] = (y[j] - t[j]) * y[j] * (1 - y[j]) * w->w2[j][j];
        e[j] += (y[k] - t[k]) + y[k] * (1 - y[k]) + w->w2[j][k];
    }
    g.w1[0][0] = e[0] * z1[0] * (1 - z1[0]) * x[0];
    g.w1[0][1] = e[1] * z1[0] * (1 - z1[0]) * x[0];
    g.w1[1][0] = e[0] * z1[0] * (1 - z1[0]) * x[1];
    g.w1[1][1] = e[1] * z1[1] * (1 - z1[1]) * x[1];
    return g;
}

static weights differences(const weights *w)
{
    const double h = 1e-5;
    weights g, moved = *w;
    double z1[2], y[2];
    for (int k = 0; k < WEIGHTS; k++) {
        double here = *weight(&moved, k);
        *weight(&moved, k) = here + h;
        double above = forward(&moved, z1, y);
        *weight(&moved, k) = here - h;
        double below = forward(&moved, z1, y);
        *weight(&moved, k) = here;
        *weight(&g, k) = (above - below) / (2 * h);
    }
    return g;
}

/* ---- numbers as NumPy and Python print them ---------------------------------------------------------------------- */

/* Eight digits after the point, trailing zeros as spaces where the other number needs none. */
static const char *pair(char text[64], const double v[2])
{
    char number[2][24];
    int longest = 0;
    for (int k = 0; k < 2; k++) {
        int length = snprintf(number[k], sizeof number[k], "%.8f", v[k]);
        while (number[k][length - 1] == '0') number[k][--length] = 0;
        if (length > longest) longest = length;
    }
    snprintf(text, 64, "[%-*s %-*s]", longest, number[0], longest, number[1]);
    return text;
}

/* The fewest digits that read back as v. */
static const char *shortest(char text[64], double v)
{
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, 64, "%.*g", digits, v);
        if (strtod(text, NULL) == v) break;
    }
    return text;
}

/* ---- what is printed --------------------------------------------------------------------------------------------- */

static void show_first_derivatives(void)
{
    ag_graph *g = ag_graph_new(NULL);
    ag_node *a = ag_parameter(g, "x", AG_F64, AG_SCALAR, (double[]){ 3 });
    ag_node *b = ag_parameter(g, "y", AG_F64, AG_SCALAR, (double[]){ 2 });
    ag_node *z = ag_square(ag_add(a, b)), *dz[2];
    if (ag_gradient(z, 2, (ag_node *[]){ a, b }, dz)) fail(ag_graph_error(g));
    printf("(a) z = (x + y)^2 at x = 3, y = 2\n\n");
    printf("    z = %g    dz/dx = %g    dz/dy = %g\n\n", ag_value(z), ag_value(dz[0]), ag_value(dz[1]));
    ag_graph_free(g);
}

/* At the initial weights; the picture, if one is wanted, is of this moment, too. */
static void show_gradients(const network *n, const char *picture)
{
    static const char *const slip[WEIGHTS] = { "   slip 1", "   slips 1, 2", "   slip 1", "   slip 1" };
    ag_node *shown[] = { n->a1, n->z1, n->a2, n->y, n->loss, n->dw1, n->dw2 };
    const int count = sizeof shown / sizeof *shown;
    ag_plan *plan = compile(n, count, shown);
    ag_run *run = start(n, plan);
    evaluate(run);
    weights graph, chain = chain_rule(&initial), numeric = differences(&initial), post = post_formulas(&initial);
    ag_fetch(run, n->dw1, graph.w1);
    ag_fetch(run, n->dw2, graph.w2);

    printf("(b) dE/dw at the initial weights\n\n");
    printf("    weight   %-17s   %-17s   %-17s   %s\n", "the graph", "chain rule", "differences", "the post's code");
    double from_chain = 0, from_numeric = 0;
    for (int k = 0; k < WEIGHTS; k++) {
        double d = *weight(&graph, k);
        printf("    w%d[%d,%d]  %.15f   %.15f   %.15f   %.10f%s\n", k / 4 + 1, k / 2 % 2, k % 2, d, *weight(&chain, k),
               *weight(&numeric, k), *weight(&post, k), slip[k] ? slip[k] : "");
        from_chain = fmax(from_chain, fabs(d - *weight(&chain, k)));
        from_numeric = fmax(from_numeric, fabs(d - *weight(&numeric, k)));
    }
    printf("\n    The graph is at most %.1e from the chain rule, %.1e from the differences.\n", from_chain,
           from_numeric);
    printf("    Slip 1: the term of the other output has plus signs where the chain rule multiplies.\n"
           "    Slip 2: z1_0 (1 - z1_0) in place of z1_1 (1 - z1_1).\n\n");

    if (picture) {
        FILE *file = fopen(picture, "w");
        if (!file || ag_write_dot(file, count, shown, run) || fclose(file)) fail("the picture cannot be written");
    }
    ag_run_free(run);
    ag_plan_free(plan);
}

/* Both paths from the same start; each line before its update. */
static void show_training(const network *n, ag_run *run)
{
    weights post = initial;
    double y[2], z1[2], post_y[2];
    char text[4][64];
    printf("(c) %d steps at rate %g, each line before its update\n\n", STEPS, rate);
    printf("          the graph                                 the post's formulas\n");
    printf("  %-6s  %-23s  %-15s  %-23s  %s\n", "step", "prediction", "loss", "prediction", "loss");
    for (int step = 0; step < STEPS; step++) {
        evaluate(run); /* prediction, loss, gradients, update */
        double post_loss = forward(&post, z1, post_y);
        if (step % SHOWN_EVERY == 0) {
            ag_fetch(run, n->y, y);
            snprintf(text[0], sizeof text[0], "[%d]", step);
            printf("  %-6s  %-23s  %-15.10g  %-23s  %s\n", text[0], pair(text[1], y), ag_item(run, n->loss),
                   pair(text[2], post_y), shortest(text[3], post_loss));
        }
        weights g = post_formulas(&post);
        for (int k = 0; k < WEIGHTS; k++) *weight(&post, k) -= rate * *weight(&g, k);
    }
    evaluate(run);
    ag_fetch(run, n->y, y);
    printf("\n(d) %d steps: prediction %s, target [%g %g], loss %s\n", STEPS, pair(text[0], y), t[0], t[1],
           shortest(text[1], ag_item(run, n->loss)));
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void show_speed(ag_run *run)
{
    const double begin = seconds();
    double steps = 0, taken;
    do {
        for (int i = 0; i < 1000; i++) evaluate(run);
        steps += 1000;
        taken = seconds() - begin;
    } while (taken < 0.2);
    printf("    a training step is one plan: %.0f steps per second\n", steps / taken);
}

static int usage(FILE *to)
{
    fprintf(to, "usage: blog_network [--dot FILE]\n\n"
                "Trains a network of 2-2-2 neurons through the graph and prints\n"
                "  (a) a function of two numbers and its derivatives,\n"
                "  (b) the gradient of each weight: by the graph, by the chain rule, by differences, by the post,\n"
                "  (c) the training, beside that by the post's formulas,\n"
                "  (d) where it ends, and the steps per second.\n\n"
                "  --dot FILE  write the graph with its values and gradients for Graphviz:  dot -Tsvg FILE\n"
                "  --help      print this\n");
    return to == stdout ? 0 : 2;
}

int main(int argc, char **argv)
{
    const char *picture = NULL;
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--help") == 0) return usage(stdout);
        else if (strcmp(argv[i], "--dot") == 0 && i + 1 < argc) picture = argv[++i];
        else return usage(stderr);

    network n = build();
    show_first_derivatives();
    show_gradients(&n, picture);
    ag_plan *plan = compile(&n, 3, (ag_node *[]){ n.y, n.loss, n.update });
    ag_run *run = start(&n, plan);
    show_training(&n, run);
    show_speed(run);
    ag_run_free(run);
    ag_plan_free(plan);
    ag_graph_free(n.graph);
    return 0;
}
