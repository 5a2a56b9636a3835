/* y = t^-1 b, t a triangle of a or its transpose:  d/db = t^-T gout, d/da = that triangle of -(d/db) y^T. */
#include "shared/factors.h"
#include "shared/matrix.h"

typedef struct {
    int upper, transposed;
} triangle;

static ag_node *solve(ag_node *a, ag_node *b, const void *how)
{
    ag_node *in[] = { a, b };
    return ag_apply(&agi_triangular_solve, 2, in, how);
}

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    const triangle *t = y->attribute;
    triangle other = { .upper = t->upper, .transposed = !t->transposed };
    gin[1] = solve(y->in[0], gout, &other);
    if (!ag_wanted(y, 0)) return;
    ag_node *da = t->transposed ? ag_matmul(y, agi_transposed(gin[1])) : ag_matmul(gin[1], agi_transposed(y));
    gin[0] = ag_neg(agi_triangle(da, t->upper, 0));
}

static ag_status run(const ag_kernel_call *c)
{
    const ag_node *y = c->node;
    const triangle *t = y->attribute;
    const agi_triangular how = { .upper = t->upper, .transposed = t->transposed };
    ag_dtype dtype = (ag_dtype)y->dtype;
    for (int64_t m = 0; m < agi_matrices(y); m++) {
        const void *a = agi_matrix_in(c, 0, m);
        int64_t zero = agi_zero_pivot(dtype, agi_rows(y), a);
        if (zero >= 0) {
            if (agi_unfit(c, m, "singular: diagonal element %lld is zero", (long long)zero)) return AG_ENUMERIC;
            continue;
        }
        agi_copy_matrix(c, 1, m, agi_matrix_out(c, m));
        agi_dense_for(c)->divide(how, agi_rows(y), agi_cols(y), a, agi_matrix_out(c, m), c->scratch);
    }
    return AG_OK;
}

static double flops(const ag_node *y)
{
    return (double)ag_count(y) * (double)agi_rows(y);
}

/* For a single matrix, all batches of b are columns of one right-hand side. */
static ag_node *batch(const ag_node *y, ag_node *in[], const unsigned char batched[], int64_t count)
{
    int single = !batched[0] && y->in[0]->rank == 2;
    return single ? agi_solve_columns(solve, in[0], in[1], y->attribute) : ag_batch_leading(y, in, batched, count);
}

static void write_c(ag_source *s, const ag_node *y, const ag_strides in_stride[])
{
    const triangle *t = y->attribute;
    const agi_triangular how = { .upper = t->upper, .transposed = t->transposed };
    ag_emit(s, "    int64_t batch, i, j, k;\n");
    agi_write_loop(s, y);
    agi_write_regular(s, y, 0, in_stride, 0);
    agi_write_copy(s, y, 1, in_stride);
    agi_write_divide(s, how);
    ag_emit(s, "    }\n    return 0;\n");
}

const ag_op agi_triangular_solve = { .name = "triangular_solve",
                                     .formula = "t^-1 b, t a triangle of a",
                                     .inputs = 2,
                                     .flags = AG_LIBRARY | AG_SMOOTH,
                                     .attribute_size = sizeof(triangle),
                                     .shape = agi_infer_solution,
                                     .run = run,
                                     .c = write_c,
                                     .scratch = agi_dense_scratch,
                                     .gradient = gradient,
                                     .batch = batch,
                                     .flops = flops };

ag_node *ag_triangular_solve(ag_node *a, ag_node *b, int upper, int transposed)
{
    triangle t = { .upper = upper != 0, .transposed = transposed != 0 };
    return agi_solve_columns(solve, a, b, &t);
}
