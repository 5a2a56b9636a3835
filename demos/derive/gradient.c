/* Value and gradient: printed, drawn, and written as C. */
#include "derive.h"

#include <errno.h>
#include <string.h>

static void print_gradient(const task *t, const ag_run *run)
{
    char label[128];
    for (int i = 0; i < t->nwrt; i++) {
        snprintf(label, sizeof label, "d/d%.100s", t->by[i]->name);
        print_node(label, run, t->dx[i]);
    }
}

static void write_dot(const task *t, const ag_run *run)
{
    ag_node *outputs[MOST + 1] = { t->y };
    memcpy(outputs + 1, t->dx, (size_t)t->nwrt * sizeof *outputs);
    FILE *f = fopen(t->dot, "w");
    if (!f) die("%s: %s", t->dot, strerror(errno));
    if (ag_write_dot(f, t->nwrt + 1, outputs, run) | fclose(f)) die("%s: cannot be written", t->dot);
}

static FILE *create(const char *name, const char *extension)
{
    char path[4096];
    snprintf(path, sizeof path, "%s%s", name, extension);
    FILE *f = fopen(path, "w");
    if (!f) die("%s: %s", path, strerror(errno));
    return f;
}

/* The function is called as the files are: the last part of their path. */
static void write_c(const task *t, const ag_plan *plan)
{
    char message[256] = "";
    ag_c_options options = { .initial = 1, .message = message, .message_size = sizeof message };
    const char *slash = strrchr(t->c, '/'), *name = slash ? slash + 1 : t->c;
    FILE *nothing = fopen("/dev/null", "w");
    if (nothing && ag_write_c(plan, name, nothing, NULL, &options)) die("%s", message); /* before files are made */
    if (nothing) fclose(nothing);
    FILE *source = create(t->c, ".c"), *header = create(t->c, ".h");
    if (ag_write_c(plan, name, source, header, &options)) die("%s", message);
    if (fclose(source) | fclose(header)) die("%s: cannot be written", t->c);
}

void value_and_gradient(task *t, ag_graph *g)
{
    ag_plan *plan;
    ag_node *outputs[MOST + 1] = { t->y };
    char label[64];
    ag_shape shape = ag_shape_of(t->y);
    int derivable = shape.rank == 0 && ag_type_of(t->y) != AG_I64;
    if (!derivable) t->nwrt = 0;
    if (t->nwrt && ag_gradient(t->y, t->nwrt, t->x, t->dx)) graph_failed(t, g);
    memcpy(outputs + 1, t->dx, (size_t)t->nwrt * sizeof *outputs);
    ag_run *run = evaluate(g, t->nwrt + 1, outputs, &plan);
    snprintf(label, sizeof label, strlen(t->formula) < sizeof label && !strchr(t->formula, '\n') ? "%s" : "value",
             t->formula);
    print_node(label, run, t->y);
    print_gradient(t, run);
    if (t->dot) write_dot(t, run);
    if (t->c) write_c(t, plan);
    ag_run_free(run);
    ag_plan_free(plan);
    if (derivable) return;
    const char *why = shape.rank ? "a gradient needs a formula of rank 0: sum(...) or mean(...) of this one has one"
                                 : "whole numbers have no gradient";
    if (t->hessian || t->check || t->wrt) die("%s", why);
    if (t->nvariables) printf("(%s)\n", why);
}
