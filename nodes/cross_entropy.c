/* -log softmax(logits)[label] of each row;  its gradient is softmax_error. And losses made of it.
 * A logit of -Inf, a class that is masked, adds nothing; as the label, the loss is Inf. Where the label has nearly all
 * of the probability, the loss and its gradient are sums of the others, not differences from 1. */
#include "shared/extent.h"
#include "shared/loss.h"
#include "shared/softmax.h"

enum { MOST_CLASSES = 1 << 24 }; /* that f32 counts exactly */

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
    if (logits->dtype == AG_F32 && logits->dim[1] > MOST_CLASSES)
        return ag_refuse(c, AG_ESHAPE, "%lld classes, where f32 counts exactly to %d: use f64",
                         (long long)logits->dim[1], MOST_CLASSES);
    c->shape = AG_SHAPE(logits->dim[0]);
    return AG_OK;
}

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    ag_node *column = ag_reshape(gout, AG_SHAPE(-1, 1));
    gin[0] = ag_mul(column, agi_new_softmax_error(y->in[0], y->in[1], y->attribute));
}

const ag_op agi_cross_entropy = { .name = "cross_entropy",
                                  .formula = "-log softmax(logits)[label]",
                                  .inputs = 2,
                                  .flags = AG_ALIAS | AG_SMOOTH,
                                  .attribute_size = sizeof(agi_label_form),
                                  .shape = shape,
                                  .gradient = gradient };

/* Of each row, [n]. */
static ag_node *by_rows(ag_node *logits, ag_node *labels, const agi_label_form *f)
{
    ag_node *in[] = { logits, labels };
    agi_label_row r = agi_row_of_label(logits, labels, f);
    ag_node *loss = ag_sub(ag_log1p(r.rest), r.picked);
    return ag_define(&agi_cross_entropy, 2, in, f, ag_reshape(loss, AG_SHAPE(-1)));
}

ag_node *ag_cross_entropy(ag_node *logits, ag_node *labels)
{
    return ag_cross_entropy_with(logits, labels, NULL);
}

/* ---- weights, smoothing, soft targets ---------------------------------------------------------------------------- */

/* What all classes or each have, as it is for the rows' labels, [n]. */
static ag_node *at_labels(ag_node *classes, ag_node *logits, ag_node *labels, const agi_label_form *f)
{
    return agi_new_pick(ag_broadcast_to(classes, ag_shape_in(logits)), labels, f);
}

/* Of each row the sum of weight log softmax(logits), the weights of all classes or of each row's. */
static ag_node *by_weights(ag_node *logits, ag_node *weight)
{
    return ag_sum_axis(ag_mul(weight, ag_log_softmax(logits, 1)), 1, 0);
}

/* Of what is given to all classes alike, each one's. */
static ag_node *share_of(const ag_node *logits, double all)
{
    ag_graph *g = logits->graph;
    return ag_div(ag_number(g, all), agi_extent_number(g, (ag_dtype)logits->dtype, logits->dim[1]));
}

/* Smoothing gives a share of each row to all classes alike. Where the weights of the rows that count are not 1, their
 * mean is by these. */
static ag_node *of_labels(ag_node *logits, ag_node *labels, const ag_cross_entropy_options *o)
{
    const agi_label_form f = { .ignored = o->ignore ? *o->ignore : 0, .ignores = o->ignore != NULL };
    ag_node *rows = by_rows(logits, labels, &f);
    ag_graph *g = logits->graph;
    ag_node *one = ag_cast(ag_number(g, 1), (ag_dtype)logits->dtype), *zero = ag_number(g, 0);
    ag_node *used = f.ignores ? at_labels(one, logits, labels, &f) : one;
    ag_node *weight = o->weight ? at_labels(o->weight, logits, labels, &f) : used;
    const int plain = !o->weight && !f.ignores;
    if (!plain) rows = ag_where(weight, ag_mul(weight, rows), zero);
    if (o->smoothing > 0) {
        ag_node *all = ag_mul(share_of(logits, -o->smoothing), by_weights(logits, o->weight ? o->weight : one));
        rows = ag_add(ag_scale(rows, 1 - o->smoothing), f.ignores ? ag_where(used, all, zero) : all);
    }
    if (plain || o->reduce != AG_MEAN) return agi_reduce_loss(&agi_cross_entropy, rows, o->reduce);
    return ag_div(ag_sum(rows), ag_sum(weight));
}

static ag_node *of_soft_targets(ag_node *logits, ag_node *target, const ag_cross_entropy_options *o)
{
    if (o->smoothing > 0) target = ag_add(ag_scale(target, 1 - o->smoothing), share_of(logits, o->smoothing));
    ag_node *rows = by_weights(logits, o->weight ? ag_mul(target, o->weight) : target);
    rows = agi_reduce_loss(&agi_cross_entropy, rows, o->reduce);
    return ag_is_bad(rows) ? rows : ag_neg(rows);
}

static int are_labels(const ag_node *targets)
{
    return targets->dtype == AG_I64 || targets->rank == 1;
}

/* Of logits, targets, and weights if they are given. */
static ag_status check(ag_infer *c)
{
    const ag_cross_entropy_options *o = c->attribute;
    const ag_node *logits = c->in[0], *targets = c->in[1], *weight = c->n > 2 ? c->in[2] : NULL;
    ag_status status = are_labels(targets) ? shape(c) : AG_OK;
    if (status) return status;
    if (!are_labels(targets) && (targets->dtype != logits->dtype || logits->dtype == AG_I64))
        return ag_refuse(c, AG_ETYPE, "targets are i64 labels, or shares of the logits' real type: ag_cast them");
    if (!are_labels(targets) && (logits->rank != 2 || !ag_same_shape(logits, targets)))
        return ag_refuse(c, AG_ESHAPE, "logits and shares as targets have to be [n, classes], both");
    if (!are_labels(targets) && o->ignore)
        return ag_refuse(c, AG_EARG, "a label is to be ignored, but the targets are shares, not i64 labels");
    if (weight && weight->dtype != logits->dtype)
        return ag_refuse(c, AG_ETYPE, "the weights have to be of the logits' type: ag_cast them");
    if (weight && (weight->rank != 1 || weight->dim[0] != logits->dim[1]))
        return ag_refuse(c, AG_ESHAPE, "the weights have to be [classes], [%lld]", (long long)logits->dim[1]);
    if (!(o->smoothing >= 0 && o->smoothing <= 1))
        return ag_refuse(c, AG_EARG, "the smoothing is %g: it is from 0 to 1", o->smoothing);
    return AG_OK;
}

ag_node *ag_cross_entropy_with(ag_node *logits, ag_node *targets, const ag_cross_entropy_options *options)
{
    static const ag_op checked = { .name = "cross_entropy", .shape = check };
    const ag_cross_entropy_options o = options ? *options : (ag_cross_entropy_options){ .smoothing = 0 };
    ag_node *in[] = { logits, targets, o.weight }, *sound = ag_vet(&checked, o.weight ? 3 : 2, in, &o);
    if (ag_is_bad(sound)) return sound;
    return are_labels(targets) ? of_labels(logits, targets, &o) : of_soft_targets(logits, targets, &o);
}
