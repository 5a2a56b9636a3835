/* In which scope a node is. Names tell that of leaves: "block2/attn/wq" is in "block2/attn". What reads parameters is
 * where they are; other operations are where what was made before and after them is, or else with their latest operand:
 * with it, if nothing else comes from outside, else around it. Derivatives are where that is which they read of the
 * forward part, or else of derivatives. */
#include "picture.h"

enum { WHOLE = 0, DEEPEST = 24 }; /* what is deeper is in the last of so many */
#define NONE AGI_NOWHERE

/* ---- scopes ------------------------------------------------------------------------------------------------------ */

/* The one last asked for comes first: leaves of a scope follow one another. */
static uint32_t find(agi_map *m, uint32_t parent, const char *name, uint32_t length)
{
    uint32_t before = NONE, k = agi_scope_at(m, parent)->child;
    for (; k != NONE; before = k, k = agi_scope_at(m, k)->next)
        if (agi_scope_at(m, k)->length == length && !memcmp(agi_scope_at(m, k)->name, name, length)) break;
    if (k == NONE || before == NONE) return k;
    agi_scope_at(m, before)->next = agi_scope_at(m, k)->next;
    agi_scope_at(m, k)->next = agi_scope_at(m, parent)->child;
    return agi_scope_at(m, parent)->child = k;
}

static uint32_t find_or_make(agi_map *m, uint32_t parent, const char *name, uint32_t length)
{
    uint32_t k = find(m, parent, name, length);
    if (k != NONE) return k;
    if (!agi_vector_grow(m->arena->allocator, &m->scopes, sizeof(agi_scope), 1)) return NONE;
    k = (uint32_t)m->scopes.count++;
    agi_scope *p = agi_scope_at(m, parent);
    *agi_scope_at(m, k) = (agi_scope){ name, length, p->depth + 1, parent, NONE, p->child };
    return p->child = k;
}

static uint32_t common(const agi_map *m, uint32_t a, uint32_t b)
{
    while (a != b)
        if (agi_scope_at(m, a)->depth >= agi_scope_at(m, b)->depth) a = agi_scope_at(m, a)->parent;
        else b = agi_scope_at(m, b)->parent;
    return a;
}

static int is_within(const agi_map *m, uint32_t inner, uint32_t outer)
{
    return common(m, inner, outer) == outer;
}

void agi_print_scope(agi_text *t, const agi_map *m, uint32_t k)
{
    const agi_scope *s = agi_scope_at(m, k);
    for (uint32_t depth = 1; depth <= s->depth; depth++) {
        const agi_scope *part = s;
        while (part->depth > depth) part = agi_scope_at(m, part->parent);
        agi_print(t, depth > 1 ? "/%.*s" : "%.*s", (int)part->length, part->name);
    }
}

/* ---- leaves ------------------------------------------------------------------------------------------------------ */

/* What is behind the last separator is the leaf's own. What belongs to a leaf, as "p/m" of an optimiser to "p", is
 * where that is. */
static uint32_t scope_length(const ag_graph *g, const char *name, char separator)
{
    char before[256];
    const char *last = strrchr(name, separator);
    if (!last || (size_t)(last - name) >= sizeof before) return 0;
    memcpy(before, name, (size_t)(last - name));
    before[last - name] = 0;
    const ag_node *owner = agi_name_find(g, AGI_LEAVES, before);
    if (owner) last = strrchr(before, separator) ? name + (strrchr(before, separator) - before) : NULL;
    return last ? (uint32_t)(last - name) : 0;
}

static uint32_t scope_of_name(agi_map *m, const char *name)
{
    const char separator = strchr(name, '/') ? '/' : '.', *end = name + scope_length(m->region.graph, name, separator);
    uint32_t scope = WHOLE;
    while (name < end && scope != NONE && agi_scope_at(m, scope)->depth < DEEPEST) {
        const char *next = memchr(name, separator, (size_t)(end - name));
        if (!next) next = end;
        if (next > name) scope = find_or_make(m, scope, name, (uint32_t)(next - name));
        name = next + 1;
    }
    return scope;
}

/* ---- operations -------------------------------------------------------------------------------------------------- */

typedef struct {
    agi_map *map;
    uint8_t *made_of; /* by place: of parameters alone */
    uint32_t *anchor; /* by place: the scope of the parameters that it reads, or NONE */
} finder;

static int is_number(const ag_node *x)
{
    return x->op->role == AG_IS_NUMBER || x->op->role == AG_IS_CONSTANT;
}

