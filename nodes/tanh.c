/* tanh(x);  derivative tanh_slope, which computes with the same exponential. The POINTWISE line is for who needs the
 * value alone. */
#include "shared/slopes.h"

POINTWISE1(tanh, F(agi_tanh_of)(F(copysign)(F(expm1)(2 * F(fabs)(x)), x)))

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    gin[0] = agi_new_tanh_slope(gout, y->in[0]);
}

static ag_node *batch(const ag_node *y, ag_node *in[], const unsigned char batched[], int64_t count)
{
    (void)y, (void)batched, (void)count;
    return ag_tanh(in[0]);
}

const ag_op agi_tanh = { .name = "tanh",
                         .formula = "tanh(x)",
                         .inputs = 1,
                         .flags = AG_ALIAS | AG_SMOOTH,
                         .code = POINTWISE_CODE,
                         .gradient = gradient,
                         .batch = batch };

ag_node *ag_tanh(ag_node *x)
{
    x = ag_vet(&agi_tanh, 1, &x, NULL);
    if (ag_is_bad(x)) return x;
    return ag_define(&agi_tanh, 1, &x, NULL, ag_unary(&agi_tanh_of_expm1, ag_unary(&agi_expm1_odd, x)));
}
