/* Branches and loops nobody wrote, over functions with poles: what they read, carry, stack and hand on. */
#include "branches.h"

enum { DEEPEST = 3 };

static int below(world *w, int n)
{
    return (int)test_random(&w->seed, 0, n);
}

static int any(world *w)
{
    return w->scope[below(w, 2) ? below(w, w->scoped) : w->scoped - 1 - below(w, w->scoped < 5 ? w->scoped : 5)];
}

static int add(world *w, form op, int a, int b, ag_node *node)
{
    const int k = w->values++;
    ck_assert_int_lt(k, MOST);
    w->value[k] = (value){ .form = op, .a = a, .b = b, .node = node, .outside = w->depth == 0 && op != LEAF };
    w->scope[w->scoped++] = k;
    return k;
}

static int add_leaf(world *w)
{
    return add(w, LEAF, 0, 0, ag_input(w->g, NULL, AG_F64, AG_SCALAR));
}

static int add_operation(world *w)
{
    static const double factors[] = { 0.5, -1, 0.75, 2 };
    const form op = (form)(ADD + below(w, OPERATIONS - ADD));
    const int i = any(w), j = any(w);
    const double factor = factors[below(w, COUNT(factors))];
    ag_node *a = w->value[i].node, *b = w->value[j].node;
    ag_node *made = op == ADD ? ag_add(a, b) : op == SUB ? ag_sub(a, b) : op == MUL ? ag_mul(a, b)
        : op == SCALE ? ag_mul(ag_number(w->g, factor), a) : op == SIN ? ag_sin(a) : op == SQRT ? ag_sqrt(a)
        : op == LOG ? ag_log(a) : op == SQUARE ? ag_square(a) : ag_div(ag_number(w->g, 1), a);
    const int k = add(w, op, i, j, made);
    w->value[k].factor = factor;
    return k;
}

static double threshold(world *w)
{
    static const double bounds[] = { 0, 0, 0, -0.7, 0.3, 1.1 };
    return bounds[below(w, COUNT(bounds))];
}

static void add_compound(world *w);

static void grow(world *w, int n)
{
    while (n-- > 0)
        if (w->depth < DEEPEST && w->bodies + 3 < MOST_BODIES && !below(w, 4)) add_compound(w);
        else add_operation(w);
}

static ag_node *is_greater(world *w, int k, double bound)
{
    return ag_greater(w->value[k].node, ag_number(w->g, bound));
}

static void add_branch(world *w)
{
    const int n = w->bodies++, scoped = w->scoped, stacks = w->stacks, results = 1 + below(w, 2);
    body *b = &w->body[n];
    ag_node *made[2 * STATES], *out[STATES];
    *b = (body){ .predicate = any(w), .from = { any(w) }, .bound = threshold(w) };
    w->depth++;
    b->leaf[0] = add_leaf(w);
    for (int s = 0; s < 2; s++) {
        w->scoped = scoped + 1;
        w->stacks = stacks;
        grow(w, 1 + below(w, 3));
        for (int k = 0; k < results; k++) b->next[s * STATES + k] = any(w);
    }
    for (int k = 0; k < 2 * STATES; k++) made[k] = k % STATES < results ? w->value[b->next[k]].node : NULL;
    ag_cond(is_greater(w, b->predicate, b->bound), 1, &w->value[b->from[0]].node, &w->value[b->leaf[0]].node, results,
            made, made + STATES, out);
    w->depth--;
    w->scoped = scoped;
    w->stacks = stacks;
    for (int k = 0; k < results; k++) add(w, CHOSEN, n, k, out[k]);
}

static int new_sequence(world *w, int loop, ag_node *node)
{
    sequence *s = &w->sequence[w->sequences];
    *s = (sequence){ .loop = loop, .node = node };
    return w->sequences++;
}

