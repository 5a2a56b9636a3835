/* log sigmoid(x) = -softplus(-x), with all digits on either side. */
#include "node.h"

ag_node *ag_log_sigmoid(ag_node *x)
{
    return ag_neg(ag_softplus(ag_neg(x)));
}
