/* Draws the graphs of the demos: draw FOLDER writes a picture of each for Graphviz, plans and pages to step through.
 * `make pictures` makes SVG of them. */
#include "char_lm/char_lm.h"

#include "../autograd/networks/networks.h"

#include <stdlib.h>
#include <string.h>

static const char *folder;

static FILE *open(const char *name, const char *end)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s.%s", folder, name, end);
    FILE *f = fopen(path, "w");
    if (f) return f;
    perror(path);
    exit(1);
}

static void check(int failed, FILE *f, const char *name, ag_graph *g)
{
    if (!(failed | fclose(f))) return;
    fprintf(stderr, "draw: %s: %s\n", name, *ag_graph_error(g) ? ag_graph_error(g) : "it cannot be written");
    exit(1);
}

static void draw(const char *name, int n, ag_node *const outputs[], const ag_picture_options *o)
{
    FILE *f = open(name, "dot");
    check(ag_write_dot_with(f, n, outputs, o), f, name, ag_graph_of(outputs[0]));
}

static void draw_page(const char *name, ag_node *y)
{
    FILE *f = open(name, "html");
    check(ag_write_html(f, y, NULL), f, name, ag_graph_of(y));
}

static void draw_plan(const char *name, int n, ag_node *const outputs[])
{
    ag_graph *g = ag_graph_of(outputs[0]);
    ag_plan *plan = ag_compile(g, n, outputs, NULL);
    FILE *f = open(name, "dot");
    check(ag_write_plan_dot(f, plan), f, name, g);
    ag_plan_free(plan);
}

static ag_node *named(ag_node *x, const char *name)
{
    ag_name(x, name);
    return x;
}

/* z = (x + y)^2 at 3, 2 */
static void square_of_a_sum(void)
{
    ag_graph *g = ag_graph_new(NULL);
    ag_node *x = ag_parameter(g, "x", AG_F64, AG_SCALAR, (double[]){ 3 });
    ag_node *y = ag_parameter(g, "y", AG_F64, AG_SCALAR, (double[]){ 2 });
    ag_node *z = named(ag_square(named(ag_add(x, y), "s")), "z");
    draw("sum", 1, &z, &(ag_picture_options){ .gradients_of = z });
    draw_page("sum", z);
    ag_graph_free(g);
}

/* The blog's network of 2-2-2 neurons, its gradients and a step: blog_network.c. */
static void blog(void)
{
    ag_graph *g = ag_graph_new(NULL);
    ag_node *x = named(ag_constant(g, AG_F64, AG_SHAPE(2), (double[]){ 0.5, 0.8 }), "x");
    ag_node *t = named(ag_constant(g, AG_F64, AG_SHAPE(2), (double[]){ 0.2, 0.1 }), "t");
    ag_node *w[] = { ag_parameter(g, "w1", AG_F64, AG_SHAPE(2, 2), (double[]){ 0.1, 0.2, 0.3, 0.1 }),
                     ag_parameter(g, "w2", AG_F64, AG_SHAPE(2, 2), (double[]){ 0.4, 0.5, 0.1, 0.3 }) };
    ag_node *z1 = named(ag_sigmoid(named(ag_dot(x, w[0]), "a1")), "z1");
    ag_node *y = named(ag_sigmoid(named(ag_dot(z1, w[1]), "a2")), "y"), *dw[2];
    ag_node *loss = named(ag_mean(ag_square(ag_sub(y, t))), "E");
    draw("blog", 1, &loss, &(ag_picture_options){ .gradients_of = loss });
    draw_page("blog", loss);
    ag_gradient(loss, 2, w, dw);
    ag_node *step = ag_sgd(loss, &(ag_sgd_options){ .rate = 0.3 });
    ag_node *all[] = { loss, named(dw[0], "dE/dw1"), named(dw[1], "dE/dw2"), step };
    draw("blog_step", 4, all, &(ag_picture_options){ .gradients_of = loss });
    draw_plan("blog_plan", 4, all);
    ag_graph_free(g);
}

/* The network that tells spirals apart: spiral.c. */
static void spiral(void)
{
    ag_graph *g = ag_graph_new(NULL);
    ag_net net = ag_net_new(g, AG_F32, 1);
    ag_node *x = ag_input(g, "x", AG_F32, AG_SHAPE(300, 2)), *class = ag_input(g, "class", AG_I64, AG_SHAPE(300));
    ag_node *logits = ag_net_mlp(net, "layers", x, 3, (int64_t[]){ 32, 32, 3 }, ag_tanh);
    ag_node *loss = named(ag_cross_entropy(logits, class), "loss");
    ag_node *both[] = { loss, ag_adam(loss, &(ag_adam_options){ .rate = 0.01 }) };
    draw("spiral", 1, &loss, NULL);
    draw("spiral_step", 2, both, NULL);
    draw_plan("spiral_plan", 2, both);
    ag_graph_free(g);
}

/* What learns to write: char_lm/lstm.c, char_lm/gpt.c. */
static void writer(const char *name, model *logits)
{
    enum { ROWS = 32, KINDS = 96 };
    char step[64], whole[64];
    ag_graph *g = ag_graph_new(NULL);
    ag_net net = ag_net_new(g, AG_F32, 1);
    ag_node *codes = ag_input(g, "codes", AG_I64, AG_SHAPE(ROWS, WINDOW));
    ag_node *next = ag_input(g, "next", AG_I64, AG_SHAPE(ROWS * WINDOW));
    ag_node *loss = named(ag_cross_entropy(logits(net, codes, KINDS), next), "loss");
    ag_node *both[] = { loss, ag_adam(loss, NULL) };
    snprintf(step, sizeof step, "%s_step", name);
    snprintf(whole, sizeof whole, "%s_whole", name);
    draw(name, 1, &loss, NULL);
    draw(whole, 1, &loss, &(ag_picture_options){ .boxes = 1000 });
    draw(step, 2, both, NULL);
    ag_graph_free(g);
}

int main(int count, char **word)
{
    if (count != 2 || word[1][0] == '-') {
        fputs("usage: draw FOLDER\n", stderr);
        return 2;
    }
    folder = word[1];
    square_of_a_sum();
    blog();
    spiral();
    writer("lstm", lstm_logits);
    writer("gpt", gpt_logits);
    return 0;
}
