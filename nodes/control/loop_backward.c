/* Reverse mode through a loop: a loop the other way, which reads the states before each step, carries the gradient of
 * the states, sums up that of the captures and stacks that of the sequences. */
#include "loop.h"

/* What the backward loop is put together from: lists that grow as the parts of the forward loop are looked at. */
typedef struct {
    ag_graph *graph;
    const agi_loop_attribute *l;
    ag_node *y;
    agi_loop_attribute back;
    ag_node **state, **next, **initial; /* gradients of states, then sums for captures */
    ag_node **element, **sequence;      /* states before, elements, gradients of results and of states before */
    ag_node **result;                   /* gradients of the elements */
    ag_node **out, **cotangent;         /* what is pulled back through the body, and by what */
    ag_node **x, **dx, **active;        /* and to what, under which conditions */
    int *goal;                          /* input of y that x[k] stands for, or -1 for a state */
    int *condition;                     /* backward state that says whether anything flows to x[k], or -1 */
    int nout, nx;
} puller;

static ag_node *leaf_like(ag_graph *g, const ag_node *x)
{
    return ag_input(g, NULL, (ag_dtype)x->dtype, ag_shape_in(x));
}

static int real(const ag_node *x)
{
    return x->dtype != AG_I64;
}

static int make_room(puller *p)
{
    const agi_loop_attribute *l = p->l;
    size_t n = (size_t)(2 * l->states + l->elements + l->results + 3 * l->captures) * sizeof(ag_node *);
    ag_node ***lists[] = { &p->state, &p->next, &p->initial,   &p->element, &p->sequence, &p->result,
                           &p->out,   &p->x,    &p->cotangent, &p->dx,      &p->active };
    for (size_t k = 0; k < sizeof lists / sizeof lists[0]; k++)
        if (!(*lists[k] = agi_keep(p->graph, NULL, n))) return 0;
    p->goal = agi_keep(p->graph, NULL, n);
    p->condition = agi_keep(p->graph, NULL, n);
    return p->goal && p->condition;
}

static ag_node *add_element(puller *p, ag_node *leaf, ag_node *sequence)
{
    p->element[p->back.elements] = leaf;
    p->sequence[p->back.elements++] = sequence;
    return leaf;
}

static void pull_from(puller *p, ag_node *out, ag_node *cotangent)
{
    p->out[p->nout] = out;
    p->cotangent[p->nout++] = cotangent;
}

static void pull_to(puller *p, ag_node *x, int goal)
{
    p->x[p->nx] = x;
    p->goal[p->nx++] = goal;
}

static ag_node *add_state(puller *p, const ag_node *like, ag_node *initial)
{
    ag_node *leaf = leaf_like(p->graph, like);
    p->state[p->back.states] = leaf;
    p->initial[p->back.states++] = initial ? initial : ag_zeros_like(like);
    return leaf;
}

/* The body's leaves serve again: the states are now read from the trajectory, the elements from the sequences. */
static void list_leaves(puller *p, ag_node *const gpart[])
{
    const agi_loop_attribute *l = p->l;
    for (int k = 0; k < l->states; k++) {
        add_element(p, l->state[k], agi_new_part(p->y, agi_part_before(l, k)));
        if (!real(l->state[k])) continue;
        pull_from(p, l->next[k], add_state(p, l->state[k], gpart[agi_part_final(l, k)]));
        pull_to(p, l->state[k], -1);
    }
    for (int k = 0; k < l->elements; k++) {
        add_element(p, l->element[k], p->y->in[l->states + k]);
        if (ag_wanted(p->y, l->states + k)) pull_to(p, l->element[k], l->states + k);
    }
    for (int k = 0; k < l->captures; k++) {
        int input = l->states + l->elements + k;
        if (ag_wanted(p->y, input)) pull_to(p, l->capture[k], input);
    }
    for (int k = 0; k < l->results; k++) {
        ag_node *g = gpart[agi_part_result(l, k)];
        if (g) pull_from(p, l->result[k], add_element(p, leaf_like(p->graph, l->result[k]), g));
    }
}

/* Sums of floats over many steps have a second state beside them: what their additions have lost. It takes time, a
 * seventh more where a step is a product of matrices, so that loops of fewer steps go without. */
static int is_long(const puller *p, const ag_node *x)
{
    enum { MANY = 4096 };
    return x->dtype == AG_F32 && p->l->length > MANY;
}

static void add_sum(puller *p, const ag_node *x, ag_node *d)
{
    int s = p->back.states;
    ag_node *before = add_state(p, x, NULL), *after = ag_add(before, d);
    p->next[s] = after;
    if (!is_long(p, x)) return;
    ag_node *lost = add_state(p, x, NULL), *part = ag_sub(after, before);
    ag_node *more = ag_add(ag_sub(before, ag_sub(after, part)), ag_sub(d, part));
    p->next[s + 1] = ag_add(lost, ag_stop_gradient(more));
}

