/* Groups in order of execution: as the graph was written, as far as data allow, and readers of a parameter before the
 * group that computes its new value, so that this can be written in place. Those wishes yield where they contradict. */
#include "compile.h"

typedef struct {
    uint32_t from, to;
    int wish;
} edge;

typedef struct {
    agi_compiler *c;
    edge *edges;
    int64_t nedges;
    uint32_t *start;   /* by group: its outgoing edges, sorted */
    uint32_t *sorted;  /* edges by `from` */
    uint32_t *waiting; /* by group: incoming edges not yet satisfied */
    uint32_t *heap;    /* groups that are ready, the first place on top */
    uint32_t nheap;
} ordering;

static void add_edge(ordering *o, uint32_t from, uint32_t to, int wish)
{
    if (from == to) return;
    if (o->edges) o->edges[o->nedges] = (edge){ from, to, wish };
    o->nedges++;
}

/* Called twice: to count, to fill. */
static void find_edges(ordering *o)
{
    agi_compiler *c = o->c;
    o->nedges = 0;
    for (uint32_t i = 0; i < c->nitems; i++) {
        const agi_item *it = &c->item[i];
        if (it->group == AGI_NONE) continue;
        for (int k = 0, s; (s = agi_sources(c, it, k)) >= 0; k++) {
            agi_item *root = &c->item[c->item[s].root];
            if (root->group != AGI_NONE) {
                add_edge(o, root->group, it->group, 0);
                if (root->group != it->group) root->stored = 1;
            } else if (root->onto != AGI_NONE) {
                add_edge(o, it->group, c->item[root->onto].group, 1);
            }
        }
        uint32_t after = agi_awaited(c, i);
        if (after != AGI_NONE) add_edge(o, c->item[after].group, it->group, 0);
        if (it->held || it->target != AGI_NONE) c->item[i].stored = 1;
    }
}

static int sort_edges(ordering *o)
{
    agi_compiler *c = o->c;
    uint32_t n = (uint32_t)c->groups.count;
    find_edges(o);
    o->edges = agi_arena_take(&c->arena, (size_t)o->nedges * sizeof *o->edges);
    o->sorted = agi_arena_take(&c->arena, (size_t)o->nedges * sizeof *o->sorted);
    o->start = agi_arena_zeros(&c->arena, (size_t)n + 2, sizeof *o->start);
    o->waiting = agi_arena_zeros(&c->arena, n, sizeof *o->waiting);
    o->heap = agi_arena_take(&c->arena, (size_t)n * sizeof *o->heap);
    if (!o->edges || !o->sorted || !o->start || !o->waiting || !o->heap) return agi_out_of_memory(c);
    find_edges(o);
    for (int64_t k = 0; k < o->nedges; k++) {
        o->start[o->edges[k].from + 2]++;
        o->waiting[o->edges[k].to]++;
    }
    for (uint32_t g = 0; g < n; g++) o->start[g + 2] += o->start[g + 1];
    for (int64_t k = 0; k < o->nedges; k++) o->sorted[o->start[o->edges[k].from + 1]++] = (uint32_t)k;
    return 1;
}

static int before(const ordering *o, uint32_t a, uint32_t b)
{
    return agi_fusion_at(o->c, a)->place < agi_fusion_at(o->c, b)->place;
}

static void push(ordering *o, uint32_t g)
{
    uint32_t i = o->nheap++;
    for (; i && before(o, g, o->heap[(i - 1) / 2]); i = (i - 1) / 2) o->heap[i] = o->heap[(i - 1) / 2];
    o->heap[i] = g;
}

static uint32_t pop(ordering *o)
{
    uint32_t top = o->heap[0], last = o->heap[--o->nheap], i = 0;
    for (uint32_t child; (child = 2 * i + 1) < o->nheap; i = child) {
        if (child + 1 < o->nheap && before(o, o->heap[child + 1], o->heap[child])) child++;
        if (!before(o, o->heap[child], last)) break;
        o->heap[i] = o->heap[child];
    }
    if (o->nheap) o->heap[i] = last;
    return top;
}

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

/* The items of each group, in creation order, as one list. */
static int list_members(agi_compiler *c)
{
    uint32_t n = (uint32_t)c->groups.count, at = 0;
    c->item_list = agi_arena_take(&c->arena, (size_t)c->nitems * sizeof *c->item_list);
    if (!c->item_list) return agi_out_of_memory(c);
    for (uint32_t k = 0; k < n; k++) {
        agi_fusion *f = agi_fusion_at(c, c->order[k]);
        f->step = k;
        f->start = at;
        at += f->members;
        f->members = 0;
    }
    for (uint32_t i = 0; i < c->nitems; i++) {
        if (c->item[i].group == AGI_NONE) continue;
        agi_fusion *f = agi_fusion_at(c, c->item[i].group);
        c->item_list[f->start + f->members++] = i;
    }
    return 1;
}

int agi_order(agi_compiler *c)
{
    ordering o = { .c = c };
    uint32_t n = (uint32_t)c->groups.count, done = 0;
    c->order = agi_arena_take(&c->arena, (size_t)n * sizeof *c->order);
    if (!c->order) return agi_out_of_memory(c);
    if (!sort_edges(&o)) return 0;
    for (uint32_t g = 0; g < n; g++)
        if (!o.waiting[g]) push(&o, g);
    while (done < n) {
        if (!o.nheap) give_up_wishes(&o);
        uint32_t g = pop(&o);
        c->order[done++] = g;
        for (uint32_t k = o.start[g]; k < o.start[g + 1]; k++) release(&o, o.sorted[k]);
    }
    return list_members(c);
}
