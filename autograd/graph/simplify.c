/* Algebra while a graph is built: ag_apply asks here whether a simpler node stands for the operation it is to make.
 * What concerns one operation stands in its own file, as its `simplify`; here is what all pointwise ones share.
 *
 * A million scalar operations pass through here: one without a rewrite costs a few comparisons, and no recursion grows,
 * since operands are simplified already. */
#include "graph.h"

static ag_node *fold(const ag_infer *c)
{
    double v[3] = { 0 }, y;
    int weak = 1;
    if (!c->op->code || c->n > 3) return NULL;
    for (int i = 0; i < c->n; i++) {
        if (c->in[i]->op->role != AG_IS_NUMBER) return NULL;
        agi_is_number(c->in[i], &v[i]);
        weak &= c->in[i]->weak;
    }
    if (c->dtype == AG_F32) y = agi_pointwise_f32(c->op->code, (float)v[0], (float)v[1], (float)v[2]);
    else y = agi_pointwise_f64(c->op->code, v[0], v[1], v[2]);
    return agi_literal(c->graph, c->in[0]->op, weak ? AG_F64 : c->dtype, y, weak);
}

/* op(.., repeated b, ..) is op(.., b, ..), repeated: nothing is computed twice, and no operand is a broadcast. */
static ag_node *of_repeated(const ag_infer *c)
{
    enum { MOST = 3 };
    ag_node *in[MOST];
    const ag_op *repeat = NULL;
    if (c->n > MOST) return NULL;
    for (int i = 0; i < c->n; i++) {
        in[i] = c->in[i];
        if (!(in[i]->op->flags & AG_REPEATS)) continue;
        repeat = in[i]->op;
        in[i] = in[i]->in[0];
    }
    if (!repeat) return NULL;
    ag_shape shape = AG_SCALAR; /* without what lies behind its rank: attributes are compared by their bytes */
    shape.rank = c->shape.rank;
    memcpy(shape.dim, c->shape.dim, (size_t)shape.rank * sizeof shape.dim[0]);
    return ag_unary_with(repeat, ag_apply(c->op, c->n, in, c->attribute), &shape);
}

ag_node *agi_simplify(const ag_infer *c)
{
    ag_node *y = NULL;
    if (c->op->flags & AG_POINTWISE) {
        if (c->shape.rank) y = of_repeated(c); /* op(repeated x) -> repeated op(x) */
        if (!y) y = fold(c);                   /* op(literals) -> a literal */
    }
    return y || !c->op->simplify ? y : c->op->simplify(c);
}
