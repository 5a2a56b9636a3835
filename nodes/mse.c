/* (x - target)^2. */
#include "shared/loss.h"

ag_node *ag_mse(ag_node *x, ag_node *target, ag_reduction r)
{
    static const ag_op mse = { .name = "mse" };
    ag_node *in[] = { x, target }, *sound = ag_vet(&mse, 2, in, NULL);
    return ag_is_bad(sound) ? sound : agi_reduce_loss(&mse, ag_square(ag_sub(x, target)), r);
}
