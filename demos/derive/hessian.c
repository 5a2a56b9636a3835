/* Second derivatives. */
#include "derive.h"

#include <stdlib.h>

/* Row k of the Hessian is the gradient's product with the k-th unit vector: one plan, run once a row. */
void hessian(const task *t, ag_graph *g)
{
    enum { LARGEST = 4096 };
    ag_node *flat[MOST], *row[MOST];
    int64_t n = 0;
    for (int i = 0; i < t->nwrt; i++) {
        flat[i] = ag_reshape(t->dx[i], AG_SHAPE(-1));
        n += count(&t->by[i]->shape);
    }
    if (n > LARGEST) die("--hessian: %lld variables; %d at most", (long long)n, LARGEST);
    ag_node *gradient = ag_concat(t->nwrt, flat, 0), *unit = ag_input(g, NULL, AG_F64, AG_SHAPE(n));
    if (ag_vjp(1, &gradient, &unit, t->nwrt, t->x, row)) graph_failed(t, g);
    ag_plan *plan = ag_compile(g, t->nwrt, row, NULL);
    if (!plan) die("%s", ag_graph_error(g));
    ag_run *run = need(ag_run_new(plan));
    double *all = need(calloc((size_t)(n * n), sizeof *all)), *direction = need(calloc((size_t)n, sizeof *direction));
    for (int64_t k = 0, at = 0; k < n; k++) {
        direction[k] = 1;
        if (ag_feed(run, unit, direction) || ag_eval(run)) die("%s", ag_run_error(run));
        direction[k] = 0;
        for (int i = 0; i < t->nwrt; at += count(&t->by[i++]->shape))
            if (ag_fetch(run, row[i], all + at)) die("%s", ag_run_error(run));
    }
    for (int64_t i = 0; i < n * n; i++) all[i] += 0.0; /* -0 is 0 */
    printf("Hessian for");
    for (int i = 0; i < t->nwrt; i++) {
        const ag_shape *s = &t->by[i]->shape;
        printf("%s %s", i ? "," : "", t->by[i]->name);
        for (int k = 0; k < s->rank; k++) printf("%c%lld", k ? ',' : '[', (long long)s->dim[k]);
        if (s->rank) printf("]");
    }
    printf("\n");
    print_array("H", AG_F64, &AG_SHAPE(n, n), all);
    free(direction);
    free(all);
    ag_run_free(run);
    ag_plan_free(plan);
}
