/* P a = L U: the factors that solve, inverse, det and logdet of one matrix share, and their derivatives.
 * Whoever uses the factors takes a as an operand, too, and its rule speaks of a: nothing flows back through here. */
#include "shared/factors.h"
#include "shared/matrix.h"

static ag_status shape(ag_infer *c)
{
    c->shape.dim[c->shape.rank - 2]++;
    return AG_OK;
}

static ag_status run(const ag_kernel_call *c)
{
    for (int64_t m = 0; m < agi_matrices(c->node); m++) {
        void *factors = agi_matrix_out(c, m);
        agi_copy_matrix(c, 0, m, factors);
        agi_dense_for(c)->factor(agi_cols(c->node), factors, c->scratch);
    }
    return AG_OK;
}

static double flops(const ag_node *y)
{
    return 2.0 / 3 * (double)ag_count(y->in[0]) * (double)agi_cols(y);
}

static void write_c(ag_source *s, const ag_node *y, const ag_strides in_stride[])
{
    ag_emit(s, "    int64_t batch, i, j, k, pivot;\n");
    agi_write_loop(s, y);
    agi_write_copy(s, y, 0, in_stride);
    ag_emit(s, "        for (k = 0; k < n; k++) {\n"
               "            for (pivot = k, i = k + 1; i < n; i++)\n"
               "                if (fabs(x[i * n + k]) > fabs(x[pivot * n + k])) pivot = i;\n"
               "            x[n * n + k] = pivot;\n"
               "            for (j = 0; j < n && pivot != k; j++) {\n"
               "                const double t = x[k * n + j];\n"
               "                x[k * n + j] = x[pivot * n + j];\n"
               "                x[pivot * n + j] = t;\n"
               "            }\n"
               "            if (x[k * n + k] == 0) continue;\n"
               "            for (i = k + 1; i < n; i++) {\n"
               "                x[i * n + k] /= x[k * n + k];\n"
               "                for (j = k + 1; j < n; j++) x[i * n + j] -= x[i * n + k] * x[k * n + j];\n"
               "            }\n"
               "        }\n"
               "    }\n"
               "    return 0;\n");
}

const ag_op agi_lu = { .name = "lu",
                       .formula = "triangular factors of a",
                       .inputs = 1,
                       .flags = AG_LIBRARY | AG_STRIDED | AG_SURE,
                       .shape = shape,
                       .run = run,
                       .c = write_c,
                       .scratch = agi_dense_scratch,
                       .gradient = ag_zero_gradient,
                       .batch = ag_batch_leading,
                       .flops = flops };

ag_node *agi_lu_of(ag_node *a)
{
    return ag_unary(&agi_lu, a);
}

ag_node *agi_number_of(const ag_op *op, ag_node *a)
{
    a = ag_vet(op, 1, &a, NULL);
    return ag_is_bad(a) ? a : ag_binary(op, a, agi_lu_of(a));
}
