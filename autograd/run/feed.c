/* Values for inputs and parameters. What the plan does not need is looked at all the same, and left alone. */
#include "run.h"

typedef struct {
    ag_run *run;
    const char *what; /* the function called, for messages */
    const ag_node *leaf;
    const void *data;
} feeding;

static ag_status refuse(const feeding *f, const char *why)
{
    return agi_fail_run(f->run, f->what, f->leaf, why);
}

/* Is it a leaf that runs feed? */
ag_status agi_check_leaf(ag_run *r, const char *what, const ag_node *x)
{
    if (ag_is_bad(x)) return agi_fail_run(r, what, x, "is not fed: the call that made it has failed");
    if (x->graph != r->plan->output[0]->graph) return agi_fail_run(r, what, x, "is a node of another graph");
    if (agi_is_fed(x)) return AG_OK;
    return agi_fail_run(r, what, x, x->op->flags & AG_LEAF ? "is a constant: only inputs and parameters are fed"
                                                           : "is computed: only inputs and parameters are fed");
}

/* Where the value goes; left as it is if the plan does not need it. */
static ag_status find_place(const feeding *f, void **to)
{
    ag_run *r = f->run;
    ag_status status = agi_check_leaf(r, f->what, f->leaf);
    if (status) return status;
    if (!f->data) return refuse(f, "has no data: NULL");
    const agi_place *at = agi_find_place(r->plan, f->leaf);
    r->message[0] = 0;
    if (!at && f->leaf->bound) return refuse(f, "stands for a value inside a loop or branch: no run feeds it");
    if (!at) return AG_OK;
    if (f->leaf->op->role == AG_IS_INPUT) agi_unbind(r, at); /* what is fed is the run's own */
    agi_mark_fed(r, at->buffer);
    *to = (void *)agi_value_at(r, at);
    return AG_OK;
}

ag_status ag_feed(ag_run *r, const ag_node *leaf, const void *data)
{
    void *to = NULL;
    feeding f = { r, "ag_feed", leaf, data };
    ag_status status = r ? find_place(&f, &to) : AG_EARG;
    if (!status && to) memmove(to, data, (size_t)agi_node_bytes(agi_made(r, leaf)));
    return status;
}

/* ---- with a type and a length ------------------------------------------------------------------------------------ */

/* Real values become those of the leaf's type; integers are for leaves of integers. */
static ag_status check_fit(const feeding *f, ag_dtype from, int64_t count)
{
    char why[96];
    ag_status status = agi_check_leaf(f->run, f->what, f->leaf);
    if (status) return status;
    if (f->leaf->dtype != AG_I64 && from == AG_I64)
        return refuse(f, "takes real numbers: use ag_feed_f64 or ag_feed_f32");
    if (f->leaf->dtype == AG_I64 && from != AG_I64) return refuse(f, "takes integers: use ag_feed_i64");
    const ag_node *made = agi_made(f->run, f->leaf);
    const int64_t takes = ag_count(made);
    if (takes == count || (made == f->leaf && agi_shape_holds_extent(made))) return AG_OK; /* it is not needed */
    snprintf(why, sizeof why, "takes %lld elements, not %lld", (long long)takes, (long long)count);
    return refuse(f, why);
}

#define COPY_AS(type)                                                      \
    for (int64_t i = 0; i < count; i++) ((type *)to)[i] = (type)data[i]

#define FEED(suffix, type, code)                                                                \
    ag_status ag_feed_##suffix(ag_run *r, const ag_node *leaf, const type *data, int64_t count) \
    {                                                                                           \
        void *to = NULL;                                                                        \
        feeding f = { r, "ag_feed_" #suffix, leaf, data };                                      \
        ag_status status = r ? check_fit(&f, code, count) : AG_EARG;                            \
        if (!status) status = find_place(&f, &to);                                              \
        if (status || !to) return status;                                                       \
        if (leaf->dtype == code) memmove(to, data, (size_t)count * sizeof *data);               \
        else if (leaf->dtype == AG_F32) COPY_AS(float);                                         \
        else COPY_AS(double);                                                                   \
        return AG_OK;                                                                           \
    }
FEED(f32, float, AG_F32)
FEED(f64, double, AG_F64)
FEED(i64, int64_t, AG_I64)

/* ---- parameters of two runs -------------------------------------------------------------------------------------- */

ag_status ag_run_share(ag_run *r, const ag_run *with)
{
    int shared = 0;
    if (!r || !with) return AG_EARG;
    for (int k = 0; r != with && k < r->plan->nplaces; k++) {
        const ag_node *x = r->plan->place[k].node;
        const agi_place *there = x->op->role == AG_IS_PARAMETER ? agi_find_place(with->plan, x) : NULL;
        if (!there) continue;
        ag_status status = ag_adopt(r, x, (void *)agi_value_at(with, there));
        if (status) return status;
        shared++;
    }
    if (shared || r == with) return AG_OK;
    snprintf(r->message, AGI_MESSAGE_BYTES, "ag_run_share: the two plans have no parameter in common");
    return AG_EARG;
}
