/* a / b towards -Inf, of AG_I64, and fmod of AG_I64; a divisor of 0 fails the evaluation.  No gradient. */
#include "shared/integers.h"

static ag_status run(const ag_kernel_call *c)
{
    const ag_node *b = c->node->in[1];
    const int64_t *divisor = c->in[1], n = ag_count(b);
    for (int64_t i = 0; i < n; i++) {
        int64_t at = 0, rest = i;
        for (int k = b->rank; k-- > 0; rest /= b->dim[k]) at += rest % b->dim[k] * c->in_stride[1].stride[k];
        if (divisor[at]) continue;
        snprintf(c->message, c->message_size, "element %lld of the divisors is 0", (long long)i);
        return AG_EARG;
    }
    return agi_run_integers(c);
}

static void write_c(ag_source *s, const ag_node *y, const ag_strides in_stride[])
{
    const ag_node *b = y->in[1];
    ag_emit(s, "    {\n");
    agi_write_loops(s, b, 'a');
    ag_emit(s, "        if (!");
    agi_write_place(s, b, 1, b, &in_stride[1], 'a');
    ag_emit(s, ") return %d;\n    }\n", (int)AG_EARG);
    agi_write_integers(s, y, in_stride);
}

const ag_op agi_floor_divide = { .name = "floor_divide",
                                 .formula = "floor(a / b)",
                                 .inputs = 2,
                                 .flags = AG_LIBRARY | AG_STRIDED,
                                 .attribute_size = sizeof(agi_integer_kind),
                                 .shape = agi_infer_integers,
                                 .run = run,
                                 .way = agi_way_of_integers,
                                 .c = write_c,
                                 .gradient = ag_zero_gradient,
                                 .batch = agi_batch_integers };

ag_node *ag_floor_divide(ag_node *a, ag_node *b)
{
    ag_node *in[] = { a, b };
    return agi_integer_floor_divide(2, in);
}
