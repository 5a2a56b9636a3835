/* Random numbers of mean 0 and variance 1, normally distributed; the arithmetic is random.def's.  No gradient. */
#include "shared/random.h"

static ag_status run(const ag_kernel_call *c)
{
    const agi_drawing d = agi_drawing_of(c);
    d.dense->normal(&d.draw, c->out, d.first, d.end);
    return AG_OK;
}

static double flops(const ag_node *y)
{
    return 24 * (double)ag_count(y);
}

static void write_c(ag_source *s, const ag_node *y, const ag_strides in_stride[])
{
    (void)in_stride;
    agi_write_draw(s, y, "agi_draw_normal");
}

const ag_op agi_random_normal = { .name = "random_normal",
                                  .formula = "normally distributed",
                                  .inputs = 2,
                                  .flags = AG_LIBRARY | AG_SURE,
                                  .attribute_size = sizeof(agi_draw_form),
                                  .extents = agi_each_drawn,
                                  .shape = agi_infer_real_draw,
                                  .run = run,
                                  .pieces = agi_count_draw_pieces,
                                  .c = write_c,
                                  .gradient = ag_zero_gradient,
                                  .flops = flops };

ag_node *ag_random_normal(ag_graph *g, ag_dtype dtype, ag_shape shape)
{
    return agi_new_draw(g, &agi_random_normal, dtype, shape);
}
