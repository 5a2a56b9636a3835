/* Nodes that differ only in what was written are computed once: 2 h, for h = 2 x, is 4 x to everybody who reads it.
 *
 * A graph holds equal nodes once, but sin(2 h) and sin(4 x) are two, since the first reads a rewritten node. Here a
 * node whose operands stand for others is looked up as the node on those: among the graph's, and among the nodes like
 * it in this plan. */
#include "compile.h"

/* The live node that is computed for each; AGI_NONE: none yet. A node that is not live itself may have one: the first
 * live one that equals it but for what was written. */
struct agi_sameness {
    uint32_t *of;         /* in order: of which in order */
    const uint8_t *marks; /* in order; those with the mark `apart` stand for themselves alone in this plan */
    uint8_t apart;
    agi_interned others;  /* nodes with their operands replaced, which the graph does not hold */
};

int agi_start_sameness(agi_compiler *c, const uint8_t *marks, uint8_t apart)
{
    agi_sameness *s = agi_arena_take(&c->arena, sizeof *s);
    uint32_t *of = agi_arena_take(&c->arena, c->nodes.count * sizeof *of);
    if (!s || !of) return agi_out_of_memory(c);
    memset(of, 0xff, c->nodes.count * sizeof *of);
    *s = (agi_sameness){ .of = of, .marks = marks, .apart = apart };
    s->others.arena = &c->arena;
    c->reading.same = s;
    return 1;
}

void agi_end_sameness(agi_compiler *c)
{
    if (c->reading.same) agi_intern_free(&c->reading.same->others);
    c->reading.same = NULL;
}

/* The node as it would be written on the operands that are computed, or NULL: those are its own, or no node may stand
 * for it. 0: out of memory. */
static int replaced(agi_compiler *c, const ag_node *x, ag_node **key)
{
    const uint32_t *of = c->reading.same->of;
    int other = 0;
    *key = NULL;
    if (x->op->flags & (AG_RANDOM | AG_EFFECT | AG_PART | AG_ALIAS)) return 1;
    for (uint32_t k = 0; k < x->nin; k++) {
        const uint32_t at = agi_order_of(c, x->in[k]);
        other |= of[at] != at;
    }
    if (!other) return 1;
    *key = agi_arena_copy(&c->arena, x, sizeof *x + x->nin * sizeof x->in[0]);
    for (uint32_t k = 0; *key && k < x->nin; k++) (*key)->in[k] = agi_in_order(c, of[agi_order_of(c, x->in[k])]);
    return *key != NULL;
}

/* The first node equal to x but for what was written, which x becomes if there is none; AGI_NONE: out of memory. */
static uint32_t find(agi_compiler *c, const ag_node *x, ag_node *key)
{
    agi_sameness *s = c->reading.same;
    uint64_t hash;
    const ag_node *plain = agi_intern_find(&c->graph->interned, key, &hash);
    const uint32_t at = plain ? agi_order_of(c, plain) : AGI_NONE;
    if (at < c->nodes.count && !(s->marks[at] & s->apart)) {
        if (s->of[at] == AGI_NONE) s->of[at] = agi_order_of(c, x);
        return s->of[at];
    }
    const ag_node *other = agi_intern_find(&s->others, key, &hash);
    if (other) return agi_order_of(c, other);
    return agi_intern_add(&s->others, key, &hash) ? agi_order_of(c, x) : AGI_NONE;
}

uint32_t agi_same_as(agi_compiler *c, const ag_node *x)
{
    agi_sameness *s = c->reading.same;
    const uint32_t at = agi_order_of(c, x);
    uint32_t *of = &s->of[at];
    ag_node *key;
    if (s->marks[at] & s->apart) return *of = at;
    if (x->rewritten) {
        *of = s->of[agi_order_of(c, x->in[x->nin - 1])];
        return at; /* a value of its own, which costs nothing: a leaf's would be the leaf */
    }
    if (*of != AGI_NONE) return *of;
    if (!replaced(c, x, &key)) return AGI_NONE;
    return *of = key ? find(c, x, key) : at;
}
