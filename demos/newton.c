/* Logistic regression by Newton's method: each step solves H p = -g by conjugate gradients, which ask for products of
 * the Hessian with vectors only. The graph gives loss, gradient and product; the Hessian itself is never formed.
 *
 *     loss(w) = mean(log(1 + exp(-t X w))) + decay/2 |w|^2,  t = +-1 */
#include "../autograd/autograd.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SAMPLES = 2000, FEATURES = 50, MOST_STEPS = 30 };
static const double decay = 1e-4, accuracy = 1e-10;

/* ---- data: two classes that overlap, features of very different sizes -------------------------------------------- */

static double uniform(void) /* -1 to 1 */
{
    static uint64_t state = 1;
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (double)(state >> 11) * 0x1p-52 - 1;
}

static void make_data(double *x, double *t)
{
    double w[FEATURES];
    for (int j = 0; j < FEATURES; j++) w[j] = 3 * uniform();
    for (int i = 0; i < SAMPLES; i++) {
        double margin = uniform();
        for (int j = 0; j < FEATURES; j++) {
            double feature = uniform();
            margin += w[j] * feature;
            x[i * FEATURES + j] = feature * pow(10, -2.0 * j / FEATURES);
        }
        t[i] = margin > 0 ? 1 : -1;
    }
}

/* ---- the graph --------------------------------------------------------------------------------------------------- */

typedef struct {
    ag_graph *graph;
    ag_node *w, *v;                 /* [FEATURES], fed */
    ag_node *loss, *gradient, *hvp; /* hvp: the Hessian at w times v */
    ag_plan *slope_plan, *curve_plan;
    ag_run *slope, *curve;          /* of loss and gradient; of hvp */
} problem;

static void require(int fine, const char *why)
{
    if (fine) return;
    fprintf(stderr, "newton: %s\n", why);
    exit(1);
}

static problem build(const double *x, const double *t)
{
    problem p = { .graph = ag_graph_new(NULL) };
    ag_graph *g = p.graph;
    p.w = ag_input(g, "w", AG_F64, AG_SHAPE(FEATURES));
    p.v = ag_input(g, "v", AG_F64, AG_SHAPE(FEATURES));
    ag_node *margin = ag_mul(ag_constant(g, AG_F64, AG_SHAPE(SAMPLES), t),
                             ag_dot(ag_constant(g, AG_F64, AG_SHAPE(SAMPLES, FEATURES), x), p.w));
    ag_node *penalty = ag_mul(ag_number(g, decay / 2), ag_sum(ag_square(p.w)));
    p.loss = ag_add(ag_mean(ag_softplus(ag_neg(margin))), penalty);
    ag_gradient(p.loss, 1, &p.w, &p.gradient);
    p.hvp = ag_hvp(p.loss, p.w, p.v);
    p.slope_plan = ag_compile(g, 2, (ag_node *[]){ p.loss, p.gradient }, NULL);
    p.curve_plan = ag_compile(g, 1, &p.hvp, NULL);
    p.slope = ag_run_new(p.slope_plan);
    p.curve = ag_run_new(p.curve_plan);
    require(p.slope && p.curve, ag_graph_error(g));
    return p;
}

static double loss_at(problem *p, const double *w, double *gradient)
{
    ag_feed(p->slope, p->w, w);
    require(ag_eval(p->slope) == AG_OK, ag_run_error(p->slope));
    ag_fetch(p->slope, p->gradient, gradient);
    return ag_item(p->slope, p->loss);
}

static const double *hessian_times(problem *p, const double *v)
{
    ag_feed(p->curve, p->v, v);
    require(ag_eval(p->curve) == AG_OK, ag_run_error(p->curve));
    return ag_data(p->curve, p->hvp);
}

/* ---- the method -------------------------------------------------------------------------------------------------- */

static double dot(const double *a, const double *b)
{
    double sum = 0;
    for (int j = 0; j < FEATURES; j++) sum += a[j] * b[j];
    return sum;
}

/* y = a + s b */
static void add(double *y, const double *a, double s, const double *b)
{
    for (int j = 0; j < FEATURES; j++) y[j] = a[j] + s * b[j];
}

/* H step = -gradient, as exactly as is worth it so far from the minimum. The number of products. */
static int conjugate_gradients(problem *p, const double *w, const double *gradient, double *step)
{
    double rest[FEATURES] = { 0 }, along[FEATURES], norm = sqrt(dot(gradient, gradient));
    double enough = fmin(0.5, sqrt(norm)) * norm;
    int products = 0;
    ag_feed(p->curve, p->w, w);
    memset(step, 0, FEATURES * sizeof *step);
    add(rest, rest, -1, gradient);
    memcpy(along, rest, sizeof along);
    for (double left = dot(rest, rest); sqrt(left) > enough && products < 10 * FEATURES; products++) {
        const double *curved = hessian_times(p, along);
        double length = left / dot(along, curved), before = left;
        add(step, step, length, along);
        add(rest, rest, -length, curved);
        left = dot(rest, rest);
        add(along, rest, left / before, along);
    }
    return products;
}

/* Halves the step until the loss falls in proportion to it. */
static double line_search(problem *p, double *w, double *loss, double *gradient, const double *step)
{
    double next[FEATURES], slope = dot(gradient, step), length = 1, found;
    for (;; length /= 2) {
        add(next, w, length, step);
        found = loss_at(p, next, gradient);
        if (found <= *loss + 1e-4 * length * slope || length < 1e-6) break;
    }
    memcpy(w, next, sizeof next);
    *loss = found;
    return length;
}

int main(void)
{
    static double x[SAMPLES * FEATURES], t[SAMPLES];
    double w[FEATURES] = { 0 }, gradient[FEATURES], step[FEATURES], length = 0;
    make_data(x, t);
    problem p = build(x, t);
    double loss = loss_at(&p, w, gradient);
    int products = 0, total = 0;
    printf("%d samples, %d features\n\n step          loss    |gradient|  length  products\n", SAMPLES, FEATURES);
    for (int k = 0;; k++) {
        double norm = sqrt(dot(gradient, gradient));
        printf("%5d  %.10f  %12.4e  %6.3g  %8d\n", k, loss, norm, length, products);
        if (norm < accuracy || k == MOST_STEPS) break;
        products = conjugate_gradients(&p, w, gradient, step);
        length = line_search(&p, w, &loss, gradient, step);
        total += products;
    }
    printf("\n%d products with the Hessian, which would have %d elements\n", total, FEATURES * FEATURES);
    ag_run_free(p.slope);
    ag_run_free(p.curve);
    ag_plan_free(p.slope_plan);
    ag_plan_free(p.curve_plan);
    ag_graph_free(p.graph);
    return 0;
}
