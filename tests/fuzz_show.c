/* A program that went wrong, to read: what the output is made of, what the reference says of it, and what a plan of
 * that node alone gives. The first line that is marked is where to look. */
#include "fuzz.h"
#include "graph/graph.h"

static void mark(const ag_node *y, unsigned char *needed)
{
    if (needed[y->id]) return;
    needed[y->id] = 1;
    for (uint32_t k = 0; k < y->nin; k++) mark(y->in[k], needed);
}

static double element(const void *data, ag_dtype dtype, int64_t i)
{
    if (dtype == AG_F32) return ((const float *)data)[i];
    return dtype == AG_F64 ? ((const double *)data)[i] : (double)((const int64_t *)data)[i];
}

/* The worst element, and whether it is wrong. */
static void show_alone(const fuzz_value *want, ag_node *y)
{
    ag_plan *plan = ag_compile(y->graph, 1, &y, NULL);
    ag_run *run = ag_run_new(plan);
    const void *data = ag_eval(run) == AG_OK ? ag_data(run, y) : NULL;
    int wrong = 0;
    int64_t at = 0;
    for (int64_t i = 0; data && i < want->n && !wrong; i++, at += !wrong)
        wrong = !fuzz_agrees(element(data, (ag_dtype)y->dtype, i), want->value[i], want->bound[i]);
    if (!wrong) at = 0;
    printf("  [%lld] %.12Lg +- %.2Lg", (long long)at, want->value[at], want->bound[at]);
    if (data) printf(", alone %.12g%s\n", element(data, (ag_dtype)y->dtype, at), wrong ? "  <---" : "");
    else printf(", alone: %s\n", ag_run_error(run));
    ag_run_free(run);
    ag_plan_free(plan);
}

void fuzz_show(const fuzz_program *p, int k)
{
    unsigned char *needed = calloc((size_t)p->scope.nodes, 1);
    mark(p->node[k], needed);
    for (int64_t id = 0; id < p->scope.nodes; id++) {
        ag_node *y = agi_node(p->g, id);
        char shape[AG_SHAPE_TEXT];
        ag_shape s = ag_shape_in(y);
        if (!needed[id]) continue;
        printf("%5lld %s %s%s", (long long)id, y->op->name, ag_describe(shape, (ag_dtype)y->dtype, &s),
               y->rewritten ? " rewritten" : "");
        for (uint32_t i = 0; i < y->nin; i++) printf(" %u", (unsigned)y->in[i]->id);
        if (p->scope.known[id] && !(y->op->flags & AG_LOOP)) show_alone(p->scope.known[id], y);
        else printf("\n");
    }
    free(needed);
}
