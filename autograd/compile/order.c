/* Groups in order of execution: as the graph was written, as far as data allow, and readers of a parameter before the
 * group that computes its new value, so that this can be written in place. Those wishes yield where they contradict.
 *
 * A large product that one pass reads comes just before it.
 *
 * What may fail comes before what writes into a parameter, if it does not need it: an evaluation that fails changes no
 * parameter, so an assignment that cannot wait is a copy at the end. */
#include "compile.h"

typedef struct {
    uint32_t from, to;
    int wish;
} edge;

typedef struct {
    uint32_t *heap; /* groups, the first place on top */
    uint32_t count;
} queue;

typedef struct {
    agi_compiler *c;
    agi_vector found;  /* edge, */
    edge *edges;       /* that is, */
    int64_t nedges;    /* of which there are so many */
    int failed;        /* out of memory */
    uint32_t *start;   /* by group: its outgoing edges, sorted */
    uint32_t *sorted;  /* edges by `from` */
    uint32_t *waiting; /* by group: incoming edges not yet satisfied */
    uint32_t *reader;  /* by group: of a product, the pass that it comes just before; else AGI_NONE */
    queue ready, late; /* late: ready, too, but assigning a parameter while others may still fail */
    uint8_t *is;       /* by group */
    uint32_t fallible; /* groups that may fail and have not been ordered yet */
} ordering;

enum { FALLIBLE = 1, NEEDED = 2 /* by those */, ASSIGNS = 4 };

static void add_edge(ordering *o, uint32_t from, uint32_t to, int wish)
{
    if (from == to || o->failed) return;
    o->failed = !agi_vector_grow(o->c->arena.allocator, &o->found, sizeof(edge), 1);
    if (!o->failed) ((edge *)o->found.data)[o->found.count++] = (edge){ from, to, wish };
}

static int find_edges(ordering *o)
{
    agi_compiler *c = o->c;
    for (uint32_t i = 0; i < c->nvalues && c->groups.count > 1; i++) { /* one has no edges */
        const agi_value *it = &c->value[i];
        if (it->group == AGI_NONE) continue;
        for (int k = 0, s; (s = agi_sources(c, it, k)) >= 0; k++) {
            agi_value *root = &c->value[c->value[s].root];
            if (root->group == it->group) continue;
            if (root->group != AGI_NONE) {
                add_edge(o, root->group, it->group, 0);
                root->stored = 1;
            } else if (root->assigned != AGI_NONE) {
                add_edge(o, it->group, c->value[agi_first_written(c, c->value[s].root)].group, 1);
            }
        }
        uint32_t after = agi_awaited(c, i);
        if (after != AGI_NONE) add_edge(o, c->value[after].group, it->group, 0);
    }
    o->edges = o->found.data;
    o->nedges = o->found.count;
    return !o->failed;
}

static int sort_edges(ordering *o)
{
    agi_compiler *c = o->c;
    uint32_t n = (uint32_t)c->groups.count;
    if (!find_edges(o)) return agi_out_of_memory(c);
    o->sorted = agi_arena_take(&c->arena, (size_t)o->nedges * sizeof *o->sorted);
    o->start = agi_arena_zeros(&c->arena, (size_t)n + 2, sizeof *o->start);
    o->waiting = agi_arena_zeros(&c->arena, n, sizeof *o->waiting);
    if (!o->sorted || !o->start || !o->waiting) return agi_out_of_memory(c);
    for (int64_t k = 0; k < o->nedges; k++) {
        o->start[o->edges[k].from + 2]++;
        o->waiting[o->edges[k].to]++;
    }
    for (uint32_t g = 0; g < n; g++) o->start[g + 2] += o->start[g + 1];
    for (int64_t k = 0; k < o->nedges; k++) o->sorted[o->start[o->edges[k].from + 1]++] = (uint32_t)k;
    return 1;
}

/* The groups by level, which their operands are below. */
static uint32_t *by_level(const ordering *o)
{
    agi_compiler *c = o->c;
    uint32_t n = (uint32_t)c->groups.count, levels = 0;
    for (uint32_t g = 0; g < n; g++)
        if (agi_fusion_at(c, g)->level >= levels) levels = agi_fusion_at(c, g)->level + 1;
    uint32_t *at = agi_arena_zeros(&c->arena, (size_t)levels + 1, sizeof *at);
    uint32_t *list = agi_arena_take(&c->arena, (size_t)n * sizeof *list);
    if (!at || !list) return agi_out_of_memory(c), NULL;
    for (uint32_t g = 0; g < n; g++) at[agi_fusion_at(c, g)->level + 1]++;
    for (uint32_t k = 0; k < levels; k++) at[k + 1] += at[k];
    for (uint32_t g = 0; g < n; g++) list[at[agi_fusion_at(c, g)->level]++] = g;
    return list;
}

