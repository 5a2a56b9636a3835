/* Several outputs as one node whose value is the last one's: listing it in a plan lists all of them. */
#include "node.h"

static ag_status shape(ag_infer *c)
{
    const ag_node *last = c->in[c->n - 1];
    c->dtype = (ag_dtype)last->dtype;
    c->shape = ag_shape_in(last);
    return AG_OK;
}

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    gin[y->nin - 1] = gout;
}

const ag_op agi_group = { .name = "group",
                          .formula = "several outputs as one",
                          .inputs = -1,
                          .flags = AG_ALIAS,
                          .shape = shape,
                          .gradient = gradient };

ag_node *ag_group(int n, ag_node *const x[])
{
    return n > 0 && x ? ag_apply(&agi_group, n, x, NULL) : NULL;
}
