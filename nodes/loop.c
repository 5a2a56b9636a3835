/* A loop over steps with carried states.  Its gradient is a loop the other way: it reads the states before each step,
 * carries the gradient of the states, sums up that of the captures and stacks that of the sequences. */
#include "loop.h"

/* ---- parts ------------------------------------------------------------------------------------------------------ */

int ag_part_final(const ag_loop *l, int state)
{
    (void)l;
    return state;
}

int ag_part_result(const ag_loop *l, int result)
{
    return l->states + result;
}

int ag_part_before(const ag_loop *l, int state)
{
    return l->states + l->results + state;
}

int ag_part_count(const ag_loop *l)
{
    return 2 * l->states + l->results;
}

int ag_parts(const ag_node *x)
{
    if (x->op == &agi_branch) return ((const ag_branch *)x->attribute)->results;
    return ag_part_count(x->attribute) + 1;
}

int ag_depth(const ag_node *x)
{
    return x->op == &agi_branch ? ((const ag_branch *)x->attribute)->depth : ((const ag_loop *)x->attribute)->depth;
}

static ag_shape stacked(const ag_node *x, int64_t length)
{
    ag_shape s = { .rank = x->rank + 1, .dim = { length } };
    memcpy(s.dim + 1, x->dim, x->rank * sizeof *x->dim);
    return s;
}

ag_shape ag_part_shape(const ag_node *x, int part, ag_dtype *dtype)
{
    const ag_node *like;
    *dtype = AG_F64;
    if (x->op == &agi_branch) {
        like = ((const ag_branch *)x->attribute)->then[part];
        *dtype = (ag_dtype)like->dtype;
        return ag_shape_in(like);
    }
    const ag_loop *l = x->attribute;
    if (part == ag_part_count(l)) return AG_SCALAR;
    int final = part < l->states;
    like = final ? l->state[part] : part < l->states + l->results ? l->result[part - l->states]
                                                                  : l->state[part - l->states - l->results];
    *dtype = (ag_dtype)like->dtype;
    return final ? ag_shape_in(like) : stacked(like, l->length);
}

/* ---- shapes ----------------------------------------------------------------------------------------------------- */

static const char *describe(char text[128], const ag_node *x)
{
    static const char *const type[] = { "f32", "f64", "i64" };
    int at = snprintf(text, 128, "%s[", type[x->dtype]);
    for (int i = 0; i < x->rank && at < 100; i++) at += snprintf(text + at, 128 - (size_t)at, i ? ",%lld" : "%lld", (long long)x->dim[i]);
    snprintf(text + at, 128 - (size_t)at, "]");
    return text;
}

ag_status ag_refuse_unlike(ag_infer *c, const char *which, int k, const ag_node *a, const char *what, const ag_node *b)
{
    char one[128], other[128];
    int shapes = !ag_same_shape(a, b);
    if (!shapes && a->dtype == b->dtype) return AG_OK;
    return ag_refuse(c, shapes ? AG_ESHAPE : AG_ETYPE, "%s %d is %s, %s %s", which, k, describe(one, a), what,
                     describe(other, b));
}

static ag_status shape(ag_infer *c)
{
    const ag_loop *l = c->attribute;
    ag_status status = AG_OK;
    for (int k = 0; k < l->states && !status; k++) {
        status = ag_refuse_unlike(c, "state", k, l->state[k], "its initial value", c->in[k]);
        if (!status) status = ag_refuse_unlike(c, "state", k, l->state[k], "its next value", l->next[k]);
    }
    if (status) return status;
    for (int k = 0; k < l->elements; k++) {
        const ag_node *all = c->in[l->states + k], *one = l->element[k];
        char element[128];
        int fits = all->rank == one->rank + 1 && all->dim[0] == l->length;
        for (int i = 0; fits && i < one->rank; i++) fits = all->dim[i + 1] == one->dim[i];
        if (fits && all->dtype == one->dtype) continue;
        return ag_refuse(c, fits ? AG_ETYPE : AG_ESHAPE, "sequence %d is not %lld elements of %s", k, (long long)l->length,
                         describe(element, one));
    }
    for (int k = 0; k < l->results; k++)
        if (l->result[k]->rank >= AG_MAX_RANK) return ag_refuse(c, AG_ESHAPE, "result %d has too many axes to stack", k);
    if (l->test && ag_count(l->test) != 1) return ag_refuse(c, AG_ESHAPE, "the test is no single number");
    c->dtype = AG_F64;
    c->shape.rank = 0;
    return AG_OK;
}

