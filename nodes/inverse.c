/* y = a^-1:  d/da = -y^T gout y^T.  Inputs: a, its factors; attribute: may it be singular? Then y is NaN. */
#include "shared/factors.h"
#include "shared/matrix.h"

ag_node *agi_inverse_of(ag_node *a, ag_node *factors, int lenient)
{
    ag_node *in[] = { a, factors };
    return ag_apply(&agi_inverse, 2, in, &lenient);
}

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    ag_node *y_t = agi_transposed(y);
    gin[0] = ag_neg(ag_matmul(ag_matmul(y_t, gout), y_t));
}

static ag_status run(const ag_kernel_call *c)
{
    const ag_node *y = c->node;
    for (int64_t m = 0; m < agi_matrices(y); m++) {
        const void *factors = agi_matrix_in(c, 1, m);
        int64_t pivot = agi_zero_pivot((ag_dtype)y->dtype, agi_rows(y), factors);
        if (pivot < 0)
            agi_invert(agi_dense_for(c), (ag_dtype)y->dtype, agi_rows(y), factors, agi_matrix_out(c, m), c->scratch);
        else if (*(const int *)y->attribute) agi_put_nan(c, m);
        else if (agi_unfit(c, m, "singular: pivot %lld is zero", (long long)pivot)) return AG_ENUMERIC;
    }
    return AG_OK;
}

static double flops(const ag_node *y)
{
    return 2 * (double)ag_count(y) * (double)agi_rows(y);
}

static void write_c(ag_source *s, const ag_node *y, const ag_strides in_stride[])
{
    ag_emit(s, "    int64_t batch, i, j, k;\n");
    agi_write_loop(s, y);
    agi_write_regular(s, y, 1, in_stride, *(const int *)y->attribute);
    ag_emit(s, "        const int64_t columns = n;\n"
               "        for (i = 0; i < n; i++)\n"
               "            for (j = 0; j < n; j++) x[i * n + j] = i == j;\n");
    agi_write_solve(s, (ag_dtype)y->dtype, 0);
    ag_emit(s, "    }\n    return 0;\n");
}

const ag_op agi_inverse = { .name = "inverse",
                            .formula = "a^-1",
                            .inputs = 2,
                            .flags = AG_LIBRARY | AG_STRIDED | AG_SMOOTH,
                            .attribute_size = sizeof(int),
                            .shape = agi_infer_matrix,
                            .run = run,
                            .c = write_c,
                            .scratch = agi_dense_scratch,
                            .gradient = gradient,
                            .batch = ag_batch_leading,
                            .flops = flops };

ag_node *ag_inverse(ag_node *a)
{
    int lenient = 0;
    a = ag_vet(&agi_inverse, 1, &a, &lenient);
    return ag_is_bad(a) ? a : agi_inverse_of(a, agi_lu_of(a), lenient);
}
