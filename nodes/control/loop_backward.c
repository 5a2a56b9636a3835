/* Reverse mode through a loop: a loop the other way, which reads the states before each step, carries the gradient of
 * the states, sums up that of the captures and stacks that of the sequences. */
#include "graph/graph.h"
#include "loop_backward.h"

static ag_node *leaf_like(ag_graph *g, const ag_node *x)
{
    return ag_input(g, NULL, (ag_dtype)x->dtype, ag_shape_in(x));
}

static int real(const ag_node *x)
{
    return x->dtype != AG_I64;
}

static int make_room(agi_puller *p)
{
    const agi_loop_attribute *l = p->l;
    size_t n = (size_t)(3 * l->states + 2 * l->elements + 2 * l->results + 3 * l->captures) * sizeof(ag_node *);
    ag_node ***lists[] = { &p->state, &p->next,      &p->initial, &p->element, &p->sequence, &p->result, &p->out,
                           &p->x,     &p->cotangent, &p->dx,      &p->active,  &p->flag,     &p->under };
    for (size_t k = 0; k < sizeof lists / sizeof lists[0]; k++)
        if (!(*lists[k] = agi_keep(p->graph, NULL, n))) return 0;
    p->gpart = agi_keep(p->graph, NULL, (size_t)agi_parts(p->y) * sizeof *p->gpart);
    p->gactive = agi_keep(p->graph, NULL, (size_t)agi_parts(p->y) * sizeof *p->gactive);
    p->alive = agi_keep(p->graph, NULL, (size_t)l->states + 1);
    p->sum = agi_keep(p->graph, NULL, n);
    p->last = agi_keep(p->graph, NULL, n);
    p->goal = agi_keep(p->graph, NULL, n);
    p->condition = agi_keep(p->graph, NULL, n);
    return p->gpart && p->gactive && p->alive && p->sum && p->last && p->goal && p->condition;
}

ag_node *agi_add_element(agi_puller *p, ag_node *leaf, ag_node *sequence)
{
    p->element[p->back.elements] = leaf;
    p->sequence[p->back.elements++] = sequence;
    return leaf;
}

static void pull_from(agi_puller *p, ag_node *out, ag_node *cotangent)
{
    p->out[p->nout] = out;
    p->cotangent[p->nout++] = cotangent;
}

static void pull_to(agi_puller *p, ag_node *x, int goal)
{
    p->x[p->nx] = x;
    p->goal[p->nx++] = goal;
}

static ag_node *add_state(agi_puller *p, const ag_node *like, ag_node *initial)
{
    ag_node *leaf = leaf_like(p->graph, like);
    p->state[p->back.states] = leaf;
    p->initial[p->back.states++] = initial ? initial : ag_zeros_like(like);
    return leaf;
}

static int make_live(agi_puller *p, int k, ag_node *read[], int n)
{
    if (p->alive[k] || !real(p->l->state[k])) return n;
    p->alive[k] = 1;
    read[n] = p->l->next[k];
    return n + 1;
}

/* Live are the real states that are read after the loop, or by what live ones and results that are read are made of. */
static int find_live(agi_puller *p)
{
    const agi_loop_attribute *l = p->l;
    ag_node **read = agi_keep(p->graph, NULL, (size_t)(l->states + l->results + 1) * sizeof *read);
    unsigned char *used = agi_keep(p->graph, NULL, (size_t)l->states + 1);
    int n = 0;
    if (!read || !used) return 0;
    for (int k = 0; k < l->results; k++)
        if (p->gpart[agi_part_result(l, k)]) read[n++] = l->result[k];
    for (int k = 0; k < l->states; k++)
        if (p->gpart[agi_part_final(l, k)] || p->gpart[agi_part_before(l, k)]) n = make_live(p, k, read, n);
    while (n && l->states) {
        if (!agi_find_reading(p->graph, n, read, l->states, l->state, used, NULL)) return 0;
        n = 0;
        for (int k = 0; k < l->states; k++)
            if (used[k]) n = make_live(p, k, read, n);
    }
    return 1;
}