ag_node *ag_loop_node(ag_graph *g, ag_loop *l, ag_node *const initial[], ag_node *const sequence[], ag_node *count)
{
    int nbound = l->states + l->elements, nresults = l->states + l->results + (l->test != NULL);
    ag_node **all = ag_keep(g, NULL, (size_t)(nbound + nresults) * sizeof *all), **capture;
    if (!all) return NULL;
    memcpy(all, l->state, (size_t)l->states * sizeof *all);
    memcpy(all + l->states, l->element, (size_t)l->elements * sizeof *all);
    memcpy(all + nbound, l->next, (size_t)l->states * sizeof *all);
    memcpy(all + nbound + l->states, l->result, (size_t)l->results * sizeof *all);
    if (l->test) all[nbound + nresults - 1] = l->test;
    l->captures = ag_find_captures(g, nresults, all + nbound, nbound, all, &capture, &l->depth);
    if (l->captures < 0) return NULL;
    l->capture = capture;
    l->counted = count != NULL;
    int n = nbound + l->captures + l->counted;
    ag_node **in = ag_keep(g, NULL, (size_t)n * sizeof *in);
    if (!in) return NULL;
    memcpy(in, initial, (size_t)l->states * sizeof *in);
    if (l->elements) memcpy(in + l->states, sequence, (size_t)l->elements * sizeof *in); /* else perhaps NULL */
    memcpy(in + nbound, capture, (size_t)l->captures * sizeof *in);
    if (count) in[n - 1] = count;
    return ag_apply(&agi_loop, n, in, l);
}

ag_node *ag_loop_leaf(const ag_loop *l, int k)
{
    if (k < l->states) return l->state[k];
    k -= l->states;
    return k < l->elements ? l->element[k] : l->capture[k - l->elements];
}

int ag_spread(ag_graph *g, const ag_loop *l, const unsigned char inputs[], int real, unsigned char changed[])
{
    int n = l->states + l->results, all = n + (l->test != NULL), leaves = l->states + l->elements + l->captures;
    ag_node **out = ag_keep(g, NULL, (size_t)all * sizeof *out), **from = ag_keep(g, NULL, (size_t)leaves * sizeof *from);
    unsigned char *depends = ag_keep(g, NULL, (size_t)all);
    if (!out || !from || !depends) return 0;
    memcpy(out, l->next, (size_t)l->states * sizeof *out);
    memcpy(out + l->states, l->result, (size_t)l->results * sizeof *out);
    if (l->test) out[n] = l->test;
    memset(changed, 0, (size_t)n + 1);
    memcpy(changed, inputs, (size_t)l->states);
    for (int grown = 1; grown;) {
        int m = 0;
        grown = 0;
        for (int k = 0; k < leaves; k++)
            if (k < l->states ? changed[k] : inputs[k]) from[m++] = ag_loop_leaf(l, k);
        if (!ag_find_dependent(g, all, out, m, from, depends)) return 0;
        for (int k = 0; k < all; k++) {
            if (changed[k] || !depends[k] || (real && out[k]->dtype == AG_I64)) continue;
            changed[k] = 1;
            grown |= k < l->states;
        }
    }
    return 1;
}

/* ---- the gradient ----------------------------------------------------------------------------------------------- */

enum { FEW = 1 };

/* What the backward loop is put together from: lists that grow as the parts of the forward loop are looked at. */
typedef struct {
    ag_graph *graph;
    const ag_loop *l;
    ag_node *y;
    ag_loop back;
    ag_node **state, **next, **initial;               /* gradients of states, then sums for captures */
    ag_node **element, **sequence;                     /* states before, elements, gradients of results and of states before */
    ag_node **result;                                  /* gradients of the elements */
    ag_node **out, **cotangent;                        /* what is pulled back through the body, and by what */
    ag_node **x, **dx;                                 /* and to what */
    int *goal;                                         /* input of y that x[k] stands for, or -1 for a state */
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
    size_t n = (size_t)(4 * p->l->states + 2 * p->l->elements + 2 * p->l->results + 2 * p->l->captures + FEW) * sizeof(ag_node *);
    ag_node ***lists[] = { &p->state, &p->next, &p->initial, &p->element, &p->sequence, &p->result, &p->out, &p->cotangent,
                           &p->x, &p->dx };
    for (size_t k = 0; k < sizeof lists / sizeof lists[0]; k++)
        if (!(*lists[k] = ag_keep(p->graph, NULL, n))) return 0;
    p->goal = ag_keep(p->graph, NULL, n);
    return p->goal != NULL;
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
    const ag_loop *l = p->l;
    for (int k = 0; k < l->states; k++) {
        add_element(p, l->state[k], ag_part(p->y, ag_part_before(l, k)));
        if (!real(l->state[k])) continue;
        pull_from(p, l->next[k], add_state(p, l->state[k], gpart[ag_part_final(l, k)]));
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
        ag_node *g = gpart[ag_part_result(l, k)];
        if (g) pull_from(p, l->result[k], add_element(p, leaf_like(p->graph, l->result[k]), g));
    }
}

