/* The boxes of a picture: its parts, in them scopes, in them loops; and which of them are drawn as one node each. */
#include "picture.h"

#define NONE AGI_NOWHERE
enum { USUAL_BOXES = 60 };

/* ---- making ------------------------------------------------------------------------------------------------------ */

static uint32_t add(agi_boxes *b, uint32_t parent, agi_box box)
{
    box.parent = parent;
    box.child = box.last = box.member = box.next = NONE;
    b->box[b->count] = box;
    agi_box *around = parent == NONE ? NULL : &b->box[parent];
    if (around && around->child == NONE) around->child = b->count;
    else if (around) b->box[around->last].next = b->count;
    if (around) around->last = b->count;
    return b->count++;
}

/* Of all scopes that nodes of the part are in, and those around them; of the whole one the part's, which is the picture
 * for the forward one. by: by scope, marked or NONE; then their boxes. */
static void add_scopes(agi_boxes *b, int part, uint32_t *by)
{
    const agi_map *m = b->map;
    for (int64_t k = m->scopes.count; k-- > 1;)
        if (by[k] != NONE) by[agi_scope_at(m, (uint32_t)k)->parent] = 0;
    for (uint32_t k = 0; k < m->scopes.count; k++) {
        if (by[k] == NONE) continue;
        const agi_box box = { .part = (uint8_t)part, .scope = k ? k : NONE, .loop = NONE };
        if (k) by[k] = add(b, by[agi_scope_at(m, k)->parent], box);
        else by[k] = part == AGI_FORWARD ? 0 : add(b, 0, box);
    }
}

static int is_hidden(const agi_map *m, uint32_t at, int forward)
{
    const ag_node *v = m->region.node[at];
    const int group = v->op->flags & AG_ALIAS && v->op->inputs < 0;
    double number;
    if (group && m->part[at] == AGI_UPDATE) return 1; /* the assignments are there */
    if (forward && m->part[at] != AGI_FORWARD) return 1;
    if (v->op->flags & AG_LOOP) return !agi_body_control(v, 0) && !agi_body_control(v, 1);
    return agi_is_number(v, &number) && !m->output[at];
}

/* A leaf is where its first reader's part is: no parameter of an optimiser stands among the forward ones. */
static void part_leaves(agi_map *m)
{
    const agi_region *r = &m->region;
    uint8_t *read = agi_arena_zeros(m->arena, r->count, 1);
    for (uint32_t at = r->count; read && at-- > 0;)
        for (uint32_t k = 0; k < agi_visible(r->node[at]); k++) {
            const uint32_t from = agi_place_in(r, r->node[at]->in[k]);
            if (r->node[from]->op->flags & AG_LEAF && !read[from]) read[from] = 1, m->part[from] = m->part[at];
        }
}

static int fill(agi_boxes *b, const ag_picture_options *o)
{
    agi_map *m = b->map;
    const uint32_t n = m->region.count, scopes = (uint32_t)m->scopes.count;
    const size_t room = (AGI_PARTS * (size_t)scopes + n) * sizeof(uint32_t);
    uint32_t *by = agi_arena_take(m->arena, room), *of_loop = by + AGI_PARTS * scopes;
    if (!by) return 0;
    memset(by, 0xff, room);
    add(b, NONE, (agi_box){ .scope = NONE, .loop = NONE });
    for (uint32_t at = 0; at < n; at++)
        if (!(b->hidden[at] = (uint8_t)is_hidden(m, at, o->forward)) || m->region.node[at]->op->flags & AG_LOOP)
            if (!o->forward || m->part[at] == AGI_FORWARD) by[m->part[at] * scopes + m->scope[at]] = 0;
    for (int part = 0; part < AGI_PARTS; part++) add_scopes(b, part, by + (uint32_t)part * scopes);
    for (uint32_t at = 0; at < n; at++) {
        if (o->forward && m->part[at] != AGI_FORWARD) continue;
        const uint32_t loop = m->loop[at], in_scope = by[m->part[at] * scopes + m->scope[at]];
        b->of[at] = loop != NONE ? of_loop[loop] : in_scope;
        if (!(m->region.node[at]->op->flags & AG_LOOP)) continue;
        b->of[at] = of_loop[at] = add(b, b->of[at], (agi_box){ .part = m->part[at], .scope = NONE, .loop = at });
    }
    for (uint32_t at = 0; at < n; at++) {
        if (b->hidden[at]) continue;
        b->beside[at] = b->box[b->of[at]].member;
        b->box[b->of[at]].member = at;
    }
    return 1;
}

