/* a . b / (|a| |b|) along an axis; lengths below 1e-8 count as that, and do not change then. */
#include "node.h"

static ag_node *sum(ag_node *x, int axis)
{
    return ag_is_bad(x) ? x : ag_sum_axis(x, axis, 0);
}

static ag_node *length(ag_node *x, int axis)
{
    return ag_sqrt(ag_maximum(sum(ag_square(x), axis), ag_number(x->graph, 1e-16)));
}

ag_node *ag_cosine_similarity(ag_node *a, ag_node *b, int axis)
{
    static const ag_op cosine_similarity = { .name = "cosine_similarity" };
    ag_node *in[] = { a, b }, *sound = ag_vet(&cosine_similarity, 2, in, NULL);
    if (ag_is_bad(sound)) return sound;
    ag_node *product = ag_mul(a, b);
    const int counted = ag_axis(&product, &cosine_similarity, axis);
    if (ag_is_bad(product)) return product;
    const ag_shape s = ag_shape_in(product);
    a = ag_broadcast_to(a, s);
    b = ag_broadcast_to(b, s);
    return ag_div(sum(product, counted), ag_mul(length(a, counted), length(b, counted)));
}
