/* d^2 / 2 where |d| <= delta, beyond that delta (|d| - delta / 2): c (d - c / 2), c being d cut to [-delta, delta];
 * derivative c. */
#include "shared/loss.h"

#include <math.h>

static ag_node *cut(ag_node *d, double delta)
{
    return ag_maximum(ag_minimum(d, ag_number(d->graph, delta)), ag_number(d->graph, -delta));
}

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    gin[0] = ag_mul(gout, cut(y->in[0], *(const double *)y->attribute));
}

const ag_op agi_huber = { .name = "huber",
                          .formula = "d^2 / 2 to |d| = delta, then linear",
                          .inputs = 1,
                          .flags = AG_ALIAS,
                          .attribute_size = sizeof(double),
                          .gradient = gradient };

ag_node *ag_huber(ag_node *x, ag_node *target, double delta, ag_reduction r)
{
    ag_node *in[] = { x, target }, *sound = ag_vet(&agi_huber, 2, in, NULL);
    if (ag_is_bad(sound)) return sound;
    if (delta == 0) delta = 1;
    if (!(delta > 0 && isfinite(delta))) return ag_reject(x, &agi_huber, AG_EARG, "delta is %g: it is above 0", delta);
    ag_node *d = ag_sub(x, target), *c = cut(d, delta), *value = ag_mul(c, ag_sub(d, ag_scale(c, 0.5)));
    return agi_reduce_loss(&agi_huber, ag_define(&agi_huber, 1, &d, &delta, value), r);
}
