/* Rows of what networks are made of: losses, norms, pooling to a size. */
#include "op_table.h"

/* ---- cross-entropy with options ---------------------------------------------------------------------------------- */

/* arg: the reduction; smoothing in percent; the ignored label, or NONE; are there weights, in[1]? Labels: 0, 2, 4, ...
 * of the classes, the last row's being the ignored one, if any. */
enum { NONE = 99 };

static int64_t label_of(const op_row *r, int64_t i)
{
    return r->arg[2] != NONE && i == r->in[0].dim[0] - 1 ? r->arg[2] : 2 * i % r->in[0].dim[1];
}

static const op_row *row_of(const int *arg)
{
    return (const op_row *)(const void *)((const char *)arg - offsetof(op_row, arg));
}

static ag_node *build_labels(ag_node *const in[], const int *arg)
{
    const op_row *r = row_of(arg);
    const int64_t ignored = arg[2], n = r->in[0].dim[0];
    int64_t label[64];
    if (ag_is_bad(in[0]) || (arg[3] && ag_is_bad(in[1]))) return ag_add(in[0], arg[3] ? in[1] : in[0]);
    for (int64_t i = 0; i < n; i++) label[i] = label_of(r, i);
    const ag_cross_entropy_options o = { .weight = arg[3] ? in[1] : NULL, .ignore = arg[2] == NONE ? NULL : &ignored,
                                         .smoothing = arg[1] / 100.0, .reduce = (ag_reduction)arg[0] };
    return ag_cross_entropy_with(in[0], ag_constant(in[0]->graph, AG_I64, AG_SHAPE(n), label), &o);
}

static long double log_share(int64_t n, const double *x, int64_t k)
{
    long double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += expl((long double)x[i] - x[k]);
    return -logl(sum);
}

/* n elements as one loss, their weights being w. */
static void finish(ag_reduction reduce, int64_t n, const long double *x, long double w, double *out)
{
    long double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += x[i];
    for (int64_t i = 0; i < n && reduce == AG_EACH; i++) out[i] = (double)x[i];
    if (reduce != AG_EACH) *out = (double)(reduce == AG_MEAN ? sum / w : sum);
}

static void expect_labels(const op_row *r, const double *const in[], double *out)
{
    const int64_t n = r->in[0].dim[0], classes = r->in[0].dim[1];
    const long double smoothing = r->arg[1] / 100.0L;
    long double loss[64], weights = 0;
    for (int64_t i = 0; i < n; i++) {
        const double *x = in[0] + i * classes;
        loss[i] = 0;
        if (r->arg[2] != NONE && label_of(r, i) == r->arg[2]) continue;
        for (int64_t k = 0; k < classes; k++) {
            const long double w = r->arg[3] ? in[1][k] : 1, hot = k == label_of(r, i);
            loss[i] -= w * (hot * (1 - smoothing) + smoothing / (long double)classes) * log_share(classes, x, k);
            weights += w * hot;
        }
    }
    finish((ag_reduction)r->arg[0], n, loss, weights, out);
}

/* arg: the reduction; smoothing in percent; are there weights, in[2]? */
static ag_node *build_shares(ag_node *const in[], const int *arg)
{
    const ag_cross_entropy_options o = { .weight = arg[2] ? in[2] : NULL, .smoothing = arg[1] / 100.0,
                                         .reduce = (ag_reduction)arg[0] };
    return ag_cross_entropy_with(in[0], in[1], &o);
}

static void expect_shares(const op_row *r, const double *const in[], double *out)
{
    const int64_t n = r->in[0].dim[0], classes = r->in[0].dim[1];
    const long double smoothing = r->arg[1] / 100.0L;
    long double loss[64];
    for (int64_t i = 0; i < n; i++) {
        loss[i] = 0;
        for (int64_t k = 0; k < classes; k++) {
            const long double share = (1 - smoothing) * in[1][i * classes + k] + smoothing / (long double)classes;
            loss[i] -= (r->arg[2] ? in[2][k] : 1) * share * log_share(classes, in[0] + i * classes, k);
        }
    }
    finish((ag_reduction)r->arg[0], n, loss, (long double)n, out);
}

/* ---- losses of elements; arg[0]: the reduction ------------------------------------------------------------------- */

