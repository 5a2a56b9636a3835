/* Values of all that a number is made of, and its derivatives by them: for pictures and pages. */
#include "picture.h"

/* What is outside of bodies, and no loop as a whole. */
static int has_value(const agi_map *m, uint32_t at)
{
    return m->loop[at] == AGI_NOWHERE && !(m->region.node[at]->op->flags & (AG_LOOP | AG_EFFECT));
}

static int out_of_memory(const agi_study *s)
{
    agi_fail(s->graph, AG_EMEM, "%s: out of memory", s->what);
    return 0;
}

int agi_study_make(agi_study *s, const char *what, agi_arena *arena, ag_node *y)
{
    *s = (agi_study){ .graph = y->graph, .what = what, .arena = arena, .y = y };
    if (y->rank || y->dtype == AG_I64)
        return agi_fail_at(s->graph, AG_ESHAPE, 1, &y, "%s: derivatives are of one real number, of rank 0", what), 0;
    if (agi_refuse_extents(what, y)) return 0;
    if (!agi_map_make(&s->map, arena, s->graph, 1, &y)) return out_of_memory(s);
    const uint32_t n = s->map.region.count;
    uint32_t m = 0;
    double number;
    s->shown = agi_arena_zeros(arena, n, 1);
    s->slope = agi_arena_zeros(arena, n, sizeof *s->slope);
    ag_node **x = agi_arena_take(arena, 2 * (size_t)n * sizeof *x), **dx = x + n;
    if (!s->shown || !s->slope || !x) return out_of_memory(s);
    for (uint32_t at = 0; at < n; at++) {
        ag_node *v = s->map.region.node[at];
        s->shown[at] = has_value(&s->map, at) && (v == y || !agi_is_number(v, &number));
        if (s->shown[at] && v->dtype != AG_I64) x[m++] = v;
    }
    if (agi_gradient(what, y, (int)m, x, dx)) return 0;
    for (uint32_t k = 0; k < m; k++) s->slope[agi_place_in(&s->map.region, x[k])] = dx[k];
    return 1;
}

/* Values from the other run, or first ones. */
static int feed(agi_study *s, const ag_run *from)
{
    ag_node *x;
    for (int k = 0; (x = ag_plan_input(s->plan, k)); k++) {
        const void *data = from ? ag_data(from, x) : NULL;
        if (!data) return agi_fail_at(s->graph, AG_EARG, 1, &x, "%s: an input without a value: give a run in which it "
                                      "is fed", s->what), 0;
        ag_feed(s->run, x, data);
    }
    for (int k = 0; from && (x = ag_plan_parameter(s->plan, k)); k++) {
        const void *data = ag_data(from, x);
        if (data) ag_feed(s->run, x, data);
    }
    return 1;
}

int agi_study_run(agi_study *s, const ag_run *leaves, int more, ag_node *const other[])
{
    const agi_region *r = &s->map.region;
    int n = more;
    ag_node **out = agi_arena_take(s->arena, (2 * (size_t)r->count + (size_t)more) * sizeof *out);
    if (!out) return out_of_memory(s);
    if (more) memcpy(out, other, (size_t)more * sizeof *out);
    for (uint32_t at = 0; at < r->count; at++) {
        if (s->shown[at]) out[n++] = r->node[at];
        if (s->slope[at]) out[n++] = s->slope[at];
    }
    s->plan = ag_compile(s->graph, n, out, NULL);
    if (!s->plan) return 0;
    s->run = ag_run_new(s->plan);
    if (!s->run) return out_of_memory(s);
    if (!feed(s, leaves)) return 0;
    const ag_status status = ag_eval(s->run);
    if (status) agi_fail(s->graph, status, "%s: %s", s->what, ag_run_error(s->run));
    return !status;
}

void agi_study_free(agi_study *s)
{
    ag_run_free(s->run);
    ag_plan_free(s->plan);
    if (s->map.arena) agi_map_free(&s->map);
}