/* The body's leaves serve again: the states are now read from the trajectory, the elements from the sequences. */
static void list_leaves(agi_puller *p)
{
    const agi_loop_attribute *l = p->l;
    for (int k = 0; k < l->states; k++) {
        agi_add_element(p, l->state[k], agi_new_part(p->y, agi_part_before(l, k)));
        if (!p->alive[k]) continue;
        pull_from(p, l->next[k], add_state(p, l->state[k], p->gpart[agi_part_final(l, k)]));
        pull_to(p, l->state[k], k);
        p->nstates++;
    }
    for (int k = 0; k < l->elements; k++) {
        agi_add_element(p, l->element[k], p->y->in[l->states + k]);
        if (ag_wanted(p->y, l->states + k)) pull_to(p, l->element[k], l->states + k);
    }
    for (int k = 0; k < l->captures; k++) {
        int input = l->states + l->elements + k;
        if (ag_wanted(p->y, input)) pull_to(p, l->capture[k], input);
    }
    for (int k = 0; k < l->results; k++) {
        ag_node *g = p->gpart[agi_part_result(l, k)];
        if (!g) continue;
        p->under[p->nout] = p->gactive[agi_part_result(l, k)];
        pull_from(p, l->result[k], agi_add_element(p, leaf_like(p->graph, l->result[k]), g));
    }
}

/* ---- states into which nothing flows, perhaps -------------------------------------------------------------------- */

static int is_never(const ag_node *active)
{
    double value;
    return active && agi_is_number(active, &value) && value == 0;
}

/* Does it flow in some evaluations and not in others, for all that is known? */
static int depends(const ag_node *active)
{
    return active && !is_never(active);
}

/* A state that no step reads has a condition, too: something flows into its last value alone. */
static int any_condition(const agi_puller *p)
{
    int found = 0;
    for (int k = 0; k < p->nx && !found; k++) found = k < p->nstates ? p->active[k] != NULL : depends(p->active[k]);
    for (int k = 0; k < agi_parts(p->y) && !found; k++) found = p->gactive[k] != NULL;
    return found;
}

/* Gives flags to the states into which nothing flows in some evaluations, be it from outside or from the step after; to
 * `all` that have none. Are there more now? */
static int add_flags(agi_puller *p, int all)
{
    int more = 0;
    for (int k = 0; k < p->nstates; k++) {
        const int end = agi_part_final(p->l, p->goal[k]);
        if (p->flag[k] || !(all || p->active[k] || p->gactive[end] || !p->gpart[end])) continue;
        p->flag[k] = ag_input(p->graph, NULL, (ag_dtype)p->x[k]->dtype, AG_SCALAR); /* one type for a step's scalars */
        more = 1;
    }
    return more;
}

/* Pulls the gradients back through the body. Where they flow under conditions, flags beside them say whether they have,
 * and with flags for some states there may be conditions for more. A loop whose body always reads what it may has none;
 * few pulls are enough, as any flags are right whose states alone flow under them. */
static int pull(agi_puller *p)
{
    enum { FEW = 2 };
    for (int pulls = 1;; pulls++) {
        for (int k = 0; k < p->nstates; k++) p->under[k] = p->flag[k];
        if (agi_local_vjp(p->nout, p->out, p->cotangent, p->under, p->nx, p->x, p->dx, p->active)) return 0;
        if (!any_condition(p) || !add_flags(p, pulls > FEW)) return !p->graph->status;
    }
}

/* The flags are backward states after all others: what flows in at the end, then what a step has let through. */
static void list_flags(agi_puller *p)
{
    ag_node *always = ag_number(p->graph, 1), *never = ag_number(p->graph, 0);
    for (int k = 0; k < p->nstates; k++) {
        if (!p->flag[k]) continue;
        const int end = agi_part_final(p->l, p->goal[k]), before = agi_part_before(p->l, p->goal[k]);
        const int n = p->back.states++;
        ag_node *next = p->active[k] ? p->active[k] : always;
        if (p->gpart[before]) next = p->gactive[before] ? agi_either(next, p->gactive[before]) : always;
        p->condition[k] = n;
        p->state[n] = p->flag[k];
        ag_node *first = p->gactive[end] ? p->gactive[end] : p->gpart[end] ? always : never;
        p->initial[n] = ag_cast(first, (ag_dtype)p->flag[k]->dtype);
        p->next[n] = ag_stop_gradient(ag_cast(next, (ag_dtype)p->flag[k]->dtype));
    }
}

