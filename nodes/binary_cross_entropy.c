/* -t log sigmoid(x) - (1 - t) log(1 - sigmoid(x)), without overflow and with all digits where either is nearly 0:
 * max(x, 0) - t x + log(1 + e^-|x|);  derivative (1 - t) sigmoid(x) - t sigmoid(-x), and -x by t. */
#include "shared/loss.h"

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    ag_node *x = y->in[0], *t = y->in[1];
    ag_node *slope = ag_sub(ag_mul(ag_one_minus(t), ag_sigmoid(x)), ag_mul(t, ag_sigmoid(ag_neg(x))));
    if (ag_wanted(y, 0)) gin[0] = ag_mul(gout, slope);
    if (ag_wanted(y, 1)) gin[1] = ag_neg(ag_mul(gout, x));
}

const ag_op agi_binary_cross_entropy = { .name = "binary_cross_entropy",
                                         .formula = "-t log sigmoid(x) - (1 - t) log(1 - sigmoid(x))",
                                         .inputs = 2,
                                         .flags = AG_ALIAS | AG_SMOOTH,
                                         .gradient = gradient };

ag_node *ag_binary_cross_entropy(ag_node *x, ag_node *t, ag_reduction r)
{
    ag_node *in[] = { x, t }, *sound = ag_vet(&agi_binary_cross_entropy, 2, in, NULL);
    if (ag_is_bad(sound)) return sound;
    ag_node *value = ag_add(ag_sub(ag_relu(x), ag_mul(t, x)), ag_softplus(ag_neg(ag_abs(x))));
    return agi_reduce_loss(&agi_binary_cross_entropy, ag_define(&agi_binary_cross_entropy, 2, in, NULL, value), r);
}
