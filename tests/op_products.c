/* Rows of products: the schoolbook's loops. */
#include "op_table.h"
#include "shared/heads.h"

static ag_node *build_dot(ag_node *const in[], const int *arg)
{
    (void)arg;
    return ag_dot(in[0], in[1]);
}

/* arg[0]: an operand is a transposed one. 1: a, 2: b */
static ag_node *build_matmul(ag_node *const in[], const int *arg)
{
    const int swapped[2][3] = { { 1, 0 }, { 0, 2, 1 } };
    ag_node *a = in[0], *b = in[1];
    if (arg[0] & 1 && !ag_is_bad(a)) a = ag_transpose(a, swapped[a->rank - 2]);
    if (arg[0] & 2 && !ag_is_bad(b)) b = ag_transpose(b, swapped[b->rank - 2]);
    return ag_matmul(a, b);
}

static ag_shape transposed(ag_shape s, int yes)
{
    int64_t last = s.dim[s.rank - 1];
    if (!yes) return s;
    s.dim[s.rank - 1] = s.dim[s.rank - 2];
    s.dim[s.rank - 2] = last;
    return s;
}

/* Offset of the matrix that belongs to one of the result's batches. */
static int64_t batch_offset(ag_shape whole, ag_shape s, int64_t batch)
{
    int64_t offset = 0, size = s.dim[s.rank - 1] * s.dim[s.rank - 2];
    for (int i = 3; i <= whole.rank; i++) {
        int64_t index = batch % whole.dim[whole.rank - i];
        batch /= whole.dim[whole.rank - i];
        if (i > s.rank) continue;
        if (s.dim[s.rank - i] > 1) offset += index * size;
        size *= s.dim[s.rank - i];
    }
    return offset;
}

static void expect_matmul(const op_row *r, const double *const in[], double *out)
{
    ag_shape a = transposed(r->in[0], r->arg[0] & 1), b = transposed(r->in[1], r->arg[0] & 2), y = r->out;
    int64_t rows = y.dim[y.rank - 2], cols = y.dim[y.rank - 1], inner = a.dim[a.rank - 1];
    for (int64_t batch = 0; batch < op_count(y) / (rows * cols); batch++) {
        const double *am = in[0] + batch_offset(y, a, batch), *bm = in[1] + batch_offset(y, b, batch);
        for (int64_t i = 0; i < rows; i++)
            for (int64_t j = 0; j < cols; j++) {
                long double s = 0;
                for (int64_t k = 0; k < inner; k++)
                    s += (long double)(r->arg[0] & 1 ? am[k * rows + i] : am[i * inner + k]) *
                         (r->arg[0] & 2 ? bm[j * inner + k] : bm[k * cols + j]);
                *out++ = (double)s;
            }
    }
}

/* A vector a is a row, a vector b a column. */
static void expect_dot(const op_row *r, const double *const in[], double *out)
{
    int64_t inner = r->in[0].dim[r->in[0].rank - 1], rows = op_count(r->in[0]) / inner,
            cols = op_count(r->in[1]) / inner;
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < cols; j++) {
            long double s = 0;
            for (int64_t k = 0; k < inner; k++) s += (long double)in[0][i * inner + k] * in[1][k * cols + j];
            *out++ = (double)s;
        }
}

/* arg[0]: causal; arg[1]: the scale, in tenths, or 0: 1 / sqrt(depth) */
static ag_node *build_attention(ag_node *const in[], const int *arg)
{
    return ag_attention(in[0], in[1], in[2], arg[1] / 10.0, arg[0]);
}

