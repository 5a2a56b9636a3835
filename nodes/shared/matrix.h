/* What the linear algebra shares of graphs and kernels: matrices are the last two axes, the leading ones count them. */
#ifndef AGI_MATRIX_H
#define AGI_MATRIX_H

#include "node.h"

static inline int64_t agi_rows(const ag_node *x)
{
    return x->dim[x->rank - 2];
}

static inline int64_t agi_cols(const ag_node *x)
{
    return x->dim[x->rank - 1];
}

/* ---- shape rules ------------------------------------------------------------------------------------------------ */

/* For in[0] of square matrices: a matrix of that shape for each; a number for each; in[0]^-1 in[1], the batch
 * dimensions broadcasting. */
ag_status agi_infer_matrix(ag_infer *);
ag_status agi_infer_number(ag_infer *);
ag_status agi_infer_solution(ag_infer *);
/* a's columns are not as many as b's rows: what would be right is said where one of them, transposed, is. */
ag_status agi_refuse_inner(ag_infer *, int64_t columns, int64_t rows);
/* All axes of the result but the last two. */
ag_status agi_broadcast_batches(ag_infer *, const ag_node *a, const ag_node *b);

/* ---- graph ------------------------------------------------------------------------------------------------------ */

/* `solve` on a right-hand side of any rank it may have: a vector is a matrix of one column; with a single matrix a, the
 * columns of all batches of b are columns of one right-hand side. */
typedef ag_node *agi_solver(ag_node *a, ag_node *b, const void *how);
ag_node *agi_solve_columns(agi_solver *solve, ag_node *a, ag_node *b, const void *how);

ag_node *agi_transposed(ag_node *x);                        /* the matrices transposed: a view */
int agi_is_transposed(const ag_node *x);                    /* is x what that made? */
/* a b, a gradient by x: where x is a transposed matrix, (b^T a^T)^T, which lies as that matrix does. */
ag_node *agi_product_for(const ag_node *x, ag_node *a, ag_node *b);
/* x_ij where j - i is at most `diagonal`, upper: at least; the rest 0. */
ag_node *agi_triangle(ag_node *x, int upper, int64_t diagonal);
ag_node *agi_half_diagonal(ag_node *x);                     /* the lower triangle with half the diagonal */
ag_node *agi_times(ag_node *number, ag_node *x);            /* x [..., n, m] by number [...] */
ag_node *agi_take_diagonal(ag_node *x);                     /* [..., n, m] to [..., min(n, m)]: a view */
ag_node *agi_put_diagonal(ag_node *x, int64_t rows, int64_t cols); /* its adjoint: x on the diagonal, 0 elsewhere */

/* The factors of a, vetted before, which solve, inverse, det and logdet share. Who takes factors takes a, too, for its
 * rule, and is AG_STRIDED so that a, which its kernel does not read, is never copied. */
ag_node *agi_lu_of(ag_node *a);
ag_node *agi_inverse_of(ag_node *a, ag_node *factors, int lenient); /* lenient: of a singular matrix it is NaN */
ag_node *agi_cofactor_of(ag_node *a, ag_node *factors);
ag_node *agi_cofactor_slope_of(ag_node *a, ag_node *v);
ag_node *agi_number_of(const ag_op *, ag_node *a); /* det and logdet: vetted, then of a and its factors */

/* ---- kernels ---------------------------------------------------------------------------------------------------- */

/* How many matrices the operation y works on, which gives a matrix, or a number, for each. */
int64_t agi_matrices(const ag_node *y);
/* Element 0 of the matrix of input k that meets the result's matrix m; of the result's matrix m itself. */
const void *agi_matrix_in(const ag_kernel_call *, int k, int64_t m);
void *agi_matrix_out(const ag_kernel_call *, int64_t m);
/* Input k's matrix for the result's matrix m, whatever its strides, to contiguous memory. */
void agi_copy_matrix(const ag_kernel_call *, int k, int64_t m, void *to);

/* Result number m of an operation that gives one for each matrix. */
void agi_put_number(const ag_kernel_call *, int64_t m, double value);

void agi_put_nan(const ag_kernel_call *, int64_t m); /* the result's matrix m */
/* The result's matrix m cannot be computed. Of many, that one becomes NaN: 0. A single one fails the evaluation with
 * AG_ENUMERIC: 1, recording that "the matrix is ...". */
int agi_unfit(const ag_kernel_call *, int64_t m, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* ---- the same in C (matrix_c.c): bodies for ag_op's `c`, which declare batch, i, j, k ---------------------------- */

/* Opens the loop over the result's matrices, `batch`: n is the order of a, x the matrix, if the result is matrices. */
void agi_write_loop(ag_source *, const ag_node *y);
/* `name`: element 0 of operand k's matrix that meets matrix `batch`. */
void agi_write_matrix(ag_source *, const ag_node *y, int k, const ag_strides in_stride[], const char *name);
/* Operand k's matrix, of n rows and `columns`, to the first rows of x. */
void agi_write_copy(ag_source *, const ag_node *y, int k, const ag_strides in_stride[]);
/* f: operand k's matrix. Where its diagonal has a zero, x becomes NaN, or the function returns AG_ENUMERIC for a single
 * matrix that is not let pass. */
void agi_write_regular(ag_source *, const ag_node *y, int k, const ag_strides in_stride[], int lenient);
void agi_write_solve(ag_source *, ag_dtype, int transposed); /* x = a^-1 x, or a^-T x, by a's factors f */
void agi_write_determinant(ag_source *);                     /* fraction and exponent, of the factors f */

#endif
