/* y = u where x is largest in each window, the first one of equals, a NaN being larger than all. The gradient flows to
 * u there; x only chooses. ag_max_pool is that of x and x. */
#include "shared/factors.h"
#include "shared/pool.h"

ag_node *agi_new_max_pool(ag_node *x, ag_node *u, const agi_pool_form *f)
{
    ag_node *in[] = { x, u };
    return ag_apply(&agi_max_pool, 2, in, f);
}

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    gin[1] = agi_new_max_pool_slope(y->in[0], gout, y->attribute);
}

static ag_status run(const ag_kernel_call *c)
{
    const agi_planes p = agi_planes_of(c);
    agi_dense_for(c)->pick(&p.windows, p.in[0], p.in[1], p.out, c->scratch);
    return AG_OK;
}

size_t agi_pool_scratch(const ag_node *y)
{
    const agi_windows w = agi_windows_of(y);
    return (size_t)agi_pool_work(&w);
}

static void depend(void *context, int64_t to, int64_t from)
{
    ag_depends(context, to, 1, from);
}

static int pattern(const ag_node *y, ag_dependence *d)
{
    const agi_windows w = agi_windows_of(y);
    agi_each_window(&w, depend, d);
    return 1;
}

static void write_c(ag_source *s, const ag_node *y, const ag_strides in_stride[])
{
    (void)in_stride;
    agi_write_windows(s, y, "int64_t best = -1;", AGI_POOL_BEST, "out[to++] = in1[best];");
}

const ag_op agi_max_pool = { .name = "max_pool",
                             .formula = "u where x is largest in each window",
                             .inputs = 2,
                             .flags = AG_LIBRARY | AG_SURE,
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

ag_node *ag_max_pool(ag_node *x, const ag_pool_options *options)
{
    agi_pool_form f;
    x = agi_read_pool(&agi_max_pool, x, options, &f);
    return ag_is_bad(x) ? x : agi_new_max_pool(x, x, &f);
}
