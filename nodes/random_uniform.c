/* Random numbers from 0 to below 1, of 24 bits in f32, of 53 in f64.  No gradient. */
#include "shared/random.h"

static ag_status run(const ag_kernel_call *c)
{
    const agi_drawing d = agi_drawing_of(c);
    d.dense->uniform(&d.draw, c->out, d.first, d.end);
    return AG_OK;
}

static double flops(const ag_node *y)
{
    return 8 * (double)ag_count(y);
}

static void write_c(ag_source *s, const ag_node *y, const ag_strides in_stride[])
{
    (void)in_stride;
    agi_write_draw(s, y, "agi_draw_uniform");
}

const ag_op agi_random_uniform = { .name = "random_uniform",
                                   .formula = "from 0 to below 1",
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

ag_node *ag_random_uniform(ag_graph *g, ag_dtype dtype, ag_shape shape)
{
    return agi_new_draw(g, &agi_random_uniform, dtype, shape);
}
