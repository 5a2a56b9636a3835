/* a (1 - tanh(b)^2), exact where tanh saturates.  d/da = 1 - tanh(b)^2, d/db = -2 y tanh(b). */
#include "shared/slopes.h"

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    ag_node *a = y->in[0], *b = y->in[1];
    if (ag_wanted(y, 0)) gin[0] = agi_new_tanh_slope(gout, b);
    if (ag_wanted(y, 1)) gin[1] = ag_mul(agi_new_tanh_slope(ag_mul(ag_scale(gout, -2), a), b), ag_tanh(b));
}

static ag_node *batch(const ag_node *y, ag_node *in[], const unsigned char batched[], int64_t count)
{
    ag_batch_align(y, 2, in, batched, count);
    return agi_new_tanh_slope(in[0], in[1]);
}

const ag_op agi_tanh_slope = { .name = "tanh_slope",
                               .formula = "a (1 - tanh(b)^2)",
                               .inputs = 2,
                               .flags = AG_ALIAS | AG_SMOOTH,
                               .gradient = gradient,
                               .batch = batch };

ag_node *agi_new_tanh_slope(ag_node *a, ag_node *b)
{
    ag_node *in[] = { a, b };
    if (ag_is_bad(a) || ag_is_bad(b)) return ag_is_bad(a) ? a : b;
    ag_node *definition = ag_binary(&agi_tanh_slope_of_expm1, a, ag_unary(&agi_expm1_odd, b));
    return ag_define(&agi_tanh_slope, 2, in, NULL, definition);
}
