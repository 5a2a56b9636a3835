/* Super-operations: what two or three operations do in one, where it pays. */
#include "compile.h"

/* The operation that computes operand k of `user`, if nothing else reads its result and the shapes agree. */
static agi_item *only_reader_of(const agi_compiler *c, const agi_item *user, int k, const ag_op *op)
{
    const agi_item *seen = &c->item[user->in[k]];
    agi_item *it = &c->item[seen->root];
    int alone = seen->view == AGI_NONE && it->uses == 1;
    if (!alone || !agi_is_point(it) || it->op != op || it->node->dtype != user->node->dtype) return NULL;
    return ag_same_shape(seen->node, user->node) && ag_same_shape(it->node, user->node) ? it : NULL;
}

/* A column times a row is a pointwise product that broadcasts. */
const ag_op *agi_product_as_pointwise(const ag_node *x)
{
    return x->in[0]->dim[x->in[0]->rank - 1] == 1 ? &agi_mul : NULL;
}

/* ---- products inside sums and products ------------------------------------------------------------------------- */

/* A product that only a sum, difference or product reads. */
static const struct {
    const ag_op *outer;
    int product; /* which operand */
    const ag_op *combined;
} products[] = {
    { &agi_add, 0, &agi_muladd },
    { &agi_add, 1, &agi_muladd },
    { &agi_sub, 0, &agi_mulsub },
    { &agi_sub, 1, &agi_submul },
    { &agi_mul, 0, &agi_mulmul },
    { &agi_mul, 1, &agi_mulmul },
};

static void combine_product(agi_compiler *c, agi_item *it)
{
    for (size_t k = 0; k < sizeof products / sizeof products[0]; k++) {
        if (it->op != products[k].outer) continue;
        agi_item *mul = only_reader_of(c, it, products[k].product, &agi_mul);
        if (!mul) continue;
        uint32_t other = it->in[1 - products[k].product];
        it->op = products[k].combined;
        it->nin = 3;
        it->in[0] = mul->in[0];
        it->in[1] = mul->in[1];
        it->in[2] = other;
        mul->kind = AGI_ITEM_DEAD;
        return;
    }
}

/* scalar * (column * row), as in the update by an outer product: the scalar multiplies the column or row, where it has
 * been computed before them. */
static void scale_before_broadcast(agi_compiler *c, agi_item *it)
{
    for (int k = 0; k < 2; k++) {
        uint32_t scalar = it->in[k], product = it->in[1 - k];
        agi_item *mul = only_reader_of(c, it, 1 - k, &agi_mul);
        if (!mul || mul != &c->item[product] || c->item[scalar].node->rank) continue;
        if (scalar > product && c->item[c->item[scalar].root].kind != AGI_ITEM_LEAF) continue;
        for (int j = 0; j < 2; j++) {
            uint32_t small = mul->in[j], other = mul->in[1 - j];
            if (ag_count(c->item[small].node) >= ag_count(mul->node)) continue;
            mul->node = c->item[small].node;
            mul->in[0] = scalar;
            mul->in[1] = small;
            it->in[0] = other;
            it->in[1] = product;
            return;
        }
    }
}

/* ---- an operation on what only it reads ------------------------------------------------------------------------- */

static const struct {
    const ag_op *outer, *inner, *combined;
} chains[] = {
    { &agi_exp, &agi_neg, &agi_exp_neg },
    { &agi_exp_neg, &agi_square, &agi_exp_neg_square },
    { &agi_sigmoid_of_exp, &agi_exp_neg, &agi_sigmoid }, /* no slope is wanted with them */
    { &agi_tanh_of_expm1, &agi_expm1_odd, &agi_tanh },
};

/* In the order of the table: three in a row become two, then one. */
static void combine_chain(agi_compiler *c, agi_item *it)
{
    for (size_t k = 0; k < sizeof chains / sizeof chains[0]; k++) {
        agi_item *inner = it->op == chains[k].outer ? only_reader_of(c, it, 0, chains[k].inner) : NULL;
        if (!inner) continue;
        it->op = chains[k].combined;
        it->in[0] = inner->in[0];
        inner->kind = AGI_ITEM_DEAD;
    }
}

/* ---- updates ---------------------------------------------------------------------------------------------------- */

/* parameter - rate * (matrix product), assigned to the parameter: the product accumulated onto it with alpha = -rate.
 * The product moves to where the difference stood, after everything it now reads. */
static void combine_update(agi_compiler *c, uint32_t leaf)
{
    agi_item *it = &c->item[c->item[leaf].onto];
    if (!agi_is_point(it) || it->op != &agi_sub || it->uses != 1) return;
    if (c->item[it->in[0]].root != leaf || c->item[it->in[0]].view != AGI_NONE) return;
    agi_item *mul = only_reader_of(c, it, 1, &agi_mul);
    for (int k = 0; mul && k < 2; k++) {
        const agi_item *seen = &c->item[mul->in[k]], *rate = &c->item[mul->in[1 - k]];
        agi_item *product = &c->item[seen->root];
        if (product->kind != AGI_ITEM_PRODUCT || product->onto != AGI_NONE || product->uses != 1) continue;
        if (seen->view != AGI_NONE || !ag_same_shape(seen->node, it->node) || ag_count(rate->node) != 1) continue;
        if (product->node->rank != 2 || !ag_same_shape(product->node, it->node)) continue;
        it->kind = AGI_ITEM_PRODUCT;
        it->op = NULL;
        it->node = product->node;
        it->onto = leaf;
        it->in[2] = mul->in[1 - k];
        it->in[0] = product->in[0];
        it->in[1] = product->in[1];
        mul->kind = product->kind = AGI_ITEM_DEAD;
        return;
    }
}

void agi_combine(agi_compiler *c)
{
    if (c->options->unfused) return;
    for (int k = 0; k < c->nassigned; k++) combine_update(c, c->assigned[k]);
    for (uint32_t i = 0; i < c->nitems; i++) {
        agi_item *it = &c->item[i];
        if (!agi_is_point(it)) continue;
        if (it->op == &agi_mul) scale_before_broadcast(c, it);
        if (it->op == &agi_add || it->op == &agi_sub || it->op == &agi_mul) combine_product(c, it);
        else combine_chain(c, it);
    }
}
