/* Loops and branches become steps: their bodies plans of their own, and what goes between their memory and the bodies'
 * before, around and after the steps lists of transfers. */
#include "compile.h"
#include "control/loop.h"

/* ---- transfers -------------------------------------------------------------------------------------------------- */

typedef struct {
    agi_compiler *c;
    const agi_value *value;
    agi_loop_step *s;
} lowering;

static int make_room(lowering *l, agi_transfers *t, int n)
{
    t->list = agi_arena_take(&l->c->plan->arena, (size_t)n * sizeof *t->list);
    return t->list ? 1 : agi_out_of_memory(l->c);
}

/* Operand k, its elements `stride` bytes apart. */
static agi_transfer from_input(const lowering *l, int k, int64_t stride)
{
    int source = agi_sources(l->c, l->value, k);
    const ag_node *x = l->c->value[source].node;
    agi_transfer t = { .kind = AGI_COPY_IN, .outer = l->c->value[l->c->value[source].root].buffer, .stride = stride };
    t.offset = agi_value_strides(l->c, (uint32_t)source).offset * (int64_t)ag_dtype_size((ag_dtype)x->dtype);
    return t;
}

static agi_transfer to_part(const lowering *l, int part, int64_t stride)
{
    return (agi_transfer){ .kind = AGI_COPY_OUT, .outer = l->s->out, .offset = l->s->part[part], .stride = stride };
}

static const agi_buffer *inner_buffer(const ag_plan *p, const ag_node *x, uint32_t *number)
{
    const agi_place *at = agi_find_place(p, x);
    if (!at) return NULL;
    *number = at->buffer;
    return &p->buffer[at->buffer];
}

static void add(agi_transfers *to, agi_transfer t, uint32_t inner, const agi_buffer *b)
{
    t.inner = inner;
    t.bytes = b->bytes;
    to->list[to->count++] = t;
}

/* What a leaf of the body stands for, if the body reads it. */
static void add_leaf(agi_transfers *to, agi_transfer t, const ag_plan *p, const ag_node *leaf)
{
    uint32_t inner;
    const agi_buffer *b = inner_buffer(p, leaf, &inner);
    if (!b || (b->role == AGI_CONSTANT && !b->in_loop)) return; /* the body has its own */
    if (b->in_loop) t.kind = AGI_BY_ADDRESS;
    add(to, t, inner, b);
}

static int has_address(const agi_transfers *t, uint32_t inner)
{
    for (int k = 0; k < t->count; k++)
        if (t->list[k].kind == AGI_BY_ADDRESS && t->list[k].inner == inner) return 1;
    return 0;
}

/* A result is computed where it is stacked, or copied there: a leaf before the step, as a state then moves on. */
static void add_result(agi_transfers *before, agi_transfers *after, agi_transfer t, const ag_plan *p, const ag_node *x)
{
    uint32_t inner;
    const agi_buffer *b = inner_buffer(p, x, &inner);
    int leaf = b->role == AGI_LEAF && b->node == x; /* not what is stored into one at the end of a step */
    if (b->role == AGI_VALUE && b->in_loop && !has_address(before, inner)) {
        t.kind = AGI_BY_ADDRESS;
        leaf = 1;
    }
    add(leaf ? before : after, t, inner, b);
}

/* ---- loops ------------------------------------------------------------------------------------------------------ */

static void transfer_states(lowering *w, const agi_loop_attribute *l)
{
    agi_loop_step *s = w->s;
    for (int k = 0; k < l->states; k++) {
        int before = agi_part_before(l, k), final = agi_part_final(l, k);
        add_leaf(&s->enter[0], from_input(w, k, 0), s->body[0], l->state[k]);
        if (s->part[before] >= 0)
            add_leaf(&s->before, to_part(w, before, agi_node_bytes(l->state[k])), s->body[0], l->state[k]);
        if (s->part[final] >= 0) add_leaf(&s->leave[0], to_part(w, final, 0), s->body[0], l->state[k]);
    }
}