/* What a loop has stacked, perhaps, else put together of values. */
static int any_sequence(world *w)
{
    ag_node *item[LENGTH];
    if (w->stacks && below(w, 2)) return w->stack[below(w, w->stacks)];
    const int k = new_sequence(w, -1, NULL);
    for (int i = 0; i < LENGTH; i++) {
        w->sequence[k].item[i] = any(w);
        item[i] = ag_reshape(w->value[w->sequence[k].item[i]].node, AG_SHAPE(1));
    }
    w->sequence[k].node = ag_concat(LENGTH, item, 0);
    return k;
}

static int add_sum(world *w, int a, int b)
{
    return add(w, ADD, a, b, ag_add(w->value[a].node, w->value[b].node));
}

/* What a step makes of the states. The first next one is a sum that the element is in, and the result of all: what is
 * zero in single elements alone, for being read in other steps only, has no conditions. */
static void make_step(world *w, body *b, ag_node *next[])
{
    grow(w, 2 + below(w, 4));
    for (int k = 0; k < b->states; k++) {
        const int own = b->leaf[k];
        b->next[k] = add_sum(w, own, k || b->tested ? any(w) : b->leaf[STATES]);
    }
    if (b->states > 1 && below(w, 2)) add_branch(w), b->next[b->states - 1] = w->scope[w->scoped - 1];
    b->result = any(w);
    for (int k = 0; k < b->states; k++) {
        next[k] = w->value[b->next[k]].node;
        b->result = add_sum(w, b->result, b->next[k]);
    }
}

/* All states are read together. */
static void hand_out(world *w, int n, ag_node *const final[], ag_node *stacked)
{
    const body *b = &w->body[n];
    const int scoped = w->scoped;
    int sum = add(w, FINAL, n, 0, final[0]);
    for (int k = 1; k < b->states; k++) sum = add_sum(w, sum, add(w, FINAL, n, k, final[k]));
    w->scope[scoped] = sum;
    w->scoped = scoped + 1;
    if (b->tested) return;
    add(w, STACKED_SUM, n, 0, ag_sum(stacked));
    w->stack[w->stacks++] = new_sequence(w, n, stacked);
}

static void add_loop(world *w)
{
    const int n = w->bodies++, scoped = w->scoped, stacks = w->stacks;
    body *b = &w->body[n];
    ag_node *from[STATES], *leaf[STATES], *next[STATES], *final[STATES], *stacked = NULL;
    *b = (body){ .steps = LENGTH, .states = 1 + below(w, STATES), .tested = below(w, 2), .bound = threshold(w) };
    if (!b->tested) b->sequence = any_sequence(w);
    for (int k = 0; k < b->states; k++) from[k] = w->value[b->from[k] = any(w)].node;
    w->depth++;
    for (int k = 0; k < b->states; k++) leaf[k] = w->value[b->leaf[k] = add_leaf(w)].node;
    if (!b->tested) b->leaf[STATES] = add_leaf(w);
    make_step(w, b, next);
    if (b->tested) {
        ag_while(is_greater(w, b->leaf[0], b->bound), b->states, from, leaf, next, LENGTH, final);
    } else {
        ag_scan_body scan = { .length = LENGTH, .states = b->states, .initial = from, .state = leaf, .next = next,
                              .sequences = 1, .sequence = &w->sequence[b->sequence].node, .results = 1,
                              .element = &w->value[b->leaf[STATES]].node, .result = &w->value[b->result].node };
        ag_scan(&scan, final, &stacked);
    }
    w->depth--;
    w->scoped = scoped;
    w->stacks = stacks;
    hand_out(w, n, final, stacked);
}

static void add_compound(world *w)
{
    if (below(w, 2)) add_branch(w);
    else add_loop(w);
}

int branches_grow(world *w, uint64_t seed)
{
    memset(w, 0, sizeof *w);
    w->g = ag_graph_new(NULL);
    w->seed = seed;
    for (int k = 0; k < INPUTS; k++) add_leaf(w);
    grow(w, 3);
    add_compound(w);
    add_compound(w);
    grow(w, 2);
    const int end = w->scoped;
    int sum = w->scope[INPUTS];
    for (int k = INPUTS + 1; k < end; k++)
        sum = add_sum(w, sum, w->scope[k]);
    return sum;
}
