/* y = for each element of an image the sums of g of the windows that have it: divided as
 * there: the adjoint of avg_pool. */
#include "shared/factors.h"
#include "shared/pool.h"

#include <stdio.h>

ag_node *agi_new_avg_pool_slope(ag_node *g, const agi_pool_form *f)
{
    return ag_unary_with(&agi_avg_pool_slope, g, f);
}

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    gin[0] = agi_new_avg_pool(gout, y->attribute);
}

static ag_status run(const ag_kernel_call *c)
{
    const agi_planes p = agi_planes_of(c);
    agi_dense_for(c)->spread(&p.windows, p.in[0], p.out, c->scratch);
    return AG_OK;
}

static void depend(void *context, int64_t to, int64_t from)
{
    ag_depends(context, from, 0, to);
}

static int pattern(const ag_node *y, ag_dependence *d)
{
    const agi_windows w = agi_windows_of(y);
    agi_each_window(&w, depend, d);
    return 1;
}

static void write_c(ag_source *s, const ag_node *y, const ag_strides in_stride[])
{
    char each[64];
    (void)in_stride;
    snprintf(each, sizeof each, "out[at] += in0[to] / %s%.17g;", y->dtype == AG_F32 ? "(float)" : "",
             ((const agi_pool_form *)y->attribute)->divisor);
    ag_emit(s, "    int64_t i;\n    for (i = 0; i < %lld; i++) out[i] = 0;\n", (long long)ag_count(y));
    agi_write_windows(s, y, "", each, "to++;");
}

const ag_op agi_avg_pool_slope = { .name = "avg_pool_slope",
                                  .formula = "g to the elements of its windows",
                                  .inputs = 1,
                                  .flags = AG_LIBRARY | AG_SMOOTH | AG_SURE,
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
