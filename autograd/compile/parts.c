/* Inside a pass, what an operation is made of is taken from a value that is computed there anyway: of gelu and its
 * slope, which read the same x, the normal distribution is computed once, and its density's exponential, too. The
 * patterns are those of nodes/fused, tried one after the other, so that what one takes may itself be made of what the
 * next one does. In other passes the operation computes all of it itself, and nothing is kept for it. */
#include "compile.h"
#include "fused/patterns.h"

enum { NEAR = 64 /* members to look among, before and after */ };

static int is_outer(const agi_value *it, const agi_fused_pattern *p)
{
    return agi_is_point(it) && it->op == p->outer && (p->kind == AGI_SHARES || it->dtype == AG_F32);
}

static int is_literal(const agi_compiler *c, const agi_value *part, const agi_fused_pattern *p)
{
    double number;
    return p->kind == AGI_SHARES || (agi_is_number(c->value[part->in[1]].node, &number) && number == p->literal);
}

/* Does member m compute the part, of the same elements? */
static int is_part(const agi_compiler *c, uint32_t m, const agi_value *it, const agi_fused_pattern *p)
{
    const uint32_t i = c->value_list[m];
    const agi_value *part = &c->value[i];
    if (!agi_is_point(part) || part->op != p->inner || part->in[0] != it->in[0] || part->row != it->row) return 0;
    if (part->target != AGI_NONE || agi_awaited(c, i) != AGI_NONE) return 0;
    return ag_same_shape(part->node, it->node) && is_literal(c, part, p);
}

/* The part comes right before the value if it came after it: it reads nothing else that the pass makes. */
static void share_part(agi_compiler *c, uint32_t m, uint32_t by, const agi_fused_pattern *p)
{
    uint32_t *list = c->value_list, part = list[by];
    agi_value *it = &c->value[list[m]];
    it->op = p->fused;
    it->in[1] = part;
    it->nin = 2;
    c->value[part].uses++;
    for (; by > m; by--) list[by] = list[by - 1], list[by - 1] = part;
}

static void share_parts(agi_compiler *c, const agi_fusion *f, const agi_fused_pattern *p)
{
    const uint32_t first = f->start, end = first + f->members;
    for (uint32_t m = first; m < end; m++) {
        const agi_value *it = &c->value[c->value_list[m]];
        if (!is_outer(it, p)) continue;
        uint32_t by = m - first > NEAR ? m - NEAR : first;
        const uint32_t last = end - m > NEAR ? m + NEAR : end;
        while (by < last && !is_part(c, by, it, p)) by++;
        if (by < last) share_part(c, m, by, p);
    }
}

int agi_share_parts(agi_compiler *c)
{
    for (const agi_fused_pattern *p = agi_patterns; p < agi_patterns + agi_pattern_count; p++)
        for (uint32_t g = 0; g < (uint32_t)c->groups.count && !c->options->unfused; g++)
            if ((p->kind == AGI_SHARES || p->kind == AGI_SHARES_F32) && agi_fusion_at(c, g)->kind == AGI_GROUP_TILE)
                share_parts(c, agi_fusion_at(c, g), p);
    return 1;
}
