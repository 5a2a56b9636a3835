/* What a loop keeps for its gradient beside the states: the products of its body, which cost more to compute again than
 * to read. They are results behind those that were asked for, and cost nothing until a gradient reads them. */
#include "graph/graph.h"
#include "loop.h"

/* What an element costs, above which it is kept: as much as reading it from memory, with room to spare. */
enum { MANY_FLOPS = 32, MOST_AXES = 5 /* some are left for the steps and for batches */ };

typedef struct {
    agi_arena arena;
    agi_region all;    /* what the body computes, down to its leaves; by place in it: */
    uint8_t *inside;   /* depends on a leaf */
    uint8_t *always;   /* is computed in every step, whichever branches are taken, and not marked to be so again */
    uint8_t *readers;  /* how many read it: 0, 1 or MORE */
    uint32_t *reader;  /* the last of them that was found */
    uint8_t *kept;
} body;

enum { MORE = 2 };

/* The first of the inputs that the value is made of: the others are as written. */
static uint32_t first_computed(const ag_node *x)
{
    return agi_is_last_input(x) ? x->nin - 1 : 0;
}

static void read_by(body *b, const ag_node *x, uint32_t reader)
{
    const uint32_t at = agi_place_in(&b->all, x);
    if (at == AGI_NOWHERE) return;
    if (b->readers[at] < MORE) b->readers[at]++;
    b->reader[at] = reader;
}

static int take_marks(body *b)
{
    const uint32_t n = b->all.count;
    b->inside = agi_arena_zeros(&b->arena, n, 1);
    b->always = agi_arena_zeros(&b->arena, n, 1);
    b->readers = agi_arena_zeros(&b->arena, n, 1);
    b->reader = agi_arena_zeros(&b->arena, n, sizeof *b->reader);
    b->kept = agi_arena_zeros(&b->arena, n, 1);
    return b->inside && b->always && b->readers && b->reader && b->kept && !b->all.failed;
}

static void mark_inside(body *b)
{
    for (uint32_t at = b->all.count; at-- > 0;) {
        const ag_node *x = b->all.node[at];
        const int leaf = agi_region_ends_at(&b->all, x);
        b->inside[at] = (uint8_t)leaf;
        for (uint32_t k = first_computed(x); k < x->nin && !leaf; k++) {
            const uint32_t from = agi_place_in(&b->all, x->in[k]);
            b->inside[at] |= from != AGI_NOWHERE && b->inside[from];
            read_by(b, x->in[k], at);
        }
    }
}

/* What only branches capture they compute where it is chosen; what is marked to be computed again is not kept. */
static uint32_t end_of_always(const ag_node *x)
{
    if (x->op->flags & AG_RECOMPUTE) return 0;
    return x->op->flags & AG_BRANCH ? 1 + (uint32_t)((const agi_branch_attribute *)x->attribute)->arguments : x->nin;
}

static void mark_always(body *b, int n, ag_node *const results[])
{
    for (int k = 0; k < n; k++)
        if (agi_place_in(&b->all, results[k]) != AGI_NOWHERE) b->always[agi_place_in(&b->all, results[k])] = 1;
    for (uint32_t at = 0; at < b->all.count; at++) {
        const ag_node *x = b->all.node[at];
        if (!b->always[at] || agi_region_ends_at(&b->all, x)) continue;
        for (uint32_t k = first_computed(x), end = end_of_always(x); k < end; k++)
            if (agi_place_in(&b->all, x->in[k]) != AGI_NOWHERE) b->always[agi_place_in(&b->all, x->in[k])] = 1;
    }
}

/* 0: out of memory. */
static int find_body(body *b, ag_graph *g, int nbound, ag_node *const bound[], int n, ag_node *const results[])
{
    agi_region *r = &b->all;
    agi_region_start(r, &b->arena, g, nbound, bound, n, results);
    for (int k = 0; k < nbound; k++) agi_region_end_at(r, bound[k]);
    for (const ag_node *x; (x = agi_region_next(r));)
        for (uint32_t k = first_computed(x); k < x->nin && !agi_region_ends_at(r, x); k++) agi_region_add(r, x->in[k]);
    if (!take_marks(b)) return 0;
    mark_inside(b);
    mark_always(b, n, results);
    for (int k = 0; k < n; k++) read_by(b, results[k], AGI_NOWHERE);
    return 1;
}

static int is_costly(const ag_node *x)
{
    const ag_op *op = x->op;
    return op->flags & AG_LIBRARY && op->flops && !agi_is_last_input(x) && x->rank <= MOST_AXES &&
           op->flops(x) >= MANY_FLOPS * (double)ag_count(x);
}

/* Operations whose gradients read none of their operands: beyond them, one value stands for several. */
static int only_passes_on(const ag_node *x)
{
    return x->op == &agi_add || x->op == &agi_sub || x->op == &agi_neg;
}

/* The costly value, or the sum that alone reads it. */
static uint32_t place_to_keep(const body *b, uint32_t at)
{
    const int64_t n = ag_count(b->all.node[at]);
    uint32_t best = at;
    while (b->readers[at] == 1 && b->reader[at] != AGI_NOWHERE) {
        at = b->reader[at];
        const ag_node *x = b->all.node[at];
        if (ag_count(x) != n || x->rank > MOST_AXES) break;
        if (agi_is_last_input(x) || x->op->flags & AG_VIEW) continue;
        if (!only_passes_on(x)) break;
        best = at;
    }
    return best;
}

static int add_results(ag_graph *g, agi_loop_attribute *l, const body *b)
{
    int n = 0;
    for (uint32_t at = 0; at < b->all.count; at++) n += b->kept[at];
    ag_node **result = agi_keep(g, NULL, (size_t)(l->results + n) * sizeof *result);
    if (!result) return 0;
    if (l->results) memcpy(result, l->result, (size_t)l->results * sizeof *result); /* else perhaps NULL */
    for (uint32_t at = b->all.count; at-- > 0;)
        if (b->kept[at]) result[l->results++] = b->all.node[at];
    l->result = result;
    l->kept = n;
    return 1;
}

static int find_kept(ag_graph *g, agi_loop_attribute *l, body *b)
{
    const int nbound = l->states + l->elements, n = l->states + l->results;
    ag_node **bound = agi_arena_take(&b->arena, (size_t)(nbound + n) * sizeof *bound), **results = bound + nbound;
    if (!bound) return 0;
    for (int k = 0; k < nbound; k++) bound[k] = agi_loop_leaf(l, k);
    for (int k = 0; k < n; k++) results[k] = k < l->states ? l->next[k] : l->result[k - l->states];
    if (!find_body(b, g, nbound, bound, n, results)) return 0;
    for (uint32_t at = 0; at < b->all.count; at++) {
        const ag_node *x = b->all.node[at];
        if (b->inside[at] && b->always[at] && !agi_region_ends_at(&b->all, x) && is_costly(x))
            b->kept[place_to_keep(b, at)] = 1;
    }
    return add_results(g, l, b);
}

int agi_list_kept(ag_graph *g, agi_loop_attribute *l)
{
    body b = { 0 };
    if (g->status) return 0; /* there may be bad nodes */
    if (!l->room || !(l->states + l->elements)) return 1;
    agi_arena_init(&b.arena, &g->allocator);
    const int ok = find_kept(g, l, &b);
    agi_arena_free(&b.arena);
    if (!ok) agi_fail(g, AG_EMEM, "out of memory after %lld nodes", (long long)g->nnodes);
    return ok;
}
