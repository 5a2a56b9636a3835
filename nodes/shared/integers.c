/* The integers' loops: over all axes but the last by counting, along the last as rows. */
#include "integers.h"
#include "graph/graph.h"

static const char *const names[] = {
#define KIND(name, operands, value) #name,
    AGI_INTEGERS(KIND)
#undef KIND
};

static const char *const texts[] = {
#define KIND(name, operands, value) #value,
    AGI_INTEGERS(KIND)
#undef KIND
};

/* Elements of a row are step[k] apart in operand k. */
typedef struct {
    int64_t n, step[3];
    const int64_t *in[3];
    int64_t *out;
} row;

#define KIND(name, operands, value)                                                                 \
    static void row_of_##name(const row *r)                                                         \
    {                                                                                               \
        for (int64_t i = 0; i < r->n; i++) {                                                        \
            const int64_t a = r->in[0][i * r->step[0]], b = operands > 1 ? r->in[1][i * r->step[1]] : 0; \
            const int64_t c = operands > 2 ? r->in[2][i * r->step[2]] : 0;                          \
            (void)b, (void)c;                                                                       \
            r->out[i] = value;                                                                      \
        }                                                                                           \
    }
AGI_INTEGERS(KIND)
#undef KIND

static void (*const rows[])(const row *) = {
#define KIND(name, operands, value) row_of_##name,
    AGI_INTEGERS(KIND)
#undef KIND
};

static agi_integer_kind kind_of(const ag_node *y)
{
    return *(const agi_integer_kind *)y->attribute;
}

/* Along y's axis; 0 where x is broadcast. */
static int64_t step_along(const ag_node *y, const ag_node *x, const ag_strides *s, int axis)
{
    const int own = axis - (y->rank - x->rank);
    return own < 0 || x->dim[own] == 1 ? 0 : s->stride[own];
}

ag_status agi_run_integers(const ag_kernel_call *c)
{
    const ag_node *y = c->node;
    const int last = y->rank - 1;
    row r = { .n = y->rank ? y->dim[last] : 1, .out = c->out };
    for (int64_t done = 0, all = ag_count(y); done < all; done += r.n, r.out += r.n) {
        for (uint32_t k = 0; k < y->nin; k++) {
            int64_t at = 0, rest = done / r.n;
            for (int axis = last; axis-- > 0; rest /= y->dim[axis])
                at += rest % y->dim[axis] * step_along(y, y->in[k], &c->in_stride[k], axis);
            r.in[k] = (const int64_t *)c->in[k] + at;
            r.step[k] = y->rank ? step_along(y, y->in[k], &c->in_stride[k], last) : 0;
        }
        rows[kind_of(y)](&r);
    }
    return AG_OK;
}

void agi_write_loops(ag_source *s, const ag_node *y, char first)
{
    for (int axis = 0; axis < y->rank; axis++) ag_emit(s, "%s%c", axis ? ", " : "    int64_t ", first + axis);
    if (y->rank) ag_emit(s, ";\n");
    for (int axis = 0; axis < y->rank; axis++)
        ag_emit(s, "    for (%c = 0; %c < %lld; %c++)\n", first + axis, first + axis, (long long)y->dim[axis],
                first + axis);
}

void agi_write_place(ag_source *s, const ag_node *y, int k, const ag_node *x, const ag_strides *at, char first)
{
    const char *plus = "";
    ag_emit(s, "in%d[", k);
    for (int axis = 0; axis < y->rank; axis++) {
        const int64_t step = step_along(y, x, at, axis);
        if (!step) continue;
        ag_emit(s, step == 1 ? "%s%c" : "%s%c * %lld", plus, first + axis, (long long)step);
        plus = " + ";
    }
    ag_emit(s, *plus ? "]" : "0]");
}

void agi_write_integers(ag_source *s, const ag_node *y, const ag_strides in_stride[])
{
    ag_emit(s, "    int64_t t = 0;\n");
    agi_write_loops(s, y, 'i');
    ag_emit(s, "    {\n        const int64_t ");
    for (uint32_t k = 0; k < y->nin; k++) {
        ag_emit(s, "%s%c = ", k ? ", " : "", 'a' + (int)k);
        agi_write_place(s, y, (int)k, y->in[k], &in_stride[k], 'i');
    }
    ag_emit(s, ";\n        out[t++] = %s;\n    }\n    return 0;\n", texts[kind_of(y)]);
}

const char *agi_way_of_integers(const ag_node *y, const ag_strides in_stride[], int isa)
{
    (void)in_stride, (void)isa;
    return names[kind_of(y)];
}

ag_node *agi_batch_integers(const ag_node *y, ag_node *in[], const unsigned char batched[], int64_t count)
{
    ag_batch_align(y, y->nin, in, batched, count);
    return ag_apply(y->op, (int)y->nin, in, y->attribute);
}

ag_status agi_infer_integers(ag_infer *c)
{
    for (int k = 0; k < c->n; k++)
        if (c->in[k]->dtype != AG_I64)
            return ag_refuse(c, AG_ETYPE, "takes integers: of reals write ag_floor(ag_div(a, b))");
    return agi_infer_extents(c);
}

static ag_node *of_integers(const ag_op *op, agi_integer_kind kind, int n, ag_node *const in[])
{
    ag_node *whole[3];
    for (int k = 0; k < n; k++) {
        whole[k] = in[k];
        if (ag_is_bad(in[k]) || !in[k]->weak) continue;
        const double value = *(const double *)in[k]->attribute;
        if (value < -0x1p63 || value >= 0x1p63 || (double)(int64_t)value != value)
            return ag_reject(in[k], op, AG_EARG, "%g is not whole, the other operand is of i64: ag_cast it", value);
        whole[k] = ag_full(in[k]->graph, AG_I64, AG_SCALAR, value);
    }
    ag_node *sound = ag_vet(op, n, whole, &kind);
    if (ag_is_bad(sound)) return sound;
    const int divides = kind == AGI_INTEGER_fmod || kind == AGI_INTEGER_floor_divide;
    return ag_apply(divides ? &agi_floor_divide : &agi_integer, n, whole, &kind);
}

#define KIND(name, operands, value)                                           \
    ag_node *agi_integer_##name(int n, ag_node *const in[])                   \
    {                                                                         \
        return of_integers(&agi_##name, AGI_INTEGER_##name, n, in);           \
    }
AGI_INTEGERS(KIND)
#undef KIND