static int find_needed(ordering *o)
{
    const uint32_t *list = by_level(o);
    for (uint32_t n = (uint32_t)o->c->groups.count; list && n-- > 0;) {
        uint32_t g = list[n];
        for (uint32_t k = o->start[g]; k < o->start[g + 1]; k++) {
            const edge *e = &o->edges[o->sorted[k]];
            if (!e->wish && o->is[e->to] & (FALLIBLE | NEEDED)) o->is[g] |= NEEDED;
        }
    }
    return list != NULL;
}

/* A body may leave its own states half changed: whoever evaluates it begins anew. */
static int find_fallible(ordering *o)
{
    agi_compiler *c = o->c;
    size_t n = (size_t)c->groups.count;
    agi_checks checks = { .c = c };
    o->is = agi_arena_zeros(&c->arena, n, 1);
    o->ready.heap = agi_arena_take(&c->arena, n * sizeof *o->ready.heap);
    o->late.heap = agi_arena_take(&c->arena, n * sizeof *o->late.heap);
    if (!o->is || !o->ready.heap || !o->late.heap) return agi_out_of_memory(c);
    for (uint32_t i = 0; !c->body && c->nassigned && i < c->nvalues; i++) {
        const agi_value *it = &c->value[i];
        if (it->group == AGI_NONE) continue;
        if (it->kind != AGI_VALUE_VIEW && it->target != AGI_NONE) o->is[it->group] |= ASSIGNS;
        if (!agi_may_fail(&checks, i)) continue;
        o->is[it->group] |= FALLIBLE;
        o->fallible++;
    }
    for (uint32_t g = 0; g < (uint32_t)n; g++)
        if (o->reader[g] != AGI_NONE) o->is[g] |= o->is[o->reader[g]] & ASSIGNS; /* together */
    return !o->fallible || find_needed(o);
}

/* ---- products beside their readers ------------------------------------------------------------------------------- */

enum { LARGE = 1 << 19 }; /* bytes of a product that is better read at once */

/* What it multiplies lives until then, so that must not be more. */
static int is_worth_waiting(const agi_compiler *c, const agi_value *it)
{
    int64_t bytes = agi_node_bytes(it->node);
    if (it->kind != AGI_VALUE_PRODUCT || bytes < LARGE || it->held || it->target != AGI_NONE) return 0;
    for (int k = 0; k < 2; k++) {
        const agi_value *root = &c->value[c->value[it->in[k]].root];
        if (root->kind != AGI_VALUE_LEAF) bytes -= agi_node_bytes(root->node);
    }
    return bytes >= 0;
}

/* The pass that alone reads the group's value, or AGI_NONE. */
static uint32_t only_reader(const ordering *o, uint32_t g)
{
    uint32_t reader = AGI_NONE;
    for (uint32_t k = o->start[g]; k < o->start[g + 1]; k++) {
        const edge *e = &o->edges[o->sorted[k]];
        if (e->wish) continue;
        if (reader != AGI_NONE && reader != e->to) return AGI_NONE;
        reader = e->to;
    }
    return reader != AGI_NONE && agi_fusion_at(o->c, reader)->kind == AGI_GROUP_TILE ? reader : AGI_NONE;
}

/* A gradient that only an optimiser's step reads is computed just before it: it waits for what that one waits for. */
static int delay_products(ordering *o)
{
    agi_compiler *c = o->c;
    const uint32_t n = (uint32_t)c->groups.count;
    o->reader = agi_arena_take(&c->arena, n * sizeof *o->reader);
    if (!o->reader) return agi_out_of_memory(c);
    for (uint32_t g = 0; g < n; g++) {
        agi_fusion *f = agi_fusion_at(c, g);
        const agi_value *it = &c->value[f->place]; /* itself, but for updates in place */
        o->reader[g] = AGI_NONE;
        if (f->kind != AGI_GROUP_SINGLE || it->group != g || !is_worth_waiting(c, it)) continue;
        o->reader[g] = only_reader(o, g);
        if (o->reader[g] != AGI_NONE) f->place = agi_fusion_at(c, o->reader[g])->place;
    }
    return 1;
}

/* ---- what is ready ----------------------------------------------------------------------------------------------- */

