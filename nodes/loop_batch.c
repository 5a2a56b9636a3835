/* Loops and branches for many values at once: what in their bodies depends on these gets the new axis, in sequences after
 * that of the steps. How many steps are made, or which branch is taken, is the same for all. */
#include "loop.h"

typedef struct {
    ag_graph *graph;
    int64_t count;
    int n, nu;              /* leaves and captures; those that are batched */
    ag_node **leaf;         /* all of them, in the order of the node's inputs */
    unsigned char *batched, *used;
    ag_node **u, **of_u;
} body;

static int make_body(body *b, const ag_node *y, int n, int64_t count)
{
    size_t bytes = ((size_t)n + 1) * sizeof(ag_node *);
    *b = (body){ .graph = y->graph, .count = count, .n = n };
    b->leaf = ag_keep(y->graph, NULL, bytes);
    b->batched = ag_keep(y->graph, NULL, bytes);
    b->used = ag_keep(y->graph, NULL, bytes);
    b->u = ag_keep(y->graph, NULL, bytes);
    b->of_u = ag_keep(y->graph, NULL, bytes);
    return b->leaf && b->batched && b->used && b->u && b->of_u;
}

static int depends(body *b, ag_node *result)
{
    memset(b->used, 0, (size_t)b->n);
    if (!ag_find_used(b->graph, 1, &result, b->n, b->leaf, b->used)) return 0;
    for (int k = 0; k < b->n; k++)
        if (b->used[k] && b->batched[k]) return 1;
    return 0;
}

/* The leaf, or a new one with the new axis if it is batched. */
static ag_node *leaf_of(body *b, int k)
{
    ag_node *x = b->leaf[k];
    if (!b->batched[k]) return x;
    ag_node *with_axis = ag_input(b->graph, NULL, (ag_dtype)x->dtype, ag_batch_shape(x, b->count));
    b->u[b->nu] = x;
    b->of_u[b->nu++] = with_axis;
    return with_axis;
}

static void give_capture(body *b, int k, ag_node *with_axis)
{
    if (!b->batched[k]) return;
    b->u[b->nu] = b->leaf[k];
    b->of_u[b->nu++] = with_axis;
}

/* Those of the n nodes that depend on batched ones, with the new axis. */
static ag_node *const *batch_results(body *b, int n, ag_node *const x[])
{
    ag_node **out = ag_keep(b->graph, x, (size_t)n * sizeof *out);
    for (int k = 0; out && k < n; k++)
        if (depends(b, x[k]) && ag_batch_nodes(b->count, b->nu, b->u, b->of_u, 1, &x[k], &out[k])) return NULL;
    return out;
}

static ag_node *steps_first(ag_node *sequence)
{
    if (ag_is_bad(sequence)) return sequence;
    int axes[AG_MAX_RANK];
    for (int i = 0; i < sequence->rank; i++) axes[i] = i < 2 ? 1 - i : i;
    return ag_transpose(sequence, axes);
}

/* A state is batched that starts so, or becomes so through others. */
static void find_batched_states(body *b, const ag_loop *l)
{
    for (int grown = 1; grown;) {
        grown = 0;
        for (int k = 0; k < l->states; k++)
            if (!b->batched[k] && depends(b, l->next[k])) b->batched[k] = 1, grown = 1;
    }
}

ag_node *ag_batch_loop(const ag_node *y, ag_node *in[], const unsigned char batched[], int64_t count)
{
    const ag_loop *l = y->attribute;
    int bound = l->states + l->elements;
    ag_loop new = *l;
    body b;
    if (!make_body(&b, y, bound + l->captures, count)) return NULL;
    ag_node **leaf = ag_keep(y->graph, NULL, ((size_t)bound + 1) * sizeof *leaf);
    if (!leaf) return NULL;
    for (int k = 0; k < b.n; k++) {
        b.leaf[k] = k < l->states ? l->state[k] : k < bound ? l->element[k - l->states] : l->capture[k - bound];
        b.batched[k] = batched[k];
    }
    find_batched_states(&b, l);
    if ((l->counted && batched[b.n]) || (l->test && depends(&b, l->test)))
        return ag_reject(in[0], y->op, AG_ENOGRAD, "the number of steps differs within a batch");
    for (int k = 0; k < bound; k++) {
        leaf[k] = leaf_of(&b, k);
        if (k < l->states && b.batched[k] && !batched[k]) in[k] = ag_batch_all(in[k], count);
        if (k >= l->states && batched[k]) in[k] = steps_first(in[k]);
    }
    for (int k = bound; k < b.n; k++) give_capture(&b, k, in[k]);
    new.state = leaf;
    new.element = leaf + l->states;
    new.next = batch_results(&b, l->states, l->next);
    new.result = new.next ? batch_results(&b, l->results, l->result) : NULL;
    if (!new.result) return NULL;
    return ag_loop_node(y->graph, &new, in, in + l->states, l->counted ? in[b.n] : NULL);
}

ag_node *ag_batch_branch(const ag_node *y, ag_node *in[], const unsigned char batched[], int64_t count)
{
    const ag_branch *branch = y->attribute;
    ag_branch new = *branch;
    body b;
    if (batched[0]) return ag_reject(in[0], y->op, AG_ENOGRAD, "the branch taken differs within a batch");
    if (!make_body(&b, y, branch->arguments + branch->captures, count)) return NULL;
    ag_node **leaf = ag_keep(y->graph, NULL, ((size_t)branch->arguments + 1) * sizeof *leaf);
    if (!leaf) return NULL;
    for (int k = 0; k < b.n; k++) {
        b.leaf[k] = k < branch->arguments ? branch->argument[k] : branch->capture[k - branch->arguments];
        b.batched[k] = batched[k + 1];
    }
    for (int k = 0; k < branch->arguments; k++) leaf[k] = leaf_of(&b, k);
    for (int k = branch->arguments; k < b.n; k++) give_capture(&b, k, in[k + 1]);
    ag_node **side[2];
    for (int s = 0; s < 2; s++) { /* both or neither have the new axis: all have it */
        side[s] = ag_keep(y->graph, NULL, (size_t)branch->results * sizeof *side[s]);
        ag_node *const *results = s ? branch->otherwise : branch->then;
        if (!side[s] || ag_batch_nodes(count, b.nu, b.u, b.of_u, branch->results, results, side[s])) return NULL;
    }
    new.argument = leaf;
    new.then = side[0];
    new.otherwise = side[1];
    return ag_branch_node(y->graph, &new, in[0], in + 1);
}

ag_node *ag_batch_part(const ag_node *y, ag_node *in[], const unsigned char batched[], int64_t count)
{
    int number = *(const int *)y->attribute;
    const ag_node *from = y->in[0];
    (void)batched;
    ag_node *part = ag_part(in[0], number);
    if (ag_is_bad(part) || part->rank == y->rank) return ag_is_bad(part) ? part : ag_batch_all(part, count);
    int stacked = from->op == &agi_loop && number >= ((const ag_loop *)from->attribute)->states;
    return stacked ? steps_first(part) : part;
}
