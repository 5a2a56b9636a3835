/* What lies among zeros: a view with bounds. A sum that is read nowhere else is added up there, of operands that lie
 * among zeros themselves: the gradient of a stencil is one pass over its field, not one for each slice. */
#include "compile.h"

#include <math.h>

static int make_window(agi_compiler *c, const ag_node *x, const ag_window *w, uint32_t from)
{
    ag_strides s = agi_value_strides(c, from);
    agi_bounds bounds = agi_bounds_around(agi_bounds_at(c, from), x, w);
    uint32_t i = agi_new_value(c, x, AGI_VALUE_VIEW);
    s.offset -= w->step * w->start * s.stride[w->axis];
    s.stride[w->axis] *= w->step;
    c->value[i].root = c->value[from].root;
    return agi_add_view(c, i, &s, &bounds);
}

static int is_finite_number(const agi_compiler *c, uint32_t i)
{
    double number;
    return agi_is_number(c->value[i].node, &number) && isfinite(number);
}

/* As bits, the operands of which the result is 0 where they are, up to its sign; 0: it may be something else. */
static unsigned zero_with(const agi_compiler *c, const agi_value *it)
{
    if (it->op->flags & AG_KEEPS_ZERO) return (1u << it->nin) - 1;
    for (int k = 0; k < 2 && it->op->flags & AG_BILINEAR; k++)
        if (is_finite_number(c, it->in[1 - k])) return 1u << k;
    return 0;
}

static int is_read_once(const agi_compiler *c, const ag_node *x)
{
    return !(c->reading.live[agi_order_of(c, x)] & (AGI_SEVERAL | AGI_BOUND));
}

/* The operands that have to be among zeros for the value to be; 0: it stays as it is. */
static unsigned moved_operands(const agi_compiler *c, const ag_node *x, uint32_t from)
{
    const agi_value *it = &c->value[from];
    if (!agi_is_point(it) || !it->op || it->remade || it->dtype != x->dtype || !is_read_once(c, it->node)) return 0;
    if (ag_count(x) > 2 * agi_elements(it)) return 0; /* more zeros than sums */
    const unsigned moved = zero_with(c, it);
    for (int k = 0; k < it->nin; k++)
        if (moved >> k & 1 && !ag_same_shape(c->value[it->in[k]].node, it->node)) return 0;
    return moved;
}

/* At most AGI_AMONG_ZEROS values: so deep, of two operands each. */
static int move(agi_compiler *c, const ag_node *x, const ag_window *w, uint32_t from, int depth)
{
    const unsigned moved = depth ? moved_operands(c, x, from) : 0;
    if (!moved) return make_window(c, x, w, from);
    const agi_value it = c->value[from];
    uint32_t in[2] = { it.in[0], it.in[1] };
    for (int k = 0; k < it.nin; k++) {
        if (!(moved >> k & 1)) continue;
        if (!move(c, x, w, it.in[k], depth - 1)) return 0;
        in[k] = c->nvalues - 1;
    }
    agi_value *sum = &c->value[agi_new_value(c, x, AGI_VALUE_POINT)];
    sum->op = it.op;
    sum->nin = it.nin;
    memcpy(sum->in, in, sizeof in);
    return 1;
}

int agi_put_among_zeros(agi_compiler *c, const ag_node *x, const ag_window *w, uint32_t from)
{
    enum { DEEPEST = 3 };
    return move(c, x, w, from, is_read_once(c, x->in[0]) ? DEEPEST : 0);
}
