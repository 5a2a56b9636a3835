/* log(sum of e^x) over all elements up to each along an axis, without overflow; -Inf as long as there is nothing else.
 * With G[k] = gout[k] + e^(y[k] - y[k + 1]) G[k + 1], the exponents being at most 0, the gradient is e^(x - y) G. */
#include "shared/recur.h"

#include <math.h>

static int axis_of(const ag_node *y)
{
    return *(const int *)y->attribute;
}

/* The largest so far and the sum of the exponentials of what all are below it. */
#define ACCUMULATE(name, real)                                                     \
    static void name(int64_t n, int64_t inner, const real *x, real *out)           \
    {                                                                              \
        double most = -INFINITY, sum = 0;                                          \
        for (int64_t k = 0; k < n; k++) {                                          \
            const double v = x[k * inner];                                         \
            sum = v > most ? sum * exp(most - v) + 1 : sum + (v == most ? 1 : exp(v - most)); \
            if (v > most) most = v;                                                \
            out[k * inner] = (real)(most + log(sum));                              \
        }                                                                          \
    }
ACCUMULATE(accumulate_f32, float)
ACCUMULATE(accumulate_f64, double)

static ag_status run(const ag_kernel_call *c)
{
    ag_extents s = ag_split_at(c->node, axis_of(c->node));
    for (int64_t line = 0; line < s.outer * s.inner; line++) {
        int64_t first = line / s.inner * s.extent * s.inner + line % s.inner;
        if (c->node->dtype == AG_F32)
            accumulate_f32(s.extent, s.inner, (const float *)c->in[0] + first, (float *)c->out + first);
        else accumulate_f64(s.extent, s.inner, (const double *)c->in[0] + first, (double *)c->out + first);
    }
    return AG_OK;
}

/* e^(a - b), b being at least a; 0 where both are -Inf. */
static ag_node *share(ag_node *a, ag_node *b)
{
    ag_node *zero = ag_number(a->graph, 0), *none = ag_equal(b, ag_number(a->graph, -INFINITY));
    return ag_where(none, zero, ag_exp(ag_where(none, zero, ag_sub(a, b))));
}

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    int axis = axis_of(y);
    ag_node *decay = share(agi_shifted(y, axis, 1), y);
    gin[0] = ag_mul(share(y->in[0], y), agi_recur_back(decay, gout, axis));
}

static ag_node *batch(const ag_node *y, ag_node *in[], const unsigned char batched[], int64_t count)
{
    (void)batched, (void)count;
    return ag_logcumsumexp(in[0], axis_of(y) + 1);
}

static int pattern(const ag_node *y, ag_dependence *d)
{
    return agi_cumsum.pattern(y, d);
}

static void write_c(ag_source *s, const ag_node *y, const ag_strides in_stride[])
{
    ag_extents split = ag_split_at(y, axis_of(y));
    long long row = (long long)(split.extent * split.inner), inner = (long long)split.inner;
    (void)in_stride;
    ag_emit(s, "    int64_t i, j, k;\n    for (i = 0; i < %lld; i++)\n", (long long)split.outer);
    ag_emit(s, "        for (j = 0; j < %lld; j++) {\n            double most = -HUGE_VAL, sum = 0;\n", inner);
    ag_emit(s, "            for (k = i * %lld + j; k < (i + 1) * %lld; k += %lld) {\n", row, row, inner);
    ag_emit(s, "                const double v = in0[k];\n                sum = v > most ? sum * exp(most - v) + 1 : ");
    ag_emit(s, "sum + (v == most ? 1 : exp(v - most));\n                if (v > most) most = v;\n");
    ag_emit(s, "                out[k] = (%s)(most + log(sum));\n            }\n        }\n    return 0;\n",
            ag_c_type((ag_dtype)y->dtype));
}

const ag_op agi_logcumsumexp = { .name = "logcumsumexp",
                                 .formula = "log of the running sum of e^x",
                                 .inputs = 1,
                                 .flags = AG_LIBRARY | AG_SMOOTH | AG_SURE,
                                 .attribute_size = sizeof(int),
                                 .run = run,
                                 .c = write_c,
                                 .gradient = gradient,
                                 .batch = batch,
                                 .pattern = pattern };

ag_node *ag_logcumsumexp(ag_node *x, int axis)
{
    int counted = ag_axis(&x, &agi_logcumsumexp, axis);
    return ag_unary_with(&agi_logcumsumexp, x, &counted);
}
