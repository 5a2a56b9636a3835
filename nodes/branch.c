/* One of two bodies, whichever the predicate takes: the other is not evaluated.  The gradient is a branch as well. */
#include "loop.h"

static ag_status shape(ag_infer *c)
{
    const ag_branch *b = c->attribute;
    if (ag_count(c->in[0]) != 1) return ag_refuse(c, AG_ESHAPE, "the predicate is no single number");
    for (int k = 0; k < b->arguments; k++)
        if (!ag_same_shape(b->argument[k], c->in[k + 1]) || b->argument[k]->dtype != c->in[k + 1]->dtype)
            return ag_refuse(c, AG_ESHAPE, "argument %d and its value differ in shape or type", k);
    for (int k = 0; k < b->results; k++)
        if (!ag_same_shape(b->then[k], b->otherwise[k]) || b->then[k]->dtype != b->otherwise[k]->dtype)
            return ag_refuse(c, AG_ESHAPE, "the branches differ in shape or type of result %d", k);
    c->dtype = AG_F64;
    c->shape.rank = 0;
    return AG_OK;
}

ag_node *ag_branch_node(ag_graph *g, ag_branch *b, ag_node *predicate, ag_node *const value[])
{
    ag_node **results = ag_keep(g, NULL, 2 * (size_t)b->results * sizeof *results), **capture;
    if (!results) return NULL;
    memcpy(results, b->then, (size_t)b->results * sizeof *results);
    memcpy(results + b->results, b->otherwise, (size_t)b->results * sizeof *results);
    b->captures = ag_find_captures(g, 2 * b->results, results, b->arguments, b->argument, &capture);
    if (b->captures < 0) return NULL;
    b->capture = capture;
    int n = 1 + b->arguments + b->captures;
    ag_node **in = ag_keep(g, NULL, (size_t)n * sizeof *in);
    if (!in) return NULL;
    in[0] = predicate;
    memcpy(in + 1, value, (size_t)b->arguments * sizeof *in);
    memcpy(in + 1 + b->arguments, capture, (size_t)b->captures * sizeof *in);
    return ag_apply(&agi_branch, n, in, b);
}

/* Arguments that neither body reads, as the gradients that flow in are where they are pulled back in turn. */
static int drop_unread(ag_graph *g, ag_branch *b, ag_node *argument[], ag_node *value[])
{
    ag_node **results = ag_keep(g, NULL, (2 * (size_t)b->results + 1) * sizeof *results);
    unsigned char *used = ag_keep(g, NULL, (size_t)b->arguments + 1);
    int kept = 0;
    if (!results || !used) return 0;
    memcpy(results, b->then, (size_t)b->results * sizeof *results);
    memcpy(results + b->results, b->otherwise, (size_t)b->results * sizeof *results);
    if (!ag_find_used(g, 2 * b->results, results, b->arguments, argument, used)) return 0;
    for (int k = 0; k < b->arguments; k++) {
        if (!used[k]) continue;
        argument[kept] = argument[k];
        value[kept++] = value[k];
    }
    b->arguments = kept;
    return 1;
}

/* The body's leaves serve again; the gradients that flow in are further arguments. */
static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    const ag_branch *b = y->attribute;
    ag_graph *g = y->graph;
    int inputs = y->nin - 1, n = 0, m = 0;
    size_t bytes = (size_t)(inputs + b->results) * sizeof(ag_node *);
    ag_node **gpart = ag_keep(g, NULL, bytes), **x = ag_keep(g, NULL, bytes), **w = ag_keep(g, NULL, bytes);
    ag_node **argument = ag_keep(g, NULL, bytes), **value = ag_keep(g, NULL, bytes), **out[2], **dx[2];
    int *goal = ag_keep(g, NULL, bytes);
    for (int s = 0; s < 2; s++) {
        out[s] = ag_keep(g, NULL, bytes);
        dx[s] = ag_keep(g, NULL, bytes);
        if (!out[s] || !dx[s]) return;
    }
    if (!gpart || !x || !w || !argument || !value || !goal) return;
    ag_unpack(y, gout, gpart);
    for (int k = 0; k < inputs; k++) {
        if (k < b->arguments) {
            argument[k] = b->argument[k];
            value[k] = y->in[k + 1];
        }
        if (!ag_wanted(y, k + 1)) continue;
        goal[n] = k + 1;
        x[n++] = k < b->arguments ? b->argument[k] : b->capture[k - b->arguments];
    }
    for (int k = 0; k < b->results; k++) {
        if (!gpart[k]) continue;
        value[b->arguments + m] = gpart[k];
        w[m] = argument[b->arguments + m] = ag_input(g, NULL, (ag_dtype)gpart[k]->dtype, ag_shape_in(gpart[k]));
        out[0][m] = b->then[k];
        out[1][m++] = b->otherwise[k];
    }
    for (int s = 0; s < 2; s++)
        if (ag_local_vjp(m, out[s], w, n, x, dx[s])) return;
    ag_branch back = { .arguments = b->arguments + m, .results = n, .argument = argument, .then = dx[0],
                       .otherwise = dx[1] };
    if (!drop_unread(g, &back, argument, value)) return;
    ag_node *node = ag_branch_node(g, &back, y->in[0], value);
    for (int k = 0; k < n && !ag_is_bad(node); k++) gin[goal[k]] = ag_part(node, k);
}

const ag_op agi_branch = { .name = "branch",
                           .formula = "one of two bodies",
                           .inputs = -1,
                           .flags = AG_LOOP | AG_RANDOM | AG_SMOOTH,
                           .attribute_size = sizeof(ag_branch),
                           .shape = shape,
                           .gradient = gradient,
                           .batch = ag_batch_branch };
