/* Rates that depend on the step, as PyTorch's schedulers have them; what lies before the first step and after the last
 * one has the rate of that. */
#include "training.h"

#include <math.h>

/* ---- the step ---------------------------------------------------------------------------------------------------- */

/* The assignment that counts evaluations in the parameter of that name, which an earlier call may have made. */
static ag_node *counting(ag_graph *g, const char *name)
{
    for (const agi_kept *k = g->kept; k; k = k->older)
        if (k->counted && !strcmp(k->counted->in[0]->name, name)) return k->counted;
    agi_kept *k = agi_arena_zeros(&g->arena, 1, sizeof *k);
    if (!k) return agi_fail(g, AG_EMEM, "ag_step: out of memory");
    ag_node *counter = ag_parameter(g, name, AG_F64, AG_SCALAR, NULL);
    ag_node *counted = ag_assign(counter, ag_add(counter, ag_number(g, 1)));
    if (ag_is_bad(counted)) return g->bad;
    *k = (agi_kept){ .older = g->kept, .what = "ag_step", .counted = counted };
    g->kept = k;
    return counted;
}

ag_node *ag_step(ag_graph *g, const char *name, int64_t every)
{
    if (!g) return NULL;
    if (every < 0) return agi_fail(g, AG_EARG, "ag_step: every %lld evaluations: give 0 or more", (long long)every);
    ag_node *counted = counting(g, name ? name : "train/step");
    if (ag_is_bad(counted)) return g->bad;
    ag_node *before = ag_sub(counted, ag_number(g, 1));
    return every > 1 ? ag_floor(ag_div(before, ag_number(g, (double)every))) : before;
}

/* ---- rates ------------------------------------------------------------------------------------------------------- */

/* Is x, the role of the call `what`, a real number of rank 0? */
static int check_node(ag_graph *g, const char *what, ag_node *x, const char *role)
{
    if (agi_check_nodes(g, what, 1, &x, role)) return 0;
    if (!x->rank && x->dtype != AG_I64) return 1;
    agi_fail_at(g, x->rank ? AG_ESHAPE : AG_ETYPE, 1, &x, "%s: the %s is not a single real number of rank 0", what,
                role);
    return 0;
}

static int check_steps(ag_graph *g, const char *what, int64_t steps)
{
    if (steps < 1) agi_fail(g, AG_EARG, "%s: %lld steps: give 1 or more", what, (long long)steps);
    return steps >= 1;
}

static int check_value(ag_graph *g, const char *what, const char *name, double value)
{
    const int fine = value >= 0 && isfinite(value);
    if (!fine) agi_fail(g, AG_EARG, "%s: %s is %g: it has to be at least 0", what, name, value);
    return fine;
}

/* What part of the steps is behind: from 0 to 1. */
static ag_node *part(ag_node *step, double from, double steps)
{
    ag_graph *g = ag_graph_of(step);
    ag_node *t = ag_div(ag_sub(step, ag_number(g, from)), ag_number(g, steps));
    return ag_minimum(ag_maximum(t, ag_number(g, 0)), ag_number(g, 1));
}

static ag_node *line(double from, double to, ag_node *part)
{
    return ag_add(ag_scale(part, to - from), ag_number(ag_graph_of(part), from));
}

static ag_node *wave(double from, double to, ag_node *part)
{
    ag_node *half = ag_scale(ag_add(ag_cos(ag_scale(part, 3.14159265358979323846)), ag_number(ag_graph_of(part), 1)),
                             0.5); /* from 1 to 0 */
    return ag_add(ag_scale(half, from - to), ag_number(ag_graph_of(part), to));
}

typedef ag_node *course(double from, double to, ag_node *part);

static ag_node *from_to(const char *what, ag_node *step, double from, double to, int64_t steps, course *c)
{
    if (!step) return NULL;
    ag_graph *g = step->graph;
    if (!check_node(g, what, step, "step") || !check_steps(g, what, steps) || !check_value(g, what, "from", from) ||
        !check_value(g, what, "to", to)) return g->bad;
    return c(from, to, part(step, 0, (double)steps));
}

ag_node *ag_rate_linear(ag_node *step, double from, double to, int64_t steps)
{
    return from_to("ag_rate_linear", step, from, to, steps, line);
}

ag_node *ag_rate_cosine(ag_node *step, double from, double to, int64_t steps)
{
    return from_to("ag_rate_cosine", step, from, to, steps, wave);
}

ag_node *ag_rate_stairs(ag_node *step, double rate, double factor, int64_t every)
{
    static const char what[] = "ag_rate_stairs";
    if (!step) return NULL;
    ag_graph *g = step->graph;
    if (!check_node(g, what, step, "step") || !check_steps(g, what, every) || !check_value(g, what, "rate", rate) ||
        !check_value(g, what, "factor", factor)) return g->bad;
    ag_node *stair = ag_floor(ag_div(step, ag_number(g, (double)every)));
    return ag_scale(ag_pow(ag_number(g, factor), stair), rate);
}

ag_node *ag_warm_up(ag_node *rate, ag_node *step, int64_t steps)
{
    static const char what[] = "ag_warm_up";
    if (!step || !rate) return rate ? agi_fail(rate->graph, AG_EARG, "ag_warm_up: the step is NULL") : NULL;
    ag_graph *g = rate->graph;
    if (!check_node(g, what, rate, "rate") || !check_node(g, what, step, "step") || !check_steps(g, what, steps))
        return g->bad;
    return ag_mul(rate, agi_typed(part(step, -1, (double)steps), rate));
}

/* Smith and Topin 2019, in two phases: up to the peak, down to far below the beginning. */
ag_node *ag_rate_one_cycle(ag_node *step, double peak, int64_t steps, const ag_one_cycle_options *or_null)
{
    static const char what[] = "ag_rate_one_cycle";
    if (!step) return NULL;
    ag_graph *g = step->graph;
    const ag_one_cycle_options o = or_null ? *or_null : (ag_one_cycle_options){ 0 };
    const double rising = agi_option(o.rising, 0.3), start = agi_option(o.start, 25), top = rising * (double)steps - 1;
    const double finish = agi_option(o.finish, 1e4);
    if (!check_node(g, what, step, "step") || !check_steps(g, what, steps) || !check_value(g, what, "peak", peak))
        return g->bad;
    if (!(top > 0 && rising < 1 && start > 0 && finish > 0))
        return agi_fail(g, AG_EARG, "%s: of %lld steps %g are to rise, from peak / %g on, down to that / %g: they have "
                                    "to be more than one, and not all, and divisors above 0", what, (long long)steps,
                        rising * (double)steps, start, finish);
    course *c = o.linear ? line : wave;
    ag_node *up = c(peak / start, peak, part(step, 0, top));
    ag_node *down = c(peak, peak / start / finish, part(step, top, (double)steps - 1 - top));
    return ag_where(ag_less_equal(step, ag_number(g, top)), up, down);
}
