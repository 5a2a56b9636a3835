/* An operation on a value that is in memory anyway moves to the only other pass that reads its result, where it is a
 * register: it would have to be stored, as the mask of a relu that the forward pass computes on the way. */
#include "compile.h"

enum { MUCH = 8 /* an operand of less than one part in so many is not worth counting */ };
#define MANY (AGI_NONE - 1)

typedef struct {
    agi_compiler *c;
    uint32_t *reader; /* by item: the only other group that reads it, AGI_NONE or MANY */
    uint8_t *stays;   /* by item: read in its own group, waited for, or not element by element */
} sinking;

static int in_tiles(const agi_compiler *c, const agi_item *it)
{
    return it->group != AGI_NONE && agi_fusion_at(c, it->group)->kind == AGI_GROUP_TILE;
}

static void find_readers(sinking *s)
{
    const agi_compiler *c = s->c;
    for (uint32_t i = 0; i < c->nitems; i++) {
        const agi_item *it = &c->item[i];
        if (it->group == AGI_NONE) continue;
        uint32_t after = agi_awaited(c, i);
        if (after != AGI_NONE) s->stays[after] = 1;
        for (int k = 0, operand; (operand = agi_sources(c, it, k)) >= 0; k++) {
            uint32_t root = c->item[operand].root;
            if (!in_tiles(c, &c->item[root])) continue;
            if (c->item[root].group == it->group) {
                s->stays[root] = 1;
                continue;
            }
            s->reader[root] = s->reader[root] == AGI_NONE || s->reader[root] == it->group ? it->group : MANY;
            if (!in_tiles(c, it) || s->stays[root]) continue;
            agi_pattern p = agi_operand_walk(c, it, k);
            s->stays[root] = !agi_pattern_flat(&p);
        }
    }
}

/* Of what it is made of all is in memory and one thing at most not for good, which may now live as long as it did. */
static int operands_stay(const sinking *s, const agi_item *it)
{
    const agi_compiler *c = s->c;
    int64_t bytes = agi_node_bytes(it->node);
    int large = 0;
    for (int k = 0; k < it->nin; k++) {
        uint32_t root = c->item[it->in[k]].root;
        const agi_item *r = &c->item[root];
        if (r->kind == AGI_ITEM_LEAF && r->onto != AGI_NONE) return 0;
        if (r->kind == AGI_ITEM_LEAF) continue;
        if (r->group == it->group && s->reader[root] == AGI_NONE && !r->held && r->target == AGI_NONE) return 0;
        if (agi_node_bytes(r->node) > bytes) return 0;
        large += agi_node_bytes(r->node) * MUCH > bytes;
    }
    return large <= 1;
}

static int sinks(const sinking *s, uint32_t i)
{
    const agi_compiler *c = s->c;
    const agi_item *it = &c->item[i];
    if (!agi_is_point(it) || !it->op || !in_tiles(c, it) || it->row || it->held || it->target != AGI_NONE) return 0;
    if (s->stays[i] || s->reader[i] == AGI_NONE || s->reader[i] == MANY) return 0;
    const agi_fusion *f = agi_fusion_at(c, s->reader[i]);
    if (f->kind != AGI_GROUP_TILE || f->dtype != it->node->dtype || f->points != ag_count(it->node)) return 0;
    return operands_stay(s, it);
}

static void move(sinking *s, uint32_t i)
{
    agi_compiler *c = s->c;
    agi_item *it = &c->item[i];
    for (int k = 0; k < it->nin; k++) {
        uint32_t root = c->item[it->in[k]].root;
        if (in_tiles(c, &c->item[root]) && s->reader[root] != s->reader[i]) s->reader[root] = MANY;
    }
    agi_fusion_at(c, it->group)->members--;
    it->group = s->reader[i];
    agi_fusion_at(c, it->group)->members++;
}

/* Groups that have lost all members. */
static void drop_empty(agi_compiler *c, uint32_t *renamed)
{
    uint32_t n = 0;
    for (uint32_t g = 0; g < (uint32_t)c->groups.count; g++) {
        renamed[g] = n;
        if (agi_fusion_at(c, g)->members) *agi_fusion_at(c, n++) = *agi_fusion_at(c, g);
    }
    c->groups.count = n;
    for (uint32_t i = 0; i < c->nitems; i++)
        if (c->item[i].group != AGI_NONE) c->item[i].group = renamed[c->item[i].group];
}

int agi_sink(agi_compiler *c)
{
    sinking s = { .c = c };
    int moved = 0;
    if (c->options->unfused) return 1;
    s.reader = agi_arena_take(&c->arena, c->nitems * sizeof *s.reader);
    s.stays = agi_arena_zeros(&c->arena, c->nitems, 1);
    uint32_t *renamed = agi_arena_take(&c->arena, (size_t)c->groups.count * sizeof *renamed);
    if (!s.reader || !s.stays || !renamed) return agi_out_of_memory(c);
    memset(s.reader, 0xff, c->nitems * sizeof *s.reader);
    find_readers(&s);
    for (uint32_t i = c->nitems; i-- > 0;)
        if (sinks(&s, i)) move(&s, i), moved = 1;
    if (moved) drop_empty(c, renamed);
    return 1;
}
