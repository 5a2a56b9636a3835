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
    if (!agi_is_loop(root)) return agi_elements(root);
    agi_pattern p = agi_walk(c, operand, x->rank, x->dim);
    return agi_layout_of(c, root->node)->bytes > AGI_LARGEST_LOOP ? INT64_MAX : agi_pattern_reach(&p, &low);
}

/* Of each root, how often elements of it are read by themselves: counted once somebody asks. 0: out of memory. */
static int count_looks(agi_looks *s)
{
    const agi_compiler *c = s->c;
    if (s->at) return 1;
    s->at = agi_arena_zeros(&s->c->arena, c->nvalues, sizeof *s->at);
    s->failed = !s->at;
    for (uint32_t i = 0; s->at && i < c->nvalues; i++)
        for (int k = 0, x; (x = agi_sources(c, &c->value[i], k)) >= 0; k++)
            s->at[c->value[x].root] += ag_count(c->value[x].node) <= AGI_LARGEST_SMALL;
    return s->at != NULL;
}

static int may_read(agi_looks *s, uint32_t operand, uint8_t dtype)
{
    const agi_value *it = &s->c->value[operand];
    if (it->dtype == dtype && it->view == AGI_NONE && it->few) return 1; /* as nearly always */
    if (it->dtype != dtype || agi_is_bounded(s->c, it)) return 0; /* zeros around bounds have no address */
    int64_t reach = reach_of(s->c, operand);
    if (reach <= AGI_LARGEST_SOURCE) return 1;
    return reach < INT64_MAX && count_looks(s) && reach / SPREAD <= s->at[it->root];
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

/* If its operands may be read. */
static int may_be_small(const agi_compiler *c, const agi_value *it)
{
    int64_t work = it->few;
    if (it->kind == AGI_VALUE_CALL) return is_made_of_numbers(c, it);
    if (!work || it->dtype == AG_I64) return 0;
    if (it->kind == AGI_VALUE_POINT) return !it->op || it->op->code;
    if (it->kind == AGI_VALUE_FOLD) {
        work = agi_elements(&c->value[it->in[0]]);
        if (is_long_product(c, it)) return 0;
    } else {
        const ag_node *a = c->value[it->in[0]].node;
        work *= a->dim[a->rank - 1];
    }
    return work <= LARGEST_WORK;
}

int agi_is_small(agi_looks *s, const agi_value *it)
{
    const agi_compiler *c = s->c;
    if (c->options->unfused || !may_be_small(c, it)) return 0;
    for (int k = 0, x; (x = agi_sources(c, it, k)) >= 0; k++)
        if (!may_read(s, (uint32_t)x, it->dtype)) return 0;
    return 1;
}