static int transfer_steps(lowering *w, const agi_loop_attribute *l)
{
    agi_loop_step *s = w->s;
    int bound = l->states + l->elements;
    if (!make_room(w, &s->enter[0], l->states + l->captures) || !make_room(w, &s->leave[0], l->states)) return 0;
    if (!make_room(w, &s->before, bound + l->results) || !make_room(w, &s->after, l->results)) return 0;
    transfer_states(w, l);
    for (int k = l->states; k < bound; k++) {
        const ag_node *one = l->element[k - l->states];
        add_leaf(&s->before, from_input(w, k, agi_node_bytes(one)), s->body[0], one);
    }
    for (int k = bound; k < bound + l->captures; k++)
        add_leaf(&s->enter[0], from_input(w, k, 0), s->body[0], agi_loop_leaf(l, k));
    for (int k = 0; k < l->results; k++) {
        int part = agi_part_result(l, k);
        if (s->part[part] >= 0)
            add_result(&s->before, &s->after, to_part(w, part, agi_node_bytes(l->result[k])), s->body[0], l->result[k]);
    }
    if (l->counted) s->control = from_input(w, bound + l->captures, 0);
    return 1;
}

static int transfer_test(lowering *w, const agi_loop_attribute *l)
{
    agi_loop_step *s = w->s;
    int bound = l->states + l->elements, inputs = bound + l->captures;
    if (!make_room(w, &s->enter[1], l->captures) || !make_room(w, &s->states, l->states)) return 0;
    for (int k = 0; k < l->states; k++) {
        agi_transfer t = { .kind = AGI_COPY_IN };
        if (inner_buffer(s->body[0], l->state[k], &t.outer)) add_leaf(&s->states, t, s->body[1], l->state[k]);
    }
    for (int k = bound; k < inputs; k++)
        add_leaf(&s->enter[1], from_input(w, k, 0), s->body[1], agi_loop_leaf(l, k));
    inner_buffer(s->body[1], l->test, &s->test);
    return 1;
}

static int transfer_loop(lowering *w, const agi_loop_attribute *l)
{
    return transfer_steps(w, l) && (!l->test || transfer_test(w, l));
}

/* ---- branches --------------------------------------------------------------------------------------------------- */

static int transfer_side(lowering *w, const agi_branch_attribute *b, int side)
{
    agi_loop_step *s = w->s;
    const agi_sides *sides = agi_sides_of(w->c, w->value->node);
    ag_node *const *results = side ? b->otherwise : b->then;
    int first = 1 + b->arguments + (side ? sides->count[0] : 0), inputs = b->arguments + sides->count[side], n = 0;
    for (int k = 0; k < b->results; k++) n += s->part[k] >= 0;
    if (!make_room(w, &s->enter[side], inputs + n) || !make_room(w, &s->leave[side], n)) return 0;
    for (int k = 0; k < b->arguments; k++)
        add_leaf(&s->enter[side], from_input(w, k + 1, 0), s->body[side], b->argument[k]);
    for (int k = 0; k < sides->count[side]; k++)
        add_leaf(&s->enter[side], from_input(w, first + k, 0), s->body[side], sides->bound[side][k]);
    for (int k = 0; k < b->results; k++)
        if (s->part[k] >= 0)
            add_result(&s->enter[side], &s->leave[side], to_part(w, k, 0), s->body[side], results[k]);
    return 1;
}

static int transfer_branch(lowering *w, const agi_branch_attribute *b)
{
    w->s->control = from_input(w, 0, 0);
    return transfer_side(w, b, 0) && transfer_side(w, b, 1);
}

agi_loop_step *agi_lower_loop(agi_compiler *c, uint32_t value)
{
    const ag_node *x = c->value[value].node;
    agi_layout *at = agi_layout_of(c, x);
    agi_loop_step *s = agi_arena_zeros(&c->plan->arena, 1, sizeof *s);
    lowering w = { .c = c, .value = &c->value[value], .s = s };
    if (!s) return agi_out_of_memory(c), NULL;
    s->node = x;
    s->out = c->value[value].buffer;
    s->part = at->part;
    s->first_run = c->plan->nbodies;
    c->plan->nbodies += 2;
    for (int k = 0; k < 2; k++) s->body[k] = at->body[k], at->body[k] = NULL; /* the step's from here on */
    if (x->op->flags & AG_BRANCH ? transfer_branch(&w, x->attribute) : transfer_loop(&w, x->attribute)) return s;
    for (int k = 0; k < 2; k++) ag_plan_free(s->body[k]);
    return NULL;
}
