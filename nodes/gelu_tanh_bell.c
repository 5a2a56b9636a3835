/* s(v) s(-v), s being the sigmoid and v(x) the argument that gelu_tanh has: what its second derivatives vanish with.
 * Derivative -y v' tanh(v / 2). Beyond +-32 all is 0, and polynomials are taken there, where they are finite. */
#include "shared/slopes.h"

POINTWISE1(gelu_tanh_bell, F(agi_gelu_tanh_bell_of)(x))

agi_gelu_tanh_parts agi_parts_of_gelu_tanh(ag_node *x)
{
    const double k = 1.5957691216057307118, cube = 0.071354816272600248776;
    ag_node *c = ag_number(x->graph, k);
    agi_gelu_tanh_parts p = { .x = ag_clip(x, -32, 32) };
    ag_node *square = ag_square(p.x), *half = ag_scale(ag_add(ag_scale(square, cube), c), 0.5);
    p.slope = ag_add(ag_scale(square, 3 * cube), c);
    p.second = ag_scale(p.x, 6 * cube);
    p.decay = ag_mul(p.slope, ag_tanh(ag_mul(p.x, half)));
    return p;
}

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    gin[0] = ag_neg(ag_mul(gout, ag_mul(y, agi_parts_of_gelu_tanh(y->in[0]).decay)));
}

const ag_op agi_gelu_tanh_bell = { .name = "gelu_tanh_bell",
                                   .formula = "s(v) s(-v), s = sigmoid, v = that of gelu_tanh",
                                   .inputs = 1,
                                   .flags = AG_POINTWISE | AG_SMOOTH,
                                   .code = POINTWISE_CODE,
                                   .gradient = gradient };

ag_node *agi_new_gelu_tanh_bell(ag_node *x)
{
    return ag_unary(&agi_gelu_tanh_bell, x);
}