/* What was pulled back becomes the backward loop's next states, sums and results. */
static void list_results(puller *p, ag_node *const gpart[])
{
    const ag_loop *l = p->l;
    int state = 0;
    for (int k = 0; k < p->nx; k++) {
        ag_node *d = p->dx[k];
        if (p->goal[k] < 0) {
            for (; !real(l->state[state]); state++) continue;
            ag_node *before = gpart[ag_part_before(l, state)];
            if (before) d = ag_add(d, add_element(p, leaf_like(p->graph, l->state[state]), before));
            p->next[k] = d;
            state++;
        } else if (p->goal[k] < l->states + l->elements) {
            p->result[p->back.results++] = d;
        } else {
            int s = p->back.states;
            p->next[s] = ag_add(add_state(p, p->x[k], NULL), d);
        }
    }
}

/* Elements that the backward body does not read, as the states before in a linear one, are not stored for it. */
static int drop_unread(puller *p)
{
    int n = p->back.states + p->back.results;
    ag_node **read = ag_keep(p->graph, NULL, (size_t)n * sizeof *read);
    if (!read) return 0;
    memcpy(read, p->next, (size_t)p->back.states * sizeof *read);
    memcpy(read + p->back.states, p->result, (size_t)p->back.results * sizeof *read);
    p->back.elements = ag_keep_used(p->graph, n, read, p->back.elements, p->element, p->sequence);
    return p->back.elements >= 0;
}

static void hand_out(puller *p, ag_node *back, ag_node *gin[])
{
    const ag_loop *l = p->l;
    int result = 0, sum = 0;
    for (int k = 0; k < l->states; k++)
        if (real(l->state[k])) gin[k] = ag_part(back, ag_part_final(&p->back, sum++));
    for (int k = 0; k < p->nx; k++) {
        if (p->goal[k] < 0) continue;
        int stacked_one = p->goal[k] < l->states + l->elements;
        gin[p->goal[k]] = ag_part(back, stacked_one ? ag_part_result(&p->back, result++) : ag_part_final(&p->back, sum++));
    }
}

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    puller p = { .graph = y->graph, .l = y->attribute, .y = y };
    if (p.l->length == AG_UNBOUNDED) {
        gin[0] = ag_reject(y, y->op, AG_ENOGRAD, "reverse mode needs a bound on the number of steps: give max_steps");
        return;
    }
    ag_node **gpart = ag_keep(y->graph, NULL, (size_t)ag_parts(y) * sizeof *gpart);
    if (!gpart || !make_room(&p)) return;
    ag_unpack(y, gout, gpart);
    list_leaves(&p, gpart);
    if (ag_local_vjp(p.nout, p.out, p.cotangent, p.nx, p.x, p.dx)) return;
    list_results(&p, gpart);
    if (!drop_unread(&p)) return;
    p.back.length = p.l->length;
    p.back.reverse = !p.l->reverse;
    p.back.state = p.state;
    p.back.next = p.next;
    p.back.element = p.element;
    p.back.result = p.result;
    ag_node *count = p.l->test ? ag_part(y, ag_part_count(p.l)) : p.l->counted ? y->in[y->nin - 1] : NULL;
    ag_node *back = ag_loop_node(y->graph, &p.back, p.initial, p.sequence, count);
    if (!ag_is_bad(back)) hand_out(&p, back, gin);
}

const ag_op agi_loop = { .name = "loop",
                         .formula = "a body, step by step",
                         .inputs = -1,
                         .flags = AG_LOOP | AG_RANDOM | AG_SMOOTH,
                         .attribute_size = sizeof(ag_loop),
                         .shape = shape,
                         .gradient = gradient,
                         .forward = ag_loop_forward,
                         .batch = ag_batch_loop };
