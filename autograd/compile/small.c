/* Which values scalar programs compute, element by element: tiny tensors whose operands are tiny, or elements of larger
 * ones that are looked at one by one all over; and larger ones that are made of such elements. */
#include "compile.h"

enum { LARGEST_WORK = 8 * AGI_LARGEST_SMALL };
enum { SPREAD = 16 }; /* elements of a tensor for each that is read or written by itself */

/* How much of its root an operand looks at; of a loop, whose buffer holds all parts, what lies in between. */
static int64_t reach_of(const agi_compiler *c, uint32_t operand)
{
    const agi_value *root = &c->value[c->value[operand].root];
    const ag_node *x = c->value[operand].node;
    int64_t low;
    if (!agi_is_loop(root)) return ag_count(root->node);
    agi_pattern p = agi_walk(c, operand, x->rank, x->dim);
    return agi_layout_of(c, root->node)->bytes > AGI_LARGEST_LOOP ? INT64_MAX : agi_pattern_reach(&p, &low);
}

/* `looks`: how often elements of the root are read by themselves. */
static int may_read(const agi_compiler *c, uint32_t operand, ag_dtype dtype, const uint32_t *looks)
{
    const agi_value *it = &c->value[operand];
    if (it->bounds != AGI_NONE || it->node->dtype != dtype) return 0; /* zeros around bounds have no address */
    int64_t reach = reach_of(c, operand);
    return reach <= AGI_LARGEST_SOURCE || (reach < INT64_MAX && reach / SPREAD <= looks[it->root]);
}

/* A tensor that is made of numbers, which lie close together, perhaps onto one that is as large as it is. Floats that
 * overlap are a call's, which takes care. */
static int is_made_of_numbers(const agi_compiler *c, const agi_value *it)
{
    int64_t count = 0;
    if (!it->node->op->adds || it->dtype == AG_I64) return 0;
    for (int k = ag_same_shape(it->node->in[0], it->node), s; (s = agi_sources(c, it, k)) >= 0; k++) {
        int64_t n = ag_count(c->value[s].node);
        if (n > AGI_LARGEST_SMALL) return 0;
        count += n;
    }
    if (it->node->dtype == AG_F32 && count > ag_count(it->node)) return 0;
    return ag_count(it->node) / SPREAD <= count;
}

/* Of more than two factors, which may overflow on the way: not for scalar programs. */
static int is_long_product(const agi_compiler *c, const agi_value *it)
{
    return it->node->op->fold == AG_FOLD_PROD && agi_elements(&c->value[it->in[0]]) > 2 * agi_elements(it);
}

static int is_small(const agi_compiler *c, const agi_value *it, const uint32_t *looks)
{
    const ag_node *x = it->node;
    int64_t work = ag_count(x);
    if (it->kind == AGI_VALUE_CALL) {
        if (!is_made_of_numbers(c, it)) return 0;
    } else if (work > AGI_LARGEST_SMALL || x->dtype == AG_I64) {
        return 0;
    } else if (it->kind == AGI_VALUE_POINT) {
        if (it->op && !it->op->code) return 0;
    } else if (it->kind == AGI_VALUE_FOLD) {
        work = ag_count(c->value[it->in[0]].node);
        if (is_long_product(c, it)) return 0;
    } else if (it->kind == AGI_VALUE_PRODUCT) {
        const ag_node *a = c->value[it->in[0]].node;
        work *= a->dim[a->rank - 1];
    } else {
        return 0;
    }
    if (it->kind != AGI_VALUE_CALL && work > LARGEST_WORK) return 0;
    for (int k = 0, s; (s = agi_sources(c, it, k)) >= 0; k++)
        if (!may_read(c, (uint32_t)s, (ag_dtype)x->dtype, looks)) return 0;
    return 1;
}

int agi_find_small(agi_compiler *c)
{
    uint32_t *looks = agi_arena_zeros(&c->arena, c->nvalues, sizeof *looks);
    if (!looks) return 0;
    for (uint32_t i = 0; i < c->nvalues; i++)
        for (int k = 0, s; (s = agi_sources(c, &c->value[i], k)) >= 0; k++)
            looks[c->value[s].root] += ag_count(c->value[s].node) <= AGI_LARGEST_SMALL;
    for (uint32_t i = 0; i < c->nvalues && !c->options->unfused; i++) {
        agi_value *it = &c->value[i];
        it->small = (uint8_t)is_small(c, it, looks);
        it->stored = it->small && it->kind == AGI_VALUE_CALL; /* it is no temporary */
    }
    return 1;
}
