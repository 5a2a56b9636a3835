/* Types of data against those of leaves. */
#include "graph.h"

static const char *c_name(int type)
{
    return type == AG_F32 ? "float" : type == AG_F64 ? "double" : type == AG_I64 ? "int64_t" : "int";
}

int agi_takes_type(ag_dtype wanted, int type, const char *besides, char why[160])
{
    if (type == AG_UNKNOWN || type == (int)wanted || (unsigned)wanted > AG_I64) return 1;
    snprintf(why, 160, "takes %s, not %s: declare the data %s%s", c_name((int)wanted), c_name(type),
             c_name((int)wanted), besides);
    return 0;
}

int agi_check_values(ag_graph *g, const char *what, const char *name, ag_dtype dtype, int type, const void *values)
{
    static const char *const other[] = { ", or say AG_F32", ", or say AG_F64", ", or say AG_I64" };
    char why[160];
    if (!g || !values || agi_takes_type(dtype, type, type == AG_INT ? "" : other[type < 0 ? 0 : type], why)) return 1;
    if (name) agi_fail(g, AG_ETYPE, "%s: '%.200s' of %s %s", what, name, agi_type_name(dtype), why);
    else agi_fail(g, AG_ETYPE, "%s: %s %s", what, agi_type_name(dtype), why);
    return 0;
}
