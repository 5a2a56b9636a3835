/* A loop or branch for many values at once: the same on a body of batches. What does not depend on the batch stays as
 * it is, the values in a loop of tangents, say. Stacks have the steps first, then the batch. */
#include "loop.h"

typedef struct {
    ag_graph *graph;
    int64_t count;
    ag_node **u, **of_u;     /* leaves and captures of the body that become batches, and these */
    ag_node **out, **of_out; /* what is rebuilt, and that */
    int n, m;
} batcher;

static int make_room(batcher *b, const ag_node *y, int results)
{
    size_t n = (size_t)((int)y->nin + results + 1) * sizeof(ag_node *);
    ag_node ***lists[] = { &b->u, &b->of_u, &b->out, &b->of_out };
    for (size_t k = 0; k < sizeof lists / sizeof lists[0]; k++)
        if (!(*lists[k] = agi_keep(b->graph, NULL, n))) return 0;
    return 1;
}

static ag_node *leaf_like(const batcher *b, const ag_node *x)
{
    return ag_input(b->graph, NULL, (ag_dtype)x->dtype, ag_batch_shape(x, b->count));
}

static ag_node *replace(batcher *b, ag_node *u, ag_node *of_u)
{
    b->u[b->n] = u;
    return b->of_u[b->n++] = of_u;
}

/* A batch of stacks, a stack of batches. */
static ag_node *swap(ag_node *x)
{
    int axes[AG_MAX_RANK] = { 1, 0 };
    if (ag_is_bad(x)) return x;
    for (int i = 2; i < x->rank; i++) axes[i] = i;
    return ag_transpose(x, axes);
}

/* ---- loops ------------------------------------------------------------------------------------------------------ */

/* New leaves for what is batched; inputs as the loop takes them. */
static void give_leaves(batcher *b, const agi_loop_attribute *l, ag_node *in[], const unsigned char batched[],
                        const unsigned char changed[], ag_node *leaf[])
{
    for (int k = 0; k < l->states + l->elements + l->captures; k++) {
        int state = k < l->states, capture = k >= l->states + l->elements;
        leaf[k] = agi_loop_leaf(l, k);
        if (!(state ? changed[k] : batched[k])) continue;
        if (state && !batched[k]) in[k] = ag_batch_all(in[k], b->count);
        else if (!state && !capture) in[k] = swap(in[k]);
        leaf[k] = replace(b, leaf[k], capture ? in[k] : leaf_like(b, leaf[k]));
    }
}

ag_node *agi_batch_loop(const ag_node *y, ag_node *in[], const unsigned char batched[], int64_t count)
{
    const agi_loop_attribute *l = y->attribute;
    batcher b = { .graph = y->graph, .count = count };
    int n = l->states + l->results;
    unsigned char *changed = agi_keep(b.graph, NULL, (size_t)n + 1);
    ag_node **leaf = agi_keep(b.graph, NULL, y->nin * sizeof *leaf);
    ag_node **out = agi_keep(b.graph, NULL, (size_t)n * sizeof *out);
    if (!changed || !leaf || !out || !make_room(&b, y, n) || !agi_spread_changes(b.graph, l, batched, 0,
                                                                                 changed)) return NULL;
    if (changed[n] || (l->counted && batched[y->nin - 1]))
        return ag_reject((ag_node *)y, y->op, AG_ENOGRAD, "the number of steps differs within a batch");
    give_leaves(&b, l, in, batched, changed, leaf);
    for (int k = 0; k < n; k++) {
        out[k] = k < l->states ? l->next[k] : l->result[k - l->states];
        if (changed[k]) b.out[b.m++] = out[k];
    }
    if (agi_batch_nodes(count, b.n, b.u, b.of_u, b.m, b.out, b.of_out)) return NULL;
    for (int k = 0, i = 0; k < n; k++)
        if (changed[k]) out[k] = b.of_out[i++];
    agi_loop_attribute all = *l;
    all.state = leaf;
    all.element = leaf + l->states;
    all.next = out;
    all.result = out + l->states;
    return agi_new_loop(b.graph, &all, in, in + l->states, l->counted ? in[y->nin - 1] : NULL);
}

/* ---- branches --------------------------------------------------------------------------------------------------- */

/* All results are made batches, as both bodies must agree. */
ag_node *agi_batch_branch(const ag_node *y, ag_node *in[], const unsigned char batched[], int64_t count)
{
    const agi_branch_attribute *br = y->attribute;
    batcher b = { .graph = y->graph, .count = count };
    ag_node **leaf = agi_keep(b.graph, NULL, y->nin * sizeof *leaf);
    if (!leaf || !make_room(&b, y, 2 * br->results)) return NULL;
    if (batched[0]) return ag_reject((ag_node *)y, y->op, AG_ENOGRAD, "the branch taken differs within a batch");
    for (int k = 0; k < br->arguments; k++)
        leaf[k] = batched[k + 1] ? replace(&b, br->argument[k], leaf_like(&b, br->argument[k])) : br->argument[k];
    for (int k = 0; k < br->captures; k++)
        if (batched[1 + br->arguments + k]) replace(&b, br->capture[k], in[1 + br->arguments + k]);
    memcpy(b.out, br->then, (size_t)br->results * sizeof *b.out);
    memcpy(b.out + br->results, br->otherwise, (size_t)br->results * sizeof *b.out);
    if (agi_batch_nodes(count, b.n, b.u, b.of_u, 2 * br->results, b.out, b.of_out)) return NULL;
    agi_branch_attribute all = *br;
    all.argument = leaf;
    all.then = b.of_out;
    all.otherwise = b.of_out + br->results;
    return agi_new_branch(b.graph, &all, in[0], in + 1);
}

/* ---- parts ------------------------------------------------------------------------------------------------------ */

ag_node *agi_batch_part(const ag_node *y, ag_node *in[], const unsigned char batched[], int64_t count)
{
    int number = *(const int *)y->attribute;
    const ag_node *loop = y->in[0];
    ag_node *part = agi_new_part(in[0], number);
    (void)batched;
    if (ag_is_bad(part)) return part;
    if (part->rank == y->rank) return ag_batch_all(part, count);
    return loop->op == &agi_loop && number >= ((const agi_loop_attribute *)loop->attribute)->states ? swap(part) : part;
}
