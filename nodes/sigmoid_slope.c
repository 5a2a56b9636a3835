/* a s(b) s(-b), s being the sigmoid: a times its slope at b, exact where it saturates.
 * d/da = s(b) s(-b), d/db = -y tanh(b / 2), which is a s(b) s(-b) (s(-b) - s(b)) with all its digits. */
#include "shared/slopes.h"

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    ag_node *a = y->in[0], *b = y->in[1];
    if (ag_wanted(y, 0)) gin[0] = agi_new_sigmoid_slope(gout, b);
    if (ag_wanted(y, 1))
        gin[1] = ag_neg(ag_mul(agi_new_sigmoid_slope(ag_mul(gout, a), b), ag_tanh(ag_scale(b, 0.5))));
}

static ag_node *batch(const ag_node *y, ag_node *in[], const unsigned char batched[], int64_t count)
{
    ag_batch_align(y, 2, in, batched, count);
    return agi_new_sigmoid_slope(in[0], in[1]);
}

const ag_op agi_sigmoid_slope = { .name = "sigmoid_slope",
                                  .formula = "a s(b) (1 - s(b)), s = sigmoid",
                                  .inputs = 2,
                                  .flags = AG_ALIAS | AG_SMOOTH,
                                  .gradient = gradient,
                                  .batch = batch };

ag_node *agi_new_sigmoid_slope(ag_node *a, ag_node *b)
{
    ag_node *in[] = { a, b };
    if (ag_is_bad(a) || ag_is_bad(b)) return ag_is_bad(a) ? a : b;
    ag_node *e = ag_unary(&agi_exp_neg, b), *s = ag_unary(&agi_sigmoid_of_exp, e);
    ag_node *definition = ag_apply(&agi_sigmoid_slope_of_exp, 3, (ag_node *[]){ a, s, e }, NULL);
    return ag_define(&agi_sigmoid_slope, 2, in, NULL, definition);
}
