/* Second derivatives. */
#include "derive.h"

#include <stdlib.h>

/* Row k of the Hessian is the gradient's product with the k-th unit vector: one plan, run once a row. */
static void compute(const task *t, ag_graph *g, const formula *f, int64_t n, double *all)
{
    ag_node *dx[MOST], *x[MOST], *flat[MOST], *row[MOST];
    derive_by(t, f, dx);
    for (int i = 0; i < t->nwrt; i++) {
        x[i] = t->by[i]->node;
        flat[i] = ag_reshape(dx[i], AG_SHAPE(-1));
    }
    ag_node *gradient = ag_concat(t->nwrt, flat, 0), *unit = ag_input(g, NULL, AG_F64, AG_SHAPE(n));
    if (ag_vjp(1, &gradient, &unit, t->nwrt, x, row)) die("%s", ag_graph_error(g));
    ag_plan *plan = ag_compile(g, t->nwrt, row, NULL);
    if (!plan) die("%s", ag_graph_error(g));
    ag_run *run = need(ag_run_new(plan));
    double *direction = need(calloc((size_t)n, sizeof *direction));
    for (int64_t k = 0, at = 0; k < n; k++) {
        direction[k] = 1;
        if (ag_feed(run, unit, direction) || ag_eval(run)) die("%s", ag_run_error(run));
        direction[k] = 0;
        for (int i = 0; i < t->nwrt; at += count(&t->by[i++]->shape))
            if (ag_fetch(run, row[i], all + at)) die("%s", ag_run_error(run));
    }
    for (int64_t i = 0; i < n * n; i++) all[i] += 0.0; /* -0 is 0 */
    free(direction);
    ag_run_free(run);
    ag_plan_free(plan);
}

void hessian(const task *t, ag_graph *g, const formula *f)
{
    enum { LARGEST = 4096 };
    char label[160];
    int64_t n = 0;
    if (!is_derivable(f)) die("--hessian: %s: a gradient needs a formula of rank 0, of reals", f->label);
    for (int i = 0; i < t->nwrt; i++) n += count(&t->by[i]->shape);
    if (n > LARGEST) die("--hessian: %lld variables; %d at most", (long long)n, LARGEST);
    double *all = need(calloc((size_t)(n * n), sizeof *all));
    compute(t, g, f, n, all);
    write_derivative(label, f, t->by[0], 2);
    if (t->nwrt == 1 && !t->by[0]->shape.rank) print_array(label, AG_F64, &AG_SCALAR, all);
    else {
        printf(t->nformulas > 1 ? "Hessian of %s for " : "Hessian for ", f->label);
        print_variables(t);
        printf("\n");
        print_array("H", AG_F64, &AG_SHAPE(n, n), all);
    }
    free(all);
}