/* Sums of floats over some steps are sums of segments' sums, which takes no time: of so many steps each that no more
 * than MANY additions follow each other, if the number of steps has such a divisor. A loop that may end early has no
 * segments. */
enum { SHORT = 64, MANY = 128 };

static void choose_segment(agi_puller *p)
{
    const int64_t length = p->l->length;
    int sums = 0;
    for (int k = p->nstates; k < p->nx && !sums; k++)
        sums = p->x[k]->dtype == AG_F32 && p->goal[k] >= p->l->states + p->l->elements && !is_never(p->active[k]) &&
               !agi_is_product(p, k);
    for (int64_t s = 2; sums && !p->count && length > SHORT && s <= length / s; s++)
        if (length % s == 0 && s + length / s <= MANY) p->segment = s;
}

/* Over many steps without such a divisor they have a second state beside them: what their additions have lost. It takes
 * time, a seventh more where a step is a product of matrices; loops that may end early, after SOME steps or fewer, go
 * without. */
static int is_long(const agi_puller *p, const ag_node *x)
{
    enum { SOME = 4096 };
    const int early = p->l->test || p->l->counted;
    return x->dtype == AG_F32 && !p->segment && p->l->length > (early ? SOME : MANY);
}

static void add_sum(agi_puller *p, const ag_node *x, ag_node *d)
{
    int s = p->back.states;
    ag_node *before = add_state(p, x, NULL), *after = ag_add(before, d);
    p->next[s] = after;
    p->sum[s] = 1;
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
static void list_results(agi_puller *p)
{
    const agi_loop_attribute *l = p->l;
    for (int k = 0; k < p->nx; k++) {
        ag_node *d = p->dx[k];
        if (k < p->nstates) {
            ag_node *before = p->gpart[agi_part_before(l, p->goal[k])];
            if (before) d = ag_add(d, agi_add_element(p, leaf_like(p->graph, p->x[k]), before));
            p->next[k] = d;
        } else if (is_never(p->active[k])) {
            continue;
        } else if (p->goal[k] < l->states + l->elements) {
            p->result[p->back.results++] = d;
        } else if (!agi_is_product(p, k)) {
            add_sum(p, p->x[k], d);
        }
    }
}

/* Where a step may pull nothing to a capture or an element, a state more says whether one has; to other captures it
 * flows if there are steps. */
static void list_conditions(agi_puller *p)
{
    for (int k = 0; k < p->nx; k++) p->condition[k] = -1;
    for (int k = p->nstates; k < p->nx; k++) {
        if (!depends(p->active[k])) continue;
        for (int i = p->nstates; i < k && p->condition[k] < 0; i++)
            if (p->active[i] == p->active[k]) p->condition[k] = p->condition[i];
        if (p->condition[k] >= 0) continue;
        p->condition[k] = p->back.states;
        ag_node *before = add_state(p, p->active[k], NULL);
        p->next[p->condition[k]] = agi_either(before, p->active[k]);
    }
}

/* Elements that the backward body does not read, as the states before in a linear one, are not stored for it. */
static int drop_unread(agi_puller *p)
{
    int n = p->back.states + p->back.results;
    ag_node **read = agi_keep(p->graph, NULL, (size_t)n * sizeof *read);
    if (!read) return 0;
    memcpy(read, p->next, (size_t)p->back.states * sizeof *read);
    memcpy(read + p->back.states, p->result, (size_t)p->back.results * sizeof *read);
    p->back.elements = agi_keep_used(p->graph, n, read, p->back.elements, p->element, p->sequence);
    return p->back.elements >= 0;
}

/* ---- the backward loop, and what comes of it --------------------------------------------------------------------- */

static int make_loop(agi_puller *p)
{
    agi_loop_attribute *b = &p->back;
    if (!b->states && !b->results) return 1; /* all that is asked for is products of what is stacked already */
    if (!p->segment) {
        if (!agi_list_kept(p->graph, b)) return 0;
        return !ag_is_bad(p->loop = agi_new_loop(p->graph, b, p->initial, p->sequence, p->count));
    }
    if (!(p->stacked = agi_keep(p->graph, NULL, (size_t)(b->results + 1) * sizeof *p->stacked))) return 0;
    const ag_scan_body body = { .length = b->length, .reverse = b->reverse, .states = b->states,
                                .sequences = b->elements, .results = b->results, .initial = p->initial,
                                .state = p->state, .next = p->next, .sequence = p->sequence, .element = p->element,
                                .result = p->result,
                                .max_bytes = b->room < AGI_ANY_ROOM ? (size_t)b->room : 0 };
    return !agi_scan_segments(p->graph, &body, p->segment, p->sum, p->last, p->stacked);
}

static ag_node *last_of(const agi_puller *p, int state)
{
    return p->segment ? p->last[state] : agi_new_part(p->loop, agi_part_final(&p->back, state));
}

ag_node *agi_stack_of(const agi_puller *p, int result)
{
    return p->segment ? p->stacked[result] : agi_new_part(p->loop, agi_part_result(&p->back, result));
}

/* Whether anything has flowed to x[k]; NULL: always. In a loop of no steps it has to states that are read after it. */
static ag_node *has_flowed(const agi_puller *p, int k)
{
    if (p->condition[k] >= 0) return ag_stop_gradient(last_of(p, p->condition[k]));
    if (!p->count || (k < p->nstates && p->gpart[agi_part_final(p->l, p->goal[k])])) return NULL;
    return ag_greater(p->count, ag_number(p->graph, 0));
}

static ag_node *sum_of_steps(const agi_puller *p, int k, int *state)
{
    ag_node *sum = last_of(p, (*state)++);
    return is_long(p, p->x[k]) ? with_lost(sum, last_of(p, (*state)++)) : sum;
}

static void hand_out(agi_puller *p, ag_node *gin[])
{
    const agi_loop_attribute *l = p->l;
    int result = 0, sum = p->nstates;
    for (int k = 0; k < p->nx; k++) {
        const int input = p->goal[k];
        if (k >= p->nstates && is_never(p->active[k])) continue;
        if (k < p->nstates) gin[input] = last_of(p, k);
        else if (input < l->states + l->elements) gin[input] = agi_stack_of(p, result++);
        else gin[input] = agi_is_product(p, k) ? agi_product_of_steps(p, k) : sum_of_steps(p, k, &sum);
        ag_flow_if(p->y, input, has_flowed(p, k));
    }
}

void agi_loop_backward(ag_node *y, ag_node *gout, ag_node *gin[])
{
    agi_puller p = { .graph = y->graph, .l = y->attribute, .y = y };
    if (p.l->length == AGI_UNBOUNDED) {
        gin[0] = ag_reject(y, y->op, AG_ENOGRAD, "reverse mode needs a bound on the number of steps: give max_steps");
        return;
    }
    if (!make_room(&p)) return;
    agi_take_apart(y, gout, p.gpart, p.gactive);
    if (!find_live(&p)) return;
    list_leaves(&p);
    if (!pull(&p)) return;
    p.count = p.l->test ? agi_new_part(y, agi_part_count(p.l)) : p.l->counted ? y->in[y->nin - 1] : NULL;
    if (!agi_find_products(&p)) return;
    choose_segment(&p);
    list_results(&p);
    if (!agi_stack_for_products(&p)) return;
    list_conditions(&p);
    list_flags(&p);
    if (!drop_unread(&p)) return;
    p.back.room = p.l->room;
    p.back.length = p.l->length;
    p.back.reverse = !p.l->reverse;
    p.back.state = p.state;
    p.back.next = p.next;
    p.back.element = p.element;
    p.back.result = p.result;
    if (make_loop(&p)) hand_out(&p, gin);
}
