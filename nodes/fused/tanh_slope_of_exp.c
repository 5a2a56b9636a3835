/* a c (1 + |b|)^2 with b = tanh(t), c = e^(-2|t|): a times the slope of tanh at t, exact where it saturates, without a
 * division, since 1 + |b| = 2 / (1 + c).
 * d/da = c (1 + |b|)^2, d/db = 2 a c (1 + |b|) sign(b), d/dc = a (1 + |b|)^2. */
#include "node.h"

POINTWISE3(tanh_slope_of_exp, a * (c * ((1 + F(fabs)(b)) * (1 + F(fabs)(b)))))

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    ag_node *a = y->in[0], *b = y->in[1], *c = y->in[2];
    ag_node *w = ag_add(ag_abs(b), ag_number(y->graph, 1)), *scaled = ag_mul(ag_mul(gout, a), w);
    if (ag_wanted(y, 0)) gin[0] = ag_apply(y->op, 3, (ag_node *[]){ gout, b, c }, NULL);
    if (ag_wanted(y, 1)) gin[1] = ag_mul(ag_mul(ag_scale(scaled, 2), c), ag_sign(b));
    if (ag_wanted(y, 2)) gin[2] = ag_mul(scaled, w);
}

const ag_op agi_tanh_slope_of_exp = { .name = "tanh_slope_of_exp",
                                      .formula = "a c (1 + |b|)^2",
                                      .inputs = 3,
                                      .flags = AG_POINTWISE | AG_SMOOTH,
                                      .code = POINTWISE_CODE,
                                      .gradient = gradient };
