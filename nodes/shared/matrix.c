#include "matrix.h"
#include "extent.h"
#include "positions.h"

#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>

/* ---- shape rules ------------------------------------------------------------------------------------------------ */

ag_status agi_infer_matrix(ag_infer *c)
{
    const ag_node *a = c->in[0];
    if (a->dtype == AG_I64) return ag_refuse(c, AG_ETYPE, "there is no arithmetic on i64: make it real with ag_cast");
    if (a->rank < 2 || agi_rows(a) != agi_cols(a))
        return ag_refuse(c, AG_ESHAPE, "the last two axes are not those of a square matrix");
    if (agi_exceeds(c->graph, agi_rows(a), INT_MAX))
        return ag_refuse(c, AG_ESHAPE, "matrix extents are at most %d", INT_MAX);
    return AG_OK;
}

ag_status agi_infer_number(ag_infer *c)
{
    c->shape.rank -= 2;
    return agi_infer_matrix(c);
}

ag_status agi_refuse_inner(ag_infer *c, int64_t columns, int64_t rows)
{
    const ag_node *a = c->in[0], *b = c->in[1];
    const char *hint = a->rank != 2 || b->rank != 2 ? ""
                       : agi_cols(b) == columns ? ": ag_transpose(b, NULL) would fit"
                       : agi_rows(a) == rows ? ": ag_transpose(a, NULL) would fit" : "";
    return ag_refuse(c, AG_ESHAPE, "inner dimensions differ, %lld and %lld%s", (long long)columns, (long long)rows,
                     hint);
}

ag_status agi_broadcast_batches(ag_infer *c, const ag_node *a, const ag_node *b)
{
    int rank = a->rank > b->rank ? a->rank : b->rank;
    c->shape.rank = rank;
    for (int i = 0; i < rank - 2; i++) {
        int64_t da = i < rank - a->rank ? 1 : a->dim[i - (rank - a->rank)];
        int64_t db = i < rank - b->rank ? 1 : b->dim[i - (rank - b->rank)];
        if (da != db && da != 1 && db != 1)
            return ag_refuse(c, AG_ESHAPE, "batch dimensions do not broadcast: %lld and %lld, neither of which is 1",
                             (long long)da, (long long)db);
        c->shape.dim[i] = da == 1 ? db : da;
    }
    return AG_OK;
}

ag_status agi_infer_solution(ag_infer *c)
{
    const ag_node *a = c->in[0], *b = c->in[1];
    ag_status status = agi_infer_matrix(c);
    if (status) return status;
    if (a->dtype != b->dtype) return ag_refuse(c, AG_ETYPE, "element types differ: ag_cast one of them");
    if (b->rank == 0 || (b->rank == 1 && a->rank > 2))
        return ag_refuse(c, AG_ESHAPE, "b has to be a matrix, or a vector where a is a single matrix");
    int64_t rows = b->rank == 1 ? b->dim[0] : agi_rows(b);
    if (agi_cols(a) != rows || b->rank == 1) /* a vector that fits has been made a matrix */
        return ag_refuse(c, AG_ESHAPE, "a has %lld columns and b %lld rows", (long long)agi_cols(a), (long long)rows);
    if (agi_exceeds(c->graph, agi_cols(b), INT_MAX))
        return ag_refuse(c, AG_ESHAPE, "matrix extents are at most %d", INT_MAX);
    status = agi_broadcast_batches(c, a, b);
    c->shape.dim[c->shape.rank - 2] = rows;
    c->shape.dim[c->shape.rank - 1] = agi_cols(b);
    return status;
}

/* ---- graph ------------------------------------------------------------------------------------------------------ */

