/* y = log |det a|:  d/da = a^-T.  Inputs: a, its factors. */
#include "lapack.h"
#include "matrix.h"

#include <math.h>

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    gin[0] = agi_times(gout, agi_transposed(agi_inverse_of(y->in[0], y->in[1])));
}

/* The product of the pivots is more exact than the sum of their logarithms. */
static ag_status run(const ag_kernel_call *c)
{
    ag_dtype dtype = (ag_dtype)c->node->dtype;
    int64_t n = agi_cols(c->node->in[0]), exponent;
    for (int64_t m = 0; m < agi_matrices(c->node); m++) {
        const void *factors;
        ag_status status = agi_regular(c, 1, m, &factors);
        if (status) return status;
        double fraction = agi_determinant(dtype, n, factors, &exponent);
        agi_put_number(c, m, log(fabs(fraction)) + (double)exponent * log(2));
    }
    return AG_OK;
}

static void write_c(ag_source *s, const ag_node *y, const ag_strides in_stride[])
{
    ag_emit(s, "    int64_t batch, i;\n    int power, exponent;\n");
    agi_write_loop(s, y);
    agi_write_regular(s, y, 1, in_stride);
    agi_write_determinant(s, y);
    ag_emit(s, "        out[batch] = %s(log(fabs(fraction)) + exponent * 0.69314718055994530942);\n"
               "    }\n    return 0;\n",
            y->dtype == AG_F32 ? "(float)" : "");
}

const ag_op agi_logdet = { .name = "logdet",
                           .formula = "log |det a|",
                           .inputs = 2,
                           .flags = AG_LIBRARY | AG_STRIDED | AG_SMOOTH,
                           .shape = agi_infer_number,
                           .run = run,
                           .c = write_c,
                           .gradient = gradient,
                           .batch = ag_batch_leading };

ag_node *ag_logdet(ag_node *a)
{
    return agi_number_of(&agi_logdet, a);
}
