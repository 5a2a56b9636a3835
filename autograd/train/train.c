/* ag_train: assignments that move the parameters of a loss, as one node to list among a plan's outputs. */
#include "training.h"

#include <math.h>

static int check_loss(agi_training *t, ag_node *loss)
{
    if (t->graph->status || agi_check_nodes(t->graph, t->what, 1, &loss, "loss")) return 0;
    if (loss->rank)
        agi_fail_at(t->graph, AG_ESHAPE, 1, &loss,
                    "%s: the loss is not a single number, of rank 0: take its ag_mean or ag_sum", t->what);
    return !t->graph->status;
}

static int check_options(const agi_training *t, const ag_train_options *o)
{
    const struct {
        const char *name;
        double value, limit;
    } all[] = { { "clip_value", o->clip_value, INFINITY }, { "clip_norm", o->clip_norm, INFINITY },
                { "every", (double)o->every, 9007199254740992.0 }, { "average", o->average, 1 } };
    for (size_t k = 0; k < sizeof all / sizeof *all; k++)
        if (!(all[k].value >= 0 && all[k].value < all[k].limit))
            return agi_fail(t->graph, AG_EARG, "%s: options.%s is %g: it has to be at least 0 and below %g", t->what,
                            all[k].name, all[k].value, all[k].limit), 0;
    return 1;
}

/* ---- what all groups share --------------------------------------------------------------------------------------- */

/* The mean of the gradients since the last update, which is due when there are k of them. */
static void gather(agi_training *t, agi_kept *kept, int64_t k)
{
    ag_node *counter = agi_counter_of(t, kept, AGI_EVALUATIONS, "train", "gathered");
    ag_node *now = ag_add(counter, ag_number(t->graph, 1)), *zero = ag_number(t->graph, 0);
    ag_node *due = ag_greater_equal(now, ag_number(t->graph, (double)k));
    agi_update_always(t, counter, ag_where(due, zero, now));
    for (int i = 0; i < t->count; i++) {
        ag_node *sum = agi_buffer_of(t, kept, i, AGI_COLLECTED, "gradient");
        t->gradient[i] = ag_add(sum, ag_scale(t->gradient[i], 1 / (double)k));
        agi_update_always(t, sum, ag_where(agi_typed(due, sum), zero, t->gradient[i]));
    }
    t->due = due;
}

static void clip(agi_training *t, const ag_train_options *o)
{
    for (int i = 0; i < t->count && o->clip_value > 0; i++)
        t->gradient[i] = agi_new_within(t->gradient[i], o->clip_value);
    if (o->clip_norm == 0) return;
    ag_node *factor = agi_clipping(t, t->count, t->gradient, o->clip_norm);
    for (int i = 0; i < t->count; i++) t->gradient[i] = ag_mul(agi_typed(factor, t->parameter[i]), t->gradient[i]);
}

/* After the first update the average is the parameter. `value`: the new ones. */
static void average(agi_training *t, agi_kept *kept, double decay, ag_node *const value[])
{
    ag_node *counter = agi_counter_of(t, kept, AGI_STEPS, "train", "updates"), *zero = ag_number(t->graph, 0);
    ag_node *old = ag_where(ag_greater(counter, zero), ag_number(t->graph, decay), zero), *now = ag_one_minus(old);
    agi_update(t, counter, ag_add(counter, ag_number(t->graph, 1)));
    for (int i = 0; i < t->count; i++) {
        ag_node *a = agi_buffer_of(t, kept, i, AGI_AVERAGED, "average");
        agi_update(t, a, ag_add(ag_mul(agi_typed(old, a), a), ag_mul(agi_typed(now, a), value[i])));
    }
}

/* ---- the update -------------------------------------------------------------------------------------------------- */

static int check_methods(agi_training *t, int groups, agi_trained g[])
{
    for (int k = 0; k < groups; k++) {
        if (!g[k].count) continue;
        if (!g[k].method->check(&g[k])) return 0;
        g[k].kept = agi_find_kept(t, g[k].method->what, g[k].count, g[k].parameter);
        if (!g[k].kept) return 0;
    }
    return 1;
}

static void step(agi_training *t, agi_trained *g, ag_node **value)
{
    if (g->clip_norm > 0) g->clip = agi_clipping(t, g->count, g->gradient, g->clip_norm);
    if (g->method->prepare) g->method->prepare(g);
    for (int i = 0; i < g->count; i++) *value++ = agi_update(t, g->parameter[i], g->method->step(g, i));
}

static void write(agi_training *t, ag_node *loss, int groups, const ag_parameter_group from[],
                  const ag_train_options *o)
{
    agi_trained *g = agi_arena_zeros(&t->arena, (size_t)groups, sizeof *g);
    agi_kept *kept = NULL;
    if (!g) {
        agi_no_memory(t);
        return;
    }
    if (!check_options(t, o) || !agi_find_groups(t, loss, groups, from, g) || !check_methods(t, groups, g)) return;
    ag_node **value = agi_arena_take(&t->arena, (size_t)t->count * sizeof *value);
    if (!value) {
        agi_no_memory(t);
        return;
    }
    if (o->every > 1 || o->average > 0) {
        kept = agi_find_kept(t, "ag_train", t->count, t->parameter);
        if (!kept) return;
    }
    if (agi_gradient(t->what, loss, t->count, t->parameter, t->gradient)) return;
    if (o->every > 1) gather(t, kept, o->every);
    clip(t, o);
    for (int k = 0; k < groups; k++)
        if (g[k].count) step(t, &g[k], value + (g[k].parameter - t->parameter));
    if (o->average > 0) average(t, kept, o->average, value);
}

ag_node *agi_train(const char *what, ag_node *loss, int groups, const ag_parameter_group group[],
                   const ag_train_options *o)
{
    if (!loss) return NULL;
    agi_training t = { .what = what, .graph = loss->graph };
    t.graph->inside++;
    agi_arena_init(&t.arena, &t.graph->allocator);
    if (check_loss(&t, loss)) write(&t, loss, groups, group, o);
    t.graph->inside--;
    ag_node *update = t.effects && !t.graph->status ? ag_group(t.effects, t.effect) : t.graph->bad;
    agi_arena_free(&t.arena);
    return update;
}

ag_node *ag_train(ag_node *loss, int groups, const ag_parameter_group group[], const ag_train_options *or_null)
{
    const ag_train_options o = or_null ? *or_null : (ag_train_options){ 0 };
    if (loss && (groups < 1 || !group))
        return agi_fail(loss->graph, AG_EARG, "ag_train: no groups: { { .adam = &options } } is one of all parameters");
    return agi_train("ag_train", loss, groups, group, &o);
}
