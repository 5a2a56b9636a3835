/* options.trap_nan: the first operation that makes a NaN or an infinity of finite operands ends the evaluation. Plans
 * that trap are compiled with a step for each operation, and no two values share memory: what a step has read is still
 * there when its result is looked at. */
#include "run.h"

#include <math.h>

/* A node's value as it lies in memory, or a single number for all its elements. */
typedef struct {
    const ag_node *node;
    const void *memory; /* NULL: it is the number, if it is known at all */
    ag_strides walk;
    double number;
    int known;
} operand;

static double element(const operand *o, int64_t at)
{
    if (!o->memory) return o->number;
    return o->node->dtype == AG_F32 ? (double)((const float *)o->memory)[at]
           : o->node->dtype == AG_F64 ? ((const double *)o->memory)[at] : (double)((const int64_t *)o->memory)[at];
}

/* ---- where a value lies ------------------------------------------------------------------------------------------ */

static uint32_t buffer_of(const ag_plan *p, const ag_node *x)
{
    uint32_t b = 0;
    while (b < p->nbuffers && p->buffer[b].node != x) b++;
    return b < p->nbuffers ? b : AGI_NONE;
}

/* Of views, what they are views of, with the strides to go through it as the view does; else x in its own memory. */
static operand locate(const ag_run *r, const ag_node *x)
{
    enum { MOST_VIEWS = 32 };
    const ag_node *view[MOST_VIEWS], *base = x;
    int views = 0;
    uint32_t b;
    operand o = { .node = x };
    while ((b = buffer_of(r->plan, base)) == AGI_NONE) {
        if (base->op->role == AG_IS_NUMBER) return o.known = 1, o.number = *(const double *)base->attribute, o;
        if (agi_is_last_input(base)) base = base->in[base->nin - 1];
        else if (base->op->flags & AG_VIEW && views < MOST_VIEWS) view[views++] = base, base = base->in[0];
        else return o;
    }
    o.walk = ag_contiguous(base);
    while (views-- > 0)
        if (!view[views]->op->view(view[views], &o.walk)) return o;
    o.known = 1;
    o.memory = (const char *)r->memory[b] + o.walk.offset * (int64_t)ag_dtype_size((ag_dtype)x->dtype);
    return o;
}

/* ---- elements in row-major order --------------------------------------------------------------------------------- */

static int64_t place(const operand *o, const int64_t *index)
{
    int64_t at = 0;
    for (int i = 0; o->memory && i < (int)o->node->rank; i++) at += index[i] * o->walk.stride[i];
    return at;
}

static int next(const ag_node *x, int64_t *index)
{
    for (int i = (int)x->rank - 1; i >= 0; i--) {
        if (++index[i] < x->dim[i]) return 1;
        index[i] = 0;
    }
    return 0;
}

/* The first that is not finite; 0: all are. */
static int find_bad(const operand *o, int64_t *index)
{
    memset(index, 0, AG_MAX_RANK * sizeof *index);
    if (!o->known || o->node->dtype == AG_I64) return 0;
    do
        if (!isfinite(element(o, place(o, index)))) return 1;
    while (next(o->node, index));
    return 0;
}

/* Of an operand of a pointwise operation, the element that broadcasting puts there. */
static double element_beside(const operand *o, const ag_node *y, const int64_t *index)
{
    int64_t own[AG_MAX_RANK] = { 0 };
    for (int i = 0; i < (int)o->node->rank; i++)
        own[i] = o->node->dim[i] == 1 ? 0 : index[i + (int)y->rank - (int)o->node->rank];
    return element(o, place(o, own));
}

static void find_range(const operand *o, double *low, double *high)
{
    int64_t index[AG_MAX_RANK] = { 0 };
    *low = INFINITY, *high = -INFINITY;
    do {
        double x = element(o, place(o, index));
        *low = fmin(*low, x), *high = fmax(*high, x);
    } while (next(o->node, index));
}

/* ---- the operation that did it ----------------------------------------------------------------------------------- */

