/* Adagrad (Duchi, Hazan, Singer 2011): s is the sum of the gradients' squares, p -= rate g / (sqrt(s) + epsilon). */
#include "training.h"

#include <math.h>

static int check(agi_trained *g)
{
    const ag_adagrad_options *o = g->options;
    return agi_check_option(g, "epsilon", agi_option(o->epsilon, 1e-10), 0, INFINITY) &&
           agi_check_decay(g, o->weight_decay) &&
           agi_check_rate(g, agi_option(o->rate, 0.01), o->rate_node, o->clip_norm);
}

static ag_node *step(agi_trained *g, int i)
{
    const ag_adagrad_options *o = g->options;
    ag_node *p = g->parameter[i], *d = agi_squarable(g, i, agi_with_decay(g, i, o->weight_decay));
    ag_node *old = agi_buffer_of(g->training, g->kept, i, AGI_SQUARES, "squares");
    const double limit = agi_largest_to_square(p), most = 2 * (limit * limit); /* sums stay finite */
    ag_node *s = agi_update(g->training, old, ag_minimum(ag_add(old, ag_square(d)), ag_number(p->graph, most)));
    ag_node *epsilon = ag_number(p->graph, agi_option(o->epsilon, 1e-10));
    return ag_sub(p, ag_mul(agi_typed(g->rate, p), agi_in_units(d, s, epsilon, p)));
}

const agi_method agi_adagrad_method = { .what = "ag_adagrad", .check = check, .step = step };

ag_node *ag_adagrad(ag_node *loss, const ag_adagrad_options *or_null)
{
    const ag_adagrad_options o = or_null ? *or_null : (ag_adagrad_options){ 0 };
    return agi_train("ag_adagrad", loss, 1, &(ag_parameter_group){ .adagrad = &o }, &(ag_train_options){ 0 });
}
