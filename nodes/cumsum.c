/* Sums of all elements up to each along an axis;  the gradient is summed from the other end. */
#include "node.h"

#define ACCUMULATE(name, real)                                                                   \
    static void name(ag_extents s, const real *x, real *out)                                     \
    {                                                                                            \
        int64_t row = s.extent * s.inner;                                                        \
        for (int64_t o = 0; o < s.outer; o++, x += row, out += row) {                            \
            memcpy(out, x, (size_t)s.inner * sizeof *out);                                       \
            for (int64_t i = s.inner; i < row; i++) out[i] = out[i - s.inner] + x[i];            \
        }                                                                                        \
    }
ACCUMULATE(accumulate_f32, float)
ACCUMULATE(accumulate_f64, double)

/* Floats along an axis of more than MOST: so many are added up in their type, and stand on the sum of all before, which
 * is kept in double. -0 is what changes nothing. */
enum { MOST = 64, COLUMNS = 512, LANES = 16 };

static inline void add_lanes(int64_t n, const float *restrict x, const float *restrict before, float *restrict few,
                             float *restrict out)
{
    for (int64_t i = 0; i < n; i++) out[i] = before[i] + (few[i] += x[i]);
}

static inline void accumulate_columns(ag_extents s, int64_t n, const float *x, float *out)
{
    double all[COLUMNS];
    float before[COLUMNS], few[COLUMNS];
    for (int64_t i = 0; i < n; i++) all[i] = before[i] = few[i] = -0.0f;
    for (int64_t k = 0; k < s.extent; k++, x += s.inner, out += s.inner) {
        int64_t i = 0;
        for (; i < n && k % MOST == 0; i++) before[i] = (float)(all[i] += few[i]), few[i] = -0.0f;
        for (i = 0; i + LANES <= n; i += LANES) add_lanes(LANES, x + i, before + i, few + i, out + i);
        add_lanes(n - i, x + i, before + i, few + i, out + i);
    }
}

static void accumulate_long(ag_extents s, const float *x, float *out)
{
    for (int64_t o = 0; o < s.outer; o++, x += s.extent * s.inner, out += s.extent * s.inner) {
        if (s.inner == 1) accumulate_columns(s, 1, x, out);
        for (int64_t i = 0; i < s.inner && s.inner > 1; i += COLUMNS)
            accumulate_columns(s, s.inner - i < COLUMNS ? s.inner - i : COLUMNS, x + i, out + i);
    }
}

static ag_status run(const ag_kernel_call *c)
{
    ag_extents s = ag_split_at(c->node, *(const int *)c->node->attribute);
    if (c->node->dtype == AG_F32 && s.extent > MOST) accumulate_long(s, c->in[0], c->out);
    else if (c->node->dtype == AG_F32) accumulate_f32(s, c->in[0], c->out);
    else accumulate_f64(s, c->in[0], c->out);
    return AG_OK;
}

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    int axis = *(const int *)y->attribute;
    gin[0] = ag_flip(ag_cumsum(ag_flip(gout, axis), axis), axis);
}

static ag_node *batch(const ag_node *y, ag_node *in[], const unsigned char batched[], int64_t count)
{
    (void)batched, (void)count;
    return ag_cumsum(in[0], *(const int *)y->attribute + 1);
}

/* Of a long axis a list of pairs is no structure: nearly everything there depends on everything. */
static int pattern(const ag_node *y, ag_dependence *d)
{
    enum { LONG = 4096 };
    ag_extents s = ag_split_at(y, *(const int *)y->attribute);
    if (s.extent > LONG) return 0;
    for (int64_t o = 0, to = 0; o < s.outer; o++)
        for (int64_t k = 0; k < s.extent; k++)
            for (int64_t i = 0; i < s.inner; i++, to++)
                for (int64_t j = 0; j <= k; j++) ag_depends(d, to, 0, (o * s.extent + j) * s.inner + i);
    return 1;
}

static void write_long(ag_source *s, ag_extents split)
{
    long long row = (long long)(split.extent * split.inner), inner = (long long)split.inner;
    long long most = inner < COLUMNS ? inner : COLUMNS;
    ag_emit(s, "    double all[%lld];\n    float before[%lld], few[%lld];\n", most, most, most);
    ag_emit(s, "    int64_t i, j, k, l, n;\n");
    ag_emit(s, "    for (i = 0; i < %lld; i++)\n", (long long)split.outer);
    ag_emit(s, "        for (j = 0; j < %lld; j += n) {\n", inner);
    ag_emit(s, "            n = %lld - j < %lld ? %lld - j : %lld;\n", inner, most, inner, most);
    ag_emit(s, "            for (l = 0; l < n; l++) all[l] = before[l] = few[l] = -0.0f;\n");
    ag_emit(s, "            for (k = 0; k < %lld; k++) {\n", (long long)split.extent);
    ag_emit(s, "                const float *const from = in0 + i * %lld + k * %lld + j;\n", row, inner);
    ag_emit(s, "                float *const to = out + i * %lld + k * %lld + j;\n", row, inner);
    ag_emit(s, "                for (l = 0; l < n && k %% %d == 0; l++) {\n", MOST);
    ag_emit(s, "                    before[l] = (float)(all[l] += few[l]);\n");
    ag_emit(s, "                    few[l] = -0.0f;\n                }\n");
    ag_emit(s, "                for (l = 0; l < n; l++) to[l] = before[l] + (few[l] += from[l]);\n");
    ag_emit(s, "            }\n        }\n    return 0;\n");
}

static void write_c(ag_source *s, const ag_node *y, const ag_strides in_stride[])
{
    ag_extents split = ag_split_at(y, *(const int *)y->attribute);
    long long row = (long long)(split.extent * split.inner), inner = (long long)split.inner;
    (void)in_stride;
    if (y->dtype == AG_F32 && split.extent > MOST) {
        write_long(s, split);
        return;
    }
    ag_emit(s, "    int64_t i, j;\n    for (i = 0; i < %lld; i++)\n", (long long)split.outer);
    ag_emit(s, "        for (j = 0; j < %lld; j++)\n", row);
    ag_emit(s, "            out[i * %lld + j] = j < %lld ? in0[j + i * %lld] : ", row, inner, row);
    ag_emit(s, "out[i * %lld + j - %lld] + in0[i * %lld + j];\n", row, inner, row);
    ag_emit(s, "    return 0;\n");
}

const ag_op agi_cumsum = { .name = "cumsum",
                           .formula = "running sum of x",
                           .inputs = 1,
                           .flags = AG_LIBRARY | AG_SMOOTH | AG_SURE,
                           .attribute_size = sizeof(int),
                           .run = run,
                           .c = write_c,
                           .gradient = gradient,
                           .batch = batch,
                           .pattern = pattern };

ag_node *ag_cumsum(ag_node *x, int axis)
{
    int counted = ag_axis(&x, &agi_cumsum, axis);
    return ag_unary_with(&agi_cumsum, x, &counted);
}
