/* Three spirals that wind around each other, told apart by a network of 2-32-32-3 neurons. What it takes each place of
 * the plane for is drawn: with letters here, as a picture in the file that is named. */
#include "../autograd/autograd.h"

#include <math.h>
#include <stdlib.h>

enum { ARMS = 3, POINTS = 100, N = ARMS * POINTS, HIDDEN = 32, STEPS = 1500, ACROSS = 72, DOWN = 36, FINE = 120 };
static const char *const ink[] = { "#1f77b4", "#ff7f0e", "#2ca02c" };
static const char *const paper[] = { "#cfe2f3", "#fde3c8", "#d3ecd3" };

static uint64_t state = 1;

static double uniform(double low, double high)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return low + (high - low) * (double)(state >> 11) * 0x1p-53;
}

static void make_data(float x[N][2], int64_t class[N])
{
    for (int i = 0; i < N; i++) {
        double along = (double)(i % POINTS) / POINTS, angle = 2 * 3.14159265 / ARMS * (i / POINTS) + 5 * along;
        angle += uniform(-0.2, 0.2);
        x[i][0] = (float)(along * cos(angle)), x[i][1] = (float)(along * sin(angle));
        class[i] = i / POINTS;
    }
}

static int fail(const char *why)
{
    fprintf(stderr, "spiral: %s\n", why);
    return 1;
}

/* ---- the network ------------------------------------------------------------------------------------------------- */

typedef struct {
    ag_node *w[3], *b[3];
} network;

static network make_network(ag_graph *g)
{
    static const int64_t size[] = { 2, HIDDEN, HIDDEN, ARMS };
    network n;
    for (int k = 0; k < 3; k++) {
        float value[HIDDEN * HIDDEN];
        for (int64_t i = 0; i < size[k] * size[k + 1]; i++) value[i] = (float)(uniform(-2, 2) / sqrt((double)size[k]));
        n.w[k] = ag_parameter(g, NULL, AG_F32, AG_SHAPE(size[k], size[k + 1]), value);
        n.b[k] = ag_parameter(g, NULL, AG_F32, AG_SHAPE(size[k + 1]), NULL);
    }
    return n;
}

/* [rows, 2] to logits [rows, 3] */
static ag_node *apply(const network *n, ag_node *x)
{
    for (int k = 0; k < 3; k++) {
        x = ag_add(ag_dot(x, n->w[k]), n->b[k]);
        if (k < 2) x = ag_tanh(x);
    }
    return x;
}

/* ---- what it takes places for ------------------------------------------------------------------------------------ */

/* Of a grid over -1.1 to 1.1; NULL: it failed. The parameters are those of the run. */
static int64_t *look(ag_graph *g, const network *n, const ag_run *trained, int across, int down)
{
    const int64_t places = (int64_t)across * down;
    float *at = malloc((size_t)places * 2 * sizeof *at);
    int64_t *class = malloc((size_t)places * sizeof *class);
    ag_node *x = ag_input(g, NULL, AG_F32, AG_SHAPE(places, 2)), *y = ag_argmax(apply(n, x), 1);
    ag_plan *plan = ag_compile(g, 1, &y, NULL);
    ag_run *run = ag_run_new(plan);
    for (int64_t i = 0; at && i < places; i++) {
        at[2 * i] = (float)(2.2 * ((double)(i % across) + 0.5) / across - 1.1);
        at[2 * i + 1] = (float)(1.1 - 2.2 * ((double)(i / across) + 0.5) / down);
    }
    int fine = at && class && !ag_run_share(run, trained) && !ag_feed(run, x, at) && !ag_eval(run);
    if (fine) ag_fetch(run, y, class);
    ag_run_free(run), ag_plan_free(plan);
    free(at);
    if (fine) return class;
    free(class);
    return NULL;
}

static void print(const int64_t *class, float x[N][2])
{
    char place[DOWN][ACROSS + 1];
    for (int i = 0; i < DOWN; i++) {
        for (int j = 0; j < ACROSS; j++) place[i][j] = ".:+"[class[i * ACROSS + j]];
        place[i][ACROSS] = 0;
    }
    for (int i = 0; i < N; i++)
        place[(int)((1.1 - x[i][1]) / 2.2 * DOWN)][(int)((x[i][0] + 1.1) / 2.2 * ACROSS)] = "abc"[i / POINTS];
    for (int i = 0; i < DOWN; i++) puts(place[i]);
}

static int draw(const char *path, const int64_t *class, float x[N][2])
{
    enum { SIZE = 480 };
    const double cell = (double)SIZE / FINE;
    FILE *f = fopen(path, "w");
    if (!f) return 0;
    fprintf(f, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" shape-rendering=\"crispEdges\">\n",
            SIZE, SIZE);
    for (int i = 0; i < FINE; i++)
        for (int from = 0, to; from < FINE; from = to) {
            for (to = from + 1; to < FINE && class[i * FINE + to] == class[i * FINE + from]; to++) continue;
            fprintf(f, "<rect x=\"%g\" y=\"%g\" width=\"%g\" height=\"%g\" fill=\"%s\"/>\n", from * cell, i * cell,
                    (to - from) * cell, cell, paper[class[i * FINE + from]]);
        }
    for (int i = 0; i < N; i++)
        fprintf(f, "<circle shape-rendering=\"auto\" cx=\"%.1f\" cy=\"%.1f\" r=\"3.5\" fill=\"%s\"/>\n",
                (x[i][0] + 1.1) / 2.2 * SIZE, (1.1 - x[i][1]) / 2.2 * SIZE, ink[i / POINTS]);
    fputs("</svg>\n", f);
    return !fclose(f);
}

/* ------------------------------------------------------------------------------------------------------------------ */

static int show(ag_graph *g, const network *n, const ag_run *run, float x[N][2], const char *picture)
{
    int64_t *coarse = look(g, n, run, ACROSS, DOWN), *fine = look(g, n, run, FINE, FINE);
    int failed = !coarse || !fine;
    if (failed) fail(ag_graph_error(g));
    else print(coarse, x);
    if (!failed && picture && !draw(picture, fine, x)) failed = fail("the picture cannot be written");
    free(coarse), free(fine);
    return failed;
}

int main(int count, char **word)
{
    float x[N][2];
    int64_t class[N];
    make_data(x, class);
    ag_graph *g = ag_graph_new(NULL);
    network n = make_network(g);
    ag_node *points = ag_constant(g, AG_F32, AG_SHAPE(N, 2), x), *labels = ag_constant(g, AG_I64, AG_SHAPE(N), class);
    ag_node *loss = ag_cross_entropy(apply(&n, points), labels);
    ag_node *step = ag_adam(loss, &(ag_adam_options){ .rate = 0.01 });
    ag_plan *plan = ag_compile(g, 2, (ag_node *[]){ loss, step }, NULL);
    ag_run *run = ag_run_new(plan);
    if (!run) return fail(ag_graph_error(g));
    for (int i = 0; i <= STEPS; i++) {
        if (ag_eval(run)) return fail(ag_run_error(run));
        if (i % 300 == 0) printf("step %4d  loss %.5f\n", i, ag_item(run, loss));
    }
    int failed = show(g, &n, run, x, count > 1 ? word[1] : NULL);
    ag_run_free(run), ag_plan_free(plan), ag_graph_free(g);
    return failed;
}
