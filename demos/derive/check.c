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
static double difference(ag_run *run, const ag_node *y, const variable *v, int64_t index)
{
    double *data = v->data, x = data[index], h = 6e-6 * fmax(1, fabs(x)), value[2];
    volatile double at[2] = { x + h, x - h }; /* as they are stored, not in wider registers */
    for (int side = 0; side < 2; side++) {
        data[index] = at[side];
        if (ag_feed(run, v->node, data) || ag_eval(run)) die("%s", ag_run_error(run));
        value[side] = ag_item(run, y);
    }
    data[index] = x;
    ag_feed(run, v->node, data);
    return (value[0] - value[1]) / (at[0] - at[1]);
}

static void print_row(const char *of, const variable *v, int64_t k, double exact, double numeric)
{
    char name[128], automatic[32], difference_text[32];
    int used = snprintf(name, sizeof name, "%s%s", of, *of ? " / " : "");
    element_name(name + used, sizeof name - (size_t)used, v, k);
    write_number(automatic, exact, 0);
    write_number(difference_text, numeric, 0);
    printf("%-24s %24s %24s %10.1e\n", name, automatic, difference_text,
           fabs(exact - numeric) / fmax(1, fmax(fabs(numeric), fabs(exact))));
}

/* Of a formula of rank 0. */
static void check_table(const task *t, ag_graph *g, const formula *f, const char *of)
{
    enum { ROWS = 50 }; /* of each variable */
    ag_plan *plan, *primal;
    ag_node *dx[MOST];
    derive_by(t, f, dx);
    ag_run *run = evaluate(g, t->nwrt, dx, &plan), *moved = evaluate(g, 1, &f->y, &primal);
    for (int i = 0; i < t->nwrt; i++) {
        const variable *v = t->by[i];
        const double *exact = ag_data(run, dx[i]);
        int64_t n = count(&v->shape);
        for (int64_t k = 0; k < n && k < ROWS; k++) print_row(of, v, k, exact[k], difference(moved, f->y, v, k));
        if (n > ROWS) printf("%s: %lld elements more\n", v->name, (long long)(n - ROWS));
    }
    ag_run_free(moved);
    ag_plan_free(primal);
    ag_run_free(run);
    ag_plan_free(plan);
}

/* A vector's elements, one by one. */
static void check_elements(const task *t, ag_graph *g, const formula *f)
{
    enum { ROWS = 20 };
    int64_t n = ag_size_of(f->y);
    for (int64_t k = 0; k < n && k < ROWS; k++) {
        char of[96];
        formula element = *f;
        element.y = ag_index(f->y, 0, k);
        snprintf(of, sizeof of, "%s[%lld]", *f->name ? f->name : "", (long long)k);
        check_table(t, g, &element, of);
    }
    if (n > ROWS) printf("%s: %lld elements more\n", f->label, (long long)(n - ROWS));
}

/* The table is for people; the verdict is the library's, on first and second derivatives along random directions. */
int check_derivatives(const task *t, ag_graph *g)
{
    ag_node *x[MOST];
    double error = 0;
    for (int i = 0; i < t->nwrt; i++) x[i] = t->by[i]->node;
    printf("%-24s %24s %24s %10s\n", "derivative for", "automatic", "numerical difference", "error");
    for (int k = 0; k < t->nformulas; k++) {
        const formula *f = &t->formula[k];
        if (ag_shape_of(f->y).rank) check_elements(t, g, f);
        else check_table(t, g, f, t->nformulas > 1 ? f->label : "");
    }
    for (int k = 0; k < t->nformulas; k++) {
        ag_check_report report;
        if (ag_check_gradient(t->formula[k].y, t->nwrt, x, NULL, &report)) {
            printf("the check fails: %s\n", report.message);
            return 0;
        }
        error = fmax(error, report.error);
    }
    printf("first and second derivatives agree with differences; largest error %.1e\n", error);
    return 1;
}