static long double binary_cross_entropy(double x, double t)
{
    return t * log1pl(expl(-(long double)x)) + (1 - (long double)t) * log1pl(expl(x));
}

static long double mse(double x, double t)
{
    return ((long double)x - t) * ((long double)x - t);
}

static long double huber(double x, double t) /* delta 0.5 */
{
    const long double d = fabsl((long double)x - t);
    return d <= 0.5L ? d * d / 2 : 0.5L * (d - 0.25L);
}

static long double kl_div(double log_p, double q)
{
    return q * (logl(q) - log_p);
}

static void expect_elements(const op_row *r, const double *const in[], double *out, long double f(double, double))
{
    long double loss[64];
    const int64_t n = op_count(r->in[0]);
    for (int64_t i = 0; i < n; i++) loss[i] = f(in[0][i], in[1][i % op_count(r->in[1])]);
    finish((ag_reduction)r->arg[0], n, loss, (long double)n, out);
}

#define LOSS(name, call)                                                              \
    static ag_node *build_##name(ag_node *const in[], const int *arg)                 \
    {                                                                                 \
        const ag_reduction reduce = (ag_reduction)arg[0];                             \
        return call;                                                                  \
    }                                                                                 \
    static void expect_##name(const op_row *r, const double *const in[], double *out) \
    {                                                                                 \
        expect_elements(r, in, out, name);                                            \
    }
LOSS(binary_cross_entropy, ag_binary_cross_entropy(in[0], in[1], reduce))
LOSS(mse, ag_mse(in[0], in[1], reduce))
LOSS(huber, ag_huber(in[0], in[1], 0.5, reduce))
LOSS(kl_div, ag_kl_div(in[0], in[1], reduce))

/* Along axis arg[0], operands of one shape of rank 2. */
static ag_node *build_cosine_similarity(ag_node *const in[], const int *arg)
{
    return ag_cosine_similarity(in[0], in[1], arg[0]);
}

static void expect_cosine_similarity(const op_row *r, const double *const in[], double *out)
{
    const int64_t rows = r->in[0].dim[0], columns = r->in[0].dim[1], down = r->arg[0] == 0;
    for (int64_t i = 0; i < (down ? columns : rows); i++) {
        long double ab = 0, aa = 0, bb = 0;
        for (int64_t k = 0; k < (down ? rows : columns); k++) {
            const int64_t at = down ? k * columns + i : i * columns + k;
            ab += (long double)in[0][at] * in[1][at];
            aa += (long double)in[0][at] * in[0][at];
            bb += (long double)in[1][at] * in[1][at];
        }
        out[i] = (double)(ab / sqrtl(aa * bb));
    }
}

/* ---- norms: gain in[1], bias in[2] where there are so many operands; epsilon 0.01 -------------------------------- */

typedef enum { LAYER, RMS, GROUP, BATCH, TRAINED } norm;

/* arg: which norm; the last axes, or the groups. */
static ag_node *build_norm(ag_node *const in[], const int *arg)
{
    const op_row *r = row_of(arg);
    ag_node *gain = r->n > 1 ? in[1] : NULL, *bias = r->n > 2 ? in[2] : NULL;
    switch ((norm)arg[0]) {
    case LAYER: return ag_layer_norm(in[0], arg[1], gain, bias, 0.01);
    case RMS: return ag_rms_norm(in[0], arg[1], gain, 0.01);
    case GROUP: return ag_group_norm(in[0], arg[1], gain, bias, 0.01);
    case TRAINED: return ag_batch_norm_train(in[0], gain, bias, 0.01, NULL, NULL, 0, NULL);
    default: return ag_batch_norm(in[0], NULL, NULL, gain, bias, 0.01); /* as given: mean and variance */
    }
}

/* Do elements i and j share mean and variance? */
static int together(const op_row *r, int64_t i, int64_t j)
{
    const ag_shape s = r->in[0];
    int64_t last = 1, image = 1;
    for (int k = 2; k < s.rank; k++) image *= s.dim[k];
    for (int k = s.rank - r->arg[1]; r->arg[0] <= RMS && k < s.rank; k++) last *= s.dim[k];
    if (r->arg[0] == GROUP) last = image * s.dim[1] / r->arg[1];
    return r->arg[0] == TRAINED ? i / image % s.dim[1] == j / image % s.dim[1] : i / last == j / last;
}

