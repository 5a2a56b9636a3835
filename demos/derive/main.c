/* derive: formulas' values and derivatives at a point, from the command line.
 *
 *     derive 'x^2*sin(y)' x=1.5 y=0.3                      */
#include "derive.h"

#include <stdlib.h>

static const variable *range_of(const task *t)
{
    const variable *range = NULL;
    for (int i = 0; i < t->nvariables; i++)
        if (t->variable[i].is_range) {
            if (range) die("%s and %s are ranges; one may be", range->name, t->variable[i].name);
            range = &t->variable[i];
        }
    return range;
}

static int numbers_and_derivatives(const task *t, ag_graph *g)
{
    values_and_derivatives(t, g);
    for (int k = 0; k < t->nformulas && t->nwrt && t->hessian; k++) hessian(t, g, &t->formula[k]);
    return t->nwrt && t->check ? check_derivatives(t, g) : 1;
}

int main(int argc, char **argv)
{
    static task t;
    int fine = 1;
    read_arguments(&t, argc, argv);
    ag_graph *g = need(ag_graph_new(NULL));
    read_formulas(&t, g, 0);
    note_unused(&t);
    choose_variables(&t);
    const variable *range = range_of(&t);
    if (range && (t.hessian || t.check))
        die("%s is a range, which is drawn; give it a value to derive at", range->name);
    if (!range) fine = numbers_and_derivatives(&t, g);
    if (t.dot) write_dot(&t);
    if (range || t.plot || t.svg) draw(&t, g);
    ag_graph_free(g);
    if (t.c) write_c(&t);
    for (int i = 0; i < t.nvariables; i++) free(t.variable[i].data);
    if (fflush(stdout) || ferror(stdout)) die("the output cannot be written");
    return fine ? EXIT_SUCCESS : EXIT_FAILURE;
}