static void expect_attention(const op_row *r, const double *const in[], double *out)
{
    const ag_shape q = r->in[0], k = r->in[1], v = r->in[2];
    const int64_t queries = q.dim[q.rank - 2], keys = k.dim[k.rank - 2], depth = q.dim[q.rank - 1];
    const int64_t width = v.dim[v.rank - 1], heads = op_count(q) / (queries * depth);
    const long double scale = r->arg[1] ? r->arg[1] / 10.0L : 1 / sqrtl((long double)depth);
    for (int64_t row = 0; row < heads * queries; row++, out += width) {
        const int64_t head = row / queries, met = r->arg[0] && row % queries + 1 < keys ? row % queries + 1 : keys;
        long double sum = 0, total[64] = { 0 };
        for (int64_t j = 0; j < met; j++) {
            long double score = 0;
            for (int64_t l = 0; l < depth; l++)
                score += (long double)in[0][row * depth + l] * in[1][(head * keys + j) * depth + l];
            sum += expl(scale * score);
            for (int64_t l = 0; l < width; l++)
                total[l] += expl(scale * score) * in[2][(head * keys + j) * width + l];
        }
        for (int64_t l = 0; l < width; l++) out[l] = (double)(total[l] / sum);
    }
}

/* Queries and keys in[0], a mask in[2], of which arg[2] makes some -Inf, all of query 1. */
static int is_masked(const op_row *r, int64_t i, int64_t j)
{
    return r->arg[2] && (i == 1 || (i + 2 * j) % 5 == 0);
}

static ag_node *build_masked(ag_node *const in[], const int *arg)
{
    const op_row *r = (const op_row *)(const void *)((const char *)arg - offsetof(op_row, arg));
    static double hidden[70 * 70];
    if (ag_is_bad(in[0]) || ag_is_bad(in[1]) || ag_is_bad(in[2])) return ag_group(3, in);
    const int64_t n = r->in[0].dim[r->in[0].rank - 2];
    for (int64_t k = 0; k < n * n; k++) hidden[k] = is_masked(r, k / n, k % n);
    ag_node *pattern = ag_cast(ag_constant(in[0]->graph, AG_F64, AG_SHAPE(n, n), hidden), ag_type_of(in[0]));
    ag_node *mask = arg[2] ? ag_where(pattern, ag_number(in[0]->graph, -INFINITY), in[2]) : in[2];
    return ag_attention_with(in[0], in[0], in[1], mask, arg[1] / 10.0, arg[0]);
}

static void expect_masked(const op_row *r, const double *const in[], double *out)
{
    const ag_shape q = r->in[0], v = r->in[1], mask = r->in[2];
    const int64_t n = q.dim[q.rank - 2], depth = q.dim[q.rank - 1], width = v.dim[v.rank - 1];
    for (int64_t row = 0; row < op_count(q) / depth; row++, out += width) {
        const int64_t head = row / n, i = row % n;
        long double sum = 0, total[64] = { 0 };
        for (int64_t j = 0; j < (r->arg[0] ? i + 1 : n); j++) {
            long double score = 0;
            if (is_masked(r, i, j)) continue;
            for (int64_t l = 0; l < depth; l++)
                score += (long double)in[0][row * depth + l] * in[0][(head * n + j) * depth + l];
            const int64_t of_head = mask.rank > 2 ? head % mask.dim[mask.rank - 3] * mask.dim[mask.rank - 2] : 0;
            const int64_t line = mask.dim[mask.rank - 2] > 1 ? i : 0, columns = mask.dim[mask.rank - 1];
            const double added = in[2][(of_head + line) * columns + (columns > 1 ? j : 0)];
            const long double p = expl(r->arg[1] / 10.0L * score + added);
            sum += p;
            for (int64_t l = 0; l < width; l++) total[l] += p * in[1][(head * n + j) * width + l];
        }
        for (int64_t l = 0; l < width; l++) out[l] = sum > 0 ? (double)(total[l] / sum) : 0;
    }
}

/* Of the gradients, with v for that of the result: as many keys as queries. */
static ag_node *build_attention_slope(ag_node *const in[], const int *arg)
{
    const agi_attention_form f = { .scale = arg[1] / 10.0, .causal = arg[0] };
    ag_node *made = ag_apply(&agi_attention, 3, in, &f);
    return agi_new_attention_slope(in[0], in[1], in[2], in[2], made, NULL, &f);
}

