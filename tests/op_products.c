/* Rows of products: the schoolbook's loops. */
#include "op_table.h"

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

/* ---- the rows --------------------------------------------------------------------------------------------------- */

#define S OP_SHAPE
#define PRODUCT(name, flags, a, b, out, ...) \
    { #name, build_##name, expect_##name, 2, { a, b }, out, -1, 1, { __VA_ARGS__ }, flags },

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
};
const size_t op_products_count = COUNT(op_products);
