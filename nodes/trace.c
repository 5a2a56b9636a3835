/* Sum of the diagonal of a square matrix;  derivative the identity. */
#include "shared/matrix.h"

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    const ag_node *a = y->in[0];
    ag_shape s = ag_shape_in(gout), diagonal = s;
    s.dim[s.rank++] = 1;
    diagonal.dim[diagonal.rank++] = agi_rows(a);
    gin[0] = agi_put_diagonal(ag_broadcast_to(ag_reshape(gout, s), diagonal), agi_rows(a), agi_cols(a));
}

const ag_op agi_trace = { .name = "trace",
                          .formula = "sum of the diagonal",
                          .inputs = 1,
                          .flags = AG_ALIAS | AG_SMOOTH,
                          .shape = agi_infer_number,
                          .gradient = gradient };

ag_node *ag_trace(ag_node *a)
{
    a = ag_vet(&agi_trace, 1, &a, NULL);
    return ag_is_bad(a) ? a : ag_define(&agi_trace, 1, &a, NULL, ag_sum_axis(agi_take_diagonal(a), -1, 0));
}
