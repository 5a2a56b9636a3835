/* Values that later sweeps read are computed again before they are read there, rather than kept until then.
 *
 * Values made by a later sweep than what they read are its late readers. A value that is rematerialised gets a copy
 * in each later sweep, right before its first reader there; the copy reads copies of what is rematerialised, too,
 * and else what is kept. It waits for what the sweep has computed last, since nothing that it reads keeps it from
 * being computed at once. */
#include "compile.h"

enum {
    SMALL = 64, /* as many would be one of the largest values: kept, and not waited for */
    FOLDED = 8, /* a reduction of as many elements to one is kept: that is little memory for much work */
    CHEAP = 64  /* most operations an element of a library call that is made again */
};

static int computed(const agi_value *it)
{
    return it->kind >= AGI_VALUE_POINT;
}

static int64_t bytes_of(const agi_value *it)
{
    return agi_node_bytes(it->node);
}

/* ---- which values are rematerialised
 * ------------------------------------------------------------------------------------- */

enum { LATE = 1, CROSSES = 2, FOR_MARKED = 4, FOR_OTHERS = 8 };

typedef struct {
    agi_compiler *c;
    uint8_t *read;     /* by value: by later sweeps, across a cut, in its own sweep by what is marked or not */
    uint32_t *segment; /* by value */
    int64_t largest;   /* bytes of the largest value that is read late */
    int64_t total;     /* bytes of all that are and could be rematerialised, */
    int64_t count;     /* and their number */
} choice;

static int can_be_remade(const agi_compiler *c, const agi_value *it)
{
    const ag_node *x = it->node;
    if (!computed(it) || it->held || it->target != AGI_NONE) return 0;
    if (it->kind == AGI_VALUE_POINT) return !it->op || !(it->op->flags & AG_RANDOM);
    if (it->kind == AGI_VALUE_FOLD) return ag_count(x) * FOLDED > ag_count(c->value[it->in[0]].node);
    if (it->kind == AGI_VALUE_PRODUCT) return 1;
    if (x->op->flags & (AG_LOOP | AG_RANDOM)) return 0;
    return !x->op->flops || x->op->flops(x) <= CHEAP * (double)ag_count(x);
}

static void find_late(choice *h)
{
    const agi_compiler *c = h->c;
    for (uint32_t i = 0; i < c->nvalues; i++)
        for (int k = 0, s; (s = agi_sources(c, &c->value[i], k)) >= 0; k++) {
            uint32_t root = c->value[s].root;
            if (c->value[root].sweep < c->value[i].sweep) h->read[root] |= LATE;
        }
    for (uint32_t i = 0; i < c->nvalues; i++) {
        const agi_value *it = &c->value[i];
        if (!(h->read[i] & LATE) || !can_be_remade(c, it)) continue;
        h->total += bytes_of(it);
        h->count++;
        if (h->largest < bytes_of(it)) h->largest = bytes_of(it);
    }
}

/* Cuts the order of values into segments of equally many bytes that are read late, and finds what is read across. */
static void find_crossing(choice *h)
{
    const agi_compiler *c = h->c;
    int64_t covered = c->recipe->covered, segments = c->recipe->segments, passed = 0;
    for (uint32_t i = 0; i < c->nvalues; i++) {
        const agi_value *it = &c->value[i];
        h->segment[i] = (uint32_t)(passed < covered ? passed * segments / covered : segments);
        if (h->read[i] & LATE && can_be_remade(c, it)) passed += bytes_of(it);
        for (int k = 0, s; (s = agi_sources(c, it, k)) >= 0; k++) {
            uint32_t root = c->value[s].root;
            if (c->value[root].sweep == it->sweep && h->segment[root] != h->segment[i]) h->read[root] |= CROSSES;
        }
    }
}

/* What only marked values are made of is marked, too: it is computed with them, and would have to be kept in their
 * place. */
static void mark_operands(choice *h)
{
    const agi_compiler *c = h->c;
    for (uint32_t i = c->nvalues; i-- > 0;) {
        agi_value *it = &c->value[i];
        const int marked = (h->read[i] & (LATE | FOR_MARKED | FOR_OTHERS)) == (LATE | FOR_MARKED);
        if (marked && can_be_remade(c, it)) it->remade = 1;
        for (int k = 0, s; (s = agi_sources(c, it, k)) >= 0; k++) {
            const uint32_t root = c->value[s].root;
            if (c->value[root].sweep == it->sweep) h->read[root] |= it->remade ? FOR_MARKED : FOR_OTHERS;
        }
    }
}

/* What no later sweep reads is rematerialised for the sake of others: it is not there any more. */
static int is_remade(const choice *h, uint32_t i)
{
    const agi_value *it = &h->c->value[i];
    if (!can_be_remade(h->c, it)) return 0;
    if (it->remade || !(h->read[i] & LATE)) return !(h->read[i] & CROSSES);
    if (h->segment[i] >= (uint32_t)h->c->recipe->segments) return 0;
    return !(h->read[i] & CROSSES) && bytes_of(it) * SMALL > h->largest;
}

