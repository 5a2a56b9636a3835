/* 0 to n - 1 in random order, every order being as likely as any other to 2^-32.  No gradient. */
#include "shared/random.h"

static ag_status shape(ag_infer *c)
{
    const int64_t n = ((const agi_draw_form *)c->attribute)->dim[0];
    if (n > UINT32_MAX) return ag_refuse(c, AG_ESHAPE, "%lld are too many: at most 2^32 - 1", (long long)n);
    return agi_infer_draw(c);
}

static ag_status run(const ag_kernel_call *c)
{
    const agi_drawing d = agi_drawing_of(c);
    d.dense->shuffle(&d.draw, ag_count(c->node), c->out);
    return AG_OK;
}

static double flops(const ag_node *y)
{
    return 16 * (double)ag_count(y);
}

static void write_c(ag_source *s, const ag_node *y, const ag_strides in_stride[])
{
    const long long n = ag_count(y);
    char index[32];
    (void)in_stride;
    snprintf(index, sizeof index, "%lld - next", n - 1);
    ag_emit(s, "    int64_t next;\n    for (next = 0; next < %lld; next++) out[next] = next;\n", n);
    ag_emit(s, "    for (next = %lld; next > 0; next -= %d) {\n        ", n - 1, AGI_DRAW_WORDS / 2);
    agi_write_words(s, y, index);
    ag_emit(s, "        agi_draw_exchanges(w, next, out);\n    }\n    return 0;\n");
}

const ag_op agi_shuffle = { .name = "shuffle",
                            .formula = "0 to n - 1 in random order",
                            .inputs = 2,
                            .flags = AG_LIBRARY | AG_SURE,
                            .attribute_size = sizeof(agi_draw_form),
                            .extents = agi_each_drawn,
                            .shape = shape,
                            .run = run,
                            .c = write_c,
                            .gradient = ag_zero_gradient,
                            .flops = flops };

ag_node *ag_shuffle(ag_graph *g, int64_t n)
{
    return agi_new_draw(g, &agi_shuffle, AG_I64, AG_SHAPE(n));
}
