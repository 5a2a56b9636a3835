/* x, integers that are classes: from 0 to classes - 1, or the evaluation fails.  No gradient. */
#include "shared/softmax.h"

static ag_status run(const ag_kernel_call *c)
{
    const int64_t *label = c->in[0], classes = *(const int64_t *)c->node->attribute, n = ag_count(c->node);
    for (int64_t k = 0; k < n; k++) {
        if (label[k] >= 0 && label[k] < classes) continue;
        snprintf(c->message, c->message_size, "element %lld is %lld, none of %lld classes, which count from 0 to %lld",
                 (long long)k, (long long)label[k], (long long)classes, (long long)classes - 1);
        return AG_EARG;
    }
    memcpy(c->out, label, (size_t)n * sizeof *label);
    return AG_OK;
}

static ag_node *batch(const ag_node *y, ag_node *in[], const unsigned char batched[], int64_t count)
{
    (void)batched, (void)count;
    return ag_unary_with(&agi_label, in[0], y->attribute);
}

static void write_c(ag_source *s, const ag_node *y, const ag_strides in_stride[])
{
    (void)in_stride;
    ag_emit(s, "    int64_t k;\n    for (k = 0; k < %lld; k++) {\n", (long long)ag_count(y));
    ag_emit(s, "        if (in0[k] < 0 || in0[k] >= %lld) return %d;\n", (long long)*(const int64_t *)y->attribute,
            (int)AG_EARG);
    ag_emit(s, "        out[k] = in0[k];\n    }\n    return 0;\n");
}

static ag_status shape(ag_infer *c)
{
    (void)c; /* that of the labels, which the caller has looked at */
    return AG_OK;
}

const ag_op agi_label = { .name = "label",
                          .formula = "x, from 0 to classes - 1",
                          .inputs = 1,
                          .flags = AG_LIBRARY,
                          .attribute_size = sizeof(int64_t),
                          .shape = shape,
                          .run = run,
                          .c = write_c,
                          .gradient = ag_zero_gradient,
                          .batch = batch };

ag_node *agi_new_label(ag_node *x, int64_t classes)
{
    return ag_unary_with(&agi_label, x, &classes);
}
