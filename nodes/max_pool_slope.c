/* y = for each element of x the sums of g of the windows in which it is the largest: the adjoint of max_pool. */
#include "shared/factors.h"
#include "shared/pool.h"

ag_node *agi_new_max_pool_slope(ag_node *x, ag_node *g, const agi_pool_form *f)
{
    ag_node *in[] = { x, g };
    return ag_apply(&agi_max_pool_slope, 2, in, f);
}

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    gin[1] = agi_new_max_pool(y->in[0], gout, y->attribute);
}

static ag_status run(const ag_kernel_call *c)
{
    const agi_planes p = agi_planes_of(c);
    agi_dense_for(c)->scatter(&p.windows, p.in[0], p.in[1], p.out, c->scratch);
    return AG_OK;
}

static void depend(void *context, int64_t to, int64_t from)
{
    ag_depends(context, from, 1, to);
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
    ag_emit(s, "    int64_t i;\n    for (i = 0; i < %lld; i++) out[i] = 0;\n", (long long)ag_count(y));
    agi_write_windows(s, y, "int64_t best = -1;", AGI_POOL_BEST, "out[best] += in1[to++];");
}

const ag_op agi_max_pool_slope = { .name = "max_pool_slope",
                                   .formula = "g to where x is largest in each window",
                                   .inputs = 2,
                                   .flags = AG_LIBRARY | AG_SURE,
                                   .attribute_size = sizeof(agi_pool_form),
                                   .extents = agi_each_of_pool,
                                   .shape = agi_infer_image,
                                   .run = run,
                                   .scratch = agi_pool_scratch,
                                   .pieces = agi_count_planes,
                                   .c = write_c,
                                   .gradient = gradient,
                                   .batch = agi_batch_planes,
                                   .pattern = pattern,
                                   .flops = agi_pool_flops };
