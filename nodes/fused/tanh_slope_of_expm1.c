/* a w (2 - w) with w = 2 / (2 + |b|): a times the slope of tanh at t where b = expm1_odd(t), since w = 1 - |tanh(t)|.
 * d/da = w (2 - w), d/db = -a (1 - w) w^2 sign(b). */
#include "node.h"

POINTWISE2(tanh_slope_of_expm1, a * (2 / (2 + F(fabs)(b)) * (2 - 2 / (2 + F(fabs)(b)))))

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    ag_node *a = y->in[0], *b = y->in[1], *two = ag_number(y->graph, 2);
    ag_node *w = ag_div(two, ag_add(two, ag_abs(b)));
    if (ag_wanted(y, 0)) gin[0] = ag_binary(y->op, gout, b);
    if (ag_wanted(y, 1))
        gin[1] = ag_neg(ag_mul(ag_mul(gout, a), ag_mul(ag_mul(ag_unary(&agi_tanh_of_expm1, b), w), w)));
}

const ag_op agi_tanh_slope_of_expm1 = { .name = "tanh_slope_of_expm1",
                                        .formula = "4 a (1 + |b|) / (2 + |b|)^2",
                                        .inputs = 2,
                                        .flags = AG_POINTWISE | AG_SMOOTH,
                                        .code = POINTWISE_CODE,
                                        .gradient = gradient };
