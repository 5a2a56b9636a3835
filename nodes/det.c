/* y = |a|, the determinant:  d/da = the cofactors of a.  Inputs: a, its factors. */
#include "shared/elimination.h"
#include "shared/matrix.h"

#include <math.h>

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    gin[0] = agi_times(gout, agi_cofactor_of(y->in[0], y->in[1]));
}

/* Adding 0 makes a determinant of -0 plainly 0. */
static ag_status run(const ag_kernel_call *c)
{
    int64_t exponent;
    for (int64_t m = 0; m < agi_matrices(c->node); m++) {
        double fraction = agi_any_determinant(c, m, &exponent);
        agi_put_number(c, m, scalbln(fraction, (long)exponent) + 0.0);
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
    ag_emit(s, "        out[batch] = %sldexp(fraction, exponent) + 0;\n    }\n    return 0;\n",
            y->dtype == AG_F32 ? "(float)" : "");
}

const ag_op agi_det = { .name = "det",
                        .formula = "determinant of a",
                        .inputs = 2,
                        .flags = AG_LIBRARY | AG_STRIDED | AG_SMOOTH | AG_SURE,
                        .shape = agi_infer_number,
                        .run = run,
                        .c = write_c,
                        .scratch = scratch,
                        .gradient = gradient,
                        .batch = ag_batch_leading };

ag_node *ag_det(ag_node *a)
{
    return agi_number_of(&agi_det, a);
}