/* Sets `remade` of the values that are rematerialised; 0 when that is none. */
static int choose(choice *h)
{
    agi_compiler *c = h->c;
    int any = 0;
    find_late(h);
    mark_operands(h);
    if (c->recipe->segments) find_crossing(h);
    for (uint32_t i = 0; i < c->nvalues; i++) {
        c->value[i].remade = is_remade(h, i) != 0;
        any |= c->value[i].remade && h->read[i] & LATE;
    }
    return any;
}

/* ---- the values anew
 * ---------------------------------------------------------------------------------------------- */

typedef struct {
    uint32_t value;
    int next; /* of its sources */
} level;

typedef struct {
    agi_compiler *c;
    const agi_value *old;
    uint32_t *now;  /* by old value: the new one */
    uint32_t *copy; /* by old value: its copy in the sweep `of` */
    uint8_t *of;
    level *stack;
    int64_t least;   /* bytes of what is waited for */
    uint32_t latest; /* what this sweep has computed last, or AGI_NONE */
    uint8_t sweep;
} rematerialisation;

static int has_copy(const rematerialisation *r, uint32_t i)
{
    return r->sweep && r->of[i] == r->sweep;
}

static int append(rematerialisation *r, const agi_value *it, uint32_t after)
{
    agi_compiler *c = r->c;
    const ag_allocator *a = c->arena.allocator;
    if (!agi_vector_grow(a, &c->values, sizeof *it, 1) || !agi_vector_grow(a, &c->after, sizeof after, 1))
        return agi_out_of_memory(c);
    ((agi_value *)c->values.data)[c->values.count++] = *it;
    ((uint32_t *)c->after.data)[c->after.count++] = after;
    return 1;
}

static uint32_t next_value(const rematerialisation *r)
{
    return (uint32_t)r->c->values.count;
}

/* What a reader of some sweep reads for the old value: views of copies are made when they are first needed. */
static int find(rematerialisation *r, uint32_t s, uint8_t sweep, uint32_t *found)
{
    uint32_t root = r->old[s].root;
    *found = r->now[s];
    if (sweep != r->sweep || !has_copy(r, root)) return 1;
    if (!has_copy(r, s)) {
        agi_value view = r->old[s];
        view.root = r->copy[root];
        r->copy[s] = next_value(r);
        r->of[s] = r->sweep;
        if (!append(r, &view, AGI_NONE)) return 0;
    }
    *found = r->copy[s];
    return 1;
}

static int read_operands(rematerialisation *r, agi_value *it)
{
    agi_compiler *c = r->c;
    uint32_t first = (uint32_t)c->operands.count, found;
    const agi_value old = *it;
    if (it->kind == AGI_VALUE_CALL) {
        if (!agi_vector_grow(c->arena.allocator, &c->operands, sizeof first, it->in[1]))
            return agi_out_of_memory(c);
        it->in[0] = first;
    }
    for (int k = 0, s; (s = agi_sources(c, &old, k)) >= 0; k++) {
        if (!find(r, (uint32_t)s, it->sweep, &found)) return 0;
        if (it->kind == AGI_VALUE_CALL) ((uint32_t *)c->operands.data)[c->operands.count++] = found;
        else it->in[k] = found;
    }
    return 1;
}

/* Does nothing keep it from being computed before its sweep, or, if it is not kept, long before its readers? */
static int is_free(const rematerialisation *r, const agi_value *it)
{
    if (!(it->sweep || it->remade) || it->sweep != r->sweep || bytes_of(it) < r->least) return 0;
    for (int k = 0, s; (s = agi_sources(r->c, it, k)) >= 0; k++)
        if (computed(&r->old[r->old[s].root]) && r->old[r->old[s].root].sweep == r->sweep) return 0;
    return 1;
}

static int put_copy(rematerialisation *r, uint32_t i)
{
    agi_value it = r->old[i];
    it.uses = it.in_loop = 0;
    it.sweep = r->sweep;
    if (!read_operands(r, &it)) return 0;
    it.root = r->copy[i] = next_value(r);
    r->of[i] = r->sweep;
    return append(r, &it, r->latest);
}

static int put(rematerialisation *r, uint32_t i)
{
    const agi_value *old = &r->old[i];
    agi_value it = *old;
    it.uses = it.remade = 0;
    if (!read_operands(r, &it)) return 0;
    r->now[i] = next_value(r);
    it.root = r->now[old->root];
    if (!append(r, &it, computed(old) && is_free(r, old) ? r->latest : AGI_NONE)) return 0;
    if (computed(old) && it.sweep == r->sweep && bytes_of(old) >= r->least) r->latest = r->now[i];
    return 1;
}

