/* One of two bodies, whichever the predicate takes: the other is not evaluated.  The gradient is a branch as well. */
#include "loop.h"

static ag_status shape(ag_infer *c)
{
    const agi_branch_attribute *b = c->attribute;
    ag_status status = AG_OK;
    c->op = &agi_called_cond;
    if (ag_count(c->in[0]) != 1) return ag_refuse(c, AG_ESHAPE, "the predicate is not a single number");
    for (int k = 0; k < b->arguments && !status; k++)
        status = agi_refuse_unlike(c, "argument", k, b->argument[k], "its value", c->in[k + 1]);
    for (int k = 0; k < b->results && !status; k++)
        status = agi_refuse_unlike(c, "result", k, b->then[k], "that of the other branch", b->otherwise[k]);
    c->dtype = AG_F64;
    c->shape.rank = 0;
    return status;
}

ag_node *agi_new_branch(ag_graph *g, agi_branch_attribute *b, ag_node *predicate, ag_node *const value[])
{
    int n = 2 * b->results;
    ag_node **results = agi_keep(g, NULL, (size_t)n * sizeof *results), **capture;
    if (!results) return NULL;
    memcpy(results, b->then, (size_t)b->results * sizeof *results);
    memcpy(results + b->results, b->otherwise, (size_t)b->results * sizeof *results);
    b->captures = agi_find_captures(g, n, results, b->arguments, b->argument, &capture, &b->depth);
    if (b->captures < 0) return NULL;
    b->capture = capture;
    ag_node **in = agi_keep(g, NULL, (size_t)(1 + b->arguments + b->captures) * sizeof *in);
    if (!in) return NULL;
    in[0] = predicate;
    if (b->arguments) memcpy(in + 1, value, (size_t)b->arguments * sizeof *in); /* else perhaps NULL */
    memcpy(in + 1 + b->arguments, capture, (size_t)b->captures * sizeof *in);
    return ag_apply(&agi_branch, 1 + b->arguments + b->captures, in, b);
}

/* ---- derivatives: branches on the same predicate ---------------------------------------------------------------- */

/* The branch put together: the arguments' leaves serve again, what flows in is further arguments. */
typedef struct {
    ag_graph *graph;
    const agi_branch_attribute *b;
    ag_node *y;
    int arguments;
    ag_node **argument, **value;
    ag_node **x, **flow;          /* what is differentiated by; forwards: its tangents */
    ag_node **w, **under;         /* backwards: what flows into the results, and the numbers that say whether it does */
    ag_node **out[2], **made[2];  /* by branch: what is differentiated, the derivatives */
    ag_node **active[2];          /* backwards: the conditions under which they flow */
    int *goal;                    /* backwards: the input that x[k] stands for */
    int nx, nout;
} deriver;

static int start(deriver *d, ag_node *y)
{
    const agi_branch_attribute *b = y->attribute;
    *d = (deriver){ .graph = y->graph, .b = b, .y = y, .arguments = b->arguments };
    size_t n = (size_t)(2 * (int)y->nin + 2 * b->results) * sizeof(ag_node *);
    ag_node ***lists[] = { &d->argument, &d->value,   &d->x,       &d->flow,      &d->w,         &d->under,
                           &d->out[0],   &d->out[1],  &d->made[0], &d->made[1],   &d->active[0], &d->active[1] };
    for (size_t k = 0; k < sizeof lists / sizeof lists[0]; k++)
        if (!(*lists[k] = agi_keep(y->graph, NULL, n))) return 0;
    d->goal = agi_keep(y->graph, NULL, n);
    memcpy(d->argument, b->argument, (size_t)b->arguments * sizeof *d->argument);
    memcpy(d->value, y->in + 1, (size_t)b->arguments * sizeof *d->value);
    return d->goal != NULL;
}

static ag_node *add_argument(deriver *d, ag_node *value)
{
    d->value[d->arguments] = value;
    return d->argument[d->arguments++] = ag_input(d->graph, NULL, (ag_dtype)value->dtype, ag_shape_in(value));
}

/* What input k of the node is in the bodies. */
static ag_node *stand_in(const deriver *d, int k)
{
    return k <= d->b->arguments ? d->b->argument[k - 1] : d->b->capture[k - 1 - d->b->arguments];
}

