/* A loop over steps with carried states.  Its gradient is a loop the other way: loop_backward.c. */
#include "loop.h"

/* ---- parts ------------------------------------------------------------------------------------------------------ */

int agi_part_final(const agi_loop_attribute *l, int state)
{
    (void)l;
    return state;
}

int agi_part_result(const agi_loop_attribute *l, int result)
{
    return l->states + result;
}

int agi_part_before(const agi_loop_attribute *l, int state)
{
    return l->states + l->results + state;
}

int agi_part_count(const agi_loop_attribute *l)
{
    return 2 * l->states + l->results;
}

int agi_parts(const ag_node *x)
{
    if (x->op == &agi_branch) return ((const agi_branch_attribute *)x->attribute)->results;
    return agi_part_count(x->attribute) + 1;
}

static ag_shape stacked(const ag_node *x, int64_t length)
{
    ag_shape s = { .rank = x->rank + 1, .dim = { length } };
    if (x->rank < AG_MAX_RANK) memcpy(s.dim + 1, x->dim, x->rank * sizeof *x->dim); /* else refused */
    return s;
}

ag_shape agi_part_shape(const ag_node *x, int part, ag_dtype *dtype)
{
    const ag_node *like;
    *dtype = AG_F64;
    if (x->op == &agi_branch) {
        like = ((const agi_branch_attribute *)x->attribute)->then[part];
        *dtype = (ag_dtype)like->dtype;
        return ag_shape_in(like);
    }
    const agi_loop_attribute *l = x->attribute;
    if (part == agi_part_count(l)) return AG_SCALAR;
    int final = part < l->states;
    like = final ? l->state[part] : part < l->states + l->results ? l->result[part - l->states]
                                                                  : l->state[part - l->states - l->results];
    *dtype = (ag_dtype)like->dtype;
    return final ? ag_shape_in(like) : stacked(like, l->length);
}

/* ---- shapes ----------------------------------------------------------------------------------------------------- */

static const char *describe(char text[AG_SHAPE_TEXT], const ag_node *x)
{
    ag_shape s = ag_shape_in(x);
    return ag_describe(text, (ag_dtype)x->dtype, &s);
}

ag_status agi_refuse_unlike(ag_infer *c, const char *which, int k, const ag_node *a, const char *what, const ag_node *b)
{
    char one[AG_SHAPE_TEXT], other[AG_SHAPE_TEXT];
    int shapes = !ag_same_shape(a, b);
    if (!shapes && a->dtype == b->dtype) return AG_OK;
    return ag_refuse(c, shapes ? AG_ESHAPE : AG_ETYPE, "%s %d is %s, %s %s", which, k, describe(one, a), what,
                     describe(other, b));
}

static ag_status shape(ag_infer *c)
{
    const agi_loop_attribute *l = c->attribute;
    ag_status status = AG_OK;
    c->op = l->test ? &agi_called_while : &agi_called_scan;
    for (int k = 0; k < l->states && !status; k++) {
        status = agi_refuse_unlike(c, "state", k, l->state[k], "its initial value", c->in[k]);
        if (!status) status = agi_refuse_unlike(c, "state", k, l->state[k], "its next value", l->next[k]);
    }
    if (status) return status;
    for (int k = 0; k < l->elements; k++) {
        const ag_node *all = c->in[l->states + k], *one = l->element[k];
        char element[AG_SHAPE_TEXT];
        int fits = all->rank == one->rank + 1 && all->dim[0] == l->length;
        for (int i = 0; fits && i < one->rank; i++) fits = all->dim[i + 1] == one->dim[i];
        if (fits && all->dtype == one->dtype) continue;
        return ag_refuse(c, fits ? AG_ETYPE : AG_ESHAPE, "sequence %d is not %lld elements of %s", k,
                         (long long)l->length, describe(element, one));
    }
    for (int k = 0; k < l->results; k++)
        if (l->result[k]->rank >= AG_MAX_RANK)
            return ag_refuse(c, AG_ESHAPE, "result %d has too many axes to stack", k);
    if (l->test && ag_count(l->test) != 1) return ag_refuse(c, AG_ESHAPE, "the test is not a single number");
    c->dtype = AG_F64;
    c->shape.rank = 0;
    return AG_OK;
}

ag_node *agi_new_loop(ag_graph *g, agi_loop_attribute *l, ag_node *const initial[], ag_node *const sequence[],
                      ag_node *count)
{
    int nbound = l->states + l->elements, nresults = l->states + l->results + (l->test != NULL);
    ag_node **all = agi_keep(g, NULL, (size_t)(nbound + nresults) * sizeof *all), **capture;
    if (!all) return NULL;
    memcpy(all, l->state, (size_t)l->states * sizeof *all);
    memcpy(all + l->states, l->element, (size_t)l->elements * sizeof *all);
    memcpy(all + nbound, l->next, (size_t)l->states * sizeof *all);
    memcpy(all + nbound + l->states, l->result, (size_t)l->results * sizeof *all);
    if (l->test) all[nbound + nresults - 1] = l->test;
    l->captures = agi_find_captures(g, nresults, all + nbound, nbound, all, &capture, &l->depth);
    if (l->captures < 0) return NULL;
    l->capture = capture;
    l->counted = count != NULL;
    int n = nbound + l->captures + l->counted;
    ag_node **in = agi_keep(g, NULL, (size_t)n * sizeof *in);
    if (!in) return NULL;
    if (l->states) memcpy(in, initial, (size_t)l->states * sizeof *in); /* else perhaps NULL */
    if (l->elements) memcpy(in + l->states, sequence, (size_t)l->elements * sizeof *in); /* else perhaps NULL */
    memcpy(in + nbound, capture, (size_t)l->captures * sizeof *in);
    if (count) in[n - 1] = count;
    return ag_apply(&agi_loop, n, in, l);
}

ag_node *agi_loop_leaf(const agi_loop_attribute *l, int k)
{
    if (k < l->states) return l->state[k];
    k -= l->states;
    return k < l->elements ? l->element[k] : l->capture[k - l->elements];
}

int agi_spread_changes(ag_graph *g, const agi_loop_attribute *l, const unsigned char inputs[], int real,
                       unsigned char changed[])
{
    int n = l->states + l->results, all = n + (l->test != NULL), leaves = l->states + l->elements + l->captures;
    ag_node **out = agi_keep(g, NULL, (size_t)all * sizeof *out);
    ag_node **from = agi_keep(g, NULL, (size_t)leaves * sizeof *from);
    unsigned char *depends = agi_keep(g, NULL, (size_t)all);
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
            if (k < l->states ? changed[k] : inputs[k]) from[m++] = agi_loop_leaf(l, k);
        if (!agi_find_reading(g, all, out, m, from, NULL, depends)) return 0;
        for (int k = 0; k < all; k++) {
            if (changed[k] || !depends[k] || (real && out[k]->dtype == AG_I64)) continue;
            changed[k] = 1;
            grown |= k < l->states;
        }
    }
    return 1;
}

const ag_op agi_loop = { .name = "loop",
                         .formula = "a body, step by step",
                         .inputs = -1,
                         .flags = AG_LOOP | AG_CHOOSES | AG_RANDOM | AG_SMOOTH,
                         .attribute_size = sizeof(agi_loop_attribute),
                         .shape = shape,
                         .gradient = agi_loop_backward,
                         .forward = agi_loop_forward,
                         .batch = agi_batch_loop };
