/* 0, 1, ..., n - 1: a constant. */
#include "shared/extent.h"
#include "shared/leaf.h"

static void count(void *values, ag_dtype dtype, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        if (dtype == AG_F32) ((float *)values)[i] = (float)i;
        else if (dtype == AG_F64) ((double *)values)[i] = (double)i;
        else ((int64_t *)values)[i] = i;
}

const ag_op agi_stand_in_range = { .name = "arange", .formula = "0, 1, ...", .flags = AG_LEAF };

ag_node *ag_arange(ag_graph *g, ag_dtype dtype, int64_t n)
{
    if (g && agi_holds_extent(g, n)) return agi_leaf(g, &agi_stand_in_range, NULL, dtype, AG_SHAPE(n), NULL, 1);
    return agi_leaf_written(g, &agi_constant, "arange", dtype, AG_SHAPE(n), count);
}
