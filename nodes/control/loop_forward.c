/* Forward mode through a loop: a loop that carries the states and, as far as they have any, their tangents. It keeps
 * nothing from step to step, so the number of steps need not be known. */
#include "loop.h"

typedef struct {
    ag_graph *graph;
    const agi_loop_attribute *l;
    ag_node *y;
    ag_node *const *tin;
    unsigned char *moves;  /* by state, then by result: does it have a tangent? */
    /* its states: all those of l, then the tangents of those that move; so its elements */
    agi_loop_attribute both;
    ag_node **state, **next, **initial, **element, **sequence, **result;
    ag_node **x, **v;      /* what moves in the body, and how */
    ag_node **out, **dout; /* what is asked for its tangent, and that */
    int nx, nout;
} pusher;

static int make_room(pusher *p)
{
    const agi_loop_attribute *l = p->l;
    size_t n = (size_t)(2 * l->states + 2 * l->elements + l->captures + l->results + 1) * sizeof(ag_node *);
    ag_node ***lists[] = { &p->state,  &p->next, &p->initial, &p->element, &p->sequence,
                           &p->result, &p->x,    &p->v,       &p->out,     &p->dout };
    for (size_t k = 0; k < sizeof lists / sizeof lists[0]; k++)
        if (!(*lists[k] = agi_keep(p->graph, NULL, n))) return 0;
    return 1;
}

static ag_node *leaf_like(const pusher *p, const ag_node *x)
{
    return ag_input(p->graph, NULL, (ag_dtype)x->dtype, ag_shape_in(x));
}

static ag_node *move(pusher *p, ag_node *x, ag_node *v)
{
    p->x[p->nx] = x;
    p->v[p->nx++] = v;
    return v;
}

static int find_moving(pusher *p)
{
    const agi_loop_attribute *l = p->l;
    int n = l->states + l->elements + l->captures;
    unsigned char *inputs = agi_keep(p->graph, NULL, (size_t)n + 1);
    p->moves = agi_keep(p->graph, NULL, (size_t)(l->states + l->results) + 1);
    if (!inputs || !p->moves) return 0;
    for (int k = 0; k < n; k++) inputs[k] = p->tin[k] != NULL;
    return agi_spread_changes(p->graph, l, inputs, 1, p->moves);
}

/* The body's leaves serve again. */
static void list_states(pusher *p)
{
    const agi_loop_attribute *l = p->l;
    int n = p->both.states = l->states;
    memcpy(p->state, l->state, (size_t)n * sizeof *p->state);
    memcpy(p->next, l->next, (size_t)n * sizeof *p->next);
    memcpy(p->initial, p->y->in, (size_t)n * sizeof *p->initial);
    for (int k = 0; k < l->states; k++) {
        if (!p->moves[k]) continue;
        p->state[p->both.states] = move(p, l->state[k], leaf_like(p, l->state[k]));
        p->initial[p->both.states++] = p->tin[k] ? p->tin[k] : ag_zeros_like(l->state[k]);
        p->out[p->nout++] = l->next[k];
    }
}

static void list_elements(pusher *p)
{
    const agi_loop_attribute *l = p->l;
    int n = p->both.elements = l->elements;
    memcpy(p->element, l->element, (size_t)n * sizeof *p->element);
    memcpy(p->sequence, p->y->in + l->states, (size_t)n * sizeof *p->sequence);
    for (int k = 0; k < l->elements; k++) {
        if (!p->tin[l->states + k]) continue;
        p->element[p->both.elements] = move(p, l->element[k], leaf_like(p, l->element[k]));
        p->sequence[p->both.elements++] = p->tin[l->states + k];
    }
    for (int k = 0; k < l->captures; k++) /* their tangents are captured, too */
        if (p->tin[l->states + l->elements + k]) move(p, l->capture[k], p->tin[l->states + l->elements + k]);
    for (int k = 0; k < l->results; k++)
        if (p->moves[l->states + k]) p->out[p->nout++] = l->result[k];
}

static void number_parts(const pusher *p, int part[])
{
    const agi_loop_attribute *l = p->l;
    for (int k = 0; k < agi_parts(p->y); k++) part[k] = -1;
    for (int k = 0, state = l->states; k < l->states; k++) {
        if (!p->moves[k]) continue;
        part[agi_part_final(l, k)] = agi_part_final(&p->both, state);
        part[agi_part_before(l, k)] = agi_part_before(&p->both, state++);
    }
    for (int k = 0, result = 0; k < l->results; k++)
        if (p->moves[l->states + k]) part[agi_part_result(l, k)] = agi_part_result(&p->both, result++);
}

/* What was pushed becomes the next tangents and the results; elements that the body does not read are left out. */
static int list_results(pusher *p)
{
    const agi_loop_attribute *l = p->l;
    int n = p->both.states, tangents = n - l->states;
    memcpy(p->next + l->states, p->dout, (size_t)tangents * sizeof *p->next);
    p->both.results = p->nout - tangents;
    memcpy(p->result, p->dout + tangents, (size_t)p->both.results * sizeof *p->result);
    ag_node **read = p->out;
    memcpy(read, p->next, (size_t)n * sizeof *read);
    memcpy(read + n, p->result, (size_t)p->both.results * sizeof *read);
    n += p->both.results;
    if (l->test) read[n++] = l->test;
    p->both.elements = agi_keep_used(p->graph, n, read, p->both.elements, p->element, p->sequence);
    return p->both.elements >= 0;
}

ag_node *agi_loop_forward(ag_node *y, ag_node *const tin[], int part[])
{
    pusher p = { .graph = y->graph, .l = y->attribute, .y = y, .tin = tin };
    if (!make_room(&p) || !find_moving(&p)) return NULL;
    list_states(&p);
    list_elements(&p);
    if (agi_local_jvp(p.nx, p.x, p.v, p.nout, p.out, p.dout) || !list_results(&p)) return NULL;
    p.both.length = p.l->length;
    p.both.reverse = p.l->reverse;
    p.both.test = p.l->test;
    p.both.state = p.state;
    p.both.next = p.next;
    p.both.element = p.element;
    p.both.result = p.result;
    p.both.room = p.l->room;
    if (!agi_list_kept(y->graph, &p.both)) return NULL;
    number_parts(&p, part);
    return agi_new_loop(y->graph, &p.both, p.initial, p.sequence, p.l->counted ? y->in[y->nin - 1] : NULL);
}
