/* The positions of the elements along an axis in ascending or descending order: equal ones stay in the order that they
 * have, a NaN is larger than all.  No gradient. Runs of 1, 2, 4, ... elements are merged. */
#include "shared/order.h"

static ag_status shape(ag_infer *c)
{
    c->dtype = AG_I64;
    return AG_OK;
}

/* Of n elements x[k step]: `to` holds the positions in order, `room` n others. Does b[0] go before a[0]? */
#define SORT(name, real)                                                                              \
    static int name##_before(real b, real a, int descending)                                          \
    {                                                                                                 \
        return descending ? b > a || (b != b && a == a) : b < a || (a != a && b == b);                \
    }                                                                                                 \
                                                                                                      \
    static void name(int64_t n, int64_t step, int descending, const void *all, int64_t *to, int64_t *room) \
    {                                                                                                 \
        const real *x = all;                                                                          \
        for (int64_t k = 0; k < n; k++) to[k] = k;                                                    \
        for (int64_t run = 1; run < n; run *= 2) {                                                    \
            for (int64_t start = 0; start < n; start += 2 * run) {                                    \
                int64_t i = start, middle = start + run < n ? start + run : n, j = middle;            \
                const int64_t end = middle + run < n ? middle + run : n;                              \
                for (int64_t k = start; k < end; k++) {                                               \
                    const int right = j < end && (i == middle || name##_before(x[to[j] * step],       \
                                                                               x[to[i] * step], descending)); \
                    room[k] = right ? to[j++] : to[i++];                                              \
                }                                                                                     \
            }                                                                                         \
            memcpy(to, room, (size_t)n * sizeof *to);                                                 \
        }                                                                                             \
    }
SORT(sort_f32, float)
SORT(sort_f64, double)
SORT(sort_i64, int64_t)

static int64_t block(const ag_node *y, int from)
{
    return from < 0 ? ag_count(y) : ag_split_at(y, from).extent * ag_split_at(y, from).inner;
}

static ag_status run(const ag_kernel_call *c)
{
    const ag_node *x = c->node->in[0];
    const agi_sorting *r = c->node->attribute;
    const ag_extents s = ag_split_at(x, r->axis);
    const size_t size = ag_dtype_size((ag_dtype)x->dtype);
    const int64_t whole = block(x, r->from);
    int64_t *to = c->scratch, *out = c->out;
    for (int64_t line = 0; line < s.outer * s.inner; line++) {
        const int64_t first = line / s.inner * s.extent * s.inner + line % s.inner;
        const char *from = (const char *)c->in[0] + (size_t)first * size;
        (x->dtype == AG_F32 ? sort_f32 : x->dtype == AG_F64 ? sort_f64 : sort_i64)(s.extent, s.inner, r->descending,
                                                                                 from, to, to + s.extent);
        for (int64_t k = 0; k < s.extent; k++)
            out[first + k * s.inner] = r->from < 0 ? to[k] : first % whole + to[k] * s.inner;
    }
    return AG_OK;
}

static size_t scratch(const ag_node *y)
{
    return 2 * (size_t)y->dim[((const agi_sorting *)y->attribute)->axis] * sizeof(int64_t);
}

static ag_node *batch(const ag_node *y, ag_node *in[], const unsigned char batched[], int64_t count)
{
    agi_sorting r = *(const agi_sorting *)y->attribute;
    (void)batched, (void)count;
    r.axis++;
    if (r.from >= 0) r.from++;
    return agi_new_sorting(in[0], r);
}

static void write_c(ag_source *s, const ag_node *y, const ag_strides in_stride[])
{
    const agi_sorting *r = y->attribute;
    const ag_extents t = ag_split_at(y, r->axis);
    const long long n = (long long)t.extent, inner = (long long)t.inner, whole = (long long)block(y, r->from);
    const char *less = r->descending ? ">" : "<", *last = r->descending ? "b != b && a == a" : "a != a && b == b";
    (void)in_stride;
    ag_emit(s, "    int64_t *const to = (int64_t *)scratch, *const room = to + %lld;\n", n);
    ag_emit(s, "    int64_t line, first, run, start, i, j, k, middle, end;\n");
    ag_emit(s, "    for (line = 0; line < %lld; line++) {\n", (long long)(t.outer * t.inner));
    ag_emit(s, "        first = line / %lld * %lld + line %% %lld;\n", inner, n * inner, inner);
    ag_emit(s, "        for (k = 0; k < %lld; k++) to[k] = k;\n        for (run = 1; run < %lld; run *= 2) {\n", n, n);
    ag_emit(s, "            for (start = 0; start < %lld; start += 2 * run) {\n                i = start;\n", n);
    ag_emit(s, "                j = middle = start + run < %lld ? start + run : %lld;\n", n, n);
    ag_emit(s, "                end = middle + run < %lld ? middle + run : %lld;\n", n, n);
    ag_emit(s, "                for (k = start; k < end; k++) {\n                    int right = 0;\n");
    ag_emit(s, "                    if (j < end && i < middle) {\n");
    for (int k = 0; k < 2; k++)
        ag_emit(s, "                        const %s %c = in0[first + to[%c] * %lld];\n",
                ag_c_type((ag_dtype)y->in[0]->dtype), "ab"[k], "ij"[k], inner);
    ag_emit(s, "                        right = b %s a || (%s);\n                    }\n", less, last);
    ag_emit(s, "                    room[k] = right || i == middle ? to[j++] : to[i++];\n                }\n");
    ag_emit(s, "            }\n            for (k = 0; k < %lld; k++) to[k] = room[k];\n        }\n", n);
    ag_emit(s, "        for (k = 0; k < %lld; k++) out[first + k * %lld] = ", n, inner);
    if (r->from < 0) ag_emit(s, "to[k];\n    }\n    return 0;\n");
    else ag_emit(s, "first %% %lld + to[k] * %lld;\n    }\n    return 0;\n", whole, inner);
}

const ag_op agi_argsort = { .name = "argsort",
                            .formula = "positions in order",
                            .inputs = 1,
                            .flags = AG_LIBRARY | AG_SURE,
                            .attribute_size = sizeof(agi_sorting),
                            .shape = shape,
                            .run = run,
                            .scratch = scratch,
                            .c = write_c,
                            .gradient = ag_zero_gradient,
                            .batch = batch };

ag_node *agi_new_sorting(ag_node *x, agi_sorting r)
{
    return ag_unary_with(&agi_argsort, x, &r);
}

ag_node *ag_argsort(ag_node *x, int axis, int descending)
{
    int counted = ag_axis(&x, &agi_argsort, axis);
    return agi_new_sorting(x, (agi_sorting){ .axis = counted, .descending = descending != 0, .from = -1 });
}