/* A row of p, and of ds: p (dp - sum of p dp), scaled. */
static void slope_row(const op_row *r, const double *const in[], int64_t i, long double p[], long double ds[])
{
    const int64_t n = r->in[0].dim[0], depth = r->in[0].dim[1], width = r->in[2].dim[1], met = r->arg[0] ? i + 1 : n;
    const long double scale = r->arg[1] / 10.0L;
    long double total = 0, sum = 0;
    for (int64_t j = 0; j < met; j++) {
        long double score = 0;
        for (int64_t l = 0; l < depth; l++) score += (long double)in[0][i * depth + l] * in[1][j * depth + l];
        total += p[j] = expl(scale * score);
    }
    for (int64_t j = 0; j < met; j++) {
        ds[j] = 0;
        for (int64_t l = 0; l < width; l++) ds[j] += (long double)in[2][i * width + l] * in[2][j * width + l];
        sum += (p[j] /= total) * ds[j];
    }
    for (int64_t j = 0; j < n; j++) ds[j] = j < met ? scale * p[j] * (ds[j] - sum) : 0, p[j] = j < met ? p[j] : 0;
}

static void expect_attention_slope(const op_row *r, const double *const in[], double *out)
{
    const int64_t n = r->in[0].dim[0], depth = r->in[0].dim[1], width = r->in[2].dim[1];
    double *const dq = out, *const dk = dq + n * depth, *const dv = dk + n * depth;
    for (int64_t k = 0; k < op_count(r->out); k++) out[k] = 0;
    for (int64_t i = 0; i < n; i++) {
        long double p[64], ds[64];
        slope_row(r, in, i, p, ds);
        for (int64_t j = 0; j < n; j++)
            for (int64_t l = 0; l < depth || l < width; l++) {
                if (l < depth) dq[i * depth + l] += (double)(ds[j] * in[1][j * depth + l]);
                if (l < depth) dk[j * depth + l] += (double)(ds[j] * in[0][i * depth + l]);
                if (l < width) dv[j * width + l] += (double)(p[j] * in[2][i * width + l]);
            }
    }
}

/* ---- the rows --------------------------------------------------------------------------------------------------- */

