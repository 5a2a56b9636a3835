/* RMSprop (Tieleman and Hinton 2012): v is a mean of the gradients' squares, p -= rate g / (sqrt(v) + epsilon). */
#include "training.h"

#include <math.h>

static double smoothing(const ag_rmsprop_options *o)
{
    return agi_option(o->smoothing, 0.99);
}

static double epsilon(const ag_rmsprop_options *o)
{
    return agi_option(o->epsilon, 1e-8);
}

static int check(agi_trained *g)
{
    const ag_rmsprop_options *o = g->options;
    return agi_check_option(g, "smoothing", smoothing(o), 0, 1) &&
           agi_check_option(g, "epsilon", epsilon(o), 0, INFINITY) &&
           agi_check_option(g, "momentum", o->momentum, 0, INFINITY) && agi_check_decay(g, o->weight_decay) &&
           agi_check_rate(g, agi_option(o->rate, 0.01), o->rate_node, o->clip_norm);
}

static ag_node *step(agi_trained *g, int i)
{
    const ag_rmsprop_options *o = g->options;
    ag_node *p = g->parameter[i], *d = agi_squarable(g, i, agi_with_decay(g, i, o->weight_decay));
    ag_node *v = agi_running_mean_square(g, i, smoothing(o), d);
    ag_node *direction = agi_in_units(d, v, ag_number(p->graph, epsilon(o)), p);
    if (o->momentum != 0) direction = agi_accumulated(g, i, o->momentum, direction);
    return ag_sub(p, ag_mul(agi_typed(g->rate, p), direction));
}

const agi_method agi_rmsprop_method = { .what = "ag_rmsprop", .check = check, .step = step };

ag_node *ag_rmsprop(ag_node *loss, const ag_rmsprop_options *or_null)
{
    const ag_rmsprop_options o = or_null ? *or_null : (ag_rmsprop_options){ 0 };
    return agi_train("ag_rmsprop", loss, 1, &(ag_parameter_group){ .rmsprop = &o }, &(ag_train_options){ 0 });
}
