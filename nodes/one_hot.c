/* A last axis of `classes`: 1 at the index, else 0; an index that is no class has no 1.  No gradient. */
#include "node.h"

typedef struct {
    int64_t classes, dtype;
} encoding;

static ag_status shape(ag_infer *c)
{
    const encoding *e = c->attribute;
    int64_t most = (int64_t)1 << (e->dtype == AG_F32 ? 24 : 48);
    if (c->dtype != AG_I64) return ag_refuse(c, AG_ETYPE, "the indices have to be i64: an AG_I64 input, or ag_cast");
    if (e->dtype != AG_F32 && e->dtype != AG_F64 && e->dtype != AG_I64)
        return ag_refuse(c, AG_ETYPE, "%lld is no element type: AG_F32, AG_F64 or AG_I64", (long long)e->dtype);
    if (e->classes < 1 || e->classes > most)
        return ag_refuse(c, AG_ESHAPE, "%lld classes, where this type counts exactly from 1 to %lld",
                         (long long)e->classes, (long long)most);
    if (c->shape.rank == AG_MAX_RANK)
        return ag_refuse(c, AG_ESHAPE, "the result has more than %d axes", AG_MAX_RANK);
    c->shape.dim[c->shape.rank++] = e->classes;
    c->dtype = (ag_dtype)e->dtype;
    return AG_OK;
}

static void extents(void *attribute, ag_each_extent *each, void *context)
{
    each(context, &((encoding *)attribute)->classes);
}

const ag_op agi_one_hot = { .name = "one_hot",
                            .formula = "1 at the index",
                            .inputs = 1,
                            .flags = AG_ALIAS,
                            .attribute_size = sizeof(encoding),
                            .extents = extents,
                            .shape = shape,
                            .gradient = ag_zero_gradient };

ag_node *ag_one_hot(ag_node *indices, int64_t classes, ag_dtype dtype)
{
    encoding e = { .classes = classes, .dtype = dtype };
    indices = ag_vet(&agi_one_hot, 1, &indices, &e);
    if (ag_is_bad(indices)) return indices;
    ag_shape column = ag_shape_in(indices);
    column.dim[column.rank++] = 1;
    ag_dtype real = dtype == AG_I64 ? AG_F64 : dtype; /* comparing is arithmetic */
    ag_node *class = ag_arange(indices->graph, real, classes);
    ag_node *hot = ag_equal(ag_cast(ag_reshape(indices, column), real), class);
    return ag_define(&agi_one_hot, 1, &indices, &e, real == dtype ? hot : ag_cast(hot, dtype));
}