/* ---- folding ----------------------------------------------------------------------------------------------------- */

uint32_t agi_box_drawn(const agi_boxes *b, uint32_t box)
{
    uint32_t found = box;
    for (uint32_t k = box; k != NONE; k = b->box[k].parent)
        if (b->box[k].folded) found = k;
    return found;
}

uint32_t agi_box_next(const agi_boxes *b, uint32_t k, int inside, int *left)
{
    *left = 0;
    if (inside && b->box[k].child != NONE) return b->box[k].child;
    for (; k != NONE; k = b->box[k].parent) {
        ++*left;
        if (b->box[k].next != NONE) return b->box[k].next;
    }
    return NONE;
}

int64_t agi_boxes_drawn(const agi_boxes *b)
{
    int64_t n = 0;
    for (uint32_t k = 0; k < b->count; k++) {
        const uint32_t drawn = agi_box_drawn(b, k);
        n += drawn == k && b->box[k].folded;
        for (uint32_t at = b->box[k].member; at != NONE && !b->box[drawn].folded; at = b->beside[at]) n++;
    }
    return n;
}

/* Of each part the scopes as deep as that; with 0, loops, too. The updates are one box, or in boxes. */
typedef struct {
    uint32_t depth[AGI_PARTS];
    int updates;
} folding;

static void fold(agi_boxes *b, const folding *how)
{
    for (uint32_t k = 0; k < b->count; k++) {
        agi_box *x = &b->box[k];
        const uint32_t depth = how->depth[x->part];
        if (x->scope != NONE) x->folded = agi_scope_at(b->map, x->scope)->depth >= (depth ? depth : 1);
        else if (x->loop != NONE) x->folded = !depth;
        else x->folded = how->updates && x->part == AGI_UPDATE;
    }
}

/* What there is most of and says least first: updates, then derivatives, then the innermost scopes. */
static void fold_until(agi_boxes *b, uint32_t deepest, int most)
{
    folding how = { { deepest, deepest, deepest }, 0 };
    uint32_t *forward = &how.depth[AGI_FORWARD], *derivative = &how.depth[AGI_DERIVATIVE];
    for (fold(b, &how); agi_boxes_drawn(b) > most && *forward; fold(b, &how))
        if (!how.updates) how.updates = 1;
        else if (*derivative > 1) --*derivative;
        else if (--*forward == 0) *derivative = 0;
}

int agi_boxes_make(agi_boxes *b, agi_map *m, const ag_picture_options *o)
{
    const size_t n = m->region.count;
    uint32_t loops = 0, depth = 1;
    for (size_t at = 0; at < n; at++) loops += (m->region.node[at]->op->flags & AG_LOOP) != 0;
    const size_t most = 1 + AGI_PARTS * (size_t)m->scopes.count + loops;
    *b = (agi_boxes){ .map = m, .box = agi_arena_take(m->arena, most * sizeof *b->box),
                      .of = agi_arena_zeros(m->arena, n, sizeof *b->of),
                      .beside = agi_arena_take(m->arena, n * sizeof *b->beside),
                      .hidden = agi_arena_zeros(m->arena, n, 1) };
    if (!b->box || !b->of || !b->beside || !b->hidden) return 0;
    part_leaves(m);
    if (!fill(b, o)) return 0;
    for (uint32_t k = 0; k < m->scopes.count; k++)
        if (agi_scope_at(m, k)->depth >= depth) depth = agi_scope_at(m, k)->depth + 1;
    const uint32_t d = (uint32_t)o->depth;
    if (o->depth > 0) fold(b, &(folding){ { d, d, d }, 0 });
    else fold_until(b, depth, o->boxes > 0 ? o->boxes : USUAL_BOXES);
    return 1;
}
