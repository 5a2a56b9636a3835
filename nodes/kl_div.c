/* q (log q - log p) of elements, given log p and q; 0 where q is 0;  derivatives -q, and log q + 1 - log p by q. */
#include "shared/loss.h"

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    ag_node *log_p = y->in[0], *q = y->in[1], *one = ag_number(y->graph, 1);
    if (ag_wanted(y, 0)) gin[0] = ag_neg(ag_mul(gout, q));
    if (ag_wanted(y, 1)) gin[1] = ag_mul(gout, ag_add(ag_sub(ag_log(q), log_p), one));
}

const ag_op agi_kl_div = { .name = "kl_div",
                           .formula = "q (log q - log p)",
                           .inputs = 2,
                           .flags = AG_ALIAS | AG_SMOOTH,
                           .gradient = gradient };

ag_node *ag_kl_div(ag_node *log_p, ag_node *q, ag_reduction r)
{
    ag_node *in[] = { log_p, q }, *sound = ag_vet(&agi_kl_div, 2, in, NULL);
    if (ag_is_bad(sound)) return sound;
    ag_node *zero = ag_number(q->graph, 0);
    ag_node *value = ag_where(ag_equal(q, zero), zero, ag_mul(q, ag_sub(ag_log(q), log_p)));
    return agi_reduce_loss(&agi_kl_div, ag_define(&agi_kl_div, 2, in, NULL, value), r);
}