#define S OP_SHAPE
#define PRODUCT(name, flags, a, b, out, ...) \
    { #name, build_##name, expect_##name, 2, { a, b }, out, -1, 1, { __VA_ARGS__ }, flags },

#define ATTENTION(q, k, v, out, ...) \
    { "attention", build_attention, expect_attention, 3, { q, k, v }, out, -2, 2, { __VA_ARGS__ }, 0 },

#define MASKED(qk, v, mask, out, ...) \
    { "attention", build_masked, expect_masked, 3, { qk, v, mask }, out, -1, 1, { __VA_ARGS__ }, ROW_INNER },
#define SLOPE(qk, v, out, ...)                                                                           \
    { "attention_slope", build_attention_slope, expect_attention_slope, 3, { qk, qk, v }, out, -1, 1, { __VA_ARGS__ }, \
      ROW_INNER },

const op_row op_products[] = {
    PRODUCT(dot, 0, S(5), S(5), OP_SCALAR, 0)
    PRODUCT(dot, 0, S(1), S(1), OP_SCALAR, 0)
    PRODUCT(dot, 0, S(3, 5), S(5), S(3), 0)
    PRODUCT(dot, 0, S(5), S(5, 4), S(4), 0)
    PRODUCT(dot, 0, S(3, 5), S(5, 4), S(3, 4), 0)
    PRODUCT(dot, 0, S(2, 2), S(2, 2), S(2, 2), 0)
    PRODUCT(dot, 0, S(1031), S(1031), OP_SCALAR, 0)
    PRODUCT(dot, 0, S(40, 700), S(700), S(40), 0)
    PRODUCT(matmul, 0, S(1, 1), S(1, 1), S(1, 1), 0)
    PRODUCT(matmul, 0, S(1, 5), S(5, 1), S(1, 1), 0)
    PRODUCT(matmul, 0, S(5, 1), S(1, 5), S(5, 5), 0)
    PRODUCT(matmul, 0, S(2, 3), S(3, 4), S(2, 4), 0)
    PRODUCT(matmul, 0, S(3, 2), S(3, 4), S(2, 4), 1)
    PRODUCT(matmul, 0, S(2, 3), S(4, 3), S(2, 4), 2)
    PRODUCT(matmul, 0, S(3, 2), S(4, 3), S(2, 4), 3)
    PRODUCT(matmul, 0, S(33, 70), S(70, 41), S(33, 41), 0)
    PRODUCT(matmul, 0, S(70, 33), S(41, 70), S(33, 41), 3)
    PRODUCT(matmul, 0, S(5, 2, 3), S(3, 4), S(5, 2, 4), 0)
    PRODUCT(matmul, 0, S(2, 3), S(5, 3, 4), S(5, 2, 4), 0)
    PRODUCT(matmul, 0, S(5, 2, 3), S(5, 3, 4), S(5, 2, 4), 0)
    PRODUCT(matmul, 0, S(5, 3, 2), S(5, 4, 3), S(5, 2, 4), 3)
    PRODUCT(matmul, 0, S(5, 3, 2), S(3, 4), S(5, 2, 4), 1)
    PRODUCT(matmul, 0, S(1, 2, 3), S(5, 3, 4), S(5, 2, 4), 0)
    PRODUCT(matmul, 0, S(2, 1, 2, 3), S(3, 3, 2), S(2, 3, 2, 2), 0)
    ATTENTION(S(3, 2), S(4, 2), S(4, 3), S(3, 3), 0, 0)
    ATTENTION(S(1, 1), S(1, 1), S(1, 1), S(1, 1), 1, 0)
    ATTENTION(S(4, 3), S(4, 3), S(4, 2), S(4, 2), 1, 0)
    ATTENTION(S(2, 3, 2), S(2, 2, 2), S(2, 2, 1), S(2, 3, 1), 1, 7)
    ATTENTION(S(2, 2, 2, 3), S(2, 2, 3, 3), S(2, 2, 3, 2), S(2, 2, 2, 2), 0, -13)
    ATTENTION(S(3, 2), S(150, 2), S(150, 1), S(3, 1), 0, 20)
    SLOPE(S(4, 2), S(4, 3), S(28), 0, 7)
    SLOPE(S(5, 1), S(5, 2), S(20), 1, 13)
    SLOPE(S(3, 1), S(3, 1), S(9), 1, 13)
    ATTENTION(S(70, 2), S(66, 2), S(66, 1), S(70, 1), 1, 0)
    MASKED(S(4, 2), S(4, 3), S(4, 4), S(4, 3), 0, 7, 0)
    MASKED(S(70, 2), S(70, 1), S(70, 70), S(70, 1), 0, 7, 1)
    MASKED(S(70, 2), S(70, 1), S(1, 70), S(70, 1), 1, 7, 1)
    MASKED(S(4, 2), S(4, 3), S(4, 4), S(4, 3), 0, 7, 1)
    MASKED(S(4, 2), S(4, 1), S(1, 4), S(4, 1), 1, 7, 1)
    MASKED(S(2, 3, 2), S(2, 3, 1), S(2, 3, 3), S(2, 3, 1), 0, -7, 0)
    MASKED(S(2, 3, 2), S(2, 3, 1), S(3, 1), S(2, 3, 1), 1, 5, 1)
    MASKED(S(2, 2, 3, 1), S(2, 2, 3, 1), S(2, 1, 3), S(2, 2, 3, 1), 0, 5, 0)
};
const size_t op_products_count = COUNT(op_products);
