/* Mean over rows of -log softmax(logits)[label];  the gradient of a row is softmax_error / n.
 * A logit of -Inf, a class that is masked, adds nothing; as the label, the loss is Inf. Where the label has nearly all
 * of the probability, the loss and its gradient are sums of the others, not differences from 1. */
#include "shared/softmax.h"

static ag_status shape(ag_infer *c)
{
    const ag_node *logits = c->in[0], *labels = c->in[1];
    if (logits->dtype == AG_I64) return ag_refuse(c, AG_ETYPE, "the logits have to be of a real type: use ag_cast");
    if (labels->dtype != AG_I64)
        return ag_refuse(c, AG_ETYPE, "the labels have to be i64: an AG_I64 input, or ag_cast");
    if (logits->rank != 2 || labels->rank != 1)
        return ag_refuse(c, AG_ESHAPE, "the logits have to be [n, classes] and the labels [n], not of rank %d and %d",
                         logits->rank, labels->rank);
    if (logits->dim[0] != labels->dim[0])
        return ag_refuse(c, AG_ESHAPE, "%lld rows of logits, but %lld labels", (long long)logits->dim[0],
                         (long long)labels->dim[0]);
    c->shape = AG_SCALAR;
    return AG_OK;
}

static ag_node *hot(const ag_node *logits, ag_node *labels)
{
    return ag_one_hot(agi_new_label(labels, logits->dim[1]), logits->dim[1], (ag_dtype)logits->dtype);
}

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    ag_node *logits = y->in[0], *n = ag_number(y->graph, (double)logits->dim[0]);
    gin[0] = ag_mul(ag_div(gout, n), agi_new_softmax_error(logits, hot(logits, y->in[1])));
}

const ag_op agi_cross_entropy = { .name = "cross_entropy",
                                  .formula = "mean of -log softmax(logits)[label]",
                                  .inputs = 2,
                                  .flags = AG_ALIAS | AG_SMOOTH,
                                  .shape = shape,
                                  .gradient = gradient };

ag_node *ag_cross_entropy(ag_node *logits, ag_node *labels)
{
    ag_node *in[] = { logits, labels }, *sound = ag_vet(&agi_cross_entropy, 2, in, NULL);
    if (ag_is_bad(sound)) return sound;
    agi_label_split s = agi_split_label(logits, hot(logits, labels));
    ag_node *zero = ag_number(logits->graph, 0), *one = ag_number(logits->graph, 1);
    ag_node *more = ag_where(ag_equal(s.picked, zero), s.others, ag_sub(s.total, one)); /* total - 1, 1 the largest */
    return ag_define(&agi_cross_entropy, 2, in, NULL, ag_mean(ag_sub(ag_log1p(more), s.picked)));
}