/* Is that element made of finite ones? */
static int is_first(const ag_run *r, const ag_node *y, const int64_t *index)
{
    int64_t any[AG_MAX_RANK];
    for (uint32_t k = 0; k < y->nin; k++) {
        const operand o = locate(r, y->in[k]);
        if (!o.known) continue;
        if (y->op->flags & AG_POINTWISE ? !isfinite(element_beside(&o, y, index)) : find_bad(&o, any)) return 0;
    }
    return 1;
}

static void print_index(agi_text *t, const ag_node *y, const int64_t *index)
{
    if (!y->rank) return;
    agi_print(t, " at [");
    for (int i = 0; i < (int)y->rank; i++) agi_print(t, i ? ",%lld" : "%lld", (long long)index[i]);
    agi_print(t, "]");
}

static void print_operand(agi_text *t, const ag_run *r, const ag_node *y, uint32_t k, const int64_t *index)
{
    const operand o = locate(r, y->in[k]);
    double low, high;
    agi_print(t, k ? "; " : ", of ");
    agi_print_node(t, y->in[k]);
    if (!o.known) return;
    if (y->op->flags & AG_POINTWISE) agi_print(t, ", there %g", element_beside(&o, y, index));
    if (ag_count(y->in[k]) == 1) return;
    find_range(&o, &low, &high);
    agi_print(t, ", in all %g to %g", low, high);
}

/* Back along operands that are no constants, to what a person has named: "x > mul (node 2) > log". */
static void print_path(agi_text *t, const ag_node *y)
{
    enum { MOST = 8 };
    const ag_node *way[MOST];
    int n = 0;
    for (const ag_node *x = y; x && n < MOST; way[n++] = x, x = y) {
        y = NULL;
        for (uint32_t k = 0; k < x->nin && !y; k++)
            if (x->in[k]->op->role != AG_IS_CONSTANT && x->in[k]->op->role != AG_IS_NUMBER) y = x->in[k];
    }
    agi_print(t, "; on the way %s", y ? "... > " : "");
    while (n-- > 0) {
        if (way[n]->name) agi_print(t, "'%s'", way[n]->name);
        else agi_print(t, "%s (node %u)", way[n]->op->name, way[n]->id);
        agi_print(t, n ? " > " : "");
    }
}

static ag_status explain(ag_run *r, const operand *o, const int64_t *index)
{
    const ag_node *y = o->node;
    agi_text t = { r->message, r->message + AGI_MESSAGE_BYTES };
    double value = element(o, place(o, index));
    if (y->name) agi_print(&t, "%s (node %u) ", y->op->name, y->id);
    agi_print_node(&t, y);
    agi_print(&t, ": the first %s", isnan(value) ? "NaN" : value > 0 ? "Inf" : "-Inf");
    print_index(&t, y, index);
    for (uint32_t k = 0; k < y->nin && k < 4; k++) print_operand(&t, r, y, k, index);
    print_path(&t, y);
    return AG_ENAN;
}

/* ---- after a step ------------------------------------------------------------------------------------------------ */

static ag_status check(ag_run *r, uint32_t buffer)
{
    const ag_node *y = r->plan->buffer[buffer].node;
    int64_t index[AG_MAX_RANK];
    if (!y) return AG_OK;
    const operand o = { .node = y, .memory = r->memory[buffer], .walk = ag_contiguous(y), .known = 1 };
    return find_bad(&o, index) && is_first(r, y, index) ? explain(r, &o, index) : AG_OK;
}

ag_status agi_trap(ag_run *r, const agi_step *s)
{
    ag_status status = AG_OK;
    if (s->kind == AGI_PRODUCT) return check(r, s->is.product->out);
    if (s->kind == AGI_CALL) return check(r, s->is.call->out);
    if (s->kind != AGI_PASS) return AG_OK;
    for (int k = 0; k < s->is.pass->nstores && !status; k++) status = check(r, s->is.pass->store[k].buffer);
    for (int k = 0; k < s->is.pass->nfolds && !status; k++) status = check(r, s->is.pass->fold[k].buffer);
    return status;
}
