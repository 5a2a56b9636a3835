/* Values, and derivatives: the gradient of one formula, the Jacobian of several and of vectors. */
#include "derive.h"

#include <stdlib.h>
#include <string.h>

enum { LARGEST = 4096 }; /* numbers of a Jacobian */

static int64_t columns_of(const task *t)
{
    int64_t n = 0;
    for (int i = 0; i < t->nwrt; i++) n += count(&t->by[i]->shape);
    return n;
}

static int64_t rows_of(const task *t)
{
    int64_t n = 0;
    for (int k = 0; k < t->nformulas; k++) n += ag_size_of(t->formula[k].y);
    return n;
}

/* Why there are no derivatives, or NULL. */
static const char *refusal(const task *t)
{
    for (int k = 0; k < t->nformulas; k++) {
        if (ag_type_of(t->formula[k].y) == AG_I64) return "whole numbers have no gradient";
        if (ag_shape_of(t->formula[k].y).rank > 1)
            return "a gradient needs a formula of rank 0: sum(...) or mean(...) of this one has one";
    }
    if (rows_of(t) * columns_of(t) > LARGEST) return "the Jacobian is too large to be shown";
    return NULL;
}

/* Of which formulas, and how many elements; of one without a name nothing need be said. */
static void print_formulas(const task *t)
{
    printf("Jacobian");
    for (int k = 0; k < t->nformulas && (t->nformulas > 1 || *t->formula[0].name); k++) {
        const formula *f = &t->formula[k];
        int elements = ag_shape_of(f->y).rank, bare = !elements || *f->name;
        printf(bare ? "%s%s" : "%s(%s)", k ? ", " : " of ", f->label);
        if (elements) printf("[%lld]", (long long)ag_size_of(f->y));
    }
    printf(" for ");
}

static void print_jacobian(const task *t, ag_graph *g)
{
    int64_t rows = rows_of(t), columns = columns_of(t), row = 0;
    double *all = need(calloc((size_t)(rows * columns), sizeof *all));
    for (int k = 0; k < t->nformulas; row += ag_size_of(t->formula[k++].y)) {
        int64_t column = 0, height = ag_size_of(t->formula[k].y);
        for (int i = 0; i < t->nwrt; i++) {
            int64_t width = count(&t->by[i]->shape);
            ag_plan *plan;
            ag_node *block = ag_jacobian(t->formula[k].y, t->by[i]->node);
            ag_run *run = evaluate(g, 1, &block, &plan);
            const double *d = ag_data(run, block);
            for (int64_t r = 0; r < height; r++)
                for (int64_t c = 0; c < width; c++) all[(row + r) * columns + column + c] = d[r * width + c] + 0.0;
            column += width;
            ag_run_free(run);
            ag_plan_free(plan);
        }
    }
    print_formulas(t);
    print_variables(t);
    printf("\n");
    print_array("J", AG_F64, &AG_SHAPE(rows, columns), all);
    free(all);
}

static void print_gradient(const task *t, const ag_run *run, ag_node *const dx[])
{
    char label[160];
    for (int i = 0; i < t->nwrt; i++) {
        write_derivative(label, &t->formula[0], t->by[i], 1);
        print_node(label, run, dx[i]);
    }
}

static void print_values(const task *t, ag_graph *g, int with_gradient)
{
    ag_plan *plan;
    ag_node *outputs[2 * MOST] = { NULL };
    int n = t->nformulas;
    for (int k = 0; k < n; k++) outputs[k] = t->formula[k].y;
    if (with_gradient) derive_by(t, &t->formula[0], outputs + 1);
    ag_run *run = evaluate(g, n + (with_gradient ? t->nwrt : 0), outputs, &plan);
    for (int k = 0; k < n; k++) print_node(t->formula[k].label, run, t->formula[k].y);
    if (with_gradient) print_gradient(t, run, outputs + 1);
    ag_run_free(run);
    ag_plan_free(plan);
}

void values_and_derivatives(const task *t, ag_graph *g)
{
    const char *why = refusal(t);
    int one = t->nformulas == 1 && is_derivable(&t->formula[0]);
    print_values(t, g, one);
    if (!one && !why && t->nwrt) print_jacobian(t, g);
    if (one || !why) return;
    if (t->hessian || t->check || t->wrt) die("%s", why);
    if (t->nvariables) printf("(%s)\n", why);
}
