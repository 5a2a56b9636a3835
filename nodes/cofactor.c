/* y = |a| a^-T, the cofactors of a, which singular matrices have, too: the derivative of |a|. That of y is
 * cofactor_slope; of order 1 y is 1, of order 2 linear in a.  Inputs: a, its factors. */
#include "shared/elimination.h"
#include "shared/factors.h"
#include "shared/matrix.h"

#include <math.h>

enum { LARGEST_SMALL = 8 }; /* order that is quickly eliminated */

ag_node *agi_cofactor_of(ag_node *a, ag_node *factors)
{
    ag_node *in[] = { a, factors };
    return ag_apply(&agi_cofactor, 2, in, NULL);
}

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    int64_t n = agi_rows(y);
    if (n == 2) gin[0] = agi_cofactor_of(gout, agi_lu_of(gout));
    if (n > 2) gin[0] = agi_cofactor_slope_of(y->in[0], gout);
}

static void put(ag_dtype dtype, void *out, int64_t i, double value)
{
    if (dtype == AG_F32) ((float *)out)[i] = (float)value;
    else ((double *)out)[i] = value;
}

static void by_elimination(const ag_kernel_call *c, int64_t m)
{
    int64_t n = agi_rows(c->node);
    agi_room r = agi_room_at(c->scratch, n);
    agi_take_matrix(c, 0, m, r.w);
    agi_cofactors(n, r.w, r.out, r.y, r.place);
    for (int64_t i = 0; i < n * n; i++) put((ag_dtype)c->node->dtype, agi_matrix_out(c, m), i, r.out[i]);
}

static void by_inverse(const ag_kernel_call *c, int64_t m, const void *factors)
{
    ag_dtype dtype = (ag_dtype)c->node->dtype;
    int64_t n = agi_rows(c->node), exponent;
    double fraction = agi_determinant(dtype, n, factors, &exponent);
    char *work = c->scratch, *inverse = work + agi_dense_scratch(c->node);
    agi_invert(agi_dense_for(c), dtype, n, factors, inverse, work);
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < n; j++)
            put(dtype, agi_matrix_out(c, m), i * n + j,
                scalbln(fraction * agi_number_at(dtype, inverse, j * n + i), (long)exponent));
}

static ag_status run(const ag_kernel_call *c)
{
    int64_t n = agi_rows(c->node);
    for (int64_t m = 0; m < agi_matrices(c->node); m++) {
        const void *factors = agi_matrix_in(c, 1, m);
        if (n > LARGEST_SMALL && agi_zero_pivot((ag_dtype)c->node->dtype, n, factors) < 0) by_inverse(c, m, factors);
        else by_elimination(c, m);
    }
    return AG_OK;
}

static size_t scratch(const ag_node *y)
{
    int64_t n = agi_rows(y);
    size_t inverse = agi_dense_scratch(y) + (size_t)(n * n) * ag_dtype_size((ag_dtype)y->dtype);
    return inverse > agi_room_bytes(n) ? inverse : agi_room_bytes(n);
}

static double flops(const ag_node *y)
{
    return 4.0 / 3 * (double)ag_count(y) * (double)agi_rows(y);
}

static void write_c(ag_source *s, const ag_node *y, const ag_strides in_stride[])
{
    const int64_t *stride = in_stride[0].stride + y->rank - 2;
    ag_emit(s, "    int64_t batch, i, j;\n");
    agi_write_loop(s, y);
    agi_write_matrix(s, y, 0, in_stride, "a");
    ag_emit(s, "        double *const w = scratch, *const cofactor = w + n * n;\n"
               "        double *const row = cofactor + n * n;\n"
               "        for (i = 0; i < n; i++)\n");
    ag_emit(s, "            for (j = 0; j < n; j++) w[i * n + j] = a[i * %lld + j * %lld];\n", (long long)stride[0],
            (long long)stride[1]);
    ag_emit(s, "        agi_cofactors(n, w, cofactor, row, (int64_t *)(void *)(row + n));\n"
               "        for (i = 0; i < n * n; i++) x[i] = %scofactor[i];\n    }\n    return 0;\n",
            y->dtype == AG_F32 ? "(float)" : "");
}

const ag_op agi_cofactor = { .name = "cofactor",
                             .formula = "|a| a^-T",
                             .inputs = 2,
                             .flags = AG_LIBRARY | AG_STRIDED | AG_SMOOTH | AG_SURE,
                             .shape = agi_infer_matrix,
                             .run = run,
                             .c = write_c,
                             .scratch = scratch,
                             .gradient = gradient,
                             .batch = ag_batch_leading,
                             .flops = flops };