static ag_node *finish(deriver *d, int results)
{
    ag_node **read = agi_keep(d->graph, NULL, 2 * (size_t)results * sizeof *read);
    if (!read) return NULL;
    memcpy(read, d->made[0], (size_t)results * sizeof *read);
    memcpy(read + results, d->made[1], (size_t)results * sizeof *read);
    d->arguments = agi_keep_used(d->graph, 2 * results, read, d->arguments, d->argument, d->value);
    if (d->arguments < 0) return NULL;
    agi_branch_attribute b;
    memset(&b, 0, sizeof b); /* padding, too */
    b.arguments = d->arguments;
    b.results = results;
    b.argument = d->argument;
    b.then = d->made[0];
    b.otherwise = d->made[1];
    return agi_new_branch(d->graph, &b, d->y->in[0], d->value);
}

/* Conditions become results, after the n gradients: what is not active in a branch taken, or in none that is. The
 * number of results; part[k]: the one that says whether anything flows to x[k], or -1: something always does. */
static int add_conditions(deriver *d, int part[])
{
    int n = d->nx;
    for (int k = 0; k < d->nx; k++) {
        part[k] = -1;
        if (!d->active[0][k] && !d->active[1][k]) continue;
        for (int i = 0; i < k && part[k] < 0; i++)
            if (d->active[0][i] == d->active[0][k] && d->active[1][i] == d->active[1][k]) part[k] = part[i];
        if (part[k] >= 0) continue;
        const ag_dtype type = (ag_dtype)d->active[!d->active[0][k]][k]->dtype;
        for (int s = 0; s < 2; s++)
            d->made[s][n] = ag_cast(d->active[s][k] ? d->active[s][k] : ag_number(d->graph, 1), type);
        part[k] = n++;
    }
    return n;
}

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    deriver d;
    if (!start(&d, y)) return;
    ag_node **gpart = agi_keep(y->graph, NULL, (size_t)d.b->results * sizeof *gpart);
    ag_node **active = agi_keep(y->graph, NULL, (size_t)d.b->results * sizeof *active);
    if (!gpart || !active) return;
    agi_take_apart(y, gout, gpart, active);
    for (int k = 1; k < (int)y->nin; k++) {
        if (!ag_wanted(y, k)) continue;
        d.goal[d.nx] = k;
        d.x[d.nx++] = stand_in(&d, k);
    }
    for (int k = 0; k < d.b->results; k++) {
        if (!gpart[k]) continue;
        d.out[0][d.nout] = d.b->then[k];
        d.out[1][d.nout] = d.b->otherwise[k];
        d.under[d.nout] = active[k] ? add_argument(&d, active[k]) : NULL;
        d.w[d.nout++] = add_argument(&d, gpart[k]);
    }
    for (int s = 0; s < 2; s++)
        if (agi_local_vjp(d.nout, d.out[s], d.w, d.under, d.nx, d.x, d.made[s], d.active[s])) return;
    int *condition = agi_keep(y->graph, NULL, (size_t)y->nin * sizeof *condition);
    ag_node *back = condition ? finish(&d, add_conditions(&d, condition)) : NULL;
    for (int k = 0; k < d.nx && !ag_is_bad(back); k++) {
        gin[d.goal[k]] = agi_new_part(back, k);
        if (condition[k] >= 0) ag_flow_if(y, d.goal[k], ag_stop_gradient(agi_new_part(back, condition[k])));
    }
}

static ag_node *forward(ag_node *y, ag_node *const tin[], int part[])
{
    deriver d;
    if (!start(&d, y)) return NULL;
    for (int k = 1; k < (int)y->nin; k++) {
        if (!tin[k]) continue;
        d.flow[d.nx] = k <= d.b->arguments ? add_argument(&d, tin[k]) : tin[k]; /* of a capture: captured, too */
        d.x[d.nx++] = stand_in(&d, k);
    }
    for (int k = 0; k < d.b->results; k++) {
        part[k] = d.b->then[k]->dtype == AG_I64 ? -1 : d.nout;
        if (part[k] < 0) continue;
        d.out[0][d.nout] = d.b->then[k];
        d.out[1][d.nout++] = d.b->otherwise[k];
    }
    for (int s = 0; s < 2; s++)
        if (agi_local_jvp(d.nx, d.x, d.flow, d.nout, d.out[s], d.made[s])) return NULL;
    return finish(&d, d.nout);
}

const ag_op agi_branch = { .name = "branch",
                           .formula = "one of two bodies",
                           .inputs = -1,
                           .flags = AG_LOOP | AG_BRANCH | AG_CHOOSES | AG_RANDOM | AG_SMOOTH,
                           .attribute_size = sizeof(agi_branch_attribute),
                           .shape = shape,
                           .gradient = gradient,
                           .forward = forward,
                           .batch = agi_batch_branch };
