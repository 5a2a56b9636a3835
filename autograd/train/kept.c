/* What methods keep from step to step, and what their steps are made of.
 *
 * Adam, RMSprop and Adagrad divide by the root of a mean or sum of squares, so that the size of gradients that are
 * alike does not matter. Where squares would overflow, a gradient counts as the largest number whose square does not,
 * in both means: steps are as long as those of any other large gradient, and the mean of squares forgets it as it
 * forgets others. Where squares vanish, epsilon decides; it is never less than the smallest number whose square does
 * not vanish, so that a gradient of 0 is a step of 0 whatever the options. All other steps have the bits that the
 * formulas give. */
#include "training.h"

/* ---- what is kept ------------------------------------------------------------------------------------------------ */

static int keeps_the_same(const agi_kept *k, const char *what, int count, ag_node *const parameter[])
{
    const size_t bytes = (size_t)count * sizeof *parameter;
    return !strcmp(k->what, what) && k->count == count && !memcmp(k->parameter, parameter, bytes);
}

static agi_kept *new_kept(agi_training *t, const char *what, int count, ag_node *const parameter[])
{
    agi_arena *a = &t->graph->arena;
    const size_t n = (size_t)count;
    agi_kept *k = agi_arena_zeros(a, 1, sizeof *k);
    if (!k) return NULL;
    *k = (agi_kept){ .older = t->graph->kept, .what = what, .count = count };
    k->parameter = agi_arena_copy(a, parameter, n * sizeof *k->parameter);
    if (!k->parameter) return NULL;
    for (int b = 0; b < AGI_BUFFERS; b++)
        if (!(k->buffer[b] = agi_arena_zeros(a, n, sizeof *k->buffer[b]))) return NULL;
    return t->graph->kept = k;
}

/* What an earlier call keeps for these parameters, or room for what this one will. */
agi_kept *agi_find_kept(agi_training *t, const char *what, int count, ag_node *const parameter[])
{
    for (agi_kept *k = t->graph->kept; k; k = k->older)
        if (keeps_the_same(k, what, count, parameter)) return k;
    agi_kept *k = new_kept(t, what, count, parameter);
    if (!k) agi_no_memory(t);
    return k;
}

static ag_node *new_parameter(agi_training *t, const char *of, const char *role, ag_dtype dtype, ag_shape shape)
{
    const size_t room = of ? strlen(of) + strlen(role) + 24 : 1;
    char *name = agi_arena_take(&t->arena, room);
    if (!name) return agi_no_memory(t), t->graph->bad;
    if (of) agi_free_name(t->graph, room, name, of, role);
    return ag_parameter(t->graph, of ? name : NULL, dtype, shape, NULL);
}

ag_node *agi_buffer_of(agi_training *t, agi_kept *k, int i, agi_buffer_kind kind, const char *role)
{
    const ag_node *p = k->parameter[i];
    ag_node **kept = &k->buffer[kind][i];
    if (ag_is_bad(*kept)) *kept = new_parameter(t, p->name, role, (ag_dtype)p->dtype, ag_shape_in(p));
    return *kept;
}

ag_node *agi_counter_of(agi_training *t, agi_kept *k, agi_counter_kind kind, const char *of, const char *role)
{
    if (ag_is_bad(k->counter[kind])) k->counter[kind] = new_parameter(t, of, role, AG_F64, AG_SCALAR);
    return k->counter[kind];
}

ag_node *ag_average_of(ag_node *p)
{
    for (const agi_kept *k = ag_is_bad(p) ? NULL : p->graph->kept; k; k = k->older)
        for (int i = 0; i < k->count; i++)
            if (k->parameter[i] == p && !ag_is_bad(k->buffer[AGI_AVERAGED][i])) return k->buffer[AGI_AVERAGED][i];
    return NULL;
}

ag_node *agi_update_always(agi_training *t, ag_node *parameter, ag_node *value)
{
    t->effect[t->effects++] = ag_assign(parameter, value);
    return value;
}

ag_node *agi_update(agi_training *t, ag_node *parameter, ag_node *value)
{
    agi_update_always(t, parameter, t->due ? ag_where(agi_typed(t->due, parameter), value, parameter) : value);
    return value;
}

/* ---- what steps are made of -------------------------------------------------------------------------------------- */

ag_node *agi_typed(ag_node *x, const ag_node *p)
{
    return ag_is_bad(x) || x->weak ? x : ag_cast(x, ag_type_of(p));
}

ag_node *agi_clipped(const agi_trained *g, int i)
{
    return g->clip ? ag_mul(agi_typed(g->clip, g->parameter[i]), g->gradient[i]) : g->gradient[i];
}

ag_node *agi_with_decay(const agi_trained *g, int i, double decay)
{
    ag_node *gradient = agi_clipped(g, i);
    return decay != 0 ? ag_add(gradient, ag_scale(g->parameter[i], decay)) : gradient;
}

ag_node *agi_squarable(const agi_trained *g, int i, ag_node *gradient)
{
    return agi_new_within(gradient, agi_largest_to_square(g->parameter[i]));
}

ag_node *agi_in_units(ag_node *m, ag_node *v, ag_node *epsilon, const ag_node *p)
{
    return agi_new_over_sqrt(v, ag_maximum(epsilon, ag_number(p->graph, 1 / agi_largest_to_square(p))), m);
}

ag_node *agi_decayed(const agi_trained *g, int i, double decay)
{
    ag_node *p = g->parameter[i];
    return decay != 0 ? ag_mul(ag_one_minus(ag_scale(agi_typed(g->rate, p), decay)), p) : p;
}

ag_node *agi_running_mean(agi_trained *g, int i, double b, ag_node *now)
{
    ag_node *old = agi_buffer_of(g->training, g->kept, i, AGI_MEANS, "m");
    return agi_update(g->training, old, b == 0 ? now : agi_new_lerp(old, now, 1 - b));
}

ag_node *agi_running_mean_square(agi_trained *g, int i, double b, ag_node *now)
{
    ag_node *old = agi_buffer_of(g->training, g->kept, i, AGI_SQUARES, "v");
    return agi_update(g->training, old, b == 0 ? ag_square(now) : agi_new_lerp_square(old, now, 1 - b));
}

ag_node *agi_accumulated(agi_trained *g, int i, double momentum, ag_node *now)
{
    ag_node *old = agi_buffer_of(g->training, g->kept, i, AGI_MEANS, "momentum");
    return agi_update(g->training, old, ag_add(ag_scale(old, momentum), now));
}
