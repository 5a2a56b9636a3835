/* y = a^-1 b:  d/db = a^-T gout, d/da = -(d/db) y^T.  Inputs: a, b, the factors of a; attribute: is a transposed? */
#include "shared/factors.h"
#include "shared/matrix.h"

static ag_node *solve(ag_node *a, ag_node *b, ag_node *factors, int transposed)
{
    ag_node *in[] = { a, b, factors };
    return ag_apply(&agi_solve, 3, in, &transposed);
}

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    int transposed = *(const int *)y->attribute;
    gin[1] = solve(y->in[0], gout, y->in[2], !transposed);
    if (ag_wanted(y, 0))
        gin[0] = ag_neg(transposed ? ag_matmul(y, agi_transposed(gin[1])) : ag_matmul(gin[1], agi_transposed(y)));
}

static ag_status run(const ag_kernel_call *c)
{
    const ag_node *y = c->node;
    int transposed = *(const int *)y->attribute;
    for (int64_t m = 0; m < agi_matrices(y); m++) {
        const void *factors = agi_matrix_in(c, 2, m);
        int64_t pivot = agi_zero_pivot((ag_dtype)y->dtype, agi_rows(y), factors);
        if (pivot >= 0) {
            if (agi_unfit(c, m, "singular: pivot %lld is zero", (long long)pivot)) return AG_ENUMERIC;
            continue;
        }
        agi_copy_matrix(c, 1, m, agi_matrix_out(c, m));
        agi_solve_by(agi_dense_for(c), (ag_dtype)y->dtype, agi_rows(y), agi_cols(y), factors, transposed,
                     agi_matrix_out(c, m), c->scratch);
    }
    return AG_OK;
}

static double flops(const ag_node *y)
{
    return 2.0 * (double)ag_count(y) * (double)agi_rows(y);
}

static ag_node *solve_again(ag_node *a, ag_node *b, const void *like)
{
    const ag_node *y = like;
    return solve(a, b, y->in[2], *(const int *)y->attribute);
}

/* For a single matrix, all batches of b are columns of one right-hand side. */
static ag_node *batch(const ag_node *y, ag_node *in[], const unsigned char batched[], int64_t count)
{
    int single = !batched[0] && y->in[0]->rank == 2;
    return single ? agi_solve_columns(solve_again, in[0], in[1], y) : ag_batch_leading(y, in, batched, count);
}

static void write_c(ag_source *s, const ag_node *y, const ag_strides in_stride[])
{
    ag_emit(s, "    int64_t batch, i, j, k;\n");
    agi_write_loop(s, y);
    agi_write_regular(s, y, 2, in_stride, 0);
    agi_write_copy(s, y, 1, in_stride);
    agi_write_solve(s, (ag_dtype)y->dtype, *(const int *)y->attribute);
    ag_emit(s, "    }\n    return 0;\n");
}

const ag_op agi_solve = { .name = "solve",
                          .formula = "a^-1 b",
                          .inputs = 3,
                          .flags = AG_LIBRARY | AG_STRIDED | AG_SMOOTH,
                          .attribute_size = sizeof(int),
                          .shape = agi_infer_solution,
                          .run = run,
                          .c = write_c,
                          .scratch = agi_dense_scratch,
                          .gradient = gradient,
                          .batch = batch,
                          .flops = flops };

static ag_node *solver(ag_node *a, ag_node *b, const void *transposed)
{
    ag_node *in[] = { a, b }, *sound = ag_vet(&agi_solve, 2, in, transposed);
    return ag_is_bad(sound) ? sound : solve(a, b, agi_lu_of(a), *(const int *)transposed);
}

ag_node *ag_solve(ag_node *a, ag_node *b)
{
    int transposed = 0;
    return agi_solve_columns(solver, a, b, &transposed);
}
