/* y_i = x[i, label_i], x [n, classes]: each row's element at its label, which an evaluation finds to be a class, or
 * fails; 0 where the label is the ignored one.  The gradient goes back there. */
#include "shared/softmax.h"

ag_node *agi_hot(ag_node *labels, const agi_label_form *f, int64_t classes, ag_dtype dtype)
{
    ag_node *label = ag_cast(ag_reshape(labels, AG_SHAPE(-1, 1)), dtype);
    if (f->ignores)
        label = ag_where(ag_equal(label, ag_number(labels->graph, (double)f->ignored)), ag_number(labels->graph, -1),
                         label);
    return ag_equal(label, ag_arange(labels->graph, dtype, classes));
}

static ag_status shape(ag_infer *c)
{
    c->shape.rank = 1; /* of what cross_entropy has looked at */
    return AG_OK;
}

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    const ag_node *x = y->in[0];
    ag_node *hot = agi_hot(y->in[1], y->attribute, x->dim[1], (ag_dtype)x->dtype);
    gin[0] = ag_where(hot, ag_reshape(gout, AG_SHAPE(-1, 1)), ag_number(y->graph, 0));
}

static ag_status run(const ag_kernel_call *c)
{
    const ag_node *x = c->node->in[0];
    const agi_label_form *f = c->node->attribute;
    const int64_t *labels = c->in[1], classes = x->dim[1], *stride = c->in_stride[0].stride;
    const size_t size = ag_dtype_size((ag_dtype)x->dtype);
    char *to = c->out;
    for (int64_t k = 0; k < x->dim[0]; k++, to += size) {
        const int64_t label = labels[k * c->in_stride[1].stride[0]];
        if (f->ignores && label == f->ignored) memset(to, 0, size);
        else if (label >= 0 && label < classes)
            memcpy(to, (const char *)c->in[0] + (k * stride[0] + label * stride[1]) * (int64_t)size, size);
        else {
            snprintf(c->message, c->message_size,
                     "element %lld is %lld, none of %lld classes, which count from 0 to %lld", (long long)k,
                     (long long)label, (long long)classes, (long long)classes - 1);
            return AG_EARG;
        }
    }
    return AG_OK;
}

/* All rows of all values below one another. */
static ag_node *batch(const ag_node *y, ag_node *in[], const unsigned char batched[], int64_t count)
{
    for (int k = 0; k < 2; k++)
        if (!batched[k]) in[k] = ag_batch_all(in[k], count);
    ag_node *rows[] = { ag_reshape(in[0], AG_SHAPE(-1, y->in[0]->dim[1])), ag_reshape(in[1], AG_SHAPE(-1)) };
    return ag_reshape(ag_apply(&agi_pick, 2, rows, y->attribute), ag_batch_shape(y, count));
}

static int pattern(const ag_node *y, ag_dependence *d)
{
    const int64_t *label = ag_known_integers(d, y->in[1]), classes = y->in[0]->dim[1];
    for (int64_t k = 0; label && k < y->dim[0]; k++)
        if (label[k] >= 0 && label[k] < classes) ag_depends(d, k, 0, k * classes + label[k]);
    return label != NULL;
}

static void write_c(ag_source *s, const ag_node *y, const ag_strides in_stride[])
{
    const agi_label_form *f = y->attribute;
    ag_emit(s, "    int64_t k;\n    for (k = 0; k < %lld; k++) {\n", (long long)y->dim[0]);
    ag_emit(s, "        const int64_t label = in1[k * %lld];\n", (long long)in_stride[1].stride[0]);
    if (f->ignores)
        ag_emit(s, "        if (label == %lld) {\n            out[k] = 0;\n            continue;\n        }\n",
                (long long)f->ignored);
    ag_emit(s, "        if (label < 0 || label >= %lld) return %d;\n", (long long)y->in[0]->dim[1], (int)AG_EARG);
    ag_emit(s, "        out[k] = in0[k * %lld + label * %lld];\n    }\n    return 0;\n",
            (long long)in_stride[0].stride[0], (long long)in_stride[0].stride[1]);
}

const ag_op agi_pick = { .name = "pick",
                         .formula = "x[i, label]",
                         .inputs = 2,
                         .flags = AG_LIBRARY | AG_STRIDED | AG_SMOOTH,
                         .attribute_size = sizeof(agi_label_form),
                         .shape = shape,
                         .run = run,
                         .c = write_c,
                         .gradient = gradient,
                         .batch = batch,
                         .pattern = pattern };

ag_node *agi_new_pick(ag_node *x, ag_node *labels, const agi_label_form *f)
{
    ag_node *in[] = { x, labels };
    return ag_apply(&agi_pick, 2, in, f);
}
