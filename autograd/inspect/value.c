/* A number at once: compile, run, read. */
#include "graph/graph.h"

#include <math.h>

static double evaluate(ag_node *x)
{
    ag_graph *g = x->graph;
    double value = NAN;
    if (x->rank) return agi_fail_at(g, AG_ESHAPE, 1, &x, "ag_value: x is not a single number, of rank 0"), NAN;
    ag_plan *plan = ag_compile(g, 1, &x, NULL);
    ag_run *run = plan ? ag_run_new(plan) : NULL;
    ag_status status = run ? ag_eval(run) : AG_EMEM;
    if (!status) value = ag_item(run, x);
    else if (run) agi_fail(g, status, "ag_value: %s", ag_run_error(run));
    else agi_fail(g, status, "ag_value: out of memory"); /* unless ag_compile has said why */
    ag_run_free(run);
    ag_plan_free(plan);
    return value;
}

/* Building goes on after a failure here: only its message stays. */
double ag_value(ag_node *x)
{
    if (ag_is_bad(x) || x->graph->status) return NAN;
    x->graph->message[0] = 0;
    double value = evaluate(x);
    x->graph->status = AG_OK;
    return value;
}