static void expect_norm(const op_row *r, const double *const in[], double *out)
{
    const int64_t n = op_count(r->in[0]), each = r->n > 1 ? op_count(r->in[1]) : 1;
    int64_t image = 1;
    for (int k = 2; k < r->in[0].rank && r->arg[0] > RMS; k++) image *= r->in[0].dim[k];
    for (int64_t i = 0; i < n; i++) {
        long double count = 0, sum = 0, squares = 0;
        for (int64_t j = 0; j < n; j++)
            if (together(r, i, j)) count++, sum += in[0][j], squares += (long double)in[0][j] * in[0][j];
        const double by = r->n > 1 ? in[1][i / image % each] : 1, more = r->n > 2 ? in[2][i / image % each] : 0;
        const long double mean = r->arg[0] == RMS ? 0 : sum / count, variance = squares / count - mean * mean;
        if (r->arg[0] == BATCH) out[i] = (double)((in[0][i] - (long double)by) / sqrtl(more + 0.01L));
        else out[i] = (double)((in[0][i] - mean) / sqrtl(variance + 0.01L) * by + more);
    }
}

/* ---- pooling: arg: the result's extents -------------------------------------------------------------------------- */

static ag_node *build_adaptive_avg_pool(ag_node *const in[], const int *arg)
{
    return ag_adaptive_avg_pool(in[0], (int64_t[]){ arg[0], arg[1], 1 });
}

/* Of images of two axes. */
static void expect_adaptive_avg_pool(const op_row *r, const double *const in[], double *out)
{
    const int64_t height = r->in[0].dim[2], width = r->in[0].dim[3], planes = r->in[0].dim[0] * r->in[0].dim[1];
    const int64_t rows = r->arg[0], columns = r->arg[1];
    for (int64_t p = 0; p < planes * rows * columns; p++) {
        const int64_t i = p / columns % rows, j = p % columns;
        long double sum = 0, count = 0;
        for (int64_t y = 0; y < height; y++)
            for (int64_t x = 0; x < width; x++) {
                if (y < i * height / rows || y * rows >= (i + 1) * height) continue;
                if (x < j * width / columns || x * columns >= (j + 1) * width) continue;
                sum += in[0][(p / (rows * columns) * height + y) * width + x];
                count++;
            }
        out[p] = (double)(sum / count);
    }
}

/* ---- the rows ---------------------------------------------------------------------------------------------------- */

#define S OP_SHAPE
#define LABELS(n, in1, out, ...) \
    { "cross_entropy", build_labels, expect_labels, n, { S(5, 4), in1 }, out, 0.2, 2, { __VA_ARGS__ }, ROW_INNER },
#define SHARES(n, out, ...)                                                                                      \
    { "log_softmax", build_shares, expect_shares, n, { S(3, 4), S(3, 4), S(4) }, out, 0.2, 2, { __VA_ARGS__ }, \
      ROW_INNER },
