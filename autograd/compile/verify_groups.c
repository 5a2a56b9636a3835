/* Groups after a stage. What must hold:
 *
 * - Every computed value is in one group, of those that may compute it: calls and products by themselves, tiny values
 *   in scalar programs, the others in a pass over their own elements, where an operand from inside is a register.
 * - A group's level is above the levels of all groups it reads from or waits for: there are no cycles.
 * - Once they have an order: every group comes once, after those it reads from; every member comes once, after the
 *   members it reads; vector calls are calls of one function that do not need each other; and a value that is needed
 *   outside its group is stored. */
#include "verify.h"

static const agi_fusion *group_of(const agi_compiler *c, uint32_t i)
{
    return agi_fusion_at(c, c->value[i].group);
}

/* ---- membership -------------------------------------------------------------------------------------------------- */

/* As many elements as the pass has, or one for each of its rows. */
static int elements_fit(const agi_fusion *f, int64_t elements)
{
    return elements == f->points || (f->columns && elements * f->columns == f->points);
}

static int may_be_in(const agi_compiler *c, const agi_value *it, const agi_fusion *f)
{
    if (f->kind == AGI_GROUP_SINGLE) return f->members == 1 && !it->small;
    if (it->node->dtype != f->dtype) return 0;
    if (f->kind == AGI_GROUP_SCALAR)
        return it->small && (ag_count(it->node) <= AGI_LARGEST_SMALL || (it->kind == AGI_VALUE_CALL && it->stored));
    if (it->small || (it->kind != AGI_VALUE_POINT && it->kind != AGI_VALUE_FOLD)) return 0;
    const ag_node *over = it->kind == AGI_VALUE_FOLD ? c->value[it->in[0]].node : it->node;
    return elements_fit(f, ag_count(over)) && (!it->row || elements_fit(f, ag_count(it->node)));
}

/* Is the operand, of the same pass, a register that the reader can have? */
static int is_register(const agi_compiler *c, const agi_value *it, int k, const agi_value *operand)
{
    const agi_fusion *f = agi_fusion_at(c, it->group);
    agi_pattern p = agi_operand_walk(c, it, k);
    int row = it->kind == AGI_VALUE_FOLD ? ag_count(c->value[it->in[0]].node) != f->points : it->row;
    if (operand->kind == AGI_VALUE_FOLD && !operand->row) return 0;
    if (operand->row == row) return agi_pattern_flat(&p);
    return operand->row && agi_pattern_rows(&p, f->points, f->columns);
}

static int check_operands(const agi_compiler *c, uint32_t i)
{
    const agi_value *it = &c->value[i];
    const agi_fusion *f = group_of(c, i);
    for (int k = 0, s; (s = agi_sources(c, it, k)) >= 0; k++) {
        uint32_t root = c->value[s].root;
        const agi_value *r = &c->value[root];
        if (r->group == AGI_NONE) continue;
        if (r->group == it->group) {
            if (f->kind != AGI_GROUP_TILE || is_register(c, it, k, r)) continue;
            return agi_broken(c, "value %u reads %u in the pass of group %u, which is no register there", i, root,
                              it->group);
        }
        if (group_of(c, root)->level >= f->level)
            return agi_broken(c, "value %u of group %u, level %u, reads %u of group %u, level %u", i, it->group,
                              f->level, root, r->group, group_of(c, root)->level);
    }
    uint32_t after = agi_awaited(c, i);
    if (after == AGI_NONE || c->value[after].group == it->group || group_of(c, after)->level < f->level) return 1;
    return agi_broken(c, "value %u of group %u waits for %u of group %u, which is not below it", i, it->group, after,
                      c->value[after].group);
}

static int count_members(agi_compiler *c, uint32_t *members)
{
    uint32_t n = (uint32_t)c->groups.count;
    for (uint32_t i = 0; i < c->nvalues; i++) {
        const agi_value *it = &c->value[i];
        if (agi_is_computed(it) != (it->group != AGI_NONE) || (it->group != AGI_NONE && it->group >= n))
            return agi_broken(c, "value %u is in group %d of %u", i, (int)it->group, n);
        if (it->group != AGI_NONE) members[it->group]++;
    }
    for (uint32_t g = 0; g < n; g++)
        if (!members[g] || members[g] != agi_fusion_at(c, g)->members)
            return agi_broken(c, "group %u has %u members, but says %u", g, members[g], agi_fusion_at(c, g)->members);
    return 1;
}

