/* y = x where `active`, a single number, is not 0, else 0, whatever x came to: a gradient that flows back from what was
 * not evaluated, as a branch not taken.  dL/dx = dL/dy, which flows on only where active. */
#include "loop.h"

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    gin[1] = agi_new_guard(y->in[0], gout);
    ag_flow_if(y, 1, y->in[0]);
}

/* What is active does not differ within a batch: one of them says it for all. */
static ag_node *batch(const ag_node *y, ag_node *in[], const unsigned char batched[], int64_t count)
{
    ag_node *active = batched[0] ? ag_reshape(ag_slice(in[0], 0, 0, 1, 1), AG_SCALAR) : in[0];
    (void)y;
    return agi_new_guard(active, batched[1] ? in[1] : ag_batch_all(in[1], count));
}

const ag_op agi_guard = { .name = "guard",
                          .formula = "x where active, else 0",
                          .inputs = 2,
                          .flags = AG_ALIAS | AG_CHOOSES | AG_SMOOTH,
                          .gradient = gradient,
                          .batch = batch };

ag_node *agi_new_guard(ag_node *active, ag_node *x)
{
    ag_node *in[] = { active, x };
    if (ag_is_bad(active) || ag_is_bad(x)) return x;
    return ag_define(&agi_guard, 2, in, NULL,
                     ag_where(ag_cast(active, (ag_dtype)x->dtype), x, ag_zeros_like(x)));
}

static ag_node *in_type_of(const ag_node *a, ag_node *b)
{
    return ag_is_bad(a) || ag_is_bad(b) || a->dtype == b->dtype ? b : ag_cast(b, (ag_dtype)a->dtype);
}

ag_node *agi_either(ag_node *a, ag_node *b)
{
    return ag_maximum(a, in_type_of(a, b));
}

ag_node *agi_both(ag_node *a, ag_node *b)
{
    return ag_mul(a, in_type_of(a, b));
}
