/* Formulas and their derivatives over a range of one variable. */
#include "derive.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { POINTS = 1201 };

static const variable *drawn_over(const task *t)
{
    const variable *x = NULL;
    for (int i = 0; i < t->nvariables; i++)
        if (t->variable[i].is_range) return &t->variable[i];
    for (int i = 0; i < t->nwrt; i++)
        if (!t->by[i]->shape.rank) {
            if (x) die("over which variable? give one a range, as in %s=-5:5", x->name);
            x = t->by[i];
        }
    if (!x) die("there is no variable to draw over: a range is NAME=FROM:TO");
    return x;
}

static void add_curves(plot *p, const formula *f, ag_node *y[])
{
    if (!is_derivable(f)) die("%s: only real formulas of rank 0 are drawn", f->label);
    ag_node *x = p->x->node;
    y[p->ncurves] = f->y;
    snprintf(p->curve[p->ncurves++].label, sizeof p->curve[0].label, "%s", f->label);
    if (ag_gradient(f->y, 1, &x, &y[p->ncurves])) die("%s", ag_graph_error(ag_graph_of(x)));
    p->curve[p->ncurves].is_derivative = 1;
    write_derivative(p->curve[p->ncurves++].label, f, p->x, 1);
}

static void compute(plot *p, ag_graph *g, ag_node *const y[])
{
    ag_plan *plan;
    double from = p->x->is_range ? p->x->from : *(double *)p->x->data - 5;
    double to = p->x->is_range ? p->x->to : *(double *)p->x->data + 5;
    ag_run *run = evaluate(g, p->ncurves, y, &plan);
    for (int i = 0; i < p->n; i++) {
        double x = p->at[i] = from + (to - from) * i / (p->n - 1);
        if (ag_feed(run, p->x->node, &x) || ag_eval(run)) die("%s", ag_run_error(run));
        for (int k = 0; k < p->ncurves; k++) p->curve[k].y[i] = ag_item(run, y[k]);
    }
    ag_run_free(run);
    ag_plan_free(plan);
}

/* ---- what is shown of the y axis --------------------------------------------------------------------------------- */

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Everything, but where that goes far beyond nine tenths of a curve, at a pole: there, three times three fifths. */
static void view_of(const double *y, int n, double *low, double *high)
{
    double sorted[POINTS];
    int m = 0;
    for (int i = 0; i < n; i++)
        if (isfinite(y[i])) sorted[m++] = y[i];
    if (!m) return;
    qsort(sorted, (size_t)m, sizeof *sorted, ascending);
    double least = sorted[0], most = sorted[m - 1], below = sorted[m / 20], above = sorted[m - 1 - m / 20];
    double far = 1.5 * (above - below), fifth = sorted[m / 5], last = sorted[m - 1 - m / 5], span = last - fifth;
    *low = fmin(*low, below - least > far ? fmax(least, fifth - span) : least);
    *high = fmax(*high, most - above > far ? fmin(most, last + span) : most);
}

void find_view(const double *const y[], int curves, int n, double *low, double *high)
{
    *low = INFINITY;
    *high = -INFINITY;
    for (int k = 0; k < curves; k++) view_of(y[k], n, low, high);
    if (!(*low <= *high)) *low = *high = 0;
    double room = *high > *low ? 0.05 * (*high - *low) : fmax(1, fabs(*low)) / 2;
    *low -= room;
    *high += room;
}

int is_joined(const double *y, int i, double low, double high)
{
    double middle = low + (high - low) / 2;
    if (!i || !isfinite(y[i - 1]) || !isfinite(y[i])) return 0;
    return (y[i] > middle) == (y[i - 1] > middle) || fabs(y[i] - y[i - 1]) < high - low;
}

double nice_step(double from, double to, int most)
{
    double least = (to - from) / most, power = pow(10, floor(log10(least)));
    return power * (least <= power ? 1 : least <= 2 * power ? 2 : least <= 5 * power ? 5 : 10);
}

void draw(const task *t, ag_graph *g)
{
    static plot p;
    ag_node *y[2 * MOST];
    p.x = drawn_over(t);
    p.n = POINTS;
    for (int k = 0; k < t->nformulas; k++) add_curves(&p, &t->formula[k], y);
    p.at = need(calloc(POINTS, sizeof *p.at));
    for (int k = 0; k < p.ncurves; k++) p.curve[k].y = need(calloc(POINTS, sizeof(double)));
    compute(&p, g, y);
    if (t->svg) draw_svg(&p, t->svg);
    else draw_in_terminal(&p);
    for (int k = 0; k < p.ncurves; k++) free(p.curve[k].y);
    free(p.at);
}
