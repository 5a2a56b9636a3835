/* Gradient descent, with momentum (Polyak 1964) or Nesterov's. */
#include "training.h"

#include <math.h>

static int check(agi_trained *g)
{
    const ag_sgd_options *o = g->options;
    if (o->rate == 0 && !o->rate_node)
        return agi_fail(g->training->graph, AG_EARG, "ag_sgd: no rate: give options.rate, "
                                                     "&(ag_sgd_options){ .rate = 0.1 } say, or a rate_node"), 0;
    return agi_check_option(g, "momentum", o->momentum, 0, INFINITY) && agi_check_decay(g, o->weight_decay) &&
           agi_check_rate(g, agi_option(o->rate, 0), o->rate_node, o->clip_norm);
}

static ag_node *step(agi_trained *g, int i)
{
    const ag_sgd_options *o = g->options;
    ag_node *p = g->parameter[i], *rate = agi_typed(g->rate, p);
    if (o->momentum == 0) { /* the factors of the gradient are multiplied once, for all elements */
        if (g->clip) rate = ag_mul(rate, agi_typed(g->clip, p));
        return ag_sub(agi_decayed(g, i, o->weight_decay), ag_mul(rate, g->gradient[i]));
    }
    ag_node *d = agi_with_decay(g, i, o->weight_decay), *v = agi_accumulated(g, i, o->momentum, d);
    return ag_sub(p, ag_mul(rate, o->nesterov ? ag_add(d, ag_scale(v, o->momentum)) : v));
}

const agi_method agi_sgd_method = { .what = "ag_sgd", .check = check, .step = step };

ag_node *ag_sgd(ag_node *loss, const ag_sgd_options *or_null)
{
    const ag_sgd_options o = or_null ? *or_null : (ag_sgd_options){ 0 };
    return agi_train("ag_sgd", loss, 1, &(ag_parameter_group){ .sgd = &o }, &(ag_train_options){ 0 });
}
