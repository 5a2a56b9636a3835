/* The reference's operations that move elements, or take them as another type. */
#include "fuzz.h"
#include "graph/graph.h"
#include "shared/gather.h"
#include "shared/integers.h"
#include "shared/positions.h"
#include "shared/softmax.h"

static void take(fuzz_value *to, int64_t i, const fuzz_value *from, int64_t k)
{
    to->value[i] = from->value[k];
    to->bound[i] = from->bound[k];
}

static void transpose(const ag_node *y, const fuzz_value *x, fuzz_value *out)
{
    const int *axis = y->attribute;
    int64_t stride[AG_MAX_RANK], at = 1;
    for (int k = (int)y->rank; k-- > 0; at *= y->in[0]->dim[k]) stride[k] = at;
    for (int64_t i = 0; i < out->n; i++) {
        int64_t rest = i, from = 0;
        for (int k = (int)y->rank; k-- > 0; rest /= y->dim[k]) from += rest % y->dim[k] * stride[axis[k]];
        take(out, i, x, from);
    }
}

/* slice takes x's elements at the positions; embed puts x's elements there. */
static void at_positions(const ag_node *y, const fuzz_value *x, fuzz_value *out, int embeds)
{
    const agi_positions *p = y->attribute;
    ag_extents s = ag_split_at(y, (int)p->axis);
    for (int64_t o = 0; o < s.outer; o++)
        for (int64_t k = 0; k < p->count; k++)
            for (int64_t i = 0; i < s.inner; i++) {
                int64_t few = (o * p->count + k) * s.inner + i;
                int64_t many = (o * p->size + p->start + k * p->step) * s.inner + i;
                if (embeds) take(out, many, x, few);
                else take(out, few, x, many);
            }
}

static void diagonal(const ag_node *y, const fuzz_value *x, fuzz_value *out)
{
    int64_t n = y->dim[y->rank - 1], rows = y->in[0]->dim[y->rank - 1], columns = y->in[0]->dim[y->rank];
    for (int64_t i = 0; i < out->n; i++) take(out, i, x, i / n * rows * columns + i % n * (columns + 1));
}

static void concat(const ag_node *y, const fuzz_value *const in[], fuzz_value *out)
{
    int axis = *(const int *)y->attribute;
    ag_extents s = ag_split_at(y, axis);
    int64_t before = 0;
    for (uint32_t k = 0; k < agi_written_inputs(y); k++) {
        int64_t part = y->in[k]->dim[axis] * s.inner;
        for (int64_t o = 0; o < s.outer; o++)
            for (int64_t i = 0; i < part; i++) take(out, o * s.extent * s.inner + before + i, in[k], o * part + i);
        before += part;
    }
}

/* -1: the index is not known, and so nothing is. */
static int64_t index_at(const ag_node *y, const fuzz_value *indices, int64_t k, int64_t extent)
{
    if (!fuzz_is_known(indices, k)) return -1;
    int64_t at = agi_counted((int64_t)indices->value[k], extent);
    ck_assert_msg(at >= 0, "%s: an index is out of range", y->op->name);
    return at;
}

static void gather(const ag_node *y, const fuzz_value *const in[], fuzz_value *out)
{
    ag_extents s = ag_split_at(y->in[0], *(const int *)y->attribute);
    int64_t to = 0;
    for (int64_t o = 0; o < s.outer; o++)
        for (int64_t k = 0; k < in[1]->n; k++)
            for (int64_t i = 0; i < s.inner; i++, to++) {
                int64_t at = index_at(y, in[1], k, s.extent);
                if (at < 0) fuzz_unknown(out, to);
                else take(out, to, in[0], (o * s.extent + at) * s.inner + i);
            }
}

static void convert(const ag_node *y, const fuzz_value *x, fuzz_value *out)
{
    for (int64_t i = 0; i < out->n; i++) {
        real v = x->value[i], e = x->bound[i];
        if (y->dtype != AG_I64) {
            int rounds = y->dtype == AG_F32 && y->in[0]->dtype != AG_F32 && (isnan(v) || v != (float)v || e > 0);
            fuzz_round((ag_dtype)y->dtype, rounds, v, e, &out->value[i], &out->bound[i]);
            continue;
        }
        out->value[i] = truncl(v);
        if (!(fabsl(v) < 0x1p62L) || !(e < INFINITY) || truncl(v - 4 * e) != truncl(v + 4 * e)) fuzz_unknown(out, i);
    }
}

/* Of labels that are classes, or the ignored one: 0. */
static void pick(const ag_node *y, const fuzz_value *const in[], fuzz_value *out)
{
    const agi_label_form *f = y->attribute;
    for (int64_t k = 0; k < out->n; k++) {
        const int64_t label = (int64_t)in[1]->value[k];
        if (f->ignores && label == f->ignored) out->value[k] = out->bound[k] = 0;
        else take(out, k, in[0], k * y->in[0]->dim[1] + label);
    }
}

/* Integers that may be others make a result that is not known. */
static real integer(agi_integer_kind kind, int64_t a, int64_t b, int64_t c)
{
#define KIND(name, operands, value) case AGI_INTEGER_##name: return value;
    switch (kind) {
    AGI_INTEGERS(KIND)
    default: return NAN;
    }
#undef KIND
}

static void integers(const ag_node *y, const fuzz_value *const in[], fuzz_value *out)
{
    for (int64_t i = 0; i < out->n; i++) {
        int64_t v[3] = { 0, 1, 0 };
        int known = 1;
        for (uint32_t k = 0; k < y->nin; k++) {
            const int64_t at = fuzz_broadcast(y, y->in[k], i);
            known &= fuzz_is_known(in[k], at);
            if (known) v[k] = (int64_t)in[k]->value[at];
        }
        if (known) out->value[i] = integer(*(const agi_integer_kind *)y->attribute, v[0], v[1], v[2]);
        else fuzz_unknown(out, i);
    }
}

int fuzz_moves(const ag_node *y, const fuzz_value *const in[], fuzz_value *out)
{
    const ag_op *op = y->op;
    if (op == &agi_transpose) transpose(y, in[0], out);
    else if (op == &agi_slice) at_positions(y, in[0], out, 0);
    else if (op == &agi_embed) at_positions(y, in[0], out, 1);
    else if (op == &agi_diagonal) diagonal(y, in[0], out);
    else if (op == &agi_concat) concat(y, in, out);
    else if (op == &agi_gather) gather(y, in, out);
    else if (op == &agi_cast) convert(y, in[0], out);
    else if (op == &agi_pick) pick(y, in, out);
    else if (op == &agi_integer || op == &agi_floor_divide) integers(y, in, out);
    else if (op == &agi_reshape)
        for (int64_t i = 0; i < out->n; i++) take(out, i, in[0], i);
    else if (op == &agi_broadcast_to)
        for (int64_t i = 0; i < out->n; i++) take(out, i, in[0], fuzz_broadcast(y, y->in[0], i));
    else if (op == &agi_assign)
        for (int64_t i = 0; i < out->n; i++) take(out, i, in[1], i);
    else return 0;
    return 1;
}

