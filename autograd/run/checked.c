/* Values of leaves and outputs whose type the caller's compiler has told. */
#include "run.h"

/* AG_OK for what the call that follows refuses itself, too. */
static ag_status check(ag_run *r, const char *what, const ag_node *x, int type, const char *besides)
{
    char why[160];
    if (!r || ag_is_bad(x) || agi_takes_type((ag_dtype)x->dtype, type, besides, why)) return AG_OK;
    agi_fail_run(r, what, x, why);
    return AG_ETYPE;
}

ag_status ag_feed_typed(int type, ag_run *r, const ag_node *leaf, const void *data)
{
    const char *besides = type == AG_F32 ? ", or call ag_feed_f32, which converts it"
                          : type == AG_F64 ? ", or call ag_feed_f64, which converts it" : "";
    if (!ag_is_bad(leaf) && leaf->dtype == AG_I64) besides = "";
    ag_status status = check(r, "ag_feed", leaf, type, besides);
    return status ? status : ag_feed(r, leaf, data);
}

ag_status ag_fetch_typed(int type, const ag_run *r, const ag_node *x, void *out)
{
    ag_status status = check((ag_run *)r, "ag_fetch", x, type, "");
    return status ? status : ag_fetch(r, x, out);
}

ag_status ag_bind_typed(int type, ag_run *r, const ag_node *leaf_or_output, void *data)
{
    ag_status status = data ? check(r, "ag_bind", leaf_or_output, type, "") : AG_OK;
    return status ? status : ag_bind(r, leaf_or_output, data);
}

ag_status ag_adopt_typed(int type, ag_run *r, const ag_node *parameter, void *data)
{
    ag_status status = check(r, "ag_adopt", parameter, type, "");
    return status ? status : ag_adopt(r, parameter, data);
}
