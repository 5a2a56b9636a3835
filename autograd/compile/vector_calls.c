/* Scalar programs call functions one by one, while vectors of them cost little more than one. So within windows of a
 * program values are ordered by depth: how many calls their values have passed since the window began. Calls of one
 * function wait for each other as long as nobody needs a result; then they stand side by side, and are made together.
 * In the reverse sweep of a chain, say, all slopes of a window are. A window bounds how much longer values live. */
#include "compile.h"

enum { WINDOW = 256, NOBODY = -1, FEWEST = 6 /* elements; of fewer, libm's own functions are as fast */ };

typedef struct {
    int16_t first, last;
} list; /* of a window's values: places, chained by `next` */

typedef struct {
    list calls;
    const ag_op *op;
    int depth, count;
    int64_t elements;
    int16_t next; /* of its depth */
} vector_call;

typedef struct {
    agi_compiler *c;
    uint32_t *value;      /* the window's, in order */
    uint8_t *together;   /* by place */
    int n, depths, vector_calls;
    uint16_t *above;     /* by value: the depth of what reads it */
    uint8_t call[AG_CODE_COUNT]; /* 0: not known yet */
    int16_t latest[AG_CODE_COUNT]; /* the vector call of this function made last */
    list arithmetic[WINDOW];  /* by depth: what has to be there before the calls of that depth, */
    int16_t calls[WINDOW];    /* and these */
    int16_t next[WINDOW];
    vector_call vector_call[WINDOW];
} window;

enum { ARITHMETIC = 1, CALL };

/* What assigns a parameter keeps its place behind the parameter's earlier readers. */
static int is_call(window *w, const agi_value *it)
{
    if (it->kind != AGI_VALUE_POINT || !it->op || it->target != AGI_NONE) return 0;
    uint8_t *known = &w->call[it->op->code];
    if (!*known) *known = agi_calls_of(it->op) == AGI_CALLS_MATH ? CALL : ARITHMETIC;
    return *known == CALL;
}

/* The depth at which all operands are there. */
static int depth_of(window *w, uint32_t i)
{
    const agi_compiler *c = w->c;
    const agi_value *it = &c->value[i];
    int depth = 0;
    if (it->target != AGI_NONE) return w->depths;
    for (int k = 0, s; (s = agi_sources(c, it, k)) >= 0; k++) {
        uint32_t root = c->value[s].root;
        if (c->value[root].group != it->group || root < w->value[0]) continue;
        if (w->above[root] > depth) depth = w->above[root];
    }
    return depth;
}

static void append(window *w, list *l, int place)
{
    if (l->first == NOBODY) l->first = (int16_t)place;
    else w->next[l->last] = (int16_t)place;
    l->last = (int16_t)place;
    w->next[place] = NOBODY;
}

static int takes(const vector_call *b, const ag_op *op, int64_t elements)
{
    return b->op == op && b->elements + elements <= AGI_LARGEST_VECTOR_CALL;
}

/* A vector call that a call may join: of its depth, or the latest, if that is deeper; else a new one. */
static vector_call *call_for(window *w, const ag_op *op, int depth, int64_t elements)
{
    for (int k = w->calls[depth]; k != NOBODY; k = w->vector_call[k].next)
        if (takes(&w->vector_call[k], op, elements)) return &w->vector_call[k];
    int latest = w->latest[op->code];
    if (latest != NOBODY && w->vector_call[latest].depth > depth && takes(&w->vector_call[latest], op, elements))
        return &w->vector_call[latest];
    vector_call *b = &w->vector_call[w->vector_calls];
    *b = (vector_call){ .calls = { NOBODY, NOBODY }, .op = op, .depth = depth, .next = w->calls[depth] };
    w->calls[depth] = w->latest[op->code] = (int16_t)w->vector_calls++;
    return b;
}

static void sort_by_depth(window *w)
{
    w->depths = w->vector_calls = 0;
    for (int c = 0; c < AG_CODE_COUNT; c++) w->latest[c] = NOBODY;
    for (int k = 0; k < w->n; k++) w->arithmetic[k].first = w->calls[k] = NOBODY;
    for (int k = 0; k < w->n; k++) {
        uint32_t i = w->value[k];
        const agi_value *it = &w->c->value[i];
        int depth = depth_of(w, i);
        if (is_call(w, it)) {
            int64_t elements = it->few;
            vector_call *b = call_for(w, it->op, depth, elements);
            append(w, &b->calls, k);
            b->count++;
            b->elements += elements;
            depth = b->depth;
            w->above[i] = (uint16_t)(depth + 1);
        } else {
            append(w, &w->arithmetic[depth], k);
            w->above[i] = (uint16_t)depth;
        }
        if (depth >= w->depths) w->depths = depth + 1;
    }
}

static int write_list(const window *w, const list *l, uint32_t *order, int n)
{
    for (int k = l->first; k != NOBODY; k = w->next[k]) order[n++] = w->value[k];
    return n;
}

/* Rewrites the window if that brings calls together. */
static void order_window(window *w)
{
    uint32_t order[WINDOW];
    uint8_t together[WINDOW] = { 0 };
    int n = 0, found = 0;
    sort_by_depth(w);
    for (int d = 0; d < w->depths; d++) {
        n = write_list(w, &w->arithmetic[d], order, n);
        for (int k = w->calls[d]; k != NOBODY; k = w->vector_call[k].next) {
            const vector_call *b = &w->vector_call[k];
            if (b->elements >= FEWEST) together[n] = (uint8_t)b->count, found = 1;
            n = write_list(w, &b->calls, order, n);
        }
    }
    if (!found) return;
    memcpy(w->value, order, (size_t)n * sizeof *order);
    memcpy(w->together, together, (size_t)n);
}

int agi_make_vector_calls(agi_compiler *c)
{
    window w = { .c = c };
    c->together = agi_arena_zeros(&c->arena, c->nvalues, sizeof *c->together);
    w.above = agi_arena_take(&c->arena, (size_t)c->nvalues * sizeof *w.above);
    if (!c->together || !w.above) return agi_out_of_memory(c);
    for (uint32_t g = 0; g < (uint32_t)c->groups.count; g++) {
        const agi_fusion *f = agi_fusion_at(c, g);
        for (uint32_t m = 0; f->kind == AGI_GROUP_SCALAR && m < f->members; m += WINDOW) {
            w.value = c->value_list + f->start + m;
            w.together = c->together + f->start + m;
            w.n = f->members - m < WINDOW ? (int)(f->members - m) : WINDOW;
            order_window(&w);
        }
    }
    return 1;
}
