/* A physics-informed network solves the heat equation: u(x, t) is a network of 2-24-24-1 neurons whose derivatives are
 * graph like all else, and the loss is how far they are from
 *
 *     du/dt = d^2u/dx^2,    u(x, 0) = sin(pi x),    u(0, t) = u(1, t) = 0    for 0 <= x <= 1, 0 <= t <= 0.2
 *
 * whose solution is e^(-pi^2 t) sin(pi x). Boundary and beginning hold by construction, the network being N:
 * u = sin(pi x) + t x (1 - x) N(x, t).
 * Raissi, Perdikaris, Karniadakis, "Physics-informed neural networks", 2019. */
#include "../autograd/autograd.h"

#include <math.h>
#include <stdlib.h>

enum { HIDDEN = 24, ACROSS = 21, ALONG = 16, N = ACROSS * ALONG, STEPS = 6000 };
static const double pi = 3.14159265358979323846, end = 0.2;

static int fail(const char *why)
{
    fprintf(stderr, "pinn: %s\n", why);
    return 1;
}

/* [inputs, outputs], uniform within +-1 / sqrt(inputs) */
static ag_node *weights(ag_graph *g, int64_t inputs, int64_t outputs)
{
    static uint64_t state = 1;
    double value[HIDDEN * HIDDEN];
    for (int64_t i = 0; i < inputs * outputs; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        value[i] = ((double)(state >> 11) * 0x1p-52 - 1) / sqrt((double)inputs);
    }
    return ag_parameter(g, NULL, AG_F64, AG_SHAPE(inputs, outputs), value);
}

/* x and t [N, 1] to u [N, 1] */
static ag_node *solution(ag_graph *g, ag_node *x, ag_node *t)
{
    ag_node *b1 = ag_parameter(g, NULL, AG_F64, AG_SHAPE(HIDDEN), NULL);
    ag_node *b2 = ag_parameter(g, NULL, AG_F64, AG_SHAPE(HIDDEN), NULL);
    ag_node *h = ag_tanh(ag_add(ag_dot(ag_concat(2, (ag_node *[]){ x, t }, 1), weights(g, 2, HIDDEN)), b1));
    h = ag_tanh(ag_add(ag_dot(h, weights(g, HIDDEN, HIDDEN)), b2));
    ag_node *inside = ag_mul(ag_mul(t, x), ag_sub(ag_number(g, 1), x));
    return ag_add(ag_sin(ag_mul(ag_number(g, pi), x)), ag_mul(inside, ag_dot(h, weights(g, HIDDEN, 1))));
}

/* The derivative of each element of y by the element of x beside it: of the sum, since no other element matters. */
static ag_node *derivative(ag_node *y, ag_node *x)
{
    ag_node *dx = NULL;
    ag_gradient(ag_sum(y), 1, &x, &dx);
    return dx;
}

static double exact(double x, double t)
{
    return exp(-pi * pi * t) * sin(pi * x);
}

/* The largest error over a grid, and the temperatures at the end beside the exact ones. */
static void show(const double *u, const double *x, const double *t)
{
    double worst = 0;
    for (int i = 0; i < N; i++) worst = fmax(worst, fabs(u[i] - exact(x[i], t[i])));
    printf("\n    x      u(x, %.1f)   exact\n", end);
    for (int i = 0; i < ACROSS; i += 4)
        printf("  %5.2f   %9.6f  %9.6f\n", x[i], u[(ALONG - 1) * ACROSS + i], exact(x[i], end));
    printf("\nlargest error %.2e\n", worst);
}

int main(void)
{
    double x[N], t[N];
    for (int i = 0; i < N; i++) x[i] = (double)(i % ACROSS) / (ACROSS - 1), t[i] = end * (i / ACROSS) / (ALONG - 1);
    ag_graph *g = ag_graph_new(NULL);
    ag_node *xs = ag_input(g, "x", AG_F64, AG_SHAPE(N, 1)), *ts = ag_input(g, "t", AG_F64, AG_SHAPE(N, 1));
    ag_node *u = solution(g, xs, ts);
    ag_node *loss = ag_mean(ag_square(ag_sub(derivative(u, ts), derivative(derivative(u, xs), xs))));
    ag_node *rate = ag_input(g, "rate", AG_F64, AG_SCALAR);
    ag_node *step = ag_adam(loss, &(ag_adam_options){ .rate_node = rate });
    ag_plan *plan = ag_compile(g, 3, (ag_node *[]){ u, loss, step }, NULL);
    ag_run *run = ag_run_new(plan);
    if (!run) return fail(ag_graph_error(g));
    ag_feed(run, xs, x);
    ag_feed(run, ts, t);
    for (int i = 0; i <= STEPS; i++) {
        double now = 0.005 * (1 + cos(pi * i / STEPS)); /* 0.01 at first, 0 at last */
        if (ag_feed(run, rate, &now) || ag_eval(run)) return fail(ag_run_error(run));
        if (i % 1000 == 0) printf("step %4d  loss %.3e\n", i, ag_item(run, loss));
    }
    show(ag_data(run, u), x, t);
    ag_run_free(run), ag_plan_free(plan), ag_graph_free(g);
    return 0;
}
