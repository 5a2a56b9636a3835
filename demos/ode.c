/* The rates of a differential equation, found from what it leads to: prey x and predators y of Lotka and Volterra,
 *
 *     x' = x (a - b y),  y' = y (d x - c),
 *
 * run from many starts by 10,000 Runge-Kutta steps to the populations that are known. The steps are a scan, whose
 * gradient goes back through all of them: it keeps every state on the way or, under a budget of memory, the states at
 * the starts of segments, and steps through each segment again. */
#include "../autograd/autograd.h"

#include <math.h>
#include <stdlib.h>
#include <time.h>

enum { STEPS = 10000, STARTS = 64, UPDATES = 200, A = 0, B, C, D, RATES };
static const double duration = 8, truth[RATES] = { 1.1, 0.4, 0.4, 0.1 }, guess[RATES] = { 0.8, 0.6, 0.6, 0.15 };
static const size_t budget = 256 << 10;

static void require(int fine, const char *why)
{
    if (fine) return;
    fprintf(stderr, "ode: %s\n", why);
    exit(1);
}

static double seconds(void)
{
    struct timespec now;
    timespec_get(&now, TIME_UTC);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* ---- what is known: computed in plain C with the true rates ------------------------------------------------------ */

static void slope(const double y[2], double dy[2])
{
    dy[0] = y[0] * (truth[A] - truth[B] * y[1]);
    dy[1] = y[1] * (truth[D] * y[0] - truth[C]);
}

static void advance(double y[2], double h)
{
    double k[4][2], at[2];
    slope(y, k[0]);
    for (int s = 1; s < 4; s++) {
        for (int i = 0; i < 2; i++) at[i] = y[i] + (s == 3 ? h : h / 2) * k[s - 1][i];
        slope(at, k[s]);
    }
    for (int i = 0; i < 2; i++) y[i] += h / 6 * (k[0][i] + 2 * (k[1][i] + k[2][i]) + k[3][i]);
}

static void observe(double start[2][STARTS], double end[2][STARTS])
{
    for (int i = 0; i < STARTS; i++) {
        double y[2] = { start[0][i] = 4 + i % 8, start[1][i] = 1 + i / 8 * 0.5 };
        for (int t = 0; t < STEPS; t++) advance(y, duration / STEPS);
        end[0][i] = y[0];
        end[1][i] = y[1];
    }
}

/* ---- the same as graph ------------------------------------------------------------------------------------------- */

typedef struct {
    ag_node *x, *y; /* [STARTS] each */
} animals;

static animals change(ag_node *const rate[RATES], animals n)
{
    ag_node *births = ag_sub(rate[A], ag_mul(rate[B], n.y)), *deaths = ag_sub(ag_mul(rate[D], n.x), rate[C]);
    return (animals){ ag_mul(n.x, births), ag_mul(n.y, deaths) };
}

static animals plus(animals n, double h, animals k)
{
    ag_node *factor = ag_number(ag_graph_of(n.x), h);
    return (animals){ ag_add(n.x, ag_mul(factor, k.x)), ag_add(n.y, ag_mul(factor, k.y)) };
}

static animals step(ag_node *const rate[RATES], animals n, double h)
{
    animals k1 = change(rate, n), k2 = change(rate, plus(n, h / 2, k1)), k3 = change(rate, plus(n, h / 2, k2));
    animals k4 = change(rate, plus(n, h, k3));
    return plus(plus(plus(plus(n, h / 6, k1), h / 3, k2), h / 3, k3), h / 6, k4);
}

/* After all steps; max_bytes: of the states that the gradient keeps, 0: all of them. */
static animals run(ag_node *const rate[RATES], animals n, size_t max_bytes)
{
    ag_graph *g = ag_graph_of(n.x);
    ag_node *state[] = { ag_input(g, NULL, AG_F64, AG_SHAPE(STARTS)), ag_input(g, NULL, AG_F64, AG_SHAPE(STARTS)) };
    animals after = step(rate, (animals){ state[0], state[1] }, duration / STEPS);
    ag_node *initial[] = { n.x, n.y }, *next[] = { after.x, after.y }, *final[2];
    ag_scan_body body = { .length = STEPS, .states = 2, .initial = initial, .state = state, .next = next,
                          .max_bytes = max_bytes };
    ag_scan(&body, final, NULL);
    return (animals){ final[0], final[1] };
}

static ag_node *vector(ag_graph *g, const double *values)
{
    return ag_constant(g, AG_F64, AG_SHAPE(STARTS), values);
}

/* The mean square of what is missed; the rates are positive: the parameter holds their logarithms. */
static ag_node *loss_of(ag_node *logs, double start[2][STARTS], double end[2][STARTS], size_t max_bytes)
{
    ag_graph *g = ag_graph_of(logs);
    ag_node *rate[RATES];
    for (int i = 0; i < RATES; i++) rate[i] = ag_exp(ag_slice(logs, 0, i, i + 1, 1));
    animals n = run(rate, (animals){ vector(g, start[0]), vector(g, start[1]) }, max_bytes);
    ag_node *dx = ag_sub(n.x, vector(g, end[0])), *dy = ag_sub(n.y, vector(g, end[1]));
    return ag_mean(ag_add(ag_square(dx), ag_square(dy)));
}

/* ---- with and without a budget ----------------------------------------------------------------------------------- */

static void show_gradient(ag_node *loss, ag_node *logs, const char *how, double gradient[RATES])
{
    ag_node *out[] = { loss, NULL };
    ag_gradient(loss, 1, &logs, &out[1]);
    ag_plan *plan = ag_compile(ag_graph_of(loss), 2, out, NULL);
    ag_run *all = ag_run_new(plan);
    require(all != NULL, ag_graph_error(ag_graph_of(loss)));
    double start = seconds();
    require(ag_eval(all) == AG_OK, ag_run_error(all));
    printf("%-22s %9.2f MB  %7.1f ms\n", how, (double)ag_plan_bytes(plan) / (1 << 20), (seconds() - start) * 1e3);
    ag_fetch(all, out[1], gradient);
    ag_run_free(all);
    ag_plan_free(plan);
}

static void show_rates(int update, double loss, const double logs[RATES])
{
    printf("%6d  %12.4e ", update, loss);
    for (int i = 0; i < RATES; i++) printf("  %9.6f", exp(logs[i]));
    printf("\n");
}

static void fit(ag_node *loss, ag_node *logs)
{
    ag_node *rate = ag_input(ag_graph_of(loss), "rate", AG_F64, AG_SCALAR);
    ag_adam_options how = { .rate_node = rate, .beta1 = 0.8, .beta2 = 0.9 };
    ag_node *out[] = { loss, ag_adam(loss, &how) };
    ag_plan *plan = ag_compile(ag_graph_of(loss), 2, out, NULL);
    ag_run *all = ag_run_new(plan);
    double now[RATES];
    require(all != NULL, ag_graph_error(ag_graph_of(loss)));
    printf("\nupdate          loss          a          b          c          d\n");
    for (int k = 0; k <= UPDATES; k++) {
        ag_fetch(all, logs, now);
        ag_feed(all, rate, &(double){ 0.04 * pow(0.975, k) });
        require(ag_eval(all) == AG_OK, ag_run_error(all));
        if (k % 20 == 0) show_rates(k, ag_item(all, loss), now);
    }
    printf("%21s", "true: ");
    for (int i = 0; i < RATES; i++) printf("  %9.6f", truth[i]);
    printf("\n");
    ag_run_free(all);
    ag_plan_free(plan);
}

int main(void)
{
    static double start[2][STARTS], end[2][STARTS];
    double logs[RATES], whole[RATES], pieces[RATES], difference = 0;
    observe(start, end);
    for (int i = 0; i < RATES; i++) logs[i] = log(guess[i]);
    ag_graph *g = ag_graph_new(NULL);
    ag_node *parameter = ag_parameter(g, "logs of the rates", AG_F64, AG_SHAPE(RATES), logs);
    ag_node *free_loss = loss_of(parameter, start, end, 0), *loss = loss_of(parameter, start, end, budget);
    printf("%d populations, %d Runge-Kutta steps; the gradient of the loss by 4 rates\n\n", STARTS, STEPS);
    printf("%-22s %12s  %10s\n", "", "memory", "time");
    show_gradient(free_loss, parameter, "all states kept", whole);
    show_gradient(loss, parameter, "256 KB of states kept", pieces);
    for (int i = 0; i < RATES; i++) difference = fmax(difference, fabs(pieces[i] / whole[i] - 1));
    printf("largest relative difference of the two gradients: %.1e\n", difference);
    fit(loss, parameter);
    ag_graph_free(g);
    return 0;
}