static void anchor(finder *f, uint32_t at)
{
    agi_map *m = f->map;
    const agi_region *r = &m->region;
    const ag_node *v = r->node[at];
    int all = 1;
    for (uint32_t k = 0; k < agi_visible(v); k++) {
        const uint32_t from = agi_place_in(r, v->in[k]);
        if (f->made_of[from]) f->anchor[at] = f->anchor[at] == NONE ? f->anchor[from]
                                              : common(m, f->anchor[at], f->anchor[from]);
        else all &= is_number(v->in[k]);
    }
    f->made_of[at] = all && f->anchor[at] != NONE;
}

/* The latest operand of that part that is no leaf; NONE: there is none. */
static uint32_t latest(const agi_map *m, const ag_node *v, int part)
{
    uint32_t found = NONE;
    for (uint32_t k = 0; k < agi_visible(v); k++) {
        const uint32_t from = agi_place_in(&m->region, v->in[k]);
        if (!(v->in[k]->op->flags & AG_LEAF) && m->part[from] == part && from < found) found = from;
    }
    return found;
}

static uint32_t with_operands(const agi_map *m, uint32_t at, uint32_t operand)
{
    const ag_node *v = m->region.node[at];
    if (operand == NONE) return WHOLE;
    const uint32_t scope = m->scope[operand];
    for (uint32_t k = 0; k < agi_visible(v); k++)
        if (!is_number(v->in[k]) && !is_within(m, m->scope[agi_place_in(&m->region, v->in[k])], scope))
            return agi_scope_at(m, scope)->parent;
    return scope;
}

/* Those before it have their scopes already; `before` and `after` are anchors of the same part, or NONE. */
static uint32_t choose(const finder *f, uint32_t at, uint32_t before, uint32_t after)
{
    const agi_map *m = f->map;
    const ag_node *v = m->region.node[at];
    if (f->anchor[at] != NONE) return f->anchor[at];
    if (m->part[at] == AGI_DERIVATIVE) {
        const uint32_t read = latest(m, v, AGI_FORWARD);
        const uint32_t with = read != NONE ? read : latest(m, v, AGI_DERIVATIVE);
        if (with != NONE) return m->scope[with];
    }
    const uint32_t between = before == NONE || after == NONE ? WHOLE : common(m, before, after);
    return between != WHOLE ? between : with_operands(m, at, latest(m, v, m->part[at]));
}

static void place_operations(finder *f, uint32_t *after)
{
    agi_map *m = f->map;
    uint32_t last[AGI_PARTS] = { NONE, NONE, NONE };
    for (uint32_t at = 0; at < m->region.count; at++) { /* from the last made on */
        after[at] = last[m->part[at]];
        if (f->anchor[at] != NONE && !(m->region.node[at]->op->flags & AG_LEAF)) last[m->part[at]] = f->anchor[at];
    }
    memset(last, 0xff, sizeof last);
    for (uint32_t at = m->region.count; at-- > 0;) {
        if (m->region.node[at]->op->flags & AG_LEAF) continue;
        m->scope[at] = choose(f, at, last[m->part[at]], after[at]);
        if (f->anchor[at] != NONE) last[m->part[at]] = f->anchor[at];
    }
}

int agi_find_scopes(agi_map *m)
{
    const agi_region *r = &m->region;
    finder f = { .map = m, .made_of = agi_arena_zeros(m->arena, r->count, 1),
                 .anchor = agi_arena_take(m->arena, 2 * (size_t)r->count * sizeof *f.anchor) };
    if (!f.made_of || !f.anchor) return 0;
    memset(f.anchor, 0xff, r->count * sizeof *f.anchor);
    if (!agi_vector_grow(m->arena->allocator, &m->scopes, sizeof(agi_scope), 1)) return 0;
    *agi_scope_at(m, 0) = (agi_scope){ "", 0, 0, WHOLE, NONE, NONE };
    m->scopes.count = 1;
    for (uint32_t at = r->count; at-- > 0;) {
        const ag_node *v = r->node[at];
        if (!(v->op->flags & AG_LEAF)) anchor(&f, at);
        else if (v->name && (m->scope[at] = scope_of_name(m, v->name)) == NONE) return 0;
        else if (v->op->role == AG_IS_PARAMETER) f.made_of[at] = 1, f.anchor[at] = m->scope[at];
    }
    place_operations(&f, f.anchor + r->count);
    return 1;
}