int agi_verify_groups(agi_compiler *c)
{
    uint32_t *members = agi_arena_zeros(&c->arena, (size_t)c->groups.count, sizeof *members);
    if (!members) return agi_out_of_memory(c);
    if (!agi_verify_values(c) || !count_members(c, members)) return 0;
    for (uint32_t i = 0; i < c->nvalues; i++) {
        const agi_value *it = &c->value[i];
        if (it->group == AGI_NONE) continue;
        if (!may_be_in(c, it, group_of(c, i)))
            return agi_broken(c, "value %u (%s) is in group %u, which cannot compute it", i, it->node->op->name,
                              it->group);
        if (!check_operands(c, i)) return 0;
    }
    return 1;
}

/* ---- order ------------------------------------------------------------------------------------------------------- */

/* By value: its place in the list of all members. */
static int find_places(agi_compiler *c, uint32_t *place)
{
    uint32_t n = (uint32_t)c->groups.count, at = 0;
    memset(place, 0xff, (size_t)c->nvalues * sizeof *place);
    for (uint32_t k = 0; k < n; k++) {
        uint32_t g = c->order[k];
        if (g >= n || agi_fusion_at(c, g)->step != k)
            return agi_broken(c, "group %u is step %u, which is not where it says", g, k);
        if (agi_fusion_at(c, g)->start != at) return agi_broken(c, "the members of group %u begin elsewhere", g);
        for (uint32_t end = at + agi_fusion_at(c, g)->members; at < end; at++) {
            uint32_t i = c->value_list[at];
            if (i >= c->nvalues || c->value[i].group != g)
                return agi_broken(c, "value %u is listed in group %u, but is in another", i, g);
            if (place[i] != AGI_NONE) return agi_broken(c, "value %u is listed twice in group %u", i, g);
            place[i] = at;
        }
    }
    return 1;
}

/* Are the group, and in it the member, after what the value reads? */
static int comes_after(const agi_compiler *c, uint32_t i, const uint32_t *place)
{
    const agi_value *it = &c->value[i];
    for (int k = 0, s; (s = agi_sources(c, it, k)) >= 0; k++) {
        uint32_t root = c->value[s].root;
        const agi_value *r = &c->value[root];
        if (r->group == AGI_NONE) continue;
        if (place[root] >= place[i])
            return agi_broken(c, "value %u, in step %u, reads %u before it is made, in step %u", i,
                              group_of(c, i)->step, root, group_of(c, root)->step);
        if (r->group != it->group && !r->stored)
            return agi_broken(c, "value %u reads %u of another group, which is not stored", i, root);
    }
    uint32_t after = agi_awaited(c, i);
    if (after != AGI_NONE && group_of(c, after)->step > group_of(c, i)->step)
        return agi_broken(c, "value %u, in step %u, waits for %u, in step %u", i, group_of(c, i)->step, after,
                          group_of(c, after)->step);
    if (!it->stored && (it->held || it->target != AGI_NONE))
        return agi_broken(c, "value %u is needed when its group has ended, but is not stored", i);
    return 1;
}

/* The values from here on that are made by one vector call. */
static int check_vector_call(const agi_compiler *c, uint32_t at, const uint32_t *place)
{
    uint32_t end = at + c->together[at];
    const agi_value *first = &c->value[c->value_list[at]];
    const agi_fusion *f = agi_fusion_at(c, first->group);
    int64_t elements = 0;
    for (uint32_t m = at; m < end; m++) {
        uint32_t i = c->value_list[m];
        const agi_value *it = &c->value[i];
        if (m >= f->start + f->members || it->op != first->op || (m > at && c->together[m]))
            return agi_broken(c, "value %u does not belong to the vector call of value %u", i, c->value_list[at]);
        for (int k = 0, s; (s = agi_sources(c, it, k)) >= 0; k++) {
            uint32_t root = c->value[s].root;
            if (c->value[root].group == it->group && place[root] >= at)
                return agi_broken(c, "value %u reads %u in the same vector call", i, root);
        }
        elements += ag_count(it->node);
    }
    if (elements <= AGI_LARGEST_VECTOR_CALL) return 1;
    return agi_broken(c, "the vector call of value %u has %lld elements", c->value_list[at], (long long)elements);
}

int agi_verify_order(agi_compiler *c)
{
    uint32_t *place = agi_arena_take(&c->arena, (size_t)c->nvalues * sizeof *place), members = 0;
    if (!place) return agi_out_of_memory(c);
    if (!find_places(c, place)) return 0;
    for (uint32_t i = 0; i < c->nvalues; i++) {
        if (c->value[i].group == AGI_NONE) continue;
        if (place[i] == AGI_NONE) return agi_broken(c, "value %u is listed in no group", i);
        if (!comes_after(c, i, place)) return 0;
        members++;
    }
    for (uint32_t m = 0; c->together && m < members; m++)
        if (c->together[m] && !check_vector_call(c, m, place)) return 0;
    return 1;
}