ag_node *agi_solve_columns(agi_solver *solve, ag_node *a, ag_node *b, const void *how)
{
    if (ag_is_bad(a) || ag_is_bad(b) || a->rank != 2 || b->rank == 2 || b->rank == 0) return solve(a, b, how);
    if (b->dim[b->rank == 1 ? 0 : b->rank - 2] != agi_cols(a)) return solve(a, b, how);
    if (b->rank == 1) {
        ag_node *x = solve(a, ag_reshape(b, AG_SHAPE(b->dim[0], 1)), how);
        return ag_is_bad(x) ? x : ag_reshape(x, AG_SHAPE(b->dim[0]));
    }
    int rows_first[AG_MAX_RANK], back[AG_MAX_RANK], rows = b->rank - 2;
    for (int i = 0; i < b->rank; i++) {
        rows_first[i] = i == 0 ? rows : i <= rows ? i - 1 : i;
        back[rows_first[i]] = i;
    }
    ag_node *wide = ag_transpose(b, rows_first);
    if (ag_is_bad(wide)) return wide;
    ag_shape shape = ag_shape_in(wide);
    ag_node *x = solve(a, ag_reshape(wide, AG_SHAPE(agi_cols(a), -1)), how);
    return ag_is_bad(x) ? x : ag_transpose(ag_reshape(x, shape), back);
}

ag_node *agi_transposed(ag_node *x)
{
    if (ag_is_bad(x)) return x;
    int axes[AG_MAX_RANK];
    for (int i = 0; i < x->rank; i++) axes[i] = i;
    axes[x->rank - 1] = x->rank - 2;
    axes[x->rank - 2] = x->rank - 1;
    return ag_transpose(x, axes);
}

int agi_is_transposed(const ag_node *x)
{
    const int *axis = x->attribute;
    if (x->op != &agi_transpose || axis[x->rank - 1] != x->rank - 2) return 0;
    for (int i = 0; i < x->rank - 2; i++)
        if (axis[i] != i) return 0;
    return 1;
}

ag_node *agi_product_for(const ag_node *x, ag_node *a, ag_node *b)
{
    if (!agi_is_transposed(x)) return ag_matmul(a, b);
    return agi_transposed(ag_matmul(agi_transposed(b), agi_transposed(a)));
}

/* Row and column numbers, which broadcast to a matrix, in the type of x. */
static ag_node *row_numbers(const ag_node *x, int64_t rows)
{
    return ag_reshape(ag_arange(x->graph, (ag_dtype)x->dtype, rows), AG_SHAPE(rows, 1));
}

static ag_node *column_numbers(const ag_node *x, int64_t cols)
{
    return ag_arange(x->graph, (ag_dtype)x->dtype, cols);
}

ag_node *agi_triangle(ag_node *x, int upper, int64_t diagonal)
{
    if (ag_is_bad(x)) return x;
    ag_node *i = row_numbers(x, agi_rows(x)), *j = column_numbers(x, agi_cols(x));
    if (diagonal) i = ag_add(i, agi_extent_number(x->graph, (ag_dtype)x->dtype, diagonal));
    return ag_where(upper ? ag_less_equal(i, j) : ag_greater_equal(i, j), x, ag_number(x->graph, 0));
}

ag_node *agi_half_diagonal(ag_node *x)
{
    if (ag_is_bad(x)) return x;
    ag_node *i = row_numbers(x, agi_rows(x)), *j = column_numbers(x, agi_cols(x));
    return ag_where(ag_equal(i, j), ag_scale(x, 0.5), agi_triangle(x, 0, 0));
}

ag_node *agi_times(ag_node *number, ag_node *x)
{
    if (ag_is_bad(number) || ag_is_bad(x)) return ag_mul(number, x);
    ag_shape s = ag_shape_in(number);
    s.dim[s.rank++] = 1;
    s.dim[s.rank++] = 1;
    return ag_mul(ag_reshape(number, s), x);
}

/* What is written here with a mask is one operation, whose gradient is not: sparse derivatives see the diagonal. */
static ag_node *square_diagonal(ag_node *x, int64_t n)
{
    ag_node *on = ag_equal(row_numbers(x, n), column_numbers(x, n));
    ag_shape s = ag_shape_in(x); /* a row of x_j, repeated downwards */
    s.dim[s.rank - 1] = 1;
    s.dim[s.rank++] = n;
    ag_node *all = ag_where(on, ag_reshape(x, s), ag_number(x->graph, 0));
    return ag_define(&agi_diag, 1, &x, NULL, all);
}

