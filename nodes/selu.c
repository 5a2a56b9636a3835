/* elu, scaled such that means of 0 and variances of 1 stay what they are from layer to layer.
 * Source: Klambauer, Unterthiner, Mayr, Hochreiter, Self-Normalizing Neural Networks, 2017. */
#include "node.h"

ag_node *ag_selu(ag_node *x)
{
    return ag_scale(ag_elu(x, 1.6732632423543772848), 1.0507009873554804934);
}
