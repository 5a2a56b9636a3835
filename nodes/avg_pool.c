/* y = the sums of x over windows, outside the image 0, divided by one number;  the adjoint is avg_pool_slope. */
#include "shared/factors.h"
#include "shared/pool.h"

#include <stdio.h>

ag_node *agi_new_avg_pool(ag_node *x, const agi_pool_form *f)
{
    return ag_unary_with(&agi_avg_pool, x, f);
}

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    gin[0] = agi_new_avg_pool_slope(gout, y->attribute);
}

static ag_status run(const ag_kernel_call *c)
{
    const agi_planes p = agi_planes_of(c);
    agi_dense_for(c)->average(&p.windows, p.in[0], p.out, c->scratch);
    return AG_OK;
}

static void depend(void *context, int64_t to, int64_t from)
{
    ag_depends(context, to, 0, from);
}

static int pattern(const ag_node *y, ag_dependence *d)
{
    const agi_windows w = agi_windows_of(y);
    agi_each_window(&w, depend, d);
    return 1;
}

static void write_c(ag_source *s, const ag_node *y, const ag_strides in_stride[])
{
    char end[64];
    (void)in_stride;
    snprintf(end, sizeof end, "out[to++] /= %.17g;", ((const agi_pool_form *)y->attribute)->divisor);
    agi_write_windows(s, y, "out[to] = 0;", "out[to] += in0[at];", end);
}

const ag_op agi_avg_pool = { .name = "avg_pool",
                               .formula = "means of x over windows",
                               .inputs = 1,
                               .flags = AG_LIBRARY | AG_SMOOTH | AG_SURE,
                               .attribute_size = sizeof(agi_pool_form),
                               .extents = agi_each_of_pool,
                               .shape = agi_infer_pooled,
                               .run = run,
                               .scratch = agi_pool_scratch,
                               .pieces = agi_count_planes,
                               .c = write_c,
                               .gradient = gradient,
                               .batch = agi_batch_planes,
                               .pattern = pattern,
                               .flops = agi_pool_flops };

/* How many elements of the image each window has, [1, 1, *result]. */
static ag_node *counts(const ag_node *x, const agi_pool_form *f)
{
    ag_shape s = ag_shape_in(x);
    s.dim[0] = s.dim[1] = 1;
    return agi_new_avg_pool(ag_broadcast_to(ag_cast(ag_number(x->graph, 1), (ag_dtype)x->dtype), s), f);
}

ag_node *ag_avg_pool(ag_node *x, const ag_pool_options *options)
{
    agi_pool_form f;
    x = agi_read_pool(&agi_avg_pool, x, options, &f);
    if (ag_is_bad(x)) return x;
    if (options->exclude_padding) return ag_div(agi_new_avg_pool(x, &f), counts(x, &f));
    for (int i = 0; i < x->rank - 2; i++) f.divisor *= (double)f.kernel[i];
    return agi_new_avg_pool(x, &f);
}