/* The two together; an infinite sum has lost nothing that is a number. */
static ag_node *with_lost(ag_node *sum, ag_node *lost)
{
    if (ag_is_bad(sum) || ag_is_bad(lost)) return lost;
    ag_node *zero = ag_number(sum->graph, 0), *finite = ag_equal(ag_sub(lost, lost), zero);
    return ag_add(sum, ag_stop_gradient(ag_where(finite, lost, zero)));
}

/* What was pulled back becomes the backward loop's next states, sums and results. */
static void list_results(puller *p, ag_node *const gpart[])
{
    const agi_loop_attribute *l = p->l;
    int state = 0;
    for (int k = 0; k < p->nx; k++) {
        ag_node *d = p->dx[k];
        if (p->goal[k] < 0) {
            for (; !real(l->state[state]); state++) continue;
            ag_node *before = gpart[agi_part_before(l, state)];
            if (before) d = ag_add(d, add_element(p, leaf_like(p->graph, l->state[state]), before));
            p->next[k] = d;
            state++;
        } else if (p->goal[k] < l->states + l->elements) {
            p->result[p->back.results++] = d;
        } else {
            add_sum(p, p->x[k], d);
        }
    }
}

/* Where a step may pull nothing to a capture, a state more says whether one has; others flow if there are steps. */
static void list_conditions(puller *p)
{
    for (int k = 0; k < p->nx; k++) {
        p->condition[k] = -1;
        if (p->goal[k] < p->l->states + p->l->elements || !p->active[k]) continue;
        for (int i = 0; i < k && p->condition[k] < 0; i++)
            if (p->active[i] == p->active[k]) p->condition[k] = p->condition[i];
        if (p->condition[k] >= 0) continue;
        p->condition[k] = p->back.states;
        ag_node *before = add_state(p, p->active[k], NULL);
        p->next[p->condition[k]] = ag_maximum(before, p->active[k]);
    }
}

/* Elements that the backward body does not read, as the states before in a linear one, are not stored for it. */
static int drop_unread(puller *p)
{
    int n = p->back.states + p->back.results;
    ag_node **read = agi_keep(p->graph, NULL, (size_t)n * sizeof *read);
    if (!read) return 0;
    memcpy(read, p->next, (size_t)p->back.states * sizeof *read);
    memcpy(read + p->back.states, p->result, (size_t)p->back.results * sizeof *read);
    p->back.elements = agi_keep_used(p->graph, n, read, p->back.elements, p->element, p->sequence);
    return p->back.elements >= 0;
}

static void hand_out(puller *p, ag_node *back, ag_node *count, ag_node *gin[])
{
    const agi_loop_attribute *l = p->l;
    int result = 0, sum = 0;
    ag_node *steps;
    for (int k = 0; k < l->states; k++)
        if (real(l->state[k])) gin[k] = agi_new_part(back, agi_part_final(&p->back, sum++));
    for (int k = 0; k < p->nx; k++) {
        if (p->goal[k] < 0) continue;
        int stacked_one = p->goal[k] < l->states + l->elements;
        int part = stacked_one ? agi_part_result(&p->back, result++) : agi_part_final(&p->back, sum++);
        gin[p->goal[k]] = agi_new_part(back, part);
        if (stacked_one) continue;
        if (is_long(p, p->x[k]))
            gin[p->goal[k]] = with_lost(gin[p->goal[k]], agi_new_part(back, agi_part_final(&p->back, sum++)));
        if (p->condition[k] >= 0) steps = ag_stop_gradient(agi_new_part(back, agi_part_final(&p->back,
                                                                                             p->condition[k])));
        else steps = count ? ag_greater(count, ag_number(p->graph, 0)) : NULL;
        ag_flow_if(p->y, p->goal[k], steps);
    }
}

void agi_loop_backward(ag_node *y, ag_node *gout, ag_node *gin[])
{
    puller p = { .graph = y->graph, .l = y->attribute, .y = y };
    if (p.l->length == AGI_UNBOUNDED) {
        gin[0] = ag_reject(y, y->op, AG_ENOGRAD, "reverse mode needs a bound on the number of steps: give max_steps");
        return;
    }
    ag_node **gpart = agi_keep(y->graph, NULL, (size_t)agi_parts(y) * sizeof *gpart);
    if (!gpart || !make_room(&p)) return;
    agi_take_apart(y, gout, gpart);
    list_leaves(&p, gpart);
    if (agi_local_vjp(p.nout, p.out, p.cotangent, p.nx, p.x, p.dx, p.active)) return;
    list_results(&p, gpart);
    list_conditions(&p);
    if (!drop_unread(&p)) return;
    p.back.length = p.l->length;
    p.back.reverse = !p.l->reverse;
    p.back.state = p.state;
    p.back.next = p.next;
    p.back.element = p.element;
    p.back.result = p.result;
    ag_node *count = p.l->test ? agi_new_part(y, agi_part_count(p.l)) : p.l->counted ? y->in[y->nin - 1] : NULL;
    ag_node *back = agi_new_loop(y->graph, &p.back, p.initial, p.sequence, count);
    if (!ag_is_bad(back)) hand_out(&p, back, count, gin);
}
