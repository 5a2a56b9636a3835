/* Lower triangular y with y y^T = (a + a^T) / 2:  d/da = the symmetric part of y^-T p y^-1, p the lower triangle of
 * y^T gout with half the diagonal (I. Murray, Differentiation of the Cholesky decomposition, 2016). */
#include "shared/factors.h"
#include "shared/matrix.h"

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    ag_node *p = agi_half_diagonal(ag_matmul(agi_transposed(y), gout));
    ag_node *left = ag_triangular_solve(y, p, 0, 1);
    ag_node *da = ag_triangular_solve(y, agi_transposed(left), 0, 1);
    gin[0] = ag_scale(ag_add(da, agi_transposed(da)), 0.5);
}

static void lower_of_symmetric_part(ag_dtype dtype, int64_t n, const void *a, const int64_t stride[2], void *out)
{
    memset(out, 0, (size_t)(n * n) * ag_dtype_size(dtype));
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j <= i; j++) {
            int64_t here = i * stride[0] + j * stride[1], mirror = j * stride[0] + i * stride[1];
            double mean = (agi_number_at(dtype, a, here) + agi_number_at(dtype, a, mirror)) / 2;
            if (dtype == AG_F32) ((float *)out)[i * n + j] = (float)mean;
            else ((double *)out)[i * n + j] = mean;
        }
}

static ag_status run(const ag_kernel_call *c)
{
    const ag_node *y = c->node;
    ag_dtype dtype = (ag_dtype)y->dtype;
    for (int64_t m = 0; m < agi_matrices(y); m++) {
        void *out = agi_matrix_out(c, m);
        const int64_t *stride = c->in_stride[0].stride + y->rank - 2;
        lower_of_symmetric_part(dtype, agi_rows(y), agi_matrix_in(c, 0, m), stride, out);
        int64_t minor = agi_dense_for(c)->root(agi_rows(y), out, c->scratch);
        if (minor >= 0 && agi_unfit(c, m, "not positive definite: pivot %lld is not positive", (long long)minor))
            return AG_ENUMERIC;
    }
    return AG_OK;
}

static double flops(const ag_node *y)
{
    return (double)ag_count(y) * (double)agi_rows(y) / 3;
}

static void write_c(ag_source *s, const ag_node *y, const ag_strides in_stride[])
{
    const int64_t *stride = in_stride[0].stride + y->rank - 2;
    long long down = (long long)stride[0], across = (long long)stride[1];
    int many = y->rank > 2; /* one that is unfit does not fail the others */
    ag_emit(s, many ? "    int64_t batch, i, j, k, unfit;\n" : "    int64_t batch, i, j, k;\n");
    agi_write_loop(s, y);
    agi_write_matrix(s, y, 0, in_stride, "a");
    if (many) ag_emit(s, "        unfit = 0;\n");
    ag_emit(s, "        for (i = 0; i < n; i++)\n            for (j = 0; j < n; j++) {\n");
    ag_emit(s, "                double sum = (a[i * %lld + j * %lld] + (double)a[j * %lld + i * %lld]) / 2;\n", down,
            across, down, across);
    ag_emit(s, "                for (k = 0; k < j && j <= i; k++) sum -= (double)x[i * n + k] * x[j * n + k];\n"
               "                if (i == j && !(sum > 0)) ");
    if (many) ag_emit(s, "unfit = 1;\n");
    else ag_emit(s, "return %d;\n", (int)AG_ENUMERIC);
    ag_emit(s, "                x[i * n + j] = %sj > i ? 0 : i == j ? sqrt(sum) : sum / x[j * n + j]%s;\n",
            y->dtype == AG_F32 ? "(float)(" : "", y->dtype == AG_F32 ? ")" : "");
    ag_emit(s, "            }\n");
    if (many) ag_emit(s, "        for (i = 0; i < n * n && unfit; i++) x[i] = NAN;\n");
    ag_emit(s, "    }\n    return 0;\n");
}

const ag_op agi_cholesky = { .name = "cholesky",
                             .formula = "y y^T = a",
                             .inputs = 1,
                             .flags = AG_LIBRARY | AG_STRIDED | AG_SMOOTH,
                             .shape = agi_infer_matrix,
                             .run = run,
                             .c = write_c,
                             .scratch = agi_dense_scratch,
                             .gradient = gradient,
                             .batch = ag_batch_leading,
                             .flops = flops };

ag_node *ag_cholesky(ag_node *a)
{
    return ag_unary(&agi_cholesky, a);
}
