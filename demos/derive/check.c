/* Derivatives beside numerical differences. */
#include "derive.h"

#include <math.h>

/* x[1,2]: an element's name. */
static void element_name(char *text, size_t room, const variable *v, int64_t index)
{
    int used = snprintf(text, room, "%.60s", v->name);
    int64_t inner = count(&v->shape);
    for (int k = 0; k < v->shape.rank; k++) {
        inner /= v->shape.dim[k];
        used += snprintf(text + used, room - (size_t)used, "%c%lld", k ? ',' : '[', (long long)(index / inner));
        index %= inner;
    }
    if (v->shape.rank) snprintf(text + used, room - (size_t)used, "]");
}

/* Differences of one element: y at x + h and x - h. */
static double difference(const task *t, ag_run *run, const variable *v, int64_t index)
{
    double *data = v->data, x = data[index], h = 6e-6 * fmax(1, fabs(x)), y[2];
    volatile double at[2] = { x + h, x - h }; /* as they are stored, not in wider registers */
    for (int side = 0; side < 2; side++) {
        data[index] = at[side];
        if (ag_feed(run, v->node, data) || ag_eval(run)) die("%s", ag_run_error(run));
        y[side] = ag_item(run, t->y);
    }
    data[index] = x;
    ag_feed(run, v->node, data);
    return (y[0] - y[1]) / (at[0] - at[1]);
}

static void check_table(const task *t, ag_graph *g)
{
    enum { ROWS = 50 }; /* of each variable */
    ag_plan *plan, *primal;
    ag_run *run = evaluate(g, t->nwrt, t->dx, &plan), *moved = evaluate(g, 1, &t->y, &primal);
    printf("%-24s %24s %24s %10s\n", "derivative for", "automatic", "numerical difference", "error");
    for (int i = 0; i < t->nwrt; i++) {
        const variable *v = t->by[i];
        const double *dx = ag_data(run, t->dx[i]);
        int64_t n = count(&v->shape);
        for (int64_t k = 0; k < n && k < ROWS; k++) {
            char name[128], automatic[32], numeric[32];
            double d = difference(t, moved, v, k);
            element_name(name, sizeof name, v, k);
            write_number(automatic, dx[k], 0);
            write_number(numeric, d, 0);
            printf("%-24s %24s %24s %10.1e\n", name, automatic, numeric,
                   fabs(dx[k] - d) / fmax(1, fmax(fabs(d), fabs(dx[k]))));
        }
        if (n > ROWS) printf("%s: %lld elements more\n", v->name, (long long)(n - ROWS));
    }
    ag_run_free(moved);
    ag_plan_free(primal);
    ag_run_free(run);
    ag_plan_free(plan);
}

/* The table is for people; the verdict is the library's, on first and second derivatives along random directions. */
int check_derivatives(const task *t, ag_graph *g)
{
    ag_check_report report;
    check_table(t, g);
    ag_status status = ag_check_gradient(t->y, t->nwrt, t->x, NULL, &report);
    if (!status) printf("first and second derivatives agree with differences; largest error %.1e\n", report.error);
    else printf("the check fails: %s\n", report.message);
    return status == AG_OK;
}