#define ELEMENTS(op, name, a, b, out, low, high, reduce) \
    { op, build_##name, expect_##name, 2, { a, b }, out, low, high, { reduce }, ROW_SPACED | ROW_INNER },
#define NORM(op, n, in, each, ...) \
    { op, build_norm, expect_norm, n, { in, each, each }, in, 0.5, 2.5, { __VA_ARGS__ }, ROW_INNER },
#define POOL(op, in, out, ...)                                                                                    \
    { op, build_adaptive_avg_pool, expect_adaptive_avg_pool, 1, { in }, out, -2, 2, { __VA_ARGS__ }, ROW_INNER },

const op_row op_networks[] = {
    LABELS(1, S(4), OP_SCALAR, AG_MEAN, 0, NONE, 0)
    LABELS(1, S(4), OP_SCALAR, AG_SUM, 0, NONE, 0)
    LABELS(1, S(4), S(5), AG_EACH, 0, NONE, 0)
    LABELS(1, S(4), OP_SCALAR, AG_MEAN, 0, -100, 0)
    LABELS(1, S(4), S(5), AG_EACH, 0, 2, 0)
    LABELS(1, S(4), OP_SCALAR, AG_MEAN, 10, NONE, 0)
    LABELS(1, S(4), OP_SCALAR, AG_MEAN, 10, 0, 0)
    LABELS(2, S(4), OP_SCALAR, AG_MEAN, 0, NONE, 1)
    LABELS(2, S(4), OP_SCALAR, AG_MEAN, 0, 0, 1)
    LABELS(2, S(4), OP_SCALAR, AG_MEAN, 10, 7, 1)
    LABELS(2, S(4), OP_SCALAR, AG_SUM, 10, 7, 1)
    LABELS(2, S(4), S(5), AG_EACH, 30, 1, 1)
    SHARES(2, OP_SCALAR, AG_MEAN, 0, 0)
    SHARES(2, S(3), AG_EACH, 20, 0)
    SHARES(3, OP_SCALAR, AG_MEAN, 0, 1)
    SHARES(3, OP_SCALAR, AG_SUM, 20, 1)
    ELEMENTS("binary_cross_entropy", binary_cross_entropy, S(2, 3), S(2, 3), S(2, 3), -3, 3, AG_EACH)
    ELEMENTS("binary_cross_entropy", binary_cross_entropy, S(2, 3), S(3), OP_SCALAR, -3, 3, AG_MEAN)
    ELEMENTS("binary_cross_entropy", binary_cross_entropy, S(7), S(7), OP_SCALAR, 0.1, 0.9, AG_SUM)
    ELEMENTS("square", mse, S(2, 3), S(2, 3), OP_SCALAR, -2, 2, AG_MEAN)
    ELEMENTS("square", mse, S(2, 3), S(3), S(2, 3), -2, 2, AG_EACH)
    ELEMENTS("huber", huber, S(3, 4), S(3, 4), S(3, 4), -2, 2, AG_EACH)
    ELEMENTS("huber", huber, S(3, 4), S(4), OP_SCALAR, -2, 2, AG_MEAN)
    ELEMENTS("kl_div", kl_div, S(2, 3), S(2, 3), S(2, 3), 0.1, 2, AG_EACH)
    ELEMENTS("kl_div", kl_div, S(2, 3), S(2, 3), OP_SCALAR, 0.1, 2, AG_MEAN)
    ELEMENTS("div", cosine_similarity, S(2, 5), S(2, 5), S(2), -2, 2, 1)
    ELEMENTS("div", cosine_similarity, S(3, 4), S(3, 4), S(4), -2, 2, 0)
    NORM("normalise", 3, S(3, 4), S(4), LAYER, 1)
    NORM("normalise", 1, S(2, 3, 4), S(4), LAYER, 1)
    NORM("normalise", 3, S(2, 3, 4), S(3, 4), LAYER, 2)
    NORM("normalise", 1, S(5), S(5), LAYER, 1)
    NORM("normalise", 2, S(3, 4), S(4), LAYER, 1)
    NORM("normalise", 2, S(3, 5), S(5), RMS, 1)
    NORM("normalise", 1, S(2, 3, 4), S(4), RMS, 2)
    NORM("normalise", 3, S(2, 4, 3), S(4), GROUP, 2)
    NORM("normalise", 3, S(2, 4, 2, 2), S(4), GROUP, 1)
    NORM("normalise", 1, S(2, 4), S(4), GROUP, 2)
    NORM("normalise", 3, S(2, 3, 2, 2), S(3), TRAINED)
    NORM("normalise", 3, S(5, 3), S(3), TRAINED)
    NORM("normalise", 1, S(2, 3, 4), S(3), TRAINED)
    NORM("sub", 3, S(2, 3, 2, 2), S(3), BATCH)
    NORM("sub", 3, S(4, 3), S(3), BATCH)
    POOL("avg_pool", S(1, 2, 4, 6), S(1, 2, 2, 3), 2, 3)
    POOL("concat", S(2, 1, 5, 7), S(2, 1, 3, 3), 3, 3)
    POOL("mean", S(1, 2, 3, 4), S(1, 2, 1, 1), 1, 1)
    POOL("avg_pool", S(1, 1, 6, 5), S(1, 1, 3, 2), 3, 2)
    POOL("concat", S(1, 1, 2, 3), S(1, 1, 3, 4), 3, 4)
};
const size_t op_networks_count = COUNT(op_networks);
