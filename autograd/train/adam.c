/* Adam (Kingma and Ba 2015) with decoupled weight decay (Loshchilov and Hutter 2019): m and v are means of gradients
 * and of their squares, p -= rate (m / c1) / (sqrt(v / c2) + epsilon) with c = 1 - b^step. That is computed as
 * p -= (rate s / c1) m / (sqrt(v) + epsilon s) with s = sqrt(c2): the corrections are factors of what has rank 0. */
#include "training.h"

#include <math.h>

static double beta1(const ag_adam_options *o)
{
    return agi_option(o->beta1, 0.9);
}

static double beta2(const ag_adam_options *o)
{
    return agi_option(o->beta2, 0.999);
}

static double epsilon(const ag_adam_options *o)
{
    return agi_option(o->epsilon, 1e-8);
}

static int check(agi_trained *g)
{
    const ag_adam_options *o = g->options;
    return agi_check_option(g, "beta1", beta1(o), 0, 1) && agi_check_option(g, "beta2", beta2(o), 0, 1) &&
           agi_check_option(g, "epsilon", epsilon(o), 0, INFINITY) && agi_check_decay(g, o->weight_decay) &&
           agi_check_rate(g, agi_option(o->rate, 1e-3), o->rate_node, o->clip_norm);
}

/* 1 - b^step, from step 1 on. */
static ag_node *complement_of_power(double b, ag_node *step)
{
    if (ag_is_bad(step)) return step;
    return b == 0 ? ag_number(step->graph, 1) : ag_neg(ag_expm1(ag_scale(step, log(b))));
}

static int has_doubles(const agi_trained *g)
{
    for (int i = 0; i < g->count; i++)
        if (g->parameter[i]->dtype == AG_F64) return 1;
    return 0;
}

/* Steps are counted in f64, which has enough numbers; corrections are as exact as the parameters that take them: a
 * processor without f64 is spared its functions. */
static void prepare(agi_trained *g)
{
    const ag_adam_options *o = g->options;
    ag_node *taken = agi_counter_of(g->training, g->kept, AGI_STEPS, "adam", "step");
    ag_node *step = agi_update(g->training, taken, ag_add(taken, ag_number(g->training->graph, 1)));
    if (!has_doubles(g)) step = ag_cast(step, AG_F32);
    ag_node *c1 = complement_of_power(beta1(o), step), *s = ag_sqrt(complement_of_power(beta2(o), step));
    g->step_rate = ag_mul(agi_typed(g->rate, step), ag_div(s, c1));
    g->epsilon = ag_scale(s, epsilon(o));
}

static ag_node *step(agi_trained *g, int i)
{
    const ag_adam_options *o = g->options;
    ag_node *p = g->parameter[i], *d = agi_squarable(g, i, agi_clipped(g, i));
    ag_node *m = agi_running_mean(g, i, beta1(o), d), *v = agi_running_mean_square(g, i, beta2(o), d);
    ag_node *direction = agi_in_units(m, v, agi_typed(g->epsilon, p), p);
    return ag_sub(agi_decayed(g, i, o->weight_decay), ag_mul(agi_typed(g->step_rate, p), direction));
}

const agi_method agi_adam_method = { .what = "ag_adam", .check = check, .prepare = prepare, .step = step };

ag_node *ag_adam(ag_node *loss, const ag_adam_options *or_null)
{
    const ag_adam_options o = or_null ? *or_null : (ag_adam_options){ 0 };
    return agi_train("ag_adam", loss, 1, &(ag_parameter_group){ .adam = &o }, &(ag_train_options){ 0 });
}
