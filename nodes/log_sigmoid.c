/* log sigmoid(x) = -softplus(-x), with all digits on either side. */
#include "node.h"

static const ag_op log_sigmoid = { .name = "log_sigmoid" }; /* for messages */

ag_node *ag_log_sigmoid(ag_node *x)
{
    x = ag_vet(&log_sigmoid, 1, &x, NULL);
    return ag_is_bad(x) ? x : ag_neg(ag_softplus(ag_neg(x)));
}
