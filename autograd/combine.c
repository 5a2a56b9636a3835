/* Super-operations: what two or three operations do in one, where it pays. */
#include "compile.h"

/* The operation that computes operand k of `user`, if nothing else reads its result and the shapes agree. */
static agi_item *only_reader_of(const agi_compiler *c, const agi_item *user, int k, const ag_op *op)
{
    const agi_item *seen = &c->item[user->in[k]];
    agi_item *it = &c->item[seen->root];
    int alone = seen->view == AGI_NONE && it->uses == 1 && !it->held;
    if (!alone || !agi_is_point(it) || it->op != op || it->node->dtype != user->node->dtype) return NULL;
    return ag_same_shape(seen->node, user->node) && ag_same_shape(it->node, user->node) ? it : NULL;
}

/* A column times a row is a pointwise product that broadcasts. */
const ag_op *agi_product_as_pointwise(const ag_node *x)
{
    return x->in[0]->dim[x->in[0]->rank - 1] == 1 ? &agi_mul : NULL;
}

/* ---- products inside sums --------------------------------------------------------------------------------------- */

/* A product that only a sum or difference reads. */
static const struct {
    const ag_op *outer;
    int product; /* which operand */
    const ag_op *combined;
} products[] = {
    { &agi_add, 0, &agi_muladd },
    { &agi_add, 1, &agi_muladd },
    { &agi_sub, 0, &agi_mulsub },
    { &agi_sub, 1, &agi_submul },
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

/* ---- a gradient times the slope of a sigmoid or tanh ------------------------------------------------------------ */

static int is_one(const agi_compiler *c, uint32_t i)
{
    double v;
    return agi_is_number(c->item[i].node, &v) && v == 1;
}

/* 1 - x, which only operand k of `user` reads: x is then its second operand. */
static agi_item *complement_of(const agi_compiler *c, const agi_item *user, int k)
{
    agi_item *sub = only_reader_of(c, user, k, &agi_sub);
    return sub && is_one(c, sub->in[0]) ? sub : NULL;
}

static void become(agi_item *it, const ag_op *op, uint32_t a, uint32_t b)
{
    it->op = op;
    it->in[0] = a;
    it->in[1] = b;
}

/* a * (b * (1 - b)) */
static int combine_sigmoid(agi_compiler *c, agi_item *it, int k)
{
    agi_item *product = only_reader_of(c, it, k, &agi_mul);
    for (int j = 0; product && j < 2; j++) {
        agi_item *complement = complement_of(c, product, j);
        uint32_t b = product->in[1 - j];
        if (!complement || complement->in[1] != b || !ag_same_shape(c->item[b].node, it->node)) continue;
        become(it, &agi_sigmoid_slope, it->in[1 - k], b);
        product->kind = complement->kind = AGI_ITEM_DEAD;
        c->item[c->item[b].root].uses--;
        return 1;
    }
    return 0;
}

/* a * (1 - b^2) */
static int combine_tanh(agi_compiler *c, agi_item *it, int k)
{
    agi_item *complement = complement_of(c, it, k);
    if (!complement) return 0;
    agi_item *square = only_reader_of(c, complement, 1, &agi_square);
    if (!square) return 0;
    become(it, &agi_tanh_slope, it->in[1 - k], square->in[0]);
    complement->kind = square->kind = AGI_ITEM_DEAD;
    return 1;
}

static void combine_slope(agi_compiler *c, agi_item *it)
{
    for (int k = 0; k < 2; k++)
        if (combine_sigmoid(c, it, k) || combine_tanh(c, it, k)) return;
}

static void combine_exp(agi_compiler *c, agi_item *it)
{
    agi_item *neg = only_reader_of(c, it, 0, &agi_neg);
    if (!neg) return;
    become(it, &agi_exp_neg, neg->in[0], AGI_NONE);
    neg->kind = AGI_ITEM_DEAD;
}

/* ---- updates ---------------------------------------------------------------------------------------------------- */

/* parameter - rate * (matrix product), assigned to the parameter: the product accumulated onto it with alpha = -rate.
 * The product moves to where the difference stood, after everything it now reads. */
static void combine_update(agi_compiler *c, uint32_t leaf)
{
    agi_item *it = &c->item[c->item[leaf].onto];
    if (!agi_is_point(it) || it->op != &agi_sub || it->held || it->uses != 1) return;
    if (c->item[it->in[0]].root != leaf || c->item[it->in[0]].view != AGI_NONE) return;
    agi_item *mul = only_reader_of(c, it, 1, &agi_mul);
    for (int k = 0; mul && k < 2; k++) {
        const agi_item *seen = &c->item[mul->in[k]], *rate = &c->item[mul->in[1 - k]];
        agi_item *product = &c->item[seen->root];
        if (product->kind != AGI_ITEM_PRODUCT || product->onto != AGI_NONE) continue;
        if (product->uses != 1 || product->held) continue;
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
        if (it->op == &agi_mul) combine_slope(c, it);
        else if (it->op == &agi_exp) combine_exp(c, it);
        else if (it->op == &agi_add || it->op == &agi_sub) combine_product(c, it);
    }
}
