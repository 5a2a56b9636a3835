/* Lion (Chen and others 2023): p -= rate sign(beta1 m + (1 - beta1) g), then m = beta2 m + (1 - beta2) g. */
#include "training.h"

static double beta1(const ag_lion_options *o)
{
    return agi_option(o->beta1, 0.9);
}

static double beta2(const ag_lion_options *o)
{
    return agi_option(o->beta2, 0.99);
}

static int check(agi_trained *g)
{
    const ag_lion_options *o = g->options;
    return agi_check_option(g, "beta1", beta1(o), 0, 1) && agi_check_option(g, "beta2", beta2(o), 0, 1) &&
           agi_check_decay(g, o->weight_decay) &&
           agi_check_rate(g, agi_option(o->rate, 1e-4), o->rate_node, o->clip_norm);
}

static ag_node *step(agi_trained *g, int i)
{
    const ag_lion_options *o = g->options;
    ag_node *p = g->parameter[i], *d = agi_clipped(g, i), *m = agi_buffer_of(g->training, g->kept, i, AGI_MEANS, "m");
    ag_node *direction = ag_sign(agi_new_lerp(m, d, 1 - beta1(o)));
    agi_running_mean(g, i, beta2(o), d);
    return ag_sub(agi_decayed(g, i, o->weight_decay), ag_mul(agi_typed(g->rate, p), direction));
}

const agi_method agi_lion_method = { .what = "ag_lion", .check = check, .step = step };

ag_node *ag_lion(ag_node *loss, const ag_lion_options *or_null)
{
    const ag_lion_options o = or_null ? *or_null : (ag_lion_options){ 0 };
    return agi_train("ag_lion", loss, 1, &(ag_parameter_group){ .lion = &o }, &(ag_train_options){ 0 });
}