static int wants_copy(const rematerialisation *r, uint32_t root)
{
    return r->old[root].remade && r->old[root].sweep < r->sweep && !has_copy(r, root);
}

/* Copies of a value and of all that it reads and that is rematerialised, the deepest first. */
static int remake(rematerialisation *r, uint32_t root)
{
    uint32_t depth = 0;
    r->stack[depth++] = (level){ root, 0 };
    while (depth) {
        level *top = &r->stack[depth - 1];
        int s = agi_sources(r->c, &r->old[top->value], top->next++);
        if (s < 0) {
            if (!put_copy(r, top->value)) return 0;
            depth--;
        } else if (wants_copy(r, r->old[s].root)) {
            r->stack[depth++] = (level){ r->old[s].root, 0 };
        }
    }
    return 1;
}

static int put_all(rematerialisation *r, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        const agi_value *it = &r->old[i];
        if (it->sweep > r->sweep) {
            r->sweep = it->sweep;
            r->latest = AGI_NONE;
        }
        int late = it->sweep == r->sweep && r->latest != AGI_NONE;
        for (int k = 0, s; late && (s = agi_sources(r->c, it, k)) >= 0; k++)
            if (wants_copy(r, r->old[s].root) && !remake(r, r->old[s].root)) return 0;
        if (!put(r, i)) return 0;
    }
    return 1;
}

/* Values only move up: from the last one down, what is renamed already is never taken for an old value. */
static void rename_all(rematerialisation *r, uint32_t n)
{
    agi_compiler *c = r->c;
    c->value = c->values.data;
    c->nvalues = (uint32_t)c->values.count;
    for (uint32_t i = n; i-- > 0;) {
        agi_value *it = &c->value[r->now[i]];
        uint32_t *value_of = &c->value_of[agi_order_of(c, it->node)];
        if (*value_of == i) *value_of = r->now[i];
        if (it->kind == AGI_VALUE_LEAF && it->assigned != AGI_NONE) it->assigned = r->now[it->assigned];
        if (computed(it) && it->target != AGI_NONE) it->target = r->now[it->target];
    }
    for (int k = 0; k < c->noutputs; k++) c->output_value[k] = r->now[c->output_value[k]];
    for (int k = 0; k < c->nassigned; k++) c->assigned[k] = r->now[c->assigned[k]];
}

/* ---- the report -------------------------------------------------------------------------------------------------- */

static double flops_of(const agi_compiler *c, const agi_value *it)
{
    const ag_node *x = it->node;
    if (it->kind == AGI_VALUE_POINT) return it->op ? (double)ag_count(x) : 0;
    if (it->kind == AGI_VALUE_FOLD) return (double)ag_count(c->value[it->in[0]].node);
    return x->op->flops ? x->op->flops(x) : (double)ag_count(x);
}

static int report(agi_compiler *c)
{
    agi_rematerialised *a = &c->plan->remade;
    for (uint32_t i = 0; i < c->nvalues; i++) a->operations += computed(&c->value[i]) && c->value[i].remade;
    a->node = agi_arena_take(&c->plan->arena, (size_t)a->operations * sizeof *a->node);
    if (!a->node) return agi_out_of_memory(c);
    a->operations = 0;
    for (uint32_t i = 0; i < c->nvalues; i++) {
        const agi_value *it = &c->value[i];
        if (!computed(it) || !it->remade) continue;
        a->node[a->operations++] = it->node;
        a->flops += flops_of(c, it);
    }
    return 1;
}

int agi_rematerialise(agi_compiler *c)
{
    uint32_t n = c->nvalues;
    choice h = { .c = c };
    rematerialisation r = { .c = c, .old = c->value, .latest = AGI_NONE };
    if (c->recipe->plain || !(c->marked || c->recipe->segments || c->options->max_bytes)) return 1;
    h.read = agi_arena_zeros(&c->arena, n, 1);
    h.segment = agi_arena_zeros(&c->arena, n, sizeof *h.segment);
    if (!h.read || !h.segment) return agi_out_of_memory(c);
    int any = choose(&h);
    c->plan->remade.late_values = h.count;
    c->plan->remade.late_bytes = h.total;
    if (!any) return 1;
    r.now = agi_arena_take(&c->arena, n * sizeof *r.now);
    r.copy = agi_arena_take(&c->arena, n * sizeof *r.copy);
    r.of = agi_arena_zeros(&c->arena, n, 1);
    r.stack = agi_arena_take(&c->arena, n * sizeof *r.stack);
    if (!r.now || !r.copy || !r.of || !r.stack) return agi_out_of_memory(c);
    r.least = h.largest / SMALL;
    if (!put_all(&r, n)) return 0;
    rename_all(&r, n);
    agi_count_uses(c); /* originals whose readers all read copies are dropped */
    return report(c);
}
