/* y = log |det a|, -Inf where a is singular:  d/da = a^-T, there NaN.  Inputs: a, its factors. */
#include "shared/elimination.h"
#include "shared/matrix.h"

#include <math.h>

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    gin[0] = agi_times(gout, agi_transposed(agi_inverse_of(y->in[0], y->in[1], 1)));
}

/* The product of the pivots is more exact than the sum of their logarithms. */
static ag_status run(const ag_kernel_call *c)
{
    int64_t exponent;
    for (int64_t m = 0; m < agi_matrices(c->node); m++) {
        double fraction = agi_any_determinant(c, m, &exponent);
        agi_put_number(c, m, log(fabs(fraction)) + (double)exponent * log(2));
    }
    return AG_OK;
}

static size_t scratch(const ag_node *y)
{
    return agi_room_bytes(agi_cols(y->in[0]));
}

static void write_c(ag_source *s, const ag_node *y, const ag_strides in_stride[])
{
    ag_emit(s, "    int64_t batch, i;\n    int power, exponent;\n");
    agi_write_loop(s, y);
    agi_write_matrix(s, y, 1, in_stride, "f");
    agi_write_determinant(s);
    ag_emit(s, "        out[batch] = %s(log(fabs(fraction)) + exponent * 0.69314718055994530942);\n"
               "    }\n    return 0;\n",
            y->dtype == AG_F32 ? "(float)" : "");
}

const ag_op agi_logdet = { .name = "logdet",
                           .formula = "log |det a|",
                           .inputs = 2,
                           .flags = AG_LIBRARY | AG_STRIDED | AG_SMOOTH | AG_SURE,
                           .shape = agi_infer_number,
                           .run = run,
                           .c = write_c,
                           .scratch = scratch,
                           .gradient = gradient,
                           .batch = ag_batch_leading };

ag_node *ag_logdet(ag_node *a)
{
    return agi_number_of(&agi_logdet, a);
}