ag_node *agi_put_diagonal(ag_node *x, int64_t rows, int64_t cols)
{
    if (ag_is_bad(x)) return x;
    const int64_t n = rows < cols ? rows : cols;
    ag_node *square = square_diagonal(x, n);
    if (rows == cols || ag_is_bad(square)) return square;
    const int axis = square->rank - (rows > cols ? 2 : 1);
    return agi_new_embed(square, &(agi_positions){ axis, 0, 1, n, rows > cols ? rows : cols });
}

/* ---- kernels ---------------------------------------------------------------------------------------------------- */

static int batch_axes(const ag_node *y)
{
    return y->rank < y->in[0]->rank ? y->rank : y->rank - 2;
}

int64_t agi_matrices(const ag_node *y)
{
    int64_t n = 1;
    for (int i = 0; i < batch_axes(y); i++) n *= y->dim[i];
    return n;
}

const void *agi_matrix_in(const ag_kernel_call *c, int k, int64_t m)
{
    const ag_node *y = c->node, *x = y->in[k];
    int64_t offset = 0;
    for (int i = batch_axes(y), lead = i + 2 - x->rank; i-- > 0; m /= y->dim[i])
        if (i >= lead && x->dim[i - lead] > 1) offset += m % y->dim[i] * c->in_stride[k].stride[i - lead];
    return (const char *)c->in[k] + offset * (int64_t)ag_dtype_size((ag_dtype)x->dtype);
}

void *agi_matrix_out(const ag_kernel_call *c, int64_t m)
{
    const ag_node *y = c->node;
    return (char *)c->out + m * agi_rows(y) * agi_cols(y) * (int64_t)ag_dtype_size((ag_dtype)y->dtype);
}

static void copy_row(ag_dtype dtype, int64_t n, int64_t stride, const void *from, void *to)
{
    if (stride == 1) memcpy(to, from, (size_t)n * ag_dtype_size(dtype));
    else if (dtype == AG_F32)
        for (int64_t j = 0; j < n; j++) ((float *)to)[j] = ((const float *)from)[j * stride];
    else
        for (int64_t j = 0; j < n; j++) ((double *)to)[j] = ((const double *)from)[j * stride];
}

/* Whole rows where they are contiguous, else narrow strips of columns, so that a transpose uses what is in cache. */
void agi_copy_matrix(const ag_kernel_call *c, int k, int64_t m, void *to)
{
    const ag_node *x = c->node->in[k];
    const int64_t *stride = c->in_stride[k].stride + x->rank - 2;
    const char *from = agi_matrix_in(c, k, m);
    int64_t size = (int64_t)ag_dtype_size((ag_dtype)x->dtype), cols = agi_cols(x), strip = stride[1] == 1 ? cols : 16;
    for (int64_t j = 0; j < cols; j += strip)
        for (int64_t i = 0; i < agi_rows(x); i++)
            copy_row((ag_dtype)x->dtype, j + strip < cols ? strip : cols - j, stride[1],
                     from + (i * stride[0] + j * stride[1]) * size, (char *)to + (i * cols + j) * size);
}

void agi_put_number(const ag_kernel_call *c, int64_t m, double value)
{
    if (c->node->dtype == AG_F32) ((float *)c->out)[m] = (float)value;
    else ((double *)c->out)[m] = value;
}

void agi_put_nan(const ag_kernel_call *c, int64_t m)
{
    int64_t n = agi_rows(c->node) * agi_cols(c->node);
    for (int64_t i = 0; i < n; i++) agi_put_number(c, m * n + i, NAN);
}

int agi_unfit(const ag_kernel_call *c, int64_t m, const char *format, ...)
{
    char reason[160];
    va_list args;
    if (c->node->rank > 2) {
        agi_put_nan(c, m);
        return 0;
    }
    va_start(args, format);
    vsnprintf(reason, sizeof reason, format, args);
    va_end(args);
    snprintf(c->message, c->message_size, "the matrix is %s", reason);
    return 1;
}
