/* a where the condition is not 0, else b; the gradient goes to the one that was taken. */
#include "shared/algebra.h"
#include "shared/integers.h"

POINTWISE3(where, a != 0 ? b : c)

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    ag_node *condition = y->in[0], *zero = ag_number(y->graph, 0);
    if (ag_wanted(y, 1)) gin[1] = ag_where(condition, gout, zero);
    if (ag_wanted(y, 2)) gin[2] = ag_where(condition, zero, gout);
}

/* where(literal, a, b) -> a or b; where(c, a, a) -> a; of the result's shape */
static ag_node *simplify(const ag_infer *c)
{
    double condition;
    ag_node *taken = c->in[1];
    if (agi_is_literal(c->in[0]) && agi_is_number(c->in[0], &condition)) taken = c->in[condition != 0 ? 1 : 2];
    else if (c->in[1] != c->in[2]) return NULL;
    return agi_has_result_shape(c, taken) ? taken : NULL;
}

const ag_op agi_where = { .name = "where",
                          .formula = "a if condition else b",
                          .inputs = 3,
                          .flags = AG_POINTWISE | AG_SMOOTH,
                          .code = POINTWISE_CODE,
                          .integers = agi_integer_where,
                          .linear = 1 << 1 | 1 << 2,
                          .simplify = simplify,
                          .gradient = gradient };

/* Which of two integers a real condition takes: as an integer, which a fraction of 1 would not be. */
static ag_node *as_integer(ag_node *condition)
{
    return ag_cast(ag_one_minus(ag_equal(condition, ag_number(condition->graph, 0))), AG_I64);
}

ag_node *ag_where(ag_node *condition, ag_node *a, ag_node *b)
{
    int usable = !ag_is_bad(condition) && !ag_is_bad(a) && !ag_is_bad(b);
    if (usable && condition->dtype != AG_I64 && (a->dtype == AG_I64 || b->dtype == AG_I64))
        condition = as_integer(condition);
    ag_node *in[] = { condition, a, b };
    return ag_apply(&agi_where, 3, in, NULL);
}