static int before(const ordering *o, uint32_t a, uint32_t b)
{
    const uint32_t x = agi_fusion_at(o->c, a)->place, y = agi_fusion_at(o->c, b)->place;
    return x < y || (x == y && a < b);
}

static void put(const ordering *o, queue *q, uint32_t g)
{
    uint32_t i = q->count++;
    for (; i && before(o, g, q->heap[(i - 1) / 2]); i = (i - 1) / 2) q->heap[i] = q->heap[(i - 1) / 2];
    q->heap[i] = g;
}

static uint32_t take(const ordering *o, queue *q)
{
    uint32_t top = q->heap[0], last = q->heap[--q->count], i = 0;
    for (uint32_t child; (child = 2 * i + 1) < q->count; i = child) {
        if (child + 1 < q->count && before(o, q->heap[child + 1], q->heap[child])) child++;
        if (!before(o, q->heap[child], last)) break;
        q->heap[i] = q->heap[child];
    }
    if (q->count) q->heap[i] = last;
    return top;
}

static void push(ordering *o, uint32_t g)
{
    int waits = o->fallible && (o->is[g] & (ASSIGNS | NEEDED)) == ASSIGNS;
    put(o, waits ? &o->late : &o->ready, g);
}

static uint32_t pop(ordering *o)
{
    if (!o->ready.count) return take(o, &o->late); /* what may fail is wished to come after it */
    uint32_t g = take(o, &o->ready);
    if (o->is[g] & FALLIBLE && --o->fallible == 0)
        while (o->late.count) put(o, &o->ready, take(o, &o->late));
    return g;
}

/* ---- ordering ---------------------------------------------------------------------------------------------------- */

static void release(ordering *o, uint32_t k)
{
    edge *e = &o->edges[k];
    if (e->from == AGI_NONE) return; /* given up before */
    if (--o->waiting[e->to] == 0) push(o, e->to);
    e->from = AGI_NONE;
}

static void give_up_wishes(ordering *o)
{
    for (int64_t k = 0; k < o->nedges; k++)
        if (o->edges[k].wish) release(o, (uint32_t)k);
}

static int keep(agi_compiler *c, uint32_t i)
{
    if (!agi_vector_grow(c->arena.allocator, &c->kept, sizeof i, 1)) return agi_out_of_memory(c);
    ((uint32_t *)c->kept.data)[c->kept.count++] = i;
    return 1;
}

/* The values of each group, in creation order, as one list; and those that leave theirs. */
static int list_members(agi_compiler *c)
{
    uint32_t n = (uint32_t)c->groups.count, at = 0;
    c->value_list = agi_arena_take(&c->arena, (size_t)c->nvalues * sizeof *c->value_list);
    if (!c->value_list) return agi_out_of_memory(c);
    for (uint32_t k = 0; k < n; k++) {
        agi_fusion *f = agi_fusion_at(c, c->order[k]);
        f->step = k;
        f->start = at;
        at += f->members;
        f->members = 0;
    }
    for (uint32_t i = 0; i < c->nvalues; i++) {
        agi_value *it = &c->value[i];
        if (it->kind == AGI_VALUE_LEAF && !keep(c, i)) return 0;
        if (it->group == AGI_NONE) continue;
        agi_fusion *f = agi_fusion_at(c, it->group);
        c->value_list[f->start + f->members++] = i;
        it->stored |= it->held || it->target != AGI_NONE;
        if (it->stored && !keep(c, i)) return 0;
    }
    return 1;
}

static void order_groups(ordering *o)
{
    agi_compiler *c = o->c;
    uint32_t n = (uint32_t)c->groups.count, done = 0;
    for (uint32_t g = 0; g < n; g++)
        if (!o->waiting[g]) push(o, g);
    while (done < n) {
        if (!o->ready.count && !o->late.count) give_up_wishes(o);
        uint32_t g = pop(o);
        c->order[done++] = g;
        for (uint32_t k = o->start[g]; k < o->start[g + 1]; k++) release(o, o->sorted[k]);
    }
}

int agi_order(agi_compiler *c)
{
    ordering o = { .c = c };
    c->order = agi_arena_take(&c->arena, (size_t)c->groups.count * sizeof *c->order);
    if (!c->order) return agi_out_of_memory(c);
    int ok = sort_edges(&o) && delay_products(&o) && find_fallible(&o);
    if (ok) order_groups(&o);
    agi_release(c->arena.allocator, o.found.data);
    return ok && list_members(c);
}
