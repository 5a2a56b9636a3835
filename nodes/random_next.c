/* The number of the next evaluation that draws random numbers, from that of the last one.  No gradient. */
#include "graph/graph.h"
#include "shared/random.h"

static ag_status shape(ag_infer *c)
{
    (void)c;
    return AG_OK;
}

static ag_status run(const ag_kernel_call *c)
{
    *(uint64_t *)c->out = *(const uint64_t *)c->in[0] + 1;
    return AG_OK;
}

static void write_c(ag_source *s, const ag_node *y, const ag_strides in_stride[])
{
    (void)y, (void)in_stride;
    ag_emit(s, "    *out = (int64_t)((uint64_t)*in0 + 1);\n    return 0;\n");
}

const ag_op agi_random_next = { .name = "random_next",
                                .formula = "the next evaluation",
                                .inputs = 1,
                                .flags = AG_LIBRARY | AG_SURE,
                                .shape = shape,
                                .run = run,
                                .c = write_c,
                                .gradient = ag_zero_gradient };

ag_node *ag_random_seed(ag_graph *g, int64_t seed)
{
    if (!g) return NULL;
    if (!g->random.seed) return agi_begin_stream(g, seed);
    return agi_fail(g, AG_EARG, "ag_random_seed: there is a seed already: give it once, before all random numbers, or "
                                "give ag_feed_i64 another one for a run");
}
